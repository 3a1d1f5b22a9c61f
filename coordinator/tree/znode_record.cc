#include "coordinator/tree/znode_record.h"

#include "absl/strings/str_cat.h"
#include "coordinator/base/bytes.h"

namespace synod::tree {
namespace {

constexpr uint8_t kFormat = 2;

// Differences wrap, so that any two values can be written and read back.
int64_t Minus(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
int64_t Plus(int64_t a, int64_t b) { return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b)); }

}  // namespace

std::string ZnodeKey(std::string_view path) {
  std::string key;
  key.reserve(1 + path.size());
  key.push_back(kZnodeKeyPrefix);
  key.append(path);
  return key;
}

std::string EncodeZnode(const NodeStore& store, Handle handle) {
  const Znode& node = store.at(handle);
  const Directory* directory = store.directory(handle);
  BlobFields blob = NodeStore::Fields(node);
  ByteWriter out;
  out.U8(kFormat);
  out.U8(static_cast<uint8_t>(node.kind));
  out.SignedVarint(node.czxid);
  out.SignedVarint(Minus(node.mzxid, node.czxid));
  out.SignedVarint(Minus(store.pzxid(handle), node.czxid));
  out.SignedVarint(node.ctime_ms);
  out.SignedVarint(Minus(node.mtime_ms, node.ctime_ms));
  out.SignedVarint(node.version);
  out.SignedVarint(blob.aversion);
  out.Varint(directory == nullptr ? 0 : directory->create_counter);
  out.Varint(blob.acl.value());
  if (node.kind == NodeKind::kEphemeral) out.SignedVarint(node.ephemeral_owner);
  if (node.kind == NodeKind::kTtl) {
    out.Varint(blob.ttl_ms);
    out.Varint(blob.renewed_us);
  }
  if (node.null_data()) {
    out.Varint(0);
  } else {
    out.Varint(blob.data.size() + 1);
    out.Append(blob.data);
  }
  return out.Take();
}

absl::Status DecodeZnode(std::string_view value, ZnodeRecord* record) {
  ByteReader in(value);
  uint8_t format = in.U8();
  if (in.ok() && format != kFormat) return absl::DataLossError(absl::StrCat("znode record of unknown format ", format));
  uint8_t kind = in.U8();
  if (kind > static_cast<uint8_t>(NodeKind::kTtl))
    return absl::DataLossError(absl::StrCat("znode record of unknown kind ", kind));
  record->kind = static_cast<NodeKind>(kind);
  record->czxid = in.SignedVarint();
  record->mzxid = Plus(record->czxid, in.SignedVarint());
  record->pzxid = Plus(record->czxid, in.SignedVarint());
  record->ctime_ms = in.SignedVarint();
  record->mtime_ms = Plus(record->ctime_ms, in.SignedVarint());
  int64_t version = in.SignedVarint();
  int64_t aversion = in.SignedVarint();
  record->version = static_cast<int32_t>(version);
  record->aversion = static_cast<int32_t>(aversion);
  record->create_counter = in.Varint();
  uint64_t acl = in.Varint();
  record->acl = AclId(static_cast<uint32_t>(acl));
  record->ephemeral_owner = record->kind == NodeKind::kEphemeral ? in.SignedVarint() : 0;
  record->ttl_ms = record->kind == NodeKind::kTtl ? in.Varint() : 0;
  record->renewed_us = record->kind == NodeKind::kTtl ? in.Varint() : 0;
  uint64_t data = in.Varint();
  record->data.reset();
  if (data > 0) record->data = in.Take(data - 1);
  if (absl::Status status = in.Finish("znode record"); !status.ok()) return status;
  if (version != record->version || aversion != record->aversion || acl > UINT32_MAX) {
    return absl::DataLossError("znode record with a number out of range");
  }
  if (record->kind == NodeKind::kEphemeral &&
      (record->ephemeral_owner == 0 || record->create_counter != 0 || record->pzxid != record->czxid)) {
    return absl::DataLossError("znode record of an ephemeral without owner or with children");
  }
  return absl::OkStatus();
}

}  // namespace synod::tree

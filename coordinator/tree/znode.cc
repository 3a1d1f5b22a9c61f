#include "coordinator/tree/znode.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <functional>

#include "coordinator/base/check.h"

namespace synod::tree {
namespace {

size_t VarintSize(uint64_t v) {
  size_t n = 1;
  for (; v >= 0x80; v >>= 7) ++n;
  return n;
}

char* PutVarint(char* p, uint64_t v) {
  for (; v >= 0x80; v >>= 7) *p++ = static_cast<char>(v | 0x80);
  *p++ = static_cast<char>(v);
  return p;
}

// The tree wrote what it reads here, so nothing is checked.
const char* GetVarint(const char* p, uint64_t* v) {
  uint64_t out = 0;
  for (int shift = 0;; shift += 7) {
    auto b = static_cast<uint8_t>(*p++);
    out |= static_cast<uint64_t>(b & 0x7f) << shift;
    if (b < 0x80) break;
  }
  *v = out;
  return p;
}

uint64_t ZigZag(int32_t v) {
  return (static_cast<uint64_t>(static_cast<int64_t>(v)) << 1) ^ static_cast<uint64_t>(static_cast<int64_t>(v) >> 63);
}
int32_t UnZigZag(uint64_t v) {
  return static_cast<int32_t>(static_cast<int64_t>(v >> 1) ^ -static_cast<int64_t>(v & 1));
}

size_t BlobSize(const BlobFields& f, NodeKind kind) {
  return VarintSize(f.name.size()) + f.name.size() + VarintSize(f.data.size()) + VarintSize(ZigZag(f.aversion)) +
         VarintSize(f.acl.value()) + (kind == NodeKind::kTtl ? VarintSize(f.ttl_ms) + VarintSize(f.renewed_us) : 0) +
         f.data.size();
}

char* PutBytes(char* p, std::string_view bytes) {
  if (!bytes.empty()) std::memcpy(p, bytes.data(), bytes.size());
  return p + bytes.size();
}

// Everything behind the name.
void PutTail(char* p, const BlobFields& f, NodeKind kind) {
  p = PutVarint(p, f.data.size());
  p = PutVarint(p, ZigZag(f.aversion));
  p = PutVarint(p, f.acl.value());
  if (kind == NodeKind::kTtl) p = PutVarint(PutVarint(p, f.ttl_ms), f.renewed_us);
  PutBytes(p, f.data);
}

BlobFields ParseBlob(const char* p, NodeKind kind) {
  BlobFields f;
  uint64_t length, data_length, v;
  p = GetVarint(p, &length);
  f.name = std::string_view(p, length);
  p = GetVarint(p + length, &data_length);
  p = GetVarint(p, &v);
  f.aversion = UnZigZag(v);
  p = GetVarint(p, &v);
  f.acl = AclId(static_cast<uint32_t>(v));
  if (kind == NodeKind::kTtl) p = GetVarint(GetVarint(p, &f.ttl_ms), &f.renewed_us);
  f.data = std::string_view(p, data_length);
  return f;
}

}  // namespace

NodeStore::~NodeStore() {
  for (Handle h = 1; h < end_; ++h) {
    Znode& node = at(h);
    if (!node.alive()) continue;
    if (node.blob != nullptr) blobs_.Free(node.blob, BlobSize(ParseBlob(node.blob, node.kind), node.kind));
    if (node.kind != NodeKind::kEphemeral) delete node.directory;
  }
  for (Znode* chunk : chunks_) std::free(chunk);
}

Handle NodeStore::Allocate() {
  Handle handle = free_;
  if (handle != kNoHandle) {
    free_ = at(handle).parent;
  } else {
    SYNOD_CHECK_LT(end_, UINT32_MAX);
    handle = end_++;
    if (handle / kChunkNodes == chunks_.size()) {
      chunks_.push_back(reinterpret_cast<Znode*>(NewRegion(!chunks_.empty())));
    }
    std::memset(static_cast<void*>(&at(handle)), 0, sizeof(Znode));
  }
  Znode& node = at(handle);
  uint8_t change_bits = node.change_bits;
  node = Znode{};
  node.change_bits = change_bits;
  node.flags = Znode::kAlive;
  return handle;
}

void NodeStore::Free(Handle handle) {
  Znode& node = at(handle);
  SYNOD_CHECK(node.alive() && child_count(handle) == 0);
  FreeBlob(node.blob, node.kind);
  if (node.kind != NodeKind::kEphemeral && node.directory != nullptr) {
    --directories_;
    child_list_bytes_ -= node.directory->children.memory_bytes();
    delete node.directory;
  }
  node.directory = nullptr;
  node.blob = nullptr;
  node.flags = 0;
  node.parent = free_;
  free_ = handle;
}

char* NodeStore::NewBlob(const BlobFields& fields, NodeKind kind) {
  if (acls_ != nullptr && fields.acl > access::kReadOnlyAcl) acls_->AddReference(fields.acl);
  char* blob = blobs_.Allocate(BlobSize(fields, kind));
  PutTail(PutBytes(PutVarint(blob, fields.name.size()), fields.name), fields, kind);
  return blob;
}

void NodeStore::FreeBlob(char* blob, NodeKind kind) {
  BlobFields fields = ParseBlob(blob, kind);
  if (acls_ != nullptr && fields.acl > access::kReadOnlyAcl) acls_->Release(fields.acl);
  blobs_.Free(blob, BlobSize(fields, kind));
}

bool NodeStore::ReplaceInPlace(Znode& node, const BlobFields& fields) {
  size_t old_capacity = BlobPool::Capacity(BlobSize(ParseBlob(node.blob, node.kind), node.kind));
  if (BlobPool::Capacity(BlobSize(fields, node.kind)) != old_capacity) return false;
  std::less<const char*> before;
  const char* data = fields.data.data();
  if (!fields.data.empty() && !before(data, node.blob) && before(data, node.blob + old_capacity)) return false;
  PutTail(node.blob + (fields.name.data() - node.blob) + fields.name.size(), fields, node.kind);
  return true;
}

std::string_view NodeStore::Name(const Znode& node) {
  uint64_t length;
  const char* p = GetVarint(node.blob, &length);
  return {p, length};
}

AclId NodeStore::acl(Handle handle) const {
  uint64_t v;
  const char* p = GetVarint(at(handle).blob, &v);
  p = GetVarint(p + v, &v);
  p = GetVarint(p, &v);
  GetVarint(p, &v);
  return AclId(static_cast<uint32_t>(v));
}

BlobFields NodeStore::Fields(const Znode& node) { return ParseBlob(node.blob, node.kind); }

Directory& NodeStore::EnsureDirectory(Handle handle) {
  Znode& node = at(handle);
  SYNOD_CHECK(node.kind != NodeKind::kEphemeral);
  if (node.directory == nullptr) {
    uint64_t path_hash = PathHash(handle);
    node.directory = new Directory;
    node.directory->pzxid = node.czxid;
    node.directory->path_hash = path_hash;
    ++directories_;
  }
  return *node.directory;
}

void NodeStore::AddChild(Handle parent, Handle child) {
  Directory& d = EnsureDirectory(parent);
  size_t bytes = d.children.memory_bytes();
  d.children.Add(*this, child);
  child_list_bytes_ += d.children.memory_bytes() - bytes;
}

void NodeStore::RemoveChild(Handle parent, Handle child) {
  Directory& d = EnsureDirectory(parent);
  size_t bytes = d.children.memory_bytes();
  d.children.Remove(*this, child);
  child_list_bytes_ += d.children.memory_bytes() - bytes;
}

Handle NodeStore::FirstChild(Handle parent) {
  return directory(parent) == nullptr ? kNoHandle : at(parent).directory->children.First(*this);
}

Handle NodeStore::FirstChildNotBefore(Handle parent, std::string_view name) {
  return directory(parent) == nullptr ? kNoHandle : at(parent).directory->children.FirstNotBefore(*this, name);
}

Handle NodeStore::NextSibling(Handle child) { return at(at(child).parent).directory->children.Next(*this, child); }

Handle NodeStore::NextInOrder(Handle handle, Handle top, bool skip_below) {
  if (!skip_below) {
    if (Handle child = FirstChild(handle); child != kNoHandle) return child;
  }
  for (; handle != top; handle = at(handle).parent) {
    if (Handle sibling = NextSibling(handle); sibling != kNoHandle) return sibling;
  }
  return kNoHandle;
}

Handle NodeStore::FirstLeaf(Handle handle) {
  for (;;) {
    Handle child = FirstChild(handle);
    if (child == kNoHandle) return handle;
    handle = child;
  }
}

size_t NodeStore::PathLength(Handle handle) const {
  size_t length = 0;
  for (Handle h = handle; at(h).parent != kNoHandle; h = at(h).parent) length += 1 + name(h).size();
  return std::max<size_t>(length, 1);
}

std::string NodeStore::Path(Handle handle) const {
  std::string path(PathLength(handle), '/');
  size_t end = path.size();
  for (Handle h = handle; at(h).parent != kNoHandle; h = at(h).parent) {
    std::string_view part = name(h);
    end -= part.size();
    PutBytes(path.data() + end, part);
    --end;  // the slash is there
  }
  return path;
}

size_t NodeStore::Depth(Handle handle) const {
  size_t depth = 0;
  for (Handle h = at(handle).parent; h != kNoHandle; h = at(h).parent) ++depth;
  return depth;
}

bool NodeStore::PathBefore(Handle a, Handle b) const {
  if (a == b) return false;
  if (at(a).parent != at(b).parent) {
    // Up to where the two lines part; from there on names decide.
    size_t depth_a = Depth(a);
    size_t depth_b = Depth(b);
    bool more_a = depth_a > depth_b;
    bool more_b = depth_b > depth_a;
    for (; depth_a > depth_b; --depth_a) a = at(a).parent;
    for (; depth_b > depth_a; --depth_b) b = at(b).parent;
    if (a == b) return more_b;  // the one is above the other
    for (; at(a).parent != at(b).parent;) {
      a = at(a).parent;
      b = at(b).parent;
      more_a = more_b = true;
    }
    std::string_view name_a = name(a);
    std::string_view name_b = name(b);
    size_t common = std::min(name_a.size(), name_b.size());
    if (int order = name_a.substr(0, common).compare(name_b.substr(0, common)); order != 0) return order < 0;
    // The longer name's next byte stands against the slash of the other path, or its end.
    if (name_a.size() < name_b.size()) return !more_a || '/' < static_cast<uint8_t>(name_b[common]);
    return more_b && static_cast<uint8_t>(name_a[common]) < '/';
  }
  return name(a) < name(b);
}

bool NodeStore::PathIs(Handle handle, std::string_view path) const {
  if (at(handle).parent == kNoHandle) return path == "/";
  for (Handle h = handle; at(h).parent != kNoHandle; h = at(h).parent) {
    std::string_view part = name(h);
    if (path.size() <= part.size()) return false;
    size_t rest = path.size() - part.size();
    if (path[rest - 1] != '/' || path.substr(rest) != part) return false;
    path = path.substr(0, rest - 1);
  }
  return path.empty();
}

uint64_t NodeStore::PathHash(Handle handle) const {
  const Znode& node = at(handle);
  if (node.parent == kNoHandle) return kRootPathHash;
  const Directory* own = directory(handle);
  if (own != nullptr) return own->path_hash;
  // The parent of an attached node has a Directory; a node about to be attached has not necessarily.
  return ChildPathHash(PathHash(node.parent), Name(node));
}

Stat NodeStore::StatOf(Handle handle) const {
  const Znode& node = at(handle);
  const Directory* d = directory(handle);
  BlobFields fields = Fields(node);
  Stat stat;
  stat.czxid = Zxid(node.czxid);
  stat.mzxid = Zxid(node.mzxid);
  stat.pzxid = Zxid(pzxid(handle));
  stat.ctime_ms = node.ctime_ms;
  stat.mtime_ms = node.mtime_ms;
  stat.version = node.version;
  stat.aversion = fields.aversion;
  stat.ephemeral_owner = SessionId(node.kind == NodeKind::kEphemeral ? node.ephemeral_owner : 0);
  stat.data_length = static_cast<int32_t>(fields.data.size());
  if (d != nullptr) {
    stat.num_children = static_cast<int32_t>(d->children.size());
    stat.cversion = static_cast<int32_t>(static_cast<uint32_t>(2 * d->create_counter - d->children.size()));
  }
  return stat;
}

uint64_t NodeStore::FieldsDigest(Handle handle) const {
  const Znode& node = at(handle);
  const Directory* d = directory(handle);
  BlobFields blob = Fields(node);
  DigestFields f;
  f.czxid = node.czxid;
  f.mzxid = node.mzxid;
  f.pzxid = pzxid(handle);
  f.ctime_ms = node.ctime_ms;
  f.mtime_ms = node.mtime_ms;
  f.version = node.version;
  f.aversion = blob.aversion;
  f.create_counter = d == nullptr ? 0 : d->create_counter;
  f.ephemeral_owner = node.kind == NodeKind::kEphemeral ? node.ephemeral_owner : 0;
  f.ttl_ms = blob.ttl_ms;
  f.renewed_us = blob.renewed_us;
  f.bits = blob.acl.value() | static_cast<uint64_t>(node.kind) << 32 | static_cast<uint64_t>(node.null_data()) << 40;
  return FieldsTerm(PathHash(handle), f);
}

uint64_t NodeStore::DataDigest(Handle handle) const { return DataTerm(PathHash(handle), Fields(at(handle)).data); }

size_t NodeStore::memory_bytes() const {
  constexpr size_t kMallocHeader = 8;
  return end_ * sizeof(Znode) + blobs_.memory_bytes() + directories_ * (sizeof(Directory) + 2 * kMallocHeader) +
         child_list_bytes_;
}

}  // namespace synod::tree

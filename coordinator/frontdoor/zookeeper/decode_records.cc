#include "coordinator/frontdoor/zookeeper/decode_records.h"

#include <algorithm>
#include <utility>

#include "coordinator/access/acl.h"

namespace synod::frontdoor::zookeeper {
namespace {

using service::CreateMode;

constexpr size_t kAclEntryBytesMin = 3 * sizeof(int32_t);
constexpr int32_t kFlagsMax = static_cast<int32_t>(CreateMode::kPersistentSequentialTtl);
// No mode without a TTL has one: the state machine refuses such a create, alone and in a multi, as ZooKeeper does.
constexpr uint64_t kMisplacedTtl = 1;

// The schemes whose ids ZooKeeper looks into; a null one is an exception there (7.3).
bool NeedsId(std::string_view scheme) { return scheme == "world" || scheme == "digest" || scheme == "ip"; }

// Null, negative and empty lists are the empty one, which the state machine calls InvalidACL; so it does a null scheme.
// False: an id is null whose scheme looks into it. What is longer than any list that may be stored is cut behind the
// entry that makes it too long.
bool ReadAcl(JuteReader* in, access::Acl* out) {
  const int32_t count = in->Int();
  if (count <= 0) return true;
  if (static_cast<size_t>(count) > in->rest().size() / kAclEntryBytesMin) {
    in->Fail();
    return true;
  }
  bool ids = true;
  out->reserve(std::min<size_t>(count, access::kMaxAclEntriesAsked + 1));
  for (int32_t i = 0; i < count && in->ok(); ++i) {
    const auto permissions = static_cast<uint32_t>(in->Int());
    const std::string_view scheme = in->String();
    bool null_id = false;
    const std::string_view id = in->String(&null_id);
    if (null_id && NeedsId(scheme)) ids = false;
    if (out->size() <= access::kMaxAclEntriesAsked) out->push_back({permissions, std::string(scheme), std::string(id)});
  }
  return ids;
}

service::NodeData ReadData(JuteReader* in) {
  const std::optional<std::string_view> data = in->Buffer();
  return data ? service::NodeData(std::in_place, *data) : std::nullopt;
}

}  // namespace

ErrorNumber ReadCreate(OpCode op, bool in_multi, JuteReader* in, service::CreateOp* out) {
  bool null_path = false;
  out->path = in->String(&null_path);
  out->data = ReadData(in);
  const bool ids = ReadAcl(in, &out->acl.emplace());
  const int32_t flags = in->Int();
  const int64_t ttl = op == OpCode::kCreateTtl ? in->Long() : 0;
  if (!in->ok()) return ErrorNumber::kMarshallingError;
  if (flags < 0 || flags > kFlagsMax) return in_multi ? ErrorNumber::kMarshallingError : ErrorNumber::kBadArguments;
  if (null_path || !ids) return ErrorNumber::kMarshallingError;

  out->mode = static_cast<CreateMode>(flags);
  if (op == OpCode::kCreateTtl) {
    out->ttl_ms = statemachine::IsTtl(out->mode) ? static_cast<uint64_t>(ttl) : kMisplacedTtl;
    return ErrorNumber::kOk;
  }
  if (in_multi && statemachine::IsTtl(out->mode)) return ErrorNumber::kMarshallingError;
  if (op == OpCode::kCreateContainer && out->mode != CreateMode::kContainer) {
    out->mode = CreateMode::kContainer;
    out->ttl_ms = kMisplacedTtl;
  }
  return ErrorNumber::kOk;
}

ErrorNumber ReadDelete(JuteReader* in, service::DeleteOp* out) {
  bool null_path = false;
  out->path = in->String(&null_path);
  out->version = in->Int();
  return Judge(*in, null_path);
}

// A null path is a bad argument, as the empty one is.
ErrorNumber ReadSetData(JuteReader* in, service::SetDataOp* out) {
  out->path = in->String();
  out->data = ReadData(in);
  out->version = in->Int();
  return Judge(*in);
}

ErrorNumber ReadSetAcl(JuteReader* in, service::SetAclOp* out) {
  out->path = in->String();
  const bool ids = ReadAcl(in, &out->acl.emplace());
  out->version = in->Int();
  if (!ids) return ErrorNumber::kMarshallingError;
  return Judge(*in);
}

ErrorNumber ReadCheck(JuteReader* in, service::CheckOp* out) {
  out->path = in->String();
  out->version = in->Int();
  return Judge(*in);
}

ErrorNumber ReadPathAndWatch(JuteReader* in, std::string* path, bool* watch) {
  bool null_path = false;
  *path = in->String(&null_path);
  *watch = in->Bool();
  return Judge(*in, null_path);
}

ErrorNumber ReadPath(JuteReader* in, std::string* path) {
  bool null_path = false;
  *path = in->String(&null_path);
  return Judge(*in, null_path);
}

}  // namespace synod::frontdoor::zookeeper

#include "coordinator/tree/data_tree_impl.h"

#include <algorithm>
#include <utility>

#include "coordinator/base/check.h"
#include "coordinator/tree/path.h"

namespace synod::tree {
namespace {

// -1 is the wildcard of conditional requests, so no version may have that value (section 6.4).
int32_t NextVersion(int32_t version) {
  auto next = static_cast<int32_t>(static_cast<uint32_t>(version) + 1);
  return next == -1 ? 0 : next;
}

}  // namespace

DataTree::Impl::~Impl() { SYNOD_CHECK(!transaction.has_value()) << "a tree destroyed between Begin and Commit"; }

uint64_t DataTree::Impl::HashOf(std::string_view path) {
  uint64_t hash = kRootPathHash;
  for (size_t start = 1; path.size() > 1;) {
    size_t slash = path.find('/', start);
    hash = ChildPathHash(hash, path.substr(start, slash - start));
    if (slash == std::string_view::npos) break;
    start = slash + 1;
  }
  return hash;
}

Handle DataTree::Impl::Find(std::string_view path) const {
  if (path.empty() || path[0] != '/') return kNoHandle;
  if (path.size() == 1) return root;
  return index.Find(HashOf(path), [&](Handle h) { return store.PathIs(h, path); });
}

Handle DataTree::Impl::FindParentToLoad(std::string_view path) {
  if (last_parent == kNoHandle || last_parent_path != path) {
    last_parent = Find(path);
    last_parent_path = path;
  }
  return last_parent;
}

Error DataTree::Impl::Lookup(std::string_view path, Handle* handle) const {
  *handle = Find(path);
  if (*handle != kNoHandle) return Error::kOk;  // only well-formed paths lead to a node
  return IsValidPath(path) ? Error::kNoNode : Error::kBadArguments;
}

Error DataTree::Impl::LookupAllowed(const access::Caller& caller, std::string_view path, uint32_t wanted,
                                    Handle* handle) const {
  if (Error error = Lookup(path, handle); error != Error::kOk) return error;
  return Allows(caller, *handle, wanted) ? Error::kOk : Error::kNoAuth;
}

Error DataTree::Impl::LookupToDelete(const access::Caller& caller, std::string_view path, int32_t version,
                                     Handle* handle) const {
  if (IsSystemPath(path)) return Error::kBadArguments;
  *handle = Find(path);
  if (*handle == kNoHandle && !IsValidPath(path)) return Error::kBadArguments;
  Handle parent = *handle != kNoHandle ? store.at(*handle).parent : Find(ParentPath(path));
  if (parent == kNoHandle) return Error::kNoNode;
  if (!Allows(caller, parent, access::kDelete)) return Error::kNoAuth;
  if (*handle == kNoHandle) return Error::kNoNode;
  return version == -1 || version == store.at(*handle).version ? Error::kOk : Error::kBadVersion;
}

Handle DataTree::Impl::FindChild(Handle parent, std::string_view name) const {
  if (store.directory(parent) == nullptr) return kNoHandle;
  return index.Find(ChildPathHash(store.PathHash(parent), name),
                    [&](Handle h) { return store.at(h).parent == parent && store.name(h) == name; });
}

void DataTree::Impl::Attach(Handle handle) {
  Znode& node = store.at(handle);
  if (node.parent != kNoHandle) {
    LeaveIdle(node.parent);
    store.AddChild(node.parent, handle);
    store.AddBelow(node.parent, 1, NodeStore::Fields(node).data.size());
  }
  index.Insert(store.PathHash(handle), handle);
  if (node.kind == NodeKind::kEphemeral) ephemerals.Add(SessionId(node.ephemeral_owner), handle);
  EnterIdle(handle);
}

void DataTree::Impl::Detach(Handle handle) {
  Znode& node = store.at(handle);
  LeaveIdle(handle);
  if (node.kind == NodeKind::kEphemeral) ephemerals.Remove(SessionId(node.ephemeral_owner), handle);
  index.Erase(store.PathHash(handle), handle);
  store.RemoveChild(node.parent, handle);
  store.AddBelow(node.parent, uint64_t{0} - 1, uint64_t{0} - NodeStore::Fields(node).data.size());
  EnterIdle(node.parent);
}

std::optional<uint64_t> DataTree::Impl::IdleSince(Handle handle) const {
  const Znode& node = store.at(handle);
  if (node.kind < NodeKind::kContainer || store.child_count(handle) != 0) return std::nullopt;
  if (node.kind == NodeKind::kContainer) {
    // One that never had a child waits for its first (section 8.5).
    if (node.directory == nullptr || node.directory->create_counter == 0) return std::nullopt;
    return node.directory->childless_since;
  }
  BlobFields fields = NodeStore::Fields(node);
  constexpr uint64_t kUsPerMs = 1000;
  if (fields.ttl_ms > (UINT64_MAX - fields.renewed_us) / kUsPerMs) return UINT64_MAX;
  return fields.renewed_us + fields.ttl_ms * kUsPerMs;
}

void DataTree::Impl::LeaveIdle(Handle handle) {
  if (store.at(handle).kind < NodeKind::kContainer) return;
  if (std::optional<uint64_t> since = IdleSince(handle)) idle.Remove(*since, handle);
}

void DataTree::Impl::EnterIdle(Handle handle) {
  if (store.at(handle).kind < NodeKind::kContainer) return;
  if (std::optional<uint64_t> since = IdleSince(handle)) idle.Add(*since, handle);
}

Handle DataTree::Impl::AddNode(Handle parent, std::string_view path, const BlobFields& fields, NodeKind kind,
                               bool null_data) {
  Handle handle = store.Allocate();
  Znode& node = store.at(handle);
  node.kind = kind;
  node.parent = parent;
  node.blob = store.NewBlob(fields, kind);
  if (null_data) node.flags |= Znode::kNullData;
  if (IsQuotaNode(path, kLimitsName)) node.flags |= Znode::kLimits;
  if (IsQuotaNode(path, kUsageName)) node.flags |= Znode::kUsage;
  if (parent == kNoHandle) root = handle;
  if (path == "/zookeeper/config") config = handle;
  data_bytes += path.size() + fields.data.size();
  return handle;
}

void DataTree::Impl::AddSystemNodes() {
  for (std::string_view path : {"/", "/zookeeper", "/zookeeper/config", "/zookeeper/quota"}) {
    BlobFields fields;
    if (path != "/") fields.name = BaseName(path);
    bool is_config = path == "/zookeeper/config";
    if (is_config) {
      fields.acl = access::kReadOnlyAcl;
      fields.aversion = -1;
    }
    Handle parent = path == "/" ? kNoHandle : Find(ParentPath(path));
    Handle handle = AddNode(parent, path, fields, NodeKind::kPersistent, false);
    if (is_config) store.at(handle).version = -1;
    // No create is counted for them, which is why a fresh "/" shows cversion -1 and /zookeeper -2 (section 6.3).
    Attach(handle);
    (void)changes.Created(handle, path);
    digest += Digest(handle);
  }
}

void DataTree::Impl::AddEvent(EventType type, const ChangeContext& context, std::string_view path, Handle handle) {
  const Znode& node = store.at(handle);
  usage_texts.clear();
  Event& event = events.emplace_back();
  event.type = type;
  event.path = path;
  event.zxid = context.zxid;
  event.acl = store.acl(handle);
  event.parent_acl = node.parent == kNoHandle ? event.acl : store.acl(node.parent);
}

Handle DataTree::Impl::CreateNode(const ChangeContext& context, Handle parent, std::string_view path,
                                  const CreateArgs& args) {
  changes.BeforeChange(parent);
  Directory& d = store.EnsureDirectory(parent);
  Delta delta{Delta::Kind::kCreated};
  delta.old_parent_pzxid = d.pzxid;
  delta.old_parent_counter = d.create_counter;
  digest -= store.FieldsDigest(parent);

  NodeKind kind = NodeKind::kPersistent;
  if (args.container) kind = NodeKind::kContainer;
  if (args.ttl_ms != 0) kind = NodeKind::kTtl;
  if (args.ephemeral_owner.value() != 0) kind = NodeKind::kEphemeral;
  BlobFields fields;
  fields.name = BaseName(path);
  fields.acl = args.acl;
  fields.data = args.data.value_or(std::string_view());
  fields.ttl_ms = args.ttl_ms;
  fields.renewed_us = context.log_clock_us;
  Handle handle = AddNode(parent, path, fields, kind, !args.data.has_value());
  Znode& node = store.at(handle);
  node.czxid = node.mzxid = context.zxid.value();
  node.ctime_ms = node.mtime_ms = context.wall_ms;
  if (kind == NodeKind::kEphemeral) node.ephemeral_owner = args.ephemeral_owner.value();
  Attach(handle);
  ++d.create_counter;  // behind Attach: a container without a create is not idle, and is not taken out
  d.pzxid = context.zxid.value();
  digest += store.FieldsDigest(parent) + Digest(handle);
  delta.node = handle;
  delta.tombstone = changes.Created(handle, path);
  if (transaction.has_value()) transaction->deltas.push_back(delta);
  if (!quotas.empty()) MarkQuota(handle, path);
  if ((node.flags & Znode::kLimits) != 0) LimitsChanged(handle, path, true);
  AddEvent(EventType::kCreated, context, path, handle);
  return handle;
}

void DataTree::Impl::RemoveNode(const ChangeContext& context, Handle handle, std::string_view path) {
  Handle parent = store.at(handle).parent;
  AddEvent(EventType::kDeleted, context, path, handle);
  changes.BeforeChange(parent);
  Directory& d = store.EnsureDirectory(parent);
  Delta delta{Delta::Kind::kDeleted};
  delta.node = handle;
  delta.old_parent_pzxid = d.pzxid;
  delta.old_parent_counter = d.create_counter;
  delta.old_parent_childless_since = d.childless_since;
  delta.tombstone = changes.BeforeDelete(handle, path);
  digest -= Digest(handle) + store.FieldsDigest(parent);
  d.pzxid = std::max(d.pzxid, context.zxid.value());
  d.childless_since = context.log_clock_us;
  digest += store.FieldsDigest(parent);
  data_bytes -= path.size() + NodeStore::Fields(store.at(handle)).data.size();
  Detach(handle);
  if ((store.at(handle).flags & Znode::kLimits) != 0) LimitsChanged(handle, path, false);
  if (transaction.has_value()) {
    transaction->deltas.push_back(delta);
  } else {
    store.Free(handle);
  }
}

void DataTree::Impl::ReplaceBlob(Handle handle, const BlobFields& fields) {
  Znode& node = store.at(handle);
  char* old_blob = node.blob;
  node.blob = store.NewBlob(fields, node.kind);
  if (!transaction.has_value()) return store.FreeBlob(old_blob, node.kind);
  Delta delta{Delta::Kind::kSet};
  delta.node = handle;
  delta.old_null = node.null_data();
  delta.old_version = node.version;
  delta.old_blob = old_blob;
  delta.old_mzxid = node.mzxid;
  delta.old_mtime_ms = node.mtime_ms;
  transaction->deltas.push_back(delta);
}

void DataTree::Impl::SetNode(const ChangeContext& context, Handle handle, std::string_view path,
                             std::optional<std::string_view> data) {
  changes.BeforeChange(handle);
  LeaveIdle(handle);
  Znode& node = store.at(handle);
  digest -= Digest(handle);
  BlobFields fields = NodeStore::Fields(node);
  size_t growth = data.value_or(std::string_view()).size() - fields.data.size();  // wraps
  fields.data = data.value_or(std::string_view());
  fields.renewed_us = context.log_clock_us;
  if (transaction.has_value() || !store.ReplaceInPlace(node, fields)) ReplaceBlob(handle, fields);
  node.flags = data.has_value() ? node.flags & ~Znode::kNullData : node.flags | Znode::kNullData;
  if (handle != config) node.version = NextVersion(node.version);  // the config node keeps -1 for ever (section 6.4)
  node.mzxid = context.zxid.value();
  node.mtime_ms = context.wall_ms;
  digest += Digest(handle);
  data_bytes += growth;
  if (growth != 0) store.AddBelow(node.parent, 0, growth);
  EnterIdle(handle);
  if ((node.flags & Znode::kLimits) != 0) LimitsChanged(handle, path, true);
  AddEvent(EventType::kDataChanged, context, path, handle);
}

void DataTree::Impl::SetNodeAcl(Handle handle, AclId acl) {
  changes.BeforeChange(handle);
  digest -= Digest(handle);
  BlobFields fields = NodeStore::Fields(store.at(handle));
  fields.acl = acl;
  fields.aversion = NextVersion(fields.aversion);
  ReplaceBlob(handle, fields);
  digest += Digest(handle);
}

void DataTree::Impl::UndoCreated(const Delta& delta) {
  Znode& node = store.at(delta.node);
  Directory& d = store.EnsureDirectory(node.parent);
  std::string path;
  if (delta.tombstone || (node.flags & Znode::kLimits) != 0) path = store.Path(delta.node);
  if (delta.tombstone) changes.RestoreTombstone(path);
  d.pzxid = delta.old_parent_pzxid;
  d.create_counter = delta.old_parent_counter;
  Detach(delta.node);
  if ((node.flags & Znode::kLimits) != 0) LimitsChanged(delta.node, path, false);
  store.Free(delta.node);
}

void DataTree::Impl::UndoDeleted(const Delta& delta) {
  Znode& node = store.at(delta.node);
  Attach(delta.node);
  Directory& d = store.EnsureDirectory(node.parent);
  d.pzxid = delta.old_parent_pzxid;
  d.create_counter = delta.old_parent_counter;
  d.childless_since = delta.old_parent_childless_since;
  // Whether it has a quota, its flag still says: changes are undone in reverse, so quotas are as they were when it
  // went.
  bool limits = (node.flags & Znode::kLimits) != 0;
  if (!delta.tombstone && !limits) return;
  std::string path = store.Path(delta.node);
  if (delta.tombstone) changes.DropTombstone(path);
  if (limits) LimitsChanged(delta.node, path, true);
}

void DataTree::Impl::UndoSet(const Delta& delta) {
  Znode& node = store.at(delta.node);
  LeaveIdle(delta.node);
  size_t growth = NodeStore::Fields(node).data.size();
  store.FreeBlob(node.blob, node.kind);
  node.blob = delta.old_blob;
  node.version = delta.old_version;
  node.mzxid = delta.old_mzxid;
  node.mtime_ms = delta.old_mtime_ms;
  node.flags = delta.old_null ? node.flags | Znode::kNullData : node.flags & ~Znode::kNullData;
  growth -= NodeStore::Fields(node).data.size();
  if (growth != 0) store.AddBelow(node.parent, 0, uint64_t{0} - growth);
  EnterIdle(delta.node);
  if ((node.flags & Znode::kLimits) != 0) LimitsChanged(delta.node, store.Path(delta.node), true);
}

}  // namespace synod::tree

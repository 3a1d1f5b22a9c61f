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

Handle DataTree::Impl::Find(std::string_view path) const {
  if (path.empty() || path[0] != '/') return kNoHandle;
  if (path.size() == 1) return root;
  uint64_t hash = kRootPathHash;
  for (size_t start = 1;;) {
    size_t slash = path.find('/', start);
    hash = ChildPathHash(hash, path.substr(start, slash - start));
    if (slash == std::string_view::npos) break;
    start = slash + 1;
  }
  return index.Find(hash, [&](Handle h) { return store.PathIs(h, path); });
}

Error DataTree::Impl::Lookup(std::string_view path, Handle* handle) const {
  *handle = Find(path);
  if (*handle != kNoHandle) return Error::kOk;  // only well-formed paths lead to a node
  return IsValidPath(path) ? Error::kNoNode : Error::kBadArguments;
}

Handle DataTree::Impl::FindChild(Handle parent, std::string_view name) const {
  if (store.directory(parent) == nullptr) return kNoHandle;
  return index.Find(ChildPathHash(store.PathHash(parent), name),
                    [&](Handle h) { return store.at(h).parent == parent && store.name(h) == name; });
}

void DataTree::Impl::Attach(Handle parent, Handle handle) {
  Znode& node = store.at(handle);
  node.parent = parent;
  if (parent != kNoHandle) store.AddChild(parent, handle);
  index.Insert(store.PathHash(handle), handle);
  if (node.kind == NodeKind::kEphemeral) ephemerals.Add(SessionId(node.ephemeral_owner), handle);
}

void DataTree::Impl::Detach(Handle handle) {
  Znode& node = store.at(handle);
  index.Erase(store.PathHash(handle), handle);
  store.RemoveChild(node.parent, handle);
  if (node.kind == NodeKind::kEphemeral) ephemerals.Remove(SessionId(node.ephemeral_owner), handle);
}

Handle DataTree::Impl::AddNode(Handle parent, std::string_view path, const BlobFields& fields, NodeKind kind,
                               bool null_data) {
  Handle handle = store.Allocate();
  Znode& node = store.at(handle);
  node.kind = kind;
  node.blob = store.NewBlob(fields, kind);
  if (null_data) node.flags |= Znode::kNullData;
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
      fields.acl = kReadOnlyAcl;
      fields.aversion = -1;
    }
    Handle parent = path == "/" ? kNoHandle : Find(ParentPath(path));
    Handle handle = AddNode(parent, path, fields, NodeKind::kPersistent, false);
    if (is_config) store.at(handle).version = -1;
    // No create is counted for them, which is why a fresh "/" shows cversion -1 and /zookeeper -2 (section 6.3).
    Attach(parent, handle);
    (void)changes.Created(handle, path);
    digest += Digest(handle);
  }
}

void DataTree::Impl::AddEvent(EventType type, const ChangeContext& context, std::string_view path, Handle handle) {
  const Znode& node = store.at(handle);
  Event& event = events.emplace_back();
  event.type = type;
  event.path = path;
  event.zxid = context.zxid;
  event.acl = NodeStore::Fields(node).acl;
  event.parent_acl = node.parent == kNoHandle ? event.acl : NodeStore::Fields(store.at(node.parent)).acl;
}

Handle DataTree::Impl::CreateNode(const ChangeContext& context, Handle parent, std::string_view path,
                                  const CreateArgs& args) {
  changes.BeforeChange(parent);
  Directory& d = store.EnsureDirectory(parent);
  Delta delta{Delta::Kind::kCreated};
  delta.old_parent_pzxid = d.pzxid;
  delta.old_parent_counter = d.create_counter;
  digest -= store.FieldsDigest(parent);
  ++d.create_counter;
  d.pzxid = context.zxid.value();
  digest += store.FieldsDigest(parent);

  BlobFields fields;
  fields.name = BaseName(path);
  fields.acl = args.acl;
  fields.data = args.data.value_or(std::string_view());
  NodeKind kind = args.ephemeral_owner.value() == 0 ? NodeKind::kPersistent : NodeKind::kEphemeral;
  Handle handle = AddNode(parent, path, fields, kind, !args.data.has_value());
  Znode& node = store.at(handle);
  node.czxid = node.mzxid = context.zxid.value();
  node.ctime_ms = node.mtime_ms = context.wall_ms;
  if (kind == NodeKind::kEphemeral) node.ephemeral_owner = args.ephemeral_owner.value();
  Attach(parent, handle);
  digest += Digest(handle);
  delta.node = handle;
  delta.tombstone = changes.Created(handle, path);
  if (transaction.has_value()) transaction->deltas.push_back(delta);
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
  delta.tombstone = changes.BeforeDelete(handle, path);
  digest -= Digest(handle) + store.FieldsDigest(parent);
  d.pzxid = std::max(d.pzxid, context.zxid.value());
  digest += store.FieldsDigest(parent);
  data_bytes -= path.size() + NodeStore::Fields(store.at(handle)).data.size();
  Detach(handle);
  if (transaction.has_value()) {
    transaction->deltas.push_back(delta);
  } else {
    store.Free(handle);
  }
}

void DataTree::Impl::SetNode(const ChangeContext& context, Handle handle, std::string_view path,
                             std::optional<std::string_view> data) {
  changes.BeforeChange(handle);
  Znode& node = store.at(handle);
  std::string_view bytes = data.value_or(std::string_view());
  BlobFields fields = NodeStore::Fields(node);
  digest -= Digest(handle);
  data_bytes += bytes.size();
  data_bytes -= fields.data.size();
  if (transaction.has_value() || !store.ReplaceDataInPlace(node, bytes)) {
    char* old_blob = node.blob;
    fields.data = bytes;
    node.blob = store.NewBlob(fields, node.kind);
    if (transaction.has_value()) {
      Delta delta{Delta::Kind::kSet};
      delta.node = handle;
      delta.old_null = node.null_data();
      delta.old_version = node.version;
      delta.old_blob = old_blob;
      delta.old_mzxid = node.mzxid;
      delta.old_mtime_ms = node.mtime_ms;
      transaction->deltas.push_back(delta);
    } else {
      store.FreeBlob(old_blob, node.kind);
    }
  }
  node.flags = data.has_value() ? node.flags & ~Znode::kNullData : node.flags | Znode::kNullData;
  if (handle != config) node.version = NextVersion(node.version);  // the config node keeps -1 for ever (section 6.4)
  node.mzxid = context.zxid.value();
  node.mtime_ms = context.wall_ms;
  digest += Digest(handle);
  AddEvent(EventType::kDataChanged, context, path, handle);
}

void DataTree::Impl::UndoCreated(const Delta& delta) {
  if (delta.tombstone) changes.RestoreTombstone(store.Path(delta.node));
  Directory& d = store.EnsureDirectory(store.at(delta.node).parent);
  Detach(delta.node);
  store.Free(delta.node);
  d.pzxid = delta.old_parent_pzxid;
  d.create_counter = delta.old_parent_counter;
}

void DataTree::Impl::UndoDeleted(const Delta& delta) {
  Handle parent = store.at(delta.node).parent;
  Attach(parent, delta.node);
  Directory& d = store.EnsureDirectory(parent);
  d.pzxid = delta.old_parent_pzxid;
  d.create_counter = delta.old_parent_counter;
  if (delta.tombstone) changes.DropTombstone(store.Path(delta.node));
}

void DataTree::Impl::UndoSet(const Delta& delta) {
  Znode& node = store.at(delta.node);
  store.FreeBlob(node.blob, node.kind);
  node.blob = delta.old_blob;
  node.version = delta.old_version;
  node.mzxid = delta.old_mzxid;
  node.mtime_ms = delta.old_mtime_ms;
  node.flags = delta.old_null ? node.flags | Znode::kNullData : node.flags & ~Znode::kNullData;
}

}  // namespace synod::tree

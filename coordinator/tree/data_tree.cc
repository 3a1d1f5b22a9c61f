#include "coordinator/tree/data_tree.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/strings/str_format.h"
#include "coordinator/base/check.h"
#include "coordinator/tree/data_tree_impl.h"
#include "coordinator/tree/path.h"

namespace synod::tree {

DataTree::DataTree() : impl_(std::make_unique<Impl>()) { impl_->AddSystemNodes(); }
DataTree::DataTree(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DataTree::~DataTree() = default;

Error DataTree::Create(const ChangeContext& context, const CreateArgs& args, std::string* final_path, Stat* stat) {
  if (args.path.find('/') == std::string_view::npos || args.path.find('\0') != std::string_view::npos) {
    return Error::kBadArguments;
  }
  Handle parent = impl_->Find(ParentPath(args.path));
  if (parent == kNoHandle) return Error::kNoNode;
  std::string path(args.path);
  if (args.sequential) {
    const Directory* d = impl_->store.directory(parent);
    absl::StrAppendFormat(&path, "%010d", d == nullptr ? 0 : d->create_counter);
  }
  if (!IsValidPath(path)) return Error::kBadArguments;
  if (path == "/" || impl_->FindChild(parent, BaseName(path)) != kNoHandle) return Error::kNodeExists;
  if (impl_->store.at(parent).kind == NodeKind::kEphemeral) return Error::kNoChildrenForEphemerals;
  Handle handle = impl_->CreateNode(context, parent, path, args);
  if (stat != nullptr) *stat = impl_->store.StatOf(handle);
  if (final_path != nullptr) *final_path = std::move(path);
  return Error::kOk;
}

Error DataTree::Delete(const ChangeContext& context, std::string_view path, int32_t version) {
  if (IsSystemPath(path)) return Error::kBadArguments;
  Handle handle;
  if (Error error = impl_->Lookup(path, &handle); error != Error::kOk) return error;
  if (version != -1 && version != impl_->store.at(handle).version) return Error::kBadVersion;
  if (impl_->store.child_count(handle) != 0) return Error::kNotEmpty;
  impl_->RemoveNode(context, handle, path);
  return Error::kOk;
}

Error DataTree::SetData(const ChangeContext& context, std::string_view path, std::optional<std::string_view> data,
                        int32_t version, Stat* stat) {
  Handle handle;
  if (Error error = impl_->Lookup(path, &handle); error != Error::kOk) return error;
  if (version != -1 && version != impl_->store.at(handle).version) return Error::kBadVersion;
  impl_->SetNode(context, handle, path, data);
  if (stat != nullptr) *stat = impl_->store.StatOf(handle);
  return Error::kOk;
}

Error DataTree::Check(std::string_view path, int32_t version, Stat* stat) const {
  Handle handle;
  if (Error error = impl_->Lookup(path, &handle); error != Error::kOk) return error;
  if (version != -1 && version != impl_->store.at(handle).version) return Error::kBadVersion;
  if (stat != nullptr) *stat = impl_->store.StatOf(handle);
  return Error::kOk;
}

void DataTree::DeleteEphemerals(const ChangeContext& context, SessionId owner) {
  std::vector<std::pair<std::string, Handle>> nodes;
  for (Handle handle : impl_->ephemerals.Of(owner)) nodes.emplace_back(impl_->store.Path(handle), handle);
  std::sort(nodes.begin(), nodes.end(), std::greater<>());
  for (const auto& [path, handle] : nodes) impl_->RemoveNode(context, handle, path);
}

void DataTree::Begin() {
  SYNOD_CHECK(!impl_->transaction.has_value()) << "Begin inside Begin";
  Impl::Transaction& t = impl_->transaction.emplace();
  t.changes = impl_->changes.GetMark();
  t.digest = impl_->digest;
  t.data_bytes = impl_->data_bytes;
  t.events = impl_->events.size();
}

void DataTree::Commit() {
  SYNOD_CHECK(impl_->transaction.has_value());
  // Blobs first: their size depends on the kind of the node, which may be among the deleted.
  std::vector<Impl::Delta>& deltas = impl_->transaction->deltas;
  for (const Impl::Delta& delta : deltas) {
    if (delta.kind == Impl::Delta::Kind::kSet) {
      impl_->store.FreeBlob(delta.old_blob, impl_->store.at(delta.node).kind);
    }
  }
  for (const Impl::Delta& delta : deltas) {
    if (delta.kind == Impl::Delta::Kind::kDeleted) impl_->store.Free(delta.node);
  }
  impl_->transaction.reset();
}

void DataTree::Rollback() {
  SYNOD_CHECK(impl_->transaction.has_value());
  Impl::Transaction t = *std::exchange(impl_->transaction, std::nullopt);
  for (auto delta = t.deltas.rbegin(); delta != t.deltas.rend(); ++delta) {
    switch (delta->kind) {
      case Impl::Delta::Kind::kCreated:
        impl_->UndoCreated(*delta);
        break;
      case Impl::Delta::Kind::kDeleted:
        impl_->UndoDeleted(*delta);
        break;
      case Impl::Delta::Kind::kSet:
        impl_->UndoSet(*delta);
        break;
    }
  }
  impl_->changes.RollBackTo(t.changes);
  impl_->digest = t.digest;
  impl_->data_bytes = t.data_bytes;
  impl_->events.resize(t.events);
}

std::vector<Event> DataTree::TakeEvents() { return std::exchange(impl_->events, {}); }

Error DataTree::Exists(std::string_view path, Stat* stat) const { return Check(path, -1, stat); }

Error DataTree::GetData(std::string_view path, std::optional<std::string_view>* data, Stat* stat) const {
  Handle handle;
  if (Error error = impl_->Lookup(path, &handle); error != Error::kOk) return error;
  const Znode& node = impl_->store.at(handle);
  if (node.null_data()) {
    data->reset();
  } else {
    *data = NodeStore::Fields(node).data;
  }
  if (stat != nullptr) *stat = impl_->store.StatOf(handle);
  return Error::kOk;
}

Error DataTree::GetChildren(std::string_view path, std::vector<std::string>* names, Stat* stat) const {
  Handle handle;
  if (Error error = impl_->Lookup(path, &handle); error != Error::kOk) return error;
  const std::vector<Handle>& children = impl_->store.SortedChildren(handle);
  names->clear();
  names->reserve(children.size());
  for (Handle child : children) names->emplace_back(impl_->store.name(child));
  if (stat != nullptr) *stat = impl_->store.StatOf(handle);
  return Error::kOk;
}

std::vector<std::string> DataTree::Ephemerals(SessionId owner) const {
  std::vector<std::string> paths;
  for (Handle handle : impl_->ephemerals.Of(owner)) paths.push_back(impl_->store.Path(handle));
  std::sort(paths.begin(), paths.end());
  return paths;
}

Error DataTree::GetAcl(std::string_view path, AclId* acl, Stat* stat) const {
  Handle handle;
  if (Error error = impl_->Lookup(path, &handle); error != Error::kOk) return error;
  *acl = NodeStore::Fields(impl_->store.at(handle)).acl;
  if (stat != nullptr) *stat = impl_->store.StatOf(handle);
  return Error::kOk;
}

uint64_t DataTree::digest() const { return impl_->digest; }

uint64_t DataTree::ComputeDigest() const {
  uint64_t sum = 0;
  for (Handle h = 1; h < impl_->store.end_handle(); ++h) {
    if (impl_->store.at(h).alive()) sum += impl_->Digest(h);
  }
  return sum;
}

size_t DataTree::node_count() const { return impl_->index.size(); }
size_t DataTree::ephemeral_count() const { return impl_->ephemerals.size(); }
size_t DataTree::data_bytes() const { return impl_->data_bytes; }
size_t DataTree::memory_bytes() const {
  return impl_->store.memory_bytes() + impl_->index.memory_bytes() + impl_->changes.memory_bytes() +
         impl_->ephemerals.memory_bytes() + sizeof(Impl);
}

}  // namespace synod::tree

// The writes of DataTree, and what undoes them.
#include "coordinator/tree/data_tree.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_format.h"
#include "coordinator/base/check.h"
#include "coordinator/tree/data_tree_impl.h"
#include "coordinator/tree/path.h"

namespace synod::tree {

DataTree::DataTree(access::AclTable* acls) : impl_(std::make_unique<Impl>(acls)) { impl_->AddSystemNodes(); }
DataTree::DataTree(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DataTree::~DataTree() = default;

Error DataTree::Create(const ChangeContext& context, const CreateArgs& args, std::string* final_path, Stat* stat) {
  if (args.path.find('/') == std::string_view::npos || args.path.find('\0') != std::string_view::npos) {
    return Error::kBadArguments;
  }
  Handle parent = impl_->Find(ParentPath(args.path));
  if (parent == kNoHandle) return Error::kNoNode;
  if (!impl_->Allows(context.caller, parent, access::kCreate)) return Error::kNoAuth;
  std::string path(args.path);
  if (args.sequential) {
    const Directory* d = impl_->store.directory(parent);
    absl::StrAppendFormat(&path, "%010d", d == nullptr ? 0 : d->create_counter);
  }
  if (!IsValidPath(path)) return Error::kBadArguments;
  if (path == "/" || impl_->FindChild(parent, BaseName(path)) != kNoHandle) return Error::kNodeExists;
  if (impl_->store.at(parent).kind == NodeKind::kEphemeral) return Error::kNoChildrenForEphemerals;
  std::optional<QuotaExcess> excess;
  if (!impl_->quotas.empty()) {
    auto bytes = static_cast<int64_t>(args.data.value_or(std::string_view()).size());
    Error error = impl_->CheckQuota(context, path, kNoHandle, parent, 1, bytes, &excess);
    if (error != Error::kOk) return error;
  }
  Handle handle = impl_->CreateNode(context, parent, path, args);
  if (excess.has_value()) impl_->quota_excesses.push_back(*std::move(excess));
  if (stat != nullptr) *stat = impl_->ShownStat(handle);
  if (final_path != nullptr) *final_path = std::move(path);
  return Error::kOk;
}

Error DataTree::Delete(const ChangeContext& context, std::string_view path, int32_t version) {
  Handle handle;
  if (Error error = impl_->LookupToDelete(context.caller, path, version, &handle); error != Error::kOk) return error;
  if (impl_->store.child_count(handle) != 0) return Error::kNotEmpty;
  impl_->RemoveNode(context, handle, path);
  return Error::kOk;
}

Error DataTree::SetData(const ChangeContext& context, std::string_view path, std::optional<std::string_view> data,
                        int32_t version, Stat* stat) {
  Handle handle;
  Error error = impl_->LookupAllowed(context.caller, path, access::kWrite, &handle);
  if (error != Error::kOk) return error;
  std::optional<QuotaExcess> excess;
  if (!impl_->quotas.empty()) {
    size_t old_bytes = NodeStore::Fields(impl_->store.at(handle)).data.size();
    auto growth = static_cast<int64_t>(data.value_or(std::string_view()).size() - old_bytes);
    error = impl_->CheckQuota(context, path, handle, kNoHandle, 0, growth, &excess);
    if (error != Error::kOk) return error;
  }
  if (version != -1 && version != impl_->store.at(handle).version) return Error::kBadVersion;
  impl_->SetNode(context, handle, path, data);
  if (excess.has_value()) impl_->quota_excesses.push_back(*std::move(excess));
  if (stat != nullptr) *stat = impl_->ShownStat(handle);
  return Error::kOk;
}

Error DataTree::SetAcl(const ChangeContext& context, std::string_view path, AclId acl, int32_t version, Stat* stat) {
  Handle handle;
  Error error = impl_->LookupAllowed(context.caller, path, access::kAdmin, &handle);
  if (error != Error::kOk) return error;
  if (version != -1 && version != NodeStore::Fields(impl_->store.at(handle)).aversion) return Error::kBadVersion;
  impl_->SetNodeAcl(handle, acl);
  if (stat != nullptr) *stat = impl_->ShownStat(handle);
  return Error::kOk;
}

void DataTree::Begin() {
  SYNOD_CHECK(!impl_->transaction.has_value()) << "Begin inside Begin";
  Impl::Transaction& t = impl_->transaction.emplace(Impl::Transaction());  // clang 14 asks for the argument
  t.changes = impl_->changes.GetMark();
  t.digest = impl_->digest;
  t.data_bytes = impl_->data_bytes;
  t.events = impl_->events.size();
  t.quota_excesses = impl_->quota_excesses.size();
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
  impl_->quota_excesses.resize(t.quota_excesses);
  impl_->usage_texts.clear();
}

std::vector<Event> DataTree::TakeEvents() { return std::exchange(impl_->events, {}); }

std::vector<QuotaExcess> DataTree::TakeQuotaExcesses() {
  std::vector<QuotaExcess> all = std::exchange(impl_->quota_excesses, {});
  if (all.size() < 2) return all;
  // Of each path the last, which is how the command left it.
  absl::flat_hash_set<std::string> seen;
  std::vector<QuotaExcess> last;
  for (auto excess = all.rbegin(); excess != all.rend(); ++excess) {
    if (seen.insert(excess->path).second) last.push_back(std::move(*excess));
  }
  std::reverse(last.begin(), last.end());
  return last;
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
         impl_->ephemerals.memory_bytes() + impl_->idle.memory_bytes() + impl_->quotas.memory_bytes() + sizeof(Impl);
}

}  // namespace synod::tree

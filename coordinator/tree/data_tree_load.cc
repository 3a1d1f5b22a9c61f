// The snapshot side of DataTree: closing, writing, loading (D7, D8, D9).
#include "absl/strings/str_cat.h"
#include "coordinator/base/check.h"
#include "coordinator/tree/data_tree.h"
#include "coordinator/tree/data_tree_impl.h"
#include "coordinator/tree/path.h"
#include "coordinator/tree/znode_record.h"

namespace synod::tree {
namespace {

absl::Status Damaged(std::string_view path, absl::string_view what) {
  return absl::DataLossError(absl::StrCat("znode ", absl::string_view(path.data(), path.size()), ": ", what));
}

}  // namespace

void DataTree::CloseChanges() {
  SYNOD_CHECK(!impl_->transaction.has_value());
  impl_->changes.Close();
}

bool DataTree::WriteClosed(const std::function<void(std::string key, std::optional<std::string> value)>& emit,
                           const std::function<bool()>& keep_going) {
  SYNOD_CHECK(!impl_->transaction.has_value());
  return impl_->changes.Write(emit, keep_going);
}

void DataTree::ReopenChanges() {
  SYNOD_CHECK(!impl_->transaction.has_value());
  impl_->changes.Reopen([this](std::string_view path) { return impl_->Find(path); });
}

size_t DataTree::changed_nodes() const { return impl_->changes.size(); }

std::unique_ptr<DataTree> DataTree::ForLoading(access::AclTable* acls) {
  std::unique_ptr<DataTree> tree(new DataTree(std::make_unique<Impl>(acls)));
  tree->impl_->loading = true;
  return tree;
}

absl::Status DataTree::LoadRecord(std::string_view key, std::string_view value) {
  SYNOD_CHECK(impl_->loading) << "LoadRecord into a tree that is not being loaded";
  if (key.empty() || key[0] != kZnodeKeyPrefix) return absl::DataLossError("not the key of a znode");
  std::string_view path = key.substr(1);
  if (!IsValidPath(path)) return Damaged(path, "malformed path");
  const uint64_t hash = Impl::HashOf(path);
  impl_->index.Prefetch(hash);  // cold for nearly every record
  ZnodeRecord record;
  if (absl::Status status = DecodeZnode(value, &record); !status.ok()) return Damaged(path, status.message());
  Handle parent = kNoHandle;
  if (path != "/") {
    parent = impl_->FindParentToLoad(ParentPath(path));
    if (parent == kNoHandle) return Damaged(path, "without parent");
    if (impl_->store.at(parent).kind == NodeKind::kEphemeral) return Damaged(path, "child of an ephemeral");
  } else if (record.kind == NodeKind::kEphemeral) {
    return Damaged(path, "ephemeral");
  }
  if (impl_->acls != nullptr && impl_->acls->Find(record.acl) == nullptr) return Damaged(path, "with an unknown ACL");
  if (path == "/" ? impl_->root != kNoHandle
                  : impl_->index.Find(hash, [&](Handle h) { return impl_->store.PathIs(h, path); }) != kNoHandle) {
    return Damaged(path, "there twice");
  }
  BlobFields fields;
  fields.name = BaseName(path);
  fields.data = record.data.value_or(std::string_view());
  fields.aversion = record.aversion;
  fields.acl = record.acl;
  fields.ttl_ms = record.ttl_ms;
  fields.renewed_us = record.renewed_us;
  Handle handle = impl_->AddNode(parent, path, fields, record.kind, !record.data.has_value());
  Znode& node = impl_->store.at(handle);
  node.czxid = record.czxid;
  node.mzxid = record.mzxid;
  node.ctime_ms = record.ctime_ms;
  node.mtime_ms = record.mtime_ms;
  node.version = record.version;
  if (record.kind == NodeKind::kEphemeral) node.ephemeral_owner = record.ephemeral_owner;
  if (record.create_counter != 0 || record.pzxid != record.czxid) {
    Directory& d = impl_->store.EnsureDirectory(handle);
    d.create_counter = record.create_counter;
    d.pzxid = record.pzxid;
  }
  impl_->Attach(handle);
  if (!impl_->quotas.empty()) impl_->MarkQuota(handle, path);
  if ((node.flags & Znode::kLimits) != 0) impl_->LimitsChanged(handle, path, true);
  impl_->digest += impl_->Digest(handle);
  return absl::OkStatus();
}

absl::Status DataTree::FinishLoading() {
  SYNOD_CHECK(impl_->loading);
  for (std::string_view path : {"/", "/zookeeper", "/zookeeper/config", "/zookeeper/quota"}) {
    Handle handle = impl_->Find(path);
    if (handle == kNoHandle) return Damaged(path, "missing");
    if (impl_->store.at(handle).kind == NodeKind::kEphemeral) return Damaged(path, "ephemeral");
  }
  for (Handle h = 1; h < impl_->store.end_handle(); ++h) {
    // Every child but the system nodes was counted when it was created.
    uint64_t uncounted = h == impl_->root ? 1 : h == impl_->store.at(impl_->config).parent ? 2 : 0;
    const Directory* d = impl_->store.directory(h);
    if (d != nullptr && d->children.size() > d->create_counter + uncounted) {
      return Damaged(impl_->store.Path(h), "more children than were ever created");
    }
  }
  impl_->loading = false;
  impl_->last_parent = kNoHandle;
  impl_->last_parent_path = {};
  return absl::OkStatus();
}

}  // namespace synod::tree

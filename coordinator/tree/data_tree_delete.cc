// Deletions of many nodes at once, and of nodes nobody asked to keep.
#include <algorithm>

#include "coordinator/tree/data_tree.h"
#include "coordinator/tree/data_tree_impl.h"

namespace synod::tree {

Error DataTree::DeleteTree(const ChangeContext& context, std::string_view path, int32_t version, uint64_t max_nodes,
                           bool partial, TreeDeleted* result, uint64_t max_path_bytes) {
  Handle top;
  if (Error error = impl_->LookupToDelete(context.caller, path, version, &top); error != Error::kOk) return error;
  uint64_t total = 1 + impl_->store.descendants(top);
  if (total > max_nodes && !partial) return Error::kTooLarge;

  // First all questions, then all deletions. A node comes after its children, children by name.
  std::vector<Handle> nodes;
  uint64_t count = std::min(total, max_nodes);
  uint64_t path_bytes = 0;
  nodes.reserve(count);
  Handle allowed = kNoHandle;  // the last parent that was asked
  for (Handle node = count == 0 ? kNoHandle : impl_->store.FirstLeaf(top); nodes.size() < count;) {
    Handle parent = impl_->store.at(node).parent;
    if (node != top && parent != allowed) {
      if (!impl_->Allows(context.caller, parent, access::kDelete)) return Error::kNoAuth;
      allowed = parent;
    }
    const size_t length = impl_->store.PathLength(node);
    if (!nodes.empty() && path_bytes + length > max_path_bytes) {
      if (!partial) return Error::kTooLarge;
      count = nodes.size();
      break;
    }
    path_bytes += length;
    nodes.push_back(node);
    if (node == top) break;
    Handle sibling = impl_->store.NextSibling(node);
    node = sibling != kNoHandle ? impl_->store.FirstLeaf(sibling) : parent;
  }
  for (Handle node : nodes) impl_->RemoveNode(context, node, impl_->store.Path(node));
  if (result != nullptr) *result = TreeDeleted{count, total - count, path_bytes};
  return Error::kOk;
}

bool DataTree::DeleteEphemerals(const ChangeContext& context, SessionId owner, size_t max_nodes,
                                uint64_t max_path_bytes) {
  uint64_t path_bytes = 0;
  for (;; --max_nodes) {
    Handle oldest = impl_->ephemerals.Oldest(owner);
    if (oldest == kNoHandle) return true;
    if (max_nodes == 0 || path_bytes >= max_path_bytes) return false;
    const std::string path = impl_->store.Path(oldest);
    path_bytes += path.size();
    impl_->RemoveNode(context, oldest, path);
  }
}

Error DataTree::RemoveIdle(const ChangeContext& context, const IdleNode& node) {
  Handle handle;
  if (Error error = impl_->Lookup(node.path, &handle); error != Error::kOk) return error;
  const Znode& znode = impl_->store.at(handle);
  if (Zxid(znode.czxid) != node.czxid || Zxid(znode.mzxid) != node.mzxid) return Error::kBadVersion;
  if (impl_->store.child_count(handle) != 0) return Error::kNotEmpty;
  std::optional<uint64_t> since = impl_->IdleSince(handle);
  if (!since.has_value()) return Error::kBadArguments;
  // Since when a container has been idle is not asked: after a load a server knows less of it than others (L5).
  if (znode.kind == NodeKind::kTtl && *since > context.log_clock_us) return Error::kBadArguments;
  impl_->RemoveNode(context, handle, node.path);
  return Error::kOk;
}

std::vector<IdleNode> DataTree::FindIdle(uint64_t log_clock_us, uint64_t container_idle_us, size_t max) const {
  std::vector<IdleNode> nodes;
  for (Handle handle : impl_->idle.Due(log_clock_us, container_idle_us, max)) {
    const Znode& node = impl_->store.at(handle);
    nodes.push_back(IdleNode{impl_->store.Path(handle), Zxid(node.czxid), Zxid(node.mzxid)});
  }
  return nodes;
}

}  // namespace synod::tree

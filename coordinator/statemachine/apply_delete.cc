#include <algorithm>

#include "coordinator/statemachine/applier.h"
#include "coordinator/statemachine/limits.h"

namespace synod::statemachine {

// Protocol sheet 11.2.
tree::Error Applier::Apply(const DeleteOp& op, OpResult* result) {
  if (IsTooLarge(op.path)) return tree::Error::kTooLarge;
  tree::Error error = state_->tree->Delete(context_, op.path, op.version);
  if (error == tree::Error::kNoNode && op.missing_ok) return tree::Error::kOk;
  if (error == tree::Error::kOk) result->deleted = 1;
  return error;
}

// The bound is one of the whole command (L3): the delete-trees of a multi share it.
tree::Error Applier::Apply(const DeleteTreeOp& op, OpResult* result) {
  if (IsTooLarge(op.path) || tree_deletes_left_ == 0 || deleted_path_bytes_left_ == 0) return tree::Error::kTooLarge;
  uint64_t max_nodes = tree_deletes_left_;
  if (op.max_nodes != 0) max_nodes = std::min<uint64_t>(max_nodes, op.max_nodes);
  tree::DataTree::TreeDeleted gone;
  tree::Error error =
      state_->tree->DeleteTree(context_, op.path, op.version, max_nodes, op.partial, &gone, deleted_path_bytes_left_);
  if (error != tree::Error::kOk) return error;
  tree_deletes_left_ -= gone.deleted;
  deleted_path_bytes_left_ -= std::min(deleted_path_bytes_left_, gone.path_bytes);
  result->deleted = gone.deleted;
  result->remaining = gone.remaining;
  return tree::Error::kOk;
}

// Protocol sheet 8.5 and 8.6. The leader looked at an earlier state: the tree judges again.
void Applier::ApplyRemoveIdle(const RemoveIdleOp& op) {
  outcome_.error =
      IsTooLarge(op.path) ? tree::Error::kTooLarge : state_->tree->RemoveIdle(context_, {op.path, op.czxid, op.mzxid});
  if (outcome_.error == tree::Error::kOk) {
    outcome_.result.deleted = 1;
  } else {
    outcome_.result.error = outcome_.error;
  }
}

}  // namespace synod::statemachine

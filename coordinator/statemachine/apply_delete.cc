#include "coordinator/statemachine/applier.h"
#include "coordinator/statemachine/limits.h"

namespace synod::statemachine {

// Protocol sheet 11.2.
tree::Error Applier::Apply(const DeleteOp& op, OpResult*) {
  if (IsTooLarge(op.path)) return tree::Error::kTooLarge;
  return state_->tree->Delete(context_, op.path, op.version);
}

}  // namespace synod::statemachine

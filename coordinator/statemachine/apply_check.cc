#include "coordinator/statemachine/applier.h"
#include "coordinator/statemachine/limits.h"

namespace synod::statemachine {

// Protocol sheet 11.5; alone as well (gRPC).
tree::Error Applier::Apply(const CheckOp& op, OpResult* result) {
  if (IsTooLarge(op.path)) return tree::Error::kTooLarge;
  return state_->tree->Check(context_.caller, op.path, op.version, &result->stat);
}

}  // namespace synod::statemachine

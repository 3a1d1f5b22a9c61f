#include "coordinator/statemachine/applier.h"
#include "coordinator/statemachine/limits.h"

namespace synod::statemachine {

// Protocol sheet 11.3, without quotas.
tree::Error Applier::Apply(const SetDataOp& op, OpResult* result) {
  if (IsTooLarge(op.path, op.data, command_.max_data_bytes)) return tree::Error::kTooLarge;
  std::optional<std::string_view> data;
  if (op.data) data = *op.data;
  return state_->tree->SetData(context_, op.path, data, op.version, &result->stat);
}

}  // namespace synod::statemachine

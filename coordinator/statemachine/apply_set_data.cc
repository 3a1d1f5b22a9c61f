#include "coordinator/statemachine/applier.h"
#include "coordinator/statemachine/limits.h"

namespace synod::statemachine {

// Protocol sheet 11.3.
tree::Error Applier::Apply(const SetDataOp& op, OpResult* result) {
  if (IsTooLarge(op.path, op.data, command_.max_data_bytes)) return tree::Error::kTooLarge;
  return SetData(op.path, op.data, op.version, result);
}

tree::Error Applier::SetData(const std::string& path, const NodeData& data, int32_t version, OpResult* result) {
  std::optional<std::string_view> bytes;
  if (data) bytes = *data;
  return state_->tree->SetData(context_, path, bytes, version, &result->stat);
}

}  // namespace synod::statemachine

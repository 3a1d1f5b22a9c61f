#include "coordinator/statemachine/applier.h"
#include "coordinator/statemachine/command_codec.h"
#include "coordinator/statemachine/limits.h"

namespace synod::statemachine {

// Protocol sheet 12.2 and 12.4: each operation is judged against what the earlier ones left; the first that fails
// undoes them all.
void Applier::ApplyAll(const std::vector<TreeOp>& ops) {
  OperationBytes bytes;
  outcome_.results.resize(ops.size());
  state_->tree->Begin();
  for (size_t i = 0; i < ops.size(); ++i) {
    OpResult* result = &outcome_.results[i];
    bytes.Add(ops[i]);
    if (i >= kMaxMultiOps || bytes.TooLarge(command_.max_data_bytes)) {
      outcome_.error = result->error = tree::Error::kTooLarge;
    } else {
      outcome_.error = ApplyTreeOp(ops[i], result);
    }
    if (outcome_.error == tree::Error::kOk) continue;
    state_->tree->Rollback();
    for (size_t before = 0; before < i; ++before) outcome_.results[before] = {};
    for (size_t after = i + 1; after < ops.size(); ++after)
      outcome_.results[after].error = tree::Error::kRuntimeInconsistency;
    return;
  }
  state_->tree->Commit();
}

}  // namespace synod::statemachine

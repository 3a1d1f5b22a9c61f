#include <utility>
#include <variant>

#include "coordinator/statemachine/applier.h"
#include "coordinator/statemachine/command_codec.h"

namespace synod::statemachine {
namespace {

size_t BytesOf(const CreateOp& op) { return op.path.size() + (op.data ? op.data->size() : 0); }
size_t BytesOf(const SetDataOp& op) { return op.path.size() + (op.data ? op.data->size() : 0); }
size_t BytesOf(const DeleteOp& op) { return op.path.size(); }
size_t BytesOf(const CheckOp& op) { return op.path.size(); }

}  // namespace

// Protocol sheet 12.2 and 12.4: each operation is judged against what the earlier ones left; the first that fails
// undoes them all.
void Applier::ApplyMulti(const MultiOp& multi) {
  const size_t bytes_max = static_cast<size_t>(command_.max_data_bytes) + kMaxPathBytes;
  size_t bytes = 0;
  outcome_.results.resize(multi.ops.size());
  state_->tree->Begin();
  for (size_t i = 0; i < multi.ops.size(); ++i) {
    OpResult* result = &outcome_.results[i];
    bytes += std::visit([](const auto& op) { return BytesOf(op); }, multi.ops[i]);
    if (i >= kMaxMultiOps || bytes > bytes_max) {
      outcome_.error = result->error = tree::Error::kTooLarge;
    } else {
      outcome_.error = ApplyTreeOp(multi.ops[i], result);
    }
    if (outcome_.error == tree::Error::kOk) continue;
    state_->tree->Rollback();
    for (size_t before = 0; before < i; ++before) outcome_.results[before] = {};
    for (size_t after = i + 1; after < multi.ops.size(); ++after)
      outcome_.results[after].error = tree::Error::kRuntimeInconsistency;
    return;
  }
  state_->tree->Commit();
}

}  // namespace synod::statemachine

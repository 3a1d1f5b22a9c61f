#include "coordinator/statemachine/applier.h"
#include "coordinator/statemachine/command_codec.h"

namespace synod::statemachine {

// L6. A version at or below the one in force changes nothing: two leaders may have proposed the same raise.
void Applier::ApplyRaiseVersion(const RaiseVersionOp& op) {
  if (op.version > state_->counters.version) state_->counters.version = op.version;
}

void Applier::ApplySetSetting(const SetSettingOp& op) {
  if (op.name.empty()) {
    outcome_.error = tree::Error::kBadArguments;
  } else if (op.name.size() > kMaxSettingNameBytes || op.value.size() > command_.max_data_bytes) {
    outcome_.error = tree::Error::kTooLarge;
  } else {
    state_->SetSetting(op.name, op.value);
  }
}

}  // namespace synod::statemachine

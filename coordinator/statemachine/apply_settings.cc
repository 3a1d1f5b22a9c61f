#include <string>

#include "absl/strings/str_cat.h"
#include "coordinator/base/check.h"
#include "coordinator/statemachine/applier.h"
#include "coordinator/statemachine/command_codec.h"
#include "coordinator/statemachine/settings.h"

namespace synod::statemachine {
namespace {

// Protocol sheet, section 17: what /zookeeper/config holds.
std::string ConfigText(const std::string& membership, Zxid zxid) {
  if (membership.empty()) return {};
  return absl::StrCat(membership, "\nversion=", absl::Hex(zxid.value()));
}

}  // namespace

// L6. A version at or below the one in force changes nothing: two leaders may have proposed the same raise.
void Applier::ApplyRaiseVersion(const RaiseVersionOp& op) {
  if (op.version > state_->counters.version) state_->counters.version = op.version;
}

void Applier::ApplySetSetting(const SetSettingOp& op) {
  if (op.name.empty()) {
    outcome_.error = tree::Error::kBadArguments;
    return;
  }
  if (op.name.size() > kMaxSettingNameBytes || op.value.size() > command_.max_data_bytes) {
    outcome_.error = tree::Error::kTooLarge;
    return;
  }
  if (op.name == kMembershipSetting) {
    const std::string text = ConfigText(op.value, context_.zxid);
    if (text.size() > command_.max_data_bytes) {
      outcome_.error = tree::Error::kTooLarge;
      return;
    }
    context_.enforce_quota = false;  // the ensemble's own change
    const tree::Error error = state_->tree->SetData(context_, "/zookeeper/config", text, -1, nullptr);
    SYNOD_CHECK(error == tree::Error::kOk) << "the config node is always there";
  }
  state_->SetSetting(op.name, op.value);
}

}  // namespace synod::statemachine

#include "coordinator/statemachine/settings.h"

namespace synod::statemachine {

void Settings::Set(std::string_view name, std::string_view value) {
  if (name == kSuperDigestSetting) {
    super_digest = std::string(value);
  } else if (name == kSkipAclSetting) {
    skip_acl = value == "yes";
  } else if (name == kEnforceQuotaSetting) {
    enforce_quota = value != "no";
  } else if (name == kExtendedTypesSetting) {
    extended_types = value != "no";
  }
}

}  // namespace synod::statemachine

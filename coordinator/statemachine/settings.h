// What the ensemble has agreed on besides the tree (L4): read by apply and by reads, changed by SetSettingOp alone.
#pragma once

#include <string>
#include <string_view>

namespace synod::statemachine {

// Names as in SetSettingOp; values as text, empty or missing: the default.
inline constexpr std::string_view kSuperDigestSetting = "super_digest";
inline constexpr std::string_view kSkipAclSetting = "skip_acl";
inline constexpr std::string_view kEnforceQuotaSetting = "enforce_quota";
inline constexpr std::string_view kExtendedTypesSetting = "extended_types";
// The server lines, one per line without a newline at the end. Setting it writes them and a line "version=ZXID" (hex,
// of the command that set it) into /zookeeper/config, as a change of data that keeps version -1 (specs: ZooKeeper
// protocol, section 17). Empty: the node's data is empty.
inline constexpr std::string_view kMembershipSetting = "membership";

struct Settings {
  std::string super_digest;    // "user:base64": that digest identity bypasses every ACL; empty: nobody does
  bool skip_acl = false;       // "yes": no ACL is looked at
  bool enforce_quota = true;   // "no": hard quotas only warn
  bool extended_types = true;  // "no": TTL nodes are refused with kUnimplemented

  // Takes the setting over if it is one of these; an unknown name changes nothing here.
  void Set(std::string_view name, std::string_view value);
};

}  // namespace synod::statemachine

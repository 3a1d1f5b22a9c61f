// From what a client presents to the identities that commands and reads are judged by.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "coordinator/access/acl.h"
#include "coordinator/service/request.h"

namespace synod::service {

// What one credential proves; maybe nothing new. nullopt: refused, AuthFailed (an unknown scheme, a malformed
// credential, or an identity longer than an ACL could name).
std::optional<access::IdentitySet> Prove(const Credential& credential);

// The identities of a connection or call: its address ("" for none) and all credentials. nullopt: one was refused, or
// they prove more than kMaxIdentities.
std::optional<access::IdentitySet> IdentitiesOf(const std::vector<Credential>& credentials, std::string_view address);

// What whoAmI shows (specs: ZooKeeper protocol, 7.4): of a digest the user alone, "super" for who bypasses every check,
// each once.
access::IdentitySet Displayed(const access::IdentitySet& identities, std::string_view super_digest);

}  // namespace synod::service

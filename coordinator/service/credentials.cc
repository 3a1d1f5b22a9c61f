#include "coordinator/service/credentials.h"

#include <string>
#include <utility>

#include "coordinator/access/schemes.h"

namespace synod::service {

std::optional<access::IdentitySet> Prove(const Credential& credential) {
  std::optional<access::IdentitySet> proved = access::Authenticate(credential.scheme, credential.credential);
  if (!proved) return std::nullopt;
  for (const access::Identity& identity : *proved) {
    if (identity.scheme.size() > access::kMaxAclTextBytes || identity.id.size() > access::kMaxAclTextBytes)
      return std::nullopt;
  }
  return proved;
}

std::optional<access::IdentitySet> IdentitiesOf(const std::vector<Credential>& credentials, std::string_view address) {
  access::IdentitySet identities;
  if (!address.empty()) {
    if (std::optional<access::Identity> ip = access::IpIdentity(address)) access::Insert(*std::move(ip), &identities);
  }
  for (const Credential& credential : credentials) {
    std::optional<access::IdentitySet> proved = Prove(credential);
    if (!proved) return std::nullopt;
    for (access::Identity& identity : *proved) {
      if (!access::Insert(std::move(identity), &identities)) return std::nullopt;
    }
  }
  return identities;
}

access::IdentitySet Displayed(const access::IdentitySet& identities, std::string_view super_digest) {
  access::IdentitySet shown;
  for (const access::Identity& identity : identities) {
    std::string id = identity.scheme == "digest" ? identity.id.substr(0, identity.id.find(':')) : identity.id;
    access::Insert({identity.scheme, std::move(id)}, &shown);
  }
  if (access::IsSuper(identities, super_digest)) access::Insert({"super", ""}, &shown);
  return shown;
}

}  // namespace synod::service

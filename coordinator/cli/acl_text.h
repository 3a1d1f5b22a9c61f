// Access control lists and credentials as people type them.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "coordinator/client/types.h"

namespace synod::cli {

// ZooKeeper's text form: entries "scheme:id:perms", separated by commas. The scheme ends at the first colon and the
// permissions begin after the last one, so that an id may hold colons (digests, IPv6). perms: some of the letters c
// (create), d (delete), r (read), w (write), a (admin), or a number. One scheme is ours:
// "digest-password:user:password:perms" becomes the digest entry of that user and password, made here: the password is
// not sent. InvalidArgument says which entry is wrong and why.
absl::StatusOr<client::Acl> ParseAcl(std::string_view text);
absl::StatusOr<client::AclEntry> ParseAclEntry(std::string_view text);
// "world:anyone:cdrwa"; permissions that have no letter come as a number. ParseAclEntry gives the same entry back.
std::string AclEntryText(const client::AclEntry& entry);
// Entries separated by commas.
std::string AclText(const client::Acl& acl);
// The letters, or the number.
std::string PermissionsText(uint32_t permissions);
// "digest:user:password". InvalidArgument: no scheme.
absl::StatusOr<client::Credential> ParseCredential(std::string_view text);

}  // namespace synod::cli

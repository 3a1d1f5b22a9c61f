// On whose behalf an operation runs.
#pragma once

#include <cstdint>
#include <string_view>

#include "coordinator/access/acl.h"
#include "coordinator/access/intern_table.h"

namespace synod::access {

// A view for the length of one operation: table and identities must outlive it. Cheap to copy.
class Caller {
 public:
  // The server itself (session expiry, removal of idle nodes), and tests: everything is allowed.
  static Caller Unrestricted() { return Caller(nullptr, nullptr, true); }
  Caller(const AclTable* acls, const IdentitySet* identities, bool bypass)
      : acls_(acls), identities_(identities), bypass_(bypass) {}

  // Whether one of the bits in `wanted` is granted (7.2).
  bool Allows(AclId acl, uint32_t wanted) const {
    if (bypass_ || acl == kOpenAcl) return true;
    if (acl == kReadOnlyAcl) return (wanted & kRead) != 0;
    return AllowsByList(acl, wanted);
  }
  bool bypass() const { return bypass_; }
  // Without the table: an ACL that is not stored here any more (an event of the past).
  bool AllowsList(const Acl& acl, uint32_t wanted) const { return bypass_ || Grants(acl, *identities_, wanted); }

 private:
  bool AllowsByList(AclId acl, uint32_t wanted) const;

  const AclTable* acls_;
  const IdentitySet* identities_;
  bool bypass_;
};

}  // namespace synod::access

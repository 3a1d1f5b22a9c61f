// Who may read what. One place, so that the ACL tables of a later version are looked at everywhere once they exist.
#pragma once

#include "coordinator/base/ids.h"

namespace synod::service {

// Whether somebody with these identities has READ under this ACL (specs: ZooKeeper protocol, 13.7). State-machine
// version 1 knows two lists, 0 (world:anyone, all) and 1 (world:anyone, read); whatever else is denied.
inline bool MayRead(IdentitySetId /*identities*/, AclId acl) { return acl.value() <= 1; }

}  // namespace synod::service

#include "coordinator/access/caller.h"

namespace synod::access {

bool Caller::AllowsByList(AclId acl, uint32_t wanted) const { return Grants(acls_->Get(acl), *identities_, wanted); }

}  // namespace synod::access

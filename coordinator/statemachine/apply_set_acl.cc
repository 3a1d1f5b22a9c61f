#include "coordinator/statemachine/applier.h"
#include "coordinator/statemachine/limits.h"
#include "coordinator/tree/path.h"

namespace synod::statemachine {

// Protocol sheet 11.4: the path's rules, then the list's, and only then the node.
tree::Error Applier::Apply(const SetAclOp& op, OpResult* result) {
  if (IsTooLarge(op.path)) return tree::Error::kTooLarge;
  if (!tree::IsValidPath(op.path)) return tree::Error::kBadArguments;
  std::optional<AclId> acl = Intern(op.acl);
  if (!acl) return tree::Error::kInvalidAcl;
  return state_->tree->SetAcl(context_, op.path, *acl, op.version, &result->stat);
}

std::optional<AclId> Applier::Intern(const WantedAcl& wanted) {
  if (!wanted) return access::kOpenAcl;
  std::optional<access::Acl> acl = access::FixUp(*wanted, *identities_);
  if (!acl) return std::nullopt;
  return state_->acls.Intern(*acl);
}

}  // namespace synod::statemachine

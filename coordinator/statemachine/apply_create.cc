#include "coordinator/statemachine/applier.h"
#include "coordinator/statemachine/command_codec.h"
#include "coordinator/statemachine/limits.h"

namespace synod::statemachine {

// Protocol sheet 11.1, without quotas.
tree::Error Applier::Apply(const CreateOp& op, OpResult* result) {
  if (op.mode > CreateMode::kEphemeralSequential)
    return tree::Error::kUnimplemented;  // comes with state-machine version 2
  const bool ephemeral = IsEphemeral(op.mode);
  if (ephemeral && command_.session == SessionId(0)) return tree::Error::kBadArguments;
  if (IsTooLarge(op.path, op.data, command_.max_data_bytes)) return tree::Error::kTooLarge;
  if (op.acl != AclId(0)) {  // version 1 has no ACL table; the path's first check still goes before it
    bool named = op.path.find('/') != std::string::npos && op.path.find('\0') == std::string::npos;
    return named ? tree::Error::kInvalidAcl : tree::Error::kBadArguments;
  }
  tree::CreateArgs args;
  args.path = op.path;
  if (op.data) args.data = *op.data;
  args.acl = op.acl;
  args.ephemeral_owner = ephemeral ? command_.session : SessionId(0);
  args.sequential = IsSequential(op.mode);
  return state_->tree->Create(context_, args, &result->path, &result->stat);
}

}  // namespace synod::statemachine

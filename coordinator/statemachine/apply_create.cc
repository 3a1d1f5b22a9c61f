#include "coordinator/statemachine/applier.h"
#include "coordinator/statemachine/limits.h"

namespace synod::statemachine {
namespace {

using tree::Error;

constexpr size_t kSequenceDigits = 10;

// What is wrong with the operation itself, whatever the tree holds (protocol sheet 11.1, 1 to 4).
Error JudgeArguments(const CreateOp& op, bool extended_types, bool has_session) {
  if (IsTtl(op.mode) && !extended_types) return Error::kUnimplemented;
  if (IsTtl(op.mode) ? op.ttl_ms == 0 || op.ttl_ms > kMaxTtlMs : op.ttl_ms != 0) return Error::kBadArguments;
  if (IsSequential(op.mode) && op.on_existing != OnExisting::kFail) return Error::kBadArguments;
  if (IsEphemeral(op.mode) && !has_session) return Error::kBadArguments;
  return Error::kOk;
}

}  // namespace

// Protocol sheet 11.1; create-or-set and create-if-absent are ours.
Error Applier::Apply(const CreateOp& op, OpResult* result) {
  Error error = JudgeArguments(op, state_->settings().extended_types, command_.session != SessionId(0));
  if (error != Error::kOk) return error;
  if (IsTooLarge(op.path, op.data, command_.max_data_bytes)) return Error::kTooLarge;
  // With its number too, or no later operation could name the node.
  if (IsSequential(op.mode) && op.path.size() + kSequenceDigits > kMaxPathBytes) return Error::kTooLarge;
  // The tree's own first check, which goes before the ACL's.
  if (op.path.find('/') == std::string::npos || op.path.find('\0') != std::string::npos) return Error::kBadArguments;
  std::optional<AclId> acl = Intern(op.acl);
  if (!acl) return Error::kInvalidAcl;

  // WRITE on the node takes the place of CREATE on the parent; without either, NoAuth tells nothing of the node.
  if (op.on_existing == OnExisting::kSet && state_->tree->Has(op.path)) {
    error = SetData(op.path, op.data, /*version=*/-1, result);
    if (error == Error::kOk) result->path = op.path;
    return error;
  }
  tree::CreateArgs args;
  args.path = op.path;
  if (op.data) args.data = *op.data;
  args.acl = *acl;
  args.ephemeral_owner = IsEphemeral(op.mode) ? command_.session : SessionId(0);
  args.sequential = IsSequential(op.mode);
  args.container = op.mode == CreateMode::kContainer;
  args.ttl_ms = op.ttl_ms;
  error = state_->tree->Create(context_, args, &result->path, &result->stat);
  if (error == Error::kNodeExists && op.on_existing == OnExisting::kKeep) {
    // Who may create may know that it is there, but its Stat is for readers.
    *result = {.path = op.path};
    tree::Stat stat;
    if (state_->tree->Exists(context_.caller, op.path, &stat) == Error::kOk) result->stat = stat;
    return Error::kOk;
  }
  result->created = error == Error::kOk;
  return error;
}

}  // namespace synod::statemachine

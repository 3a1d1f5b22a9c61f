// Executes one command at a time on a State. The operations are in apply_*.cc.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "coordinator/base/bytes.h"
#include "coordinator/interfaces/command_batch.h"
#include "coordinator/statemachine/command.h"
#include "coordinator/statemachine/command_codec.h"
#include "coordinator/statemachine/outcome.h"
#include "coordinator/statemachine/state.h"

namespace synod::statemachine {

struct ApplierOptions {
  uint32_t version_known = kVersionKnown;
  size_t ephemerals_per_command = kEphemeralsPerCommand;  // the same on all servers
};

// Loop thread. Holds nothing between commands but memory it uses again.
class Applier {
 public:
  Applier(State* state, const ApplierOptions& options) : state_(state), options_(options) {}
  Applier(const Applier&) = delete;

  // An error (L6): unknown or malformed; the state is untouched. Otherwise observer (may be null) was told everything.
  absl::Status Apply(const interfaces::BatchTimes& times, std::string_view bytes, ApplyObserver* observer);

 private:
  // Steps 3 to 5 of state_machine.h.
  void Judge();
  // A command of the server's, not of a session's.
  bool JudgeServerCommand();
  // Executes the operation of a command that its session (if any) may run now.
  void Execute();
  void AnswerAgain(const sessions::Session& session);

  // Whom the command's operations are judged by, from now on.
  void SetCaller(const access::IdentitySet& identities);
  // What a command leaves behind goes out: events into the window, everything to the observer. Then what it interned
  // and did not use is dropped.
  void Finish();

  // One operation of the tree; a failed one changed nothing and left only its error in *result.
  tree::Error ApplyTreeOp(const TreeOp& op, OpResult* result);
  tree::Error Apply(const CreateOp& op, OpResult* result);
  tree::Error Apply(const DeleteOp& op, OpResult* result);
  tree::Error Apply(const SetDataOp& op, OpResult* result);
  tree::Error Apply(const CheckOp& op, OpResult* result);
  tree::Error Apply(const SetAclOp& op, OpResult* result);
  tree::Error Apply(const DeleteTreeOp& op, OpResult* result);
  tree::Error SetData(const std::string& path, const NodeData& data, int32_t version, OpResult* result);
  // The ACL to store; nullopt: kInvalidAcl.
  std::optional<AclId> Intern(const WantedAcl& wanted);
  void ApplySingle(const auto& op);
  // All or nothing, into outcome_.results.
  void ApplyAll(const std::vector<TreeOp>& ops);
  void ApplyTxn(const TxnOp& txn);
  tree::Error Evaluate(const Compare& compare, bool* holds);
  void ApplyRemoveIdle(const RemoveIdleOp& op);

  void ApplyCreateSession(const CreateSessionOp& op);
  void ApplyAttachSession(const AttachSessionOp& op);
  void ApplyAuthenticate(const AuthenticateOp& op);
  void ApplyCloseSession();
  void ApplyExpireSession(const ExpireSessionOp& op);
  void ApplyContinueClose(const ContinueCloseOp& op);
  // Ends a session, or goes on with ending it.
  void Close(sessions::Session* session, bool expired);
  IdentitySetId Hold(const access::IdentitySet& identities);
  void Grant(const sessions::Session& session);

  void ApplyRaiseVersion(const RaiseVersionOp& op);
  void ApplySetSetting(const SetSettingOp& op);

  State* const state_;
  const ApplierOptions options_;
  // Of the running command.
  Command command_;
  Outcome outcome_;
  tree::ChangeContext context_;
  const access::IdentitySet* identities_ = nullptr;  // the caller's; of a server's command: none
  uint64_t tree_deletes_left_ = 0;                   // kMaxTreeDelete is for all of the command
  uint64_t deleted_path_bytes_left_ = 0;             // kMaxDeletedPathBytes is too
  ApplyObserver* observer_ = nullptr;
  // Scratch.
  ByteWriter reply_;
};

}  // namespace synod::statemachine

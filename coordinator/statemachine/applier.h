// Executes one command at a time on a State. The operations are in apply_*.cc.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "coordinator/base/bytes.h"
#include "coordinator/interfaces/command_batch.h"
#include "coordinator/statemachine/command.h"
#include "coordinator/statemachine/outcome.h"
#include "coordinator/statemachine/state.h"

namespace synod::statemachine {

// Loop thread. Holds nothing between commands but memory it uses again.
class Applier {
 public:
  Applier(State* state, uint32_t version_known) : state_(state), version_known_(version_known) {}
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

  // One operation of the tree; a failed one changed nothing and left only its error in *result.
  tree::Error ApplyTreeOp(const TreeOp& op, OpResult* result);
  tree::Error Apply(const CreateOp& op, OpResult* result);
  tree::Error Apply(const DeleteOp& op, OpResult* result);
  tree::Error Apply(const SetDataOp& op, OpResult* result);
  tree::Error Apply(const CheckOp& op, OpResult* result);
  void ApplySingle(const auto& op);
  void ApplyMulti(const MultiOp& multi);

  void ApplyCreateSession(const CreateSessionOp& op);
  void ApplyAttachSession(const AttachSessionOp& op);
  void ApplyCloseSession();
  void ApplyExpireSession(const ExpireSessionOp& op);
  void EndSession(sessions::Session* session, bool expired);
  void Grant(const sessions::Session& session);

  void ApplyRaiseVersion(const RaiseVersionOp& op);
  void ApplySetSetting(const SetSettingOp& op);

  State* const state_;
  const uint32_t version_known_;
  // Of the running command.
  Command command_;
  Outcome outcome_;
  tree::ChangeContext context_;
  ApplyObserver* observer_ = nullptr;
  // Scratch.
  ByteWriter reply_;
};

}  // namespace synod::statemachine

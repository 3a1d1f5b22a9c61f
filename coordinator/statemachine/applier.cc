#include "coordinator/statemachine/applier.h"

#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "coordinator/base/check.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/statemachine/command_codec.h"

namespace synod::statemachine {
namespace {

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

// As new, but the strings' memory stays.
void Clear(Outcome* outcome) {
  outcome->error = tree::Error::kOk;
  outcome->zxid = Zxid(0);
  outcome->result.error = tree::Error::kOk;
  outcome->result.path.clear();
  outcome->result.stat = {};
  outcome->result.created = false;
  outcome->result.deleted = 0;
  outcome->result.remaining = 0;
  outcome->results.clear();
  outcome->succeeded = false;
  outcome->grant.session = SessionId(0);
  outcome->grant.password.clear();
  outcome->grant.generation = OwnerGeneration(0);
  outcome->grant.timeout_ms = 0;
  outcome->grant.disconnect_grace_ms = 0;
  outcome->grant.last_applied = Sequence(0);
  outcome->repeated = false;
  outcome->gap = false;
}

}  // namespace

absl::Status Applier::Apply(const interfaces::BatchTimes& times, std::string_view bytes, ApplyObserver* observer) {
  SYNOD_RETURN_IF_ERROR(DecodeCommandInto(bytes, &command_));
  const auto* raise = std::get_if<RaiseVersionOp>(&command_.operation);
  if (raise != nullptr && raise->version > options_.version_known) {
    return absl::UnimplementedError(absl::StrCat("the ensemble raised its state-machine version to ", raise->version,
                                                 "; this server knows ", options_.version_known,
                                                 ": install the newer release here"));
  }
  observer_ = observer;
  ++state_->counters.zxid;
  Clear(&outcome_);
  outcome_.zxid = state_->counters.zxid;
  context_ = {.zxid = state_->counters.zxid,
              .wall_ms = times.wall_ms,
              .log_clock_us = state_->counters.log_clock_us,
              .enforce_quota = state_->settings().enforce_quota};
  tree_deletes_left_ = kMaxTreeDelete;
  deleted_path_bytes_left_ = kMaxDeletedPathBytes;
  if (!JudgeServerCommand()) Judge();
  Finish();
  return absl::OkStatus();
}

void Applier::Finish() {
  std::vector<tree::Event> events = state_->tree->TakeEvents();
  // Before the observer is told, so that the window holds all that a watch stream may be told of.
  if (!events.empty()) state_->window.Append(events, state_->acls);
  std::vector<tree::QuotaExcess> excesses = state_->tree->TakeQuotaExcesses();
  if (observer_ != nullptr) {
    for (const tree::QuotaExcess& excess : excesses) observer_->OnQuotaExceeded(excess);
    observer_->OnCommand(command_, outcome_, events);
  }
  identities_ = nullptr;
  state_->acls.Collect();
  state_->identities.Collect();
}

void Applier::SetCaller(const access::IdentitySet& identities) {
  identities_ = &identities;
  context_.caller = state_->CallerOf(identities);
}

bool Applier::JudgeServerCommand() {
  return std::visit(Overloaded{
                        [this](const CreateSessionOp& op) { return ApplyCreateSession(op), true; },
                        [this](const AttachSessionOp& op) { return ApplyAttachSession(op), true; },
                        [this](const ExpireSessionOp& op) { return ApplyExpireSession(op), true; },
                        [this](const ContinueCloseOp& op) { return ApplyContinueClose(op), true; },
                        [this](const RemoveIdleOp& op) { return ApplyRemoveIdle(op), true; },
                        [this](const RaiseVersionOp& op) { return ApplyRaiseVersion(op), true; },
                        [this](const SetSettingOp& op) { return ApplySetSetting(op), true; },
                        [](const auto&) { return false; },
                    },
                    command_.operation);
}

void Applier::Judge() {
  if (command_.session == SessionId(0)) {  // at-least-once
    SetCaller(command_.identities);
    return Execute();
  }
  sessions::Session* session = state_->sessions.FindMutable(command_.session);
  if (session == nullptr || session->closing()) {
    outcome_.error = tree::Error::kSessionExpired;
    return;
  }
  if (command_.generation != session->generation()) {  // S4: an older one, from a connection that lost the session
    outcome_.error = tree::Error::kSessionMoved;
    return;
  }
  const Sequence number = command_.sequence;
  const Sequence next = session->replies().end();
  if (number > next) {  // S2: the sender goes on from the last applied + 1
    outcome_.gap = true;
    return;
  }
  state_->sessions.ConfirmBelow(session, command_.confirmed_below);
  if (number != Sequence(0) && number < next) return AnswerAgain(*session);
  SetCaller(state_->identities.Get(session->identities()));
  Execute();
  if (number == Sequence(0)) return;
  // A close took the session along, or made it closing: nobody is answered under it again.
  if (std::holds_alternative<CloseSessionOp>(command_.operation)) return;
  reply_.Clear();
  EncodeOutcome(outcome_, &reply_);
  state_->sessions.Record(session, reply_.bytes());
}

void Applier::AnswerAgain(const sessions::Session& session) {
  std::optional<std::string_view> reply = session.replies().Find(command_.sequence);
  if (reply) {
    absl::StatusOr<Outcome> first = DecodeOutcome(*reply);
    SYNOD_CHECK(first.ok()) << first.status().ToString();  // written here, and checked when loaded
    outcome_ = *std::move(first);
  } else {
    outcome_.error = tree::Error::kReplyLost;
  }
  outcome_.repeated = true;
}

void Applier::Execute() {
  std::visit(Overloaded{
                 [this](const CreateOp& op) { ApplySingle(op); },
                 [this](const DeleteOp& op) { ApplySingle(op); },
                 [this](const SetDataOp& op) { ApplySingle(op); },
                 [this](const CheckOp& op) { ApplySingle(op); },
                 [this](const SetAclOp& op) { ApplySingle(op); },
                 [this](const DeleteTreeOp& op) { ApplySingle(op); },
                 [this](const MultiOp& op) { ApplyAll(op.ops); },
                 [this](const TxnOp& op) { ApplyTxn(op); },
                 [this](const AuthenticateOp& op) { ApplyAuthenticate(op); },
                 [](const SyncOp&) {},  // being applied is all
                 [this](const RefusedOp& op) { outcome_.error = op.error; },
                 [this](const CloseSessionOp&) { ApplyCloseSession(); },
                 [](const auto&) { SYNOD_CHECK(false) << "a server's command"; },
             },
             command_.operation);
}

void Applier::ApplySingle(const auto& op) {
  tree::Error error = Apply(op, &outcome_.result);
  if (error == tree::Error::kOk) return;
  outcome_.error = error;
  outcome_.result = {.error = error};
}

tree::Error Applier::ApplyTreeOp(const TreeOp& op, OpResult* result) {
  tree::Error error = std::visit([&](const auto& one) { return Apply(one, result); }, op);
  if (error != tree::Error::kOk) *result = {.error = error};
  return error;
}

}  // namespace synod::statemachine

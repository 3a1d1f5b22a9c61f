#include "coordinator/base/check.h"
#include "coordinator/base/secrets.h"
#include "coordinator/statemachine/applier.h"
#include "coordinator/statemachine/command_codec.h"

namespace synod::statemachine {
namespace {

// What create and attach bring, by itself.
template <typename Op>
tree::Error JudgeArguments(const Op& op) {
  bool good = op.password.size() == kPasswordBytes && op.timeout_ms != 0 && op.connection != 0;
  return good ? tree::Error::kOk : tree::Error::kBadArguments;
}

}  // namespace

void Applier::Grant(const sessions::Session& session) {
  outcome_.grant = {session.id(),
                    session.password(),
                    session.generation(),
                    session.timeout_ms(),
                    session.disconnect_grace_ms(),
                    session.last_applied()};
}

// One reference for the session that will hold it.
IdentitySetId Applier::Hold(const access::IdentitySet& identities) {
  IdentitySetId id = state_->identities.Intern(identities);
  state_->identities.AddReference(id);
  return id;
}

// S1. Ids come from the replicated state, so every server draws the same.
void Applier::ApplyCreateSession(const CreateSessionOp& op) {
  outcome_.error = JudgeArguments(op);
  if (outcome_.error != tree::Error::kOk) return;
  if (const sessions::Session* made = state_->sessions.FindCreated(op.connection, op.password)) {
    Grant(*made);  // the same create, sent again: no second session that nobody would know of
    outcome_.repeated = true;
    return;
  }
  SessionId id = state_->counters.next_session;
  SYNOD_CHECK_LT(id, SessionId(int64_t{1} << 56)) << "session ids with an empty top byte are used up";
  ++state_->counters.next_session;
  sessions::Session* session = state_->sessions.Add(
      id, op.password, op.native,
      {OwnerGeneration(1), op.connection, op.timeout_ms, op.disconnect_grace_ms, Hold(op.identities)});
  Grant(*session);
  if (observer_ != nullptr) observer_->OnSessionGranted(outcome_.grant, op.connection);
}

// S4, counterexample 10: only who saw the present generation takes the session over, so a stale attach that is sent
// again later fences nobody.
void Applier::ApplyAttachSession(const AttachSessionOp& op) {
  outcome_.error = JudgeArguments(op);
  if (outcome_.error != tree::Error::kOk) return;
  sessions::Session* session = state_->sessions.FindMutable(op.session);
  if (session == nullptr || session->closing()) {
    outcome_.error = tree::Error::kSessionExpired;
    return;
  }
  if (!SameSecret(op.password, session->password())) {
    outcome_.error = tree::Error::kAuthFailed;
    return;
  }
  if (op.seen != session->generation()) {
    if (op.connection != session->connection()) {
      outcome_.error = tree::Error::kSessionMoved;
      return;
    }
    Grant(*session);  // the same attach, sent again: the same answer, nothing changes
    outcome_.repeated = true;
    return;
  }
  IdentitySetId before = session->identities();
  state_->sessions.SetOwner(
      session, {session->generation() + 1, op.connection, op.timeout_ms, op.disconnect_grace_ms, Hold(op.identities)});
  state_->identities.Release(before);
  if (op.clear_replies) state_->sessions.ClearReplies(session);
  Grant(*session);
  if (observer_ != nullptr) observer_->OnSessionGranted(outcome_.grant, op.connection);
}

// The identities of a connection only grow; a session's next owner brings its own.
void Applier::ApplyAuthenticate(const AuthenticateOp& op) {
  sessions::Session* session = state_->sessions.FindMutable(command_.session);
  if (session == nullptr) {
    outcome_.error = tree::Error::kBadArguments;
    return;
  }
  access::IdentitySet all = state_->identities.Get(session->identities());
  for (const access::Identity& one : op.identities) {
    if (!access::Insert(one, &all)) {
      outcome_.error = tree::Error::kTooLarge;
      return;
    }
  }
  IdentitySetId before = session->identities();
  state_->sessions.SetIdentities(session, Hold(all));
  state_->identities.Release(before);
}

void Applier::ApplyCloseSession() {
  if (command_.session == SessionId(0)) {
    outcome_.error = tree::Error::kBadArguments;
    return;
  }
  Close(state_->sessions.FindMutable(command_.session), /*expired=*/false);
}

// S5: a session that was attached since the leader judged it lives on.
void Applier::ApplyExpireSession(const ExpireSessionOp& op) {
  sessions::Session* session = state_->sessions.FindMutable(op.session);
  if (session == nullptr || session->closing()) {
    outcome_.error = tree::Error::kSessionExpired;
  } else if (op.seen != session->generation()) {
    outcome_.error = tree::Error::kSessionMoved;
  } else {
    Close(session, /*expired=*/true);
  }
}

void Applier::ApplyContinueClose(const ContinueCloseOp& op) {
  sessions::Session* session = state_->sessions.FindMutable(op.session);
  if (session == nullptr) {
    outcome_.error = tree::Error::kSessionExpired;
  } else if (!session->closing()) {
    outcome_.error = tree::Error::kBadArguments;
  } else {
    Close(session, session->expired());
  }
}

// L3: a bounded number of ephemerals per command; who has more is closing until the rest is gone.
void Applier::Close(sessions::Session* session, bool expired) {
  const SessionId id = session->id();
  if (state_->tree->DeleteEphemerals(context_, id, options_.ephemerals_per_command, kMaxDeletedPathBytes)) {
    if (observer_ != nullptr) observer_->OnSessionEnded(id, expired);
    state_->identities.Release(session->identities());
    state_->sessions.Remove(session);
  } else if (!session->closing()) {
    state_->sessions.SetClosing(session, expired);
    if (observer_ != nullptr) observer_->OnSessionClosing(id, expired);
  }
}

}  // namespace synod::statemachine

// What apply brings: events first, then the reply, then the reads behind it, all before the next command runs (L3, W2).
#include <utility>

#include "coordinator/base/check.h"
#include "coordinator/base/log.h"
#include "coordinator/service/service_impl.h"
#include "coordinator/service/writes.h"

namespace synod::service {

void Service::Impl::OnCommand(const statemachine::Command& applied, const statemachine::Outcome& outcome,
                              const std::vector<tree::Event>& events) {
  ++stats.commands_applied;
  if (!events.empty()) FireWatches(events);
  streams.OnCommand(events);
  if (applied.sequence != Sequence(0)) {
    Link* link = ServingLink(applied.session);
    if (link != nullptr && link->generation == applied.generation) {
      OnWriteOutcome(link, applied, outcome);
      if (link->closing) Close(link, CloseReason::kSessionClosed);
    }
  } else if (applied.origin.request != 0 && node != nullptr && applied.origin.server == node->self() &&
             applied.origin.incarnation == incarnation) {
    if (!OnGrantOutcome(applied.origin.request, outcome)) OnUnaryOutcome(applied.origin.request, applied, outcome);
  } else if (duties.active()) {
    duties.OnApplied(applied, outcome, Now(), [this](std::string bytes) { return ProposeDuty(std::move(bytes)); });
  }
  if (ended_link.value() != 0) {
    if (Link* link = FindLink(std::exchange(ended_link, ConnectionId(0)))) FinishClose(link);
  }
  if (std::exchange(close_due, false))
    duties.RunClosing(Now(), [this](std::string bytes) { return ProposeDuty(std::move(bytes)); });
  if (behind_lowest <= deps.state_machine->last_zxid()) CheckBehind(Now());
}

void Service::Impl::FireWatches(const std::vector<tree::Event>& events) {
  if (watch_table.watch_count() == 0) return;
  for (size_t i = 0; i < events.size(); ++i) {
    fired.clear();
    watch_table.Fire(events[i], &fired);
    for (watches::Notification& n : fired) {
      Link* link = FindLink(ConnectionId(n.watcher.value()));
      SYNOD_CHECK(link != nullptr) << "a watch outlived its connection";
      // 13.7: the ACL of the moment, judged by what the session has proved by now.
      if (n.acl != access::kOpenAcl &&
          !deps.state_machine->CallerOf(IdentitiesHere(*link)).Allows(n.acl, access::kRead)) {
        ++stats.notifications_denied;
        continue;
      }
      Notify(link, {n.type, std::move(n.path), n.zxid, static_cast<uint32_t>(2 * i) + (n.of_parent ? 1 : 0)});
    }
  }
}

void Service::Impl::OnWriteOutcome(Link* link, const statemachine::Command& applied,
                                   const statemachine::Outcome& outcome) {
  // S4: fenced. (The attach was applied before and closed the connection; this is the second lock.)
  if (outcome.error == tree::Error::kSessionMoved) return Close(link, CloseReason::kMoved);
  if (outcome.gap) return OnGap(link, applied.sequence);
  if (link->queue.empty() || link->ending) return;
  SessionQueue::Item& front = link->queue.Front();
  // Not the front: sent twice and answered the first time.
  if (front.kind != SessionQueue::Kind::kWrite || front.sequence != applied.sequence) return;
  absl::Duration now = Now();
  SessionQueue::Item item = std::move(front);
  link->queue.Pop();
  link->gap_mark = Sequence(0);
  link->progress = now;
  link->patience = absl::ZeroDuration();
  if (link->options.numbers_own_writes) {
    link->unconfirmed.push_back(static_cast<uint32_t>(ReplyBytes(outcome)));
    link->unconfirmed_bytes += link->unconfirmed.back();
  } else {
    link->confirmed_below = applied.sequence + 1;
  }
  Reply reply;
  FillReply(outcome, &reply);
  reply.repeated = false;  // to this client it is the first, whichever copy of the command was applied
  GiveReply(link, item, std::move(reply), PathOf(applied.operation), now);
  if (link->closing) return;
  Advance(link);
  UpdateFlow(link);
}

// All that is unanswered goes again, once for all the gaps that one loss makes. A later loss shows a gap beyond the
// mark, or brings OnResubmit, or is found by the sweep's patience: progress is certain, and there is no storm.
void Service::Impl::OnGap(Link* link, Sequence sequence) {
  if (sequence <= link->gap_mark) return;
  link->gap_mark = std::max(sequence, link->queue.LastSent());
  SendAgain(link, Now());
}

void Service::Impl::OnSessionGranted(const statemachine::SessionGrant& grant, uint64_t connection) {
  if (expirer.active()) expirer.OnGranted(grant, Now());
  liveness.ForgetDisconnect(grant.session);  // S8: attached again
  Link* link = ServingLink(grant.session);
  if (link != nullptr && link->id.value() != connection) Close(link, CloseReason::kMoved);  // S4
}

// It has more ephemerals than one command deletes; the leader goes on with them.
void Service::Impl::OnSessionClosing(SessionId session, bool expired) {
  expirer.OnEnded(session);
  liveness.ForgetDisconnect(session);
  duties.OnSessionClosing(session);
  close_due = true;
  Link* link = ServingLink(session);
  if (link == nullptr) return;
  if (expired) return Close(link, CloseReason::kSessionExpired);
  link->ending = true;
}

void Service::Impl::OnSessionEnded(SessionId session, bool expired) {
  expirer.OnEnded(session);
  liveness.ForgetDisconnect(session);
  duties.OnSessionEnded(session);
  Link* link = ServingLink(session);
  if (link == nullptr) return;
  if (expired && !link->ending) return Close(link, CloseReason::kSessionExpired);
  link->identities = IdentitiesHere(*link);  // the events of its last ephemerals are judged by them
  link->closing = true;                      // by its own CloseSession, answered by the OnCommand that follows
  if (link->ending) ended_link = link->id;   // answered behind those events
}

void Service::Impl::FinishClose(Link* link) {
  if (!link->queue.empty() && link->queue.Front().kind == SessionQueue::Kind::kWrite) {
    SessionQueue::Item item = std::move(link->queue.Front());
    link->queue.Pop();
    Reply reply;
    reply.zxid = deps.state_machine->last_zxid();
    GiveReply(link, item, std::move(reply), {}, Now());
  }
  Close(link, CloseReason::kSessionClosed);
}

void Service::Impl::OnQuotaExceeded(const tree::QuotaExcess& excess) {
  constexpr absl::Duration kTellEvery = absl::Seconds(1);
  ++stats.quota_exceeded;
  absl::Duration now = Now();
  if (now - quota_told < kTellEvery) {
    ++quota_untold;
    return;
  }
  SLOG_WARN("quota of {} exceeded: {} nodes (limit {}), {} bytes (limit {}); {} more warnings since the last",
            excess.path, excess.count, excess.count_limit, excess.bytes, excess.bytes_limit, quota_untold);
  quota_told = now;
  quota_untold = 0;
}

// S10: there are no events for the jump.
void Service::Impl::OnInstalled() {
  for (ConnectionId id : LinkIds()) {
    Link* link = FindLink(id);
    if (link == nullptr) continue;
    switch (link->phase) {
      case Link::Phase::kOpen:
      case Link::Phase::kBehind:
      case Link::Phase::kLookup:
      case Link::Phase::kClosed:
        break;
      case Link::Phase::kGranting:  // its outcome may lie in the jump
        Close(link, CloseReason::kResume);
        break;
      case Link::Phase::kServing:
        CatchUpAfterInstall(link);
        break;
    }
  }
  std::vector<uint64_t> unknown;
  for (const auto& [number, call] : calls) {
    if (call->waiting == UnaryCall::Waiting::kOutcome) unknown.push_back(number);
  }
  for (uint64_t number : unknown) {
    FailUnary(number, ErrorCode::kNoQuorum, Effect::kMayHaveBeenDone,
              "this server skipped ahead and did not see the outcome");
  }
  streams.OnInstalled();
  CheckBehind(Now());
}

void Service::Impl::CatchUpAfterInstall(Link* link) {
  if (link->read_only) return Close(link, CloseReason::kResume);  // who sent the state can be written to
  const sessions::Session* session = deps.state_machine->sessions().Find(link->session);
  if (session == nullptr && link->ending) return FinishClose(link);
  if (session == nullptr) return Close(link, CloseReason::kSessionExpired);
  if (session->generation() != link->generation) return Close(link, CloseReason::kMoved);
  if (session->closing()) {
    if (session->expired()) return Close(link, CloseReason::kSessionExpired);
    if (!link->ending) Close(link, CloseReason::kResume);  // what it is to be told lies in the jump
    return;
  }
  if (!link->options.numbers_own_writes) {
    // It cannot be told what became of its writes under their numbers' replies, nor what its watches missed.
    if (link->has_watches || !link->queue.empty()) Close(link, CloseReason::kResume);
    return;
  }
  // Answers first: they are in the reply table. A reply may show a change whose event is lost, so with watches the
  // connection is closed before any is given (W2); the client re-arms, and re-sends under its numbers.
  if (link->has_watches) return Close(link, CloseReason::kResume);
  link->queue.Rewind();
  Advance(link, /*from_table=*/true);
  if (link->phase == Link::Phase::kServing) UpdateFlow(link);
}

}  // namespace synod::service

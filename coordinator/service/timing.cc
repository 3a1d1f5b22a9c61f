// Clocked duties, leadership, liveness.
#include <algorithm>
#include <utility>

#include "coordinator/base/log.h"
#include "coordinator/service/service_impl.h"
#include "coordinator/statemachine/command_codec.h"

namespace synod::service {
namespace {

constexpr absl::Duration kSweepInterval = absl::Milliseconds(50);
constexpr absl::Duration kProbeInterval = absl::Milliseconds(500);
constexpr absl::Duration kConnectWithin =
    absl::Seconds(10);  // of a client that says nothing, and of the ensemble to grant
// Without progress and without news of a loss, writes go again after it; then twice as long. A net under OnResubmit and
// gaps, not a schedule.
constexpr absl::Duration kPatience = absl::Seconds(5);

}  // namespace

void Service::Impl::ScheduleTick() {
  deps.loop->PostAfter(config.tick, [this, watch = std::weak_ptr<bool>(alive)] {
    if (!watch.lock()) return;
    Tick();
    ScheduleTick();
  });
}

void Service::Impl::Tick() {
  graveyard.clear();
  absl::Duration now = Now();
  expirer.Update(node->LeadingAndCaughtUp(), node->term(), deps.state_machine->sessions(), now);
  UpdateDuties(now);
  MaybeReport(now);
  if (now - last_expiry >= config.expiry_tick) {
    last_expiry = now;
    Expire(now);
    duties.Run(node->LogClockUs(), now, [this](std::string bytes) { return ProposeDuty(std::move(bytes)); });
  }
  if (now - last_sweep >= kSweepInterval) {
    last_sweep = now;
    Sweep(now);
  }
}

void Service::Impl::Sweep(absl::Duration now) {
  const node::NodeStatus status = node->Status();
  leader_age = status.since_leader_heard;
  leader_age_at = now;
  streams.Sweep(now, leader_age);
  // S6: silence towards the leader for two thirds of the timeout ends the connection, before the client's session can
  // be lost unnoticed.
  for (SessionId session : liveness.Overdue(now)) {
    if (Link* link = ServingLink(session))
      Close(link, CloseReason::kNoQuorum, "no leader heard of this session for too long");
  }
  MaybeBeginReadOnly(status.started, now);
  for (ConnectionId id : LinkIds()) {
    if (Link* link = FindLink(id)) SweepLink(link, now);
  }
  if (!behind.empty() || !behind_calls.empty()) CheckBehind(now);
  ExpireCalls(now);
  ProbeQuorum(now);
  for (Transfer& transfer : std::exchange(transfers, {})) {
    if (transfer.deadline <= now) {
      transfer.done(absl::DeadlineExceededError("leadership was not taken over in time; the old leader goes on"));
    } else {
      transfers.push_back(std::move(transfer));
    }
  }
}

void Service::Impl::SweepLink(Link* link, absl::Duration now) {
  switch (link->phase) {
    case Link::Phase::kOpen:
      if (now - link->since >= kConnectWithin) Close(link, CloseReason::kProtocolError, "no connect message in time");
      return;
    case Link::Phase::kLookup:
    case Link::Phase::kGranting: {
      // Who accepts a server without quorum waits until this one is known to be one.
      const bool accepts = config.read_only_mode && AcceptsReadOnly(*link);
      if (accepts && read_only) return GrantReadOnly(link);
      absl::Duration hold = accepts ? config.hold_max : std::min(config.hold_max, link->request.timeout / 3);
      if ((now - link->since >= hold && HeldTooLong(now, hold)) || now - link->since >= kConnectWithin) {
        return Close(link, CloseReason::kNoQuorum);
      }
      if (link->barrier_failed && can_submit) return LookUp(link);
      if (link->phase == Link::Phase::kGranting && !link->grant_sent) SendGrant(link);
      return;
    }
    case Link::Phase::kBehind:
    case Link::Phase::kClosed:
      return;
    case Link::Phase::kServing:
      break;
  }
  if (link->read_only) {  // nobody else counts its time
    if (now - link->progress >= link->timeout) Close(link, CloseReason::kSessionExpired);
    return;
  }
  if (link->queue.empty()) return;
  // S6: what waits for a leader waits no longer than this, whenever it came.
  absl::Duration hold = std::min(config.hold_max, link->timeout / 3);
  if (HeldTooLong(now, hold)) return Close(link, CloseReason::kNoQuorum);
  // S3: a client that confirms nothing, and so can never be served again. Connecting anew it confirms.
  if (link->capped_since && now - *link->capped_since >= link->timeout / 3) {
    return Close(link, CloseReason::kOverloaded, "too many replies were not confirmed as received");
  }
  if (!can_submit) return;
  RetryBarriers(link);
  if (now - link->progress >= std::max(kPatience, link->patience) && link->queue.HasSent()) {
    link->patience = 2 * std::max(kPatience, link->patience);
    SLOG_WARN("session {}: no write was applied for long; sending again", link->session.value());
    SendAgain(link, now);
  }
}

void Service::Impl::Ping(ConnectionId id, uint64_t ping) {
  Link* link = FindLink(id);
  if (link == nullptr) return;
  ++stats.packets_received;
  ++stats.pings;
  if (link->phase != Link::Phase::kServing)
    return Close(link, CloseReason::kProtocolError, "a ping before the connection was granted");
  absl::Duration now = Now();
  if (link->read_only) {  // there is no leader whom this could mislead about its life (S6)
    link->progress = now;
    ++stats.pongs;
    ++stats.packets_sent;
    return link->door->OnPong(ping, deps.state_machine->last_zxid());
  }
  liveness.Ping(link->liveness, ping, now);
  MaybeReport(now);
}

void Service::Impl::MaybeReport(absl::Duration now) {
  if (stopping || node == nullptr || node->leader().value() == 0) return;
  if (std::optional<std::string> report = liveness.TakeReport(now))
    node->SendService(node->leader(), *std::move(report));
}

void Service::Impl::OnServiceMessage(ServerId from, const std::string& bytes) {
  if (stopping || node == nullptr) return;
  absl::StatusOr<LivenessKind> kind = PeekLivenessKind(bytes);
  if (!kind.ok()) {
    SLOG_WARN("message of server {}: {}", from.value(), kind.status().ToString());
    return;
  }
  absl::Status status;
  if (*kind == LivenessKind::kReport) {
    absl::StatusOr<LivenessReport> report = DecodeReport(bytes);
    status = report.status();
    if (report.ok()) OnReport(from, *std::move(report));
  } else {
    absl::StatusOr<LivenessAck> ack = DecodeAck(bytes);
    status = ack.status();
    if (ack.ok()) OnAck(from, *ack);
  }
  if (!status.ok()) SLOG_WARN("message of server {}: {}", from.value(), status.ToString());
}

// Acknowledged only by a leader of whom a quorum confirmed, after the report came, that it still is (S6, counterexample
// 23).
void Service::Impl::OnReport(ServerId from, LivenessReport report) {
  absl::Duration now = Now();
  expirer.Update(node->LeadingAndCaughtUp(), node->term(), deps.state_machine->sessions(), now);
  if (!expirer.OnReport(report, now)) return;
  node->ReadBarrier(
      [this, from, report = std::move(report), term = expirer.term(), watch = std::weak_ptr<bool>(alive)](bool ok) {
        if (!ok || !watch.lock()) return;
        absl::Duration then = Now();
        expirer.Update(node->LeadingAndCaughtUp(), node->term(), deps.state_machine->sessions(), then);
        if (std::optional<LivenessAck> ack = expirer.Judge(report, term, then))
          node->SendService(from, EncodeAck(*ack));
      });
}

void Service::Impl::OnAck(ServerId from, const LivenessAck& ack) {
  if (from != node->leader()) return;
  pongs.clear();
  liveness.OnAck(ack, &pongs);
  for (const Liveness::Pong& pong : pongs) {
    Link* link = ServingLink(pong.session);
    if (link == nullptr) continue;
    if (link->rearming) {
      link->rearming->pings.push_back(pong.ping);
      continue;
    }
    ++stats.pongs;
    ++stats.packets_sent;
    link->door->OnPong(pong.ping, deps.state_machine->last_zxid());
  }
}

// S5: each expiry names the generation seen, and takes effect through the log only.
void Service::Impl::Expire(absl::Duration now) {
  if (!expirer.active()) to_expire.clear();
  for (const sessions::ExpiryQueue::Due& due : expirer.Due(now)) {
    SLOG_INFO("session {} is due: expiring", due.session.value());
    to_expire.push_back(due);
  }
  size_t sent = 0;
  for (; sent < to_expire.size() && !node_full; ++sent) {
    statemachine::Command expire;
    expire.operation = statemachine::ExpireSessionOp{to_expire[sent].session, to_expire[sent].seen};
    if (!SubmitToNode(statemachine::EncodeCommand(expire))) break;
    ++stats.sessions_expired;
  }
  to_expire.erase(to_expire.begin(), to_expire.begin() + static_cast<ptrdiff_t>(sent));
}

void Service::Impl::LeaderLost(absl::Duration now) {
  if (can_submit) {
    can_submit = false;
    leader_lost_at = now;
  }
  liveness.LeaderChanged();
  DoubtUnaryWrites(now);
}

void Service::Impl::OnRoleChange(const consensus::RoleChange& change) {
  bool other = change.leader != role.leader || change.term != role.term;
  if (change.role == consensus::Role::kLeader && (role.role != consensus::Role::kLeader || change.term != role.term))
    leading_since = Now();
  role = change;
  if (stopping || node == nullptr) return;
  absl::Duration now = Now();
  expirer.Update(node->LeadingAndCaughtUp(), node->term(), deps.state_machine->sessions(), now);
  UpdateDuties(now);
  if (other) LeaderLost(now);
  // Found again in the same term over the same connection: nothing was dropped there, and the node has nothing to
  // announce.
  if (other && !can_submit && change.leader.value() != 0 && change.leader == sent_to.leader &&
      change.term == sent_to.term)
    OnResubmit();
  if (change.leader.value() != 0 && change.leader != node->self()) {
    for (Transfer& transfer : std::exchange(transfers, {})) transfer.done(change.leader);
  }
}

void Service::Impl::OnPeerDown(ServerId peer) {
  if (stopping || node == nullptr) return;
  if (peer == sent_to.leader) sent_to.leader = ServerId(0);
  if (peer == role.leader) LeaderLost(Now());
}

// S2: everything unanswered, in order, as first encoded. Numbered writes begin at the last applied + 1, which is where
// their queue's front is.
void Service::Impl::OnResubmit() {
  if (stopping || node == nullptr) return;
  absl::Duration now = Now();
  can_submit = true;
  EndReadOnly();
  sent_to = {consensus::Role::kFollower, node->term(), node->leader()};
  if (node_full) {
    node_full = false;
    UpdateAllFlow();
  }
  to_expire.clear();  // a leader that leads anew begins anew
  expirer.Update(node->LeadingAndCaughtUp(), node->term(), deps.state_machine->sessions(), now);
  UpdateDuties(now);
  liveness.LeaderChanged();
  DoubtUnaryWrites(now);
  for (ConnectionId id : LinkIds()) {
    Link* link = FindLink(id);
    if (link == nullptr) continue;
    if (link->phase == Link::Phase::kGranting) {
      SendGrant(link);
    } else if (link->phase == Link::Phase::kLookup && link->barrier_failed) {
      LookUp(link);
    } else if (link->phase == Link::Phase::kServing) {
      link->gap_mark = Sequence(0);
      SendAgain(link, now);
      RetryBarriers(link);
    }
  }
  SendWaitingCalls();
  ExpireCalls(now);  // reads whose barrier failed ask again
  MaybeReport(now);
  last_probe = -absl::InfiniteDuration();
  ProbeQuorum(now);
}

void Service::Impl::OnQueueDrained() {
  if (stopping || node == nullptr) return;
  node_full = false;
  PumpAll();
  if (!node_full) UpdateAllFlow();
}

WatchStreamId Service::Impl::OpenWatch(WatchStream* stream, WatchStreamRequest request) {
  if (!stopping && node != nullptr) return streams.Open(stream, std::move(request));
  stream->OnEnd(WatchEnd::kShutdown, {});
  return WatchStreamId(0);
}

// For readiness: whether a majority confirms the leader that is known here, and this server has caught up with it.
void Service::Impl::ProbeQuorum(absl::Duration now) {
  if (!can_submit || now - last_probe < kProbeInterval) return;
  last_probe = now;
  node->ReadBarrier([this, now, watch = std::weak_ptr<bool>(alive)](bool ok) {
    if (watch.lock() && ok) confirmed_at = std::max(confirmed_at, now);
  });
}

}  // namespace synod::service

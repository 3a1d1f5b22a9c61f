// The outside of the core: construction, what the driver tells it, and the gathering of an Output.
#include "coordinator/consensus/core.h"

#include <algorithm>
#include <utility>

#include "coordinator/base/check.h"

namespace synod::consensus {

Core::Core(const CoreConfig& config, const RecoveredLog& recovered, EntryReader* reader, Random random)
    : config_(config),
      random_(random),
      log_(recovered, reader, config.log_cache_bytes),
      membership_(recovered.snapshot_index, recovered.snapshot_configuration),
      term_(std::max(recovered.hard_state.term, log_.vote_end().term)),
      voted_for_(term_ == recovered.hard_state.term ? recovered.hard_state.voted_for : ServerId(0)),
      state_(Follower{.matched = log_.commit()}),
      // Ids begin at random: an answer to a question asked before a restart must not answer a new one (L9).
      last_read_id_(random_.Next() >> 2) {
  SYNOD_CHECK(config.self.server != ServerId(0) && config.self.storage != StorageId(0));
  SYNOD_CHECK(config.election_ticks_min > 0 && config.election_ticks_min <= config.election_ticks_max);
  SYNOD_CHECK(config.heartbeat_ticks > 0 && config.heartbeat_ticks < config.election_ticks_min);
  for (const auto& [index, configuration] : recovered.configurations) {
    if (index <= log_.last()) membership_.Insert(index, configuration);
  }
  configuration_changed_ = !membership_.current().members.empty();
  if (SelfIsVoter() && membership_.current().VoterCount() == 1) {
    SetElectionTimer(1);  // there is nobody to wait for
  } else {
    SetElectionTimer();
  }
}

Core::~Core() = default;

void Core::Tick() {
  ++now_;
  if (std::holds_alternative<Leader>(state_)) {
    TickLeader();
    return;
  }
  if (auto* follower = std::get_if<Follower>(&state_)) {
    if (now_ - follower->asked >= config_.heartbeat_ticks) {
      follower->asked = now_;
      for (uint64_t question : follower->questions.Open()) {
        Send({.type = MessageType::kReadIndex, .to = follower->leader.server, .read_round = question});
      }
    }
  }
  if (now_ >= election_due_) ElectionTimeout();
}

void Core::LogSynced(LogIndex through, uint64_t cut_counter) {
  log_.Synced(through, cut_counter);
  if (std::holds_alternative<Leader>(state_)) {
    AdvanceCommit();
  } else {
    AcknowledgeIfNews();
  }
}

uint64_t Core::cut_counter() const { return log_.cut_counter(); }

void Core::PeerConnected(const Identity& peer) {
  connected_[peer.server] = peer;
  if (auto* leader = std::get_if<Leader>(&state_)) {
    for (auto& [identity, progress] : leader->peers) {
      if (identity.server == peer.server) progress.ConnectionLost();
    }
    leader_work_ = true;
  }
}

void Core::PeerDisconnected(ServerId peer) {
  connected_.erase(peer);
  for (auto it = guests_.begin(); it != guests_.end();) it = it->server == peer ? guests_.erase(it) : std::next(it);
  if (auto* leader = std::get_if<Leader>(&state_)) {
    for (auto& [identity, progress] : leader->peers) {
      if (identity.server == peer) progress.ConnectionLost();
    }
    TrackPeers();
    return;
  }
  auto* follower = std::get_if<Follower>(&state_);
  if (follower == nullptr || follower->leader.server != peer || peer == ServerId(0)) return;
  // L10: the leader's connection, and nobody else's. Those of lower rank go first, so that they do not meet.
  BecomeFollower(term_, Identity{});
  if (!MayCampaign()) return;
  uint64_t rank = 0;
  for (const Member& member : membership_.current().members) {
    if (member.role == MemberRole::kVoter && member.identity < config_.self) ++rank;
  }
  SetElectionTimer(rank * config_.lost_leader_ticks_per_rank);
  if (now_ >= election_due_) ElectionTimeout();
}

void Core::AddGuest(const Identity& guest) {
  if (guest.server == config_.self.server || guest.server == ServerId(0) || guest.storage == StorageId(0)) return;
  for (auto it = guests_.begin(); it != guests_.end();) {
    it = it->server == guest.server && *it != guest ? guests_.erase(it) : std::next(it);
  }
  guests_.insert(guest);
  connected_[guest.server] = guest;
  if (std::holds_alternative<Leader>(state_)) TrackPeers();
}

bool Core::SnapshotInstalled(const InstalledSnapshot& snapshot) {
  if (snapshot.term > term_) BecomeFollower(snapshot.term, Identity{});
  LogIndex before = log_.commit();
  bool news = snapshot.index > log_.handed_out();
  bool keep_tail = log_.Install(snapshot.index, snapshot.term);
  if (!keep_tail && !std::holds_alternative<Follower>(state_)) BecomeFollower(term_, Identity{});
  if (news) {
    Configuration old = membership_.current();
    membership_.Install(snapshot.index, snapshot.configuration, keep_tail);
    if (membership_.current() != old) ConfigurationChanged();
  }
  NoticeCommit(before);
  if (auto* follower = std::get_if<Follower>(&state_)) {
    // What is committed equals any leader's log.
    follower->matched = std::max(follower->matched, std::min(log_.commit(), log_.last()));
    if (follower->leader.server != ServerId(0)) Acknowledge(follower->echoed_round);
  }
  return keep_tail;
}

void Core::Compacted(LogIndex through) {
  log_.Compacted(through);
  membership_.ForgetBefore(through);
}

void Core::EntryRepaired(const Entry& entry) {
  if (!log_.Repaired(entry)) return;
  if (entry.type == EntryType::kConfiguration && entry.payload != nullptr) {
    auto configuration = Configuration::Decode(*entry.payload);
    if (configuration.ok()) {
      membership_.Insert(entry.index, *std::move(configuration));
      ConfigurationChanged();
    }
  }
  AcknowledgeIfNews();
}

uint64_t Core::RequestRead() {
  uint64_t id = NewReadId();
  if (auto* leader = std::get_if<Leader>(&state_)) {
    leader->reads.Add({ServerId(0), id});
    leader_work_ = true;
  } else if (auto* follower = std::get_if<Follower>(&state_);
             follower != nullptr && follower->leader.server != ServerId(0)) {
    follower->questions.Add(id);
  } else {
    out_.reads.push_back({.id = id, .failed = true});
  }
  return id;
}

void Core::ConfigurationChanged() {
  configuration_changed_ = true;
  if (std::holds_alternative<Leader>(state_)) TrackPeers();
}

void Core::NoticeCommit(LogIndex before) {
  if (log_.commit() == before) return;
  if (!membership_.At(before).IsMember(config_.self) || membership_.At(log_.commit()).IsMember(config_.self)) return;
  out_.removed = true;
  if (!std::holds_alternative<Leader>(state_)) return;
  // A removed leader leads until the removal is committed (thesis 4.2.2). The others learn that it is, and the best of
  // them goes on at once.
  SendDue();
  if (!std::holds_alternative<Leader>(state_)) return;
  if (const Identity* next = BestTransferTarget()) Send({.type = MessageType::kTimeoutNow, .to = next->server});
  BecomeFollower(term_, Identity{});
}

bool Core::HasOutput() const {
  if (hard_state_changed_ || configuration_changed_ || leader_work_) return true;
  if (log_.HasUnwritten() || !out_.Empty()) return true;
  if (log_.HasCommitted() && now_ >= hand_out_blocked_until_) return true;
  auto* follower = std::get_if<Follower>(&state_);
  if (follower != nullptr && follower->questions.WantsQuestion()) return true;
  return role_told_ != RoleChange{role(), term_, leader()};
}

Output Core::TakeOutput() {
  if (std::holds_alternative<Leader>(state_)) {
    StartReadRound();
    SendDue();
  } else {
    SendQuestions();
  }
  leader_work_ = false;
  Output out;
  GatherOutput(&out);
  if (auto* candidate = std::get_if<Candidate>(&state_);
      candidate != nullptr && !candidate->pre && !candidate->own_vote) {
    // R04: the own vote is in `out`, durable before anything that follows from it.
    candidate->own_vote = true;
    CountVotes();
  }
  return out;
}

void Core::GatherOutput(Output* out) {
  *out = std::exchange(out_, Output{});
  if (std::exchange(hard_state_changed_, false)) out->hard_state = HardState{term_, voted_for_};
  out->cut_from = log_.TakeCut();
  out->append = log_.TakeUnwritten();
  HandOut(out);
  RoleChange now{role(), term_, leader()};
  if (now != role_told_) out->role_change = role_told_ = now;
  if (std::exchange(configuration_changed_, false)) out->configuration = membership_.current();
}

void Core::HandOut(Output* out) {
  if (now_ < hand_out_blocked_until_) return;
  LogIndex next = log_.handed_out() + 1;
  // Only what was written before this Output can be read back; the rest is still cached.
  auto entries = log_.TakeCommitted(config_.apply_batch_bytes);
  if (entries.ok()) {
    out->committed = *std::move(entries);
    return;
  }
  hand_out_blocked_until_ = now_ + config_.heartbeat_ticks;
  if (absl::IsDataLoss(entries.status())) {
    // The record went bad since the start (D5): it may lead no more until somebody repaired it.
    log_.MarkDamaged(next);
    if (!std::holds_alternative<Follower>(state_)) BecomeFollower(term_, Identity{});
  }
}

Role Core::role() const {
  if (std::holds_alternative<Leader>(state_)) return Role::kLeader;
  if (auto* candidate = std::get_if<Candidate>(&state_)) return candidate->pre ? Role::kPreCandidate : Role::kCandidate;
  return SelfIsVoter() ? Role::kFollower : Role::kLearner;
}

Term Core::term() const { return term_; }

ServerId Core::leader() const {
  if (std::holds_alternative<Leader>(state_)) return config_.self.server;
  auto* follower = std::get_if<Follower>(&state_);
  return follower != nullptr ? follower->leader.server : ServerId(0);
}

LogIndex Core::commit() const { return log_.commit(); }
LogIndex Core::last_index() const { return log_.last(); }
std::optional<Term> Core::TermAt(LogIndex index) const { return log_.TermAt(index); }
const Configuration& Core::configuration() const { return membership_.current(); }

bool Core::OwnTermCommitted() const {
  auto* leader = std::get_if<Leader>(&state_);
  return leader != nullptr && log_.commit() >= leader->term_start;
}

CoreStatus Core::Status() const {
  CoreStatus status{.role = role(), .term = term_, .leader = leader()};
  status.first = log_.first();
  status.last = log_.last();
  status.synced = log_.synced();
  status.commit = log_.commit();
  status.applied_handed_out = log_.handed_out();
  status.own_term_committed = OwnTermCommitted();
  status.damaged.assign(log_.damaged().begin(), log_.damaged().end());
  status.vote_end = log_.vote_end();
  auto* leader = std::get_if<Leader>(&state_);
  if (leader == nullptr) return status;
  status.change_pending = ChangePending();
  if (leader->transfer) status.transfer_target = leader->transfer->target.server;
  for (const auto& [identity, progress] : leader->peers) {
    const Member* member = membership_.current().Find(identity.server);
    status.peers.push_back({
        .identity = identity,
        .role = progress.guest ? MemberRole::kLearner : member->role,
        .guest = progress.guest,
        .match = progress.match,
        .next = progress.next,
        .needs_snapshot = progress.state() == Progress::State::kSnapshot,
        .recently_active = progress.heard && now_ - progress.last_heard < config_.election_ticks_max,
    });
  }
  return status;
}

}  // namespace synod::consensus

// Leading: the own term's first entry, proposals, commit, transfer, reads (thesis 3.6, 3.10, 4.1, 6.2, 6.4).
#include <algorithm>
#include <string>
#include <utility>

#include "coordinator/consensus/core.h"
#include "coordinator/consensus/quorum.h"

namespace synod::consensus {

void Core::BecomeLeader() {
  state_ = Leader{.term_start = log_.last() + 1};
  TrackPeers();
  // Nothing of older terms commits by counting (R05); this entry takes them along.
  AppendAsLeader(EntryType::kNoop, MakeSharedBytes(std::string()));
}

void Core::AppendAsLeader(EntryType type, SharedBytes payload) {
  log_.Append(Entry{.term = term_, .index = log_.last() + 1, .type = type, .payload = std::move(payload)});
  leader_work_ = true;
}

ProposeResult Core::Propose(EntryType type, SharedBytes payload) {
  auto* leader = std::get_if<Leader>(&state_);
  if (leader == nullptr) return ProposeResult::kNotLeader;
  if (leader->transfer) return ProposeResult::kTransferring;
  if (type == EntryType::kConfiguration || payload == nullptr) return ProposeResult::kInvalid;
  AppendAsLeader(type, std::move(payload));
  return ProposeResult::kAccepted;
}

ProposeResult Core::ProposeMembership(const MembershipChange& change) {
  auto* leader = std::get_if<Leader>(&state_);
  if (leader == nullptr) return ProposeResult::kNotLeader;
  if (leader->transfer) return ProposeResult::kTransferring;
  // R06, and Ongaro's mail to raft-dev of 2015-07-10: or changes of two leaders may not know of each other.
  if (!OwnTermCommitted()) return ProposeResult::kTermNotStarted;
  if (ChangePending()) return ProposeResult::kChangePending;
  std::optional<Configuration> after = ApplyChange(membership_.current(), change);
  if (!after) return ProposeResult::kInvalid;
  AppendAsLeader(EntryType::kConfiguration, MakeSharedBytes(after->Encode()));
  membership_.Insert(log_.last(), *std::move(after));
  ConfigurationChanged();
  return ProposeResult::kAccepted;
}

void Core::TickLeader() {
  Leader& leader = std::get<Leader>(state_);
  // Check-quorum (thesis 6.2): who no longer reaches a majority makes room and lets its clients look elsewhere.
  if (!QuorumHeardWithin(config_.election_ticks_max)) return BecomeFollower(term_, Identity{});
  if (leader.transfer && now_ >= leader.transfer->deadline) {
    bool step_down = leader.transfer->step_down_after;
    leader.transfer.reset();  // R12
    if (step_down) return BecomeFollower(term_, Identity{});
  }
  for (auto& [identity, peer] : leader.peers) {
    if (now_ - peer.last_sent < config_.heartbeat_ticks) continue;
    peer.heartbeat_due = true;
    peer.AllowProbe();
    leader_work_ = true;
  }
}

bool Core::QuorumHeardWithin(uint64_t ticks) const {
  const Leader& leader = std::get<Leader>(state_);
  size_t heard = SelfIsVoter() ? 1 : 0;
  for (const auto& [identity, peer] : leader.peers) {
    if (membership_.current().IsVoter(identity) && now_ - peer.last_heard < ticks) ++heard;
  }
  return heard >= Majority(membership_.current().VoterCount());
}

void Core::AdvanceCommit() {
  Leader& leader = std::get<Leader>(state_);
  std::vector<LogIndex> matches;
  if (SelfIsVoter()) matches.push_back(log_.AcknowledgeLimit());  // L8: ourselves only as far as synced
  for (const auto& [identity, peer] : leader.peers) {
    if (membership_.current().IsVoter(identity)) matches.push_back(peer.match);
  }
  LogIndex to = MajorityIndex(std::move(matches));
  // R05, thesis 3.6.2: entries of older terms commit only by way of one of the own term.
  if (to < leader.term_start) return;
  LogIndex before = log_.commit();
  if (!log_.CommitTo(to)) return;
  leader_work_ = true;
  NoticeCommit(before);
}

const Identity* Core::BestTransferTarget() const {
  const Leader& leader = std::get<Leader>(state_);
  const Identity* best = nullptr;
  LogIndex best_match;
  for (const auto& [identity, peer] : leader.peers) {
    bool able = membership_.current().IsVoter(identity) && Reachable(identity) && peer.heard &&
                now_ - peer.last_heard < config_.election_ticks_min;
    if (!able || (best != nullptr && peer.match <= best_match)) continue;
    best = &identity;
    best_match = peer.match;
  }
  return best;
}

ProposeResult Core::TransferLeadership(ServerId target) {
  auto* leader = std::get_if<Leader>(&state_);
  if (leader == nullptr) return ProposeResult::kNotLeader;
  if (leader->transfer) {
    bool same = target == ServerId(0) || target == leader->transfer->target.server;
    return same ? ProposeResult::kAccepted : ProposeResult::kTransferring;
  }
  const Identity* identity = nullptr;
  if (target == ServerId(0)) {
    identity = BestTransferTarget();
  } else if (const Member* member = membership_.current().Find(target);
             member != nullptr && member->role == MemberRole::kVoter && !IsSelf(member->identity)) {
    identity = &member->identity;
  }
  if (identity == nullptr) return ProposeResult::kInvalid;
  StartTransfer(*identity, false);
  return ProposeResult::kAccepted;
}

void Core::StartTransfer(const Identity& target, bool step_down_after) {
  Leader& leader = std::get<Leader>(state_);
  leader.transfer = Transfer{target, now_ + config_.election_ticks_max, step_down_after};
  auto peer = leader.peers.find(target);
  if (peer != leader.peers.end()) peer->second.heartbeat_due = true;  // how far is it?
  leader_work_ = true;
  SendTimeoutNowIfCaughtUp();
}

// Thesis 3.10: proposals have stopped, so the target gets there; then it campaigns at once, and wins, holding all
// entries.
void Core::SendTimeoutNowIfCaughtUp() {
  Leader& leader = std::get<Leader>(state_);
  if (!leader.transfer) return;
  auto peer = leader.peers.find(leader.transfer->target);
  if (peer == leader.peers.end() || peer->second.match < log_.last()) return;
  Send({.type = MessageType::kTimeoutNow, .to = leader.transfer->target.server});
}

void Core::OwnDiskStalled() {
  auto* leader = std::get_if<Leader>(&state_);
  if (leader == nullptr) return;
  if (leader->transfer) {
    leader->transfer->step_down_after = true;
    return;
  }
  if (const Identity* target = BestTransferTarget()) {
    StartTransfer(*target, true);
  } else if (membership_.current().VoterCount() > 1) {
    BecomeFollower(term_, Identity{});
  }
}

void Core::StartReadRound() {
  Leader& leader = std::get<Leader>(state_);
  // Before an own entry is committed the commit index may be behind what an older leader answered (thesis 6.4).
  if (!leader.reads.WantsRound() || !OwnTermCommitted()) return;
  leader.reads.Start(NewReadId(), log_.commit());
  FinishReadRound();
}

void Core::FinishReadRound() {
  Leader& leader = std::get<Leader>(state_);
  if (leader.reads.current() == 0) return;
  size_t confirmed = SelfIsVoter() ? 1 : 0;
  for (const auto& [identity, peer] : leader.peers) {
    if (membership_.current().IsVoter(identity) && peer.echoed_round >= leader.reads.current()) ++confirmed;
  }
  if (confirmed < Majority(membership_.current().VoterCount())) return;
  LogIndex index = leader.reads.index();
  AnswerReads(leader.reads.Finish(), index, false);
  leader_work_ = true;  // the next round may begin
}

void Core::AnswerReads(const std::vector<ReadRounds::Read>& reads, LogIndex index, bool failed) {
  for (const ReadRounds::Read& read : reads) {
    if (read.asker == ServerId(0)) {
      out_.reads.push_back({.id = read.id, .failed = failed, .index = index});
    } else {
      Send({.type = MessageType::kReadIndexReply,
            .to = read.asker,
            .reject = failed,
            .read_round = read.id,
            .read_index = index});
    }
  }
}

void Core::HandleReadIndex(const Message& message) {
  auto* leader = std::get_if<Leader>(&state_);
  if (leader == nullptr || !membership_.current().IsMember(message.from)) {
    Message reply = Reply(MessageType::kReadIndexReply, message);
    reply.reject = true;
    reply.read_round = message.read_round;
    return Send(std::move(reply));
  }
  leader->reads.Add({message.from.server, message.read_round});
  leader_work_ = true;
}

}  // namespace synod::consensus

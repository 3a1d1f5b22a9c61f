// Elections (thesis 3.4, 3.6.1, 4.2.3, 9.6; L10).
#include <algorithm>
#include <utility>

#include "coordinator/consensus/core.h"
#include "coordinator/consensus/quorum.h"

namespace synod::consensus {

// D5: who holds damaged entries, or lost some it acknowledged, does not lead. D10: nor does who is not in its own
// configuration. (Voting is another matter: a vote is counted by the candidate's configuration, which may be newer than
// ours and name us. If we refused, a server just added, whose leader died before telling it, could not make up the
// majority with those who know. Thesis 4.2.2.)
bool Core::MayCampaign() const { return SelfIsVoter() && log_.Whole(); }

// Whether a leader was heard within the minimum election timeout; a leader hears itself while a majority answers it.
bool Core::HearsLeader() const {
  if (auto* follower = std::get_if<Follower>(&state_)) {
    return follower->leader.server != ServerId(0) && now_ - follower->heard < config_.election_ticks_min;
  }
  return std::holds_alternative<Leader>(state_) && QuorumHeardWithin(config_.election_ticks_min);
}

void Core::SetRetryTimer() { SetElectionTimer(random_.Between(1, std::max(1u, config_.prevote_retry_ticks))); }

void Core::BecomeFollower(Term term, const Identity& leader) {
  AbandonReads();
  if (term != term_) {
    term_ = term;
    voted_for_ = ServerId(0);
    voted_storage_ = StorageId(0);
    hard_state_changed_ = true;
  }
  state_ = Follower{.leader = leader, .matched = log_.commit(), .heard = now_};
  SetElectionTimer();
}

void Core::AbandonReads() {
  if (auto* leader = std::get_if<Leader>(&state_)) {
    AnswerReads(leader->reads.Abandon(), LogIndex(0), true);
  } else if (auto* follower = std::get_if<Follower>(&state_)) {
    for (uint64_t read : follower->questions.Abandon()) out_.reads.push_back({.id = read, .failed = true});
  }
}

void Core::ElectionTimeout() {
  if (MayCampaign()) {
    StartPreVote();
  } else if (!std::holds_alternative<Follower>(state_) || leader() != ServerId(0)) {
    BecomeFollower(term_, Identity{});
  } else {
    SetElectionTimer();
  }
}

// Asks who would vote for us, and asks again those who did not say yes. Grants are kept for an election timeout: they
// promise nothing.
void Core::StartPreVote() {
  auto* candidate = std::get_if<Candidate>(&state_);
  if (candidate == nullptr || !candidate->pre || now_ - candidate->began >= config_.election_ticks_min) {
    AbandonReads();
    state_ = Candidate{.pre = true, .own_vote = true, .began = now_};
    candidate = std::get_if<Candidate>(&state_);
  }
  candidate->refused.clear();
  SetRetryTimer();
  RequestVotes();
  CountVotes();
}

void Core::StartElection(bool transfer) {
  AbandonReads();
  ++term_;
  voted_for_ = config_.self.server;
  voted_storage_ = config_.self.storage;
  hard_state_changed_ = true;
  state_ = Candidate{.pre = false, .transfer = transfer, .began = now_};
  SetElectionTimer();
  RequestVotes();
}

void Core::RequestVotes() {
  const Candidate& candidate = std::get<Candidate>(state_);
  for (const Member& member : membership_.current().members) {
    if (member.role != MemberRole::kVoter || IsSelf(member.identity)) continue;
    if (candidate.granted.contains(member.identity)) continue;
    Send({.type = candidate.pre ? MessageType::kPreVote : MessageType::kVote,
          .to = member.identity.server,
          .term = candidate.pre ? term_ + 1 : term_,
          .log_end = log_.vote_end(),
          .transfer = candidate.transfer});
  }
}

void Core::CountVotes() {
  Candidate& candidate = std::get<Candidate>(state_);
  size_t granted = candidate.own_vote && SelfIsVoter() ? 1 : 0;
  size_t refused = 0;
  for (const Identity& identity : candidate.granted) granted += membership_.current().IsVoter(identity) ? 1 : 0;
  for (const Identity& identity : candidate.refused) refused += membership_.current().IsVoter(identity) ? 1 : 0;
  switch (synod::consensus::CountVotes(membership_.current().VoterCount(), granted, refused)) {
    case VoteOutcome::kPending:
      return;
    case VoteOutcome::kWon:
      return candidate.pre ? StartElection(false) : BecomeLeader();
    case VoteOutcome::kLost:
      // Pre-votes are asked again when the retry timer ends. After a lost vote it begins anew with them, soon but not
      // in step.
      if (candidate.pre) return;
      BecomeFollower(term_, Identity{});
      SetElectionTimer(random_.Between(1, 2 * std::max(1u, config_.prevote_retry_ticks)));
      return;
  }
}

void Core::HandlePreVote(const Message& message) {
  LogEnd end = log_.vote_end();
  bool grant = message.term > term_ && message.log_end >= end && !HearsLeader();
  // Of two that ask at once, the one of lower identity goes first, or they would split the votes.
  if (auto* candidate = std::get_if<Candidate>(&state_);
      candidate != nullptr && candidate->pre && message.log_end == end) {
    grant = grant && message.from < config_.self;
  }
  Message reply = Reply(MessageType::kPreVoteReply, message);
  reply.reject = !grant;
  // The answer to the question is in the question's term; a refusal tells ours, in case the asker is behind.
  if (grant) reply.term = message.term;
  Send(std::move(reply));
  if (grant && !std::holds_alternative<Leader>(state_)) {
    // It is about to campaign: leave it the time to persist its vote and ask for ours.
    uint64_t wait = random_.Between(config_.prevote_retry_ticks, 2 * config_.prevote_retry_ticks);
    election_due_ = std::max(election_due_, now_ + wait);
  }
}

void Core::HandleVote(const Message& message) {
  bool again = voted_for_ == message.from.server && voted_storage_ == message.from.storage;
  bool free = voted_for_ == ServerId(0) && leader() == ServerId(0);
  bool grant = (again || free) && message.log_end >= log_.vote_end();
  if (grant && free) {
    voted_for_ = message.from.server;
    voted_storage_ = message.from.storage;
    hard_state_changed_ = true;  // in the same Output as the answer (R01)
    BecomeFollower(term_, Identity{});
  }
  Message reply = Reply(MessageType::kVoteReply, message);
  reply.reject = !grant;
  Send(std::move(reply));
}

void Core::HandleVoteReply(const Message& message) {
  auto* candidate = std::get_if<Candidate>(&state_);
  bool pre = message.type == MessageType::kPreVoteReply;
  if (candidate == nullptr || candidate->pre != pre) return;
  if (pre && !message.reject && message.term != term_ + 1) return;
  if (message.reject) {
    candidate->refused.insert(message.from);
  } else {
    candidate->refused.erase(message.from);
    candidate->granted.insert(message.from);
  }
  CountVotes();
}

void Core::HandleTimeoutNow(const Message& message) {
  auto* follower = std::get_if<Follower>(&state_);
  if (follower == nullptr || !MayCampaign()) return;
  // A leader of a newer term than ours was not heard yet: take its word all the same.
  if (follower->leader.server != ServerId(0) && follower->leader != message.from) return;
  StartElection(true);
}

}  // namespace synod::consensus

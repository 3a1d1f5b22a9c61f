// Following: appends, acknowledgements, reads that ask the leader (thesis 3.5, 6.4; L8, L9).
#include <algorithm>
#include <utility>

#include "coordinator/consensus/core.h"

namespace synod::consensus {

void Core::FollowLeader(const Identity& leader) {
  auto* follower = std::get_if<Follower>(&state_);
  if (follower == nullptr || follower->leader != leader) {
    BecomeFollower(term_, leader);
    follower = std::get_if<Follower>(&state_);
  }
  follower->heard = now_;
  SetElectionTimer();
}

void Core::HandleAppend(Message message) {
  // Two leaders of one term cannot be: it is not from a peer that follows the rules.
  if (std::holds_alternative<Leader>(state_)) return;
  FollowLeader(message.from);
  Follower& follower = std::get<Follower>(state_);
  LogIndex before = log_.commit();
  if (message.log_end.index < before) {
    // Committed entries equal the leader's. What is beyond them counts from there.
    size_t skip = std::min<size_t>(before - message.log_end.index, message.entries.size());
    LogIndex reached = message.log_end.index + skip;
    message.entries.erase(message.entries.begin(), message.entries.begin() + static_cast<ptrdiff_t>(skip));
    message.log_end = LogEnd{*log_.TermAt(before), before};
    if (reached < before) message.entries.clear();
  }
  if (log_.TermAt(message.log_end.index) != message.log_end.term) return RejectAppend(message);
  uint64_t read_round = message.read_round;
  LogIndex reached = message.log_end.index + message.entries.size();
  LogIndex leader_commit = message.commit;
  bool heartbeat = message.entries.empty();
  // A leader that sends again what is here already hears nothing from us, perhaps because our disk is slow: it must not
  // take us for dead.
  bool repeated = !heartbeat && log_.TermAt(reached) == message.entries.back().term;
  if (!AppendFromLeader(message)) return;
  follower.matched = std::max(follower.matched, reached);
  bool commit_news = log_.CommitTo(std::min(leader_commit, follower.matched));
  // Entries not yet synced are acknowledged by LogSynced (L8). News of a commit need no answer, if there is nothing
  // else to tell.
  bool new_round = read_round > follower.echoed_round;
  bool owes = heartbeat ? !commit_news || Acknowledgeable() > follower.acknowledged : Acknowledgeable() >= reached;
  if (owes || repeated || new_round) Acknowledge(read_round);
  NoticeCommit(before);
}

// Takes in what is new of the message's entries, cutting what contradicts them (thesis 3.5). False: the message cannot
// be from a leader, and nothing was changed.
bool Core::AppendFromLeader(Message& message) {
  const Follower& follower = std::get<Follower>(state_);
  auto entry = message.entries.begin();
  auto present = [&](const Entry& e) { return e.index <= log_.last() && log_.TermAt(e.index) == e.term; };
  while (entry != message.entries.end() && present(*entry)) ++entry;
  if (entry == message.entries.end()) return true;
  if (entry->index <= log_.last()) {
    // What is committed, or known to equal this leader's log, cannot contradict it.
    if (entry->index <= std::max(log_.commit(), follower.matched)) return false;
    // D6: a damaged entry is dropped only here, where a leader overwrites it; the term of a sound one shows that the
    // leader's is later.
    if (!log_.damaged().contains(entry->index) && *log_.TermAt(entry->index) >= message.term) return false;
    log_.CutFrom(entry->index);
    LogIndex configured = membership_.current_index();
    membership_.CutFrom(entry->index);
    if (membership_.current_index() != configured) ConfigurationChanged();
  }
  for (; entry != message.entries.end(); ++entry) {
    if (entry->type == EntryType::kConfiguration) {
      membership_.Insert(entry->index, *Configuration::Decode(*entry->payload));
      ConfigurationChanged();
    }
    log_.Append(std::move(*entry));
  }
  return true;
}

void Core::RejectAppend(const Message& message) {
  Follower& follower = std::get<Follower>(state_);
  Message reply = Reply(MessageType::kAppendReply, message);
  reply.reject = true;
  // Where the logs might agree: no later than the last entry of ours whose term is at most that of the leader's entry
  // (thesis 3.3, end).
  reply.match = std::max(log_.commit(), log_.LastWithTermAtMost(message.log_end.index, message.log_end.term));
  reply.log_end = LogEnd{log_.TermAt(reply.match).value_or(Term(0)), message.log_end.index};
  reply.read_round = message.read_round;
  follower.echoed_round = std::max(follower.echoed_round, message.read_round);
  Send(std::move(reply));
}

// Synced here, sound, and equal to the leader's log (L8, D5).
LogIndex Core::Acknowledgeable() const { return std::min(std::get<Follower>(state_).matched, log_.AcknowledgeLimit()); }

void Core::Acknowledge(uint64_t read_round) {
  Follower& follower = std::get<Follower>(state_);
  follower.echoed_round = std::max(follower.echoed_round, read_round);
  follower.acknowledged = Acknowledgeable();
  Send({.type = MessageType::kAppendReply,
        .to = follower.leader.server,
        .match = follower.acknowledged,
        .read_round = read_round});
}

void Core::AcknowledgeIfNews() {
  auto* follower = std::get_if<Follower>(&state_);
  if (follower == nullptr || follower->leader.server == ServerId(0)) return;
  if (Acknowledgeable() > follower->acknowledged) Acknowledge(follower->echoed_round);
}

void Core::SendQuestions() {
  auto* follower = std::get_if<Follower>(&state_);
  if (follower == nullptr || !follower->questions.WantsQuestion()) return;
  uint64_t question = NewReadId();
  follower->questions.Start(question);
  if (follower->questions.Open().size() == 1) follower->asked = now_;
  Send({.type = MessageType::kReadIndex, .to = follower->leader.server, .read_round = question});
}

void Core::HandleReadIndexReply(const Message& message) {
  auto* follower = std::get_if<Follower>(&state_);
  if (follower == nullptr || follower->leader != message.from) return;
  for (uint64_t read : follower->questions.Finish(message.read_round)) {
    out_.reads.push_back({.id = read, .failed = message.reject, .index = message.read_index});
  }
}

}  // namespace synod::consensus

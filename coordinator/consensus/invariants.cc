#include "coordinator/consensus/invariants.h"

#include <sstream>

#include "coordinator/base/crc32c.h"

namespace synod::consensus {

void Invariants::Violated(const Identity& identity, const std::string& what) {
  if (violation_) return;
  std::ostringstream text;
  text << "server " << identity.server << " (storage " << identity.storage << "): " << what;
  violation_ = text.str();
}

void Invariants::Observe(const Identity& identity, const Core& core, const Output& output) {
  CheckMessages(identity, output);
  CheckAppended(identity, core, output);
  CheckCommitted(identity, core, output);
  Observe(identity, core);
}

void Invariants::Observe(const Identity& identity, const Core& core) {
  CheckCore(identity, core);
  if (core.role() == Role::kLeader) CheckLeader(identity, core);
}

void Invariants::Restarted(const Identity& identity, LogIndex applied) {
  cores_[identity].handed_out = applied;
  cores_[identity].commit = LogIndex(0);  // not hard state: learned again
}

void Invariants::Installed(const Identity& identity, LogIndex applied) { cores_[identity].handed_out = applied; }

void Invariants::CheckCore(const Identity& identity, const Core& core) {
  CoreStatus status = core.Status();
  if (status.applied_handed_out > status.commit) Violated(identity, "handed out more than is committed");
  if (status.commit > status.last) Violated(identity, "commit index beyond the log");
  if (status.synced > status.last) Violated(identity, "synced beyond the log");
  CoreFact& before = cores_[identity];
  if (status.term < before.term) Violated(identity, "the term went back");
  if (status.commit < before.commit) Violated(identity, "the commit index went back");
  before.term = status.term;
  before.commit = status.commit;
  bool campaigns = status.role == Role::kCandidate || status.role == Role::kLeader;
  if (campaigns && (!status.damaged.empty() || status.vote_end.index > status.last)) {
    Violated(identity, "leads or campaigns although entries are damaged or missing (D5)");
  }
  if (status.role == Role::kCandidate && !core.configuration().IsVoter(identity)) {
    Violated(identity, "campaigns without being a voter (D10)");
  }
}

void Invariants::CheckLeader(const Identity& identity, const Core& core) {
  auto [at, first_seen] = leaders_.emplace(core.term(), identity);
  if (at->second != identity) Violated(identity, "a second leader in term " + std::to_string(core.term().value()));
  if (!complete_.insert(core.term()).second) return;
  CoreStatus status = core.Status();
  for (const auto& [index, fact] : committed_) {
    // A candidate that slept through later terms may count its old votes when it wakes: it need not hold what they
    // committed, and its own term can commit nothing any more.
    if (index + 1 < status.first || fact.known_in >= core.term()) continue;
    std::optional<Term> term = core.TermAt(index);
    bool unknown = index + 1 == status.first && !term;
    if (!unknown && term != fact.term) {
      Violated(identity, "leads without committed entry " + std::to_string(index.value()));
      return;
    }
  }
}

void Invariants::CheckMessages(const Identity& identity, const Output& output) {
  for (const Message& message : output.messages) {
    if (message.type == MessageType::kAppend || message.type == MessageType::kTimeoutNow) {
      auto [at, first_seen] = leaders_.emplace(message.term, identity);
      if (at->second != identity) Violated(identity, "leads a term that has another leader");
    }
    ServerId vote;
    if (message.type == MessageType::kVoteReply && !message.reject) vote = message.to;
    if (message.type == MessageType::kVote) vote = identity.server;
    if (vote == ServerId(0)) continue;
    auto [at, first_seen] = votes_.emplace(std::make_pair(identity, message.term), vote);
    if (at->second != vote) Violated(identity, "voted twice in term " + std::to_string(message.term.value()));
  }
}

void Invariants::CheckAppended(const Identity& identity, const Core& core, const Output& output) {
  for (const Entry& entry : output.append) {
    std::optional<Term> predecessor = core.TermAt(entry.index - 1);
    if (!predecessor) continue;
    EntryFact fact{*predecessor, entry.type, Crc32c(*entry.payload)};
    auto [at, first_seen] = entries_.emplace(std::make_pair(entry.index, entry.term), fact);
    if (at->second != fact) Violated(identity, "log matching broken at index " + std::to_string(entry.index.value()));
  }
}

void Invariants::CheckCommitted(const Identity& identity, const Core& core, const Output& output) {
  CoreFact& seen = cores_[identity];
  for (const Entry& entry : output.committed) {
    std::string index = std::to_string(entry.index.value());
    if (entry.index != seen.handed_out + 1) Violated(identity, "a gap before handed-out entry " + index);
    seen.handed_out = entry.index;
    CommittedFact fact{entry.term, Crc32c(*entry.payload), core.term()};
    auto [at, first_seen] = committed_.emplace(entry.index, fact);
    if (at->second.term != fact.term || at->second.checksum != fact.checksum)
      Violated(identity, "another entry was committed at index " + index);
  }
}

}  // namespace synod::consensus

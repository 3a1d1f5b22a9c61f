#include "tests/unit/coordinator/consensus/test_server.h"

#include <algorithm>

#include "coordinator/base/check.h"

namespace synod::consensus {

Identity MakeIdentity(uint32_t server, uint64_t storage) {
  return {ServerId(server), StorageId(storage == 0 ? server * 10 + 1 : storage)};
}

Configuration MakeConfiguration(const std::vector<uint32_t>& voters, const std::vector<uint32_t>& learners) {
  Configuration configuration;
  for (uint32_t id : voters)
    configuration.members.push_back({.identity = MakeIdentity(id), .role = MemberRole::kVoter});
  for (uint32_t id : learners)
    configuration.members.push_back({.identity = MakeIdentity(id), .role = MemberRole::kLearner});
  std::sort(configuration.members.begin(), configuration.members.end(),
            [](const Member& a, const Member& b) { return a.identity < b.identity; });
  return configuration;
}

SharedBytes Payload(const std::string& text) { return MakeSharedBytes(text); }

Entry MakeEntry(uint64_t term, uint64_t index, const std::string& payload) {
  return {.term = Term(term), .index = LogIndex(index), .type = EntryType::kCommands, .payload = Payload(payload)};
}

TestServer::TestServer(const CoreConfig& config, Invariants* invariants, uint64_t seed)
    : config_(config), invariants_(invariants), random_(seed) {}

Output TestServer::Drain() {
  if (!core_ || !core_->HasOutput()) return {};
  Output output = core_->TakeOutput();
  if (invariants_) invariants_->Observe(identity(), *core_, output);
  if (output.hard_state) hard_state_ = *output.hard_state;
  if (output.cut_from) {
    SYNOD_CHECK(*output.cut_from > snapshot_.index && *output.cut_from <= last());
    log_.resize(*output.cut_from - first_);
    synced_ = std::min(synced_, last());
    damaged_.erase(damaged_.lower_bound(*output.cut_from), damaged_.end());
    ++cut_counter_;
  }
  for (const Entry& entry : output.append) {
    SYNOD_CHECK_EQ(entry.index, last() + 1);
    log_.push_back(entry);
  }
  for (const Entry& entry : output.committed) {
    SYNOD_CHECK_EQ(entry.index, applied_ + 1);
    SYNOD_CHECK_LE(entry.index, last());
    applied_ = entry.index;
    applied_entries_.push_back(entry);
  }
  commit_mark_ = std::max(snapshot_.index, std::min(core_->commit(), last()));
  return output;
}

void TestServer::FinishSync() {
  Sync done = *std::exchange(sync_, std::nullopt);
  // Of a log cut since, the disk may hold anything: only the next sync tells.
  if (done.cut_counter == cut_counter_) synced_ = std::max(synced_, std::min(done.through, last()));
  core_->LogSynced(done.through, done.cut_counter);
  if (invariants_) invariants_->Observe(identity(), *core_);
}

void TestServer::Crash(uint64_t kept) {
  core_.reset();
  sync_.reset();
  LogIndex end = std::min(synced_ + kept, last());
  if (end < last()) log_.resize(end + 1 - first_);
  synced_ = last();
  commit_mark_ = std::min(commit_mark_, last());
}

void TestServer::Start() {
  if (last() < snapshot_.index) {  // D9: applied ahead of the own sync, and then the power went
    log_.clear();
    first_ = snapshot_.index + 1;
    synced_ = snapshot_.index;
    ++cut_counter_;
  }
  applied_ = snapshot_.index;
  if (invariants_) invariants_->Restarted(identity(), applied_);
  RecoveredLog recovered = Recover();
  if (damaged_.empty() && remembered_ &&
      recovered.vote_end == LogEnd{recovered.term_runs.empty() ? snapshot_.term : log_.back().term, last()}) {
    remembered_.reset();
  }
  core_ = std::make_unique<Core>(config_, recovered, this, random_.Fork());
}

void TestServer::Wipe(StorageId storage) {
  core_.reset();
  sync_.reset();
  config_.self.storage = storage;
  hard_state_ = HardState{};
  snapshot_ = Snapshot{};
  log_.clear();
  first_ = LogIndex(1);
  synced_ = commit_mark_ = applied_ = LogIndex(0);
  cut_counter_ = 0;
  damaged_.clear();
  remembered_.reset();
  applied_entries_.clear();
}

void TestServer::Damage(LogIndex index) {
  SYNOD_CHECK(!running() && index > snapshot_.index && index <= last());
  LogEnd end{log_.back().term, last()};
  remembered_ = remembered_ ? std::max(*remembered_, end) : end;
  damaged_.insert(index);
  while (!damaged_.empty() && *damaged_.rbegin() == last()) {
    damaged_.erase(last());
    log_.pop_back();
  }
  synced_ = std::min(synced_, last());
  commit_mark_ = std::min(commit_mark_, last());
}

void TestServer::SetLog(Term term, std::vector<Entry> entries, LogIndex commit) {
  hard_state_.term = term;
  log_ = std::move(entries);
  synced_ = last();
  commit_mark_ = commit;
}

RecoveredLog TestServer::Recover() const {
  RecoveredLog out;
  out.hard_state = hard_state_;
  out.snapshot_index = snapshot_.index;
  out.snapshot_term = snapshot_.term;
  out.snapshot_configuration = snapshot_.configuration;
  out.first = first_;
  out.last = last();
  LogEnd end{snapshot_.term, snapshot_.index};
  for (const Entry& entry : log_) {
    if (out.term_runs.empty() || out.term_runs.back().term != entry.term)
      out.term_runs.push_back({entry.term, entry.index});
    bool configuration = entry.type == EntryType::kConfiguration && !damaged_.contains(entry.index);
    if (configuration && entry.index > snapshot_.index) {
      out.configurations.emplace_back(entry.index, *Configuration::Decode(*entry.payload));
    }
    end = std::max(end, LogEnd{entry.term, entry.index});
  }
  out.damaged.assign(damaged_.begin(), damaged_.end());
  if (remembered_) {
    for (LogIndex i = last() + 1; i <= remembered_->index; ++i) out.damaged.push_back(i);
  }
  out.vote_end = remembered_ ? std::max(*remembered_, end) : end;
  out.commit = std::max(commit_mark_, snapshot_.index);
  out.cut_counter = cut_counter_;
  return out;
}

void TestServer::TakeSnapshot(uint64_t keep) {
  snapshot_.index = applied_;
  snapshot_.term = core_->TermAt(applied_).value_or(snapshot_.term);
  snapshot_.configuration = core_->ConfigurationAt(applied_);
  if (applied_.value() < keep + first_.value()) return;
  LogIndex through = applied_ - keep;
  log_.erase(log_.begin(), log_.begin() + static_cast<ptrdiff_t>(through + 1 - first_));
  first_ = through + 1;
  synced_ = std::max(synced_, through);
  core_->Compacted(through);
}

void TestServer::Install(const Snapshot& snapshot) {
  if (snapshot.index <= applied_) return;
  LogEnd end = log_.empty() ? LogEnd{snapshot_.term, snapshot_.index} : LogEnd{log_.back().term, last()};
  bool keep = core_->SnapshotInstalled({snapshot.index, snapshot.term, snapshot.configuration});
  snapshot_ = snapshot;
  applied_ = snapshot.index;
  damaged_.erase(damaged_.begin(), damaged_.upper_bound(snapshot.index));
  if (!keep) {
    // D9: what it votes by is never lowered by an install.
    end = remembered_ ? std::max(*remembered_, end) : end;
    if (end > LogEnd{snapshot.term, snapshot.index}) remembered_ = end;
    log_.clear();
    first_ = snapshot.index + 1;
    synced_ = snapshot.index;
    damaged_.clear();
    ++cut_counter_;
  }
  commit_mark_ = std::max(commit_mark_, snapshot.index);
  if (invariants_) {
    invariants_->Installed(identity(), applied_);
    invariants_->Observe(identity(), *core_);
  }
}

bool TestServer::RepairFrom(const TestServer& peer, LogIndex index) {
  const Entry* entry = peer.Record(index);
  if (entry == nullptr || !damaged_.contains(index) || core_->TermAt(index) != entry->term) return false;
  log_[index - first_] = *entry;
  damaged_.erase(index);
  core_->EntryRepaired(*entry);
  return true;
}

const Entry* TestServer::Record(LogIndex index) const {
  if (index < first_ || index > last() || damaged_.contains(index)) return nullptr;
  return &log_[index - first_];
}

absl::StatusOr<std::vector<Entry>> TestServer::ReadEntries(LogIndex low, LogIndex high, uint64_t max_bytes) {
  if (low < first_) return absl::NotFoundError("compacted");
  std::vector<Entry> entries;
  uint64_t bytes = 0;
  for (LogIndex i = low; i < high; ++i) {
    const Entry* entry = Record(i);
    if (entry == nullptr) break;
    bytes += CostOf(*entry);
    if (bytes > max_bytes && !entries.empty()) break;
    entries.push_back(*entry);
  }
  if (entries.empty()) return absl::DataLossError("damaged");
  return entries;
}

}  // namespace synod::consensus

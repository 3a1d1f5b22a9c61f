// A core with a disk that loses what was not synced, for tests. The driver's duties (output.h) in their order, nothing
// else.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coordinator/consensus/core.h"
#include "coordinator/consensus/invariants.h"

namespace synod::consensus {

Identity MakeIdentity(uint32_t server, uint64_t storage = 0);  // storage 0: server * 10 + 1
Configuration MakeConfiguration(const std::vector<uint32_t>& voters, const std::vector<uint32_t>& learners = {});
SharedBytes Payload(const std::string& text);
Entry MakeEntry(uint64_t term, uint64_t index, const std::string& payload = "x");

class TestServer : public EntryReader {
 public:
  struct Snapshot {
    LogIndex index;
    Term term;
    Configuration configuration;
  };

  TestServer(const CoreConfig& config, Invariants* invariants, uint64_t seed);

  const Identity& identity() const { return config_.self; }
  Core& core() { return *core_; }
  bool running() const { return core_ != nullptr; }

  // Takes one Output, carries it out, and returns it (the caller looks at it and delivers its messages). An empty one
  // when there is none.
  Output Drain();

  // One sync at a time; `StartSync` covers what is written now.
  bool NeedsSync() const { return !sync_ && synced_ < last(); }
  bool SyncInFlight() const { return sync_.has_value(); }
  void StartSync() { sync_ = Sync{last(), cut_counter_}; }
  void FinishSync();

  // Loses power: of what was not synced, the first `kept` entries stay.
  void Crash(uint64_t kept);
  void Start();
  // Loses everything and comes back with another storage id (D10).
  void Wipe(StorageId storage);
  // While down: a synced record goes bad (D5); if it is the last one, it is not even seen.
  void Damage(LogIndex index);
  // Installs what an ensemble begins with, before the first start.
  void Found(const Configuration& configuration) { snapshot_.configuration = configuration; }
  void SetLog(Term term, std::vector<Entry> entries, LogIndex commit = LogIndex(0));

  // An own snapshot at the applied index; the log keeps `keep` entries behind it.
  void TakeSnapshot(uint64_t keep);
  const Snapshot& snapshot() const { return snapshot_; }
  // Installs another's snapshot as the driver does (D9).
  void Install(const Snapshot& snapshot);
  // D6: takes the record from `peer` if it has it sound. Returns whether it did.
  bool RepairFrom(const TestServer& peer, LogIndex index);

  const Entry* Record(LogIndex index) const;  // on disk and sound
  LogIndex first() const { return first_; }
  LogIndex last() const { return first_ + log_.size() - 1; }
  LogIndex synced() const { return synced_; }
  LogIndex applied() const { return applied_; }
  const std::set<LogIndex>& damaged() const { return damaged_; }
  const std::vector<Entry>& applied_entries() const { return applied_entries_; }
  RecoveredLog Recover() const;

  absl::StatusOr<std::vector<Entry>> ReadEntries(LogIndex low, LogIndex high, uint64_t max_bytes) override;

 private:
  struct Sync {
    LogIndex through;
    uint64_t cut_counter = 0;
  };

  CoreConfig config_;
  Invariants* invariants_;
  Random random_;
  std::unique_ptr<Core> core_;
  // On disk.
  HardState hard_state_;
  Snapshot snapshot_;
  std::vector<Entry> log_;
  LogIndex first_ = LogIndex(1);
  LogIndex synced_;
  LogIndex commit_mark_;
  uint64_t cut_counter_ = 0;
  std::set<LogIndex> damaged_;
  std::optional<LogEnd> remembered_;
  // In memory.
  std::optional<Sync> sync_;
  LogIndex applied_;
  std::vector<Entry> applied_entries_;
};

}  // namespace synod::consensus

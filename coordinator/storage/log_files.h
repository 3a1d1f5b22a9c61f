// The durable log of one server: segment files, overwritten and synced (D2), over a FileSystem that the simulator
// replaces.
//
// The rules it keeps: a record says how far the log was synced when it was written (D3); a cut is durable before
// anything is overwritten, and cut, reset or recycled bytes never read as records (D4, D9); at the start torn and
// damaged are told apart (D5, log_recovery.h); damaged records are brought back one by one (D6). Format:
// docs/formats/log.md.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coordinator/interfaces/log_storage.h"
#include "coordinator/storage/file.h"
#include "coordinator/storage/hard_state.h"
#include "coordinator/storage/log_directory.h"
#include "coordinator/storage/log_recovery.h"
#include "coordinator/storage/log_segment.h"
#include "coordinator/storage/sync_runner.h"

namespace synod::storage {

struct LogOptions {
  std::string directory;              // holds a log identity already (DataDirectory makes it)
  uint64_t segment_bytes = 64 << 20;  // an entry that needs more gets a segment of its own size
  uint64_t retain_bytes = 64 << 20;   // of records that CompactTo leaves in any case (D7)
  size_t spare_segments = 2;          // compacted files kept for reuse
  // The disk is full and a segment is needed: frees the reserve and returns true if there was one, to be tried again
  // (L11). May be null.
  std::function<bool()> on_disk_full;
};

// Loop thread only; the work handed to the SyncRunner runs on its thread and touches only what it was given. After an
// error of a write or sync every later call returns that error (D12).
class LogFiles : public interfaces::LogStorage {
 public:
  // Reads all that is there, repairs nothing silently: see recovered() and notes(). When it returns, what was found is
  // durable, torn tails are cut and a log that does not fit the snapshot has started anew (D9). Errors: as
  // ScanLogDirectory and RecoverLog, and those of files. `fs`, `state` and `runner` must outlive the log.
  static absl::StatusOr<std::unique_ptr<LogFiles>> Open(FileSystem* fs, LogOptions options, HardStateStore* state,
                                                        SyncRunner* runner, const SnapshotPoint& snapshot);
  // The same in two steps, for who has other things to read meanwhile: ScanLogDirectory(fs, options.directory,
  // state->state(), true) on any thread, then this. The state must not have changed since.
  static absl::StatusOr<std::unique_ptr<LogFiles>> Open(FileSystem* fs, LogOptions options, HardStateStore* state,
                                                        SyncRunner* runner, const SnapshotPoint& snapshot,
                                                        ScannedLog scan);
  ~LogFiles() override;

  // What Open found. Does not change later.
  const consensus::RecoveredLog& recovered() const { return recovered_; }
  // Findings of the start, for the process's log: damage, torn tail, mended headers.
  const std::vector<std::string>& notes() const { return notes_; }
  LogIndex first_index() const { return first_; }
  LogIndex synced_index() const { return synced_.index; }
  const std::set<LogIndex>& damaged() const { return damaged_; }
  size_t segment_count() const { return segments_.size(); }

  absl::Status SaveHardState(const consensus::HardState& state) override;
  absl::Status CutSuffix(LogIndex from) override;
  absl::Status Append(absl::Span<const consensus::Entry> entries, LogIndex commit) override;
  // A sync that was begun by a LogFiles since destroyed completes without calling `done`.
  void StartSync(absl::AnyInvocable<void(absl::StatusOr<interfaces::SyncDone>)> done) override;
  bool SyncInFlight() const override { return in_flight_; }
  bool NeedsSync() const override { return needs_sync_; }
  absl::Status WriteMark(LogIndex commit) override;
  absl::StatusOr<LogIndex> CompactTo(LogIndex through, LogIndex keep_from) override;
  absl::Status ResetTo(LogIndex index, Term term) override;
  // The record goes to the file `repair` beside the segments: the old place may be a bad sector, or its segment
  // missing.
  absl::Status Repair(const consensus::Entry& entry) override;
  absl::StatusOr<consensus::Entry> ReadRecord(LogIndex index, Term term) override;
  absl::StatusOr<std::vector<consensus::Entry>> ReadEntries(LogIndex low, LogIndex high, uint64_t max_bytes) override;
  LogIndex last_index() const override { return last_.index; }
  uint64_t bytes_on_disk() const override;

 private:
  struct SyncJob;
  // Where a record is.
  struct Place {
    File* file = nullptr;
    uint64_t segment = 0;
    uint64_t offset = 0;
    uint64_t span = 0;  // no more than this belongs to the record
  };
  // An entry as its neighbours know it.
  struct Link {
    Term term;
    uint32_t checksum = 0;  // 0: not known
  };

  LogFiles(FileSystem* fs, LogOptions options, HardStateStore* state, SyncRunner* runner);

  // Open, in parts (log_open.cc).
  absl::Status TakeOver(ScannedLog scan, Recovery recovery);
  absl::Status TakeSegments(ScannedLog* scan);
  absl::Status TakeSpares(const std::vector<std::string>& names);
  absl::Status Erase(const std::vector<ScannedRecord>& records, const std::vector<bool>& which);
  void BuildTables(const std::vector<ScannedRecord>& records, const Recovery& recovery);

  std::string PathOf(const std::string& name) const { return options_.directory + "/" + name; }
  // Remembers the first error of a write or sync and returns it ever after.
  absl::Status Fail(absl::Status status);
  // Never given out before, in this life or an earlier one.
  uint64_t NextNumber() const;
  LogSegment& active() { return segments_[active_]; }
  void MarkDirty(const std::shared_ptr<File>& file);
  // Makes a segment with room for `record_bytes` the active one.
  absl::Status Roll(uint64_t record_bytes);
  absl::StatusOr<LogSegment> NewSegment(uint64_t number, uint64_t size);
  absl::StatusOr<std::unique_ptr<File>> CreateSpare(const std::string& path, uint64_t size);
  RecordHeader NewHeader(RecordKind kind, LogIndex commit) const;
  absl::Status WriteParts(uint64_t begin);
  void FinishSync(absl::Status status, std::shared_ptr<SyncJob> job, consensus::LogEnd end);

  std::optional<Place> Find(LogIndex index) const;
  absl::StatusOr<RecordHeader> ReadHeader(const Place& place, LogIndex index) const;
  absl::StatusOr<consensus::Entry> ReadAt(const Place& place, LogIndex index) const;
  // What is known of the entry at `index`, from itself or from the one behind it.
  Link LinkOf(LogIndex index) const;
  absl::Status EraseBehind(LogIndex from);
  absl::Status EraseRepairs(LogIndex from);
  // D5: the end remembered has served when nothing is damaged and the log reaches it again, synced.
  absl::Status ForgetEndIfReached();
  bool RottedSinceTheStart(LogIndex index) const;
  absl::Status DropSegment(LogSegment segment);
  absl::Status DropRepairs(LogIndex below);

  FileSystem* const fs_;
  const LogOptions options_;
  HardStateStore* const state_;
  SyncRunner* const runner_;
  consensus::RecoveredLog recovered_;
  std::vector<std::string> notes_;
  absl::Status failed_;

  std::vector<LogSegment> segments_;  // by number; those behind the active one are empty
  size_t active_ = 0;
  std::vector<std::string> spares_;  // names of files of segment_bytes
  uint64_t next_spare_ = 1;
  std::shared_ptr<SlotPair> identity_;  // used by sync jobs only, one at a time
  uint64_t highest_named_ = 0;          // the highest segment that identity_ names, or that a job in flight will name

  std::unique_ptr<File> repair_;
  uint64_t repair_end_ = 0;
  struct RepairPlace {
    uint64_t offset = 0;
    uint64_t bytes = 0;
  };
  std::map<LogIndex, RepairPlace> repairs_;
  std::set<LogIndex> damaged_;              // above the snapshot
  std::map<LogIndex, Link> damaged_links_;  // of damaged records whose header is good

  LogIndex first_{1};
  consensus::LogEnd last_;      // of the log, damaged or not
  uint32_t last_checksum_ = 0;  // content checksum of the last entry; 0: not known
  consensus::LogEnd synced_;    // D3: on the disk for certain
  LogIndex stated_synced_;      // the highest that a record states

  bool in_flight_ = false;
  bool needs_sync_ = false;
  std::optional<consensus::LogEnd> floor_;    // L8: the least that cuts since the sync began left standing
  std::vector<std::shared_ptr<File>> dirty_;  // written since the last sync began
  bool directory_dirty_ = false;
  absl::AnyInvocable<void(absl::StatusOr<interfaces::SyncDone>)> sync_done_;
  std::shared_ptr<bool> alive_;  // expires with this object

  std::vector<std::string_view> parts_;  // of the write being put together; kept for their capacity
  std::vector<std::array<char, kRecordHeaderBytes>> headers_;
};

}  // namespace synod::storage

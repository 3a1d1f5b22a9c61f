// The core's view of its own log: where it begins and ends, which term each entry has, what is on disk, committed and
// handed out to apply.
#pragma once

#include <deque>
#include <optional>
#include <set>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/consensus/types.h"

namespace synod::consensus {

// Reads back entries that left the core's cache. Implemented over the log on disk.
class EntryReader {
 public:
  virtual ~EntryReader() = default;
  // The entries [low, high) in order, cut after `max_bytes` but at least one. Errors: NotFound if `low` is compacted
  // away, DataLoss if a record is damaged. Blocks for a page-cache read at most.
  virtual absl::StatusOr<std::vector<Entry>> ReadEntries(LogIndex low, LogIndex high, uint64_t max_bytes) = 0;
};

// What an entry counts for in windows, messages and the cache: its payload and the little around it.
inline uint64_t CostOf(const Entry& entry) { return (entry.payload ? entry.payload->size() : 0) + 32; }

// Owner: Core. Does no I/O but through the reader. Positions, always:
//
//   first - 1 <= handed_out <= commit <= last        synced <= written <= last
//
// The newest entries are cached; everything at or below `written` can be read back. The terms of all entries are known
// (as runs), those of damaged records as far as their neighbours tell (D5).
class Log {
 public:
  Log(const RecoveredLog& recovered, EntryReader* reader, uint64_t cache_bytes);

  LogIndex first() const { return first_; }
  LogIndex last() const { return last_; }
  LogIndex synced() const { return synced_; }
  LogIndex commit() const { return commit_; }
  LogIndex handed_out() const { return handed_out_; }
  uint64_t cut_counter() const { return cut_counter_; }

  // Term of an entry of the log or of the one just before it; nullopt outside.
  std::optional<Term> TermAt(LogIndex index) const;
  // Where the log ends in fact, and by which end the server votes: what it once acknowledged and lost counts on (D5,
  // D9).
  LogEnd end() const { return LogEnd{*TermAt(last_), last_}; }
  LogEnd vote_end() const;
  // The greatest index at or below `index` whose term is at most `term`; one index before the log when there is none in
  // it. The two sides of a rejected append skip by whole terms with it (thesis 3.3, end).
  LogIndex LastWithTermAtMost(LogIndex index, Term term) const;

  // Whether nothing is damaged and nothing once acknowledged is missing: only then may the server lead (D5).
  bool Whole() const { return damaged_.empty() && !floor_; }
  const std::set<LogIndex>& damaged() const { return damaged_; }
  // Up to where the log may be acknowledged: synced, and before the first damaged entry (D5, L8).
  LogIndex AcknowledgeLimit() const;

  // REQUIRES entry.index == last() + 1.
  void Append(Entry entry);
  // Forgets [index, last]. REQUIRES commit() < index <= last().
  void CutFrom(LogIndex index);
  // L8: a sync begun under `cut_counter` covered everything up to `through`.
  void Synced(LogIndex through, uint64_t cut_counter);
  // Raises the commit index, never beyond the log. Returns whether it moved.
  bool CommitTo(LogIndex index);

  // A snapshot at (index, term) is installed. Returns whether the entries behind it stay (D9).
  bool Install(LogIndex index, Term term);
  // Records up to `through` are gone. REQUIRES through <= handed_out().
  void Compacted(LogIndex through);
  // A damaged record is whole again (D6). Returns false if it was not damaged or has another term.
  bool Repaired(const Entry& entry);
  // A read found the record damaged.
  void MarkDamaged(LogIndex index);

  // The entries [low, high), at least one, then as many as fit. Errors: as EntryReader's; DataLoss also if the first
  // one it returned is not this log's.
  absl::StatusOr<std::vector<Entry>> Read(LogIndex low, LogIndex high, uint64_t max_bytes) const;

  bool HasUnwritten() const { return cut_pending_.has_value() || written_ < last_; }
  // Committed, written and readable, but not handed out.
  bool HasCommitted() const { return handed_out_ < HandOutLimit(); }
  std::optional<LogIndex> TakeCut();
  std::vector<Entry> TakeUnwritten();
  // Errors: as Read's; nothing was handed out then.
  absl::StatusOr<std::vector<Entry>> TakeCommitted(uint64_t max_bytes);

 private:
  LogIndex cache_first() const { return last_ + 1 - cache_.size(); }
  LogIndex HandOutLimit() const;
  absl::StatusOr<std::vector<Entry>> ReadFromDisk(LogIndex low, LogIndex high, uint64_t max_bytes) const;
  void Evict();
  void DropFloorIfReached();

  EntryReader* const reader_;
  const uint64_t cache_bytes_max_;
  LogIndex first_;
  LogIndex last_;
  std::optional<Term> base_term_;  // of the entry at first_ - 1, if known
  std::vector<LogEnd> runs_;       // from `index` (the first's: at most first_) entries have `term`, until the next
  std::deque<Entry> cache_;        // (last_ - size, last_]
  uint64_t cache_bytes_ = 0;
  LogIndex written_;  // handed to the driver for writing up to here
  LogIndex synced_;
  LogIndex commit_;
  LogIndex handed_out_;
  std::optional<LogIndex> cut_pending_;
  uint64_t cut_counter_;
  LogIndex last_cut_;            // where the newest cut began
  std::set<LogIndex> damaged_;   // in (handed_out_, last_]
  std::optional<LogEnd> floor_;  // the end remembered although the log no longer shows it (D5, D9)
};

}  // namespace synod::consensus

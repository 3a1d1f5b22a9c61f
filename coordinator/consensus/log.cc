#include "coordinator/consensus/log.h"

#include <algorithm>
#include <utility>

#include "coordinator/base/check.h"

namespace synod::consensus {

Log::Log(const RecoveredLog& recovered, EntryReader* reader, uint64_t cache_bytes)
    : reader_(reader),
      cache_bytes_max_(cache_bytes),
      first_(recovered.first),
      last_(recovered.last),
      commit_(recovered.commit),
      handed_out_(recovered.snapshot_index),
      cut_counter_(recovered.cut_counter) {
  if (last_ < recovered.snapshot_index || last_ + 1 < first_) {
    // D9: a log that ends below the snapshot starts anew behind it.
    first_ = recovered.snapshot_index + 1;
    last_ = recovered.snapshot_index;
  }
  SYNOD_CHECK_LE(first_, recovered.snapshot_index + 1);
  if (first_ == recovered.snapshot_index + 1) base_term_ = recovered.snapshot_term;
  if (first_ == LogIndex(1)) base_term_ = Term(0);
  if (first_ <= last_) {
    runs_ = recovered.term_runs;
    SYNOD_CHECK(!runs_.empty() && runs_.front().index <= first_) << "terms are not known from the first entry on";
  }
  written_ = synced_ = last_cut_ = last_;
  commit_ = std::min(std::max(commit_, recovered.snapshot_index), last_);
  for (LogIndex index : recovered.damaged) {
    if (index > recovered.snapshot_index && index <= last_) damaged_.insert(index);
  }
  if (!recovered.damaged.empty() || end() < recovered.vote_end) floor_ = std::max(recovered.vote_end, end());
  DropFloorIfReached();
}

std::optional<Term> Log::TermAt(LogIndex index) const {
  if (index + 1 == first_) return base_term_;
  if (index < first_ || index > last_) return std::nullopt;
  auto behind =
      std::upper_bound(runs_.begin(), runs_.end(), index, [](LogIndex i, const LogEnd& run) { return i < run.index; });
  return std::prev(behind)->term;
}

LogEnd Log::vote_end() const { return floor_ ? std::max(*floor_, end()) : end(); }

LogIndex Log::LastWithTermAtMost(LogIndex index, Term term) const {
  LogIndex at = std::min(index, last_);
  while (at >= first_) {
    auto behind =
        std::upper_bound(runs_.begin(), runs_.end(), at, [](LogIndex i, const LogEnd& run) { return i < run.index; });
    const LogEnd& run = *std::prev(behind);
    if (run.term <= term) return at;
    at = std::max(run.index, first_) - 1;
  }
  if (at + 1 == first_ && at > LogIndex(0) && base_term_ && *base_term_ > term) return at - 1;
  return at;
}

LogIndex Log::AcknowledgeLimit() const {
  if (damaged_.empty()) return synced_;
  return std::min(synced_, *damaged_.begin() - 1);
}

LogIndex Log::HandOutLimit() const {
  LogIndex limit = commit_;
  if (!damaged_.empty()) limit = std::min(limit, *damaged_.begin() - 1);
  return limit;
}

void Log::Append(Entry entry) {
  SYNOD_CHECK_EQ(entry.index, last_ + 1);
  SYNOD_CHECK(entry.payload != nullptr);
  SYNOD_CHECK_GE(entry.term, *TermAt(last_));
  if (first_ > last_) runs_.clear();
  if (runs_.empty() || runs_.back().term != entry.term) runs_.push_back(LogEnd{entry.term, entry.index});
  last_ = entry.index;
  cache_bytes_ += CostOf(entry);
  cache_.push_back(std::move(entry));
  Evict();
  DropFloorIfReached();
}

void Log::Evict() {
  while (cache_bytes_ > cache_bytes_max_ && !cache_.empty() && cache_.front().index <= written_) {
    cache_bytes_ -= CostOf(cache_.front());
    cache_.pop_front();
  }
}

void Log::CutFrom(LogIndex index) {
  SYNOD_CHECK_GT(index, commit_) << "a committed entry would be cut";
  SYNOD_CHECK_LE(index, last_);
  while (!cache_.empty() && cache_.back().index >= index) {
    cache_bytes_ -= CostOf(cache_.back());
    cache_.pop_back();
  }
  while (!runs_.empty() && runs_.back().index >= index) runs_.pop_back();
  last_ = index - 1;
  synced_ = std::min(synced_, last_);
  damaged_.erase(damaged_.lower_bound(index), damaged_.end());
  if (index > written_) return;  // the disk never saw it
  written_ = last_;
  if (!cut_pending_) {
    // One cut for the disk, one number (D4), however often the log was cut since the last Output.
    ++cut_counter_;
    cut_pending_ = index;
  }
  cut_pending_ = std::min(*cut_pending_, index);
  last_cut_ = *cut_pending_;
}

void Log::Synced(LogIndex through, uint64_t cut_counter) {
  // What was cut and written again since the sync began is not what it covered (counterexample 4).
  if (cut_counter + 1 == cut_counter_) {
    through = std::min(through, last_cut_ - 1);
  } else if (cut_counter != cut_counter_) {
    return;
  }
  synced_ = std::max(synced_, std::min(through, written_));
}

bool Log::CommitTo(LogIndex index) {
  LogIndex to = std::min(index, last_);
  if (to <= commit_) return false;
  commit_ = to;
  return true;
}

bool Log::Install(LogIndex index, Term term) {
  bool was_damaged = !damaged_.empty();
  damaged_.erase(damaged_.begin(), damaged_.upper_bound(index));
  // Below the log or handed out already: all of it stays, the snapshot brings nothing.
  bool covered = index < first_ && index <= commit_;
  bool keep = covered || (index <= last_ && TermAt(index) == term);
  if (!keep) {
    // Only a damaged record's term, told by its neighbours, may be wrong about what is committed.
    SYNOD_CHECK(commit_ <= index || was_damaged) << "a snapshot contradicts a committed entry";
    commit_ = index;
    LogEnd before = vote_end();
    if (LogEnd{term, index} < before) floor_ = before;
    first_ = index + 1;
    last_ = index;
    base_term_ = term;
    runs_.clear();
    cache_.clear();
    cache_bytes_ = 0;
    damaged_.clear();
    cut_pending_.reset();
    written_ = index;
    synced_ = index;
    ++cut_counter_;
    last_cut_ = index + 1;
  }
  commit_ = std::max(commit_, index);
  handed_out_ = std::max(handed_out_, index);
  synced_ = std::max(synced_, std::min(index, written_));
  DropFloorIfReached();
  return keep;
}

void Log::Compacted(LogIndex through) {
  if (through < first_) return;
  SYNOD_CHECK_LE(through, handed_out_) << "compacting what was not applied";
  base_term_ = TermAt(through);
  first_ = through + 1;
  synced_ = std::max(synced_, through);  // covered by the snapshot that is durable
  while (runs_.size() > 1 && runs_[1].index <= first_) runs_.erase(runs_.begin());
  while (!cache_.empty() && cache_.front().index < first_) {
    cache_bytes_ -= CostOf(cache_.front());
    cache_.pop_front();
  }
}

bool Log::Repaired(const Entry& entry) {
  if (TermAt(entry.index) != entry.term || damaged_.erase(entry.index) == 0) return false;
  DropFloorIfReached();
  return true;
}

void Log::MarkDamaged(LogIndex index) {
  if (index <= handed_out_ || index > last_) return;
  floor_ = vote_end();
  damaged_.insert(index);
}

void Log::DropFloorIfReached() {
  if (floor_ && damaged_.empty() && end() >= *floor_) floor_.reset();
}

absl::StatusOr<std::vector<Entry>> Log::ReadFromDisk(LogIndex low, LogIndex high, uint64_t max_bytes) const {
  auto read = reader_->ReadEntries(low, high, max_bytes);
  // Damage further on must not be taken for damage at `low`.
  if (absl::IsDataLoss(read.status()) && high > low + 1) read = reader_->ReadEntries(low, low + 1, max_bytes);
  if (!read.ok()) return read.status();
  size_t sound = 0;
  for (const Entry& entry : *read) {
    LogIndex index = low + sound;
    bool ours = entry.index == index && index < high && TermAt(index) == entry.term && entry.payload != nullptr;
    if (!ours) break;
    ++sound;
  }
  if (sound == 0) return absl::DataLossError("the log on disk holds another entry than the one written");
  read->resize(sound);
  return read;
}

absl::StatusOr<std::vector<Entry>> Log::Read(LogIndex low, LogIndex high, uint64_t max_bytes) const {
  std::vector<Entry> entries;
  uint64_t bytes = 0;
  if (low < cache_first()) {
    LogIndex end = std::min(high, cache_first());
    auto read = ReadFromDisk(low, end, max_bytes);
    if (!read.ok()) return read.status();
    entries = *std::move(read);
    if (low + entries.size() < end) return entries;
    for (const Entry& entry : entries) bytes += CostOf(entry);
    low = end;
  }
  for (; low < high; ++low) {
    const Entry& entry = cache_[low - cache_first()];
    bytes += CostOf(entry);
    if (bytes > max_bytes && !entries.empty()) break;
    entries.push_back(entry);
  }
  return entries;
}

std::optional<LogIndex> Log::TakeCut() { return std::exchange(cut_pending_, std::nullopt); }

std::vector<Entry> Log::TakeUnwritten() {
  Evict();  // before `written_` moves: what goes out now can be read back only when the driver has written it
  std::vector<Entry> entries(cache_.end() - static_cast<ptrdiff_t>(last_ - written_), cache_.end());
  written_ = last_;
  return entries;
}

absl::StatusOr<std::vector<Entry>> Log::TakeCommitted(uint64_t max_bytes) {
  if (!HasCommitted()) return std::vector<Entry>();
  auto entries = Read(handed_out_ + 1, HandOutLimit() + 1, max_bytes);
  if (entries.ok()) handed_out_ = entries->back().index;
  return entries;
}

}  // namespace synod::consensus

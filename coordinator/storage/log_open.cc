// Opening the log: from what a scan found to a log that can be appended to.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "coordinator/base/check.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/storage/log_files.h"

namespace synod::storage {

absl::StatusOr<std::unique_ptr<LogFiles>> LogFiles::Open(FileSystem* fs, LogOptions options, HardStateStore* state,
                                                         SyncRunner* runner, const SnapshotPoint& snapshot) {
  SYNOD_ASSIGN_OR_RETURN(ScannedLog scan, ScanLogDirectory(fs, options.directory, state->state(), true));
  return Open(fs, std::move(options), state, runner, snapshot, std::move(scan));
}

absl::StatusOr<std::unique_ptr<LogFiles>> LogFiles::Open(FileSystem* fs, LogOptions options, HardStateStore* state,
                                                         SyncRunner* runner, const SnapshotPoint& snapshot,
                                                         ScannedLog scan) {
  SYNOD_ASSIGN_OR_RETURN(Recovery recovery, RecoverLog(scan.records, state->state(), snapshot));
  auto log = std::unique_ptr<LogFiles>(new LogFiles(fs, std::move(options), state, runner));
  SYNOD_RETURN_IF_ERROR(log->TakeOver(std::move(scan), std::move(recovery)));
  return log;
}

absl::Status LogFiles::TakeSpares(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    next_spare_ = std::max(next_spare_, *ParseSpareName(name) + 1);
    uint64_t size = 0;
    {
      SYNOD_ASSIGN_OR_RETURN(std::unique_ptr<File> file, fs_->Open(PathOf(name), OpenMode::kRead));
      SYNOD_ASSIGN_OR_RETURN(size, file->Size());
    }
    if (size == options_.segment_bytes && spares_.size() < options_.spare_segments) {
      spares_.push_back(name);
    } else {
      SYNOD_RETURN_IF_ERROR(fs_->Remove(PathOf(name)));
    }
  }
  return absl::OkStatus();
}

absl::Status LogFiles::TakeSegments(ScannedLog* scan) {
  for (ScannedSegment& scanned : scan->segments) {
    LogSegment segment;
    segment.number = scanned.number;
    segment.size = scanned.size;
    segment.file = std::move(scanned.file);
    if (!scanned.header_good) {
      // Damage, or a new segment that no sync covered yet. The records prove themselves: each is bound to the number in
      // the file's name.
      notes_.push_back(absl::StrCat("mended the header of segment ", SegmentName(segment.number)));
      SYNOD_RETURN_IF_ERROR(
          segment.file->WriteAt(0, EncodeSegmentHeader(state_->state().identity.storage, segment.number)));
      SYNOD_RETURN_IF_ERROR(segment.file->Sync());
    }
    segments_.push_back(std::move(segment));
  }
  if (segments_.empty()) {
    SYNOD_ASSIGN_OR_RETURN(LogSegment segment, NewSegment(NextNumber(), options_.segment_bytes));
    SYNOD_RETURN_IF_ERROR(segment.file->Sync());
    segments_.push_back(std::move(segment));
  }
  return absl::OkStatus();
}

// Overwrites the chosen records with zeros, durably.
absl::Status LogFiles::Erase(const std::vector<ScannedRecord>& records, const std::vector<bool>& which) {
  std::set<File*> touched;
  for (size_t i = 0; i < records.size(); ++i) {
    if (!which[i]) continue;
    File* file = nullptr;
    if (records[i].segment == kRepairSegment) file = repair_.get();
    for (const LogSegment& segment : segments_) {
      if (segment.number == records[i].segment) file = segment.file.get();
    }
    SYNOD_CHECK(file != nullptr);
    SYNOD_RETURN_IF_ERROR(file->WriteAt(records[i].offset, std::string(records[i].end() - records[i].offset, '\0')));
    touched.insert(file);
  }
  for (File* file : touched) SYNOD_RETURN_IF_ERROR(file->Sync());
  return absl::OkStatus();
}

void LogFiles::BuildTables(const std::vector<ScannedRecord>& records, const Recovery& recovery) {
  auto segment_of = [this](const ScannedRecord& record) {
    return std::find_if(segments_.begin(), segments_.end(),
                        [&](const LogSegment& s) { return s.number == record.segment; });
  };
  for (size_t i = 0; i < records.size(); ++i) {
    if (!recovery.kept[i]) continue;
    if (records[i].segment == kRepairSegment) {
      repair_end_ = std::max(repair_end_, records[i].end());
      continue;
    }
    auto segment = segment_of(records[i]);
    segment->end = std::max(segment->end, records[i].end());
    active_ = std::max(active_, static_cast<size_t>(segment - segments_.begin()));
  }
  for (const auto& [index, i] : recovery.good) {
    if (records[i].segment == kRepairSegment) {
      repairs_[index] = {records[i].offset, records[i].end() - records[i].offset};
    } else {
      segment_of(records[i])->Place(index, records[i].offset);
    }
  }
  for (const auto& [index, i] : recovery.header_only) {
    damaged_links_[index] = {records[i].header.term, records[i].header.content_checksum};
  }
  if (auto it = recovery.good.find(last_.index); it != recovery.good.end()) {
    last_checksum_ = records[it->second].header.content_checksum;
  } else if (auto link = damaged_links_.find(last_.index); link != damaged_links_.end()) {
    last_checksum_ = link->second.checksum;
  }
}

absl::Status LogFiles::TakeOver(ScannedLog scan, Recovery recovery) {
  identity_ = std::move(scan.identity_slots);
  highest_named_ = scan.identity.highest_segment;
  repair_ = std::move(scan.repair);
  notes_ = recovery.notes;
  if (identity_->one_copy_was_bad()) notes_.push_back("mended the log's identity from its other copy");
  // Durable before this life gives out a segment number. It leaves the last cut as it is: what that killed is erased
  // below.
  StoredState started = state_->state();
  ++started.log_starts;
  SYNOD_RETURN_IF_ERROR(state_->Save(started));
  for (const std::string& name : scan.leftovers) SYNOD_RETURN_IF_ERROR(fs_->Remove(PathOf(name)));
  SYNOD_RETURN_IF_ERROR(TakeSpares(scan.spares));
  SYNOD_RETURN_IF_ERROR(TakeSegments(&scan));
  SYNOD_RETURN_IF_ERROR(fs_->SyncDirectory(options_.directory));
  directory_dirty_ = false;

  // What an interrupted cut left goes before that cut is forgotten for a new one; what is torn goes after the new one
  // is durable (D4).
  SYNOD_RETURN_IF_ERROR(Erase(scan.records, recovery.dead));
  first_ = recovery.log.first;
  last_ = {recovery.log.vote_end.term, recovery.log.last};
  if (recovery.start_anew) {
    recovered_ = recovery.log;
    SYNOD_RETURN_IF_ERROR(ResetTo(recovery.log.snapshot_index, recovery.log.snapshot_term));
  } else {
    StoredState stored = state_->state();
    stored.remembered_end = recovery.remembered_end;
    if (recovery.torn_from) {
      ++stored.cut_counter;
      stored.cut_from = *recovery.torn_from;
    }
    SYNOD_RETURN_IF_ERROR(state_->Save(stored));
    std::vector<bool> torn = recovery.kept;
    for (size_t i = 0; i < torn.size(); ++i) torn[i] = !recovery.kept[i] && !recovery.dead[i];
    SYNOD_RETURN_IF_ERROR(Erase(scan.records, torn));
    BuildTables(scan.records, recovery);
    damaged_ = std::set<LogIndex>(recovery.log.damaged.begin(), recovery.log.damaged.end());
    recovered_ = std::move(recovery.log);
  }
  recovered_.cut_counter = state_->state().cut_counter;
  synced_ = last_;
  if (segments_.back().number > highest_named_) {
    highest_named_ = segments_.back().number;
    SYNOD_RETURN_IF_ERROR(identity_->Save(LogIdentity{state_->state().identity.storage, highest_named_}.Encode()));
  }
  return absl::OkStatus();
}

}  // namespace synod::storage

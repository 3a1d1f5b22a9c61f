#include "coordinator/storage/verify.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "coordinator/storage/log_directory.h"

namespace synod::storage {
namespace {

class Verifier {
 public:
  Verifier(FileSystem* fs, const std::string& data_dir, const std::string& data_log_dir,
           const std::optional<SnapshotPoint>& snapshot)
      : fs_(fs), home_(data_dir + "/synod"), log_(data_log_dir + "/synod/log"), snapshot_(snapshot) {}

  VerifyReport Run() {
    absl::StatusOr<std::unique_ptr<HardStateStore>> state = HardStateStore::Load(fs_, home_, false);
    if (!state.ok()) {
      Bad(absl::StrCat("hard state: ", state.status().message()));
    } else {
      const StoredState& s = (*state)->state();
      report_.storage = s.identity.storage;
      Line(absl::StrFormat("hard state: server %d, storage %016x, ensemble %016x, term %d, vote %d, generation %d",
                           s.identity.server.value(), s.identity.storage.value(), s.ensemble.value(),
                           s.vote.term.value(), s.vote.voted_for.value(), (*state)->generation()));
      if ((*state)->one_copy_was_behind()) {
        Line("hard state: one of the two copies is a generation behind, as a kill between their writes leaves it");
      } else if ((*state)->one_copy_was_bad()) {
        Bad("hard state: one of the two copies is damaged or missing; the other is good");
      }
      if (s.remembered_end) {
        Bad(absl::StrCat("hard state: damage is not yet repaired up to entry ", s.remembered_end->index.value()));
      }
      CheckLog(s);
    }
    Line(report_.ok ? "ok" : "DAMAGED");
    return std::move(report_);
  }

 private:
  void Line(const std::string& text) { absl::StrAppend(&report_.text, text, "\n"); }
  void Bad(const std::string& text) {
    report_.ok = false;
    Line(text);
  }

  SnapshotPoint StartOf(const ScannedLog& log, const StoredState& stored) const {
    if (snapshot_) return *snapshot_;
    SnapshotPoint start{stored.base.index, stored.base.term, stored.founding};
    LogIndex first;
    for (const ScannedRecord& record : log.records) {
      const RecordHeader& h = record.header;
      if (h.kind != RecordKind::kEntry || !record.payload_good || h.cut_counter < stored.base_cut_counter) continue;
      if (first.value() != 0 && h.index >= first) continue;
      first = h.index;
      if (h.index > start.index + 1 || h.index <= start.index) start = {h.index - 1, h.previous_term, stored.founding};
    }
    return start;
  }

  void CheckLog(const StoredState& stored) {
    absl::StatusOr<ScannedLog> log = ScanLogDirectory(fs_, log_, stored, false);
    if (!log.ok()) return Bad(absl::StrCat("log: ", log.status().message()));
    if (log->identity_slots->one_copy_was_bad() && !log->identity_slots->one_copy_was_behind())
      Bad("log: one of the two copies of its identity is damaged; the other is good");
    for (const ScannedSegment& segment : log->segments) {
      size_t records = 0;
      size_t bad = 0;
      for (const ScannedRecord& record : log->records) {
        if (record.segment != segment.number) continue;
        ++records;
        if (!record.payload_good) ++bad;
      }
      Line(absl::StrCat("log: segment ", SegmentName(segment.number), ": ", segment.size, " bytes, ", records,
                        " records, ", bad, " with a bad payload"));
      if (!segment.header_good && segment.number <= log->identity.highest_segment) {
        Bad(absl::StrCat("log: segment ", SegmentName(segment.number),
                         ": the header is damaged (the records do not need it)"));
      }
    }
    absl::StatusOr<Recovery> recovery = RecoverLog(log->records, stored, StartOf(*log, stored));
    if (!recovery.ok()) return Bad(absl::StrCat("log: ", recovery.status().message()));
    for (const std::string& note : recovery->notes) Line(absl::StrCat("log: ", note));
    if (!recovery->log.damaged.empty()) {
      Bad(absl::StrCat("log: ", recovery->log.damaged.size(), " entries are damaged or missing, the first is ",
                       recovery->log.damaged.front().value(), "; a running ensemble repairs them"));
    }
    Line(absl::StrCat("log: entries ", recovery->log.first.value(), " to ", recovery->log.last.value(),
                      ", committed at least to ", recovery->log.commit.value(), ", last term ",
                      recovery->log.vote_end.term.value()));
  }

  FileSystem* const fs_;
  const std::string home_;
  const std::string log_;
  const std::optional<SnapshotPoint> snapshot_;
  VerifyReport report_;
};

}  // namespace

VerifyReport VerifyDataDirectory(FileSystem* fs, const std::string& data_dir, const std::string& data_log_dir,
                                 const std::optional<SnapshotPoint>& snapshot) {
  return Verifier(fs, data_dir, data_log_dir, snapshot).Run();
}

}  // namespace synod::storage

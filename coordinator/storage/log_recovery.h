// What the records found on disk mean (D4, D5, D8, D9). Pure: no file is touched here.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/consensus/types.h"
#include "coordinator/storage/hard_state.h"
#include "coordinator/storage/log_segment.h"

namespace synod::storage {

// Where the own snapshot stands. Index 0: there is none, `configuration` is the founding one.
struct SnapshotPoint {
  LogIndex index;
  Term term;
  consensus::Configuration configuration;
};

struct Recovery {
  consensus::RecoveredLog log;
  // D9: the log ends below the snapshot, or goes on from something else than the snapshot's last entry: it starts anew
  // behind it.
  bool start_anew = false;
  // D5: there are records from here on that no completed sync covered, behind a bad one. They must be cut, durably,
  // before the next append.
  std::optional<LogIndex> torn_from;
  // What the hard state must remember before anything else is written: set exactly if log.damaged is not empty.
  std::optional<consensus::LogEnd> remembered_end;
  // Into the input, one per input record: it belongs to the log (a good or damaged entry up to log.last, or a mark
  // among them).
  std::vector<bool> kept;
  // Likewise: removed by a cut or reset that the hard state knows. Its bytes must be erased before the next cut.
  std::vector<bool> dead;
  // Index of an entry to its good record in the input.
  std::map<LogIndex, size_t> good;
  // Entries whose header is good and whose payload is not: what a repair must bring back.
  std::map<LogIndex, size_t> header_only;
  // Notes for people, one per finding.
  std::vector<std::string> notes;
};

// `records` in order of segment number and offset. DataLoss: a configuration entry with a good checksum does not decode
// (a newer or broken writer; the server must not start).
absl::StatusOr<Recovery> RecoverLog(const std::vector<ScannedRecord>& records, const StoredState& stored,
                                    const SnapshotPoint& snapshot);

}  // namespace synod::storage

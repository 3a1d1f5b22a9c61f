// The log's directory: which files are in it and what they hold. Shared by LogFiles (which goes on writing) and by the
// offline check. Format: docs/formats/log.md.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/storage/hard_state.h"
#include "coordinator/storage/log_segment.h"
#include "coordinator/storage/slot_pair.h"

namespace synod::storage {

// The slot pair `identity` in the log directory: it names the storage the log belongs to (D10) and the highest segment
// that was ever durable, so that a segment file that vanished is missed.
struct LogIdentity {
  StorageId storage;
  uint64_t highest_segment = 0;

  std::string Encode() const;
  static absl::StatusOr<LogIdentity> Decode(std::string_view bytes);
};
SlotPair::Name LogIdentityName(const std::string& directory);

struct ScannedSegment {
  uint64_t number = 0;
  std::unique_ptr<File> file;
  uint64_t size = 0;
  bool header_good = false;
};

struct ScannedLog {
  LogIdentity identity;
  std::unique_ptr<SlotPair> identity_slots;
  std::vector<ScannedSegment> segments;  // by number; those of before the last reset left out
  std::unique_ptr<File> repair;          // null: there is none
  std::vector<ScannedRecord> records;    // repaired ones first, then by segment and offset
  std::vector<std::string> spares;       // names
  std::vector<std::string> leftovers;    // names of segments of before the last reset, unfinished files
};

// Reads every segment. With `writable` files are opened for writing, and synced and evicted from the cache before they
// are read: what is read is on the disk. Errors: NotFound (no identity), FailedPrecondition (the log of another storage
// id), DataLoss (identity damaged, or a segment that was durable is missing from the end), Unimplemented (newer
// format).
absl::StatusOr<ScannedLog> ScanLogDirectory(FileSystem* fs, const std::string& directory, const StoredState& stored,
                                            bool writable);

}  // namespace synod::storage

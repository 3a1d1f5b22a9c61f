// Builds a received snapshot in a database of its own beside the live one (D9).
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "coordinator/interfaces/snapshot_store.h"
#include "coordinator/storage/rocksdb_database.h"
#include "coordinator/storage/rocksdb_snapshot.h"

namespace synod::storage {

// Any thread, one at a time; must not outlive the store. Until Finish has replaced CURRENT, nothing of it is ever used:
// dropped or crashed, its folder is garbage that the destructor or the next start removes.
class RocksDbSnapshotInstaller : public interfaces::SnapshotInstaller {
 public:
  RocksDbSnapshotInstaller(RocksDbSnapshotStore* store, const DatabaseOptions& options, const std::string& directory,
                           uint64_t number, uint64_t batch, const interfaces::SnapshotMeta& meta);
  ~RocksDbSnapshotInstaller() override;

  // Starts the files with the meta. An error of the file system.
  absl::Status Begin(StorageId storage);

  absl::Status Add(std::string_view key, std::string_view value) override;
  // Ingests, reads everything back and compares it with what was added (DataLoss if it differs, R20), then switches.
  // FailedPrecondition when called twice or after an error.
  absl::Status Finish() override;

 private:
  absl::Status Build();
  absl::Status Verify();

  RocksDbSnapshotStore* const store_;
  const DatabaseOptions& options_;
  const std::string path_;
  const uint64_t number_;
  const interfaces::SnapshotMeta meta_;
  SortedFiles files_;
  std::shared_ptr<Database> database_;
  std::string last_key_;
  uint64_t count_ = 0;
  uint32_t checksum_ = 0;     // running, over keys and values with their lengths
  bool finished_ = false;     // Finish was called
  bool broken_ = false;       // an Add failed in the file system
  bool keep_folder_ = false;  // CURRENT names it, or may do so
};

}  // namespace synod::storage

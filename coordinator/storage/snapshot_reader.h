// Reads a snapshot out of RocksDB: all of it at start (D8), or chunk by chunk for another server (D9).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/base/ids.h"
#include "coordinator/interfaces/snapshot_store.h"

namespace rocksdb {
class Iterator;
class Snapshot;
}  // namespace rocksdb

namespace synod::storage {

class Database;

// Pinned by a RocksDB snapshot, and keeps its database open even when an install has taken its place. Any thread, one
// at a time.
class RocksDbSnapshotReader : public interfaces::SnapshotReader {
 public:
  // DataLoss if the meta can't be read.
  static absl::StatusOr<std::unique_ptr<RocksDbSnapshotReader>> Open(std::shared_ptr<Database> database,
                                                                     StorageId storage);
  ~RocksDbSnapshotReader() override;

  const interfaces::SnapshotMeta& meta() const override { return meta_; }
  // A number not reached yet is found by walking forward with the same `bytes`. InvalidArgument: behind the last chunk.
  absl::StatusOr<interfaces::SnapshotChunk> ReadChunk(uint64_t number, size_t bytes) override;

 private:
  RocksDbSnapshotReader(std::shared_ptr<Database> database, const rocksdb::Snapshot* snapshot)
      : database_(std::move(database)), snapshot_(snapshot) {}
  // The chunk that starts at starts_[number]; records where the next one starts the first time.
  absl::StatusOr<interfaces::SnapshotChunk> ReadKnown(uint64_t number, size_t bytes);
  std::unique_ptr<rocksdb::Iterator> NewIterator() const;

  const std::shared_ptr<Database> database_;
  const rocksdb::Snapshot* const snapshot_;
  interfaces::SnapshotMeta meta_;
  // Start key of each chunk known so far: chunk n is [starts_[n], starts_[n + 1]), which makes it the same bytes each
  // time.
  std::vector<std::string> starts_;
  bool complete_ = false;  // the last of starts_ starts the last chunk
};

}  // namespace synod::storage

// One RocksDB database of the snapshot store, and the sorted files that go into it. Internal to storage: nothing above
// includes RocksDB.
//
// RocksDB is used in one way only: sorted files are built and synced beside it and taken in by IngestExternalFile,
// which is one record in its manifest. No write ever goes through the memtable or the write-ahead log, so its recovery
// modes (R61-R63), atomic flush (R64) and flush-before-crash questions do not arise: either the manifest has the
// record, and all of the change, or it does not.
#pragma once

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/rate_limiter.h>
#include <rocksdb/sst_file_writer.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/storage/database_budget.h"

namespace synod::storage {

// Corruption and read failures are DataLoss (the bytes are not to be had), a full disk is ResourceExhausted, the rest
// Unavailable.
absl::Status FromRocks(const rocksdb::Status& status, std::string_view what);
inline rocksdb::Slice ToSlice(std::string_view v) { return rocksdb::Slice(v.data(), v.size()); }
inline std::string_view ToView(const rocksdb::Slice& v) { return std::string_view(v.data(), v.size()); }

// Budgets shared by all databases of a store: a new one is built while the old one serves, within the same bounds.
class DatabaseOptions {
 public:
  DatabaseOptions(rocksdb::Env* env, const DatabaseBudget& budget);
  const rocksdb::Options& options() const { return options_; }
  rocksdb::Env* env() const { return options_.env; }

 private:
  rocksdb::Options options_;
};

// Removes a database's folder with everything in it. Best effort: what stays is garbage that the next start removes.
void RemoveDatabase(rocksdb::Env* env, const std::string& path);

// Thread-safe once open. Shared by the store and by readers that pin it; the last owner closes it, and removes its
// folder if it is obsolete by then.
class Database {
 public:
  // DataLoss if it is damaged or missing; Unavailable for another reason it can't be opened.
  static absl::StatusOr<std::shared_ptr<Database>> Open(const DatabaseOptions& options, const std::string& path,
                                                        bool create);
  ~Database();
  Database(const Database&) = delete;

  // Takes in files built by SortedFiles, all or nothing, durably. On success the files are gone from where they were.
  absl::Status Ingest(const std::vector<std::string>& files);
  // NotFound if there is no such key; DataLoss if it can't be read.
  absl::StatusOr<std::string> Get(std::string_view key);
  // Another database has taken this one's place: its folder goes when the last owner does.
  void MarkObsolete() { obsolete_ = true; }
  rocksdb::DB* db() { return db_.get(); }
  uint64_t bytes_on_disk();

 private:
  Database(rocksdb::Env* env, std::string path) : env_(env), path_(std::move(path)) {}

  rocksdb::Env* const env_;
  const std::string path_;
  std::unique_ptr<rocksdb::DB> db_;
  std::atomic<bool> obsolete_ = false;
};

// Writes ascending records and tombstones into files of at most about 64 MB. Not thread-safe. Files that were not
// ingested are removed by the destructor.
class SortedFiles {
 public:
  // Files are named IngestName(batch, n) in `directory`.
  SortedFiles(const DatabaseOptions& options, std::string directory, uint64_t batch);
  ~SortedFiles();
  SortedFiles(const SortedFiles&) = delete;

  // `key` is greater than all before (RocksDB's InvalidArgument becomes Unavailable otherwise; callers check).
  absl::Status Put(std::string_view key, std::string_view value);
  absl::Status Delete(std::string_view key);
  // Completes and syncs the last file. REQUIRES at least one record was added.
  absl::Status Finish();
  const std::vector<std::string>& files() const { return files_; }

 private:
  absl::Status Prepare();

  const DatabaseOptions& options_;
  const std::string directory_;
  const uint64_t batch_;
  std::unique_ptr<rocksdb::SstFileWriter> writer_;
  std::vector<std::string> files_;
};

}  // namespace synod::storage

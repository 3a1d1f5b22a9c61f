// The durable snapshot in RocksDB (D7, D9): `<directory>/db-<n>` holds one database, `<directory>/CURRENT` names the
// live one.
//
// A change is written as sorted files (records, tombstones, meta), synced, and taken in by one ingest: one atomic step
// that a crash either did or did not see (R31). Then CURRENT is replaced to carry the floor: the index now known
// durable. A database that opens below the floor, does not open, or fails a checksum makes the store damaged: it serves
// nothing and waits for an install (D6).
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/base/executor.h"
#include "coordinator/interfaces/snapshot_store.h"
#include "coordinator/storage/database_budget.h"
#include "coordinator/storage/key_format.h"

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace synod::storage {

class Database;
class DatabaseOptions;

struct SnapshotStoreOptions {
  std::string directory;
  // Whose data directory this is, from the hard state. A store that names another one is not opened (D10).
  StoreIdentity identity;
  // Make an empty store if there is none. Only for a data directory on its first start: a store that went missing means
  // wiped (R46).
  bool create = false;
  DatabaseBudget budget;
  rocksdb::Env* env = nullptr;  // nullptr: the real file system. Outlives the store and its readers.
};

// Calls on the loop thread; readers and installers on any thread. Writes run on a thread of the store's own.
class RocksDbSnapshotStore : public interfaces::SnapshotStore {
 public:
  // Opens the store and deletes what incomplete installs and writes left behind. A damaged store opens too (damage()
  // tells). Errors: NotFound: there is none (and !create). FailedPrecondition: it names another storage or ensemble.
  // Unavailable: the file system refuses. A store without ensemble takes over the one given: the hard state is written
  // before it.
  static absl::StatusOr<std::unique_ptr<RocksDbSnapshotStore>> Open(SnapshotStoreOptions options, Executor* loop);
  // Waits for a write in progress. Installers must be gone; readers may outlive the store.
  ~RocksDbSnapshotStore() override;

  std::optional<interfaces::SnapshotMeta> meta() const override;
  absl::Status Load(interfaces::RecordSink* sink) override;
  // Besides errors of the file system (fatal, D12), without anything written: Aborted if an install took the place of
  // the snapshot that this change belongs to; InvalidArgument if meta.index is below the live one; DataLoss if the
  // store is damaged.
  void Write(std::vector<interfaces::SnapshotRecord> changes, interfaces::SnapshotMeta meta,
             absl::AnyInvocable<void(absl::Status)> done) override;
  // NotFound: there is no snapshot yet. DataLoss: damaged.
  absl::StatusOr<std::unique_ptr<interfaces::SnapshotReader>> OpenReader() override;
  absl::StatusOr<std::unique_ptr<interfaces::SnapshotInstaller>> BeginInstall(
      const interfaces::SnapshotMeta& meta) override;
  uint64_t bytes_on_disk() const override;

  // OK, or what makes the store unusable until a snapshot is installed.
  absl::Status damage() const;
  // The server has joined an ensemble. Durable on return; an error is fatal (D12).
  absl::Status SetEnsemble(EnsembleId ensemble);

 private:
  friend class RocksDbSnapshotInstaller;
  struct Job {
    std::vector<interfaces::SnapshotRecord> changes;
    interfaces::SnapshotMeta meta;
    uint64_t database = 0;  // the live one when Write was called
    absl::AnyInvocable<void(absl::Status)> done;
  };

  RocksDbSnapshotStore(SnapshotStoreOptions options, Executor* loop);

  // Steps of Open.
  absl::Status CreateIfMissing();
  absl::Status ReadCurrent();
  void DeleteGarbage();
  absl::Status OpenLive();

  std::string PathOf(std::string_view name) const;
  absl::Status SyncDirectory(const std::string& path);
  // Replaces CURRENT: temporary file, sync, rename, sync of the directory (R19). `new_database`: its folder's entry is
  // synced first.
  absl::Status WriteCurrent(const CurrentFile& current, bool new_database);

  void RunWrites();  // the thread
  absl::Status WriteOne(Job* job);
  // Makes a complete, verified database the live one.
  absl::Status SwitchTo(uint64_t number, std::shared_ptr<Database> database, const interfaces::SnapshotMeta& meta);
  std::shared_ptr<Database> live() const;

  const SnapshotStoreOptions options_;
  const std::unique_ptr<DatabaseOptions> database_options_;
  Executor* const loop_;

  // Held over a whole durable step: at most one write, switch or replacement of CURRENT at a time.
  std::mutex step_mutex_;
  // Guarded by step_mutex_ for writing, by mutex_ for both; never held during I/O.
  mutable std::mutex mutex_;
  std::shared_ptr<Database> live_;  // null: damaged beyond opening
  std::optional<interfaces::SnapshotMeta> meta_;
  CurrentFile current_;
  absl::Status damage_;
  absl::Status failed_;  // a durable step failed: what is on disk is no longer known, nothing more is written
  uint64_t next_database_ = 1;
  uint64_t next_batch_ = 1;
  // The write thread's mailbox, guarded by mutex_.
  std::condition_variable wake_;
  std::optional<Job> job_;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace synod::storage

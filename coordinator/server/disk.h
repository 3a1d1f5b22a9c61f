// What a server has on disk, opened and checked in the order in which each part needs the one before (D8).
#pragma once

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "coordinator/base/executor.h"
#include "coordinator/base/random.h"
#include "coordinator/server/config.h"
#include "coordinator/statemachine/state_machine.h"
#include "coordinator/storage/data_directory.h"
#include "coordinator/storage/file.h"
#include "coordinator/storage/log_files.h"
#include "coordinator/storage/rocksdb_snapshot.h"
#include "coordinator/storage/sync_runner.h"

namespace synod::server {

struct Disk {
  std::unique_ptr<storage::DataDirectory> directory;
  std::unique_ptr<storage::RocksDbSnapshotStore> snapshots;
  std::unique_ptr<statemachine::StateMachine> state_machine;  // holds the snapshot
  std::unique_ptr<storage::LogFiles> log;
};

// Outlive the Disk.
struct DiskDependencies {
  storage::FileSystem* fs = nullptr;
  Executor* loop = nullptr;
  storage::SyncRunner* syncs = nullptr;
  Random* random = nullptr;
  // Where a replaced state goes to be freed.
  std::function<void(statemachine::DiscardedState)> dispose;
};

// Data that was lost (hard state, log or snapshot missing, or of another storage) or a snapshot that is damaged, by its
// checksums or its digest, makes the server start over with an empty storage and a new storage id (D10): the ensemble
// gives it everything again and replaces the old id. What was there is moved aside. A damaged snapshot could be fetched
// again while the log stays (D6), but the log alone cannot tell what the server acknowledged below it, and starting
// over needs no second way through recovery.
//
// Errors, each with a text for people: those of DataDirectory::Open and LogFiles::Open; FailedPrecondition: lost or
// damaged, and there is no other voter to get it from; or the server lines name others than the ensemble does (D11);
// Unimplemented: written by a newer version.
absl::StatusOr<Disk> OpenDisk(const ServerConfig& config, const DiskDependencies& dependencies);

}  // namespace synod::server

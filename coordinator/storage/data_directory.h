// One server's directories: whose they are, whether they are whole (D10), and that nobody else uses them.
// Format and layout: docs/formats/data_directory.md.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/base/random.h"
#include "coordinator/consensus/types.h"
#include "coordinator/storage/disk_reserve.h"
#include "coordinator/storage/file.h"
#include "coordinator/storage/hard_state.h"

namespace synod::storage {

struct DataDirectoryOptions {
  std::string data_dir;      // dataDir of zoo.cfg
  std::string data_log_dir;  // dataLogDir; may equal data_dir
  ServerId server;
  uint64_t reserve_bytes = 64 << 20;
};

enum class DataState : uint8_t {
  kEmpty,   // has a storage id, belongs to no ensemble
  kJoined,  // belongs to an ensemble
  kWiped,   // hard state, log or snapshot is missing, damaged or of another storage: not new, and not to be trusted
            // (D10)
};

// Loop thread only. Holds the lock while it lives.
class DataDirectory {
 public:
  // Takes the locks, looks, and makes an empty directory into one of ours, with a storage id from `random` that is
  // durable on return. Errors, each with a text for people: FailedPrecondition (another process runs on it; it belongs
  // to another server; it is not a directory of Synod's), Unimplemented (a newer format), those of the file system. A
  // wiped directory is no error: see state().
  static absl::StatusOr<std::unique_ptr<DataDirectory>> Open(FileSystem* fs, DataDirectoryOptions options,
                                                             Random* random);

  DataState state() const { return state_; }
  // Why it is wiped, and what was mended; a line each.
  const std::vector<std::string>& notes() const { return notes_; }

  // REQUIRES state() != kWiped for all of these.
  const consensus::Identity& identity() const { return hard_state_->state().identity; }
  EnsembleId ensemble() const { return hard_state_->state().ensemble; }
  const consensus::Configuration& founding() const { return hard_state_->state().founding; }
  // Started over after a loss: may join an ensemble as a learner, must not form one (D10).
  bool was_wiped() const { return hard_state_->state().was_wiped; }
  HardStateStore* hard_state() { return hard_state_.get(); }

  // Where the log and the snapshot store live.
  std::string log_directory() const { return options_.data_log_dir + "/synod/log"; }
  std::string snapshot_directory() const { return options_.data_dir + "/synod/snapshot"; }
  DiskReserve* reserve() { return &reserve_; }

  // Call after opening the snapshot store: the storage id it names, nullopt if there is no store. Turns the state to
  // kWiped when one was made before and is gone, or names another storage.
  void CheckSnapshot(std::optional<StorageId> found);
  // The store now exists, durably, and names our storage id.
  absl::Status SnapshotCreated();
  // The ensemble has formed, or this server joins one: its id and the configuration to begin with, durable on return;
  // empty for one that joins as a guest and hears of the configuration through the log. FailedPrecondition if this
  // server belongs to another one; InvalidArgument: id 0, or a configuration that is too large.
  absl::Status SaveFounding(EnsembleId ensemble, const consensus::Configuration& configuration);
  // A wiped (or any) directory: moves what is there aside, to synod.wiped-N, and starts over with a new storage id that
  // remembers it was wiped. The log and snapshot store must not be open.
  absl::Status StartOver(Random* random);

 private:
  DataDirectory(FileSystem* fs, DataDirectoryOptions options);
  std::string home() const { return options_.data_dir + "/synod"; }
  std::string FormatPath() const { return home() + "/FORMAT"; }
  absl::Status TakeLocks();
  absl::Status RefuseForeign() const;
  absl::Status Inspect(Random* random);
  absl::Status Initialise(Random* random, bool was_wiped);
  absl::Status WriteFormat(StorageId storage);
  absl::Status CheckServer(ServerId found) const;
  void Wiped(std::string why);

  FileSystem* const fs_;
  const DataDirectoryOptions options_;
  DiskReserve reserve_;
  std::vector<std::unique_ptr<FileLock>> locks_;
  std::unique_ptr<HardStateStore> hard_state_;
  DataState state_ = DataState::kEmpty;
  std::vector<std::string> notes_;
};

}  // namespace synod::storage

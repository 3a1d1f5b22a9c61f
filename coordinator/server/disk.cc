#include "coordinator/server/disk.h"

#include <algorithm>
#include <future>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/base/log.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/server/server_list.h"

namespace synod::server {
namespace {

using interfaces::SnapshotMeta;

class LoaderSink final : public interfaces::RecordSink {
 public:
  explicit LoaderSink(interfaces::StateLoader* loader) : loader_(loader) {}
  absl::Status Add(std::string_view key, std::string_view value) override { return loader_->Add(key, value); }

 private:
  interfaces::StateLoader* loader_;
};

class Opener {
 public:
  Opener(const ServerConfig& config, const DiskDependencies& deps) : config_(config), deps_(deps) {}

  absl::StatusOr<Disk> Open() {
    storage::DataDirectoryOptions options;
    options.data_dir = config_.data_dir;
    options.data_log_dir = config_.data_log_dir;
    options.server = config_.id;
    options.reserve_bytes = config_.disk_reserve_bytes;
    SYNOD_ASSIGN_OR_RETURN(disk_.directory, storage::DataDirectory::Open(deps_.fs, options, deps_.random));
    if (disk_.directory->state() != storage::DataState::kWiped) SYNOD_RETURN_IF_ERROR(OpenSnapshots());
    absl::Status loaded = absl::OkStatus();
    if (disk_.directory->state() != storage::DataState::kWiped) {
      // Reading the log waits for the disk, loading the snapshot for the processor.
      StartLogScan();
      loaded = LoadSnapshot();
    }
    for (const std::string& note : disk_.directory->notes()) SLOG_WARN("data directory: {}", note);
    if (!loaded.ok() && !absl::IsDataLoss(loaded)) return loaded;
    if (!loaded.ok() || disk_.directory->state() == storage::DataState::kWiped)
      SYNOD_RETURN_IF_ERROR(StartOver(loaded));
    SYNOD_RETURN_IF_ERROR(OpenLog());
    SYNOD_RETURN_IF_ERROR(CheckMembers());
    return std::move(disk_);
  }

 private:
  // Leaves the store closed and the directory wiped if the store is gone or another's.
  absl::Status OpenSnapshots() {
    storage::DataDirectory& directory = *disk_.directory;
    storage::SnapshotStoreOptions options;
    options.directory = directory.snapshot_directory();
    options.identity = {directory.identity().storage, directory.ensemble()};
    options.create = !directory.hard_state()->state().snapshot_created;
    auto store = storage::RocksDbSnapshotStore::Open(options, deps_.loop);
    if (absl::IsNotFound(store.status())) {
      directory.CheckSnapshot(std::nullopt);
      return absl::OkStatus();
    }
    if (absl::IsFailedPrecondition(store.status())) {
      SLOG_ERROR("{}", std::string(store.status().message()));
      directory.CheckSnapshot(StorageId(0));  // of another storage, whichever
      return absl::OkStatus();
    }
    SYNOD_RETURN_IF_ERROR(store.status());
    disk_.snapshots = *std::move(store);
    directory.CheckSnapshot(directory.identity().storage);
    return directory.hard_state()->state().snapshot_created ? absl::OkStatus() : directory.SnapshotCreated();
  }

  absl::Status LoadSnapshot() {
    statemachine::StateMachineOptions options;
    options.dispose = deps_.dispose;
    options.watch_window_bytes = config_.watch_window_bytes;
    disk_.state_machine = std::make_unique<statemachine::StateMachine>(std::move(options));
    SYNOD_RETURN_IF_ERROR(disk_.snapshots->damage());
    std::optional<SnapshotMeta> meta = disk_.snapshots->meta();
    if (!meta) return absl::OkStatus();
    std::unique_ptr<interfaces::StateLoader> loader = disk_.state_machine->NewLoader();
    LoaderSink sink(loader.get());
    SYNOD_RETURN_IF_ERROR(disk_.snapshots->Load(&sink));
    SYNOD_RETURN_IF_ERROR(loader->Finish(*meta));
    disk_.state_machine->Install(std::move(loader), *meta);
    SLOG_INFO("snapshot of index {} loaded, {} znodes", meta->index.value(), disk_.state_machine->tree().node_count());
    return absl::OkStatus();
  }

  absl::Status StartOver(const absl::Status& damage) {
    std::string what = damage.ok() ? "this server's data was lost in part"
                                   : absl::StrCat("the snapshot is damaged: ", damage.message());
    bool others = std::any_of(config_.seeds.begin(), config_.seeds.end(), [this](const node::Seed& seed) {
      return seed.server != config_.id && seed.role == consensus::MemberRole::kVoter;
    });
    if (!others && !config_.form_without_peers) {
      return absl::FailedPreconditionError(
          absl::StrCat(what, ". There is no other server to get it from. Restore ", config_.data_dir,
                       "/synod from a backup, or give all data up: set formWithoutPeers=true for one start"));
    }
    SLOG_ERROR("{}: starting over with an empty storage; what is left is kept as {}/synod.wiped-N", what,
               config_.data_dir);
    disk_.snapshots.reset();
    if (scan_.valid()) (void)scan_.get();  // of the files that are moved aside now
    SYNOD_RETURN_IF_ERROR(disk_.directory->StartOver(deps_.random));
    SYNOD_RETURN_IF_ERROR(OpenSnapshots());
    StartLogScan();
    return LoadSnapshot();
  }

  // On a thread of its own, which OpenLog waits for. Nothing changes the hard state meanwhile.
  void StartLogScan() {
    storage::DataDirectory& directory = *disk_.directory;
    scan_ = std::async(std::launch::async,
                       [fs = deps_.fs, path = directory.log_directory(), state = directory.hard_state()->state()] {
                         return storage::ScanLogDirectory(fs, path, state, true);
                       });
  }

  absl::Status OpenLog() {
    storage::DataDirectory& directory = *disk_.directory;
    storage::SnapshotPoint point;
    point.configuration = directory.founding();
    if (std::optional<SnapshotMeta> meta = disk_.snapshots->meta())
      point = {meta->index, meta->term, meta->configuration};
    storage::LogOptions options;
    options.directory = directory.log_directory();
    options.segment_bytes = config_.log_segment_bytes;
    options.retain_bytes = config_.log_retain_bytes;
    options.on_disk_full = [reserve = directory.reserve()] {
      bool released = reserve->Release();
      if (released) SLOG_WARN("the disk is full: the reserve is let go, writes that grow are refused");
      return released;
    };
    absl::StatusOr<storage::ScannedLog> scan = scan_.get();
    auto log = scan.ok() ? storage::LogFiles::Open(deps_.fs, options, directory.hard_state(), deps_.syncs, point,
                                                   *std::move(scan))
                         : scan.status();
    if (absl::IsDataLoss(log.status())) {
      return absl::DataLossError(
          absl::StrCat(log.status().message(), ". What this server acknowledged is not known any more. Move ",
                       directory.log_directory(), " away and start again: it will get everything from the others"));
    }
    SYNOD_RETURN_IF_ERROR(log.status());
    disk_.log = *std::move(log);
    for (const std::string& note : disk_.log->notes()) SLOG_WARN("log: {}", note);
    const consensus::RecoveredLog& found = disk_.log->recovered();
    SLOG_INFO("log of entries {} to {}, committed at least to {}", found.first.value(), found.last.value(),
              found.commit.value());
    return absl::OkStatus();
  }

  absl::Status CheckMembers() {
    if (disk_.directory->ensemble().value() != 0) {
      const consensus::RecoveredLog& log = disk_.log->recovered();
      KnownServers known;
      known.recorded = ReadServers(deps_.fs, config_.data_dir);
      known.earlier = {disk_.directory->founding(), log.snapshot_configuration};
      for (const auto& [index, configuration] : log.configurations) known.earlier.push_back(configuration);
      known.latest = known.earlier.back();
      SYNOD_RETURN_IF_ERROR(CheckServers(config_.seeds, config_.id, known));
    }
    return WriteServers(deps_.fs, config_.data_dir, config_.seeds);
  }

  const ServerConfig& config_;
  const DiskDependencies& deps_;
  Disk disk_;
  std::future<absl::StatusOr<storage::ScannedLog>> scan_;  // waits for its thread when it goes
};

}  // namespace

absl::StatusOr<Disk> OpenDisk(const ServerConfig& config, const DiskDependencies& dependencies) {
  return Opener(config, dependencies).Open();
}

}  // namespace synod::server

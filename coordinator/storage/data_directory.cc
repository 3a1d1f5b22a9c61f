#include "coordinator/storage/data_directory.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "coordinator/base/check.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/storage/log_directory.h"

namespace synod::storage {
namespace {

constexpr uint32_t kFormatVersion = 1;

// What the file FORMAT says. A file that does not parse says nothing: the hard state knows the same.
struct Format {
  uint32_t version = 0;
  uint32_t server = 0;
  StorageId storage;
};

std::string FormatText(ServerId server, StorageId storage) {
  return absl::StrFormat("synod data directory, format %d\nserver %d\nstorage %016x\n", kFormatVersion, server.value(),
                         storage.value());
}

std::optional<Format> ParseFormat(const std::string& text) {
  std::vector<std::string> lines = absl::StrSplit(text, '\n');
  Format format;
  std::vector<std::string> words = absl::StrSplit(lines[0], ' ');
  if (words.size() != 5 || words[0] != "synod" || !absl::SimpleAtoi(words[4], &format.version)) return std::nullopt;
  if (format.version > kFormatVersion) return format;
  if (lines.size() != 4) return std::nullopt;
  uint64_t storage = 0;
  if (lines[1].rfind("server ", 0) != 0 || !absl::SimpleAtoi(lines[1].substr(7), &format.server)) return std::nullopt;
  if (lines[2].rfind("storage ", 0) != 0 || !absl::SimpleHexAtoi(lines[2].substr(8), &storage)) return std::nullopt;
  format.storage = StorageId(storage);
  return format;
}

// Missing or damaged. Any other error (no permission, no file handles, a disk that fails) says nothing about what is
// there: the start fails, and nothing is given up for lost.
bool Lost(const absl::Status& status) { return absl::IsNotFound(status) || absl::IsDataLoss(status); }

}  // namespace

DataDirectory::DataDirectory(FileSystem* fs, DataDirectoryOptions options)
    : fs_(fs),
      options_(std::move(options)),
      reserve_(fs, options_.data_log_dir + "/synod/log", options_.reserve_bytes) {}

absl::StatusOr<std::unique_ptr<DataDirectory>> DataDirectory::Open(FileSystem* fs, DataDirectoryOptions options,
                                                                   Random* random) {
  if (options.data_log_dir.empty()) options.data_log_dir = options.data_dir;
  auto directory = std::unique_ptr<DataDirectory>(new DataDirectory(fs, std::move(options)));
  SYNOD_RETURN_IF_ERROR(fs->CreateDirectories(directory->options_.data_dir));
  SYNOD_RETURN_IF_ERROR(fs->CreateDirectories(directory->options_.data_log_dir));
  SYNOD_RETURN_IF_ERROR(directory->TakeLocks());
  SYNOD_RETURN_IF_ERROR(directory->RefuseForeign());
  SYNOD_RETURN_IF_ERROR(directory->Inspect(random));
  if (directory->state_ != DataState::kWiped) SYNOD_RETURN_IF_ERROR(directory->reserve_.Restore());
  return directory;
}

absl::Status DataDirectory::TakeLocks() {
  std::vector<std::string> directories = {options_.data_dir};
  if (options_.data_log_dir != options_.data_dir) directories.push_back(options_.data_log_dir);
  for (const std::string& directory : directories) {
    // Beside what StartOver moves away, so that the lock stays where the next process looks.
    absl::StatusOr<std::unique_ptr<FileLock>> lock = fs_->Lock(directory + "/synod.lock");
    if (absl::IsFailedPrecondition(lock.status())) {
      return absl::FailedPreconditionError(absl::StrCat("another process is using the data directory ", directory));
    }
    SYNOD_RETURN_IF_ERROR(lock.status());
    locks_.push_back(*std::move(lock));
  }
  return absl::OkStatus();
}

absl::Status DataDirectory::RefuseForeign() const {
  for (const std::string& directory : {options_.data_dir, options_.data_log_dir}) {
    std::string ours = directory + "/synod";
    if (!fs_->Exists(ours)) {
      if (!fs_->IsDirectory(directory + "/version-2")) continue;
      return absl::FailedPreconditionError(absl::StrCat(
          directory,
          " holds ZooKeeper's data (version-2), which Synod does not read: ", "give an empty directory as dataDir"));
    }
    if (!fs_->IsDirectory(ours)) return absl::FailedPreconditionError(absl::StrCat(ours, " is not a directory"));
  }
  if (!fs_->Exists(home()) || fs_->Exists(FormatPath())) return absl::OkStatus();
  SYNOD_ASSIGN_OR_RETURN(std::vector<std::string> names, fs_->List(home()));
  for (const std::string& name : names) {
    bool known =
        name == "log" || name == "snapshot" || name.rfind("hard_state.", 0) == 0 || name.rfind("FORMAT", 0) == 0;
    if (!known) {
      return absl::FailedPreconditionError(
          absl::StrCat(home(), " is not a data directory of Synod's: it has no file FORMAT, but holds ", name));
    }
  }
  return absl::OkStatus();
}

absl::Status DataDirectory::CheckServer(ServerId found) const {
  if (found == options_.server) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(home(), " belongs to server ", found.value(),
                                                    ", but this is server ", options_.server.value(),
                                                    ": check dataDir and myid"));
}

void DataDirectory::Wiped(std::string why) {
  state_ = DataState::kWiped;
  notes_.push_back(std::move(why));
}

// D10: hard state, log and snapshot each name the storage id; one missing or different means wiped.
absl::Status DataDirectory::Inspect(Random* random) {
  std::optional<Format> format;
  bool formatted = fs_->Exists(FormatPath());
  if (formatted) {
    SYNOD_ASSIGN_OR_RETURN(std::unique_ptr<File> file, fs_->Open(FormatPath(), OpenMode::kRead));
    SYNOD_ASSIGN_OR_RETURN(std::string text, ReadWhole(file.get()));
    format = ParseFormat(text);
    if (format && format->version > kFormatVersion) {
      return absl::UnimplementedError(absl::StrCat(home(), " has format ", format->version,
                                                   ", newer than this version of Synod knows (", kFormatVersion, ")"));
    }
    if (format) SYNOD_RETURN_IF_ERROR(CheckServer(ServerId(format->server)));
  }
  absl::StatusOr<std::unique_ptr<HardStateStore>> stored = HardStateStore::Load(fs_, home());
  if (!stored.ok() && !Lost(stored.status())) return stored.status();
  if (stored.ok()) SYNOD_RETURN_IF_ERROR(CheckServer((*stored)->state().identity.server));
  std::optional<LogIdentity> log;
  absl::StatusOr<std::unique_ptr<SlotPair>> slots = SlotPair::Load(fs_, LogIdentityName(log_directory()), true);
  if (!slots.ok() && !Lost(slots.status())) return slots.status();
  if (slots.ok()) {
    SYNOD_ASSIGN_OR_RETURN(log, LogIdentity::Decode((*slots)->body()));
  }
  bool used = stored.ok() && ((*stored)->state().ensemble.value() != 0 || (*stored)->state().vote.term.value() != 0);
  bool agree = stored.ok() && log && log->storage == (*stored)->state().identity.storage;
  if (fs_->IsDirectory(log_directory())) {
    SYNOD_ASSIGN_OR_RETURN(std::vector<std::string> names, fs_->List(log_directory()));
    used = used || std::any_of(names.begin(), names.end(),
                               [](const std::string& name) { return ParseSegmentName(name).has_value(); });
  }
  // FORMAT is written last: without it, and without any use, an earlier start was cut short before it told anybody
  // anything.
  if (!formatted && !used && !agree) return Initialise(random, false);
  if (!stored.ok()) Wiped(absl::StrCat("the hard state is lost: ", stored.status().message()));
  if (!log) Wiped(absl::StrCat("the log is lost: ", slots.status().message()));
  if (stored.ok() && log && !agree) {
    Wiped(absl::StrFormat("the hard state names storage %016x, the log %016x",
                          (*stored)->state().identity.storage.value(), log->storage.value()));
  }
  if (stored.ok() && format && format->storage != (*stored)->state().identity.storage) {
    Wiped(absl::StrFormat("the hard state names storage %016x, FORMAT %016x",
                          (*stored)->state().identity.storage.value(), format->storage.value()));
  }
  if (state_ == DataState::kWiped) return absl::OkStatus();
  hard_state_ = *std::move(stored);
  state_ = ensemble().value() == 0 ? DataState::kEmpty : DataState::kJoined;
  if (hard_state_->one_copy_was_bad()) notes_.push_back("mended one copy of the hard state from the other");
  if (!format) {
    notes_.push_back("wrote the missing file FORMAT again");
    return WriteFormat(identity().storage);
  }
  return absl::OkStatus();
}

absl::Status DataDirectory::Initialise(Random* random, bool was_wiped) {
  SYNOD_RETURN_IF_ERROR(fs_->CreateDirectories(home()));
  SYNOD_RETURN_IF_ERROR(fs_->CreateDirectories(log_directory()));
  StoredState state;
  state.identity.server = options_.server;
  while (state.identity.storage.value() == 0) state.identity.storage = StorageId(random->Next());
  state.was_wiped = was_wiped;
  LogIdentity log{state.identity.storage, 0};
  SYNOD_RETURN_IF_ERROR(SlotPair::Create(fs_, LogIdentityName(log_directory()), log.Encode()).status());
  SYNOD_ASSIGN_OR_RETURN(hard_state_, HardStateStore::Create(fs_, home(), state));
  state_ = DataState::kEmpty;
  return WriteFormat(state.identity.storage);
}

absl::Status DataDirectory::WriteFormat(StorageId storage) {
  std::string path = FormatPath() + ".new";
  SYNOD_ASSIGN_OR_RETURN(std::unique_ptr<File> file, fs_->Open(path, OpenMode::kCreate));
  SYNOD_RETURN_IF_ERROR(file->WriteAt(0, FormatText(options_.server, storage)));
  SYNOD_RETURN_IF_ERROR(file->Sync());
  SYNOD_RETURN_IF_ERROR(fs_->Rename(path, FormatPath()));
  return fs_->SyncDirectory(home());
}

void DataDirectory::CheckSnapshot(std::optional<StorageId> found) {
  if (state_ == DataState::kWiped) return;
  if (!found) {
    if (hard_state_->state().snapshot_created) Wiped("the snapshot store is lost");
  } else if (*found != identity().storage) {
    Wiped(absl::StrFormat("the hard state names storage %016x, the snapshot store %016x", identity().storage.value(),
                          found->value()));
  }
}

absl::Status DataDirectory::SnapshotCreated() {
  StoredState state = hard_state_->state();
  state.snapshot_created = true;
  return hard_state_->Save(state);
}

absl::Status DataDirectory::SaveFounding(EnsembleId ensemble_id, const consensus::Configuration& configuration) {
  if (ensemble_id.value() == 0) return absl::InvalidArgumentError("an ensemble has an id other than 0");
  if (ensemble().value() != 0 && ensemble() != ensemble_id) {
    return absl::FailedPreconditionError(absl::StrFormat("this server belongs to ensemble %016x, not to %016x",
                                                         ensemble().value(), ensemble_id.value()));
  }
  StoredState state = hard_state_->state();
  state.ensemble = ensemble_id;
  state.founding = configuration;
  SYNOD_RETURN_IF_ERROR(hard_state_->Save(state));
  state_ = DataState::kJoined;
  return absl::OkStatus();
}

absl::Status DataDirectory::StartOver(Random* random) {
  hard_state_.reset();
  reserve_.Release();
  std::vector<std::string> directories = {options_.data_dir};
  if (options_.data_log_dir != options_.data_dir) directories.push_back(options_.data_log_dir);
  for (const std::string& directory : directories) {
    if (!fs_->Exists(directory + "/synod")) continue;
    int number = 1;
    while (fs_->Exists(absl::StrCat(directory, "/synod.wiped-", number))) ++number;
    SYNOD_RETURN_IF_ERROR(fs_->Rename(directory + "/synod", absl::StrCat(directory, "/synod.wiped-", number)));
    SYNOD_RETURN_IF_ERROR(fs_->SyncDirectory(directory));
  }
  SYNOD_RETURN_IF_ERROR(Initialise(random, true));
  return reserve_.Restore();
}

}  // namespace synod::storage

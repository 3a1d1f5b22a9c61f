#include "coordinator/server/verify.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/server/worker_thread.h"
#include "coordinator/statemachine/state_machine.h"
#include "coordinator/storage/hard_state.h"
#include "coordinator/storage/posix_file.h"
#include "coordinator/storage/rocksdb_snapshot.h"
#include "coordinator/storage/verify.h"

namespace synod::server {
namespace {

namespace files = std::filesystem;

class CountingSink final : public interfaces::RecordSink {
 public:
  explicit CountingSink(interfaces::StateLoader* loader) : loader_(loader) {}
  absl::Status Add(std::string_view key, std::string_view value) override {
    ++count;
    return loader_->Add(key, value);
  }
  uint64_t count = 0;

 private:
  interfaces::StateLoader* loader_;
};

// RocksDB never writes into a table file once it is made, but opening a database makes and removes files: links for the
// tables, copies of the rest.
class Copy {
 public:
  Copy(files::path from, files::path to) : from_(std::move(from)), to_(std::move(to)) {}
  ~Copy() {
    std::error_code ignored;
    files::remove_all(to_, ignored);
  }
  absl::Status Make() {
    std::error_code error;
    files::remove_all(to_, error);
    if (!error) files::create_directory(to_, error);
    for (files::recursive_directory_iterator it(from_, error), end; !error && it != end; it.increment(error)) {
      files::path target = to_ / files::relative(it->path(), from_, error);
      if (error) break;
      if (it->is_directory()) {
        files::create_directory(target, error);
      } else if (it->path().extension() == ".sst") {
        files::create_hard_link(it->path(), target, error);
      } else {
        files::copy_file(it->path(), target, error);
      }
    }
    if (error)
      return absl::UnavailableError(
          absl::StrCat("cannot copy ", from_.string(), " to ", to_.string(), ": ", error.message()));
    return absl::OkStatus();
  }

 private:
  const files::path from_, to_;
};

struct SnapshotFinding {
  std::string line;
  std::optional<storage::SnapshotPoint> point;
};

absl::StatusOr<SnapshotFinding> CheckSnapshot(const storage::StoredState& state, const std::string& home) {
  SnapshotFinding finding;
  if (!files::exists(home + "/snapshot/CURRENT")) {
    if (state.snapshot_created) return absl::DataLossError("the store is missing");
    finding.line = "none yet";
    finding.point = storage::SnapshotPoint{LogIndex(0), Term(0), state.founding};
    return finding;
  }
  Copy copy(home + "/snapshot", home + "/snapshot.verify");
  SYNOD_RETURN_IF_ERROR(copy.Make());
  WorkerThread executor;
  storage::SnapshotStoreOptions options;
  options.directory = home + "/snapshot.verify";
  options.identity = {state.identity.storage, state.ensemble};
  SYNOD_ASSIGN_OR_RETURN(auto store, storage::RocksDbSnapshotStore::Open(options, &executor));
  SYNOD_RETURN_IF_ERROR(store->damage());
  std::optional<interfaces::SnapshotMeta> meta = store->meta();
  if (!meta) {
    finding.line = "none yet";
    finding.point = storage::SnapshotPoint{LogIndex(0), Term(0), state.founding};
    return finding;
  }
  statemachine::StateMachine machine;
  std::unique_ptr<interfaces::StateLoader> loader = machine.NewLoader();
  CountingSink sink(loader.get());
  SYNOD_RETURN_IF_ERROR(store->Load(&sink));
  SYNOD_RETURN_IF_ERROR(loader->Finish(*meta));
  finding.line = absl::StrFormat("index %d, term %d, %d records, digest %016x as computed", meta->index.value(),
                                 meta->term.value(), sink.count, meta->digest);
  finding.point = storage::SnapshotPoint{meta->index, meta->term, meta->configuration};
  return finding;
}

}  // namespace

VerifyResult VerifyData(const std::string& data_dir, const std::string& data_log_dir) {
  storage::PosixFileSystem fs;
  const std::string home = data_dir + "/synod";
  if (!fs.IsDirectory(home))
    return {false, absl::StrCat(data_dir, " is not a data directory of Synod's: it holds no directory synod\n")};
  absl::StatusOr<std::unique_ptr<storage::FileLock>> lock = fs.Lock(data_dir + "/synod.lock");
  if (absl::IsFailedPrecondition(lock.status()))
    return {false, absl::StrCat("a server runs on ", data_dir, ": stop it first\n")};
  if (!lock.ok()) return {false, absl::StrCat(lock.status().message(), "\n")};
  VerifyResult result{true, ""};
  std::optional<storage::SnapshotPoint> point;
  absl::StatusOr<std::unique_ptr<storage::HardStateStore>> state =
      storage::HardStateStore::Load(&fs, home, /*mend=*/false);
  if (state.ok()) {
    absl::StatusOr<SnapshotFinding> snapshot = CheckSnapshot((*state)->state(), home);
    result.ok = snapshot.ok();
    absl::StrAppend(&result.text,
                    "snapshot: ", snapshot.ok() ? absl::string_view(snapshot->line) : snapshot.status().message(),
                    "\n");
    if (snapshot.ok()) point = snapshot->point;
  }
  storage::VerifyReport report =
      storage::VerifyDataDirectory(&fs, data_dir, data_log_dir.empty() ? data_dir : data_log_dir, point);
  result.text += report.text;
  // The report's last line speaks for hard state and log only.
  if (!result.ok && report.ok) result.text += "DAMAGED: the snapshot\n";
  result.ok = result.ok && report.ok;
  return result;
}

}  // namespace synod::server

// A log on a simulated disk: opened, driven, crashed and opened again.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/base/check.h"
#include "coordinator/storage/log_files.h"
#include "tests/support/sim_file.h"

namespace synod::storage {

// Syncs run when the test says so, in two steps.
class StepRunner : public SyncRunner {
 public:
  void Run(absl::AnyInvocable<absl::Status()> work, absl::AnyInvocable<void(absl::Status)> done) override {
    SYNOD_CHECK(!work_ && !done_);
    work_ = std::move(work);
    done_ = std::move(done);
  }
  // What the sync thread does.
  void Work() {
    if (!work_) return;
    auto work = std::exchange(work_, nullptr);
    status_ = work();
    finished_ = true;
  }
  // The completion on the loop; false if the work has not run yet.
  bool Complete() {
    if (!finished_) return false;
    finished_ = false;
    auto done = std::exchange(done_, nullptr);
    done(status_);
    return true;
  }
  void Drop() {
    work_ = nullptr;
    done_ = nullptr;
    finished_ = false;
  }
  bool busy() const { return done_ != nullptr; }

 private:
  absl::AnyInvocable<absl::Status()> work_;
  absl::AnyInvocable<void(absl::Status)> done_;
  absl::Status status_;
  bool finished_ = false;
};

inline constexpr uint64_t kTestSegment = 8192;

struct LogHarness {
  sim::SimDisk disk;
  StepRunner runner;
  std::unique_ptr<HardStateStore> state;
  std::unique_ptr<LogFiles> log;
  SnapshotPoint snapshot;
  LogOptions options{.directory = "/d/log", .segment_bytes = kTestSegment, .retain_bytes = 2 * kTestSegment};
  absl::StatusOr<interfaces::SyncDone> last_sync = absl::UnknownError("none yet");

  LogHarness() {
    SYNOD_CHECK(disk.CreateDirectories("/d/log").ok());
    StoredState s;
    s.identity = {ServerId(1), StorageId(0x5151)};
    SYNOD_CHECK(SlotPair::Create(&disk, LogIdentityName("/d/log"), LogIdentity{s.identity.storage, 0}.Encode()).ok());
    SYNOD_CHECK(HardStateStore::Create(&disk, "/d", s).ok());
  }

  absl::Status TryOpen() {
    log.reset();
    absl::StatusOr<std::unique_ptr<HardStateStore>> loaded = HardStateStore::Load(&disk, "/d");
    if (!loaded.ok()) return loaded.status();
    state = *std::move(loaded);
    absl::StatusOr<std::unique_ptr<LogFiles>> opened = LogFiles::Open(&disk, options, state.get(), &runner, snapshot);
    if (!opened.ok()) return opened.status();
    log = *std::move(opened);
    return absl::OkStatus();
  }
  LogFiles* Open() {
    absl::Status status = TryOpen();
    SYNOD_CHECK(status.ok()) << status.ToString();
    return log.get();
  }
  void Crash(Random* random, sim::CrashKind kind = sim::CrashKind::kAny) {
    runner.Drop();
    log.reset();
    disk.Crash(random, kind);
  }
  void StartSync() {
    log->StartSync([this](absl::StatusOr<interfaces::SyncDone> done) { last_sync = std::move(done); });
  }
  absl::Status Sync() {
    StartSync();
    runner.Work();
    runner.Complete();
    return last_sync.status();
  }
  // Syncs, writes the mark that says so, and syncs that (D3).
  void SyncAndMark() {
    SYNOD_CHECK(Sync().ok());
    SYNOD_CHECK(log->WriteMark(LogIndex(0)).ok());
    if (log->NeedsSync()) SYNOD_CHECK(Sync().ok());
  }
  absl::Status Append(uint64_t term, size_t bytes = 100, LogIndex commit = LogIndex(0)) {
    LogIndex index = log->last_index() + 1;
    std::string payload = absl::StrCat(term, "/", index.value(), " ");
    payload.resize(std::max(payload.size(), bytes), 'x');
    consensus::Entry entry{Term(term), index, consensus::EntryType::kCommands, MakeSharedBytes(payload)};
    written.resize(index.value());
    written.push_back(entry);
    return log->Append(absl::MakeConstSpan(&entry, 1), commit);
  }
  void AppendMany(int n, uint64_t term, size_t bytes = 100) {
    for (int i = 0; i < n; ++i) SYNOD_CHECK(Append(term, bytes).ok());
  }
  // By index; what Append last wrote there.
  std::vector<consensus::Entry> written{1};

  // Path and offset of a record, found by its payload.
  std::pair<std::string, uint64_t> Locate(LogIndex index) const {
    const std::string& payload = *written[index.value()].payload;
    for (const std::string& path : disk.Files("/d/log/")) {
      size_t at = disk.Contents(path).find(payload);
      if (at != std::string::npos && path.find(".log") != std::string::npos) return {path, at - kRecordHeaderBytes};
    }
    SYNOD_CHECK(false) << "no record of " << index.value();
    return {};
  }
  void FlipPayload(LogIndex index) {
    auto [path, offset] = Locate(index);
    disk.FlipBit(path, offset + kRecordHeaderBytes + 3, 2);
  }
  void FlipHeader(LogIndex index) {
    auto [path, offset] = Locate(index);
    disk.FlipBit(path, offset + 17, 2);
  }
  // Zeros over [begin, end) bytes of the record, as if that part of the write never reached the disk.
  void Blank(LogIndex index, uint64_t begin, uint64_t end) {
    auto [path, offset] = Locate(index);
    std::string bytes = disk.Contents(path);
    std::fill(bytes.begin() + static_cast<ptrdiff_t>(offset + begin),
              bytes.begin() + static_cast<ptrdiff_t>(offset + end), '\0');
    disk.Put(path, bytes);
  }
};

inline bool SameEntry(const consensus::Entry& a, const consensus::Entry& b) {
  return a.term == b.term && a.index == b.index && a.type == b.type && *a.payload == *b.payload;
}

}  // namespace synod::storage

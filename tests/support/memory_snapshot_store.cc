#include "tests/support/memory_snapshot_store.h"

#include "coordinator/base/bytes.h"
#include "coordinator/base/check.h"
#include "coordinator/base/crc32c.h"
#include "coordinator/base/status_macros.h"

namespace synod::sim {

using interfaces::SnapshotChunk;
using interfaces::SnapshotMeta;
using interfaces::SnapshotRecord;
using Records = MemorySnapshotDisk::Records;

namespace {

absl::Status Damaged() { return absl::DataLossError("snapshot: damaged"); }

class MemorySnapshotReader : public interfaces::SnapshotReader {
 public:
  MemorySnapshotReader(SnapshotMeta meta, std::shared_ptr<const Records> records)
      : meta_(std::move(meta)), records_(std::move(records)), starts_{records_->begin()} {}
  const SnapshotMeta& meta() const override { return meta_; }

  absl::StatusOr<SnapshotChunk> ReadChunk(uint64_t number, size_t bytes) override {
    while (number + 1 >= starts_.size() && !complete_) Advance(bytes);
    if (number >= starts_.size()) return absl::InvalidArgumentError("snapshot: no such chunk");
    SnapshotChunk chunk;
    chunk.number = number;
    chunk.last = number + 1 == starts_.size();
    ByteWriter out;
    auto end = chunk.last ? records_->end() : starts_[number + 1];
    for (auto it = starts_[number]; it != end; ++it) {
      out.Blob(it->first);
      out.Blob(it->second);
    }
    chunk.records = out.Take();
    chunk.checksum = Crc32c(chunk.records);
    return chunk;
  }

 private:
  // Finds where the chunk behind the last known one starts.
  void Advance(size_t bytes) {
    size_t size = 0;
    auto it = starts_.back();
    while (it != records_->end() && (size == 0 || size < bytes)) {
      size += it->first.size() + it->second.size() + 2;
      ++it;
    }
    if (it == records_->end()) {
      complete_ = true;
    } else {
      starts_.push_back(it);
    }
  }

  const SnapshotMeta meta_;
  const std::shared_ptr<const Records> records_;
  std::vector<Records::const_iterator> starts_;
  bool complete_ = false;
};

}  // namespace

class MemorySnapshotInstaller : public interfaces::SnapshotInstaller {
 public:
  MemorySnapshotInstaller(MemorySnapshotStore* store, SnapshotMeta meta) : store_(store), meta_(std::move(meta)) {}

  absl::Status Add(std::string_view key, std::string_view value) override {
    if (finished_) return absl::FailedPreconditionError("snapshot install: already ended");
    if (!records_.empty() && key <= records_.rbegin()->first) {
      return absl::InvalidArgumentError("snapshot install: keys must ascend");
    }
    records_.emplace_hint(records_.end(), key, value);
    return absl::OkStatus();
  }

  absl::Status Finish() override {
    if (finished_) return absl::FailedPreconditionError("snapshot install: already ended");
    finished_ = true;
    MemorySnapshotDisk* disk = store_->disk_;
    disk->records = std::make_shared<const Records>(std::move(records_));
    disk->meta = meta_;
    disk->damaged = false;
    ++store_->installs_;
    return absl::OkStatus();
  }

 private:
  MemorySnapshotStore* const store_;
  const SnapshotMeta meta_;
  Records records_;
  bool finished_ = false;
};

MemorySnapshotStore::MemorySnapshotStore(MemorySnapshotDisk* disk, Executor* loop, Random random,
                                         absl::Duration max_delay)
    : disk_(disk), loop_(loop), random_(random), max_delay_(max_delay) {}

std::optional<SnapshotMeta> MemorySnapshotStore::meta() const { return disk_->damaged ? std::nullopt : disk_->meta; }

absl::Status MemorySnapshotStore::Load(interfaces::RecordSink* sink) {
  if (disk_->damaged) return Damaged();
  for (const auto& [key, value] : *disk_->records) SYNOD_RETURN_IF_ERROR(sink->Add(key, value));
  return absl::OkStatus();
}

absl::Duration MemorySnapshotStore::Delay() {
  return absl::Microseconds(
      static_cast<int64_t>(random_.Between(0, static_cast<uint64_t>(absl::ToInt64Microseconds(max_delay_)) / 2)));
}

absl::Status MemorySnapshotStore::Apply(std::vector<SnapshotRecord> changes, const SnapshotMeta& meta,
                                        uint64_t install) {
  if (install != installs_) return absl::AbortedError("snapshot: replaced by an install");
  if (disk_->damaged) return Damaged();
  if (disk_->meta && meta.index < disk_->meta->index) return absl::InvalidArgumentError("snapshot: going back");
  Records records = *disk_->records;
  for (SnapshotRecord& change : changes) {
    if (change.value) {
      records[std::move(change.key)] = *std::move(change.value);
    } else {
      records.erase(change.key);
    }
  }
  disk_->records = std::make_shared<const Records>(std::move(records));
  disk_->meta = meta;
  return absl::OkStatus();
}

void MemorySnapshotStore::Write(std::vector<SnapshotRecord> changes, SnapshotMeta meta,
                                absl::AnyInvocable<void(absl::Status)> done) {
  SYNOD_CHECK(!writing_) << "one write at a time";
  writing_ = true;
  loop_->PostAfter(Delay(), [this, alive = std::weak_ptr<bool>(alive_), changes = std::move(changes),
                             meta = std::move(meta), done = std::move(done), install = installs_]() mutable {
    if (alive.expired()) return;
    absl::Status status = Apply(std::move(changes), meta, install);
    loop_->PostAfter(Delay(),
                     [this, alive = std::move(alive), status = std::move(status), done = std::move(done)]() mutable {
                       if (alive.expired()) return;
                       writing_ = false;
                       done(std::move(status));
                     });
  });
}

absl::StatusOr<std::unique_ptr<interfaces::SnapshotReader>> MemorySnapshotStore::OpenReader() {
  if (disk_->damaged) return Damaged();
  if (!disk_->meta) return absl::NotFoundError("snapshot: none yet");
  return std::make_unique<MemorySnapshotReader>(*disk_->meta, disk_->records);
}

absl::StatusOr<std::unique_ptr<interfaces::SnapshotInstaller>> MemorySnapshotStore::BeginInstall(
    const SnapshotMeta& meta) {
  return std::make_unique<MemorySnapshotInstaller>(this, meta);
}

uint64_t MemorySnapshotStore::bytes_on_disk() const {
  uint64_t bytes = 0;
  for (const auto& [key, value] : *disk_->records) bytes += key.size() + value.size();
  return bytes;
}

}  // namespace synod::sim

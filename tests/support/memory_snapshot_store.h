// The snapshot store of the simulator: what was written is on a "disk" that outlives the store; a crash between a
// step's effect and its completion happens as Random decides.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/base/executor.h"
#include "coordinator/base/random.h"
#include "coordinator/interfaces/snapshot_store.h"

namespace synod::sim {

// What survives a crash. Owned by the simulator, one per server; replaced by a new one when the server is wiped.
struct MemorySnapshotDisk {
  using Records = std::map<std::string, std::string>;
  std::optional<interfaces::SnapshotMeta> meta;
  std::shared_ptr<const Records> records = std::make_shared<const Records>();
  bool damaged = false;  // set by the test: the store reports DataLoss until an install
};

// Loop thread only. Destroying the store is the crash: writes not yet on the disk are lost, completions do not come.
class MemorySnapshotStore : public interfaces::SnapshotStore {
 public:
  // A write reaches the disk and completes after a random part of `max_delay`, as two events. `disk` and `loop` outlive
  // the store and all that it hands out.
  MemorySnapshotStore(MemorySnapshotDisk* disk, Executor* loop, Random random, absl::Duration max_delay);

  std::optional<interfaces::SnapshotMeta> meta() const override;
  absl::Status Load(interfaces::RecordSink* sink) override;
  void Write(std::vector<interfaces::SnapshotRecord> changes, interfaces::SnapshotMeta meta,
             absl::AnyInvocable<void(absl::Status)> done) override;
  absl::StatusOr<std::unique_ptr<interfaces::SnapshotReader>> OpenReader() override;
  absl::StatusOr<std::unique_ptr<interfaces::SnapshotInstaller>> BeginInstall(
      const interfaces::SnapshotMeta& meta) override;
  uint64_t bytes_on_disk() const override;

 private:
  friend class MemorySnapshotInstaller;
  absl::Status Apply(std::vector<interfaces::SnapshotRecord> changes, const interfaces::SnapshotMeta& meta,
                     uint64_t install);
  absl::Duration Delay();

  MemorySnapshotDisk* const disk_;
  Executor* const loop_;
  Random random_;
  const absl::Duration max_delay_;
  bool writing_ = false;
  uint64_t installs_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // tasks hold it weakly
};

}  // namespace synod::sim

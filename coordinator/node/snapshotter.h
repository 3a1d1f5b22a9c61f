// Takes the own snapshots (D7): closes the changed records at one index, writes them out in slices between other work,
// and hands them to the store's thread.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "coordinator/base/executor.h"
#include "coordinator/interfaces/snapshot_store.h"
#include "coordinator/interfaces/state_machine.h"

namespace synod::node {

// Loop only. One snapshot at a time.
class Snapshotter {
 public:
  struct Done {
    interfaces::SnapshotMeta meta;
    uint64_t records = 0;
  };

  Snapshotter(Executor* loop, interfaces::StateMachine* state_machine, interfaces::SnapshotStore* store)
      : loop_(loop), state_machine_(state_machine), store_(store) {}

  bool running() const { return running_; }
  // REQUIRES !running(). `configuration` as of the applied index. An error of the store is fatal for the server (D12).
  void Start(const consensus::Configuration& configuration, absl::AnyInvocable<void(absl::StatusOr<Done>)> done);
  // No callback runs after it.
  void Stop() { alive_.reset(); }

 private:
  // A slice keeps a turn of the loop well under 5 ms (D7); the pause lets sockets and syncs in between.
  static constexpr absl::Duration kSlice = absl::Milliseconds(1);
  static constexpr absl::Duration kPause = absl::Microseconds(500);
  void Step();

  Executor* const loop_;
  interfaces::StateMachine* const state_machine_;
  interfaces::SnapshotStore* const store_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  bool running_ = false;
  interfaces::SnapshotMeta meta_;
  std::vector<interfaces::SnapshotRecord> records_;
  absl::AnyInvocable<void(absl::StatusOr<Done>)> done_;
};

}  // namespace synod::node

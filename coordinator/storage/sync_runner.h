// Where the log's syncs run: on a thread of their own in a server (LogSyncThread), after a delay in the simulator.
#pragma once

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"

namespace synod::storage {

class SyncRunner {
 public:
  virtual ~SyncRunner() = default;
  // Runs `work` elsewhere, later, and then `done` with its result on the loop, never inside this call. One at a time.
  // Both may be dropped without running when the server ends.
  virtual void Run(absl::AnyInvocable<absl::Status()> work, absl::AnyInvocable<void(absl::Status)> done) = 0;
};

}  // namespace synod::storage

// The sync thread of a server: runs the log's fdatasync calls, so that the loop never waits for the disk.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/time/time.h"
#include "coordinator/base/executor.h"
#include "coordinator/storage/sync_runner.h"

namespace synod::storage {

// Run is called on the loop; `work` runs on the thread, `done` is posted to `loop`, which must outlive this object.
class LogSyncThread : public SyncRunner {
 public:
  // `on_time`, if given, is told on the loop how long each work took.
  explicit LogSyncThread(Executor* loop, std::function<void(absl::Duration)> on_time = nullptr);
  // Waits for the work that runs; what has not begun is dropped.
  ~LogSyncThread() override;
  LogSyncThread(const LogSyncThread&) = delete;

  void Run(absl::AnyInvocable<absl::Status()> work, absl::AnyInvocable<void(absl::Status)> done) override;

 private:
  struct Job {
    absl::AnyInvocable<absl::Status()> work;
    absl::AnyInvocable<void(absl::Status)> done;
  };
  void Loop();

  Executor* const loop_;
  const std::function<void(absl::Duration)> on_time_;
  std::mutex mutex_;  // guards the following
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace synod::storage

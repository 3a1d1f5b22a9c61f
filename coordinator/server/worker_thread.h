// The thread beside the loop: builds and reads snapshots, frees what would hold the loop up.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "coordinator/base/executor.h"

namespace synod::server {

// Tasks run one at a time, in the order of posting. Both posts from any thread.
class WorkerThread final : public Executor {
 public:
  WorkerThread();
  // Stop.
  ~WorkerThread() override;
  WorkerThread(const WorkerThread&) = delete;

  void Post(Task task) override;
  void PostAfter(absl::Duration delay, Task task) override;
  // Waits for the task that runs. What has not begun is dropped, now and later. Idempotent; not on the thread itself.
  void Stop();

 private:
  using Time = std::chrono::steady_clock::time_point;
  void Run();

  std::mutex mutex_;  // guards the following
  std::condition_variable wake_;
  // Due at; then in order of posting. Posted tasks are due at the epoch: before all timers.
  std::map<std::pair<Time, uint64_t>, Task> tasks_;
  uint64_t next_ = 0;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace synod::server

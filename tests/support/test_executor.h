// An executor whose time the test steps. Post is thread-safe, so adapters with threads of their own can complete on it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <utility>

#include "coordinator/base/executor.h"

namespace synod::sim {

class TestExecutor : public Executor {
 public:
  void Post(Task task) override {
    {
      std::lock_guard lock(mutex_);
      ready_.push_back(std::move(task));
    }
    wake_.notify_all();
  }
  void PostAfter(absl::Duration delay, Task task) override {
    std::lock_guard lock(mutex_);
    later_.emplace(std::pair(now_ + delay, ++number_), std::move(task));
  }
  absl::Duration now() const { return now_; }

  // Runs tasks until `done`, stepping time whenever nothing is ready. Waits for other threads' posts up to a minute of
  // real time; false if that runs out.
  bool RunUntil(const std::function<bool()>& done) {
    while (!done()) {
      std::unique_lock lock(mutex_);
      if (ready_.empty() && !later_.empty()) {
        auto first = later_.begin();
        now_ = first->first.first;
        ready_.push_back(std::move(first->second));
        later_.erase(first);
      }
      if (!wake_.wait_for(lock, std::chrono::minutes(1), [this] { return !ready_.empty(); })) return false;
      Task task = std::move(ready_.front());
      ready_.pop_front();
      lock.unlock();
      std::move(task)();
    }
    return true;
  }
  // The process is gone: nothing that waits will run.
  void DropAll() {
    std::lock_guard lock(mutex_);
    ready_.clear();
    later_.clear();
  }
  // Whether nothing waits; false says nothing of other threads' intentions.
  bool Idle() {
    std::lock_guard lock(mutex_);
    return ready_.empty() && later_.empty();
  }
  // Runs the next task, stepping time if need be; false if there is none.
  bool RunOne() {
    if (Idle()) return false;
    bool ran = false;
    return RunUntil([&ran] { return std::exchange(ran, true); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> ready_;
  std::map<std::pair<absl::Duration, uint64_t>, Task> later_;
  absl::Duration now_ = absl::ZeroDuration();
  uint64_t number_ = 0;
};

}  // namespace synod::sim

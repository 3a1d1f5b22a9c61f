#include "coordinator/server/worker_thread.h"

namespace synod::server {

WorkerThread::WorkerThread() : thread_([this] { Run(); }) {}

WorkerThread::~WorkerThread() { Stop(); }

void WorkerThread::Post(Task task) { PostAfter(absl::ZeroDuration(), std::move(task)); }

void WorkerThread::PostAfter(absl::Duration delay, Task task) {
  Time due;
  if (delay > absl::ZeroDuration()) due = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(delay);
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    tasks_.emplace(std::pair(due, next_++), std::move(task));
  }
  wake_.notify_one();
}

void WorkerThread::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  tasks_.clear();
}

void WorkerThread::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (tasks_.empty()) {
      wake_.wait(lock);
      continue;
    }
    auto first = tasks_.begin();
    Time due = first->first.first;
    if (due > std::chrono::steady_clock::now()) {
      wake_.wait_until(lock, due);
      continue;
    }
    Task task = std::move(first->second);
    tasks_.erase(first);
    lock.unlock();
    task();
    task = nullptr;  // what it holds is freed here, outside the lock
    lock.lock();
  }
}

}  // namespace synod::server

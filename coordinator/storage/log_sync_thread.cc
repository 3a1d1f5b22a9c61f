#include "coordinator/storage/log_sync_thread.h"

#include <chrono>

namespace synod::storage {

LogSyncThread::LogSyncThread(Executor* loop, std::function<void(absl::Duration)> on_time)
    : loop_(loop), on_time_(std::move(on_time)), thread_([this] { Loop(); }) {}

LogSyncThread::~LogSyncThread() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void LogSyncThread::Run(absl::AnyInvocable<absl::Status()> work, absl::AnyInvocable<void(absl::Status)> done) {
  {
    std::lock_guard lock(mutex_);
    jobs_.push_back({std::move(work), std::move(done)});
  }
  wake_.notify_one();
}

void LogSyncThread::Loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (stopping_) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    const auto begun = std::chrono::steady_clock::now();
    absl::Status status = job.work();
    const absl::Duration took = absl::FromChrono(std::chrono::steady_clock::now() - begun);
    // By value: this object may be gone when it runs, as `done` allows for.
    loop_->Post([done = std::move(job.done), status = std::move(status), on_time = on_time_, took]() mutable {
      if (on_time) on_time(took);
      done(std::move(status));
    });
    job = Job();
    lock.lock();
  }
}

}  // namespace synod::storage

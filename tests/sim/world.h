// Time and order of a simulated ensemble: one queue of events, drawn from one seed. No threads, no real clock.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <utility>

#include "absl/time/time.h"
#include "coordinator/base/clock.h"
#include "coordinator/base/executor.h"
#include "coordinator/base/random.h"

namespace synod::sim {

class World {
 public:
  explicit World(uint64_t seed) : random_(seed) {}

  absl::Duration now() const { return now_; }
  Random& random() { return random_; }
  // Runs `task` at now() + delay; events of one time run in the order of their scheduling.
  void At(absl::Duration delay, Task task) { queue_.emplace(std::pair(now_ + delay, ++number_), std::move(task)); }
  // Runs the next event; false if there is none.
  bool Step() {
    if (queue_.empty()) return false;
    auto first = queue_.begin();
    now_ = first->first.first;
    Task task = std::move(first->second);
    queue_.erase(first);
    ++events_;
    // What was run: two runs of one seed must agree on it to the last event.
    trace_ = (trace_ ^ static_cast<uint64_t>(absl::ToInt64Nanoseconds(now_))) * 0x100000001b3u;
    std::move(task)();
    return true;
  }
  uint64_t events() const { return events_; }
  uint64_t trace() const { return trace_; }
  void MixIntoTrace(uint64_t word) { trace_ = (trace_ ^ word) * 0x100000001b3u; }

 private:
  Random random_;
  absl::Duration now_ = absl::Seconds(1);
  uint64_t number_ = 0;
  uint64_t events_ = 0;
  uint64_t trace_ = 0xcbf29ce484222325u;
  std::map<std::pair<absl::Duration, uint64_t>, Task> queue_;
};

// The loop of one incarnation of a server or client. When it is gone, what it was to run is dropped. A paused one
// (SIGSTOP) runs nothing until it goes on, and then all of it, in order.
class SimExecutor final : public Executor {
 public:
  explicit SimExecutor(World* world, const bool* paused = nullptr) : world_(world), paused_(paused) {}
  void Post(Task task) override { Schedule(absl::ZeroDuration(), std::move(task)); }
  void PostAfter(absl::Duration delay, Task task) override { Schedule(delay, std::move(task)); }

 private:
  static constexpr absl::Duration kLookAgain = absl::Milliseconds(1);

  void Schedule(absl::Duration delay, Task task) {
    world_->At(delay, [this, alive = std::weak_ptr<bool>(alive_), task = std::move(task)]() mutable {
      if (alive.expired()) return;
      if (paused_ == nullptr || (!*paused_ && held_.empty())) {
        std::move(task)();
        return;
      }
      if (held_.empty()) LookAgain();
      held_.push_back(std::move(task));
    });
  }
  void LookAgain() {
    world_->At(kLookAgain, [this, alive = std::weak_ptr<bool>(alive_)] {
      while (!alive.expired() && !*paused_ && !held_.empty()) {
        Task task = std::move(held_.front());
        held_.pop_front();
        std::move(task)();
      }
      if (!alive.expired() && !held_.empty()) LookAgain();
    });
  }

  World* const world_;
  const bool* const paused_;
  std::deque<Task> held_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// A server's clock: runs with the world, from an offset of its own; its wall clock jumps when the test says so (L5).
class SimClock final : public Clock {
 public:
  SimClock(const World* world, absl::Duration offset) : world_(world), offset_(offset) {}
  absl::Duration Monotonic() const override { return world_->now() + offset_; }
  int64_t WallMillis() const override {
    return 1'700'000'000'000 + absl::ToInt64Milliseconds(world_->now()) + wall_jump_ms;
  }
  int64_t wall_jump_ms = 0;

 private:
  const World* const world_;
  const absl::Duration offset_;
};

}  // namespace synod::sim

// Waiting, with a time limit, for what a callback brings.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "coordinator/base/check.h"
#include "coordinator/recipes/session.h"

namespace synod::recipes {

// Waits until `there`, whose data `lock` guards; false: not within `timeout`.
template <typename Predicate>
bool WaitFor(std::condition_variable& changed, std::unique_lock<std::mutex>& lock, absl::Duration timeout,
             Predicate there) {
  // Longer is for ever: the library's sum of times must not overflow.
  if (timeout < absl::Hours(24 * 365)) return changed.wait_for(lock, absl::ToChronoNanoseconds(timeout), there);
  changed.wait(lock, there);
  return true;
}

// Calls `start` with a callback and waits until it is called. When that takes longer than `timeout`, calls `cancel`
// with a kTimeout error, which must lead to the callback being called soon, with it or with what came first. Not from a
// callback of the session: it would wait for itself, which ends the process.
template <typename T>
client::Result<T> Await(const Session& session, absl::Duration timeout,
                        const std::function<void(client::Callback<T>)>& start,
                        const std::function<void(client::Error)>& cancel) {
  SYNOD_CHECK(!session.OnCallbackThread()) << "a recipe waits inside a callback of its own session";
  struct Answer {
    std::mutex mutex;
    std::condition_variable came;
    std::optional<client::Result<T>> result;
  };
  auto answer = std::make_shared<Answer>();
  start([answer](client::Result<T> result) {
    std::lock_guard lock(answer->mutex);
    answer->result.emplace(std::move(result));
    answer->came.notify_all();
  });
  std::unique_lock lock(answer->mutex);
  const auto there = [&] { return answer->result.has_value(); };
  if (!WaitFor(answer->came, lock, timeout, there)) {
    lock.unlock();
    cancel({client::ErrorCode::kTimeout, client::Effect::kNotDone, "not within the time limit"});
    lock.lock();
  }
  answer->came.wait(lock, there);
  return *std::move(answer->result);
}

}  // namespace synod::recipes

// Lets callbacks of a user through until the object they belong to goes.
#pragma once

#include <mutex>
#include <utility>

namespace synod::recipes {

// Any thread. One callback runs at a time; a callback may call back into its recipe, or destroy it.
class Gate {
 public:
  // Calls `callback`, unless closed.
  template <typename Callback>
  void Pass(Callback&& callback) {
    std::lock_guard lock(mutex_);
    if (open_) std::forward<Callback>(callback)();
  }
  // When this returns no callback runs, but perhaps the caller's own, and none will.
  void Close() {
    std::lock_guard lock(mutex_);
    open_ = false;
  }

 private:
  std::recursive_mutex mutex_;
  bool open_ = true;
};

}  // namespace synod::recipes

// Where work runs. The loop of a server is one Executor; a worker thread of an adapter is another; the simulator is
// both.
#pragma once

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"

namespace synod {

using Task = absl::AnyInvocable<void()>;

class Executor {
 public:
  virtual ~Executor() = default;
  // Runs `task` later, in order of posting, never inside this call. Callable from any thread.
  virtual void Post(Task task) = 0;
  // Runs `task` once, at least `delay` from now. Call on the loop only. There is no cancel: a task checks whether it
  // still matters (a generation, a weak pointer).
  virtual void PostAfter(absl::Duration delay, Task task) = 0;
};

}  // namespace synod

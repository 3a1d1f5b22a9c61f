// How long to wait before another round of attempts.
#pragma once

#include "absl/time/time.h"
#include "coordinator/base/random.h"

namespace synod::client {

// Doubling from `initial` to `cap`, each wait drawn between half of that and all of it, so that the clients of a killed
// server do not come back in step. Not thread-safe.
class Backoff {
 public:
  Backoff(absl::Duration initial, absl::Duration cap, Random random)
      : initial_(initial), cap_(cap), next_(initial), random_(random) {}
  absl::Duration Next();
  void Reset() { next_ = initial_; }

 private:
  const absl::Duration initial_;
  const absl::Duration cap_;
  absl::Duration next_;
  Random random_;
};

}  // namespace synod::client

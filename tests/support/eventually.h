// Waiting for what other threads or processes do: the one place where a test of real servers may sleep.
#pragma once

#include <functional>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace synod::testing {

// The machine may be shared: nothing waits this long if all is well.
inline constexpr absl::Duration kEventuallyPatience = absl::Seconds(60);

// Looks every few milliseconds until `holds` does. False: not within `patience`.
inline bool Eventually(const std::function<bool()>& holds, absl::Duration patience = kEventuallyPatience) {
  const absl::Time deadline = absl::Now() + patience;
  while (!holds()) {
    if (absl::Now() > deadline) return false;
    absl::SleepFor(absl::Milliseconds(2));
  }
  return true;
}

}  // namespace synod::testing

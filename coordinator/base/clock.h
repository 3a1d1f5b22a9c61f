// Time as a parameter. Only adapters read the real clocks (base/system_clock); everything above takes these.
#pragma once

#include <cstdint>

#include "absl/time/time.h"

namespace synod {

// Thread-safe. Monotonic time never goes back and has no relation to the calendar; wall time is only a value for Stat
// (L5).
class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Duration Monotonic() const = 0;
  virtual int64_t WallMillis() const = 0;
};

}  // namespace synod

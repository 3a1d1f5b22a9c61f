// The machine's clocks, for the composition of a real server.
#pragma once

#include "coordinator/base/clock.h"

namespace synod {

// CLOCK_MONOTONIC and the wall clock.
class SystemClock : public Clock {
 public:
  absl::Duration Monotonic() const override;
  int64_t WallMillis() const override;
};

}  // namespace synod

// Latencies of the last minutes out of counts since the start, for quantiles that move.
#pragma once

#include <deque>
#include <utility>

#include "absl/time/time.h"
#include "coordinator/service/status.h"

namespace synod::frontdoor {

// Remembers what it was shown. Not thread-safe.
class RecentLatency {
 public:
  // ZooKeeper's Prometheus provider forgets after as long.
  static constexpr absl::Duration kWindow = absl::Minutes(10);

  // `now` by the monotonic clock; `total` since start or reset. What came since the latest time that is kWindow ago, or
  // else since the first time it was shown; the first time all of it. min_us is 0, max_us that of `total`.
  service::LatencyStats Since(absl::Duration now, const service::LatencyStats& total);

 private:
  // At least so far apart.
  static constexpr absl::Duration kBetween = absl::Seconds(10);
  std::deque<std::pair<absl::Duration, service::LatencyStats>> shown_;  // oldest first; the first is the base
};

}  // namespace synod::frontdoor

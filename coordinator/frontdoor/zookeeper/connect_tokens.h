// The throttle of new sessions (specs: ZooKeeper protocol, 2.3 step 2).
#pragma once

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"

namespace synod::frontdoor::zookeeper {

// A bucket of `max` tokens, full at first, that gets `fill_count` back every `fill_time`. `max` 0: no throttle.
class ConnectTokens {
 public:
  ConnectTokens(uint32_t max, uint32_t fill_count, absl::Duration fill_time)
      : max_(max), fill_count_(fill_count), fill_time_(std::max(fill_time, absl::Milliseconds(1))), tokens_(max) {}

  // False: there is none.
  bool Take(absl::Duration now) {
    if (max_ == 0) return true;
    if (now < filled_ || filled_ == absl::ZeroDuration()) filled_ = now;
    absl::Duration rest;
    int64_t fills = absl::IDivDuration(now - filled_, fill_time_, &rest);
    if (fills > 0) {
      filled_ = now - rest;
      tokens_ = fills >= int64_t{max_} ? (fill_count_ == 0 ? tokens_ : max_)
                                       : std::min<uint64_t>(max_, tokens_ + static_cast<uint64_t>(fills) * fill_count_);
    }
    if (tokens_ == 0) return false;
    --tokens_;
    return true;
  }

 private:
  const uint32_t max_;
  const uint32_t fill_count_;
  const absl::Duration fill_time_;
  absl::Duration filled_;  // zero: never looked at
  uint64_t tokens_;
};

}  // namespace synod::frontdoor::zookeeper

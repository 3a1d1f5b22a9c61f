#include "coordinator/client/backoff.h"

#include <algorithm>

namespace synod::client {

absl::Duration Backoff::Next() {
  const int64_t full_us = absl::ToInt64Microseconds(next_);
  next_ = std::min(next_ * 2, cap_);
  return absl::Microseconds(full_us / 2 + static_cast<int64_t>(random_.Below(static_cast<uint64_t>(full_us / 2 + 1))));
}

}  // namespace synod::client

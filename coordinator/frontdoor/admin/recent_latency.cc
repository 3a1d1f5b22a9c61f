#include "coordinator/frontdoor/admin/recent_latency.h"

namespace synod::frontdoor {

service::LatencyStats RecentLatency::Since(absl::Duration now, const service::LatencyStats& total) {
  if (!shown_.empty() && total.count < shown_.back().second.count) shown_.clear();  // reset meanwhile
  while (shown_.size() > 1 && shown_[1].first <= now - kWindow) shown_.pop_front();
  service::LatencyStats recent = total;
  if (!shown_.empty()) {
    const service::LatencyStats& base = shown_.front().second;
    recent.count -= base.count;
    recent.sum_us -= base.sum_us;
    for (size_t i = 0; i < service::LatencyStats::kBuckets; ++i) recent.buckets[i] -= base.buckets[i];
  }
  recent.min_us = 0;
  if (shown_.empty() || now - shown_.back().first >= kBetween) shown_.emplace_back(now, total);
  return recent;
}

}  // namespace synod::frontdoor

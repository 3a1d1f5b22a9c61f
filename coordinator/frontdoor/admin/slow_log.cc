#include "coordinator/frontdoor/admin/slow_log.h"

namespace synod::frontdoor {

void SlowLog::Add(int64_t wall_ms, const service::SlowOperation& operation) {
  absl::MutexLock lock(&mutex_);
  lines_.push_front(
      {wall_ms, std::string(operation.operation), std::string(operation.path), operation.duration, operation.session});
  if (lines_.size() > kKept) lines_.pop_back();
}

std::vector<SlowLog::Line> SlowLog::Lines() const {
  absl::MutexLock lock(&mutex_);
  return {lines_.begin(), lines_.end()};
}

}  // namespace synod::frontdoor

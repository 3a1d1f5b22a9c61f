// The latest slow operations. Written on the loop, read by the admin door's threads.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "coordinator/service/service.h"

namespace synod::frontdoor {

class SlowLog {
 public:
  struct Line {
    int64_t wall_ms = 0;
    std::string operation;
    std::string path;
    absl::Duration duration;
    SessionId session;
  };
  void Add(int64_t wall_ms, const service::SlowOperation& operation);
  // Newest first.
  std::vector<Line> Lines() const;

 private:
  static constexpr size_t kKept = 200;
  mutable absl::Mutex mutex_;
  std::deque<Line> lines_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace synod::frontdoor

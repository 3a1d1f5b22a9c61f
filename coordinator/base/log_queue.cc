#include "coordinator/base/log_queue.h"

#include <spdlog/async.h>

#include <memory>

namespace synod {

size_t QueuedLogLines() {
  const std::shared_ptr<spdlog::details::thread_pool> log = spdlog::thread_pool();
  return log == nullptr ? 0 : log->queue_size();
}

}  // namespace synod

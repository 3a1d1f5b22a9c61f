#include "coordinator/cli/event_wait.h"

#include <utility>

#include "coordinator/cli/interrupts.h"

namespace synod::cli {

void EventQueue::Push(client::WatchEvent event) {
  std::lock_guard lock(mutex_);
  events_.push_back(std::move(event));
  if (interrupts_ != nullptr) interrupts_->Wake();
}

std::optional<client::WatchEvent> EventQueue::Pop() {
  std::lock_guard lock(mutex_);
  if (events_.empty()) return std::nullopt;
  client::WatchEvent event = std::move(events_.front());
  events_.pop_front();
  return event;
}

void EventQueue::Detach() {
  std::lock_guard lock(mutex_);
  interrupts_ = nullptr;
}

}  // namespace synod::cli

// Watch events on their way from the client's thread to the terminal.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>

#include "coordinator/cli/interrupts.h"
#include "coordinator/client/types.h"

namespace synod::cli {

// Thread-safe. Held by shared_ptr: a watch may call after its waiter is gone.
class EventQueue {
 public:
  // `interrupts` may be null: nobody waits.
  explicit EventQueue(Interrupts* interrupts) : interrupts_(interrupts) {}
  void Push(client::WatchEvent event);
  std::optional<client::WatchEvent> Pop();
  // Nobody waits any more.
  void Detach();
  // A watch callback that pushes.
  static client::WatchCallback Into(std::shared_ptr<EventQueue> queue) {
    return [queue = std::move(queue)](const client::WatchEvent& event) { queue->Push(event); };
  }

 private:
  std::mutex mutex_;  // guards all
  std::deque<client::WatchEvent> events_;
  Interrupts* interrupts_;
};

// The wait of one command: events until enough came or Ctrl-C.
class EventWait {
 public:
  EventWait() : queue_(std::make_shared<EventQueue>(&interrupts_)) {}
  ~EventWait() { queue_->Detach(); }
  client::WatchCallback Callback() { return EventQueue::Into(queue_); }
  // Makes Next look again, from any thread.
  Interrupts& interrupts() { return interrupts_; }
  // The next event; nullopt after Ctrl-C, or when `stop` says so after a Wake.
  template <typename Stop>
  std::optional<client::WatchEvent> Next(Stop stop) {
    for (;;) {
      if (auto event = queue_->Pop()) return event;
      if (interrupts_.interrupted() || stop()) return std::nullopt;
      (void)interrupts_.Wait();
    }
  }
  std::optional<client::WatchEvent> Next() {
    return Next([] { return false; });
  }

 private:
  Interrupts interrupts_;
  std::shared_ptr<EventQueue> queue_;
};

}  // namespace synod::cli

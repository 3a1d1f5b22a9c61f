#include "coordinator/transport/loop.h"

#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <memory>
#include <utility>

namespace synod::transport {

// No concurrency hint, though one thread runs it: with a hint of 1 asio keeps what a handler posts in a queue of the
// thread's own until that handler ends, and what another thread posts meanwhile overtakes it. An Executor runs tasks in
// order of posting; an object's last task is often posted by another thread than those that still name it.
Loop::Loop() : work_(context_.get_executor()) {}

Loop::~Loop() = default;

void Loop::Post(Task task) {
  asio::post(context_, [task = std::move(task)]() mutable { task(); });
}

void Loop::PostAfter(absl::Duration delay, Task task) {
  auto timer = std::make_unique<asio::steady_timer>(context_);
  asio::steady_timer* raw = timer.get();
  raw->expires_after(absl::ToChronoNanoseconds(delay));
  raw->async_wait([timer = std::move(timer), task = std::move(task)](const asio::error_code& error) mutable {
    if (!error) task();
  });
}

void Loop::AtEndOfTurn(Task function) { at_end_.push_back(std::move(function)); }

void Loop::EndTurn() {
  std::vector<Task> now = std::move(at_end_);
  at_end_.clear();
  for (Task& function : now) function();
}

void Loop::Run() {
  while (!context_.stopped()) {
    // Something registered between turns must not wait for the next event.
    size_t ran = at_end_.empty() ? context_.run_one() : context_.poll_one();
    for (size_t i = ran; ran > 0 && i < kTurnHandlers && context_.poll_one() > 0; ++i) {
    }
    if (!context_.stopped()) EndTurn();
  }
}

bool Loop::RunOneTurn(absl::Duration wait) {
  size_t ran = at_end_.empty() ? context_.run_one_for(absl::ToChronoNanoseconds(wait)) : context_.poll_one();
  for (size_t i = ran; ran > 0 && i < kTurnHandlers && context_.poll_one() > 0; ++i) {
  }
  bool ends = !at_end_.empty();
  EndTurn();
  return ran > 0 || ends;
}

void Loop::Stop() { context_.stop(); }

}  // namespace synod::transport

// The loop of a server: an Executor around an asio io_context, and the end of a turn.
#pragma once

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <cstddef>
#include <vector>

#include "coordinator/base/executor.h"

namespace synod::transport {

// Owned by the server; everything that runs on it must be gone, or hold itself weakly, before it is destroyed.
//
// A turn runs the handlers that are ready, at most kTurnHandlers of them, then the end-of-turn functions: there sockets
// are flushed, so that all that one turn queued to a connection leaves in one write.
class Loop : public Executor {
 public:
  static constexpr size_t kTurnHandlers = 64;

  Loop();
  ~Loop() override;
  Loop(const Loop&) = delete;

  // Any thread.
  void Post(Task task) override;
  // On the loop, or before Run.
  void PostAfter(absl::Duration delay, Task task) override;

  // Runs `function` once, when the handlers of the present turn have run (of the next one, if called between turns).
  // What it posts runs in the next turn; what it registers here as well. On the loop, or before Run.
  void AtEndOfTurn(Task function);

  // Runs turns on the calling thread, which becomes the loop thread, until Stop.
  void Run();
  // Runs one turn, waiting for something to do at most `wait`. Returns whether anything ran. For tests.
  bool RunOneTurn(absl::Duration wait);
  // Any thread. Run returns after the handler in progress; nothing runs after that.
  void Stop();

  asio::io_context& context() { return context_; }

 private:
  void EndTurn();

  asio::io_context context_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::vector<Task> at_end_;
};

}  // namespace synod::transport

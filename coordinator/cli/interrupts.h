// Waiting for Ctrl-C, or for something to happen on another thread.
#pragma once

#include <atomic>

#include "absl/time/time.h"

namespace synod::cli {

// While one exists, SIGINT and SIGTERM do not end the process: they end the Wait of each one. Up to kMost at a time
// (a program needs one; tests run several command lines at once).
class Interrupts {
 public:
  static constexpr int kMost = 16;
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;
  // Any thread: makes a Wait return.
  void Wake();
  // Sleeps until Wake or a signal. Returns false once a signal came.
  bool Wait();
  // The same, but no longer than `timeout`, and only until `fd` (if not -1) is readable or closed at its other end. Any
  // of these is a reason to return; look what it was.
  bool WaitFor(absl::Duration timeout, int fd = -1);
  bool interrupted() const { return caught_ != 0; }
  // The signal, 0 if none came.
  int signal() const { return caught_; }
  // The signal, 0 if none came, and waits for the next.
  int Take() { return caught_.exchange(0); }

 private:
  static void OnSignal(int number);

  int pipe_ends_[2] = {-1, -1};
  std::atomic<int> caught_ = 0;
};

}  // namespace synod::cli

// Waiting for Ctrl-C, or for something to happen on another thread.
#pragma once

namespace synod::cli {

// While one exists, SIGINT and SIGTERM do not end the process: they end Wait. One at a time per process.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  // Any thread: makes a Wait return.
  void Wake();
  // Sleeps until Wake or a signal. Returns false once a signal came.
  bool Wait();
  bool interrupted() const;
  // The signal, 0 if none came.
  int signal() const;
};

}  // namespace synod::cli

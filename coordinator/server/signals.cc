#include "coordinator/server/signals.h"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <thread>
#include <utility>

namespace synod::server {
namespace {

// Below the 10 s after which init systems and scripts/cluster.sh kill.
constexpr std::chrono::seconds kLeaveWithin{8};

// The next of `signals`, or 0 after `wait`. A process that was stopped and continued sees EINTR: it waits on.
int NextSignal(const sigset_t& signals, std::chrono::nanoseconds wait) {
  const auto deadline = std::chrono::steady_clock::now() + wait;
  while (true) {
    const std::chrono::nanoseconds left = deadline - std::chrono::steady_clock::now();
    if (left.count() <= 0) return 0;
    const timespec limit{left.count() / 1'000'000'000, left.count() % 1'000'000'000};
    if (int which = sigtimedwait(&signals, nullptr, &limit); which > 0) return which;
  }
}

}  // namespace

void HandleSignals(std::function<void()> leave) {
  signal(SIGPIPE, SIG_IGN);
  sigset_t stops;
  sigemptyset(&stops);
  sigaddset(&stops, SIGTERM);
  sigaddset(&stops, SIGINT);
  pthread_sigmask(SIG_BLOCK, &stops, nullptr);
  // A thread and not the loop: the second signal must work when the loop hangs. It does not use the log, which may be
  // gone at the end.
  std::thread([stops, leave = std::move(leave)] {
    int which = 0;
    while (sigwait(&stops, &which) != 0) {
    }
    leave();
    std::fputs(NextSignal(stops, kLeaveWithin) > 0 ? "synod-coordinator: a second signal: ended at once\n"
                                                   : "synod-coordinator: leaving took too long: ended at once\n",
               stderr);
    _exit(1);
  }).detach();
}

}  // namespace synod::server

#include "coordinator/server/signals.h"

#include <signal.h>
#include <unistd.h>

#include <thread>
#include <utility>

#include "coordinator/base/log.h"

namespace synod::server {
namespace {

// Below the 10 s after which init systems and scripts/cluster.sh kill.
constexpr timespec kLeaveWithin{8, 0};

}  // namespace

void HandleSignals(std::function<void()> leave) {
  signal(SIGPIPE, SIG_IGN);
  sigset_t stops;
  sigemptyset(&stops);
  sigaddset(&stops, SIGTERM);
  sigaddset(&stops, SIGINT);
  pthread_sigmask(SIG_BLOCK, &stops, nullptr);
  // A thread and not the loop: the second signal must work when the loop hangs.
  std::thread([stops, leave = std::move(leave)] {
    int which = 0;
    while (sigwait(&stops, &which) != 0) {
    }
    SLOG_INFO("{}: leaving", which == SIGTERM ? "SIGTERM" : "SIGINT");
    leave();
    if (sigtimedwait(&stops, nullptr, &kLeaveWithin) > 0) {
      SLOG_WARN("a second signal: ending at once");
    } else {
      SLOG_WARN("leaving takes too long: ending at once");
    }
    _exit(1);
  }).detach();
}

}  // namespace synod::server

#include "coordinator/cli/interrupts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>

#include "coordinator/base/check.h"

namespace synod::cli {
namespace {

// A signal handler can reach globals only.
std::atomic<Interrupts*> all[Interrupts::kMost];
std::mutex counting;  // guards what follows; not taken by the handler
int count = 0;
struct sigaction old_int, old_term;

}  // namespace

void Interrupts::OnSignal(int number) {
  for (auto& slot : all) {
    Interrupts* const one = slot.load();
    if (one == nullptr) continue;
    one->caught_ = number;
    one->Wake();
  }
}

Interrupts::Interrupts() {
  SYNOD_CHECK_EQ(pipe2(pipe_ends_, O_CLOEXEC), 0);
  SYNOD_CHECK_EQ(fcntl(pipe_ends_[1], F_SETFL, O_NONBLOCK), 0);
  std::lock_guard lock(counting);
  SYNOD_CHECK_LT(count, kMost);
  auto* const slot = std::find_if(std::begin(all), std::end(all), [](const auto& s) { return s.load() == nullptr; });
  slot->store(this);
  if (count++ > 0) return;
  struct sigaction action = {};
  action.sa_handler = &Interrupts::OnSignal;
  sigaction(SIGINT, &action, &old_int);
  sigaction(SIGTERM, &action, &old_term);
}

Interrupts::~Interrupts() {
  {
    std::lock_guard lock(counting);
    if (--count == 0) {
      sigaction(SIGINT, &old_int, nullptr);
      sigaction(SIGTERM, &old_term, nullptr);
    }
    std::find_if(std::begin(all), std::end(all), [this](const auto& s) { return s.load() == this; })->store(nullptr);
  }
  close(pipe_ends_[0]);
  close(pipe_ends_[1]);
}

void Interrupts::Wake() {
  // A full pipe wakes the reader as well as one byte more would.
  const int saved = errno;
  [[maybe_unused]] const ssize_t n = write(pipe_ends_[1], "", 1);
  errno = saved;
}

bool Interrupts::Wait() {
  char bytes[64];
  while (caught_ == 0 && read(pipe_ends_[0], bytes, sizeof bytes) < 0 && errno == EINTR) {
  }
  return caught_ == 0;
}

bool Interrupts::WaitFor(absl::Duration timeout, int fd) {
  pollfd waited[] = {{pipe_ends_[0], POLLIN, 0}, {fd, POLLIN, 0}};
  const int64_t ms = std::clamp<int64_t>(absl::ToInt64Milliseconds(timeout + absl::Microseconds(999)), 0, 3'600'000);
  if (caught_ == 0 && poll(waited, fd < 0 ? 1 : 2, static_cast<int>(ms)) > 0 && waited[0].revents != 0) {
    char bytes[64];
    (void)!read(pipe_ends_[0], bytes, sizeof bytes);
  }
  return caught_ == 0;
}

}  // namespace synod::cli

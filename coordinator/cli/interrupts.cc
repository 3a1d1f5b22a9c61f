#include "coordinator/cli/interrupts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>

#include "coordinator/base/check.h"

namespace synod::cli {
namespace {

// A signal handler can reach globals only.
std::atomic<int> caught = 0;
int pipe_ends[2] = {-1, -1};
struct sigaction old_int, old_term;

void WriteByte() {
  // A full pipe wakes the reader as well as one byte more would.
  const int saved = errno;
  [[maybe_unused]] const ssize_t n = write(pipe_ends[1], "", 1);
  errno = saved;
}

void OnSignal(int number) {
  caught = number;
  WriteByte();
}

}  // namespace

Interrupts::Interrupts() {
  SYNOD_CHECK_EQ(pipe_ends[0], -1) << "two at a time";
  SYNOD_CHECK_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
  SYNOD_CHECK_EQ(fcntl(pipe_ends[1], F_SETFL, O_NONBLOCK), 0);
  caught = 0;
  struct sigaction action = {};
  action.sa_handler = &OnSignal;
  sigaction(SIGINT, &action, &old_int);
  sigaction(SIGTERM, &action, &old_term);
}

Interrupts::~Interrupts() {
  sigaction(SIGINT, &old_int, nullptr);
  sigaction(SIGTERM, &old_term, nullptr);
  close(pipe_ends[0]);
  close(pipe_ends[1]);
  pipe_ends[0] = pipe_ends[1] = -1;
}

void Interrupts::Wake() { WriteByte(); }

bool Interrupts::Wait() {
  char bytes[64];
  while (caught == 0 && read(pipe_ends[0], bytes, sizeof bytes) < 0 && errno == EINTR) {
  }
  return caught == 0;
}

bool Interrupts::interrupted() const { return caught != 0; }
int Interrupts::signal() const { return caught; }

}  // namespace synod::cli

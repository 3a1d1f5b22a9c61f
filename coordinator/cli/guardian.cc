#include "coordinator/cli/guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "coordinator/cli/guardian_process.h"

extern char** environ;

namespace synod::cli {
namespace {

void Send(int fd, const GuardMessage& message) {
  // A guardian that has ended is found out by Wait.
  while (send(fd, &message, sizeof message, MSG_NOSIGNAL) < 0 && errno == EINTR) {
  }
}

// Ours, with the additions in the place of what has their names.
std::vector<std::string> Environment(const std::vector<std::pair<std::string, std::string>>& added) {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    bool replaced = false;
    for (const auto& [name, value] : added)
      replaced = replaced || strncmp(*entry, (name + "=").c_str(), name.size() + 1) == 0;
    if (!replaced) out.push_back(*entry);
  }
  for (const auto& [name, value] : added) out.push_back(name + "=" + value);
  return out;
}

// As execve wants them; they point into `words`.
std::vector<char*> Pointers(const std::vector<std::string>& words) {
  std::vector<char*> out;
  for (const std::string& word : words) out.push_back(const_cast<char*>(word.c_str()));
  out.push_back(nullptr);
  return out;
}

}  // namespace

absl::StatusOr<std::unique_ptr<GuardedCommand>> GuardedCommand::Start(const GuardOptions& options,
                                                                      absl::Duration until) {
  int control[2], report[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) != 0) return absl::InternalError(strerror(errno));
  if (pipe2(report, O_CLOEXEC) != 0) {
    const int why = errno;
    close(control[0]);
    close(control[1]);
    return absl::InternalError(strerror(why));
  }
  // All memory is taken before the fork: behind it only system calls are allowed, as other threads of ours may hold the
  // allocator's locks.
  const std::vector<std::string> environment = Environment(options.environment);
  std::vector<char*> argv = Pointers(options.command);
  std::vector<char*> envp = Pointers(environment);
  const bool terminal = tcgetpgrp(STDIN_FILENO) == getpgrp();
  GuardPlan plan;
  plan.argv = argv.data();
  plan.envp = envp.data();
  plan.grace_ns = absl::ToInt64Nanoseconds(options.grace);
  plan.until_ns = absl::ToInt64Nanoseconds(until);
  plan.control = control[1];
  plan.report = report[1];
  plan.terminal = terminal;
  const pid_t guardian = _Fork();
  if (guardian == 0) RunGuardian(plan);
  const int why = errno;
  close(control[1]);
  close(report[1]);
  if (guardian > 0)
    return std::unique_ptr<GuardedCommand>(new GuardedCommand(guardian, control[0], report[0], terminal));
  close(control[0]);
  close(report[0]);
  return absl::InternalError(strerror(why));
}

GuardedCommand::~GuardedCommand() {
  close(control_);  // the guardian's sign to kill
  control_ = -1;
  if (!waited_) (void)Wait();
  close(report_);
}

void GuardedCommand::HoldUntil(absl::Duration until) {
  Send(control_, {GuardMessage::Kind::kHoldUntil, absl::ToInt64Nanoseconds(until)});
}
void GuardedCommand::Revoke() { Send(control_, {GuardMessage::Kind::kRevoke, 0}); }
void GuardedCommand::Signal(int number) { Send(control_, {GuardMessage::Kind::kSignal, number}); }

bool GuardedCommand::ReadReport(GuardReport* out) {
  GuardResult result;
  for (;;) {
    const ssize_t n = read(report_, &result, sizeof result);
    if (n < 0 && errno == EINTR) continue;
    if (n != static_cast<ssize_t>(sizeof result)) return false;
    break;
  }
  out->exit_code = WIFEXITED(result.status) ? WEXITSTATUS(result.status) : 128 + WTERMSIG(result.status);
  out->revoked = result.revoked;
  return true;
}

GuardReport GuardedCommand::Wait() {
  GuardReport out;
  // Without a report the guardian itself was killed; the kernel then killed the command (and only it) with it.
  if (!ReadReport(&out)) out = {128 + SIGKILL, true};
  waited_ = true;
  int status = 0;
  while (waitpid(guardian_, &status, 0) < 0 && errno == EINTR) {
  }
  TakeTerminalBack();
  return out;
}

void GuardedCommand::TakeTerminalBack() const {
  if (!terminal_) return;
  // The terminal stops who writes to it from the background, and that is what we are until this call is done.
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTTOU);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  tcsetpgrp(STDIN_FILENO, getpgrp());
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace synod::cli

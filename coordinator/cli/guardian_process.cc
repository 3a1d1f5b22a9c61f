#include "coordinator/cli/guardian_process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

namespace synod::cli {
namespace {

int64_t NowNs() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);  // as client::MonotonicNow
  return static_cast<int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

void WriteText(const char* text) { (void)!write(STDERR_FILENO, text, strlen(text)); }

// The command's own process, up to its exec.
[[noreturn]] void BecomeCommand(const GuardPlan& plan, pid_t guardian) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != guardian) _exit(127);
  setpgid(0, 0);
  // While SIGTTOU is blocked, as the guardian has it, taking the terminal stops nobody.
  if (plan.terminal) tcsetpgrp(STDIN_FILENO, getpid());
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execvpe(plan.argv[0], plan.argv, plan.envp);
  const int why = errno;
  WriteText("synod: ");
  WriteText(plan.argv[0]);
  WriteText(why == ENOENT ? ": no such command\n" : why == EACCES ? ": may not be run\n" : ": cannot be run\n");
  _exit(why == ENOENT ? 127 : 126);
}

// SIGKILL for each of our children, by the kernel's list of them: also those that left the group.
void KillChildren() {
  const int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;  // a kernel without the list: the group was killed
  char bytes[4096];
  pid_t pid = 0;
  for (ssize_t n; (n = read(fd, bytes, sizeof bytes)) > 0;) {
    for (ssize_t i = 0; i < n; ++i) {
      if (bytes[i] >= '0' && bytes[i] <= '9') {
        pid = pid * 10 + (bytes[i] - '0');
        continue;
      }
      if (pid > 0) kill(pid, SIGKILL);
      pid = 0;
    }
  }
  close(fd);
}

class Guard {
 public:
  explicit Guard(const GuardPlan& plan) : plan_(plan), until_ns_(plan.until_ns) {}
  [[noreturn]] void Run();

 private:
  void Prepare();
  void OnControl();
  void OnChild();
  void Terminate();
  void KillAll();
  // Until the next thing to do by the clock, in ms, rounded down: better early than late.
  int WaitMs() const;

  const GuardPlan plan_;
  int64_t until_ns_;
  pid_t command_ = 0;
  int signals_ = -1;
  int status_ = 0;
  bool ended_ = false;       // the command itself
  bool terminated_ = false;  // SIGTERM was sent
  bool revoked_ = false;
};

// Nothing of the program that we are a copy of may live on in us: a socket kept open here would hide from the servers
// that their client has died.
void Guard::Prepare() {
  setpgid(0, 0);  // out of reach of what is aimed at synod's group
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  // Blocked, not ignored: the command inherits the mask up to its exec, so that a signal that comes before is not lost.
  signal(SIGCHLD, SIG_DFL);
  sigset_t every;
  sigfillset(&every);
  sigprocmask(SIG_SETMASK, &every, nullptr);
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  signals_ = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
  int kept[] = {plan_.control, plan_.report, signals_};
  std::sort(std::begin(kept), std::end(kept));
  unsigned from = STDERR_FILENO + 1;
  for (int fd : kept) {
    if (static_cast<unsigned>(fd) > from) close_range(from, static_cast<unsigned>(fd) - 1, 0);
    from = static_cast<unsigned>(fd) + 1;
  }
  close_range(from, ~0u, 0);
}

void Guard::Run() {
  Prepare();
  const pid_t self = getpid();
  command_ = _Fork();
  if (command_ == 0) BecomeCommand(plan_, self);
  if (command_ < 0) {
    status_ = 126 << 8;
    ended_ = true;
  } else {
    setpgid(command_, command_);  // here too: whichever of the two comes first
  }
  while (!ended_) {
    const int64_t now = NowNs();
    if (now >= until_ns_) {
      revoked_ = true;
      break;
    }
    if (!terminated_ && now >= until_ns_ - plan_.grace_ns) {
      revoked_ = true;
      Terminate();
    }
    pollfd fds[] = {{signals_, POLLIN, 0}, {plan_.control, POLLIN, 0}};
    if (poll(fds, 2, WaitMs()) < 0) continue;
    if (fds[0].revents != 0) OnChild();
    if (fds[1].revents != 0) OnControl();
  }
  KillAll();
  const GuardResult result = {status_, revoked_};
  (void)!write(plan_.report, &result, sizeof result);
  _exit(0);
}

int Guard::WaitMs() const {
  const int64_t next = terminated_ ? until_ns_ : until_ns_ - plan_.grace_ns;
  const int64_t wait_ns = next - NowNs();
  // The last part of a millisecond is waited for in a few turns.
  return wait_ns <= 0 ? 0 : static_cast<int>(std::min<int64_t>(wait_ns / 1'000'000, 3'600'000));
}

void Guard::Terminate() {
  terminated_ = true;
  kill(-command_, SIGTERM);
  kill(-command_, SIGCONT);  // a stopped process cannot heed it
}

void Guard::OnControl() {
  GuardMessage message;
  const ssize_t n = recv(plan_.control, &message, sizeof message, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n != static_cast<ssize_t>(sizeof message)) {
    // synod has ended: nobody renews what the command needs, and the servers give it away as soon as they notice.
    until_ns_ = 0;
    return;
  }
  switch (message.kind) {
    case GuardMessage::Kind::kHoldUntil:
      // After SIGTERM the end is settled; it may only come sooner.
      until_ns_ = terminated_ ? std::min(until_ns_, message.value) : message.value;
      break;
    case GuardMessage::Kind::kRevoke:
      if (!terminated_) Terminate();
      until_ns_ = std::min(until_ns_, NowNs() + plan_.grace_ns);
      break;
    case GuardMessage::Kind::kSignal:
      kill(-command_, static_cast<int>(message.value));
      break;
  }
}

void Guard::OnChild() {
  signalfd_siginfo info;
  while (read(signals_, &info, sizeof info) > 0) {
  }
  siginfo_t child = {};
  if (plan_.terminal && waitid(P_PID, static_cast<id_t>(command_), &child, WSTOPPED | WNOHANG) == 0 &&
      child.si_pid == command_ && child.si_status == SIGTSTP)
    kill(-command_, SIGCONT);
  // The command is not reaped before KillAll: until then the number of its group is nobody else's.
  for (;;) {
    child = {};
    if (waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT) != 0 || child.si_pid == 0) return;
    if (child.si_pid == command_) {
      ended_ = true;
      return;
    }
    int status = 0;
    (void)waitpid(child.si_pid, &status, 0);
  }
}

void Guard::KillAll() {
  if (command_ > 0) kill(-command_, SIGKILL);
  // The death of a parent makes its children ours: so again, until none is left.
  for (;;) {
    KillChildren();
    int status = 0;
    const pid_t pid = waitpid(-1, &status, 0);
    if (pid < 0 && errno != EINTR) return;
    if (pid > 0 && pid == command_) status_ = status;
  }
}

}  // namespace

void RunGuardian(const GuardPlan& plan) {
  Guard guard(plan);
  guard.Run();
}

}  // namespace synod::cli

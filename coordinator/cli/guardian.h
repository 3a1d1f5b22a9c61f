// A command that must not outlive what allows it to run: a lock, a role.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace synod::cli {

struct GuardOptions {
  std::vector<std::string> command;                              // not empty; found by PATH
  std::vector<std::pair<std::string, std::string>> environment;  // added to ours
  absl::Duration grace;                                          // between SIGTERM and SIGKILL
};

// How it ended.
struct GuardReport {
  int exit_code = 0;     // of the command: its own, or 128 + the signal that ended it
  bool revoked = false;  // its time was over: it got SIGTERM, maybe SIGKILL, from us
};

// Runs a command in a process group of its own, below a small process, the guardian, that needs nobody to do its duty:
// it holds a deadline and kills by its own clock, so that a synod that is stopped, stuck or killed changes nothing.
//
// SIGTERM goes to the group `grace` before the deadline and SIGKILL at the deadline; what follows the command's end is
// killed too: whatever it left behind, also what went into sessions or groups of its own (the guardian adopts orphans).
// So when the guardian reports, nothing of the command runs any more. It kills at once when this process ends.
// What it cannot do: kill what changed to another user, and a machine that stands still as a whole stands still with it
// (the clock counts that time, and it kills before anything else when the machine goes on).
//
// One thread. If standard input is our terminal, the command gets it, with Ctrl-C, until it ends; Ctrl-Z is undone: a
// stopped command would hold what it holds for nothing.
class GuardedCommand {
 public:
  // `until`: the deadline, by client::MonotonicNow. Internal: no process could be made.
  static absl::StatusOr<std::unique_ptr<GuardedCommand>> Start(const GuardOptions& options, absl::Duration until);
  // Kills what still runs.
  ~GuardedCommand();
  GuardedCommand(const GuardedCommand&) = delete;
  GuardedCommand& operator=(const GuardedCommand&) = delete;

  // Moves the deadline. Once SIGTERM was sent it does not move back any more.
  void HoldUntil(absl::Duration until);
  // SIGTERM now, SIGKILL after the grace or at the deadline.
  void Revoke();
  // Passes a signal on to the group.
  void Signal(int number);
  // Readable once Wait will not block.
  int fd() const { return report_; }
  // Until all of it has ended. Once.
  GuardReport Wait();

 private:
  GuardedCommand(pid_t guardian, int control, int report, bool terminal)
      : guardian_(guardian), control_(control), report_(report), terminal_(terminal) {}
  bool ReadReport(GuardReport* out);
  void TakeTerminalBack() const;

  pid_t guardian_;
  int control_;
  int report_;
  const bool terminal_;
  bool waited_ = false;
};

}  // namespace synod::cli

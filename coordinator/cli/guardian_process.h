// What runs in the guardian's process, between a fork of a program with threads and its end: system calls only, no
// memory, no locks. See guardian.h.
#pragma once

#include <cstdint>

namespace synod::cli {

// All pointers are into the memory of before the fork. Times: nanoseconds of CLOCK_BOOTTIME.
struct GuardPlan {
  char** argv = nullptr;
  char** envp = nullptr;
  int64_t grace_ns = 0;
  int64_t until_ns = 0;
  int control = -1;  // a SOCK_SEQPACKET socket of GuardMessages; its end is the order to kill
  int report = -1;   // gets one GuardResult
  bool terminal = false;
};

struct GuardMessage {
  enum class Kind : int64_t { kHoldUntil, kRevoke, kSignal };
  Kind kind = Kind::kHoldUntil;
  int64_t value = 0;
};

struct GuardResult {
  int status = 0;  // of the command, as waitpid gives it
  bool revoked = false;
};

[[noreturn]] void RunGuardian(const GuardPlan& plan);

}  // namespace synod::cli

// What the process knows of itself, and the end of it.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace synod::server {

inline constexpr char kVersion[] = "0.1.0";

struct ProcessUse {
  uint64_t cpu_us = 0;  // user and system time
  uint64_t resident_bytes = 0;
  uint64_t open_files = 0;
  uint64_t max_files = 0;
};

// Any thread. 0 where the kernel does not tell.
ProcessUse ReadProcessUse();
// Without the files, whose count takes as long as there are files.
ProcessUse ReadProcessTimes();
// Gives memory that was freed, but lies between what is in use, back to the kernel, if it is much. What a burst of load
// leaves behind otherwise stays with the process for good. Any thread but the loop's: it may take milliseconds.
void ReturnFreedMemory();
// The limit of open files goes up to what the process may have. A connection is a file: the usual 1,024 are few.
void RaiseFileLimit();
// Something durable failed or the state diverged (D12, D13): says so and ends the process with code 1, within half a
// second. Nothing is closed in order: a state that is not known to be right must not be written or told to anybody.
[[noreturn]] void EndProcess(const absl::Status& why);

}  // namespace synod::server

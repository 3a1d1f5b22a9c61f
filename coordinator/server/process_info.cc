#include "coordinator/server/process_info.h"

#include <dirent.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

#include "coordinator/base/log_queue.h"

namespace synod::server {
namespace {

constexpr std::chrono::milliseconds kLogMayTake{400};
constexpr size_t kMuchFreed = 8 << 20;
constexpr std::chrono::milliseconds kLook{5};
constexpr std::chrono::milliseconds kLastLine{20};  // taken from the queue, being written

uint64_t Micros(const timeval& t) {
  return static_cast<uint64_t>(t.tv_sec) * 1000000 + static_cast<uint64_t>(t.tv_usec);
}

uint64_t ResidentBytes() {
  unsigned long pages = 0;
  if (FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%*u %lu", &pages) != 1) pages = 0;
    std::fclose(file);
  }
  return pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

uint64_t OpenFiles() {
  uint64_t count = 0;
  if (DIR* directory = opendir("/proc/self/fd")) {
    while (readdir(directory) != nullptr) ++count;
    closedir(directory);
  }
  return count > 3 ? count - 3 : 0;  // ".", ".." and the directory itself
}

}  // namespace

ProcessUse ReadProcessTimes() {
  ProcessUse use;
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) == 0) use.cpu_us = Micros(usage.ru_utime) + Micros(usage.ru_stime);
  use.resident_bytes = ResidentBytes();
  return use;
}

ProcessUse ReadProcessUse() {
  ProcessUse use = ReadProcessTimes();
  use.open_files = OpenFiles();
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) use.max_files = limit.rlim_cur;
  return use;
}

void ReturnFreedMemory() {
  if (mallinfo2().fordblks > kMuchFreed) malloc_trim(0);
}

void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void EndProcess(const absl::Status& why) {
  std::fprintf(stderr, "synod-coordinator: ended: %s\n", why.ToString().c_str());
  // The log writes on a thread of its own, which may hang on the very disk that failed: it gets a moment and no more.
  // Other threads still use the log, so it is not shut down.
  const auto deadline = std::chrono::steady_clock::now() + kLogMayTake;
  while (QueuedLogLines() > 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(kLook);
  }
  std::this_thread::sleep_for(kLastLine);
  _exit(1);
}

}  // namespace synod::server

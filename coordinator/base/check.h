// CHECK: an invariant that is always on. A broken invariant is a programmer's error and ends the process with a
// message; it is never used for bad input, a failed disk or a lost peer (those are absl::Status or a domain outcome).
#pragma once

#include <sstream>
#include <string>

namespace synod::internal {

// Prints "file:line: CHECK failed: condition message" to standard error and aborts.
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition, const std::string& message);

// Collects the text streamed behind a CHECK and aborts when the full expression ends.
class CheckMessage {
 public:
  CheckMessage(const char* file, int line, const char* condition) : file_(file), line_(line), condition_(condition) {}
  [[noreturn]] ~CheckMessage() { CheckFailed(file_, line_, condition_, stream_.str()); }
  std::ostream& stream() { return stream_; }

 private:
  const char* file_;
  int line_;
  const char* condition_;
  std::ostringstream stream_;
};

struct Voidify {
  void operator&(std::ostream&) {}
};

}  // namespace synod::internal

#define SYNOD_CHECK(condition)         \
  (__builtin_expect(!!(condition), 1)) \
      ? (void)0                        \
      : ::synod::internal::Voidify() & ::synod::internal::CheckMessage(__FILE__, __LINE__, #condition).stream()
#define SYNOD_CHECK_EQ(a, b) SYNOD_CHECK((a) == (b)) << " (" << (a) << " vs " << (b) << ") "
#define SYNOD_CHECK_LE(a, b) SYNOD_CHECK((a) <= (b)) << " (" << (a) << " vs " << (b) << ") "
#define SYNOD_CHECK_LT(a, b) SYNOD_CHECK((a) < (b)) << " (" << (a) << " vs " << (b) << ") "
#define SYNOD_CHECK_GE(a, b) SYNOD_CHECK((a) >= (b)) << " (" << (a) << " vs " << (b) << ") "
#define SYNOD_CHECK_GT(a, b) SYNOD_CHECK((a) > (b)) << " (" << (a) << " vs " << (b) << ") "

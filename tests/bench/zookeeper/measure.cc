#include "tests/bench/zookeeper/measure.h"

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace synod::bench {

void Fail(const std::string& why) {
  std::fflush(stdout);
  std::fprintf(stderr, "zookeeper_load: %s\n", why.c_str());
  // Not exit(): sessions are in use further up the stack.
  std::_Exit(1);
}

int64_t NowNanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kNanosecondsPerSecond + now.tv_nsec;
}

double Milliseconds(int64_t nanoseconds) {
  return static_cast<double>(nanoseconds) / static_cast<double>(kNanosecondsPerMillisecond);
}

double CpuSeconds(const std::vector<pid_t>& processes) {
  static const double kTick = 1.0 / static_cast<double>(sysconf(_SC_CLK_TCK));
  double seconds = 0;
  for (const pid_t process : processes) {
    std::ifstream file(absl::StrCat("/proc/", process, "/stat"));
    std::string line;
    std::getline(file, line);
    // The name, in parentheses, may hold anything; the state is the first field behind it, utime the 12th, stime the
    // 13th.
    const size_t behind_name = line.rfind(')');
    if (behind_name == std::string::npos) Fail(absl::StrCat("server process ", process, " is gone"));
    std::istringstream fields(line.substr(behind_name + 1));
    std::string skipped;
    for (int i = 0; i < 11; ++i) fields >> skipped;
    double user = 0, system = 0;
    fields >> user >> system;
    seconds += (user + system) * kTick;
  }
  return seconds;
}

double OwnCpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double Latencies::Microseconds(double fraction) {
  if (microseconds_.empty()) return 0;
  const auto rank = static_cast<size_t>(std::ceil(fraction * static_cast<double>(microseconds_.size())));
  const auto at = microseconds_.begin() + static_cast<ptrdiff_t>(rank == 0 ? 0 : rank - 1);
  std::nth_element(microseconds_.begin(), at, microseconds_.end());
  return *at;
}

void Latencies::Append(const Latencies& other) {
  microseconds_.insert(microseconds_.end(), other.microseconds_.begin(), other.microseconds_.end());
}

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

void JsonLine::Name(std::string_view name) {
  if (text_.size() > 1) text_.append(", ");
  text_.append("\"").append(name).append("\": ");
}
JsonLine& JsonLine::Add(std::string_view name, double value) {
  Name(name);
  absl::StrAppendFormat(&text_, "%.10g", value);
  return *this;
}
JsonLine& JsonLine::Add(std::string_view name, std::string_view value) {
  Name(name);
  text_.append("\"").append(value).append("\"");
  return *this;
}
JsonLine& JsonLine::Add(std::string_view name, const std::vector<double>& values) {
  Name(name);
  text_.append("[");
  for (size_t i = 0; i < values.size(); ++i) absl::StrAppendFormat(&text_, "%s%.10g", i == 0 ? "" : ", ", values[i]);
  text_.append("]");
  return *this;
}
void JsonLine::Print() const {
  std::printf("%s}\n", text_.c_str());
  std::fflush(stdout);
}

}  // namespace synod::bench

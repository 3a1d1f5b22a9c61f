// Clocks, processor time and percentiles of the load generator, and its one line of output.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace synod::bench {

// A benchmark that goes on after an error would count errors as operations: says why on stderr and exits with 1.
[[noreturn]] void Fail(const std::string& why);

int64_t NowNanoseconds();  // CLOCK_MONOTONIC
inline constexpr int64_t kNanosecondsPerSecond = 1'000'000'000;
inline constexpr int64_t kNanosecondsPerMillisecond = 1'000'000;
double Milliseconds(int64_t nanoseconds);

// User and system time so far, of all threads. Fails if a process is gone: a server that died was not measured.
double CpuSeconds(const std::vector<pid_t>& processes);
double OwnCpuSeconds();

class Latencies {
 public:
  void Add(int64_t nanoseconds) { microseconds_.push_back(static_cast<float>(nanoseconds) * 1e-3f); }
  void Append(const Latencies& other);
  // `fraction` of the samples are not above it; 0 without samples.
  double Microseconds(double fraction);
  size_t count() const { return microseconds_.size(); }

 private:
  std::vector<float> microseconds_;
};

// The middle one; of an even number the mean of both. 0 of none.
double Median(std::vector<double> values);

// One JSON object on one line of stdout, fields in the order they were added.
class JsonLine {
 public:
  JsonLine& Add(std::string_view name, double value);
  JsonLine& Add(std::string_view name, std::string_view value);  // no escapes are needed in what we print
  JsonLine& Add(std::string_view name, const std::vector<double>& values);
  void Print() const;

 private:
  void Name(std::string_view name);

  std::string text_ = "{";
};

}  // namespace synod::bench

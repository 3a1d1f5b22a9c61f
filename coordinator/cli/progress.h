// How far long work has come, for a person who waits.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>

#include "absl/time/time.h"

namespace synod::cli {

// One line on the error stream, drawn over itself at most ten times a second and wiped at the end; nothing at all if
// `out` is null (Environment::ProgressStream). One thread.
class Progress {
 public:
  // `what`: "export /app". `total` 0: not known.
  Progress(std::ostream* out, std::string what, uint64_t total);
  ~Progress() { Wipe(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void Advance(uint64_t by) { Set(done_ + by); }
  void Set(uint64_t done);
  // Before other output: the line goes, and comes again with the next Set.
  void Wipe();
  // The line, for a width of 24 in the bar: "export /app  [########----------------]  33%  1,000 of 3,000, 4,211/s".
  std::string Line(double seconds) const;

 private:
  std::ostream* const out_;
  const std::string what_;
  const uint64_t total_;
  uint64_t done_ = 0;
  bool drawn_ = false;
  const absl::Duration begin_;
  absl::Duration next_;
};

// 1234567 -> "1,234,567".
std::string Grouped(uint64_t number);

}  // namespace synod::cli

#include "coordinator/cli/progress.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "coordinator/client/stream_loop.h"

namespace synod::cli {
namespace {

constexpr absl::Duration kInterval = absl::Milliseconds(100);

}  // namespace

std::string Grouped(uint64_t number) {
  std::string out = std::to_string(number);
  for (size_t at = out.size(); at > 3; at -= 3) out.insert(at - 3, ",");
  return out;
}

Progress::Progress(std::ostream* out, std::string what, uint64_t total)
    : out_(out), what_(std::move(what)), total_(total), begin_(client::MonotonicNow()), next_(begin_ + kInterval) {}

std::string Progress::Line(double seconds) const {
  std::string out = what_ + "  ";
  // The work may turn out longer than it was thought to be.
  const uint64_t total = total_ == 0 ? 0 : std::max(total_, done_);
  if (total > 0) {
    constexpr size_t kWidth = 24;
    const size_t filled = static_cast<size_t>(static_cast<double>(done_) / static_cast<double>(total) * kWidth);
    absl::StrAppendFormat(&out, "[%s%s]  %d%%  ", std::string(filled, '#'), std::string(kWidth - filled, '-'),
                          done_ * 100 / total);
  }
  absl::StrAppend(&out, Grouped(done_));
  if (total > 0) absl::StrAppend(&out, " of ", Grouped(total));
  if (seconds > 0)
    absl::StrAppend(&out, ", ", Grouped(static_cast<uint64_t>(static_cast<double>(done_) / seconds)), "/s");
  return out;
}

void Progress::Set(uint64_t done) {
  done_ = done;
  if (out_ == nullptr) return;
  const absl::Duration now = client::MonotonicNow();
  if (now < next_) return;
  next_ = now + kInterval;
  *out_ << "\r\033[K" << Line(absl::ToDoubleSeconds(now - begin_)) << std::flush;
  drawn_ = true;
}

void Progress::Wipe() {
  if (drawn_) *out_ << "\r\033[K" << std::flush;
  drawn_ = false;
}

}  // namespace synod::cli

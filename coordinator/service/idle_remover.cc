#include "coordinator/service/idle_remover.h"

#include <algorithm>
#include <string>
#include <utility>

namespace synod::service {
namespace {

constexpr absl::Duration kProposalLost = absl::Seconds(10);
constexpr size_t kProposedMax = 1000;  // at a time

}  // namespace

void IdleRemover::Update(bool leading_and_caught_up, Term term, absl::Duration now) {
  if (leading_and_caught_up == active_ && term == term_) return;
  active_ = leading_and_caught_up;
  term_ = term;
  allowed_ = 0;
  refilled_ = now;
  proposed_.clear();
}

std::vector<tree::IdleNode> IdleRemover::Due(const tree::DataTree& tree, uint64_t log_clock_us, absl::Duration now) {
  if (!active_ || options_.per_minute == 0) return {};
  const double per_second = options_.per_minute / 60.0;
  allowed_ = std::min(allowed_ + per_second * absl::ToDoubleSeconds(now - refilled_), std::max(per_second, 1.0));
  refilled_ = now;
  for (auto it = proposed_.begin(); it != proposed_.end();) {
    it = now - it->second >= kProposalLost ? proposed_.erase(it) : std::next(it);
  }
  if (allowed_ < 1 || proposed_.size() >= kProposedMax) return {};
  // The oldest due come first, so those already proposed are among the first found.
  const auto wanted = std::min(static_cast<size_t>(allowed_), kProposedMax - proposed_.size());
  const auto idle_us = static_cast<uint64_t>(absl::ToInt64Microseconds(options_.container_idle));
  std::vector<tree::IdleNode> due;
  for (tree::IdleNode& node : tree.FindIdle(log_clock_us, idle_us, proposed_.size() + wanted)) {
    if (due.size() == wanted) break;
    if (!proposed_.try_emplace(node.path, now).second) continue;
    due.push_back(std::move(node));
  }
  allowed_ -= static_cast<double>(due.size());
  return due;
}

void IdleRemover::NotProposed(std::string_view path) {
  auto it = proposed_.find(std::string(path));
  if (it != proposed_.end()) proposed_.erase(it);
}

}  // namespace synod::service

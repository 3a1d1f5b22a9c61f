// Which containers and TTL nodes the leader proposes for removal, and how fast.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/time/time.h"
#include "coordinator/base/ids.h"
#include "coordinator/tree/data_tree.h"

namespace synod::service {

// On every server, active on the leader only. Told the time; pure. It proposes each node once at a time; whether it
// goes is decided when the command is applied (RemoveIdleOp), by what the node is then.
class IdleRemover {
 public:
  struct Options {
    absl::Duration container_idle;
    uint32_t per_minute = 0;
  };
  explicit IdleRemover(const Options& options) : options_(options) {}

  // Call before every other use. Leading anew (another term): what was proposed may be lost.
  void Update(bool leading_and_caught_up, Term term, absl::Duration now);
  bool active() const { return active_; }

  // The nodes to propose now; each counts as proposed until OnApplied, or for ten seconds (a proposal may be lost).
  // `log_clock_us`: the leader's (L5).
  std::vector<tree::IdleNode> Due(const tree::DataTree& tree, uint64_t log_clock_us, absl::Duration now);
  // It could not be handed over: due again.
  void NotProposed(std::string_view path);
  // A RemoveIdleOp of this path was applied, whatever came of it.
  void OnApplied(std::string_view path) { NotProposed(path); }

 private:
  const Options options_;
  bool active_ = false;
  Term term_;
  double allowed_ = 0;  // a second's worth at most
  absl::Duration refilled_;
  absl::btree_map<std::string, absl::Duration> proposed_;  // by path: when
};

}  // namespace synod::service

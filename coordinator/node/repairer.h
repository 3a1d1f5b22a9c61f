// Fetches damaged records back from the peers, leader or no leader (D6). Pure: it says what to ask and judges what
// comes.
#pragma once

#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/consensus/core.h"
#include "coordinator/interfaces/transport.h"

namespace synod::node {

class Repairer {
 public:
  // What to ask every connected peer now, if it is time: the first damaged record.
  std::optional<interfaces::RepairRequest> Tick(absl::Duration now, const consensus::Core& core,
                                                const consensus::CoreStatus& status);
  // Whether a reply's entry is the one that is missing.
  bool Wanted(const interfaces::RepairReply& reply) const;
  // Whether the replier's snapshot covers what is missing.
  bool CoveredBySnapshot(const interfaces::RepairReply& reply) const;
  // Something was mended: ask for the next at once.
  void Mended() { next_ask_ = absl::ZeroDuration(); }
  bool active() const { return wanted_.has_value(); }
  LogIndex wanted_index() const { return wanted_ ? wanted_->index : LogIndex(0); }

 private:
  static constexpr absl::Duration kInterval = absl::Milliseconds(100);
  std::optional<interfaces::RepairRequest> wanted_;
  absl::Duration next_ask_;
};

}  // namespace synod::node

#include "coordinator/node/repairer.h"

namespace synod::node {

std::optional<interfaces::RepairRequest> Repairer::Tick(absl::Duration now, const consensus::Core& core,
                                                        const consensus::CoreStatus& status) {
  if (status.damaged.empty()) {
    wanted_.reset();
    return std::nullopt;
  }
  if (now < next_ask_) return std::nullopt;
  next_ask_ = now + kInterval;
  interfaces::RepairRequest request;
  request.index = status.damaged.front();
  request.term = core.TermAt(request.index).value_or(Term(0));
  wanted_ = request;
  return request;
}

bool Repairer::Wanted(const interfaces::RepairReply& reply) const {
  // Without a known term (nothing good beside it says which) a record cannot be told from one of a lost branch: only a
  // snapshot helps.
  return wanted_ && reply.found && wanted_->term.value() != 0 && reply.entry.index == wanted_->index &&
         reply.entry.term == wanted_->term;
}

bool Repairer::CoveredBySnapshot(const interfaces::RepairReply& reply) const {
  return wanted_ && !reply.found && reply.snapshot_index >= wanted_->index;
}

}  // namespace synod::node

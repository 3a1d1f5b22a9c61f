#include "coordinator/consensus/quorum.h"

#include <algorithm>
#include <functional>

namespace synod::consensus {

LogIndex MajorityIndex(std::vector<LogIndex> matches) {
  if (matches.empty()) return LogIndex(0);
  auto nth = matches.begin() + static_cast<ptrdiff_t>(Majority(matches.size()) - 1);
  std::nth_element(matches.begin(), nth, matches.end(), std::greater<>());
  return *nth;
}

VoteOutcome CountVotes(size_t voters, size_t granted, size_t refused) {
  if (granted >= Majority(voters)) return VoteOutcome::kWon;
  // Those who have not answered cannot make up a majority any more.
  if (voters - std::min(voters, refused) < Majority(voters)) return VoteOutcome::kLost;
  return VoteOutcome::kPending;
}

}  // namespace synod::consensus

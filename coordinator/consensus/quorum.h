// The arithmetic of majorities. Pure functions, tested by tables and properties.
#pragma once

#include <cstddef>
#include <vector>

#include "coordinator/base/ids.h"

namespace synod::consensus {

// The smallest number that is more than half of `voters`. Of no voters at all nobody is a majority: returns 1.
constexpr size_t Majority(size_t voters) { return voters / 2 + 1; }

// The greatest index that a majority of the voters has, given each voter's (thesis 3.5, 3.6.2). 0 without voters.
LogIndex MajorityIndex(std::vector<LogIndex> matches);

enum class VoteOutcome { kPending, kWon, kLost };

// Of `voters`, so many said yes and so many no.
VoteOutcome CountVotes(size_t voters, size_t granted, size_t refused);

}  // namespace synod::consensus

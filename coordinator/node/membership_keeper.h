// What a leader does about guests (D10): an empty storage that has caught up takes the place of the old one, in two
// changes of membership; an observer, or a seed that has no place yet, is added. Pure.
#pragma once

#include <optional>
#include <vector>

#include "coordinator/consensus/core.h"
#include "coordinator/node/formation.h"

namespace synod::node {

class MembershipKeeper {
 public:
  explicit MembershipKeeper(std::vector<Seed> seeds) : seeds_(std::move(seeds)) {}

  // The next change to propose, if any. Called by a leader now and then; a refused or lost proposal is simply asked for
  // again.
  std::optional<consensus::MembershipChange> Next(const consensus::CoreStatus& status,
                                                  const consensus::Configuration& configuration) const;

 private:
  // Entries a guest may be behind and still count as caught up: what arrives within a round trip under load.
  static constexpr uint64_t kCaughtUpWithin = 256;
  const Seed* FindSeed(ServerId server) const;

  const std::vector<Seed> seeds_;
};

}  // namespace synod::node

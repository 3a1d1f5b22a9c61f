#include "coordinator/node/membership_keeper.h"

namespace synod::node {

const Seed* MembershipKeeper::FindSeed(ServerId server) const {
  for (const Seed& seed : seeds_) {
    if (seed.server == server) return &seed;
  }
  return nullptr;
}

std::optional<consensus::MembershipChange> MembershipKeeper::Next(const consensus::CoreStatus& status,
                                                                  const consensus::Configuration& configuration) const {
  if (!status.own_term_committed) return std::nullopt;
  for (const consensus::PeerProgress& peer : status.peers) {
    if (!peer.guest || peer.needs_snapshot || !peer.recently_active) continue;
    if (peer.match.value() == 0 || peer.match.value() + kCaughtUpWithin < status.last.value()) continue;
    consensus::MembershipChange change;
    const consensus::Member* old = configuration.Find(peer.identity.server);
    if (old != nullptr) {
      // The old storage's vote must be gone, by a committed entry, before the new one counts (counterexample 1).
      change.kind = consensus::MembershipChange::Kind::kRemove;
      change.member = *old;
      return change;
    }
    const Seed* seed = FindSeed(peer.identity.server);
    if (seed == nullptr) continue;
    change.kind = seed->role == consensus::MemberRole::kVoter ? consensus::MembershipChange::Kind::kAddVoter
                                                              : consensus::MembershipChange::Kind::kAddLearner;
    change.member.identity = peer.identity;
    change.member.role = seed->role;
    change.member.address = seed->address;
    return change;
  }
  return std::nullopt;
}

}  // namespace synod::node

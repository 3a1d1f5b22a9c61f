#include "coordinator/node/formation.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace synod::node {
namespace {

// FNV-1a over 64-bit words with a final mix: stable over builds and machines, as it goes into names of ensembles.
class StableHash {
 public:
  void Add(uint64_t word) {
    for (int i = 0; i < 8; ++i) {
      state_ ^= (word >> (8 * i)) & 0xff;
      state_ *= 0x100000001b3u;
    }
  }
  uint64_t Finish() const {
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return z == 0 ? 1 : z;  // 0 means none
  }

 private:
  uint64_t state_ = 0xcbf29ce484222325u;
};

}  // namespace

uint64_t SeedHash(const std::vector<Seed>& seeds) {
  std::vector<std::pair<uint32_t, uint8_t>> lines;
  for (const Seed& seed : seeds) lines.emplace_back(seed.server.value(), static_cast<uint8_t>(seed.role));
  std::sort(lines.begin(), lines.end());
  StableHash hash;
  for (const auto& [server, role] : lines) {
    hash.Add(server);
    hash.Add(role);
  }
  return hash.Finish();
}

EnsembleId FoundingId(const consensus::Configuration& founding) {
  StableHash hash;
  for (const consensus::Member& member : founding.members) {
    if (member.role != consensus::MemberRole::kVoter) continue;
    hash.Add(member.identity.server.value());
    hash.Add(member.identity.storage.value());
  }
  return EnsembleId(hash.Finish());
}

Formation::Formation(consensus::Identity self, std::string address, std::vector<Seed> seeds, bool without_peers,
                     bool wiped)
    : self_(self),
      address_(std::move(address)),
      seeds_(std::move(seeds)),
      without_peers_(without_peers),
      wiped_(wiped),
      seed_hash_(SeedHash(seeds_)) {}

void Formation::Heard(const interfaces::PeerHello& hello) { heard_[hello.identity.server] = hello; }

void Formation::Lost(ServerId peer) { heard_.erase(peer); }

FormationDecision Formation::Decide() const {
  FormationDecision decision;
  // An ensemble that exists comes first: forming beside it would be a second one (counterexample 16).
  for (const auto& [server, hello] : heard_) {
    if (hello.ensemble.value() == 0) continue;
    if (decision.ensemble.value() != 0 && decision.ensemble != hello.ensemble) {
      decision.kind = FormationDecision::Kind::kWait;
      decision.reason = "peers belong to different ensembles";
      return decision;
    }
    decision.ensemble = hello.ensemble;
    if (hello.configuration.IsMember(self_)) {
      decision.kind = FormationDecision::Kind::kMember;
      decision.configuration = hello.configuration;
    } else if (decision.kind != FormationDecision::Kind::kMember) {
      // A peer that is itself a guest knows no configuration: it cannot tell whether this storage is listed.
      if (hello.configuration.members.empty()) {
        decision.reason = "an ensemble exists, waiting for one of its members";
      } else {
        decision.kind = FormationDecision::Kind::kGuest;
      }
    }
  }
  if (decision.ensemble.value() != 0) return decision;
  if (wiped_ && !without_peers_) {
    decision.reason = "this server lost its data: it waits for an ensemble that has it";
    return decision;
  }

  consensus::Configuration founding;
  for (const Seed& seed : seeds_) {
    if (seed.role != consensus::MemberRole::kVoter) continue;  // observers are added once there is a leader
    consensus::Member member;
    member.role = seed.role;
    member.address = seed.address;
    member.identity.server = seed.server;
    if (seed.server == self_.server) {
      member.identity = self_;
    } else {
      auto heard = heard_.find(seed.server);
      if (heard == heard_.end()) {
        if (without_peers_) continue;
        decision.reason = absl::StrCat("server ", seed.server.value(), " has not answered yet");
        return decision;
      }
      if (!heard->second.empty) {
        decision.reason = absl::StrCat("server ", seed.server.value(), " is not empty but belongs to no ensemble");
        return decision;
      }
      if (heard->second.seed_hash != seed_hash_) {
        decision.reason = absl::StrCat("server ", seed.server.value(), " was started with different server.N lines");
        return decision;
      }
      member.identity = heard->second.identity;
    }
    founding.members.push_back(member);
  }
  if (!founding.IsVoter(self_)) {
    decision.reason = "an observer waits for its ensemble";
    return decision;
  }
  std::sort(founding.members.begin(), founding.members.end(),
            [](const consensus::Member& a, const consensus::Member& b) { return a.identity < b.identity; });
  decision.kind = FormationDecision::Kind::kForm;
  decision.ensemble = FoundingId(founding);
  decision.configuration = std::move(founding);
  return decision;
}

}  // namespace synod::node

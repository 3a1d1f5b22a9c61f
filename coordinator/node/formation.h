// When does an empty server form an ensemble, and when does it join one? (D10, D11; counterexamples 16 and 22)
//
// Pure: it is told what peers say of themselves and answers with a decision.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "coordinator/consensus/types.h"
#include "coordinator/interfaces/transport.h"

namespace synod::node {

// One server.N line of the configuration file.
struct Seed {
  ServerId server;
  consensus::MemberRole role = consensus::MemberRole::kVoter;
  std::string address;  // host:peerPort
};

// Over server ids and roles, not addresses (D11): servers started from different files do not form together.
uint64_t SeedHash(const std::vector<Seed>& seeds);

// The ensemble's id: a hash of all founding voters' (server id, storage id), so that all who form, form the same one.
EnsembleId FoundingId(const consensus::Configuration& founding);

struct FormationDecision {
  enum class Kind : uint8_t {
    kWait,    // not enough is known
    kForm,    // all voters answered and all are empty
    kMember,  // an ensemble exists and lists this storage: take the place in it
    kGuest,   // an ensemble exists and does not list this storage: catch up first
  } kind = Kind::kWait;
  EnsembleId ensemble;
  consensus::Configuration configuration;  // kForm, kMember
  std::string reason;                      // kWait: what is missing, for the log
};

class Formation {
 public:
  // `wiped`: this storage replaces a lost one. It may join, and never form (D10): what was lost may have been
  // acknowledged.
  Formation(consensus::Identity self, std::string address, std::vector<Seed> seeds, bool without_peers,
            bool wiped = false);

  void Heard(const interfaces::PeerHello& hello);
  void Lost(ServerId peer);
  // REQUIRES the own storage is empty and has joined no ensemble.
  FormationDecision Decide() const;

 private:
  const consensus::Identity self_;
  const std::string address_;
  const std::vector<Seed> seeds_;
  const bool without_peers_;
  const bool wiped_;
  const uint64_t seed_hash_;
  std::map<ServerId, interfaces::PeerHello> heard_;
};

}  // namespace synod::node

// Compares the state's digest between servers at fixed indexes (D13). Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "coordinator/consensus/types.h"
#include "coordinator/interfaces/transport.h"

namespace synod::node {

enum class DigestVerdict : uint8_t {
  kNothing,     // equal, or not enough is known
  kOddOneOut,   // a majority of voters agrees on another digest than ours: stop this server
  kNoMajority,  // all voters reported and no digest has a majority: writes stop
};

class DigestGuard {
 public:
  // The own digest at `index`.
  void Record(LogIndex index, uint64_t digest, uint32_t version);
  void Report(const consensus::Identity& from, const interfaces::DigestReport& report);
  // Judges every index with an own digest against the reports of `configuration`'s voters; `self` counts as one.
  DigestVerdict Judge(const consensus::Identity& self, const consensus::Configuration& configuration) const;
  // The newest own report, to be sent to a peer that just connected.
  std::optional<interfaces::DigestReport> latest() const;

 private:
  struct At {
    std::optional<interfaces::DigestReport> own;
    std::map<consensus::Identity, interfaces::DigestReport> others;
  };
  static constexpr size_t kIndexesKept = 16;
  void Forget();
  std::map<LogIndex, At> at_;
};

}  // namespace synod::node

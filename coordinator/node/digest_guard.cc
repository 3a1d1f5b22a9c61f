#include "coordinator/node/digest_guard.h"

namespace synod::node {

void DigestGuard::Record(LogIndex index, uint64_t digest, uint32_t version) {
  interfaces::DigestReport own;
  own.index = index;
  own.digest = digest;
  own.digest_version = version;
  at_[index].own = own;
  Forget();
}

void DigestGuard::Report(const consensus::Identity& from, const interfaces::DigestReport& report) {
  if (report.index.value() == 0) return;
  at_[report.index].others[from] = report;
  Forget();
}

void DigestGuard::Forget() {
  while (at_.size() > kIndexesKept) at_.erase(at_.begin());
}

DigestVerdict DigestGuard::Judge(const consensus::Identity& self, const consensus::Configuration& configuration) const {
  size_t voters = configuration.VoterCount();
  for (const auto& [index, at] : at_) {
    if (!at.own) continue;
    std::map<uint64_t, size_t> votes;
    size_t reported = 0;
    if (configuration.IsVoter(self)) {
      ++votes[at.own->digest];
      ++reported;
    }
    for (const auto& [identity, report] : at.others) {
      // Different versions of the digest say nothing about each other.
      if (report.digest_version != at.own->digest_version || !configuration.IsVoter(identity) || identity == self)
        continue;
      ++votes[report.digest];
      ++reported;
    }
    bool majority = false;
    for (const auto& [digest, count] : votes) {
      if (count * 2 <= voters) continue;
      majority = true;
      if (digest != at.own->digest) return DigestVerdict::kOddOneOut;
    }
    if (!majority && reported == voters && voters > 1) return DigestVerdict::kNoMajority;
  }
  return DigestVerdict::kNothing;
}

std::optional<interfaces::DigestReport> DigestGuard::latest() const {
  for (auto it = at_.rbegin(); it != at_.rend(); ++it) {
    if (it->second.own) return it->second.own;
  }
  return std::nullopt;
}

}  // namespace synod::node

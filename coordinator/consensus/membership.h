// Who takes part, as a fact of the log prefix (L1, thesis 4.1): the newest configuration entry in the log is in force
// from the moment it is appended, committed or not, and stops being so when it is cut.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "coordinator/consensus/types.h"

namespace synod::consensus {

// One change of membership (thesis 4.1, single-server changes).
struct MembershipChange {
  enum class Kind : uint8_t { kAddVoter, kAddLearner, kRemove, kUpdateAddress } kind = Kind::kAddVoter;
  Member member;  // kRemove: identity only. kAddVoter of a present learner promotes it.
};

// The configuration after `change`; nullopt if the change does nothing or names somebody it can't: an identity that is
// not there, a server id that is there with another storage (it must be removed first: counterexample 1), the last
// voter.
std::optional<Configuration> ApplyChange(const Configuration& before, const MembershipChange& change);

// The configurations of a log. Owner: Core. Invariant: there is always one, the base; the others ascend by index behind
// it.
class Membership {
 public:
  Membership(LogIndex base, Configuration configuration) : history_{{base, std::move(configuration)}} {}

  const Configuration& current() const { return history_.back().second; }
  LogIndex current_index() const { return history_.back().first; }
  // The configuration as of the log prefix that ends at `index`; of the base if `index` is before it.
  const Configuration& At(LogIndex index) const;

  // A configuration entry stands at `index`, behind all known ones or (a repaired record) among them.
  void Insert(LogIndex index, Configuration configuration);
  // The log is cut from `index` on. The base stays: it is committed.
  void CutFrom(LogIndex index);
  // A snapshot was installed. Configurations behind `index` stay if `keep_tail`.
  void Install(LogIndex index, Configuration configuration, bool keep_tail);
  // Nobody will ask for prefixes that end before `index` any more, and it is committed.
  void ForgetBefore(LogIndex index);

 private:
  std::vector<std::pair<LogIndex, Configuration>> history_;
};

}  // namespace synod::consensus

// What must hold of every core and of all cores of an ensemble together, whatever the network and the disks do. Unit
// tests and the simulator call it after each event; a server does not.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "coordinator/consensus/core.h"

namespace synod::consensus {

// Owner: a test. Sees all cores of one ensemble from its beginning and remembers what they said. Keeps the first
// violation.
//
//   one leader per term               thesis 3.2 (election safety), R07: told by role changes and by who sends appends
//   one vote per term and voter       thesis 3.4, R01, R04
//   log matching                      equal (index, term) means equal entry and equal predecessor
//   leader completeness               a new leader holds every entry committed in an earlier term
//   state machine safety              all cores hand out the same entries, each without a gap
//   of one core                       handed out <= commit <= last, synced <= last; term and commit never go back; a
// leader is whole (D5)
class Invariants {
 public:
  // `output` was just taken from `core`, which is `identity`'s.
  void Observe(const Identity& identity, const Core& core, const Output& output);
  // After any input, when there is no output.
  void Observe(const Identity& identity, const Core& core);
  // `identity` lost what it held in memory and begins again with another core; its state machine restarts at `applied`.
  void Restarted(const Identity& identity, LogIndex applied);
  // A snapshot brought the state machine of `identity` to `applied`.
  void Installed(const Identity& identity, LogIndex applied);

  // In words, with the numbers; nullopt as long as all held.
  const std::optional<std::string>& violation() const { return violation_; }
  // The greatest index anybody handed out to apply.
  LogIndex committed() const { return committed_.empty() ? LogIndex(0) : committed_.rbegin()->first; }

 private:
  struct EntryFact {
    Term predecessor;
    EntryType type;
    uint32_t checksum;
    bool operator==(const EntryFact&) const = default;
  };
  struct CoreFact {
    Term term;
    LogIndex commit;
    LogIndex handed_out;
  };

  void CheckCore(const Identity& identity, const Core& core);
  void CheckLeader(const Identity& identity, const Core& core);
  void CheckAppended(const Identity& identity, const Core& core, const Output& output);
  void CheckMessages(const Identity& identity, const Output& output);
  void CheckCommitted(const Identity& identity, const Core& core, const Output& output);
  void Violated(const Identity& identity, const std::string& what);

  std::optional<std::string> violation_;
  std::map<Term, Identity> leaders_;
  std::set<Term> complete_;  // terms whose leader was looked at when it began
  std::map<std::pair<Identity, Term>, ServerId> votes_;
  std::map<std::pair<LogIndex, Term>, EntryFact> entries_;
  struct CommittedFact {
    Term term;
    uint32_t checksum;
    Term known_in;  // of whoever handed it out first: the term that committed it, or a later one
  };
  std::map<LogIndex, CommittedFact> committed_;
  std::map<Identity, CoreFact> cores_;
};

}  // namespace synod::consensus

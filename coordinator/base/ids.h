// Strong types for the numbers that could be swapped. Each is an integer with no arithmetic but the little it needs.
#pragma once

#include <compare>
#include <cstdint>
#include <ostream>
#include <utility>

namespace synod {

// An integer of its own type. Tag makes the type unique; Rep is the integer.
template <typename Tag, typename Rep>
class StrongInt {
 public:
  using rep = Rep;
  constexpr StrongInt() = default;
  constexpr explicit StrongInt(Rep value) : value_(value) {}
  constexpr Rep value() const { return value_; }
  constexpr auto operator<=>(const StrongInt&) const = default;
  constexpr StrongInt& operator++() {
    ++value_;
    return *this;
  }
  constexpr StrongInt operator+(Rep n) const { return StrongInt(value_ + n); }
  constexpr StrongInt operator-(Rep n) const { return StrongInt(value_ - n); }
  constexpr Rep operator-(StrongInt other) const { return value_ - other.value_; }
  template <typename H>
  friend H AbslHashValue(H h, StrongInt v) {
    return H::combine(std::move(h), v.value_);
  }
  friend std::ostream& operator<<(std::ostream& out, StrongInt v) { return out << +v.value_; }

 private:
  Rep value_ = 0;
};

// N of `server.N` in zoo.cfg, 1..255. 0 is no server.
using ServerId = StrongInt<struct ServerIdTag, uint32_t>;
// Random name of one data directory (D10). 0 is none.
using StorageId = StrongInt<struct StorageIdTag, uint64_t>;
// Hash of all founding voters' (server id, storage id) (D10). 0 is none: the server has not joined an ensemble.
using EnsembleId = StrongInt<struct EnsembleIdTag, uint64_t>;
// Raft term. 0 is before the first election.
using Term = StrongInt<struct TermTag, uint64_t>;
// Position in the replicated log. The first entry is 1; 0 is before it.
using LogIndex = StrongInt<struct LogIndexTag, uint64_t>;
// One per applied command, counted by the state machine (L7). 0 is before the first command.
using Zxid = StrongInt<struct ZxidTag, int64_t>;
// A client session. 0 is no session. Always positive as a signed number.
using SessionId = StrongInt<struct SessionIdTag, int64_t>;
// Counts the attachments of a session to connections (S4). 0 is before the first.
using OwnerGeneration = StrongInt<struct OwnerGenerationTag, uint64_t>;
// Numbers the writes of one session (S2), from 1. 0 is no number (an at-least-once command).
using Sequence = StrongInt<struct SequenceTag, uint64_t>;
// Names a list of ACL entries in the replicated ACL table. 0 is world:anyone, all permissions.
using AclId = StrongInt<struct AclIdTag, uint32_t>;
// Names a set of authenticated identities in the replicated table. 0 is no identity but world:anyone.
using IdentitySetId = StrongInt<struct IdentitySetIdTag, uint32_t>;

}  // namespace synod

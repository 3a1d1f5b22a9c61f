// The vocabulary of the replicated log: entries, hard state, members.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/base/bytes.h"
#include "coordinator/base/ids.h"

namespace synod::consensus {

enum class EntryType : uint8_t {
  kNoop = 0,           // a new leader's first entry; empty payload
  kCommands = 1,       // a batch of commands (interfaces/command_batch.h), opaque here
  kConfiguration = 2,  // a whole Configuration, encoded
};

// One record of the replicated log. The payload is encoded once, by the leader, and shared by everyone (L2).
struct Entry {
  Term term;
  LogIndex index;
  EntryType type = EntryType::kNoop;
  SharedBytes payload;  // never null; empty for kNoop
};

// Where a log ends, for the election restriction: later term wins, then greater index (Raft section 5.4.1).
struct LogEnd {
  Term term;
  LogIndex index;
  auto operator<=>(const LogEnd&) const = default;
};

// A server with its data directory (D10): who may vote is the pair, never the id alone.
struct Identity {
  ServerId server;
  StorageId storage;
  auto operator<=>(const Identity&) const = default;
};

enum class MemberRole : uint8_t { kVoter = 0, kLearner = 1 };

struct Member {
  Identity identity;
  MemberRole role = MemberRole::kVoter;
  std::string address;  // host:peerPort, for people and for servers that start without it in their file
  bool operator==(const Member&) const = default;
};

// Who takes part, as of one log prefix. Members are sorted by identity; one server id stands at most once.
struct Configuration {
  std::vector<Member> members;

  const Member* Find(ServerId server) const;
  bool IsVoter(const Identity& identity) const;
  bool IsMember(const Identity& identity) const;
  size_t VoterCount() const;
  bool operator==(const Configuration&) const = default;

  std::string Encode() const;
  // DataLoss if the bytes are not an encoded configuration.
  static absl::StatusOr<Configuration> Decode(std::string_view bytes);
};

// What must never be forgotten about elections (D1). Written and synced before it is acted on.
struct HardState {
  Term term;
  ServerId voted_for;  // 0: nobody in this term
  bool operator==(const HardState&) const = default;
};

// What storage found at start, checked and classified (D5). Consensus starts from it.
struct RecoveredLog {
  HardState hard_state;
  // The own snapshot: everything at or below is applied state. Index 0 and term 0 when there is none.
  LogIndex snapshot_index;
  Term snapshot_term;
  // The configuration as of the snapshot (the founding one at index 0; empty on a server that has not joined anything).
  Configuration snapshot_configuration;
  // The log on disk: [first, last], first == last + 1 when empty. first <= snapshot_index + 1.
  LogIndex first = LogIndex(1);
  LogIndex last;
  // The term of each entry in [first, last] as runs: entries from `index` on have `term`, until the next run. For
  // damaged records it is what the neighbours' predecessor fields say.
  std::vector<LogEnd> term_runs;
  // Configuration entries in [first, last] above the snapshot, in order.
  std::vector<std::pair<LogIndex, Configuration>> configurations;
  // Indexes in (snapshot_index, vote_end.index] whose records are damaged or missing, ascending. Acknowledge nothing at
  // or past the first, do not lead while there is one.
  std::vector<LogIndex> damaged;
  // The end the server votes by: the higher of the synced mark and the last good record.
  LogEnd vote_end;
  // Commit index as far as the records show it; at least snapshot_index.
  LogIndex commit;
  // D4: raised at every cut. Completions of syncs begun under an older one do not count (L8).
  uint64_t cut_counter = 0;
};

}  // namespace synod::consensus

// What the core wants done. The driver (node) takes an Output after each batch of inputs and carries it out in the
// order of the fields; it may take the next one only when hard_state and cut_from of this one are durable.
#pragma once

#include <optional>
#include <vector>

#include "coordinator/consensus/message.h"

namespace synod::consensus {

enum class Role : uint8_t { kFollower, kPreCandidate, kCandidate, kLeader, kLearner };

// A fact for logs, metrics and the layers above; emitted when any field changes.
struct RoleChange {
  Role role = Role::kFollower;
  Term term;
  ServerId leader;  // 0: unknown
  bool operator==(const RoleChange&) const = default;
};

// The answer to one RequestRead.
struct ReadReady {
  uint64_t id = 0;      // what RequestRead returned
  bool failed = false;  // no leader, leadership lost, or the round was given up: ask again. Nothing was promised.
  LogIndex index;       // serve the read once this index is applied
};

struct Output {
  // 1. Make durable (both slots, D1) before anything below.
  std::optional<HardState> hard_state;
  // 2. Cut the log's suffix from this index on, durably (D4), before `append` is written.
  std::optional<LogIndex> cut_from;
  // 3. Write to the log, in order; call LogSynced when a sync that covers them has returned. Nothing below waits for
  // that sync:
  //    the core itself emits acknowledgements only after LogSynced.
  std::vector<Entry> append;
  // 4. Send. May be lost, delayed, duplicated or reordered by the transport.
  std::vector<Message> messages;
  // 5. Apply, in order. Contiguous with the previous Output's. Bounded in bytes; more follows in the next Output.
  std::vector<Entry> committed;
  // 6. Answers to reads.
  std::vector<ReadReady> reads;
  // 7. Peers that need a snapshot because the log no longer reaches back to them. Named once per need: the driver
  // begins a
  //    transfer, and calls SnapshotSendEnded when it ended in any way.
  std::vector<ServerId> need_snapshot;
  std::optional<RoleChange> role_change;
  // The configuration in force changed (appended, rolled back, installed).
  std::optional<Configuration> configuration;
  // The core must take part no more: its identity was removed from the configuration by a committed entry.
  bool removed = false;

  bool Empty() const {
    return !hard_state && !cut_from && append.empty() && messages.empty() && committed.empty() && reads.empty() &&
           need_snapshot.empty() && !role_change && !configuration && !removed;
  }
};

}  // namespace synod::consensus

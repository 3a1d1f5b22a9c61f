// Reads and watches on the state as it is now.
#pragma once

#include "absl/types/span.h"
#include "coordinator/service/request.h"
#include "coordinator/statemachine/state_machine.h"
#include "coordinator/watches/watch_table.h"

namespace synod::service {

struct ReadContext {
  const statemachine::StateMachine* state_machine = nullptr;
  watches::WatchTable* watches = nullptr;  // null: a unary call, which has none
  watches::WatcherId watcher;
};

// Whether it asks for a watch.
bool SetsWatch(const Operation& operation);

// Carries out a read (any Operation that is no write) and fills error, results and zxid of `reply`. A watch is set in
// the same turn, so no change falls between (W2). Returns whether a watch was set.
//
// Errors: kBadArguments (malformed path, a watch without a connection, a kind that the operation does not take,
// Unintelligible as it says), kNoNode, kNoWatcher.
bool ExecuteRead(const Operation& operation, const ReadContext& context, Reply* reply);

// The setWatches rule (specs: ZooKeeper protocol, 13.5): what changed since fires at once into `fired`, the rest is
// set. Returns whether a watch was set. A malformed path is passed over: no change can be missed on it.
bool RearmWatches(absl::Span<const WatchSet> sets, const ReadContext& context, std::vector<Notification>* fired);

}  // namespace synod::service

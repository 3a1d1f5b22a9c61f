// Reads and watches on the state as it is now.
#pragma once

#include <vector>

#include "absl/types/span.h"
#include "coordinator/access/caller.h"
#include "coordinator/service/request.h"
#include "coordinator/statemachine/state_machine.h"
#include "coordinator/watches/watch_table.h"

namespace synod::service {

// Limits of reads, which keep a turn of the loop and a reply short (L3).
inline constexpr size_t kMultiReadOpsMax = 1000;
inline constexpr size_t kMultiReadBytesMax = 3 << 20;    // of data and names together; a single read always fits
inline constexpr size_t kEphemeralsVisitedMax = 20'000;  // nodes looked at for one page of all sessions'

// A view for the length of one read.
struct ReadContext {
  const statemachine::StateMachine* state_machine = nullptr;
  access::Caller caller;                            // whom permissions are judged by
  const access::IdentitySet* identities = nullptr;  // the caller's, for whoAmI
  SessionId session;                                // 0: a unary call
  watches::WatchTable* watches = nullptr;           // null: a unary call, which has none
  watches::WatcherId watcher;
};

// Whether it asks for a watch.
bool SetsWatch(const Operation& operation);

// Carries out a read (any Operation that is no write) and fills error, results and zxid of `reply`. A watch is set in
// the same turn, so no change falls between (W2), and on no error but exists' kNoNode (sheet 11.6, 11.7). Returns
// whether a watch was set.
//
// Errors: kBadArguments (malformed path, a watch or an own session's ephemerals without a session, another's as a
// whole, a kind that the operation does not take, Unintelligible as it says), kTooLarge (multi read), kNoNode, kNoAuth,
// kNoWatcher.
bool ExecuteRead(const Operation& operation, const ReadContext& context, Reply* reply);

// The setWatches rule (specs: ZooKeeper protocol, 13.5): what changed since fires at once into `fired` if the caller
// may read the node, the rest is set; persistent ones are set. A malformed path is passed over: no change can be missed
// on it. False: the table of watches holds `table_bytes_max`, and not all were set; the connection is to be closed.
bool RearmWatches(absl::Span<const WatchSet> sets, const ReadContext& context, size_t table_bytes_max,
                  std::vector<Notification>* fired);

}  // namespace synod::service

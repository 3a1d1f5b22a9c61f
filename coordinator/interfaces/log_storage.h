// The durable log and hard state, as the node needs them. Implemented by storage (over File, so the simulator runs that
// very class).
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "coordinator/consensus/core.h"
#include "coordinator/consensus/types.h"

namespace synod::interfaces {

// A finished sync: everything up to `through` of the log as of `cut_counter` is on the disk.
struct SyncDone {
  LogIndex through;
  uint64_t cut_counter = 0;
};

// Loop thread only. Every error of a write or sync is fatal for the server (D12): the caller ends the process.
//
// Writes go to the page cache on the loop; syncs run elsewhere and complete on the loop. Hard state and cuts are rare
// and are durable when the call returns.
class LogStorage : public consensus::EntryReader {
 public:
  // D1: both slots written, each synced before the other is touched. Durable on return.
  virtual absl::Status SaveHardState(const consensus::HardState& state) = 0;
  // D4: raises the cut counter durably, then forgets [from, last]. Durable on return. `from` <= last.
  virtual absl::Status CutSuffix(LogIndex from) = 0;
  // Writes entries behind the last one: entries[0].index == last + 1. Each record also carries `commit` (D3). Not
  // synced.
  virtual absl::Status Append(absl::Span<const consensus::Entry> entries, LogIndex commit) = 0;
  // Begins one sync of everything appended so far; `done` runs on the loop. At most one is in flight: REQUIRES
  // !SyncInFlight().
  virtual void StartSync(absl::AnyInvocable<void(absl::StatusOr<SyncDone>)> done) = 0;
  virtual bool SyncInFlight() const = 0;
  // Whether something was appended (or marked) that no sync begun so far covers.
  virtual bool NeedsSync() const = 0;
  // D3: writes an empty mark record that repeats the synced index, if the last record on disk does not already say so.
  // Not synced itself (the next sync takes it); called when the log has been idle for 10 ms.
  virtual absl::Status WriteMark(LogIndex commit) = 0;
  // The records up to `through` may be deleted or recycled, but at least the configured bytes, and all from `keep_from`
  // on (transfers in progress), stay. Returns the first index still there.
  virtual absl::StatusOr<LogIndex> CompactTo(LogIndex through, LogIndex keep_from) = 0;
  // D9: after an install at (index, term): drops everything, the next entry is index + 1. Durable on return.
  virtual absl::Status ResetTo(LogIndex index, Term term) = 0;
  // D6: puts a fetched record in place of a damaged one. Durable on return. InvalidArgument if (index, term) or
  // predecessor disagree with the neighbours.
  virtual absl::Status Repair(const consensus::Entry& entry) = 0;
  // Serves D6 to a peer: the record at (index, term) if it is here and good, else NotFound.
  virtual absl::StatusOr<consensus::Entry> ReadRecord(LogIndex index, Term term) = 0;
  virtual LogIndex last_index() const = 0;
  virtual uint64_t bytes_on_disk() const = 0;
};

}  // namespace synod::interfaces

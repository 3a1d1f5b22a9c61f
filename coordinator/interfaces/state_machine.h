// The replicated state, as the node drives it. Implemented by statemachine (and by a toy in node's tests).
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "coordinator/consensus/types.h"
#include "coordinator/interfaces/command_batch.h"
#include "coordinator/interfaces/snapshot_store.h"

namespace synod::interfaces {

// A state being built from a snapshot's records, beside the live one; used off the loop by one thread (D9) or at start
// (D8).
class StateLoader : public RecordSink {
 public:
  // Verifies the digest and internal references. DataLoss if they disagree.
  virtual absl::Status Finish(const SnapshotMeta& meta) = 0;
};

// Loop thread only. Deterministic: the same entries give the same state, digest and outcomes on every server.
class StateMachine {
 public:
  virtual ~StateMachine() = default;
  // Applies one batch, command by command (L3): after each command its observers have been told before the next runs.
  // An error is a command this code does not know or cannot decode (L6): the server must stop, nothing of the batch's
  // rest was applied.
  virtual absl::Status Apply(LogIndex index, Term term, const CommandBatch& batch) = 0;
  // An entry without commands (kNoop, kConfiguration) was reached; keeps the applied index in step.
  virtual void Skip(LogIndex index, Term term) = 0;
  virtual LogIndex applied_index() const = 0;
  virtual Term applied_term() const = 0;
  virtual uint64_t log_clock_us() const = 0;  // of the last applied batch (L5)

  // Order-independent digest of everything that must be equal on all servers (D13).
  virtual uint64_t digest() const = 0;
  virtual uint32_t digest_version() const = 0;
  // L6: the version in force (replicated), and the newest this code knows.
  virtual uint32_t version_in_force() const = 0;
  virtual uint32_t version_known() const = 0;

  // D7. Closes the set of records changed since the last close, as of applied_index(). Until all of it is written, the
  // first change of a closed record saves its old version. REQUIRES the last cut is written out or abandoned. Fills
  // everything of the meta but the configuration.
  virtual SnapshotMeta CloseSnapshot() = 0;
  // Writes closed records for at most `budget`, returning true when all are out. Order is free.
  virtual bool WriteClosed(absl::Duration budget, std::vector<SnapshotRecord>* out) = 0;
  // The cut's records could not be stored: they count as changed again.
  virtual void AbandonSnapshot() = 0;
  virtual size_t changed_records() const = 0;  // since the last close

  virtual std::unique_ptr<StateLoader> NewLoader() = 0;
  // Swaps the loaded state in. REQUIRES loader->Finish was OK. Watchers and sessions of this server are told (S10).
  virtual void Install(std::unique_ptr<StateLoader> loader, const SnapshotMeta& meta) = 0;

  // Bytes of memory held by the state, near enough for limits (L11).
  virtual size_t memory_bytes() const = 0;

  // Leader only, before logging (S2): a command that must not take effect comes back as the refusal to log in its place
  // under the same number; any other comes back unchanged. `refuse_growth`: the memory or disk reserve is reached
  // (L11): writes that grow are refused.
  virtual std::string AdmitCommand(std::string command, bool refuse_growth) = 0;
};

}  // namespace synod::interfaces

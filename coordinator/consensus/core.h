// Raft as one pure object (L1): messages, ticks and proposals in; an Output out.
//
// It reads no clock, file, socket or random device, holds no lock, and starts no thread: the driver (node) owns all of that,
// and the simulator drives the very same object. Elections with pre-vote, check-quorum and leader stickiness; pipelined appends with a byte
// window; learners; leadership transfer; ReadIndex; one membership change at a time, kept in the log.
//
// Sources: Ongaro, "Consensus: Bridging Theory and Practice" (thesis), by section; the rules L1-L11 and D4-D10 of docs/architecture.md.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "coordinator/base/random.h"
#include "coordinator/consensus/config.h"
#include "coordinator/consensus/message.h"
#include "coordinator/consensus/output.h"
#include "coordinator/consensus/types.h"

namespace synod::consensus {

// Reads back entries that left the core's cache. Implemented over the log on disk.
class EntryReader {
 public:
  virtual ~EntryReader() = default;
  // The entries [low, high) in order, cut after `max_bytes` but at least one. Errors: NotFound if `low` is compacted away, DataLoss
  // if a record is damaged. Blocks for a page-cache read at most.
  virtual absl::StatusOr<std::vector<Entry>> ReadEntries(LogIndex low, LogIndex high, uint64_t max_bytes) = 0;
};

enum class ProposeResult : uint8_t {
  kAccepted,
  kNotLeader,
  kTransferring,    // leadership is being handed over; try again after the role changed
  kChangePending,   // (membership) another change is not yet committed
  kTermNotStarted,  // (membership) no entry of the own term is committed yet (R06)
  kInvalid,         // (membership) the change does nothing or names somebody it can't
};

// One change of membership (thesis 4.1, single-server changes).
struct MembershipChange {
  enum class Kind : uint8_t { kAddVoter, kAddLearner, kRemove, kUpdateAddress } kind = Kind::kAddVoter;
  Member member;  // kRemove: identity only. kAddVoter of a present learner promotes it.
};

// A leader's view of one peer, for status pages and for the driver's decisions.
struct PeerProgress {
  Identity identity;
  MemberRole role = MemberRole::kVoter;
  bool guest = false;       // not in the configuration: an empty storage that catches up before it is added (D10)
  LogIndex match;           // synced there
  LogIndex next;
  bool needs_snapshot = false;
  bool recently_active = false;
};

struct CoreStatus {
  Role role = Role::kFollower;
  Term term;
  ServerId leader;
  LogIndex first, last, synced, commit, applied_handed_out;
  bool own_term_committed = false;  // leading, and an entry of the own term is committed
  ServerId transfer_target;         // 0: none
  std::vector<LogIndex> damaged;
  std::vector<PeerProgress> peers;  // leader only, by server id
};

// Owner: node (or a test). Single-threaded. After any sequence of calls, TakeOutput hands over what they caused.
class Core {
 public:
  // `reader` and nothing else is called back. `random` only draws election timeouts.
  Core(const CoreConfig& config, const RecoveredLog& recovered, EntryReader* reader, Random random);
  ~Core();
  Core(const Core&) = delete;

  // One tick of time has passed.
  void Tick();
  // A message from a peer arrived. Messages from an older term are answered or dropped, from a newer one make it step down as Raft says.
  // Malformed or unexpected messages are dropped; none is trusted to keep an invariant of ours.
  void Step(Message message);

  // Leader: appends one entry. kAccepted: it is in the next Output; it may yet be lost if leadership is.
  ProposeResult Propose(EntryType type, SharedBytes payload);
  ProposeResult ProposeMembership(const MembershipChange& change);
  // Everything up to `through` of the log as of `cut_counter` is durable. A completion begun before a cut counts for nothing that was
  // cut (L8).
  void LogSynced(LogIndex through, uint64_t cut_counter);
  // The number to hand back with LogSynced for syncs begun now; grows by one with each cut_from, as the log storage's own does (D4).
  uint64_t cut_counter() const;
  // The own log sync has hung for an election timeout: a leader hands leadership over, or steps down if nobody can take it (L8).
  void OwnDiskStalled();

  // Asks for a read index (L9); the answer with the same id comes in Output.reads. Works on leader and follower.
  uint64_t RequestRead();

  // Leader: hands leadership to `target` (0: the most up-to-date voter). Given up after one election timeout (R12), proposals then go on.
  ProposeResult TransferLeadership(ServerId target);

  // The peer's authenticated connection is up, or down. Down of the leader's clears "heard from the leader" at once (L10).
  void PeerConnected(const Identity& peer);
  void PeerDisconnected(ServerId peer);
  // An empty storage that is not in the configuration asks to be caught up (D10): leader tracks it as a guest until the connection drops.
  void AddGuest(const Identity& guest);

  // The transfer to `peer` named by need_snapshot ended; on success the peer's acknowledgement tells how far it is.
  void SnapshotSendEnded(ServerId peer, bool ok);
  // A snapshot was installed here, durably and in the state machine: the log below is gone. Own entries behind it stay when (index, term) agree.
  // `keep_tail` false: the log restarts empty at index + 1; the driver resets the storage likewise.
  struct InstalledSnapshot {
    LogIndex index;
    Term term;
    Configuration configuration;
  };
  // Returns whether the tail behind the snapshot stays (the driver tells the log storage before the next Output).
  bool SnapshotInstalled(const InstalledSnapshot& snapshot);
  // An own snapshot at `index` is durable and the log's records up to `through` may go (already gone when this is called).
  void Compacted(LogIndex through);
  // A damaged record was fetched from a peer by (index, term), verified, and is synced in place (D6).
  void EntryRepaired(const Entry& entry);

  bool HasOutput() const;
  Output TakeOutput();

  Role role() const;
  Term term() const;
  ServerId leader() const;
  LogIndex commit() const;
  LogIndex last_index() const;
  // Term of an entry of the log or of the snapshot's last one; nullopt outside.
  std::optional<Term> TermAt(LogIndex index) const;
  const Configuration& configuration() const;
  CoreStatus Status() const;
  // Leader: whether an entry of the own term is committed (L9, S6).
  bool OwnTermCommitted() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace synod::consensus

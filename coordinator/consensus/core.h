// Raft as one pure object (L1): messages, ticks and proposals in; an Output out.
//
// It reads no clock, file, socket or random device, holds no lock, and starts no thread: the driver (node) owns all of
// that, and the simulator drives the very same object. Elections with pre-vote, check-quorum and leader stickiness;
// pipelined appends with a byte window; learners; leadership transfer; ReadIndex; one membership change at a time, kept
// in the log.
//
// Sources: Ongaro, "Consensus: Bridging Theory and Practice" (thesis), by section; the rules L1-L11 and D4-D10 of
// docs/architecture.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <variant>
#include <vector>

#include "coordinator/base/random.h"
#include "coordinator/consensus/config.h"
#include "coordinator/consensus/log.h"
#include "coordinator/consensus/membership.h"
#include "coordinator/consensus/message.h"
#include "coordinator/consensus/output.h"
#include "coordinator/consensus/progress.h"
#include "coordinator/consensus/read_index.h"
#include "coordinator/consensus/types.h"

namespace synod::consensus {

enum class ProposeResult : uint8_t {
  kAccepted,
  kNotLeader,
  kTransferring,    // leadership is being handed over; try again after the role changed
  kChangePending,   // (membership) another change is not yet committed
  kTermNotStarted,  // (membership) no entry of the own term is committed yet (R06)
  kInvalid,         // (membership) the change does nothing or names somebody it can't
};

// A leader's view of one peer, for status pages and for the driver's decisions.
struct PeerProgress {
  Identity identity;
  MemberRole role = MemberRole::kVoter;
  bool guest = false;  // not in the configuration: an empty storage that catches up before it is added (D10)
  LogIndex match;      // synced there
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
  std::vector<PeerProgress> peers;  // leader only, by identity: a guest may stand beside the member it is to replace
  LogEnd vote_end;                  // greater than the log's end while something acknowledged is missing (D5, D9)
  // Leader: a configuration entry is not yet committed; ProposeMembership answers kChangePending.
  bool change_pending = false;
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
  // A message from a peer arrived. Messages from an older term are answered or dropped, from a newer one make it step
  // down as Raft says. Malformed or unexpected messages are dropped; none is trusted to keep an invariant of ours.
  void Step(Message message);

  // Leader: appends one entry. kAccepted: it is in the next Output; it may yet be lost if leadership is.
  ProposeResult Propose(EntryType type, SharedBytes payload);
  ProposeResult ProposeMembership(const MembershipChange& change);
  // Everything up to `through` of the log as of `cut_counter` is durable. A completion begun before a cut counts for
  // nothing that was cut (L8).
  void LogSynced(LogIndex through, uint64_t cut_counter);
  // The number to hand back with LogSynced for syncs begun now; grows by one with each cut_from, and with each
  // SnapshotInstalled that returned false, as the log storage's own does with CutSuffix and ResetTo (D4).
  uint64_t cut_counter() const;
  // The own log sync has hung for an election timeout: a leader hands leadership over, or steps down if nobody can take
  // it (L8).
  void OwnDiskStalled();

  // Asks for a read index (L9); the answer with the same id comes in Output.reads. Works on leader and follower.
  uint64_t RequestRead();

  // Leader: hands leadership to `target` (0: the most up-to-date voter). Given up after one election timeout (R12),
  // proposals then go on.
  ProposeResult TransferLeadership(ServerId target);

  // The peer's authenticated connection is up, or down. Down of the leader's clears "heard from the leader" at once
  // (L10).
  void PeerConnected(const Identity& peer);
  void PeerDisconnected(ServerId peer);
  // An empty storage that is not in the configuration asks to be caught up (D10): leader tracks it as a guest until the
  // connection drops.
  void AddGuest(const Identity& guest);

  // The transfer to `peer` named by need_snapshot ended; on success the peer's acknowledgement tells how far it is.
  void SnapshotSendEnded(ServerId peer, bool ok);
  // A snapshot was installed here, durably and in the state machine: the log below is gone. Own entries behind it stay
  // when (index, term) agree. `keep_tail` false: the log restarts empty at index + 1; the driver resets the storage
  // likewise.
  struct InstalledSnapshot {
    LogIndex index;
    Term term;
    Configuration configuration;
  };
  // Returns whether the tail behind the snapshot stays (the driver tells the log storage before the next Output).
  bool SnapshotInstalled(const InstalledSnapshot& snapshot);
  // An own snapshot at `index` is durable and the log's records up to `through` may go (already gone when this is
  // called).
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
  // Term of an entry of the log or of the one just before it (the snapshot's last, where nothing older is kept);
  // nullopt outside.
  std::optional<Term> TermAt(LogIndex index) const;
  const Configuration& configuration() const;
  // The configuration as of the log prefix that ends at `index`, for a snapshot there. Known from the last snapshot on.
  const Configuration& ConfigurationAt(LogIndex index) const { return membership_.At(index); }
  CoreStatus Status() const;
  // Leader: whether an entry of the own term is committed (L9, S6).
  bool OwnTermCommitted() const;

 private:
  // A role holds what only that role may know; a change of role forgets it.
  struct Follower {
    Identity leader;            // server 0: unknown
    LogIndex matched;           // the log equals the leader's up to here
    LogIndex acknowledged;      // the greatest match told to this leader
    uint64_t echoed_round = 0;  // the newest read round answered
    uint64_t heard = 0;         // tick of the leader's last append
    ReadQuestions questions;
    uint64_t asked = 0;  // tick of the last question
  };
  struct Candidate {
    bool pre = true;        // thesis 9.6: asks first whether it could win
    bool transfer = false;  // by order of the leader (thesis 3.10)
    bool own_vote = false;  // counted: the hard state that holds it went out (R04)
    std::set<Identity> granted, refused;
    uint64_t began = 0;  // tick of the first request of this round
  };
  struct Transfer {
    Identity target;
    uint64_t deadline = 0;
    bool step_down_after = false;  // the own disk hangs: lead no more even if the target does not take over (L8)
  };
  struct Leader {
    LogIndex term_start;  // index of the own term's first entry
    std::map<Identity, Progress> peers;
    ReadRounds reads;
    std::optional<Transfer> transfer;
  };

  // core.cc
  void GatherOutput(Output* out);
  void HandOut(Output* out);
  void ConfigurationChanged();
  void NoticeCommit(LogIndex before);
  bool IsSelf(const Identity& identity) const { return identity == config_.self; }
  bool SelfIsVoter() const { return membership_.current().IsVoter(config_.self); }
  uint64_t NewReadId() { return ++last_read_id_; }

  // core_step.cc
  bool WellFormed(const Message& message) const;
  bool EntriesWellFormed(const Message& message) const;
  bool FromParticipant(const Identity& identity) const;
  bool StepTerm(const Message& message);
  void Dispatch(Message message);
  Message Reply(MessageType type, const Message& to) const;
  void Send(Message message);

  // core_election.cc
  void SetElectionTimer(uint64_t ticks) { election_due_ = now_ + ticks; }
  void SetElectionTimer() { SetElectionTimer(random_.Between(config_.election_ticks_min, config_.election_ticks_max)); }
  void SetRetryTimer();
  bool MayCampaign() const;
  bool HearsLeader() const;
  void BecomeFollower(Term term, const Identity& leader);
  void AbandonReads();
  void ElectionTimeout();
  void StartPreVote();
  void StartElection(bool transfer);
  void RequestVotes();
  void CountVotes();
  void HandlePreVote(const Message& message);
  void HandleVote(const Message& message);
  void HandleVoteReply(const Message& message);
  void HandleTimeoutNow(const Message& message);

  // core_follower.cc
  void HandleAppend(Message message);
  bool AppendFromLeader(Message& message);
  void RejectAppend(const Message& message);
  void FollowLeader(const Identity& leader);
  LogIndex Acknowledgeable() const;
  void Acknowledge(uint64_t read_round);
  void AcknowledgeIfNews();
  void SendQuestions();
  void HandleReadIndexReply(const Message& message);

  // core_leader.cc
  void BecomeLeader();
  void AppendAsLeader(EntryType type, SharedBytes payload);
  void TickLeader();
  bool QuorumHeardWithin(uint64_t ticks) const;
  void AdvanceCommit();
  bool ChangePending() const { return membership_.current_index() > log_.commit(); }
  const Identity* BestTransferTarget() const;
  void StartTransfer(const Identity& target, bool step_down_after);
  void SendTimeoutNowIfCaughtUp();
  void StartReadRound();
  void FinishReadRound();
  void AnswerReads(const std::vector<ReadRounds::Read>& reads, LogIndex index, bool failed);
  void HandleReadIndex(const Message& message);

  // core_replication.cc
  void TrackPeers();
  bool Reachable(const Identity& identity) const;
  void SendDue();
  bool SendDueTo(const Identity& identity, Progress& peer);
  bool SendEntries(const Identity& identity, Progress& peer);
  void SendEmpty(const Identity& identity, Progress& peer);
  void NeedSnapshot(const Identity& identity, Progress& peer);
  void HandleAppendReply(const Message& message);

  const CoreConfig config_;
  Random random_;
  Log log_;
  Membership membership_;
  uint64_t now_ = 0;           // ticks since construction
  uint64_t election_due_ = 0;  // tick at which a follower or candidate acts by itself
  Term term_;
  ServerId voted_for_;
  // Which of two storages of that server got the vote (D10); after a restart unknown, and then nobody gets it again.
  StorageId voted_storage_;
  std::variant<Follower, Candidate, Leader> state_;
  std::map<ServerId, Identity> connected_;  // who is at the other end, as far as told
  std::set<Identity> guests_;
  uint64_t last_read_id_;

  Output out_;  // messages, reads, need_snapshot, removed; the rest is gathered when it is taken
  bool hard_state_changed_ = false;
  bool configuration_changed_ = false;
  bool leader_work_ = false;  // a leader has something to look at before the next Output
  bool own_record_damaged_ = false;
  uint64_t hand_out_blocked_until_ = 0;  // tick before which a failed read is not repeated
  RoleChange role_told_;
};

}  // namespace synod::consensus

// One server's loop: it drives consensus, log, snapshots, transport and state machine, and owns none of their rules.
//
// Everything here runs on the server's loop (an Executor); nothing blocks but hard-state and cut syncs, which are rare.
// It knows neither RocksDB, sockets nor the tree, so tests and the simulator give it toys or the real parts at will.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "coordinator/base/clock.h"
#include "coordinator/base/executor.h"
#include "coordinator/base/random.h"
#include "coordinator/consensus/core.h"
#include "coordinator/interfaces/log_storage.h"
#include "coordinator/interfaces/snapshot_store.h"
#include "coordinator/interfaces/state_machine.h"
#include "coordinator/interfaces/transport.h"
#include "coordinator/node/digest_guard.h"
#include "coordinator/node/formation.h"
#include "coordinator/node/forwarding.h"
#include "coordinator/node/membership_keeper.h"
#include "coordinator/node/proposals.h"
#include "coordinator/node/repairer.h"
#include "coordinator/node/snapshot_receiver.h"
#include "coordinator/node/snapshot_sender.h"
#include "coordinator/node/snapshotter.h"

namespace synod::node {

struct NodeConfig {
  consensus::CoreConfig core;
  absl::Duration tick = absl::Milliseconds(10);
  std::vector<Seed> seeds;                  // the server.N lines (D11)
  std::string address;                      // own host:peerPort
  bool form_without_peers = false;          // the operator's explicit flag (D10): form although not all voters answered
  uint64_t entry_bytes_max = 1 << 20;       // a batch is cut here (L2, L3)
  uint64_t queue_bytes_max = 32 << 20;      // proposals waiting, on a leader or a follower (L11)
  uint64_t forward_credit_bytes = 4 << 20;  // forwarded and not yet logged, per follower (L11)
  uint64_t snapshot_every_bytes = 32 << 20;  // of log since the last snapshot
  uint64_t snapshot_every_records = 100000;  // changed records since the last snapshot
  uint64_t digest_every = 4096;              // entries between compared digests (D13)
  uint64_t memory_limit_bytes = 0;           // of the state; 0: none (L11)
  size_t snapshot_chunk_bytes = 256 << 10;
};

// What the layers above hear from the node, on the loop.
class NodeObserver {
 public:
  virtual ~NodeObserver() = default;
  virtual void OnRoleChange(const consensus::RoleChange& change) = 0;
  // Commands submitted before may be lost: submit again every unanswered one, in order, as first encoded (S2). Called
  // when a leader is known and reachable again (this server included), never without one.
  virtual void OnResubmit() = 0;
  // A service of another server says something.
  virtual void OnServiceMessage(ServerId from, const std::string& bytes) = 0;
  virtual void OnPeerUp(ServerId peer) = 0;
  virtual void OnPeerDown(ServerId peer) = 0;
  // The queue of proposals has room again after Submit said kFull.
  virtual void OnQueueDrained() = 0;
};

struct NodeDependencies {
  Executor* loop = nullptr;
  Executor* worker = nullptr;  // off the loop; tasks run one at a time, in order
  const Clock* clock = nullptr;
  Random random{0};
  interfaces::LogStorage* log = nullptr;
  interfaces::SnapshotStore* snapshots = nullptr;
  interfaces::Transport* transport = nullptr;
  interfaces::StateMachine* state_machine = nullptr;
  NodeObserver* observer = nullptr;
  // Makes ensemble id and first configuration durable (D10); an empty configuration: joined as a guest.
  std::function<absl::Status(EnsembleId, const consensus::Configuration&)> save_founding;
  // The encoded command that raises the state-machine version (L6).
  std::function<std::string(uint32_t version)> make_raise_version;
  // Tests and the simulator: sees every Output when its hard state and cut are durable, before anybody else learns of
  // it. May be empty.
  std::function<void(const consensus::Core&, const consensus::Output&)> on_output;
  // Something durable failed, or the state diverged (D12, D13): the process must end. Called at most once; the node
  // does nothing after it.
  std::function<void(absl::Status)> fatal;
};

// What storage found at start.
struct NodeStart {
  EnsembleId ensemble;  // 0: none joined yet
  bool empty = true;
  bool wiped = false;  // empty because it was lost (D10)
  consensus::RecoveredLog recovered;
};

enum class SubmitResult : uint8_t { kQueued, kFull };

struct NodeStatus {
  bool started = false;  // an ensemble exists
  EnsembleId ensemble;
  consensus::CoreStatus core;
  LogIndex applied;
  LogIndex snapshot_index;
  uint64_t log_bytes = 0;
  uint64_t snapshot_bytes = 0;
  bool writes_stopped = false;   // D13: no majority agrees on the state
  bool refusing_growth = false;  // L11
  consensus::Configuration configuration;
  std::vector<ServerId> connected;    // peers of this ensemble whose connection is up, ascending
  absl::Duration since_leader_heard;  // how old a local read may be (W1)
};

class Node final : public interfaces::TransportListener {
 public:
  Node(const NodeConfig& config, NodeDependencies dependencies, NodeStart start);
  ~Node() override;

  // Begins ticking, and forms or joins an ensemble if none is known. The state machine holds the own snapshot already
  // (D8).
  void Start();
  // Hands leadership over if leading, then calls `done`; for SIGTERM. At most one election timeout.
  void PrepareStop(absl::AnyInvocable<void()> done);
  // No callbacks of this object run any more after it; posted tasks find it stopped.
  void Stop();

  // Queues an encoded statemachine::Command to be logged: here if leading, else forwarded. Its outcome is seen by
  // applying it; it may be lost until OnResubmit asks for it again. kFull: the bound in bytes is reached and it was not
  // taken (L11).
  SubmitResult Submit(std::string command);
  // Calls `done(true)` once this server has applied everything that any server had acknowledged when this was called
  // (L9); false: no quorum answered, or leadership changed: nothing was promised.
  void ReadBarrier(absl::AnyInvocable<void(bool)> done);
  // To the service of another server; to itself it is delivered through OnServiceMessage too.
  void SendService(ServerId to, std::string bytes);

  consensus::ProposeResult TransferLeadership(ServerId target);
  // Writes a snapshot now; `done` when durable, with the number of records written.
  void TakeSnapshot(absl::AnyInvocable<void(absl::StatusOr<uint64_t>)> done);
  // The disk reserve is reached, or free again (L11).
  void SetDiskLow(bool low);

  bool leading() const { return core_ && core_->role() == consensus::Role::kLeader; }
  ServerId leader() const { return core_ ? core_->leader() : ServerId(0); }
  Term term() const { return core_ ? core_->term() : Term(0); }
  ServerId self() const { return config_.core.self.server; }
  // Leading, an entry of the own term is applied here (S6).
  bool LeadingAndCaughtUp() const { return leading() && own_term_applied_; }
  // L5. What the next entry will carry. Means something only while LeadingAndCaughtUp().
  uint64_t LogClockUs() const { return Times().log_clock_us; }
  NodeStatus Status() const;

  // TransportListener
  void OnPeerUp(const interfaces::PeerHello& hello) override;
  void OnPeerDown(ServerId peer) override;
  void OnPeerMessage(const consensus::Identity& from, interfaces::PeerMessage message) override;

 private:
  // ---- ensemble (node_ensemble.cc) ----
  void TryForm();
  void BeginEnsemble(EnsembleId ensemble, const consensus::Configuration& configuration);
  void MakeCore();
  void UpdateHello();
  void MeetPeer(const interfaces::PeerHello& hello);
  void KeepMembership();
  void ReportDigest(ServerId to);
  void JudgeDigests();
  void RaiseVersion();

  // ---- the loop (node.cc) ----
  void ScheduleTick();
  void OnTick();
  void ScheduleDrain();
  void Drain();
  void CarryOut(consensus::Output output);
  void OnRoleChange(const consensus::RoleChange& change);
  void MaybePropose();
  void MaybeSync();
  void OnSynced(absl::StatusOr<interfaces::SyncDone> done);
  void MaybeSnapshot();
  void BeginSnapshot(absl::AnyInvocable<void(absl::StatusOr<uint64_t>)> done);
  void CompactLog();
  void Fatal(absl::Status status);
  // Ends the process if a durable step failed (D12); whether to go on.
  bool Durable(const absl::Status& status);
  absl::Duration Now() const { return deps_.clock->Monotonic(); }

  // ---- applying and reads (node_apply.cc) ----
  void Apply(const consensus::Entry& entry);
  void OnOwnTermApplied();
  void OnRead(const consensus::ReadReady& ready);
  void ReleaseBarriers();
  void FailBarriers();
  interfaces::BatchTimes Times() const;
  bool RefusingGrowth() const;

  // ---- messages (node_messages.cc) ----
  void FlushForwards();
  void GrantCredits();
  void MaybeResubmit();
  SnapshotReceiver::Dependencies::Go MayGoLive(LogIndex index) const;
  void OnInstalled(const interfaces::SnapshotMeta& meta, std::unique_ptr<interfaces::StateLoader> state);
  void Handle(const consensus::Identity& from, consensus::Message message);
  void Handle(const consensus::Identity& from, interfaces::Forward forward);
  void Handle(const consensus::Identity& from, interfaces::ForwardCredit credit);
  void Handle(const consensus::Identity& from, interfaces::ServiceMessage message);
  void Handle(const consensus::Identity& from, interfaces::RepairRequest request);
  void Handle(const consensus::Identity& from, interfaces::RepairReply reply);
  void Handle(const consensus::Identity& from, interfaces::SnapshotOffer offer);
  void Handle(const consensus::Identity& from, interfaces::SnapshotData data);
  void Handle(const consensus::Identity& from, interfaces::SnapshotProgress progress);
  void Handle(const consensus::Identity& from, interfaces::SnapshotRequest request);
  void Handle(const consensus::Identity& from, interfaces::DigestReport report);

  const NodeConfig config_;
  NodeDependencies deps_;
  NodeStart start_;
  EnsembleId ensemble_;
  // Posted tasks hold this weakly and do nothing once the node has stopped.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);

  std::unique_ptr<consensus::Core> core_;  // null until an ensemble exists
  Formation formation_;
  Proposals proposals_;
  ForwardCredit credit_;
  Snapshotter snapshotter_;
  SnapshotSender sender_;
  SnapshotReceiver receiver_;
  Repairer repairer_;
  DigestGuard digests_;
  MembershipKeeper members_;

  std::map<ServerId, interfaces::PeerHello> peers_;  // connected now
  std::map<ServerId, uint64_t> connections_made_;    // how often each came up
  std::map<ServerId, uint32_t> versions_known_;      // L6
  consensus::RoleChange role_;
  LogIndex snapshot_index_;
  uint64_t bytes_since_snapshot_ = 0;
  bool own_term_applied_ = false;
  bool drain_scheduled_ = false;
  bool draining_ = false;
  bool drain_again_ = false;  // asked for while draining
  bool fatal_ = false;
  bool stopping_for_digest_ = false;
  bool writes_stopped_ = false;
  bool disk_low_ = false;
  bool stall_told_ = false;
  uint32_t raise_proposed_ = 0;
  bool full_told_ = false;
  bool mark_written_ = true;
  std::string waiting_for_;  // why no ensemble exists yet, as last logged
  // Which leader and connection the service was last told to submit to.
  std::tuple<Term, ServerId, uint64_t> resubmitted_to_;
  // L5: while leading, the log clock is base + (monotonic now - since).
  uint64_t log_clock_base_us_ = 0;
  absl::Duration log_clock_since_;
  absl::Duration last_tick_;
  absl::Duration last_append_;
  absl::Duration sync_began_;
  absl::Duration leader_heard_;
  absl::Duration next_membership_check_;

  std::map<uint64_t, absl::AnyInvocable<void(bool)>> reads_;          // waiting for their round, by read id
  std::multimap<LogIndex, absl::AnyInvocable<void(bool)>> barriers_;  // waiting for apply
  absl::AnyInvocable<void()> stop_done_;
  absl::Duration stop_deadline_;
};

}  // namespace synod::node

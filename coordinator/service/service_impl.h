// The inside of Service. Its parts: service.cc (the face, connections, flow), connecting.cc (create, attach),
// rearming.cc (watches of a client that comes back), requests.cc (a session's requests), read_only.cc (clients of a
// server without quorum), applying.cc (what apply brings), unary.cc (calls without session), timing.cc (clocked duties,
// leadership, liveness), operators.cc.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "coordinator/access/caller.h"
#include "coordinator/service/leader_duties.h"
#include "coordinator/service/liveness.h"
#include "coordinator/service/reads.h"
#include "coordinator/service/service.h"
#include "coordinator/service/session_expirer.h"
#include "coordinator/service/session_queue.h"
#include "coordinator/service/watch_replay.h"
#include "coordinator/service/watch_streams.h"
#include "coordinator/watches/watch_table.h"

namespace synod::service {

// A connection whose watches are still to be told of the past. Until the end is reached the session is answered nothing
// and none of its watches is live (W2).
struct Rearming {
  Rearming(std::vector<WatchSet> past, std::vector<WatchSet> all) : replay(std::move(past)), sets(std::move(all)) {}

  WatchReplay replay;
  std::vector<WatchSet> sets;   // all that are to be set
  std::vector<uint64_t> pings;  // to be answered then
};

// One client connection.
struct Link {
  enum class Phase : uint8_t {
    kOpen,      // no Connect yet
    kBehind,    // S9: this server has not applied what the client saw
    kLookup,    // the session is unknown here: a read barrier tells whether it is unknown at all
    kGranting,  // a create or attach is on its way through the log
    kServing,
    kClosed,  // forgotten; the object only outlives the turn
  };
  ConnectionId id;
  Connection* door = nullptr;
  ConnectionOptions options;
  Phase phase = Phase::kOpen;
  absl::Duration since;            // opened, then connect came
  ConnectRequest request;          // until serving
  access::IdentitySet identities;  // what the connect proved; until serving, of a read-only connection all along; and
                                   // the session's last ones once it is `closing`

  uint64_t grant_number = 0;  // kGranting: names the create or attach in Origin::request
  std::string grant_command;
  bool grant_sent = false;
  bool barrier_failed = false;  // kLookup: to be asked again

  // kServing:
  SessionId session;
  OwnerGeneration generation;
  absl::Duration timeout;
  absl::Duration grace;
  Liveness::Entry* liveness = nullptr;
  SessionQueue queue;
  Sequence last_number;  // the highest number this session's client (or we for it) used
  Sequence confirmed_below = Sequence(1);
  std::deque<uint32_t> unconfirmed;  // S3: bytes of each reply from confirmed_below on
  uint64_t unconfirmed_bytes = 0;
  std::optional<absl::Duration> capped_since;  // S3: at the cap with writes held back
  Sequence gap_mark;        // numbers up to it were sent again because of a gap, and nothing was applied since
  absl::Duration progress;  // the last time a write was answered, or all were sent again; read-only: it was heard
  absl::Duration patience;  // how long to wait for progress before sending again
  bool read_only = false;   // served without a quorum: its session is nowhere else, and has neither generation nor
                            // numbers; nothing of it waits, and liveness does not know it
  bool closing = false;     // its session is gone by its CloseSession; the reply is still to be given
  bool ending = false;      // its CloseSession was applied, but ephemerals are still to be deleted
  std::unique_ptr<Rearming> rearming;
  bool has_watches = false;    // has, or had
  bool paused = false;         // the door was told not to read
  bool barrier_retry = false;  // a barrier of the queue failed
  uint64_t counted_bytes = 0;  // its share of outstanding_bytes
  uint64_t counted_items = 0;  // its share of outstanding
};

// One call without session.
struct UnaryCall {
  enum class Waiting : uint8_t {
    kLeader,   // a write not handed over: nothing was done
    kOutcome,  // a write handed over
    kBehind,   // a read for which this server must catch up first
    kBarrier,  // a read under way to its barrier
    kRetry,    // whose barrier failed
  };
  uint64_t number = 0;
  CallRequest call;  // without its credentials
  access::IdentitySet identities;
  CallDone done;
  Waiting waiting = Waiting::kLeader;
  absl::Duration since;
  absl::Duration deadline = absl::InfiniteDuration();
  std::string command;
  uint64_t bytes = 0;
};

struct Service::Impl {
  Impl(const ServiceConfig& config, ServiceDependencies dependencies);

  // ---- service.cc ----
  void Start(NodePort* port);
  void Stop();
  ConnectionId Open(Connection* connection, const ConnectionOptions& options);
  void ConnectionClosed(ConnectionId id, bool by_peer);
  Link* FindLink(ConnectionId id);
  Link* ServingLink(SessionId session);
  // Tells the door and forgets it. `link` stays readable until the next tick.
  void Close(Link* link, CloseReason reason, std::string_view message = {});
  void Forget(Link* link);
  std::vector<ConnectionId> LinkIds() const;  // to iterate while links may close
  // Takes the change of its queue into the totals, then pauses or resumes reading (L11).
  void UpdateFlow(Link* link);
  void UpdateAllFlow();
  bool OverBudget();
  absl::Duration Now() const { return deps.clock->Monotonic(); }
  uint64_t RandomNumber();

  // ---- connecting.cc ----
  void Connect(ConnectionId id, ConnectRequest request);
  void Proceed(Link* link);
  void BeginCreate(Link* link);
  void BeginAttach(Link* link);
  void LookUp(Link* link);
  void SendGrant(Link* link);
  // `outcome` of the create or attach numbered `number`; false if nobody waits for it.
  bool OnGrantOutcome(uint64_t number, const statemachine::Outcome& outcome);
  void BeginServing(Link* link, const statemachine::SessionGrant& grant);
  void CheckBehind(absl::Duration now);
  void AwaitZxid(ConnectionId id, Zxid zxid) {
    behind.push_back(id);
    behind_lowest = std::min(behind_lowest, zxid);
  }
  void AwaitZxid(uint64_t call, Zxid zxid) {
    behind_calls.push_back(call);
    behind_lowest = std::min(behind_lowest, zxid);
  }

  // ---- rearming.cc ----
  // What is due comes at once, or in slices of one turn each.
  void BeginRearm(Link* link, std::vector<WatchSet> watches);
  void ContinueRearm(Link* link);
  void EndRearm(Link* link);
  // False: there was no room, and the connection is closed.
  bool Rearm(Link* link, absl::Span<const WatchSet> watches);
  void Notify(Link* link, const Notification& notification);

  // ---- requests.cc ----
  void Submit(ConnectionId id, absl::Span<Request> requests, Sequence confirmed_below);
  void Enqueue(Link* link, Request* request, absl::Duration now);
  void EnqueueWrite(Link* link, Request* request, absl::Duration now);
  void StartBarrier(Link* link, uint64_t position);
  void OnBarrier(ConnectionId id, uint64_t position, bool ok);
  void RetryBarriers(Link* link);
  void Confirm(Link* link, Sequence below);
  bool AtReplyCap(const Link& link) const;
  // Answers what can be answered at the front, then sends what may be sent. `from_table`: writes that an install jumped
  // over are answered by the reply table (S10).
  void Advance(Link* link, bool from_table = false);
  void Release(Link* link, bool from_table);
  void Pump(Link* link);
  void PumpAll();
  void SendAgain(Link* link, absl::Duration now);
  void AnswerAtOnce(Link* link, Request* request, absl::Duration now);
  // `operation` is the item's, wherever it lies. May close the connection.
  void AnswerRead(Link* link, const SessionQueue::Item& item, const Operation& operation, absl::Duration now);
  // Whom it is judged by at this moment. Good until the next command.
  const access::IdentitySet& IdentitiesHere(const Link& link) const;
  ReadContext ContextOf(const Link& link);
  void AnswerFromTable(Link* link, const SessionQueue::Item& item, bool repeated);
  void GiveReply(Link* link, const SessionQueue::Item& item, Reply&& reply, std::string_view path, absl::Duration now);
  void ReportIfSlow(absl::Duration took, uint8_t operation, std::string_view path, SessionId session);
  // kFull is remembered, and everybody paused (L11). False: full.
  bool SubmitToNode(std::string command);

  // ---- read_only.cc ----
  // Whether this client may be served while there is no quorum, should that last.
  bool AcceptsReadOnly(const Link& link) const;
  // Begins to serve read-only if there was no leader for long enough. `started`: an ensemble exists.
  void MaybeBeginReadOnly(bool started, absl::Duration now);
  // There is a leader again: those clients are to find it.
  void EndReadOnly();
  void GrantReadOnly(Link* link);
  void SubmitReadOnly(Link* link, absl::Span<Request> requests, absl::Duration now);
  void AnswerReadOnly(Link* link, Request* request, absl::Duration now);

  // ---- applying.cc ----
  void OnCommand(const statemachine::Command& command, const statemachine::Outcome& outcome,
                 const std::vector<tree::Event>& events);
  void FireWatches(const std::vector<tree::Event>& events);
  void OnWriteOutcome(Link* link, const statemachine::Command& command, const statemachine::Outcome& outcome);
  // A gap: something before it was lost on the way.
  void OnGap(Link* link, Sequence sequence);
  void OnSessionGranted(const statemachine::SessionGrant& grant, uint64_t connection);
  void OnSessionClosing(SessionId session, bool expired);
  void OnSessionEnded(SessionId session, bool expired);
  // Answers the CloseSession of a session that was ending and is gone.
  void FinishClose(Link* link);
  void OnQuotaExceeded(const tree::QuotaExcess& excess);
  void OnInstalled();
  void CatchUpAfterInstall(Link* link);

  // ---- unary.cc ----
  void Call(CallRequest request, CallDone done);
  void StartUnaryWrite(UnaryCall* call);
  void StartUnaryRead(UnaryCall* call);
  void StartUnaryBarrier(UnaryCall* call);
  void AnswerUnaryRead(UnaryCall* call);
  void OnUnaryOutcome(uint64_t number, const statemachine::Command& command, const statemachine::Outcome& outcome);
  void FailUnary(uint64_t number, ErrorCode error, Effect effect, std::string_view message);
  void FinishUnary(uint64_t number, Reply reply, std::string_view path);
  void SendWaitingCalls();
  // What was handed over may be lost now.
  void DoubtUnaryWrites(absl::Duration now);
  void ExpireCalls(absl::Duration now);

  // ---- timing.cc ----
  void ScheduleTick();
  void Tick();
  void Sweep(absl::Duration now);
  void SweepLink(Link* link, absl::Duration now);
  void Ping(ConnectionId id, uint64_t ping);
  void MaybeReport(absl::Duration now);
  void OnServiceMessage(ServerId from, const std::string& bytes);
  void OnReport(ServerId from, LivenessReport report);
  void OnAck(ServerId from, const LivenessAck& ack);
  void Expire(absl::Duration now);
  // Of the leader, besides expiry. Call before anything is asked of `duties`.
  void UpdateDuties(absl::Duration now) { duties.Update(node->LeadingAndCaughtUp(), node->term(), now); }
  bool ProposeDuty(std::string command) { return !stopping && !node_full && SubmitToNode(std::move(command)); }
  void OnRoleChange(const consensus::RoleChange& change);
  void OnResubmit();
  void OnPeerDown(ServerId peer);
  void OnQueueDrained();
  void LeaderLost(absl::Duration now);
  bool HeldTooLong(absl::Duration now, absl::Duration hold) const {
    return !can_submit && now - leader_lost_at >= hold;
  }
  void ProbeQuorum(absl::Duration now);

  WatchStreamId OpenWatch(WatchStream* stream, WatchStreamRequest request);

  // ---- operators.cc ----
  ServiceStats Stats() const;
  ServerStatus Status() const;
  void CountProposal(size_t bytes);
  void TransferLeadership(ServerId target, absl::AnyInvocable<void(absl::StatusOr<ServerId>)> done);
  void TakeSnapshot(absl::AnyInvocable<void(absl::StatusOr<SnapshotDone>)> done);

  const ServiceConfig config;
  ServiceDependencies deps;
  const uint64_t incarnation;
  NodePort* node = nullptr;
  bool stopping = false;
  std::shared_ptr<bool> alive = std::make_shared<bool>(true);  // posted tasks and barriers hold it weakly

  absl::btree_map<ConnectionId, std::unique_ptr<Link>> links;
  std::vector<std::unique_ptr<Link>> graveyard;                 // freed at the next tick
  absl::flat_hash_map<SessionId, Link*> serving;                // looked up only
  absl::flat_hash_map<uint64_t, ConnectionId> grants;           // by Origin::request; looked up only
  absl::btree_map<uint64_t, std::unique_ptr<UnaryCall>> calls;  // by number
  watches::WatchTable watch_table;
  Liveness liveness;
  SessionExpirer expirer;
  std::vector<sessions::ExpiryQueue::Due> to_expire;  // the queue was full
  ServiceStats stats;
  WatchStreams streams;
  LeaderDuties duties;
  bool close_due = false;   // a session began closing in the running command
  ConnectionId ended_link;  // whose ending session ended in the running command; 0: none
  absl::Duration quota_told = -absl::InfiniteDuration();
  uint64_t quota_untold = 0;

  uint64_t next_number = 1;  // of Origin::request
  // Who waits for this server to catch up (S9), and the lowest zxid among what they wait for.
  std::vector<ConnectionId> behind;
  std::vector<uint64_t> behind_calls;
  Zxid behind_lowest{INT64_MAX};
  ConnectionId pump_after;  // fairness when the queue has room again

  bool can_submit = false;  // a leader is known and reachable, and asked for everything unanswered (OnResubmit)
  absl::Duration leader_lost_at;
  consensus::RoleChange role;
  // The leader and term for which everything unanswered was sent; leader 0 once the connection to it closed.
  consensus::RoleChange sent_to;
  absl::Duration leading_since;  // means something while this server leads
  bool read_only = false;        // without a quorum for so long that who accepts it is served
  uint64_t barriers_running = 0;
  bool node_full = false;  // L11
  bool over_budget = false;
  uint64_t outstanding = 0;
  uint64_t outstanding_bytes = 0;
  uint64_t paused_links = 0;

  absl::Duration last_sweep;
  absl::Duration last_expiry;
  absl::Duration last_probe = -absl::InfiniteDuration();
  absl::Duration confirmed_at = -absl::InfiniteDuration();  // start of the last probe that a quorum confirmed
  absl::Duration leader_age;                                // as of leader_age_at, for local reads (W1)
  absl::Duration leader_age_at;

  struct Transfer {
    absl::Duration deadline;
    absl::AnyInvocable<void(absl::StatusOr<ServerId>)> done;
  };
  std::vector<Transfer> transfers;

  // Reused from request to request.
  statemachine::Command command;
  std::vector<watches::Notification> fired;
  std::vector<Liveness::Pong> pongs;
};

}  // namespace synod::service

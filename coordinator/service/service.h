// The layer between the doors and the node: sessions as clients see them, order, reads, watches, liveness
// (architecture.md, sections 3 and 4).
//
// One per server, on its loop. It turns requests into commands, hands them to the node, and answers when it sees them
// applied here. It decides nothing that is replicated: everything of that kind is in the commands. No wire type, clock,
// thread or socket; time is read from the injected Clock and wakes it through the injected Executor.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "coordinator/base/clock.h"
#include "coordinator/base/executor.h"
#include "coordinator/node/node.h"
#include "coordinator/service/connection.h"
#include "coordinator/service/node_port.h"
#include "coordinator/service/request.h"
#include "coordinator/service/status.h"
#include "coordinator/service/watch_stream.h"
#include "coordinator/sessions/reply_cache.h"
#include "coordinator/statemachine/outcome.h"
#include "coordinator/statemachine/state_machine.h"

namespace synod::service {

struct ServiceConfig {
  absl::Duration session_timeout_min = absl::Milliseconds(4000);
  absl::Duration session_timeout_max = absl::Milliseconds(40000);
  uint32_t max_data_bytes = 1048575;
  uint32_t max_outstanding = 1000;  // per connection; beyond it the client is not read (L11)
  uint64_t connection_bytes_max =
      4 << 20;                           // of requests not answered, per connection; beyond it the client is not read
  uint64_t total_bytes_max = 256 << 20;  // of all connections; beyond it nobody is read, and nobody new accepted
  uint64_t watch_bytes_max = 256 << 20;  // of all watches; beyond it a read that sets one is refused with kOverloaded
  uint32_t max_connections = 20000;
  uint32_t max_unary_calls = 10000;                             // not answered
  uint32_t unconfirmed_replies_max = sessions::kReplyCountCap;  // S3
  uint64_t unconfirmed_bytes_max = sessions::kReplyBytesCap;    // S3
  absl::Duration behind_wait = absl::Seconds(1);                // S9
  absl::Duration hold_max = absl::Seconds(2);                   // S6: min(this, timeout / 3)
  absl::Duration report_interval = absl::Milliseconds(100);     // S6
  absl::Duration ping_report_interval =
      absl::Milliseconds(20);  // a waiting ping brings a report forward, this often at most
  absl::Duration tick = absl::Milliseconds(10);
  absl::Duration expiry_tick = absl::Milliseconds(50);  // leader; a gap of more than two is a stall of our own (S5)
  absl::Duration slow_operation = absl::Milliseconds(500);
  // Containers and TTL nodes, proposed for removal by the leader.
  absl::Duration container_idle = absl::Seconds(60);  // how long a container has no children before it goes
  uint32_t removals_per_minute = 10'000;              // of containers and TTL nodes
  uint32_t max_watch_streams = 10'000;
  // readonlymode.enabled: a server that has been without a quorum for hold_max serves clients that accept it.
  bool read_only_mode = false;
  // What this server's configuration says of the ensemble's settings (statemachine/settings.h): the leader writes into
  // the log what differs.
  std::vector<std::pair<std::string, std::string>> settings;
};

struct SlowOperation {
  std::string_view operation;
  std::string_view path;  // of a multi: the first operation's; empty if there is none
  absl::Duration duration;
  SessionId session;  // 0: a unary call
};

struct ServiceDependencies {
  Executor* loop = nullptr;
  const Clock* clock = nullptr;
  const statemachine::StateMachine* state_machine = nullptr;
  // Bytes nobody can guess, for passwords and connection ids (and the incarnation of this process).
  std::function<std::string(size_t)> secure_bytes;
  // Optional.
  std::function<void(const SlowOperation&)> on_slow_operation;
};

struct ConnectionOptions {
  // Our own clients number their writes; for a ZooKeeper connection the service does (S2).
  bool numbers_own_writes = true;
  std::string address;  // of the client, without port: its identity of scheme ip. Empty: none
};

// Loop thread only, all of it.
class Service final : public node::NodeObserver, public statemachine::ApplyObserver {
 public:
  // The state machine's observer and the node's are to be set to this object by who builds the parts.
  Service(const ServiceConfig& config, ServiceDependencies dependencies);
  ~Service() override;
  Service(const Service&) = delete;

  // Gives it the node (not owned) and starts its timers. Doors may call from then on.
  void Start(NodePort* node);
  // Closes every connection with kShutdown (reported to nobody, S8), fails unary calls and refuses new ones. For the
  // start of a shutdown and before destruction.
  void Stop();

  // ---- for doors ----

  // A client connected. 0: refused (budgets reached or stopping), the door closes it with kOverloaded. `connection` is
  // not owned.
  ConnectionId Open(Connection* connection, const ConnectionOptions& options);
  // The first message of the client, once per connection. Answered by OnConnected or OnClose.
  void Connect(ConnectionId id, ConnectRequest request);
  // Requests in the order sent. `confirmed_below` (0: nothing said) is taken before them (S3). Any call counts as the
  // session being heard. A number out of order, a read with a number or a request before OnConnected closes with
  // kProtocolError.
  void Submit(ConnectionId id, absl::Span<Request> requests, Sequence confirmed_below = Sequence(0));
  // Answered by OnPong when the leader is known to have heard of this session since (S6); never answered without that.
  void Ping(ConnectionId id, uint64_t ping);
  // The connection is gone; no callback comes any more. `by_peer`: the other side closed or reset it (S8: reported,
  // with disconnect_grace); false: this server did (slow reader, protocol error found by the door). Unknown ids are
  // ignored.
  void ConnectionClosed(ConnectionId id, bool by_peer);
  // One request without session: plain at-least-once. `done` is called once, maybe inside this call. Errors from
  // kNoQuorum on tell by Reply::effect whether a write may have been done.
  void Call(CallRequest call, CallDone done);

  // Opens a Watch stream, not owned. The stream may be told before this returns. 0: it was ended already.
  WatchStreamId OpenWatch(WatchStream* stream, WatchStreamRequest request);
  // The stream can take more. Unknown ids are ignored.
  void ResumeWatch(WatchStreamId id);
  // The client is gone; no callback comes any more. Unknown ids are ignored.
  void CloseWatch(WatchStreamId id);

  // ---- for operators ----
  ServiceStats Stats() const;
  ServerStatus Status() const;
  std::vector<MemberStatus> Members() const;
  DigestStatus Digest() const;
  // Sessions of the ensemble, by id. On the leader with the time until each expires.
  std::vector<SessionStatus> Sessions() const;
  // Ephemeral znodes by session, then path.
  std::vector<EphemeralsOfSession> Ephemerals() const;
  // Watches of this server's connections, each path of a connection once: by session, then path.
  std::vector<WatchesOfSession> Watches() const;
  // srst: latencies, packet counters and sizes of proposals begin anew.
  void ResetStats();
  // 0: the most up-to-date voter. `done` with the new leader once it is known here. FailedPrecondition: not leading, or
  // no such voter; DeadlineExceeded: not taken over in time.
  void TransferLeadership(ServerId target, absl::AnyInvocable<void(absl::StatusOr<ServerId>)> done);
  struct SnapshotDone {
    LogIndex index;
    uint64_t records_written = 0;
    absl::Duration elapsed;
  };
  void TakeSnapshot(absl::AnyInvocable<void(absl::StatusOr<SnapshotDone>)> done);

  // ---- node::NodeObserver ----
  void OnRoleChange(const consensus::RoleChange& change) override;
  void OnResubmit() override;
  void OnServiceMessage(ServerId from, const std::string& bytes) override;
  void OnPeerUp(ServerId peer) override;
  void OnPeerDown(ServerId peer) override;
  void OnQueueDrained() override;

  // ---- statemachine::ApplyObserver ----
  void OnCommand(const statemachine::Command& command, const statemachine::Outcome& outcome,
                 const std::vector<tree::Event>& events) override;
  void OnSessionGranted(const statemachine::SessionGrant& grant, uint64_t connection) override;
  void OnSessionClosing(SessionId session, bool expired) override;
  void OnQuotaExceeded(const tree::QuotaExcess& excess) override;
  void OnSessionEnded(SessionId session, bool expired) override;
  void OnInstalled() override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace synod::service

// What the service tells the admin door and the Ensemble API: plain values, read on the loop.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/base/ids.h"

namespace synod::service {

// Counts since start, except where "now" is said. Durations are of whole requests: from Submit to the reply, as this
// server sees them.
struct LatencyStats {
  uint64_t count = 0;
  uint64_t sum_us = 0;
  uint64_t min_us = 0;  // 0 while count is 0
  uint64_t max_us = 0;
  // Requests that took less than 2^i microseconds (and not less than 2^(i-1)); the last bucket holds the rest.
  static constexpr size_t kBuckets = 24;
  uint64_t buckets[kBuckets] = {};

  void Add(absl::Duration d);
};

struct ServiceStats {
  uint64_t packets_received = 0;  // requests, connects and pings
  uint64_t packets_sent = 0;      // replies, events, pongs and connect answers
  uint64_t requests = 0;          // of sessions
  uint64_t replies = 0;
  uint64_t unary_calls = 0;
  uint64_t unary_failed = 0;    // without an outcome (no quorum, overloaded)
  uint64_t refused_writes = 0;  // by this server, before the leader saw them
  uint64_t resubmitted = 0;     // commands sent again (S2)
  uint64_t notifications = 0;
  uint64_t notifications_denied = 0;  // for want of READ; Watch streams' too
  uint64_t events_lost = 0;           // persistent watches re-armed with a cursor older than the window
  uint64_t replayed_watches = 0;      // connections whose persistent watches were told of the past
  uint64_t pings = 0;
  uint64_t pongs = 0;
  uint64_t flow_pauses = 0;
  uint64_t connections_opened = 0;
  uint64_t connections_refused = 0;
  uint64_t connections_closed[16] = {};  // by CloseReason
  uint64_t connections_dropped = 0;      // by the client, or broken
  uint64_t sessions_expired = 0;         // proposed by this server while leading
  uint64_t close_steps = 0;              // ContinueCloseOp, the same
  uint64_t settings_proposed = 0;        // the same
  uint64_t idle_removed = 0;             // containers and TTL nodes that went while this server led
  uint64_t quota_exceeded = 0;           // changes that left a quota exceeded
  uint64_t auth_failed = 0;              // credentials and passwords refused
  uint64_t watch_streams_opened = 0;
  uint64_t watch_streams_lost = 0;  // refused or ended: their cursor is older than the window
  uint64_t watch_stream_events = 0;
  uint64_t watch_stream_pauses = 0;  // their reader was full
  uint64_t liveness_reports_sent = 0;
  uint64_t liveness_reports_acknowledged = 0;
  LatencyStats read_latency;
  LatencyStats write_latency;
  uint64_t revalidations = 0;      // attaches of sessions granted here
  uint64_t commands_proposed = 0;  // handed to the leader by this server, or proposed by it
  uint64_t commands_applied = 0;
  uint64_t pending_syncs = 0;  // now: syncs and linearizable reads that wait for a quorum (on any server)
  // Commands that this server handed to its own node while leading (those that followers forwarded are not seen here),
  // in bytes; several may go into one entry. 0 of them: none yet.
  uint64_t proposals = 0, last_proposal_bytes = 0, min_proposal_bytes = 0, max_proposal_bytes = 0;
  uint64_t created_notifications = 0, deleted_notifications = 0, changed_notifications = 0, children_notifications = 0;
  // now:
  uint64_t connections = 0;      // open
  uint64_t sessions_served = 0;  // attached here
  uint64_t outstanding = 0;      // requests of sessions, not answered
  uint64_t outstanding_bytes = 0;
  uint64_t paused_connections = 0;
  uint64_t watches = 0;
  uint64_t watched_paths = 0;
  uint64_t watch_streams = 0;
};

// StatusReply of proto/synod/v1/ensemble.proto, as far as the service knows it.
struct ServerStatus {
  ServerId server;
  std::string role;  // leader, follower, candidate, learner, starting
  Term term;
  ServerId leader;     // 0: unknown
  bool ready = false;  // a leader that a quorum confirmed lately is known here, and this server is caught up
  LogIndex commit, applied, last, snapshot;
  Zxid zxid;
  uint64_t znodes = 0, sessions = 0, ephemerals = 0, watches = 0, connections = 0;
  uint64_t memory_bytes = 0, log_bytes = 0, snapshot_bytes = 0;
  uint64_t window_bytes = 0;  // of past events (W3)
  Zxid window_begin;          // every event after it is in the window
  EnsembleId ensemble;
  uint32_t state_machine_version = 0;
  uint64_t damaged_records = 0;
  bool writes_stopped = false;   // D13
  bool refusing_growth = false;  // L11
  // Without a quorum for so long that clients that accept it are served (16.1 of the protocol sheet). Neither this nor
  // `ready`: not serving.
  bool read_only = false;
  uint64_t approximate_data_bytes = 0;  // of paths and data, as ZooKeeper counts them (6.5)
  absl::Duration leader_uptime;         // leader only: since it was elected
};

struct MemberStatus {
  ServerId server;
  StorageId storage;
  std::string role;  // voter, learner, guest
  std::string address;
  bool leader = false;
  bool connected = false;  // to this server; itself always
  // At the leader only:
  bool active = false;  // answered within an election timeout
  LogIndex match;
};

struct SessionStatus {
  SessionId session;
  absl::Duration timeout;
  absl::Duration expires_in = absl::InfiniteDuration();  // leader only; not known before its first look: infinite
};
struct EphemeralsOfSession {
  SessionId session;
  std::vector<std::string> paths;
};
struct WatchesOfSession {
  SessionId session;
  std::vector<std::string> paths;
};

struct DigestStatus {
  LogIndex applied;
  Zxid zxid;
  uint64_t digest = 0;
  uint32_t digest_version = 0;
};

}  // namespace synod::service

// A session as its client sees it: numbering, the table of unanswered requests, reconnecting, and what may be believed
// of the session. Pure: no socket, no thread, no clock.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "coordinator/base/random.h"
#include "coordinator/client/backoff.h"
#include "coordinator/client/server_list.h"
#include "coordinator/client/types.h"
#include "coordinator/client/watches.h"
#include "synod/v1/coordination.pb.h"

namespace synod::client {

// Gets the reply, or an error that is not kOk and a reply that is default (raised here) or whole (the server's).
using ReplyHandler = absl::AnyInvocable<void(const Error&, v1::Reply&)>;

struct Submission {
  v1::Request request;  // id and sequence are given by the session; paths without chroot
  WatchCallback watch;  // with Exists, GetData, GetChildren (watch = true) and AddWatch
  ReplyHandler done;
  absl::Duration deadline = absl::InfiniteDuration();  // monotonic; the caller waits no longer
};

struct SessionTimes {
  absl::Duration timeout = absl::Seconds(10);
  absl::Duration disconnect_grace;                    // S8; zero: off
  absl::Duration connect_timeout = absl::Seconds(1);  // until the transport stands
  // How long a server may be silent while something is unanswered. Zero: min(1 s, timeout / 3), with a grace no more
  // than max(300 ms, 2/3 of it). Doubles with each such break in a row, so that a slow ensemble is not stormed.
  absl::Duration stall_timeout;
  absl::Duration backoff_initial = absl::Milliseconds(5);
  absl::Duration backoff_cap = absl::Milliseconds(500);
  size_t max_pending_requests = 100'000;  // beyond: kOverloaded, not done
};

// Driven by one thread. Every input carries `now`, monotonic; after each, the driver takes what is to be done, in this
// order: TakeDisconnect, TakeConnect, TakeMessage (while its stream can be written), TakeDeliveries (and calls them,
// outside), and comes back at NextDeadline. A stream has an attempt number; inputs of an attempt that is not the
// present one are ignored.
//
// Invariants:
//  - requests_ holds all unanswered requests in order; [0, sent_) were sent on the present stream, and replies come for
//    requests_[0].
//  - a write gets its number when first sent, and is sent again as the same bytes (S2).
//  - last_zxid_ is at least the zxid of everything shown to the user (S9).
//  - watches_ knows what was shown of events: replies and pongs say that every event up to their zxid came before, an
//    event only that those of its own watch did (W2, W3).
//  - credentials_ are those that a server took. One under way goes with a connect too once it was sent: it may have
//  been
//    applied, and then its reply alone would not bring it to the new connection.
//  - lost is raised at two thirds of the timeout after the last answered ping was *sent* (S7). Attaching to a session
//    again is not an answered ping; creating one is.
class Session {
 public:
  using Task = absl::AnyInvocable<void()>;
  struct Connect {
    size_t server = 0;
    uint64_t attempt = 0;
  };

  Session(std::vector<std::string> addresses, Chroot chroot, std::vector<Credential> credentials, SessionTimes times,
          uint64_t seed, SessionCallback on_state);

  // ---- inputs ----
  void Submit(Submission submission, absl::Duration now);
  // The transport of `attempt` stands; it can be written.
  void OnStarted(uint64_t attempt, absl::Duration now);
  void OnMessage(uint64_t attempt, v1::ServerMessage& message, absl::Duration now);
  void OnEnded(uint64_t attempt, const absl::Status& status, absl::Duration now);
  void OnTick(absl::Duration now);
  // Fails what is unanswered and lets go of the connection without ending the session: it lives until its timeout or
  // grace.
  void Abandon();

  // ---- outputs ----
  // The attempt whose stream is to be cancelled.
  std::optional<uint64_t> TakeDisconnect();
  std::optional<Connect> TakeConnect();
  // The next encoded ClientMessage to write on the present stream, as many requests as fit; nullopt: nothing to say.
  std::optional<std::string> TakeMessage(absl::Duration now);
  // User callbacks, in order: an event stands before a reply that shows its change.
  std::vector<Task> TakeDeliveries();
  // When OnTick has something to do; infinite: never.
  absl::Duration NextDeadline() const;

  // ---- what is known ----
  SessionState state() const { return state_; }
  int64_t session_id() const { return session_id_; }
  // Until when the session may be believed in: the next kLost, unless a ping is answered before. Negative infinity once
  // lost.
  absl::Duration HeldUntil() const;
  absl::Duration timeout() const { return timeout_; }
  // "127.0.0.1:2281: connection refused; ..." for error messages.
  std::string LastErrors() const;
  size_t pending() const { return requests_.size(); }

 private:
  enum class Phase { kWaiting, kConnecting, kAttaching, kOpen, kFinished };

  struct Pending {
    uint64_t id = 0;
    uint64_t sequence = 0;
    bool write = false;
    bool ever_sent = false;
    v1::Request request;  // empty once encoded, but for what Watch* need
    std::string encoded;  // field 2 of ClientMessage: tag, length, request
    v1::Request::OperationCase operation = v1::Request::OPERATION_NOT_SET;
    std::string watch_path;
    v1::WatchKind watch_kind = v1::DATA;
    WatchCallback watch;
    std::optional<Credential> credential;  // Authenticate
    ReplyHandler done;                     // null: the caller was answered with kTimeout; the entry keeps its place
    absl::Duration deadline = absl::InfiniteDuration();
  };

  // session.cc
  void StartConnecting(absl::Duration now);
  // The connection is of no use: suspended, and on to the next server, at once or after a wait.
  void Break(const absl::Status& why, bool cancel, bool wait, absl::Duration now);
  void Finish(SessionState state, const Error& unsent, const Error& sent);
  void SetState(SessionState state);
  void CheckLost(absl::Duration now);
  void CheckStall(absl::Duration now);
  void CheckRequestDeadlines(absl::Duration now);
  absl::Duration LostAt() const;
  absl::Duration StallAt() const;
  absl::Duration PingInterval() const;
  absl::Duration StallTimeout() const;
  std::string ConnectMessage(absl::Duration now);
  void FillCredentials(v1::Connect* connect) const;
  void Encode(Pending& pending);
  uint64_t ConfirmedBelow() const;

  // session_replies.cc
  void OnConnected(const v1::Connected& connected, absl::Duration now);
  bool OnReply(v1::Reply& reply, absl::Duration now);
  void OnEvent(const v1::WatchEvent& event);
  void OnPong(const v1::Pong& pong, absl::Duration now);
  void ArmWatch(Pending& pending, const v1::Reply& reply);
  void Answer(Pending& pending, const Error& error, v1::Reply reply);

  const std::vector<std::string> addresses_;
  const Chroot chroot_;
  const SessionTimes times_;
  SessionCallback on_state_;
  Random random_;
  ServerRotation rotation_;
  Backoff backoff_;

  // The session.
  SessionState state_ = SessionState::kConnecting;
  int64_t session_id_ = 0;
  std::string password_;
  absl::Duration timeout_;
  absl::Duration grace_;
  int64_t last_zxid_ = 0;
  Watches watches_;
  std::vector<Credential> credentials_;
  Error end_;             // once finished: what later calls get
  bool closing_ = false;  // a CloseSession was sent

  // The connection.
  Phase phase_ = Phase::kWaiting;
  uint64_t attempt_ = 0;
  size_t server_ = 0;
  absl::Duration retry_at_;
  absl::Duration attempt_deadline_ = absl::InfiniteDuration();
  bool connect_sent_ = false;
  std::optional<Connect> connect_;
  std::optional<uint64_t> disconnect_;
  std::map<size_t, std::string> last_errors_;           // by server, since it last was of use
  absl::Duration broke_at_ = absl::InfiniteDuration();  // S8; infinite while attached
  absl::Duration heard_at_;
  absl::Duration waiting_since_ = absl::InfiniteDuration();  // of the oldest request unanswered on this stream
  int stalls_in_row_ = 0;

  // Pings.
  struct SentPing {
    uint64_t number;
    absl::Duration sent_at;
  };
  uint64_t next_ping_ = 1;
  std::deque<SentPing> pings_;  // unanswered on this stream
  absl::Duration ping_due_;
  absl::Duration answered_ping_sent_at_;  // S7
  absl::Duration connect_sent_at_;

  // Requests.
  std::deque<Pending> requests_;
  size_t sent_ = 0;
  uint64_t next_id_ = 1;
  uint64_t next_sequence_ = 1;
  size_t window_ = 1'000;
  uint32_t max_data_bytes_ = 0;
  std::multimap<absl::Duration, uint64_t> deadlines_;  // to request ids

  std::vector<Task> deliveries_;
};

}  // namespace synod::client

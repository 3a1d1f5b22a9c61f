// What a Follow does, step by step: which server to ask, from which cursor on, and what of its answers is new. Pure: no
// socket, no thread, no clock.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "coordinator/base/random.h"
#include "coordinator/client/backoff.h"
#include "coordinator/client/follow.h"
#include "coordinator/client/server_list.h"
#include "synod/v1/coordination.pb.h"

namespace synod::client {

// Driven by one thread. Every input carries `now`, monotonic; after each, the driver takes what is to be done, in this
// order: TakeDisconnect, TakeConnect, TakeDeliveries (and calls them, outside), and comes back at NextDeadline. A
// stream has an attempt number; inputs of an attempt that is not the present one are ignored.
//
// Invariants:
//  - cursor_ covers exactly what on_events was given; each request asks for what comes after it.
//  - an event is given if it comes after cursor_, so never twice.
//  - lost only when every server was tried since one served, and one of them said that the cursor is too old: windows
//    differ from server to server.
class Follower {
 public:
  using Task = absl::AnyInvocable<void()>;
  struct Connect {
    size_t server = 0;
    uint64_t attempt = 0;
    std::string request;  // an encoded WatchRequest
  };

  // `options.servers` is not looked at.
  Follower(ServerList servers, FollowOptions options, FollowCallbacks callbacks, uint64_t seed);

  // ---- inputs ----
  // The transport of `attempt` stands.
  void OnStarted(uint64_t attempt, absl::Duration now);
  void OnResponse(uint64_t attempt, v1::WatchResponse& response, absl::Duration now);
  void OnEnded(uint64_t attempt, const absl::Status& status, absl::Duration now);
  // The callbacks took until now, and nothing was read meanwhile: silence counts from here.
  void OnDelivered(absl::Duration now);
  void OnTick(absl::Duration now);

  // ---- outputs ----
  // Whether the present stream is to be cancelled.
  bool TakeDisconnect();
  std::optional<Connect> TakeConnect();
  std::vector<Task> TakeDeliveries();
  // When OnTick has something to do; infinite: never.
  absl::Duration NextDeadline() const;

 private:
  enum class Phase { kWaiting, kConnecting, kStreaming, kFinished };

  void StartConnecting(absl::Duration now);
  std::string Request() const;
  // The stream is of no use: on to the next server, at once or after a wait.
  void Break(const absl::Status& why, bool cancel, bool wait, absl::Duration now);
  // This server does not hold what comes after the cursor.
  void Refused(Cursor oldest, const absl::Status& why, bool cancel, absl::Duration now);
  void Finish(Task last_word);
  void SetState(FollowState state, const std::string& why);
  std::string LastErrors() const;

  const ServerList servers_;
  const FollowOptions options_;
  FollowCallbacks callbacks_;
  Random random_;
  ServerRotation rotation_;
  Backoff backoff_;

  std::optional<Cursor> cursor_;
  std::optional<FollowState> state_;
  std::optional<Cursor> refused_;  // since a server served: the oldest on offer where the cursor was too old

  Phase phase_ = Phase::kWaiting;
  uint64_t attempt_ = 0;
  size_t server_ = 0;
  bool first_response_ = true;  // of this stream is still to come
  absl::Duration retry_at_ = -absl::InfiniteDuration();
  absl::Duration deadline_ = absl::InfiniteDuration();  // of connecting, or of the server's silence
  std::optional<Connect> connect_;
  bool disconnect_ = false;
  std::map<size_t, std::string> last_errors_;  // by server, since it last was of use
  std::vector<Task> deliveries_;
};

}  // namespace synod::client

// A watch with a life of its own (W3): every change of a node or subtree from a place on, in order, without a gap and
// without a repetition, across reconnects, servers and restarts of the caller. Needs no session.
//
//   FollowOptions options;
//   options.servers = "127.0.0.1:2281,127.0.0.1:2282,127.0.0.1:2283/app";
//   options.path = "/config";
//   options.recursive = true;
//   options.after = saved_cursor;
//   FollowCallbacks callbacks;
//   callbacks.on_events = [](std::vector<FollowEvent> events, Cursor cursor) { ...; Save(cursor); };
//   callbacks.on_lost = [](Cursor oldest) { ... read everything again, and follow from before that read ... };
//   SYNOD_ASSIGN_OR_RETURN(auto follow, Follow::Start(std::move(options), std::move(callbacks)));
//
// To cache a subtree: start without `after`, wait for the first on_events (its cursor is the place from which nothing
// will be missed), read the subtree, then apply the events; one that the read shows already is applied twice and must
// do no harm (compare Stat::mzxid).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/client/types.h"

namespace synod::client {

struct FollowOptions {
  std::string servers;          // "host:port,host:port" with an optional "/chroot"; gRPC ports
  std::string path;             // need not exist
  bool recursive = false;       // all below it too; then without kChildrenChanged
  std::optional<Cursor> after;  // the last one given to on_events, now or in an earlier life. nullopt: from now on
  bool with_data = false;
  std::vector<Credential> credentials;
  // A server says at least this often that it is there (100 ms to 1 min). After three of them in silence another one is
  // tried.
  absl::Duration progress = absl::Seconds(2);
  absl::Duration connect_timeout = absl::Seconds(1);  // of one attempt
  uint64_t seed = 0;                                  // of jitter and server order; 0: drawn from the system
};

struct FollowEvent : WatchEvent {
  // with_data, with kCreated and kDataChanged: the node as of this change. Both nullopt when it was changed or deleted
  // since (that event follows), or when it may not be read any more.
  std::optional<Stat> stat;
  Data data;  // with `stat`: nullopt is null
};

enum class FollowState {
  kFollowing,    // a server sends; what happens is told as it happens
  kInterrupted,  // the connection broke, or a first one could not be had: another is sought. Nothing is lost
};

// Called on the Follow's one thread, one at a time. They may block: nothing is read meanwhile, and the server holds
// back (who stays away for longer than the servers' window of events ends with on_lost). Any but on_events may be null.
struct FollowCallbacks {
  // Events in order, each once; none: a progress mark, or the first word of a server. All up to `cursor` was given,
  // with these events. Keep it together with what you made of the events: it is `after` of the next life.
  absl::AnyInvocable<void(std::vector<FollowEvent> events, Cursor cursor)> on_events;
  // `why`: of kInterrupted, what the servers said, for people. At the start the state is neither.
  absl::AnyInvocable<void(FollowState state, const std::string& why)> on_state;
  // The last call. The cursor is older than anything the servers still hold: events are lost. `oldest`: from where on
  // they could be had. Every server of the list was asked, as far as it could be reached.
  absl::AnyInvocable<void(Cursor oldest)> on_lost;
  // The last call. The servers refuse this for good: kMalformed (path), kAuthFailed (credentials).
  absl::AnyInvocable<void(const Error& error)> on_failed;
};

// Owns one thread. Follows until it is destroyed, or on_lost or on_failed was called.
class Follow {
 public:
  // Connects in the background. InvalidArgument: the server list or an option makes no sense.
  static absl::StatusOr<std::unique_ptr<Follow>> Start(FollowOptions options, FollowCallbacks callbacks);
  // No callback runs any more when this returns. Not inside one.
  ~Follow();
  Follow(const Follow&) = delete;
  Follow& operator=(const Follow&) = delete;

 private:
  struct Impl;
  explicit Follow(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace synod::client

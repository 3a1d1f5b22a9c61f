// An ephemeral node that comes back: a registration that stands as long as this object, from session to session.
//
//   PersistentEphemeral here(session.get(), "/brokers/ids/7", {.identity = "broker 7", .data = endpoints});
//
// Layout: `path`, an ephemeral; its data is the identity, a line feed, and the data. What is above it is made when
// missing, as persistent nodes, and stays.
//
// The identity says who somebody is over restarts: a number of the configuration, not of the process. It tells a stale
// node of this one's own past (a process that was killed, whose session has not expired yet) from somebody else's.
//
// Guarantees
//  - The node comes back after an expiry, with the renewed session (session.h); and when somebody deletes it.
//  - When this object begins and finds a node with its own identity, it replaces it at once, in one transaction, on the
//    condition that it is that very node (czxid): a restarted process need not wait for its old session to expire.
//  - A node of another identity is never touched: kOccupied is told, and the place taken when that node has gone.
//  - Of two objects with one identity the one that began later stays: the earlier finds itself replaced, says kReplaced
//    and stops for good. They do not fight.
//  - It removes and changes only the very node it made (czxid), also in its destructor.
//
// What may happen, as on_change tells it
//  - Connection lost, a server killed, the leader too: nothing; the node stands.
//  - Session lost by the client's clock: kUncertain: the node stands, but may go soon. Then kPresent again, or kAbsent.
//  - Session expired: kAbsent, then kPresent with the new session. Without renewal, or closed: kFailed. Final.
//  - Node deleted by somebody: kAbsent, then kPresent.
//  - Refused (kNoAuth, kBadArguments, kQuotaExceeded, ...): kFailed with the error; tried again when the session
//  connects
//    again.
//  - No quorum: kUncertain.
// It is a registration, not a lock: between kUncertain and what follows others may still see the node, or not any more.
//
// Threads. All methods from any thread, WaitUntilPresent not from a callback. on_change runs on the session's callback
// thread and must not block.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "coordinator/recipes/session.h"

namespace synod::recipes {

enum class Presence { kAbsent, kPresent, kUncertain, kOccupied, kReplaced, kFailed };
std::string_view PresenceName(Presence presence);

class PersistentEphemeral {
 public:
  struct Options {
    std::string identity;  // REQUIRES: not empty, no line feed
    std::string data;
    // Called for each change, in order, one at a time. `error` is ok but with kFailed.
    std::function<void(Presence, const client::Error& error)> on_change;
  };
  // What a node's data says; nullopt: it is none of this recipe's.
  struct Content {
    std::string identity;
    std::string data;
  };
  static std::string Encode(std::string_view identity, std::string_view data);
  static std::optional<Content> Decode(const client::Data& data);

  PersistentEphemeral(Session* session, std::string path, Options options);
  // Removes the node, in order with other calls of the client; does not wait. When it returns on_change does not run
  // and will not; so do not hold a lock that it takes.
  ~PersistentEphemeral();
  PersistentEphemeral(const PersistentEphemeral&) = delete;
  PersistentEphemeral& operator=(const PersistentEphemeral&) = delete;

  Presence presence() const;
  // Changes the data, now and for every coming back. Does not wait.
  void SetData(std::string data);
  // Waits for kPresent. kTimeout; or, when it is final or refused, why: kNodeExists for kReplaced.
  client::Result<int64_t> WaitUntilPresent(absl::Duration timeout = absl::InfiniteDuration()) const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace synod::recipes

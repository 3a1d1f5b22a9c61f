// The value of one node, kept up to date.
//
//   NodeCache config(session.get(), "/config", {.on_change = [](const NodeCache::Value& v) { Apply(v); }});
//   config.WaitUntilKnown(absl::Seconds(5));
//   NodeCache::Value now = config.Get();
//
// Guarantees
//  - It converges: once the node stops changing, Get returns its last value, as soon as the client is connected. It may
//    skip values in between; it never goes back, also not from one session to the next (the first read of a session is
//    a linearizable one).
//  - on_change is called for each value that the cache takes on, in order, one at a time; for the first one too.
//  - A node that is missing is a value (nullopt), and its creation a change.
//
// What may happen
//  - Connection lost, a server killed: the value stays, and may be old; changes meanwhile are told when the client is
//    connected again. known_at() says up to which zxid the value is known to be the present one.
//  - Session expired: it goes on with the renewed session (session.h). If the session does not renew, or was closed,
//  the
//    value stays as it was.
//  - kNoAuth: on_error; it tries again when the session connects again. Likewise any other error of a read.
//
// It holds nothing: nobody is harmed by a cache that is late. Do not decide by it what a lock should decide.
//
// Threads. All methods from any thread, WaitUntilKnown not from a callback. Callbacks run on the session's callback
// thread and must not block.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "coordinator/recipes/session.h"

namespace synod::recipes {

struct CachedNode {
  client::Data data;
  client::Stat stat;
};

class NodeCache {
 public:
  using Value = std::optional<CachedNode>;  // nullopt: there is no such node
  struct Options {
    std::function<void(const Value&)> on_change;
    std::function<void(const client::Error&)> on_error;
  };

  NodeCache(Session* session, std::string path, Options options);
  NodeCache(Session* session, std::string path) : NodeCache(session, std::move(path), Options()) {}
  // When it returns no callback runs and none will; so do not hold a lock that one of them takes.
  ~NodeCache();
  NodeCache(const NodeCache&) = delete;
  NodeCache& operator=(const NodeCache&) = delete;

  // The value; nullopt also before it is known.
  Value Get() const;
  // The zxid of the read that showed it; 0: not known yet.
  int64_t known_at() const;
  // Waits for the first read. False: not within `timeout`.
  bool WaitUntilKnown(absl::Duration timeout = absl::InfiniteDuration()) const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace synod::recipes

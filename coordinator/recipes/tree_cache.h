// A subtree, kept up to date.
//
//   TreeCache config(session.get(), "/config", {.on_event = [](const TreeCache::Event& e) { Apply(e); }});
//   config.WaitUntilInitialised(absl::Seconds(10));
//   std::optional<CachedNode> node = config.Get("/config/limits");
//
// It sets a persistent recursive watch, reads the subtree, and reads again each node of which an event speaks. Events
// and answers come in one order on one stream, an event before any answer that shows its change (W2); after a change of
// server every event since comes again, in order, before anything else (W3). So no change is missed.
//
// Guarantees
//  - It converges: once the subtree stops changing, the cache equals it, as soon as the client is connected.
//  - kInitialised is told once, when the subtree was read for the first time; before it only kAdded. Then each change
//  of
//    the cache is told in order, one at a time: a node is added before it is changed or removed, and a node that was
//    deleted and made anew while nobody looked is told as changed. Values in between may be skipped.
//  - Of a Stat, what belongs to the children (cversion, pzxid, num_children) is as of the last read of the node: a
//  change
//    of the list of children is no event of the node (W2), and nothing is told of it. Children() is up to date.
//  - Each node is of a state that the tree had; all of them together need not be of one and the same state.
//
// What may happen
//  - Connection lost, a server killed: the cache stays, and may be old, until the client is connected again.
//  - No server holds the events since any more (kEventsLost), or the session expired and was renewed: the subtree is
//  read
//    anew beside the old view, and the differences are told when all of it is there. Until then the old view stays. The
//    first read of a new session is a linearizable one, so that the view does not go back.
//  - Session expired without renewal, or closed: the cache stays as it was.
//  - Nodes that may not be read (kNoAuth) are not in the cache. Another error of a read: on_error; the whole is read
//  anew
//    when the session connects again.
//
// It holds nothing: do not decide by a cache what a lock should decide.
//
// Threads. All methods from any thread, WaitUntilInitialised not from a callback. Callbacks run on the session's
// callback thread and must not block. Memory: all data of the subtree.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/recipes/node_cache.h"
#include "coordinator/recipes/session.h"

namespace synod::recipes {

class TreeCache {
 public:
  using View = std::map<std::string, CachedNode>;  // by path
  struct Event {
    enum class Type { kInitialised, kAdded, kChanged, kRemoved };
    Type type = Type::kInitialised;
    std::string path;  // of the root with kInitialised
    CachedNode node;   // kRemoved: as it was last
  };
  struct Options {
    std::function<void(const Event&)> on_event;
    std::function<void(const client::Error&)> on_error;
  };

  // The root need not exist.
  TreeCache(Session* session, std::string root, Options options);
  TreeCache(Session* session, std::string root) : TreeCache(session, std::move(root), Options()) {}
  // When it returns no callback runs and none will; so do not hold a lock that one of them takes.
  ~TreeCache();
  TreeCache(const TreeCache&) = delete;
  TreeCache& operator=(const TreeCache&) = delete;

  std::optional<CachedNode> Get(const std::string& path) const;
  // Names of the children in the cache, in byte order.
  std::vector<std::string> Children(const std::string& path) const;
  View All() const;
  // Waits for kInitialised. False: not within `timeout`.
  bool WaitUntilInitialised(absl::Duration timeout = absl::InfiniteDuration()) const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace synod::recipes

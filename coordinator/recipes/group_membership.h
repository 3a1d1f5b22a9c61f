// A group: members join with data, everybody sees who is in it.
//
//   GroupMembership group(session.get(), "/services/search", {.on_change = [](const GroupMembership::Members& m)
//   {...}}); group.Join("host-7", "10.0.0.7:8080");
//
// Layout: `path`/MEMBER, one ephemeral per member (persistent_ephemeral.h) whose identity is the member's own name.
//
// Guarantees and what may happen are those of its two parts: a member's node is a PersistentEphemeral (it comes back
// after an expiry; a restarted member replaces its own stale node; of two members of one name the later stays); the
// view is a TreeCache (it converges, misses nothing, may be late). A member that died is seen until its session expired
// or its grace passed (S8). A change of a member's data is a change of the group. It holds nothing: two observers may
// see different members for a while.
//
// Threads. All methods from any thread, the waiting ones not from a callback. Callbacks run on the session's callback
// thread and must not block.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "absl/time/time.h"
#include "coordinator/recipes/persistent_ephemeral.h"
#include "coordinator/recipes/tree_cache.h"

namespace synod::recipes {

class GroupMembership {
 public:
  using Members = std::map<std::string, std::string>;  // name to data
  struct Options {
    // Called when the group is known, and then for every change, in order, one at a time.
    std::function<void(const Members&)> on_change;
    // Of the own node; see PersistentEphemeral.
    std::function<void(Presence, const client::Error&)> on_presence;
  };

  // Observes. REQUIRES: `path` is not "/".
  GroupMembership(Session* session, std::string path, Options options);
  GroupMembership(Session* session, std::string path) : GroupMembership(session, std::move(path), Options()) {}
  // Leaves. When it returns no callback runs and none will; so do not hold a lock that one of them takes.
  ~GroupMembership();
  GroupMembership(const GroupMembership&) = delete;
  GroupMembership& operator=(const GroupMembership&) = delete;

  // Joins, under a name without "/" and line feed, or changes the data if it has joined under this very name. One
  // thread at a time calls Join, Leave and WaitUntilJoined.
  void Join(const std::string& name, std::string data);
  void Leave();
  // Waits until the own node stands. kBadArguments: Join was not called. Otherwise as PersistentEphemeral.
  client::Result<int64_t> WaitUntilJoined(absl::Duration timeout = absl::InfiniteDuration()) const;

  Members Get() const;
  // Waits until the group was read. False: not within `timeout`.
  bool WaitUntilKnown(absl::Duration timeout = absl::InfiniteDuration()) const;

 private:
  void OnEvent(const TreeCache::Event& event);

  Session* const session_;
  const std::string path_;
  const Options options_;
  std::string name_;
  std::unique_ptr<PersistentEphemeral> self_;  // null: observes only
  bool known_ = false;                         // kInitialised came; the cache's callbacks only
  mutable std::mutex mutex_;
  Members members_;                   // guarded by mutex_
  std::unique_ptr<TreeCache> cache_;  // last: its callbacks use all of the above
};

}  // namespace synod::recipes

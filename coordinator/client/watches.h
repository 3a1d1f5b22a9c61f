// The watches a client holds, and whom an event concerns (W2, W3).
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coordinator/client/types.h"
#include "synod/v1/coordination.pb.h"

namespace synod::client {

// Paths are the server's (chroot included). The server holds one watch per session, path and kind; this table may hold
// several callbacks for it. Ordered by path, so that what is sent at a reconnect does not follow a hash. Not
// thread-safe, calls nothing: Fire hands out what is to be called.
//
// What was shown. Replies and pongs say that every event up to their zxid came before: ShownUpTo. An event says so only
// of the events of its own persistent watch, so each of those has a cursor of its own beside (it counts where it is
// later). At a reconnect a persistent watch asks for everything after its cursor, and an event at or before it is a
// repetition that nobody hears.
//
// Catching up. After a reconnect events of one watch come because another one asked for them, while the server may have
// yet to say that this one's are lost. So until the first reply or pong a watch that breaks off again asks from where
// it asked before.
class Watches {
 public:
  using SharedCallback = std::shared_ptr<WatchCallback>;

  // A one-shot or persistent watch that the server has confirmed.
  void Add(const std::string& path, v1::WatchKind kind, WatchCallback callback);
  // Forgets all callbacks of (path, kind). DATA and EXISTS are one kind to the server, and go together.
  void Remove(const std::string& path, v1::WatchKind kind);
  // The callbacks this event is for; one-shot ones leave the table. ZooKeeper's rules: created and changed fire data
  // and exists watches, deleted fires those and children watches, children fires children watches; a persistent watch
  // on the very path gets all, a recursive one on it or above all but `children`. EVENTS_LOST is for the persistent
  // watches on the very path. An event with the ordinal Cursor::kAll is that of a one-shot watch set again at connect,
  // whose zxid is not that of its change: persistent watches get the change itself.
  std::vector<SharedCallback> Fire(v1::WatchEvent::Type type, const std::string& path, Cursor at);
  // A server set again what FillRearm said, and what was missed comes.
  void BeginCatchUp();
  // Every event up to and with `zxid` was given to Fire. Never goes back. Ends the catching up.
  void ShownUpTo(int64_t zxid);
  int64_t shown_up_to() const { return shown_up_to_; }
  // What to set again on a new connection: one-shot watches valid at shown_up_to(), persistent ones with their cursors.
  void FillRearm(google::protobuf::RepeatedPtrField<v1::WatchSet>* out) const;
  void Clear() { watches_.clear(); }
  size_t size() const { return watches_.size(); }

 private:
  using Key = std::pair<std::string, v1::WatchKind>;
  struct Watch {
    std::vector<SharedCallback> callbacks;
    Cursor shown{0, 0};  // persistent: its own last event
    Cursor asked{0, 0};  // while catching up: from where
  };
  void CollectOneShot(const std::string& path, v1::WatchKind kind, std::vector<SharedCallback>* out);
  void CollectPersistent(const std::string& path, v1::WatchKind kind, Cursor at, std::vector<SharedCallback>* out);
  Cursor CursorOf(const Watch& watch) const { return std::max(watch.shown, Cursor{shown_up_to_, Cursor::kAll}); }

  std::map<Key, Watch> watches_;
  int64_t shown_up_to_ = 0;
  bool catching_up_ = false;
};

}  // namespace synod::client

// The watches a client holds, and whom an event concerns (W2).
#pragma once

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
class Watches {
 public:
  using SharedCallback = std::shared_ptr<WatchCallback>;

  // A one-shot or persistent watch that the server has confirmed.
  void Add(const std::string& path, v1::WatchKind kind, WatchCallback callback);
  // Forgets all callbacks of (path, kind).
  void Remove(const std::string& path, v1::WatchKind kind);
  // The callbacks this event is for; one-shot ones leave the table. ZooKeeper's rules: created and changed fire data
  // and exists watches, deleted fires those and children watches, children fires children watches; a persistent watch
  // on the very path gets all, a recursive one on it or above all but `children`.
  std::vector<SharedCallback> Fire(v1::WatchEvent::Type type, const std::string& path);
  // What to set again on a new connection, all valid at `since_zxid`.
  void FillRearm(int64_t since_zxid, google::protobuf::RepeatedPtrField<v1::WatchSet>* out) const;
  void Clear() { watches_.clear(); }
  size_t size() const { return watches_.size(); }

 private:
  using Key = std::pair<std::string, v1::WatchKind>;
  void Collect(const std::string& path, v1::WatchKind kind, bool one_shot, std::vector<SharedCallback>* out);

  std::map<Key, std::vector<SharedCallback>> watches_;
};

}  // namespace synod::client

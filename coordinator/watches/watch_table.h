// The watches of the connections of one server. Local, fed by tree events; never replicated (specs: ZooKeeper protocol,
// section 13).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/base/ids.h"
#include "coordinator/tree/event.h"

namespace synod::watches {

// One connection of one server; never reused within a process.
using WatcherId = StrongInt<struct WatcherIdTag, uint64_t>;

enum class WatchKind : uint8_t { kData = 0, kExists = 1, kChildren = 2, kPersistent = 3, kPersistentRecursive = 4 };

enum class NotificationType : uint8_t {
  kCreated = 1,
  kDeleted = 2,
  kDataChanged = 3,
  kChildrenChanged = 4,
  kEventsLost = 5
};

struct Notification {
  WatcherId watcher;
  NotificationType type = NotificationType::kCreated;
  std::string path;  // the changed node's; for kChildrenChanged the parent's
  Zxid zxid;
  AclId acl;               // delivery needs READ on it (13.7)
  bool of_parent = false;  // tells of the list of children of the changed node's parent
};

// Used by one thread. A path is held once however many watch it, and takes no memory once nobody does; a watch is 8
// bytes at its path and about 5 at its watcher.
class WatchTable {
 public:
  WatchTable();
  ~WatchTable();
  WatchTable(const WatchTable&) = delete;
  WatchTable& operator=(const WatchTable&) = delete;

  // Setting the same watch twice is one watch. kData and kExists share the data table.
  void Add(WatcherId watcher, std::string_view path, WatchKind kind);
  // Whether there was one. `kind` as in 13.6.
  bool Remove(WatcherId watcher, std::string_view path, WatchKind kind);
  bool Has(WatcherId watcher, std::string_view path, WatchKind kind) const;
  // The same of any kind: whether there was one, or is; all of them go.
  bool RemoveAny(WatcherId watcher, std::string_view path);
  bool HasAny(WatcherId watcher, std::string_view path) const;
  // The connection is gone: all of its watches, persistent ones too.
  void RemoveWatcher(WatcherId watcher);
  // What fires for one event, in ZooKeeper's order (13.3), appended to `out` sorted by watcher within one trigger.
  // One-shot watches are consumed.
  void Fire(const tree::Event& event, std::vector<Notification>* out);

  // What it watches, each path once, in byte order.
  std::vector<std::string> PathsOf(WatcherId watcher) const;

  size_t watch_count() const;  // (watcher, path, kind), with kData and kExists one kind
  size_t path_count() const;
  size_t watcher_count() const;
  size_t memory_bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace synod::watches

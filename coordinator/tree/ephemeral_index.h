// Which nodes go with which session. Private to tree; used by one thread. Filed under handles, ordered by what all
// servers agree on: by age (czxid, then path) and by path.
#pragma once

#include <cstddef>
#include <string_view>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "coordinator/base/ids.h"
#include "coordinator/tree/znode.h"

namespace synod::tree {

class EphemeralIndex {
 public:
  // `store` outlives it.
  explicit EphemeralIndex(const NodeStore& store) : store_(store) {}

  // REQUIRES not there; attached to the tree, as all that are there.
  void Add(SessionId owner, Handle handle);
  // REQUIRES there.
  void Remove(SessionId owner, Handle handle);
  // The first by (czxid, path); kNoHandle: the session has none.
  Handle Oldest(SessionId owner) const;
  // In byte order of the paths, from the first that is not less than `from`, until `visit` returns false.
  void VisitByPath(SessionId owner, std::string_view from, absl::FunctionRef<bool(Handle)> visit) const;
  size_t size() const { return size_; }
  // About: 6 bytes a node and order, and a map slot with two tree heads per session.
  size_t memory_bytes() const { return size_ * 12 + sessions_.capacity() * (sizeof(Session) + 9); }

 private:
  struct ByAge {
    const NodeStore* store;
    bool operator()(Handle a, Handle b) const;
  };
  struct ByPath {
    using is_transparent = void;
    const NodeStore* store;
    bool operator()(Handle a, Handle b) const { return store->PathBefore(a, b); }
    bool operator()(Handle a, std::string_view path) const { return store->Path(a) < path; }
    bool operator()(std::string_view path, Handle b) const { return path < store->Path(b); }
  };
  struct Session {
    absl::btree_set<Handle, ByAge> by_age;
    absl::btree_set<Handle, ByPath> by_path;
  };

  const NodeStore& store_;
  absl::flat_hash_map<SessionId, Session> sessions_;  // looked up only
  size_t size_ = 0;
};

}  // namespace synod::tree

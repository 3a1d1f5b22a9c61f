// Which nodes go with which session. Private to tree; used by one thread. Handles are in no meaningful order: whoever
// shows them sorts by path.
#pragma once

#include <cstddef>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "coordinator/base/ids.h"
#include "coordinator/tree/znode.h"

namespace synod::tree {

class EphemeralIndex {
 public:
  // REQUIRES not there.
  void Add(SessionId owner, Handle handle);
  // REQUIRES there.
  void Remove(SessionId owner, Handle handle);
  std::vector<Handle> Of(SessionId owner) const;
  size_t size() const { return size_; }
  // About: 6 bytes a node, and a map slot with a tree head per session.
  size_t memory_bytes() const { return size_ * 6 + sessions_.capacity() * 33; }

 private:
  absl::flat_hash_map<SessionId, absl::btree_set<Handle>> sessions_;
  size_t size_ = 0;
};

}  // namespace synod::tree

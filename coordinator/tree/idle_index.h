// Containers and TTL nodes that may be removed, by time (sections 8.5, 8.6), so that nobody ever looks for them.
// Private to tree; used by one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/btree_set.h"
#include "coordinator/tree/znode.h"

namespace synod::tree {

class IdleIndex {
 public:
  // `store` outlives it.
  explicit IdleIndex(const NodeStore& store) : ttl_(Earlier{&store}), containers_(Earlier{&store}) {}

  // `at_us`, by the log clock: a TTL node's time is over then; a container has had no children since then. REQUIRES a
  // node of one of these kinds, not there, attached to the tree, as all that are there.
  void Add(uint64_t at_us, Handle node);
  // REQUIRES there, with the same time.
  void Remove(uint64_t at_us, Handle node);

  // TTL nodes whose time is over and containers idle for `container_idle_us`, at most `max`, in the order in which they
  // fell due; together: by (czxid, path). Costs what it returns.
  std::vector<Handle> Due(uint64_t now_us, uint64_t container_idle_us, size_t max) const;

  // About.
  size_t memory_bytes() const { return (ttl_.size() + containers_.size()) * 24; }

 private:
  struct Entry {
    uint64_t at_us;
    Handle node;
  };
  struct Earlier {
    const NodeStore* store;
    bool operator()(const Entry& a, const Entry& b) const;
  };
  using Set = absl::btree_set<Entry, Earlier>;
  Set& SetOf(Handle node);

  Set ttl_;
  Set containers_;
};

}  // namespace synod::tree

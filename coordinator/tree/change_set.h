// Which znodes the next snapshot must write (D7). Private to tree; used by one thread.
//
// Two sets: the open one gathers changes since the last Close, the closed one is what that Close cut off and Write
// hands out. While a node lives it costs one handle in a list and bits in its slot; paths exist only for deleted nodes
// (tombstones) and saved versions.
//
//   a node's change_bits:  kListed[p]   its slot is in list p (stays on a freed slot, so that a list holds a slot once)
//                          kNew[p]      created in period p over no tombstone: nothing stored knows its path, its
//                          deletion needs none
//   with p the period's parity. A closed node still to be written has kListed[closed parity]; the bit goes when it is
//   written, or when its first later change saved the old version.
//
// Until the next Close nothing of the closed set is forgotten, so that Reopen can count all of it as changed again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "coordinator/tree/znode.h"

namespace synod::tree {

class ChangeSet {
 public:
  // `store` outlives it.
  explicit ChangeSet(NodeStore& store) : store_(store) {}

  // Call before any change of a living node's record.
  void BeforeChange(Handle handle);
  // Call after a node was added. Returns whether it took the place of a tombstone.
  bool Created(Handle handle, std::string_view path);
  // Call before a node is removed. Returns whether it left a tombstone.
  bool BeforeDelete(Handle handle, std::string_view path);

  // All changes since the mark can be taken back, if the caller also reports each tombstone it caused or removed. No
  // Close, Write or Reopen in between.
  struct Mark {
    size_t listed = 0;
    size_t saved = 0;
    size_t changed_nodes = 0;
  };
  Mark GetMark() const { return Mark{open_.size(), saved_.size(), changed_nodes_}; }
  void RestoreTombstone(std::string_view path) { AddTombstone(path); }
  void DropTombstone(std::string_view path);
  // Call last, when the nodes are as they were.
  void RollBackTo(const Mark& mark);

  // O(1). REQUIRES the last closed set was written out or reopened.
  void Close();
  // False: `keep_going` said no, and there is more.
  bool Write(const std::function<void(std::string key, std::optional<std::string> value)>& emit,
             const std::function<bool()>& keep_going);
  // `find(path)`: the living node there or kNoHandle.
  void Reopen(const std::function<Handle(std::string_view path)>& find);

  // Records the next Close would cut off.
  size_t size() const { return changed_nodes_ + tombstones_.size(); }
  size_t memory_bytes() const;

 private:
  struct Saved {
    Handle handle;
    std::string key;
    std::string value;
  };
  using Tombstones = absl::btree_set<std::string, std::less<>>;
  static uint8_t Listed(uint8_t parity) { return static_cast<uint8_t>(1u << parity); }
  static uint8_t New(uint8_t parity) { return static_cast<uint8_t>(4u << parity); }
  uint8_t closed_parity() const { return parity_ ^ 1; }

  void SaveIfClosed(Handle handle);
  void AddTombstone(std::string_view path);
  void List(Handle handle);

  NodeStore& store_;
  uint8_t parity_ = 0;  // of the open period

  std::vector<Handle> open_;
  size_t changed_nodes_ = 0;  // living nodes in open_
  Tombstones tombstones_;
  size_t tombstone_bytes_ = 0;

  std::vector<Handle> closed_;
  size_t closed_written_ = 0;
  Tombstones closed_tombstones_;
  Tombstones::const_iterator next_tombstone_ = closed_tombstones_.end();
  size_t closed_tombstone_bytes_ = 0;
  std::vector<Saved> saved_;
  size_t saved_written_ = 0;
  size_t saved_bytes_ = 0;
};

}  // namespace synod::tree

// The children of one node, to be had in byte order of their names without sorting all of them. Private to tree; used
// by one thread.
//
// Up to kChunkMax children are one vector. Beyond that they are in chunks of at most kChunkMax: chunk i holds exactly
// the names from its bound up to the next one's, so that a name's chunk is found by binary search. Inside a chunk the
// order is arbitrary until somebody walks over it; then the chunk is sorted, and stays so until a change disturbs it.
// That is invisible: what is shown is always in byte order. An add costs a search among the chunks, a removal O(1) and
// now and then the merge or split of a chunk; a walk the chunks it enters.
//
// A child knows where it is: Znode::child_index = number of its chunk * kChunkMax + place in it. The number of a chunk
// stays when chunks come and go around it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"

namespace synod::tree {

// Names a slot of the store. 0 is none. Reused after a node is freed; differs between servers, so nothing that leaves
// the tree may follow it.
using Handle = uint32_t;
inline constexpr Handle kNoHandle = 0;

class NodeStore;

class ChildList {
 public:
  static constexpr uint32_t kChunkMax = 512;

  size_t size() const { return many_ == nullptr ? few_.handles.size() : many_->size; }
  // REQUIRES a name that is not there; Remove: there.
  void Add(NodeStore& store, Handle child);
  void Remove(NodeStore& store, Handle child);

  // In byte order of the names; kNoHandle: none. `child` is one of the list.
  Handle First(NodeStore& store);
  Handle Next(NodeStore& store, Handle child);
  Handle FirstNotBefore(NodeStore& store, std::string_view name);
  // From `from` (kNoHandle: nothing) on in byte order, until `visit` returns false. `visit` changes nothing.
  void Visit(NodeStore& store, Handle from, absl::FunctionRef<bool(Handle)> visit);

  // Besides the object itself. O(1).
  size_t memory_bytes() const;

 private:
  struct Run {
    std::vector<Handle> handles;
    bool sorted = true;
  };
  struct Chunk : Run {
    uint32_t number = 0;
    std::string bound;  // not greater than any name in it; the first chunk's is empty
  };
  struct Many {
    std::vector<std::unique_ptr<Chunk>> by_number;  // null: a number to be had
    std::vector<uint32_t> free_numbers;
    std::vector<Chunk*> in_order;  // by bound; none is empty
    size_t size = 0;
    size_t capacity = 0;  // of all handles vectors
  };

  static void Sort(NodeStore& store, uint32_t number, Run& run);
  void Append(NodeStore& store, uint32_t number, Run& run, Handle child);
  void Shrink(Run& run);
  Run& RunOf(uint32_t number) { return many_ == nullptr ? few_ : *many_->by_number[number]; }
  // Position in in_order of the chunk for `name`. REQUIRES many_.
  size_t Position(std::string_view name) const;
  Chunk& NewChunk(size_t position, std::string_view bound);
  void DropChunk(size_t position);
  // The chunk for `name` after making room in the full one at `position`.
  Chunk& Split(NodeStore& store, size_t position, std::string_view name);
  // Puts a chunk that has become small together with a neighbour, or back into one vector.
  void Merge(NodeStore& store, const Chunk& chunk);
  void MoveInto(NodeStore& store, Chunk& left, Chunk& right);

  Run few_;  // all children, as chunk 0, while there is no many_
  std::unique_ptr<Many> many_;
};

}  // namespace synod::tree

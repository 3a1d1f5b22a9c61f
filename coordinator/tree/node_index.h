// From the hash of a full path to the node: the tree's only look-up structure. Private to tree; used by one thread.
//
// Extendible hashing. A directory of 2^depth pointers, indexed by the top bits of the hash, leads to segments of at
// most some 2,000 slots, which are probed linearly. A segment that fills up grows in small steps and then splits in
// two; no insert ever moves more than one segment, so that a tree of any size grows without a pause (D7: no turn of the
// loop over 5 ms). A slot keeps 32 bits of the hash beside the handle: they decide nearly every comparison and all
// moves without touching a znode. 8 bytes at a load of 0.65 to 0.81.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "coordinator/tree/znode.h"

namespace synod::tree {

class NodeIndex {
 public:
  NodeIndex();

  // The first node filed under `hash` of which `matches(handle)` holds; kNoHandle if none.
  template <typename Matches>
  Handle Find(uint64_t hash, const Matches& matches) const {
    uint32_t h = Fold(hash);
    const Segment& segment = *directory_[DirectorySlot(h)];
    for (uint32_t i = Home(h, segment);; i = Next(i, segment)) {
      const Slot& slot = segment.slots[i];
      if (slot.handle == kNoHandle) return kNoHandle;
      if (slot.hash == h && matches(slot.handle)) return slot.handle;
    }
  }
  // Fetches the place of `hash` into the processor's cache: soon it will be looked up, or filled.
  void Prefetch(uint64_t hash) const {
    uint32_t h = Fold(hash);
    const Segment& segment = *directory_[DirectorySlot(h)];
    __builtin_prefetch(&segment.slots[Home(h, segment)], 1);
  }
  // REQUIRES not there.
  void Insert(uint64_t hash, Handle handle);
  // REQUIRES there.
  void Erase(uint64_t hash, Handle handle);

  size_t size() const { return size_; }
  size_t memory_bytes() const {
    return slots_ * sizeof(Slot) + segments_.size() * 96 + directory_.size() * sizeof(Segment*);
  }

 private:
  struct Slot {
    uint32_t hash;
    Handle handle;  // kNoHandle: empty
  };
  struct Segment {
    std::unique_ptr<Slot[]> slots;
    uint32_t capacity = 0;
    uint32_t used = 0;
    uint32_t depth = 0;  // how many top bits of the hash all of its nodes share
  };

  static uint32_t Fold(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }
  size_t DirectorySlot(uint32_t h) const { return depth_ == 0 ? 0 : h >> (32 - depth_); }
  // The bits behind those that chose the segment, scaled to its capacity.
  static uint32_t Home(uint32_t h, const Segment& s) {
    return static_cast<uint32_t>((static_cast<uint64_t>(h << s.depth) * s.capacity) >> 32);
  }
  static uint32_t Next(uint32_t i, const Segment& s) { return i + 1 == s.capacity ? 0 : i + 1; }
  static void Place(Segment& segment, Slot slot);
  void MakeRoom(Segment& segment);
  void Resize(Segment& segment, uint32_t capacity);
  void Split(Segment& segment);

  std::vector<Segment*> directory_;
  std::vector<std::unique_ptr<Segment>> segments_;
  uint32_t depth_ = 0;
  size_t size_ = 0;
  size_t slots_ = 0;
};

}  // namespace synod::tree

#include "coordinator/tree/node_index.h"

#include <utility>

#include "coordinator/base/check.h"

namespace synod::tree {
namespace {

constexpr uint32_t kFirstCapacity = 64;
constexpr uint32_t kStep = 256;  // from 1,024 slots on a segment grows by this
constexpr uint32_t kSplitCapacity = 2048;
// 12 bits of the 32 are left to spread within a segment. Beyond (more than a billion nodes, or names made to collide)
// segments grow instead.
constexpr uint32_t kMaxDepth = 20;

bool Full(uint32_t used, uint32_t capacity) { return used * 16 >= capacity * 13; }

uint32_t CapacityFor(uint32_t used) {
  uint32_t capacity = kFirstCapacity;
  while (Full(used + 1, capacity)) capacity = capacity < 1024 ? capacity * 2 : capacity + kStep;
  return capacity;
}

}  // namespace

NodeIndex::NodeIndex() {
  segments_.push_back(std::make_unique<Segment>());
  Resize(*segments_.back(), kFirstCapacity);
  directory_.push_back(segments_.back().get());
}

void NodeIndex::Place(Segment& segment, Slot slot) {
  uint32_t i = Home(slot.hash, segment);
  while (segment.slots[i].handle != kNoHandle) i = Next(i, segment);
  segment.slots[i] = slot;
}

void NodeIndex::Insert(uint64_t hash, Handle handle) {
  uint32_t h = Fold(hash);
  Segment* segment = directory_[DirectorySlot(h)];
  while (Full(segment->used, segment->capacity)) {
    MakeRoom(*segment);
    segment = directory_[DirectorySlot(h)];
  }
  Place(*segment, Slot{h, handle});
  ++segment->used;
  ++size_;
}

void NodeIndex::Erase(uint64_t hash, Handle handle) {
  uint32_t h = Fold(hash);
  Segment& s = *directory_[DirectorySlot(h)];
  uint32_t hole = Home(h, s);
  while (s.slots[hole].handle != handle) {
    SYNOD_CHECK(s.slots[hole].handle != kNoHandle) << "a node that is not in the index";
    hole = Next(hole, s);
  }
  // Later slots of the run move back into the hole if they may, so that no mark of a deleted slot stays behind.
  for (uint32_t i = Next(hole, s); s.slots[i].handle != kNoHandle; i = Next(i, s)) {
    uint32_t home = Home(s.slots[i].hash, s);
    uint32_t from_home = i >= home ? i - home : i + s.capacity - home;
    uint32_t from_hole = i >= hole ? i - hole : i + s.capacity - hole;
    if (from_home < from_hole) continue;
    s.slots[hole] = s.slots[i];
    hole = i;
  }
  s.slots[hole] = Slot{0, kNoHandle};
  --s.used;
  --size_;
}

void NodeIndex::MakeRoom(Segment& segment) {
  if (segment.capacity >= kSplitCapacity && segment.depth < kMaxDepth) {
    Split(segment);
  } else {
    Resize(segment,
           segment.capacity < kSplitCapacity ? CapacityFor(segment.used) : segment.capacity + segment.capacity / 2);
  }
}

void NodeIndex::Resize(Segment& segment, uint32_t capacity) {
  std::unique_ptr<Slot[]> old = std::move(segment.slots);
  uint32_t old_capacity = segment.capacity;
  slots_ += capacity;
  slots_ -= old_capacity;
  segment.slots = std::make_unique<Slot[]>(capacity);
  segment.capacity = capacity;
  for (uint32_t i = 0; i < old_capacity; ++i) {
    if (old[i].handle != kNoHandle) Place(segment, old[i]);
  }
}

void NodeIndex::Split(Segment& segment) {
  if (segment.depth == depth_) {
    std::vector<Segment*> doubled;
    doubled.reserve(directory_.size() * 2);
    for (Segment* s : directory_) doubled.insert(doubled.end(), {s, s});
    directory_ = std::move(doubled);
    ++depth_;
  }
  uint32_t first_h = 0;
  std::vector<Slot> lower, upper;
  uint32_t bit = 1u << (31 - segment.depth);
  for (uint32_t i = 0; i < segment.capacity; ++i) {
    const Slot& slot = segment.slots[i];
    if (slot.handle == kNoHandle) continue;
    first_h = slot.hash;
    (slot.hash & bit ? upper : lower).push_back(slot);
  }
  segments_.push_back(std::make_unique<Segment>());
  Segment& sibling = *segments_.back();
  // The directory slots of the segment are one aligned run: the upper half of it goes to the sibling.
  size_t run = size_t{1} << (depth_ - segment.depth);
  size_t start = DirectorySlot(first_h) / run * run;
  for (size_t i = start + run / 2; i < start + run; ++i) directory_[i] = &sibling;

  sibling.depth = ++segment.depth;
  slots_ -= segment.capacity;
  auto fill = [this](Segment& s, const std::vector<Slot>& slots) {
    s.slots.reset();
    s.capacity = 0;
    s.used = static_cast<uint32_t>(slots.size());
    Resize(s, CapacityFor(s.used));
    for (const Slot& slot : slots) Place(s, slot);
  };
  fill(segment, lower);
  fill(sibling, upper);
}

}  // namespace synod::tree

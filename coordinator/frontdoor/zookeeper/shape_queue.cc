#include "coordinator/frontdoor/zookeeper/shape_queue.h"

#include <algorithm>
#include <utility>

#include "coordinator/base/check.h"

namespace synod::frontdoor::zookeeper {

void ShapeQueue::Push(Item item) {
  if (size() == capacity_) Grow();
  items_[tail_++ & (capacity_ - 1)] = std::move(item);
}

ShapeQueue::Item ShapeQueue::Pop() {
  SYNOD_CHECK(!empty());
  Item item = std::move(items_[head_++ & (capacity_ - 1)]);
  if (empty() && capacity_ > kKeptCapacity) {
    items_.reset();
    capacity_ = 0;
  }
  return item;
}

void ShapeQueue::Grow() {
  // A burst is likely to grow on: in few steps.
  uint32_t larger = capacity_ < kKeptCapacity ? std::max(kFirstCapacity, 2 * capacity_) : 4 * capacity_;
  auto items = std::make_unique<Item[]>(larger);
  for (uint32_t p = head_; p != tail_; ++p) items[p & (larger - 1)] = std::move(items_[p & (capacity_ - 1)]);
  items_ = std::move(items);
  capacity_ = larger;
}

}  // namespace synod::frontdoor::zookeeper

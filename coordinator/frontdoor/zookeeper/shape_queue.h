// The requests of one connection that wait for their replies.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/time/time.h"
#include "coordinator/frontdoor/zookeeper/decode.h"

namespace synod::frontdoor::zookeeper {

// Oldest first. Holds little while it is empty, since most connections are idle: what a burst needed is given back.
class ShapeQueue {
 public:
  struct Item {
    Shape shape;
    absl::Duration since;  // when it was taken
  };
  ShapeQueue() = default;
  ShapeQueue(const ShapeQueue&) = delete;
  ShapeQueue& operator=(const ShapeQueue&) = delete;

  bool empty() const { return head_ == tail_; }
  uint32_t size() const { return tail_ - head_; }
  // Positions count all ever pushed, modulo 2^32. Of the oldest, and of the one pushed next.
  uint32_t front_position() const { return head_; }
  uint32_t end_position() const { return tail_; }

  size_t memory_bytes() const { return capacity_ * sizeof(Item); }  // on the heap

  void Push(Item item);
  // REQUIRES !empty().
  Item Pop();

 private:
  static constexpr uint32_t kFirstCapacity = 4;
  static constexpr uint32_t kKeptCapacity = 8;

  void Grow();

  std::unique_ptr<Item[]> items_;
  uint32_t capacity_ = 0;  // 0 or a power of two
  uint32_t head_ = 0;
  uint32_t tail_ = 0;
};

}  // namespace synod::frontdoor::zookeeper

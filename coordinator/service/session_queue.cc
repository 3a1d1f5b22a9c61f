#include "coordinator/service/session_queue.h"

#include <algorithm>
#include <utility>

#include "coordinator/base/check.h"

namespace synod::service {

namespace {
constexpr size_t kFirstCapacity = 4;
}

uint64_t SessionQueue::Push(Item item) {
  if (size() == ring_.size()) Grow();
  bytes_ += item.bytes;
  At(tail_) = std::move(item);
  return tail_++;
}

void SessionQueue::Grow() {
  std::vector<Item> larger(std::max(kFirstCapacity, ring_.size() * 2));
  for (uint64_t p = head_; p != tail_; ++p) larger[p & (larger.size() - 1)] = std::move(At(p));
  ring_ = std::move(larger);
}

void SessionQueue::Pop() {
  SYNOD_CHECK(!empty());
  Item& front = Front();
  bytes_ -= front.bytes;
  front = Item();
  ++head_;
  send_ = std::max(send_, head_);
}

SessionQueue::Item* SessionQueue::Find(uint64_t position) {
  return position >= head_ && position < tail_ ? &At(position) : nullptr;
}

SessionQueue::Item* SessionQueue::NextToSend() {
  for (; send_ < tail_; ++send_) {
    Item& item = At(send_);
    if (item.kind == Kind::kWrite) return &item;
    if (item.kind == Kind::kBarrier) return nullptr;  // in the queue, so not answered: it holds back what is behind it
  }
  return nullptr;
}

bool SessionQueue::HasSent() { return LastSent() != Sequence(0); }

Sequence SessionQueue::LastSent() {
  for (uint64_t p = send_; p > head_; --p) {
    if (At(p - 1).kind == Kind::kWrite) return At(p - 1).sequence;
  }
  return Sequence(0);
}

}  // namespace synod::service

// The replies of one session by sequence number (S2, S3). Part of the replicated state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "coordinator/base/ids.h"

namespace synod::sessions {

// What the *serving* server lets a session hold unconfirmed before it stops reading that client (S3). The state machine
// never looks at these: an unconfirmed reply is not evicted by count, so that all servers judge alike.
inline constexpr size_t kReplyCountCap = 4096;
inline constexpr size_t kReplyBytesCap = 1 << 20;

// Numbers are dense: the cache holds exactly [first(), end()), where end() is the last applied sequence + 1. Replies
// lie one behind the other in one string (varint length + bytes), so that an idle session costs next to nothing and a
// busy one no allocation per reply. Values only; loop thread.
class ReplyCache {
 public:
  // Empty, the next reply is number `next`.
  explicit ReplyCache(Sequence next = Sequence(1)) : first_(next), end_(next) {}

  Sequence first() const { return first_; }
  Sequence end() const { return end_; }
  size_t count() const { return static_cast<size_t>(end_ - first_); }
  // Of the encoded replies held, without bookkeeping.
  size_t bytes() const { return data_.size() - head_; }
  size_t memory_bytes() const { return data_.capacity(); }

  // Stores `reply` under end().
  void Append(std::string_view reply);
  // nullopt: not (or no longer) here. The view is good until the next change.
  std::optional<std::string_view> Find(Sequence sequence) const;
  // Forgets all replies below `below` (clamped to end()); `dropped` sees each before it goes.
  template <typename F>
  void DropBelow(Sequence below, F&& dropped);
  // From `from` (or first(), if later) to the last, in order.
  template <typename F>
  void ForEach(Sequence from, F&& visit) const;

 private:
  // The reply whose length stands at `offset`; moves `offset` behind it.
  std::string_view At(size_t* offset) const;
  void Compact();

  std::string data_;
  size_t head_ = 0;  // the first reply's offset in data_
  Sequence first_;
  Sequence end_;
};

template <typename F>
void ReplyCache::DropBelow(Sequence below, F&& dropped) {
  if (below <= first_) return;
  if (below > end_) below = end_;
  while (first_ < below) {
    dropped(first_, At(&head_));
    ++first_;
  }
  Compact();
}

template <typename F>
void ReplyCache::ForEach(Sequence from, F&& visit) const {
  size_t offset = head_;
  for (Sequence s = first_; s < end_; ++s) {
    std::string_view reply = At(&offset);
    if (s >= from) visit(s, reply);
  }
}

}  // namespace synod::sessions

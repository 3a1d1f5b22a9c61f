#include "coordinator/sessions/reply_cache.h"

#include "coordinator/base/check.h"

namespace synod::sessions {
namespace {

// A session that once held more gives the memory back when it is empty again.
constexpr size_t kKeptCapacity = 4096;

}  // namespace

void ReplyCache::Append(std::string_view reply) {
  size_t n = reply.size();
  while (n >= 0x80) {
    data_.push_back(static_cast<char>(n | 0x80));
    n >>= 7;
  }
  data_.push_back(static_cast<char>(n));
  data_.append(reply);
  ++end_;
}

std::string_view ReplyCache::At(size_t* offset) const {
  size_t length = 0;
  for (int shift = 0;; shift += 7) {
    uint8_t b = static_cast<uint8_t>(data_[(*offset)++]);
    length |= static_cast<size_t>(b & 0x7f) << shift;
    if ((b & 0x80) == 0) break;
  }
  std::string_view reply(data_.data() + *offset, length);
  *offset += length;
  return reply;
}

std::optional<std::string_view> ReplyCache::Find(Sequence sequence) const {
  if (sequence < first_ || sequence >= end_) return std::nullopt;
  size_t offset = head_;
  for (Sequence s = first_; s < sequence; ++s) At(&offset);
  return At(&offset);
}

void ReplyCache::Compact() {
  if (head_ == data_.size()) {
    SYNOD_CHECK(first_ == end_);
    head_ = 0;
    data_.clear();
    if (data_.capacity() > kKeptCapacity) data_.shrink_to_fit();
  } else if (head_ > kKeptCapacity && head_ > data_.size() / 2) {
    data_.erase(0, head_);  // moves less than was dropped: constant per reply on average
    head_ = 0;
  }
}

}  // namespace synod::sessions

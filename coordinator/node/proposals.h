// Commands waiting to be logged: on a leader its own and the forwarded ones, on a follower those to forward (L2, L11).
// Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/base/ids.h"

namespace synod::node {

class Proposals {
 public:
  explicit Proposals(uint64_t bytes_max) : bytes_max_(bytes_max) {}

  // False: the bound is reached. One command is always taken by an empty queue.
  bool HasRoom(size_t bytes) const { return queue_.empty() || bytes_ + bytes <= bytes_max_; }
  // `from`: the server whose credit the bytes count against; 0 for the own clients.
  void Push(ServerId from, std::string command);
  bool empty() const { return queue_.empty(); }
  uint64_t bytes() const { return bytes_; }

  // Takes commands in order up to `bytes` (one at least, if there is any).
  std::vector<std::string> Pop(uint64_t bytes);
  // Back to the front, in order, what Pop gave but consensus did not take.
  void PutBack(std::vector<std::string> commands);
  // What popping freed per forwarding server since last asked, to be granted again.
  std::map<ServerId, uint64_t> TakeFreed() { return std::exchange(freed_, {}); }
  void Clear();

 private:
  struct Item {
    ServerId from;
    std::string command;
  };
  const uint64_t bytes_max_;
  std::deque<Item> queue_;
  uint64_t bytes_ = 0;
  std::map<ServerId, uint64_t> freed_;
};

}  // namespace synod::node

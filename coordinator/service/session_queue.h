// The requests of one session at the server that holds its connection, in the order sent (S9, L3). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/base/ids.h"
#include "coordinator/service/request.h"

namespace synod::service {

// Answers go out in the order of the requests, so only the front can be answered. What may be *sent* to the leader runs
// ahead of that: every write up to the first linearizable read or sync, which holds back the writes behind it until it
// is answered (counterexample 17).
//
// Positions count all items ever pushed; an item keeps its position, and with it a late callback finds it or finds it
// gone. The items lie in one ring, so that a busy session allocates nothing but its strings.
class SessionQueue {
 public:
  enum class Kind : uint8_t {
    kWrite,    // waits until its number is applied here
    kRepeat,   // a number used before: answered from the reply table (S2)
    kRead,     // answered when it is at the front
    kBarrier,  // a linearizable read or sync: the same, once its barrier was passed
  };
  struct Item {
    Kind kind = Kind::kRead;
    bool passed = false;           // kBarrier
    bool barrier_running = false;  // kBarrier
    ReadStrength strength = ReadStrength::kSession;
    uint8_t operation_index = 0;  // of the request's Operation
    uint32_t bytes = 0;
    uint64_t id = 0;
    Sequence sequence;     // kWrite, kRepeat
    absl::Duration since;  // when it came
    std::string command;   // kWrite: as first encoded (S2)
    Operation operation;   // reads
  };

  bool empty() const { return head_ == tail_; }
  size_t size() const { return tail_ - head_; }
  uint64_t bytes() const { return bytes_; }  // of the items' `bytes`

  // Returns its position.
  uint64_t Push(Item item);
  // REQUIRES !empty().
  Item& Front() { return At(head_); }
  void Pop();
  // nullptr: answered since.
  Item* Find(uint64_t position);
  // Where the front is.
  uint64_t front_position() const { return head_; }
  uint64_t end_position() const { return tail_; }

  // The next write that may be sent and was not yet; nullptr: none. Stays the same until Sent or Rewind.
  Item* NextToSend();
  // It was taken. REQUIRES NextToSend() was not null.
  void Sent() { ++send_; }
  // Everything unanswered is to be sent again, in order, from the last applied + 1 (S2).
  void Rewind() { send_ = head_; }
  // Whether a write was sent and is not answered.
  bool HasSent();
  // The highest number sent; 0: nothing unanswered was sent.
  Sequence LastSent();

 private:
  Item& At(uint64_t position) { return ring_[position & (ring_.size() - 1)]; }
  void Grow();

  std::vector<Item> ring_;  // a power of two
  uint64_t head_ = 0;       // the oldest unanswered
  uint64_t tail_ = 0;
  uint64_t send_ = 0;  // in [head_, tail_]: writes before it were sent
  uint64_t bytes_ = 0;
};

}  // namespace synod::service

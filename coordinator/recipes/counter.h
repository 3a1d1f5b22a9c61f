// A number that any number of clients add to.
//
//   Counter counter(session.get(), "/counters/orders");
//   client::Result<int64_t> value = counter.Add(1);
//
// Layout: `path`, a persistent node; its data is the number in decimal, and nothing else. It and what is above it are
// made by the first Add; a counter that is not there is 0.
//
// Guarantees
//  - Each Add that returns a value was added exactly once, and the values that Adds return are those of one order in
//    which they took effect: the new value is written on the condition that nobody wrote since the old one was read, a
//    refused write is known not to have been done and is tried anew, and a write whose answer was lost is sent again
//    under its number and answered with its first outcome (S2).
//  - Some Add always gets on: a refusal means that another one was done.
//  - Get sees every Add that returned, anywhere, before it was called (a linearizable read).
//
// What may happen
//  - Connection lost, a server killed, the leader too: Add takes longer.
//  - Session expired or closed, or `timeout` passed, while a write was unanswered: the Error says kMayHaveBeenDone.
//  Only
//    then is it unknown whether it was added. (With an identifier of your own in a transaction you can find out.)
//  - Somebody wrote something that is no number, or the sum would not fit into 64 bits: kBadArguments, not done.
//  - No quorum: waits, for as long as the session lives or `timeout` allows.
//
// Threads. Any thread may call; Get and Add not from a callback of the session.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "coordinator/recipes/session.h"

namespace synod::recipes {

class Counter {
 public:
  Counter(Session* session, std::string path) : session_(session), path_(std::move(path)) {}

  // The value now.
  client::Result<int64_t> Get();
  // Adds `delta`, which may be negative, and returns the sum. kTimeout, kSessionExpired, kClosed, kBadArguments,
  // kNoAuth and whatever a write may be refused with.
  client::Result<int64_t> Add(int64_t delta, absl::Duration timeout = absl::InfiniteDuration());
  // As Add without a time limit; `done` is called on the callback thread.
  void AddAsync(int64_t delta, client::Callback<int64_t> done);

 private:
  Session* const session_;
  const std::string path_;
};

}  // namespace synod::recipes

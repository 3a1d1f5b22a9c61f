// Election of one leader among any number of candidates, with an epoch.
//
//   LeaderLatch latch(session.get(), "/election", {.data = "host 7:9092",
//                                                  .on_leader = [](int64_t epoch) { StartLeading(epoch); },
//                                                  .on_loss = [](Loss) { StopLeading(); }});
//   latch.Campaign();
//   ...
//   latch.Resign();
//
// Layout: `path`/candidate-NNNNNNNNNN, one ephemeral per candidate (contender.h), with `data`; the lowest number leads.
// `path` and what is above it are made when missing, and stay.
//
// Guarantees
//  - At no moment do two candidates both see leading() true (S7; the same words and the same limit as for Lock).
//  - The epoch is the czxid of the leader's node: greater than the epochs of all leaders before it (lock.h says why).
//    Put it on everything the leader does, and let those who obey refuse a smaller one than they saw.
//  - on_leader and on_loss alternate, on_leader first, one at a time. After each on_leader comes on_loss, unless Resign
//    or the destructor was called.
//  - No herd: one candidate is woken when a leader goes.
//
// What may happen, and what the leader has to do
//  - Connection lost, a server or the ensemble's leader killed: nothing, as long as the client finds a server in time.
//  - Session lost by the client's clock: leading() is false from that moment, on_loss(kSessionLost) follows: stop at
//    once. The candidate gives its node up and joins again behind the others by itself.
//  - Session expired: as above; it joins again with the new session (session.h: renew). If the session does not renew,
//    or was closed, on_failed ends the campaign.
//  - Own node deleted by somebody: on_loss(kNodeDeleted) if it led. It joins again behind the others.
//  - No quorum: nobody is elected; the leader loses its session by its own clock.
//  - The leader dies without a word: the next one leads when its session has expired (or its grace has passed, S8).
//
// Threads. All methods from any thread; WaitUntilLeading and Leader not from a callback. Callbacks run on the session's
// callback thread and must not block: StartLeading above starts a thread or posts to one.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "coordinator/recipes/session.h"

namespace synod::recipes {

struct LatchOptions {
  client::Data data = "";  // of the candidate's node: for others to find the leader by
  std::function<void(int64_t epoch)> on_leader;
  std::function<void(Loss)> on_loss;
  // The campaign has ended by itself: kNoAuth or kBadArguments (the path), kClosed, kSessionExpired (and the session
  // does not renew), kRefusedMemory and the like. Campaign may be called again.
  std::function<void(const client::Error&)> on_failed;
};

class LeaderLatch {
 public:
  struct Elected {
    int64_t epoch = 0;
    client::Data data;
  };

  LeaderLatch(Session* session, std::string path, LatchOptions options = {});
  // Resigns. When it returns no callback runs and none will; so do not hold a lock that one of them takes.
  ~LeaderLatch();
  LeaderLatch(const LeaderLatch&) = delete;
  LeaderLatch& operator=(const LeaderLatch&) = delete;

  // Becomes a candidate, and stays one until Resign. Nothing if it is one.
  void Campaign();
  // Gives up leadership or candidacy; on_loss is not called. leading() is false when it returns. Nothing if it is none.
  void Resign();
  // Whether this candidate leads right now, by the clock.
  bool leading() const;
  // The epoch this candidate leads with; 0 if it does not.
  int64_t epoch() const;
  // Waits until this candidate leads and returns its epoch. kTimeout: it stays a candidate. kClosed: no candidate, or
  // Resign was called. Otherwise the error of on_failed.
  client::Result<int64_t> WaitUntilLeading(absl::Duration timeout = absl::InfiniteDuration());
  // Who led by the time the call was made (a linearizable read); nullopt: nobody.
  client::Result<std::optional<Elected>> Leader() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace synod::recipes

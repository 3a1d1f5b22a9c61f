// A queue of work: many put, many take, each item is worked on by one at a time and completed once.
//
//   Queue queue(session.get(), "/work");
//   queue.Put("resize 42");
//   client::Result<Queue::Item> item = queue.Take(absl::Minutes(1));
//   if (item.ok()) { Work(*item->data); queue.Complete(*item); }
//
// Layout
//   `path`/items/item-NNNNNNNNNN    one persistent node per item that is not completed; its data is the item
//   `path`/claims/item-NNNNNNNNNN   one ephemeral per item that somebody works on
//   `path`/takers/next-NNNNNNNNNN   one ephemeral per waiting taker (contender.h); only the first in line takes
// What is missing is made.
//
// Guarantees
//  - Put: an item that was answered with its id is in the queue exactly once (S2), and stays until it is completed.
//  - Take gives items in the order of their numbers to takers in the order of their line. Given to one at a time: a
//  claim
//    is made in one transaction with a check that the item is there, and nobody takes an item that is claimed.
//  - At least once: a claim goes with its taker's session (or by Return), and then the item is given to another one. So
//  an
//    item is never lost, and may be worked on twice, one after the other: by a taker that died or was lost, and the
//    next.
//  - Complete succeeds for exactly one of them: it takes claim and item away in one transaction, on the condition that
//    the claim is that very one. What else belongs to the work and is in the tree can be written in the same
//    transaction: then the work has its effect exactly once.
//  - No herd: an item wakes the first in line.
//
// What may happen, and what the taker has to do
//  - Connection lost, a server killed, the leader too: Put, Take and Complete take longer.
//  - Session lost by the client's clock: Holds(item) is false; stop working on it. If the session lives on, the claim
//    does too: Complete still decides.
//  - Session expired: others may have the item. Complete says kBadVersion, not done.
//  - Session expired or closed while Put or Complete was unanswered: kMayHaveBeenDone.
//  - The claim deleted by somebody: as expired. The item deleted by somebody: Complete says kNoNode.
//  - kTimeout of Take: nothing was taken. No quorum: waits.
//
// Threads. Any thread may call, not from a callback of the session; several may Take from one object.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/recipes/session.h"

namespace synod::recipes {

class Queue {
 public:
  struct Item {
    std::string id;  // "item-0000000007"
    client::Data data;
    int64_t claim = 0;       // czxid of the claim: rises each time the item is given away, a fencing token
    int64_t session_id = 0;  // that it is claimed by
  };

  Queue(Session* session, std::string path);

  // Returns the id. kNoAuth, kQuotaExceeded and whatever a create may be refused with.
  client::Result<std::string> Put(client::Data data);
  // Waits for an item. kTimeout, kSessionExpired, kClosed. kNoNode: somebody deleted this taker's place in line.
  client::Result<Item> Take(absl::Duration timeout = absl::InfiniteDuration());
  // Ends an item, together with `more` (paths as with Client::Multi), all or nothing; returns the zxid. kBadVersion:
  // the claim is not there any more, others may have the item; not done. What `more` was refused with: not done, the
  // claim stands.
  client::Result<int64_t> Complete(const Item& item, std::vector<client::Operation> more = {});
  // Gives an item back, to be taken again. Errors as Complete.
  client::Result<int64_t> Return(const Item& item);
  // Whether the item is this session's right now, by the clock, as far as Complete or Return was not called.
  bool Holds(const Item& item) const;

 private:
  class Taker;
  client::Result<int64_t> EndClaim(const Item& item, std::vector<client::Operation> then);

  Session* const session_;
  const std::string items_;
  const std::string claims_;
  const std::string takers_;
};

}  // namespace synod::recipes

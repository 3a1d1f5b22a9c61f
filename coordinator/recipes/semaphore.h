// At most n leases at a time, each with a token of its own.
//
//   Semaphore lease(session.get(), "/limits/uploads", 5);
//   if (client::Result<int64_t> token = lease.Acquire(absl::Seconds(30)); token.ok()) { Upload(*token);
//   lease.Release(); }
//
// Layout
//   `path`/queue/next-NNNNNNNNNN    one ephemeral per contender (contender.h); only the first in line looks for a lease
//   `path`/leases                   its data is n, in decimal
//   `path`/leases/lease-NNNNNNNNNN  one ephemeral per lease, with the option `data`
// What is missing is made. An object is one contender and has one lease; for several make several objects.
//
// Guarantees
//  - The tree never holds more than n leases: a lease is created in one transaction with a check that the contender's
//    node in the queue is still there, only the first in line creates, and of the list it looked at leases can only
//    have gone since. So never more than n see held() true (S7; lock.h says what that means).
//  - First come, first served, in the order of the line.
//  - The token is the czxid of the lease's node, which is made when the lease is granted: tokens rise from lease to
//    lease in the order of the grants (L7), and no two leases ever have the same.
//  - No herd: the first in line is woken when a lease goes, the next when the first has got one.
//  - Whoever asks with another n than the one in the tree is refused (kBadArguments). To change n, set the data of
//    `path`/leases when nobody uses it.
//
// What may happen, and what the holder has to do: as for Lock (lock.h), with "lease" for "lock". A contender that is
// first in line when its session is lost by its clock keeps its place if the session lives on.
//
// Methods and threads: holder.h.
#pragma once

#include <string>

#include "coordinator/recipes/holder.h"

namespace synod::recipes {

class Semaphore final : public Holder {
 public:
  // REQUIRES: leases > 0.
  Semaphore(Session* session, std::string path, int leases, HolderOptions options = {});
};

}  // namespace synod::recipes

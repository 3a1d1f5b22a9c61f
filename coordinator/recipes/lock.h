// A lock with a fencing token.
//
//   Lock lock(session.get(), "/locks/deploy", {.data = "host 7", .on_loss = [](Loss) { StopWorking(); }});
//   client::Result<int64_t> token = lock.Acquire(absl::Seconds(30));
//   if (token.ok()) { Work(*token); lock.Release(); }
//
// Layout: `path`/lock-NNNNNNNNNN, one ephemeral per contender (contender.h); the lowest number holds the lock. Its data
// is the option `data`, for people. `path` and what is above it are made when missing, and stay.
//
// Guarantees
//  - First come, first served, in the order in which the creates were committed.
//  - At no moment do two holders both see held() true: a holder's turns false by its own clock before the ensemble can
//    end its session (S7), and the next one is granted after it has. That is all a lock can do: a process that was
//    stopped between looking at held() and acting still acts late. So give the token to whatever the lock protects.
//  - The token is the czxid of the holder's node. Zxids are counted once for the whole ensemble, never go back and are
//    never used again (L7), and the lock is granted in the order of the sequence numbers, which is the order of the
//    creates, so of their zxids: each holder's token is greater than those of all holders before it, also after `path`
//    itself was deleted and made anew. A resource that remembers the greatest token it saw and refuses smaller ones is
//    never changed by a holder of the past.
//  - No herd: a release wakes the one contender behind.
//
// What may happen, and what the holder has to do
//  - Connection lost: nothing yet. The client finds another server within the session; held() stays true until the
//    client's clock says otherwise.
//  - Session lost by the client's clock: held() is false from that moment, on_loss(kSessionLost) follows. Stop at once.
//    The lock does not come back by itself, even if the session should live on: its node is deleted. Acquire again.
//  - Session expired or closed: as lost, if on_loss has not been called yet with kSessionEnded. Acquire fails with
//    kSessionExpired or kClosed while it waits; a session that renews itself (session.h) can be used for the next one.
//  - A server killed, the leader too: as a lost connection.
//  - Own node deleted by somebody: on_loss(kNodeDeleted). Another may hold the lock already: the token is what
//  protects.
//    While waiting, Acquire fails with kNoNode.
//  - No quorum: no grant, no release takes effect; the holder loses its session by its own clock.
//  - The holder dies without a word: the next one is granted when its session has expired (or its grace has passed,
//  S8).
//
// Methods and threads: holder.h.
#pragma once

#include <string>

#include "coordinator/recipes/holder.h"

namespace synod::recipes {

using LockOptions = HolderOptions;

class Lock final : public Holder {
 public:
  Lock(Session* session, std::string path, LockOptions options = {});
};

}  // namespace synod::recipes

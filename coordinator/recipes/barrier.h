// A double barrier: nobody goes on before n have entered, nobody has left before all of them leave. Round after round.
//
//   Barrier barrier(session.get(), "/steps/one", 3);
//   if (barrier.Enter(absl::Minutes(1)).ok()) { Work(); barrier.Leave(absl::Minutes(1)); }
//
// Layout
//   `path`/members/member-NNNNNNNNNN  one ephemeral per member that entered and has not left
//   `path`/released                   its data: the greatest number released so far, in decimal; -1: none yet
// What is missing is made. Whoever sees n members beyond the greatest number released moves it to the n-th of them, on
// the condition that nobody moved it since: so each round is decided once, and a round may enter while slow members of
// the one before still leave.
//
// Guarantees
//  - Enter returns ok only when n members, this one among them, had entered and none of them was counted before.
//  - Leave returns ok only when no member of this round, or of an earlier one, is left in the tree.
//  - One wake of all members per round, by one node; leavers watch one another's nodes, each its own.
//
// What may happen
//  - Connection lost, a server killed, the leader too: it takes longer.
//  - A member dies before its round is complete: when its session has expired it is not counted, and the others wait
//  for
//    another one. If the round is completed before that, it was counted: the others go on without it.
//  - A member dies inside: the others leave when its session has expired.
//  - Session lost: Enter and Leave wait on; nothing is held by one member alone. Expired or closed: kSessionExpired or
//    kClosed; this member is out.
//  - Own node deleted by somebody: Enter fails with kNoNode; inside, the member counts as gone.
//  - kTimeout of Enter: the member leaves; if the round was completed in that moment the others have counted it and go
//    on (Effect::kMayHaveBeenDone). kTimeout of Leave: this member is out, others are not.
//  - No quorum: everybody waits.
//  - Nobody else may write `released`. Members that name different n are a mistake: each goes by its own.
//
// Threads. One object is one member; Enter and Leave in turns, from any one thread, not from a callback of the session.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "coordinator/recipes/session.h"

namespace synod::recipes {

class Barrier {
 public:
  // REQUIRES: members > 0. `data` of the member's node is for people.
  Barrier(Session* session, std::string path, int members, client::Data data = "");
  // Out, if it was in.
  ~Barrier();
  Barrier(const Barrier&) = delete;
  Barrier& operator=(const Barrier&) = delete;

  // Waits for the round. The value is this member's own number.
  client::Result<int64_t> Enter(absl::Duration timeout = absl::InfiniteDuration());
  // Waits until all of the round have left. kBadArguments: not entered.
  client::Result<int64_t> Leave(absl::Duration timeout = absl::InfiniteDuration());

 private:
  class Member;
  Session* const session_;
  const std::string path_;
  const int members_;
  const client::Data data_;
  std::shared_ptr<Member> member_;  // null: outside
};

}  // namespace synod::recipes

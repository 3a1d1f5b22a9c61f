// When sessions fall due. Held by the leader only; nothing here is replicated: an expiry takes effect through a logged
// command (S5).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "coordinator/base/ids.h"
#include "coordinator/sessions/session_table.h"

namespace synod::sessions {

// Told the time: every `now` is a reading of one monotonic clock, not negative, and never goes back. Loop thread.
//
// A session is due when its timeout passed since it was last heard of, or its disconnect_grace since its connection was
// reported closed (S8), whichever is first; up to one tick late. Touch is O(1): deadlines lie in buckets of one tick,
// and a session is moved to a later bucket only when its old one falls due, so 100,000 sessions cost a few hundred
// moves per tick.
class ExpiryQueue {
 public:
  struct Due {
    SessionId session;
    OwnerGeneration seen;  // for ExpireSessionOp: it does nothing if the generation moved on (S5)
    bool operator==(const Due&) const = default;
  };

  // `tick`: how often PopDue is called; a gap of more than two ticks between calls is a stall.
  explicit ExpiryQueue(absl::Duration tick);

  // A new leader (S5): forgets everything and gives every session its full timeout. No grace is running. Closing ones
  // are over already.
  void Reset(absl::Duration now, const SessionTable& sessions);
  // Not the leader any more.
  void Clear();
  // A session was granted: created, attached (ends a grace, and an expiry proposed under the older generation), or its
  // timeout changed. It counts as heard now.
  void Set(SessionId session, OwnerGeneration generation, absl::Duration timeout, absl::Duration grace,
           absl::Duration now);
  // A report named the session under this generation (S6). False, and no effect, if it is unknown, its generation is
  // another, or it is being expired (counterexample 9): such a report must not be acknowledged for it.
  bool Touch(SessionId session, OwnerGeneration generation, absl::Duration now);
  // S8: its server saw the other side close the connection of this generation. Starts the grace if the session has one;
  // a later Touch of the same generation (a report overtaken by the close) does not end it. False if unknown, another
  // generation, or no grace.
  bool Disconnected(SessionId session, OwnerGeneration generation, absl::Duration now);
  // It ended, or is closing.
  void Remove(SessionId session);

  // The sessions due, in order of (deadline, id). Each counts as being expired from now on and comes again after its
  // timeout (at least a tick) should it neither end nor be attached (the proposal was lost). After a stall of our own
  // nobody is due: everyone gets one more full timeout, since what they sent meanwhile was not read.
  std::vector<Due> PopDue(absl::Duration now);
  bool IsExpiring(SessionId session) const;
  // How long until it is due, if nothing is heard of it; zero: it is. nullopt: unknown.
  std::optional<absl::Duration> Remaining(SessionId session, absl::Duration now) const;
  size_t size() const { return entries_.size(); }

 private:
  // Inside, times are microseconds of the same clock: a new leader fills the queue for every session at once, and
  // dividing an absl::Duration costs as much as all the rest of it.
  struct Entry {
    OwnerGeneration generation;
    int64_t timeout_us = 0;
    int64_t grace_us = 0;
    int64_t heard_us = 0;
    std::optional<int64_t> closed_us;  // its connection's end
    bool expiring = false;
    int64_t bucket = 0;  // where it lies; an id in any other bucket is stale
  };

  int64_t DeadlineUs(const Entry& entry) const;
  int64_t BucketOf(int64_t deadline_us) const { return (deadline_us + tick_us_ - 1) / tick_us_; }
  void Schedule(SessionId session, Entry* entry);

  const int64_t tick_us_;
  std::optional<int64_t> last_pop_us_;
  int64_t amnesty_us_ = 0;                         // end of the last stall: nobody counts as silent from before it
  absl::flat_hash_map<SessionId, Entry> entries_;  // looked up only, never iterated
  absl::btree_map<int64_t, std::vector<SessionId>> buckets_;
};

}  // namespace synod::sessions

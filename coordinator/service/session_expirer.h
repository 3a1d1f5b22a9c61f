// The leader's side of liveness: who was heard of, whose time is over (S5, S6, S8).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/base/ids.h"
#include "coordinator/service/liveness_codec.h"
#include "coordinator/sessions/expiry_queue.h"
#include "coordinator/sessions/session_table.h"
#include "coordinator/statemachine/outcome.h"

namespace synod::service {

// On every server, active on the leader only: from when an entry of its own term is applied there until it leads no
// more. Told the time; pure. It decides who is due; an expiry takes effect through the log.
class SessionExpirer {
 public:
  // `tick`: how often Due is called.
  explicit SessionExpirer(absl::Duration tick) : queue_(tick) {}

  // Call before every other use, with what the node says. Leading anew (another term) gives every session its full
  // timeout (S5).
  void Update(bool leading_and_caught_up, Term term, const sessions::SessionTable& sessions, absl::Duration now);
  bool active() const { return active_; }
  Term term() const { return term_; }

  // From apply. Attaching is a sign of life, and ends a running grace and an expiry proposed before it.
  void OnGranted(const statemachine::SessionGrant& grant, absl::Duration now);
  void OnEnded(SessionId session) { queue_.Remove(session); }

  // A server's report: touches the sessions and starts graces. To be acknowledged only after a read barrier *started
  // after this* has confirmed a quorum, with what Judge says then. False: not active, nothing was done and nothing may
  // be said.
  bool OnReport(const LivenessReport& report, absl::Duration now);
  // The acknowledgement of a report, once the barrier passed; nullopt if this server's lead ended since (`term` is as
  // OnReport found it). What is closing by now is refused (counterexample 9).
  std::optional<LivenessAck> Judge(const LivenessReport& report, Term term, absl::Duration now);

  // How long until it is due, if nothing is heard of it. nullopt: not active, or unknown.
  std::optional<absl::Duration> Remaining(SessionId session, absl::Duration now) const {
    return active_ ? queue_.Remaining(session, now) : std::nullopt;
  }

  // Whom to expire now, each under the generation seen. Names one again if nothing came of it within its timeout.
  std::vector<sessions::ExpiryQueue::Due> Due(absl::Duration now);

 private:
  sessions::ExpiryQueue queue_;
  bool active_ = false;
  Term term_;
};

}  // namespace synod::service

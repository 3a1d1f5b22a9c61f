#include "coordinator/service/session_expirer.h"

namespace synod::service {

void SessionExpirer::Update(bool leading_and_caught_up, Term term, const sessions::SessionTable& sessions,
                            absl::Duration now) {
  if (!leading_and_caught_up) {
    if (active_) queue_.Clear();
    active_ = false;
    return;
  }
  if (active_ && term == term_) return;
  active_ = true;
  term_ = term;
  queue_.Reset(now, sessions);
}

void SessionExpirer::OnGranted(const statemachine::SessionGrant& grant, absl::Duration now) {
  if (!active_) return;
  queue_.Set(grant.session, grant.generation, absl::Milliseconds(grant.timeout_ms),
             absl::Milliseconds(grant.disconnect_grace_ms), now);
}

bool SessionExpirer::OnReport(const LivenessReport& report, absl::Duration now) {
  if (!active_) return false;
  for (const OwnedSession& s : report.heard) queue_.Touch(s.session, s.generation, now);
  for (const OwnedSession& s : report.disconnected) queue_.Disconnected(s.session, s.generation, now);
  return true;
}

std::optional<LivenessAck> SessionExpirer::Judge(const LivenessReport& report, Term term, absl::Duration now) {
  if (!active_ || term != term_) return std::nullopt;
  LivenessAck ack;
  ack.incarnation = report.incarnation;
  ack.number = report.number;
  for (const OwnedSession& s : report.heard) {
    if (!queue_.Touch(s.session, s.generation, now)) ack.refused.push_back(s);
  }
  return ack;
}

std::vector<sessions::ExpiryQueue::Due> SessionExpirer::Due(absl::Duration now) {
  if (!active_) return {};
  return queue_.PopDue(now);
}

}  // namespace synod::service

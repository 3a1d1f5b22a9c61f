#include "coordinator/consensus/progress.h"

#include <algorithm>

namespace synod::consensus {

bool Progress::MaySend(uint64_t window_bytes) const {
  switch (state_) {
    case State::kProbe:
      return !probe_in_flight_;
    case State::kReplicate:
      return in_flight_bytes_ < window_bytes;
    case State::kSnapshot:
      return false;
  }
  return false;
}

void Progress::Sent(LogIndex last, uint64_t bytes) {
  if (state_ == State::kProbe) {
    probe_in_flight_ = true;
    return;
  }
  next = last + 1;  // optimistic: a lost message shows when the one behind it is rejected
  in_flight_.emplace_back(last, bytes);
  in_flight_bytes_ += bytes;
}

bool Progress::Accepted(LogIndex index) {
  bool news = index > match;
  match = std::max(match, index);
  next = std::max(next, match + 1);
  while (!in_flight_.empty() && in_flight_.front().first <= match) {
    in_flight_bytes_ -= in_flight_.front().second;
    in_flight_.pop_front();
  }
  if (state_ == State::kProbe || (state_ == State::kSnapshot && news)) {
    if (state_ == State::kSnapshot) next = match + 1;
    state_ = State::kReplicate;
    probe_in_flight_ = false;
  }
  return news;
}

bool Progress::Rejected(LogIndex rejected, LogIndex hint) {
  if (rejected == LogIndex(0)) return false;
  switch (state_) {
    case State::kSnapshot:
      if (!snapshot_ended_) return false;
      break;
    case State::kProbe:
      // Only the answer to the probe in flight counts.
      if (rejected + 1 != next) return false;
      break;
    case State::kReplicate:
      if (rejected >= next || (rejected <= match && rejected + 1 != next)) return false;
      break;
  }
  hint = std::min(hint, rejected - 1);
  // What it once acknowledged is damaged there now (D5). If instead the answer is merely late, it acknowledges once
  // more.
  if (rejected <= match) match = std::min(match, hint);
  BecomeProbe(std::max(match, hint) + 1);
  return true;
}

void Progress::ConnectionLost() {
  if (state_ != State::kSnapshot) BecomeProbe(match + 1);
}

void Progress::BecomeSnapshot() {
  BecomeProbe(next);
  state_ = State::kSnapshot;
  snapshot_ended_ = false;
}

void Progress::SnapshotEnded(bool ok) {
  if (state_ != State::kSnapshot) return;
  if (ok) {
    snapshot_ended_ = true;
  } else {
    BecomeProbe(match + 1);
    probe_in_flight_ = true;  // not again before the next heartbeat
  }
}

void Progress::BecomeProbe(LogIndex from) {
  state_ = State::kProbe;
  next = from;
  probe_in_flight_ = false;
  in_flight_.clear();
  in_flight_bytes_ = 0;
}

}  // namespace synod::consensus

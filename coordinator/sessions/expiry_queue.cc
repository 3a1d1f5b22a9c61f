#include "coordinator/sessions/expiry_queue.h"

#include <algorithm>
#include <utility>

#include "coordinator/base/check.h"

namespace synod::sessions {

ExpiryQueue::ExpiryQueue(absl::Duration tick) : tick_(tick) { SYNOD_CHECK(tick > absl::ZeroDuration()); }

void ExpiryQueue::Reset(absl::Duration now, const SessionTable& sessions) {
  Clear();
  last_pop_ = now;
  entries_.reserve(sessions.count());
  sessions.ForEach([&](const Session& s) {
    Set(s.id(), s.generation(), absl::Milliseconds(s.timeout_ms()), absl::Milliseconds(s.disconnect_grace_ms()), now);
  });
}

void ExpiryQueue::Clear() {
  entries_.clear();
  buckets_.clear();
  last_pop_.reset();
  amnesty_ = -absl::InfiniteDuration();
}

void ExpiryQueue::Set(SessionId session, OwnerGeneration generation, absl::Duration timeout, absl::Duration grace,
                      absl::Duration now) {
  auto [it, inserted] = entries_.try_emplace(session);
  Entry& entry = it->second;
  bool lies = !inserted;
  entry.generation = generation;
  entry.timeout = timeout;
  entry.grace = grace;
  entry.heard = now;
  entry.closed_at.reset();
  entry.expiring = false;
  // A later deadline needs no move: the old bucket finds it when it falls due.
  if (!lies || BucketOf(Deadline(entry)) < entry.bucket) Schedule(session, &entry);
}

bool ExpiryQueue::Touch(SessionId session, OwnerGeneration generation, absl::Duration now) {
  auto it = entries_.find(session);
  if (it == entries_.end() || it->second.generation != generation || it->second.expiring) return false;
  it->second.heard = std::max(it->second.heard, now);
  return true;
}

bool ExpiryQueue::Disconnected(SessionId session, OwnerGeneration generation, absl::Duration now) {
  auto it = entries_.find(session);
  if (it == entries_.end()) return false;
  Entry& entry = it->second;
  if (entry.generation != generation || entry.expiring || entry.grace <= absl::ZeroDuration()) return false;
  if (!entry.closed_at) entry.closed_at = now;
  if (BucketOf(Deadline(entry)) < entry.bucket) Schedule(session, &entry);
  return true;
}

void ExpiryQueue::Remove(SessionId session) { entries_.erase(session); }

bool ExpiryQueue::IsExpiring(SessionId session) const {
  auto it = entries_.find(session);
  return it != entries_.end() && it->second.expiring;
}

std::vector<ExpiryQueue::Due> ExpiryQueue::PopDue(absl::Duration now) {
  bool stalled = last_pop_ && now - *last_pop_ > 2 * tick_;
  last_pop_ = now;
  if (stalled) amnesty_ = now;  // from here on Deadline gives everyone a full timeout; the buckets follow lazily
  std::vector<std::pair<absl::Duration, Due>> due;
  while (!buckets_.empty() && buckets_.begin()->first * tick_ <= now) {
    auto [bucket, ids] = std::pair(buckets_.begin()->first, std::move(buckets_.begin()->second));
    buckets_.erase(buckets_.begin());
    for (SessionId id : ids) {
      auto it = entries_.find(id);
      if (it == entries_.end() || it->second.bucket != bucket) continue;  // ended, or lies elsewhere by now
      Entry& entry = it->second;
      absl::Duration deadline = Deadline(entry);
      if (deadline <= now) {
        due.push_back({deadline, {id, entry.generation}});
        entry.expiring = true;
        entry.heard = now;  // comes again a timeout later if nothing came of it
        entry.closed_at.reset();
      }
      Schedule(id, &entry);
    }
  }
  std::sort(due.begin(), due.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first, a.second.session) < std::pair(b.first, b.second.session);
  });
  std::vector<Due> out;
  out.reserve(due.size());
  for (const auto& [deadline, one] : due) out.push_back(one);
  return out;
}

absl::Duration ExpiryQueue::Deadline(const Entry& entry) const {
  absl::Duration deadline = std::max(entry.heard, amnesty_) + std::max(entry.timeout, tick_);
  if (entry.closed_at) deadline = std::min(deadline, std::max(*entry.closed_at, amnesty_) + entry.grace);
  return deadline;
}

int64_t ExpiryQueue::BucketOf(absl::Duration deadline) const {
  absl::Duration rest;
  int64_t whole = absl::IDivDuration(deadline, tick_, &rest);
  return rest > absl::ZeroDuration() ? whole + 1 : whole;
}

void ExpiryQueue::Schedule(SessionId session, Entry* entry) {
  entry->bucket = BucketOf(Deadline(*entry));
  buckets_[entry->bucket].push_back(session);
}

}  // namespace synod::sessions

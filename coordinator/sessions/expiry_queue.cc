#include "coordinator/sessions/expiry_queue.h"

#include <algorithm>
#include <utility>

#include "coordinator/base/check.h"

namespace synod::sessions {

namespace {

// A timeout or grace beyond a year is as good as none, and keeps sums far from overflow.
constexpr int64_t kLongestUs = int64_t{366} * 86400 * 1000000;

int64_t Us(absl::Duration d) { return absl::ToInt64Microseconds(d); }

}  // namespace

ExpiryQueue::ExpiryQueue(absl::Duration tick) : tick_us_(Us(tick)) { SYNOD_CHECK_GT(tick_us_, 0); }

void ExpiryQueue::Reset(absl::Duration now, const SessionTable& sessions) {
  Clear();
  last_pop_us_ = Us(now);
  entries_.reserve(sessions.count());
  sessions.ForEach([&](const Session& s) {
    if (s.closing()) return;
    Set(s.id(), s.generation(), absl::Milliseconds(s.timeout_ms()), absl::Milliseconds(s.disconnect_grace_ms()), now);
  });
}

void ExpiryQueue::Clear() {
  entries_.clear();
  buckets_.clear();
  last_pop_us_.reset();
  amnesty_us_ = 0;
}

void ExpiryQueue::Set(SessionId session, OwnerGeneration generation, absl::Duration timeout, absl::Duration grace,
                      absl::Duration now) {
  auto [it, inserted] = entries_.try_emplace(session);
  Entry& entry = it->second;
  bool lies = !inserted;
  entry.generation = generation;
  entry.timeout_us = std::clamp(Us(timeout), tick_us_, kLongestUs);
  entry.grace_us = std::clamp(Us(grace), int64_t{0}, kLongestUs);
  entry.heard_us = Us(now);
  entry.closed_us.reset();
  entry.expiring = false;
  // A later deadline needs no move: the old bucket finds it when it falls due.
  if (!lies || BucketOf(DeadlineUs(entry)) < entry.bucket) Schedule(session, &entry);
}

bool ExpiryQueue::Touch(SessionId session, OwnerGeneration generation, absl::Duration now) {
  auto it = entries_.find(session);
  if (it == entries_.end() || it->second.generation != generation || it->second.expiring) return false;
  it->second.heard_us = std::max(it->second.heard_us, Us(now));
  return true;
}

bool ExpiryQueue::Disconnected(SessionId session, OwnerGeneration generation, absl::Duration now) {
  auto it = entries_.find(session);
  if (it == entries_.end()) return false;
  Entry& entry = it->second;
  if (entry.generation != generation || entry.expiring || entry.grace_us == 0) return false;
  if (!entry.closed_us) entry.closed_us = Us(now);
  if (BucketOf(DeadlineUs(entry)) < entry.bucket) Schedule(session, &entry);
  return true;
}

void ExpiryQueue::Remove(SessionId session) { entries_.erase(session); }

bool ExpiryQueue::IsExpiring(SessionId session) const {
  auto it = entries_.find(session);
  return it != entries_.end() && it->second.expiring;
}

std::optional<absl::Duration> ExpiryQueue::Remaining(SessionId session, absl::Duration now) const {
  auto it = entries_.find(session);
  if (it == entries_.end()) return std::nullopt;
  return absl::Microseconds(std::max<int64_t>(DeadlineUs(it->second) - Us(now), 0));
}

std::vector<ExpiryQueue::Due> ExpiryQueue::PopDue(absl::Duration now) {
  const int64_t now_us = Us(now);
  bool stalled = last_pop_us_ && now_us - *last_pop_us_ > 2 * tick_us_;
  last_pop_us_ = now_us;
  if (stalled) amnesty_us_ = now_us;  // from here on everyone has a full timeout; the buckets follow lazily
  std::vector<std::pair<int64_t, Due>> due;
  while (!buckets_.empty() && buckets_.begin()->first * tick_us_ <= now_us) {
    const int64_t bucket = buckets_.begin()->first;
    const std::vector<SessionId> ids = std::move(buckets_.begin()->second);
    buckets_.erase(buckets_.begin());
    for (SessionId id : ids) {
      auto it = entries_.find(id);
      if (it == entries_.end() || it->second.bucket != bucket) continue;  // ended, or lies elsewhere by now
      Entry& entry = it->second;
      int64_t deadline_us = DeadlineUs(entry);
      if (deadline_us <= now_us) {
        due.push_back({deadline_us, {id, entry.generation}});
        entry.expiring = true;
        entry.heard_us = now_us;  // comes again a timeout later if nothing came of it
        entry.closed_us.reset();
      }
      Schedule(id, &entry);
    }
  }
  std::sort(due.begin(), due.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first, a.second.session) < std::pair(b.first, b.second.session);
  });
  std::vector<Due> out;
  out.reserve(due.size());
  for (const auto& [deadline_us, one] : due) out.push_back(one);
  return out;
}

int64_t ExpiryQueue::DeadlineUs(const Entry& entry) const {
  int64_t deadline_us = std::max(entry.heard_us, amnesty_us_) + entry.timeout_us;
  if (entry.closed_us) deadline_us = std::min(deadline_us, std::max(*entry.closed_us, amnesty_us_) + entry.grace_us);
  return deadline_us;
}

void ExpiryQueue::Schedule(SessionId session, Entry* entry) {
  entry->bucket = BucketOf(DeadlineUs(*entry));
  buckets_[entry->bucket].push_back(session);
}

}  // namespace synod::sessions

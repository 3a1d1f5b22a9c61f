#include "coordinator/service/watch_replay.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

namespace synod::service {

using statemachine::Cursor;
using statemachine::PastEvent;

namespace {
constexpr watches::WatcherId kWatcher{1};
}  // namespace

WatchReplay::WatchReplay(std::vector<WatchSet> sets) : sets_(std::move(sets)) {
  std::sort(sets_.begin(), sets_.end(), [](const WatchSet& a, const WatchSet& b) {
    return std::tie(a.since, a.path, a.kind) < std::tie(b.since, b.path, b.kind);
  });
}

// The window may move on between two slices as well.
void WatchReplay::Lose(const statemachine::EventWindow& window) {
  const Cursor begin = window.begin();
  if (next_ > 0 && at_ < begin) {
    for (size_t i = 0; i < next_; ++i) lost_.push_back(sets_[i].path);
    sets_.erase(sets_.begin(), sets_.begin() + static_cast<ptrdiff_t>(next_));
    next_ = 0;
    table_.RemoveWatcher(kWatcher);
  }
  auto first_held = std::find_if(sets_.begin() + static_cast<ptrdiff_t>(next_), sets_.end(),
                                 [&](const WatchSet& set) { return set.since >= begin; });
  for (auto it = sets_.begin() + static_cast<ptrdiff_t>(next_); it != first_held; ++it) lost_.push_back(it->path);
  sets_.erase(sets_.begin() + static_cast<ptrdiff_t>(next_), first_held);
}

void WatchReplay::JoinBefore(Cursor cursor) {
  for (; next_ < sets_.size() && sets_[next_].since < cursor; ++next_) {
    table_.Add(kWatcher, sets_[next_].path, sets_[next_].kind);
  }
}

bool WatchReplay::Next(const statemachine::EventWindow& window, Zxid applied, const access::Caller& caller,
                       size_t bytes, std::vector<Notification>* due) {
  Lose(window);
  if (next_ == 0) {
    if (sets_.empty()) return true;
    at_ = sets_.front().since;
  }
  if (at_ >= Cursor{applied, Cursor::kAll}) return true;
  std::optional<Cursor> stopped = window.Read(at_, bytes, [&](const PastEvent& past) {
    Visit(past, caller, due);
    return true;
  });
  if (!stopped) return true;
  at_ = *stopped;
  JoinBefore(Cursor{at_.zxid, at_.ordinal});  // so that the reading position counts for those it has passed
  return false;
}

void WatchReplay::Visit(const PastEvent& past, const access::Caller& caller, std::vector<Notification>* due) {
  const Cursor node{past.zxid, 2 * past.number};
  JoinBefore(node);
  event_.type = past.type;
  event_.path.assign(past.path);
  event_.zxid = past.zxid;
  fired_.clear();
  table_.Fire(event_, &fired_);
  Take(/*of_parent=*/false, past, caller, due);
  if (next_ < sets_.size() && sets_[next_].since == node) {  // saw the first half of it
    JoinBefore(Cursor{past.zxid, 2 * past.number + 1});
    fired_.clear();
    table_.Fire(event_, &fired_);
  }
  Take(/*of_parent=*/true, past, caller, due);
}

void WatchReplay::Take(bool of_parent, const PastEvent& past, const access::Caller& caller,
                       std::vector<Notification>* due) {
  const std::optional<access::Acl>& acl = of_parent ? past.parent_acl : past.acl;
  for (watches::Notification& n : fired_) {
    if (n.of_parent != of_parent) continue;
    if (acl && !caller.AllowsList(*acl, access::kRead)) {
      ++denied_;
      continue;
    }
    due->push_back({n.type, std::move(n.path), n.zxid, 2 * past.number + (of_parent ? 1 : 0)});
  }
}

}  // namespace synod::service

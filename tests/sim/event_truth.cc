#include "tests/sim/event_truth.h"

#include "absl/strings/str_cat.h"

namespace synod::sim {

void EventTruth::Observe(ServerId server, const std::vector<tree::Event>& events) {
  for (size_t i = 0; i < events.size(); ++i) {
    TrueEvent event{events[i].type, events[i].path, world_->now()};
    Cursor where{events[i].zxid, static_cast<uint32_t>(2 * i)};
    auto [it, inserted] = events_.emplace(where, event);
    const TrueEvent& first = it->second;
    if (inserted || (first.type == event.type && first.path == event.path) || violation_) continue;
    violation_ = absl::StrCat("server ", server.value(), " saw at zxid ", where.zxid.value(), " another event of ",
                              event.path, " than the others of ", first.path);
  }
}

const TrueEvent* EventTruth::Next(Cursor after, Cursor* where) const {
  auto it = events_.upper_bound(after);
  if (it == events_.end()) return nullptr;
  *where = it->first;
  return &it->second;
}

Cursor EventTruth::last() const { return events_.empty() ? Cursor{Zxid(0)} : events_.rbegin()->first; }

}  // namespace synod::sim

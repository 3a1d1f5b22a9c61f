// A client that comes back sets its watches again (W2, W3): one-shot ones by the setWatches rule, persistent ones from
// their cursors on.
#include <algorithm>
#include <utility>

#include "coordinator/service/service_impl.h"
#include "coordinator/tree/path.h"

namespace synod::service {
namespace {

constexpr size_t kSliceBytes = 256 << 10;  // of the window, per turn of the loop

bool IsPersistent(WatchKind kind) { return kind == WatchKind::kPersistent || kind == WatchKind::kPersistentRecursive; }

}  // namespace

// A ZooKeeper connection's persistent watches have no cursor: they are just set (13.5).
void Service::Impl::BeginRearm(Link* link, std::vector<WatchSet> watches) {
  if (watches.empty()) return;
  if (link->rearming) {  // set together with the others
    std::move(watches.begin(), watches.end(), std::back_inserter(link->rearming->sets));
    return;
  }
  const statemachine::Cursor now{deps.state_machine->last_zxid(), statemachine::Cursor::kAll};
  std::vector<WatchSet> past;
  if (link->options.numbers_own_writes) {
    for (const WatchSet& set : watches) {
      if (IsPersistent(set.kind) && set.since < now && tree::IsValidPath(set.path)) past.push_back(set);
    }
  }
  if (past.empty()) return Rearm(link, watches);
  ++stats.replayed_watches;
  link->has_watches = true;  // S10: an install in between ends the connection
  link->rearming = std::make_unique<Rearming>(std::move(past), std::move(watches));
  ContinueRearm(link);
}

void Service::Impl::ContinueRearm(Link* link) {
  std::vector<Notification> due;
  const bool end = link->rearming->replay.Next(deps.state_machine->window(), deps.state_machine->last_zxid(),
                                               deps.state_machine->CallerOf(link->session), kSliceBytes, &due);
  for (const Notification& notification : due) Notify(link, notification);
  if (end) return EndRearm(link);
  deps.loop->Post([this, id = link->id, watch = std::weak_ptr<bool>(alive)] {
    if (!watch.lock()) return;
    Link* found = FindLink(id);
    if (found != nullptr && found->rearming) ContinueRearm(found);
  });
}

// In the turn in which the replay reached the end, so nothing falls between.
void Service::Impl::EndRearm(Link* link) {
  std::unique_ptr<Rearming> rearming = std::move(link->rearming);
  stats.notifications_denied += rearming->replay.denied();
  const Zxid applied = deps.state_machine->last_zxid();
  for (const std::string& path : rearming->replay.lost()) {
    ++stats.events_lost;
    Notify(link, {NotificationType::kEventsLost, path, applied, statemachine::Cursor::kAll});
  }
  Rearm(link, rearming->sets);
  for (uint64_t ping : rearming->pings) {
    ++stats.pongs;
    ++stats.packets_sent;
    link->door->OnPong(ping, applied);
  }
  Advance(link);
  UpdateFlow(link);
}

void Service::Impl::Rearm(Link* link, absl::Span<const WatchSet> watches) {
  std::vector<Notification> due;
  if (RearmWatches(watches, ContextOf(*link), &due)) link->has_watches = true;
  for (const Notification& notification : due) Notify(link, notification);
}

void Service::Impl::Notify(Link* link, const Notification& notification) {
  ++stats.notifications;
  ++stats.packets_sent;
  link->door->OnNotification(notification);
}

}  // namespace synod::service

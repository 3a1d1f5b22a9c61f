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

// What came with the connect: of native clients only. ZooKeeper's have no cursors and send SetWatches.
void Service::Impl::BeginRearm(Link* link, std::vector<WatchSet> watches) {
  if (watches.empty()) return;
  const statemachine::Cursor now{deps.state_machine->last_zxid(), statemachine::Cursor::kAll};
  std::vector<WatchSet> past;
  for (const WatchSet& set : watches) {
    if (IsPersistent(set.kind) && set.since < now && tree::IsValidPath(set.path)) past.push_back(set);
  }
  if (past.empty()) {
    Rearm(link, watches);
    return;
  }
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
  if (!Rearm(link, rearming->sets)) return;
  for (uint64_t ping : rearming->pings) {
    ++stats.pongs;
    ++stats.packets_sent;
    link->door->OnPong(ping, applied);
  }
  Advance(link);
  UpdateFlow(link);
}

bool Service::Impl::Rearm(Link* link, absl::Span<const WatchSet> watches) {
  if (watches.empty()) return true;
  std::vector<Notification> due;
  link->has_watches = true;
  const size_t streams_bytes = streams.memory_bytes();
  const size_t room = config.watch_bytes_max > streams_bytes ? config.watch_bytes_max - streams_bytes : 0;
  if (!RearmWatches(watches, ContextOf(*link), room, &due)) {
    // A client takes a lost connection for granted, and an error in the answer for nothing.
    Close(link, CloseReason::kOverloaded, "this server holds too many watches; connect to another server");
    return false;
  }
  for (const Notification& notification : due) Notify(link, notification);
  return true;
}

void Service::Impl::Notify(Link* link, const Notification& notification) {
  ++stats.notifications;
  ++stats.packets_sent;
  switch (notification.type) {
    case NotificationType::kCreated:
      ++stats.created_notifications;
      break;
    case NotificationType::kDeleted:
      ++stats.deleted_notifications;
      break;
    case NotificationType::kDataChanged:
      ++stats.changed_notifications;
      break;
    case NotificationType::kChildrenChanged:
      ++stats.children_notifications;
      break;
    case NotificationType::kEventsLost:
      break;
  }
  link->door->OnNotification(notification);
}

}  // namespace synod::service

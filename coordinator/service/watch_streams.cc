#include "coordinator/service/watch_streams.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_set.h"
#include "coordinator/base/check.h"
#include "coordinator/service/credentials.h"
#include "coordinator/tree/path.h"

namespace synod::service {
namespace {

constexpr absl::Duration kProgressDefault = absl::Seconds(2);
constexpr absl::Duration kProgressMin = absl::Milliseconds(100);
constexpr absl::Duration kProgressMax = absl::Minutes(1);
constexpr absl::Duration kLeaderUnheard = absl::Seconds(4);
constexpr size_t kSliceDataBytesMax = 1 << 20;  // of data that goes with the events of a slice

watches::WatcherId WatcherOf(WatchStreamId id) { return watches::WatcherId(id.value()); }

NotificationType TypeOf(tree::EventType type) {
  switch (type) {
    case tree::EventType::kCreated:
      return NotificationType::kCreated;
    case tree::EventType::kDeleted:
      return NotificationType::kDeleted;
    case tree::EventType::kDataChanged:
      return NotificationType::kDataChanged;
  }
  SYNOD_CHECK(false) << "no such event type";
  return NotificationType::kCreated;
}

bool IsAtOrBelow(std::string_view path, std::string_view root) {
  if (root == "/" || path == root) return true;
  return path.size() > root.size() && path.substr(0, root.size()) == root && path[root.size()] == '/';
}

bool MayRead(const std::optional<access::Acl>& acl, const access::Caller& caller) {
  return !acl || caller.AllowsList(*acl, access::kRead);
}

}  // namespace

WatchStreams::WatchStreams(const Options& options, Executor* loop, const Clock* clock,
                           const statemachine::StateMachine* state_machine, ServiceStats* stats)
    : options_(options), loop_(loop), clock_(clock), state_machine_(state_machine), stats_(stats) {}

WatchStreamId WatchStreams::Open(WatchStream* door, WatchStreamRequest request) {
  auto refuse = [door](WatchEnd reason, Cursor oldest = {}) {
    door->OnEnd(reason, oldest);
    return WatchStreamId(0);
  };
  if (!tree::IsValidPath(request.path)) return refuse(WatchEnd::kBadArguments);
  std::optional<access::IdentitySet> identities = IdentitiesOf(request.credentials, request.address);
  if (!identities) {
    ++stats_->auth_failed;
    return refuse(WatchEnd::kAuthFailed);
  }
  if (streams_.size() >= options_.max_streams || table_.memory_bytes() >= options_.table_bytes_max)
    return refuse(WatchEnd::kOverloaded);
  const Cursor begin = state_machine_->window().begin();
  const Cursor cursor = request.after.value_or(Cursor{state_machine_->last_zxid(), Cursor::kAll});
  if (cursor < begin) {
    ++stats_->watch_streams_lost;
    return refuse(WatchEnd::kEventsLost, begin);
  }
  WatchStreamId id(next_id_++);
  auto stream = std::make_unique<Stream>();
  Stream* raw = stream.get();
  raw->id = id;
  raw->door = door;
  raw->path = std::move(request.path);
  raw->recursive = request.recursive;
  raw->with_data = request.with_data;
  raw->identities = *std::move(identities);
  raw->progress = request.progress <= absl::ZeroDuration() ? kProgressDefault
                                                           : std::clamp(request.progress, kProgressMin, kProgressMax);
  raw->cursor = cursor;
  raw->last_told = clock_->Monotonic();
  streams_.emplace_hint(streams_.end(), id, std::move(stream));
  ++stats_->watch_streams_opened;
  ReadSlice(raw);
  return id;
}

WatchStreams::Stream* WatchStreams::Find(WatchStreamId id) {
  auto it = streams_.find(id);
  return it == streams_.end() ? nullptr : it->second.get();
}

void WatchStreams::Resume(WatchStreamId id) {
  Stream* stream = Find(id);
  if (stream == nullptr || stream->phase != Stream::Phase::kFull) return;
  stream->phase = Stream::Phase::kReading;
  Schedule(stream);
}

void WatchStreams::Close(WatchStreamId id) {
  Stream* stream = Find(id);
  if (stream == nullptr) return;
  Leave(stream);
  streams_.erase(id);
}

void WatchStreams::EndAll(WatchEnd reason) {
  while (!streams_.empty()) End(streams_.begin()->second.get(), reason);
}

void WatchStreams::Leave(Stream* stream) {
  if (stream->phase == Stream::Phase::kLive) {
    table_.RemoveWatcher(WatcherOf(stream->id));
    stream->cursor = std::max(stream->cursor, Cursor{live_until_, Cursor::kAll});
  } else if (stream->phase == Stream::Phase::kAhead) {
    ahead_.erase({stream->cursor.zxid, stream->id});
  }
}

void WatchStreams::End(Stream* stream, WatchEnd reason, Cursor oldest) {
  Leave(stream);
  WatchStream* door = stream->door;
  streams_.erase(stream->id);
  door->OnEnd(reason, oldest);
}

void WatchStreams::Schedule(Stream* stream) {
  if (std::exchange(stream->scheduled, true)) return;
  reading_.push_back(stream->id);
  PostNext();
}

// One slice per turn whatever the number of streams, so that they hold up nobody else.
void WatchStreams::PostNext() {
  if (reading_.empty() || std::exchange(posted_, true)) return;
  loop_->Post([this, watch = std::weak_ptr<bool>(alive_)] {
    if (!watch.lock()) return;
    posted_ = false;
    Stream* stream = nullptr;
    while (stream == nullptr && !reading_.empty()) {  // some may be gone
      stream = Find(reading_.front());
      reading_.pop_front();
    }
    if (stream != nullptr) {
      stream->scheduled = false;
      if (stream->phase == Stream::Phase::kReading) ReadSlice(stream);
    }
    PostNext();
  });
}

void WatchStreams::ReadSlice(Stream* stream) {
  const Zxid applied = state_machine_->last_zxid();
  const statemachine::EventWindow& window = state_machine_->window();
  if (stream->cursor.zxid > applied) {
    stream->phase = Stream::Phase::kAhead;
    ahead_.insert({stream->cursor.zxid, stream->id});
    return;
  }
  if (stream->cursor < window.begin()) {
    ++stats_->watch_streams_lost;
    return End(stream, WatchEnd::kEventsLost, window.begin());
  }
  std::vector<WatchStreamEvent> events;
  std::optional<Cursor> stopped;
  if (stream->cursor < Cursor{applied, Cursor::kAll}) {
    const access::Caller caller = CallerOf(*stream);
    size_t taken = 0, data_bytes = 0;
    stopped = window.Read(stream->cursor, options_.slice_bytes, [&](const statemachine::PastEvent& past) {
      Take(past, *stream, caller, &events);
      for (; taken < events.size(); ++taken) data_bytes += events[taken].data ? events[taken].data->size() : 0;
      return data_bytes < kSliceDataBytesMax;
    });
  }
  if (stopped) {
    stream->cursor = *stopped;
  } else {
    stream->cursor = Cursor{applied, Cursor::kAll};
    stream->phase = Stream::Phase::kLive;
    table_.Add(WatcherOf(stream->id), stream->path,
               stream->recursive ? WatchKind::kPersistentRecursive : WatchKind::kPersistent);
  }
  // The end is told even without an event: the stream stands there.
  if (!events.empty() || !stopped || clock_->Monotonic() - stream->last_told >= stream->progress) {
    if (!Give(stream, std::move(events))) return;
  }
  if (stopped) Schedule(stream);
}

// As the table of live watches would for one persistent watch (13.3, 13.4).
void WatchStreams::Take(const statemachine::PastEvent& past, const Stream& stream, const access::Caller& caller,
                        std::vector<WatchStreamEvent>* events) {
  const bool of_node = stream.recursive ? IsAtOrBelow(past.path, stream.path) : past.path == stream.path;
  const bool of_parent =
      !stream.recursive && past.type != tree::EventType::kDataChanged && tree::ParentPath(past.path) == stream.path;
  if (!of_node && !of_parent) return;
  const uint32_t ordinal = 2 * past.number + (of_node ? 0 : 1);
  if (Cursor{past.zxid, ordinal} <= stream.cursor) return;  // the cursor stands within this event
  if (!MayRead(of_node ? past.acl : past.parent_acl, caller)) {
    ++stats_->notifications_denied;
    return;
  }
  WatchStreamEvent& event = events->emplace_back();
  event.type = of_node ? TypeOf(past.type) : NotificationType::kChildrenChanged;
  event.path = of_node ? std::string(past.path) : stream.path;
  event.zxid = past.zxid;
  event.ordinal = ordinal;
  if (stream.with_data) FillData(caller, &event);
}

// Only if the node is as this change left it: otherwise the change that follows tells more.
void WatchStreams::FillData(const access::Caller& caller, WatchStreamEvent* event) const {
  if (event->type != NotificationType::kCreated && event->type != NotificationType::kDataChanged) return;
  std::optional<std::string_view> data;
  tree::Stat stat;
  if (state_machine_->tree().GetData(caller, event->path, &data, &stat) != tree::Error::kOk) return;
  if (stat.mzxid != event->zxid) return;
  event->stat = stat;
  if (data) event->data.emplace(*data);
}

// Of a node that one command changed many times only the last change shows it: the data of a thousand would be a
// thousand times what the command brought.
void WatchStreams::FillData(const access::Caller& caller, std::vector<WatchStreamEvent>* batch) const {
  absl::flat_hash_set<std::string_view> later;
  for (auto event = batch->rbegin(); event != batch->rend(); ++event) {
    if (event->type == NotificationType::kChildrenChanged) continue;
    if (later.insert(event->path).second) FillData(caller, &*event);
  }
}

bool WatchStreams::Give(Stream* stream, std::vector<WatchStreamEvent> events) {
  stream->last_told = clock_->Monotonic();
  stats_->watch_stream_events += events.size();
  ++stats_->packets_sent;
  if (stream->door->OnEvents(std::move(events), stream->cursor)) return true;
  ++stats_->watch_stream_pauses;
  Leave(stream);
  stream->phase = Stream::Phase::kFull;
  return false;
}

void WatchStreams::Fire(const std::vector<tree::Event>& events) {
  const Zxid zxid = state_machine_->last_zxid();
  touched_.clear();
  for (size_t i = 0; i < events.size(); ++i) {
    fired_.clear();
    table_.Fire(events[i], &fired_);
    for (watches::Notification& n : fired_) {
      Stream* stream = Find(WatchStreamId(n.watcher.value()));
      SYNOD_CHECK(stream != nullptr) << "a live watch outlived its stream";
      const access::Caller caller = CallerOf(*stream);
      if (!caller.Allows(n.acl, access::kRead)) {
        ++stats_->notifications_denied;
        continue;
      }
      if (stream->batch.empty()) touched_.push_back(stream);
      WatchStreamEvent& event = stream->batch.emplace_back();
      event.type = n.type;
      event.path = std::move(n.path);
      event.zxid = n.zxid;
      event.ordinal = static_cast<uint32_t>(2 * i) + (n.of_parent ? 1 : 0);
    }
  }
  for (Stream* stream : touched_) {
    if (stream->with_data) FillData(CallerOf(*stream), &stream->batch);
    stream->cursor = Cursor{zxid, Cursor::kAll};
    Give(stream, std::exchange(stream->batch, {}));
  }
}

// Not in this turn: the running command's events may not stand in the window yet.
void WatchStreams::WakeAhead() {
  while (!ahead_.empty() && ahead_.begin()->first <= live_until_) {
    Stream* stream = Find(ahead_.begin()->second);
    ahead_.erase(ahead_.begin());
    stream->phase = Stream::Phase::kReading;
    Schedule(stream);
  }
}

void WatchStreams::OnInstalled() {
  for (auto& [id, stream] : streams_) {
    if (stream->phase != Stream::Phase::kLive) continue;
    Leave(stream.get());
    stream->phase = Stream::Phase::kReading;
    Schedule(stream.get());
  }
  live_until_ = state_machine_->last_zxid();
  WakeAhead();
}

void WatchStreams::Sweep(absl::Duration now, absl::Duration leader_age) {
  if (leader_age >= kLeaderUnheard) return EndAll(WatchEnd::kNoQuorum);
  std::vector<Stream*> due;
  for (auto& [id, stream] : streams_) {
    if (stream->phase != Stream::Phase::kFull && now - stream->last_told >= stream->progress)
      due.push_back(stream.get());
  }
  for (Stream* stream : due) {
    if (stream->phase == Stream::Phase::kLive)
      stream->cursor = std::max(stream->cursor, Cursor{live_until_, Cursor::kAll});
    Give(stream, {});
  }
}

}  // namespace synod::service

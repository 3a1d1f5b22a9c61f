#include "tests/sim/sim_follower.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coordinator/tree/path.h"

namespace synod::sim {

using service::NotificationType;
using service::WatchEnd;
using service::WatchStreamEvent;

// One stream. What either side says takes a fixed time; a crash of the server loses what is under way.
class SimFollower::Stream final : public service::WatchStream, public std::enable_shared_from_this<Stream> {
 public:
  Stream(SimFollower* follower, Endpoint server, absl::Duration delay)
      : follower_(follower), world_(follower->world_), server_(std::move(server)), delay_(delay) {}

  void Open(service::WatchStreamRequest request) {
    ToServer([self = shared_from_this(), request = std::move(request)](service::Service& service) mutable {
      self->keep_ = self;
      self->id_ = service.OpenWatch(self.get(), std::move(request));
    });
  }
  void Close() {
    follower_ = nullptr;
    ToServer([self = shared_from_this()](service::Service& service) {
      if (!self->ended_) service.CloseWatch(self->id_);
      self->ended_ = true;
      self->keep_.reset();
    });
  }
  void Forget() { follower_ = nullptr; }
  const std::weak_ptr<void>& server_alive() const { return server_.alive; }

  bool OnEvents(std::vector<WatchStreamEvent> events, Cursor cursor) override {
    ToFollower([events = std::move(events), cursor](SimFollower& f) { f.OnEvents(events, cursor); });
    if (!world_->random().OneIn(8)) return true;
    // Too slow for a while: the service goes on from its window.
    world_->At(absl::Milliseconds(world_->random().Between(1, 400)), [self = shared_from_this()] {
      self->ToServer([self](service::Service& service) {
        if (!self->ended_) service.ResumeWatch(self->id_);
      });
    });
    return false;
  }
  void OnEnd(WatchEnd reason, Cursor oldest) override {
    ended_ = true;
    ToFollower([reason, oldest](SimFollower& f) { f.OnEnd(reason, oldest); });
    if (keep_ != nullptr) server_.loop->Post([self = std::move(keep_)] {});
  }

 private:
  void ToServer(absl::AnyInvocable<void(service::Service&)> call) {
    world_->At(delay_, [self = shared_from_this(), call = std::move(call)]() mutable {
      if (self->server_.alive.expired()) return;
      self->server_.loop->Post([self, call = std::move(call)]() mutable { call(*self->server_.service); });
    });
  }
  void ToFollower(absl::AnyInvocable<void(SimFollower&)> call) {
    if (follower_ == nullptr) return;
    world_->At(delay_, [self = shared_from_this(), call = std::move(call)]() mutable {
      if (self->follower_ != nullptr && self->follower_->stream_ == self) call(*self->follower_);
    });
  }

  SimFollower* follower_;
  World* const world_;
  const Endpoint server_;
  const absl::Duration delay_;
  service::WatchStreamId id_;
  bool ended_ = false;
  std::shared_ptr<Stream> keep_;  // while the service holds a plain pointer
};

SimFollower::SimFollower(World* world, const EventTruth* truth, std::string path, bool recursive,
                         std::function<std::optional<Endpoint>()> pick_server)
    : world_(world),
      truth_(truth),
      path_(std::move(path)),
      recursive_(recursive),
      pick_server_(std::move(pick_server)) {}

void SimFollower::Start() {
  Reopen(absl::ZeroDuration());
  LeaveSometimes();
}

void SimFollower::Reopen(absl::Duration delay) {
  world_->At(delay, [this, generation = ++generation_] {
    if (generation == generation_) Open();
  });
}

void SimFollower::Open() {
  std::optional<Endpoint> server = pick_server_();
  if (!server) return Reopen(absl::Milliseconds(world_->random().Between(5, 50)));
  stream_ = std::make_shared<Stream>(this, *std::move(server), absl::Microseconds(world_->random().Between(50, 2000)));
  service::WatchStreamRequest request;
  request.path = path_;
  request.recursive = recursive_;
  request.after = cursor_;
  request.progress = absl::Milliseconds(200);
  ++resumed_;
  stream_->Open(std::move(request));
}

void SimFollower::Drop() {
  if (stream_ != nullptr) stream_->Close();
  stream_ = nullptr;
}

void SimFollower::Broken(const std::weak_ptr<void>& server) {
  if (stream_ == nullptr || stream_->server_alive().owner_before(server) ||
      server.owner_before(stream_->server_alive())) {
    return;
  }
  stream_->Forget();
  stream_ = nullptr;
  Reopen(absl::Milliseconds(world_->random().Between(1, 20)));
}

// Of its own will, to go on elsewhere.
void SimFollower::LeaveSometimes() {
  world_->At(absl::Milliseconds(world_->random().Between(200, 4000)), [this] {
    if (stream_ != nullptr) {
      Drop();
      Reopen(absl::Milliseconds(world_->random().Between(1, 3000)));
    }
    LeaveSometimes();
  });
}

std::optional<WatchStreamEvent> SimFollower::Expected(Cursor after) const {
  // Between the two notifications of one event stands only the second.
  Cursor from = after;
  if (after.ordinal != Cursor::kAll && after.ordinal % 2 == 0) {
    from.ordinal = after.ordinal == 0 ? 0 : after.ordinal - 1;
    if (after.ordinal == 0) from = Cursor{after.zxid - 1};
  }
  Cursor where;
  for (const TrueEvent* event = truth_->Next(from, &where); event != nullptr; event = truth_->Next(where, &where)) {
    WatchStreamEvent own;
    own.type = static_cast<NotificationType>(event->type);
    own.path = event->path;
    own.zxid = where.zxid;
    own.ordinal = where.ordinal;
    bool below = path_ == "/" || absl::StartsWith(event->path, path_ + "/");
    bool mine = event->path == path_ || (recursive_ && below);
    if (mine && where > after) return own;
    Cursor second{where.zxid, where.ordinal + 1};
    bool parents = !recursive_ && event->type != tree::EventType::kDataChanged &&
                   tree::ParentPath(event->path) == path_ && event->path != "/";
    if (parents && second > after) {
      own.type = NotificationType::kChildrenChanged;
      own.path = path_;
      own.ordinal = second.ordinal;
      return own;
    }
  }
  return std::nullopt;
}

void SimFollower::OnEvents(const std::vector<WatchStreamEvent>& events, Cursor cursor) {
  for (const WatchStreamEvent& event : events) {
    std::optional<WatchStreamEvent> expected = Expected(cursor_);
    Cursor got{event.zxid, event.ordinal};
    if (!expected || expected->path != event.path || expected->type != event.type ||
        Cursor{expected->zxid, expected->ordinal} != got) {
      return Violated(absl::StrCat("got ", event.path, " at ", got.zxid.value(), "-", got.ordinal, ", expected ",
                                   expected ? expected->path : "nothing", " at ", expected ? expected->zxid.value() : 0,
                                   "-", expected ? expected->ordinal : 0, " after ", cursor_.zxid.value(), "-",
                                   cursor_.ordinal, " (W3)"));
    }
    cursor_ = got;
    ++events_;
  }
  if (cursor < cursor_) return Violated("the cursor went back (W3)");
  std::optional<WatchStreamEvent> skipped = Expected(cursor_);
  if (skipped && Cursor{skipped->zxid, skipped->ordinal} <= cursor) {
    return Violated(absl::StrCat("the cursor passed ", skipped->path, " at ", skipped->zxid.value(), " (W3)"));
  }
  cursor_ = cursor;
}

void SimFollower::OnEnd(WatchEnd reason, Cursor oldest) {
  stream_ = nullptr;
  if (reason == WatchEnd::kBadArguments || reason == WatchEnd::kAuthFailed) Violated("a good request was refused");
  if (reason == WatchEnd::kEventsLost) {
    if (oldest <= cursor_) Violated("events were called lost though the window reaches back far enough (W3)");
    ++lost_;
    cursor_ = oldest;
  }
  Reopen(absl::Milliseconds(world_->random().Between(1, 50)));
}

void SimFollower::Violated(const std::string& what) {
  if (!violation_) {
    violation_ = absl::StrCat("follower of ", path_, " at ", absl::FormatDuration(world_->now()), ": ", what);
  }
}

}  // namespace synod::sim

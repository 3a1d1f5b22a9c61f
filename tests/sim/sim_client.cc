#include "tests/sim/sim_client.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace synod::sim {

using testing::RegisterOutcome;

// One connection. Calls to the server and back take a fixed time each, so that they keep their order; a crash of the
// server loses what is under way.
class SimClient::Link final : public service::Connection, public std::enable_shared_from_this<SimClient::Link> {
 public:
  Link(SimClient* client, Endpoint server, absl::Duration delay)
      : client_(client), server_(std::move(server)), delay_(delay) {}

  // Runs `call` on the server's loop.
  void ToServer(absl::AnyInvocable<void(service::Service&, service::ConnectionId)> call) {
    client_->world_->At(delay_, [self = shared_from_this(), call = std::move(call)]() mutable {
      if (self->server_.alive.expired()) return;
      self->server_.loop->Post([self, call = std::move(call)]() mutable {
        if (!self->closed_) call(*self->server_.service, self->id_);
      });
    });
  }
  void Open(service::ConnectRequest request, bool zookeeper) {
    ToServer([self = shared_from_this(), request = std::move(request), zookeeper](service::Service& service,
                                                                                  service::ConnectionId) mutable {
      service::ConnectionOptions options;
      options.numbers_own_writes = !zookeeper;
      self->id_ = service.Open(self.get(), options);
      if (self->id_.value() == 0) {
        self->OnClose(service::CloseReason::kOverloaded, "");
        return;
      }
      self->keep_ = self;  // the service holds a plain pointer until it is closed
      service.Connect(self->id_, std::move(request));
    });
  }
  void CloseByClient() {
    ToServer([self = shared_from_this()](service::Service& service, service::ConnectionId id) {
      self->closed_ = true;
      if (id.value() != 0) service.ConnectionClosed(id, /*by_peer=*/true);
      self->keep_.reset();
    });
    client_ = nullptr;
  }
  void Forget() { client_ = nullptr; }  // the server is going
  const std::weak_ptr<void>& server_alive() const { return server_.alive; }

  void OnConnected(const service::ConnectResult& result) override {
    ToClient([result](SimClient& client) { client.OnConnected(result); });
  }
  void OnReply(service::Reply reply) override {
    ToClient([reply = std::move(reply)](SimClient& client) mutable { client.OnReply(std::move(reply)); });
  }
  void OnNotification(const service::Notification& notification) override {
    ToClient([notification](SimClient& client) { client.OnNotification(notification); });
  }
  void OnPong(uint64_t, Zxid) override {
    ToClient([](SimClient& client) { client.OnPong(); });
  }
  void OnClose(service::CloseReason reason, std::string_view message) override {
    closed_ = true;
    ToClient([reason, message = std::string(message)](SimClient& client) { client.OnClose(reason, message); });
    if (keep_ != nullptr) client_keepalive();
  }
  void OnFlowPause() override {}
  void OnFlowResume() override {}

 private:
  void client_keepalive() {
    // Freed after this callback returned to the service.
    server_.loop->Post([self = std::move(keep_)] {});
  }
  void ToClient(absl::AnyInvocable<void(SimClient&)> call) {
    if (client_ == nullptr) return;
    client_->world_->At(delay_, [self = shared_from_this(), call = std::move(call)]() mutable {
      if (self->client_ != nullptr && self->client_->link_ == self) call(*self->client_);
    });
  }

  SimClient* client_;
  const Endpoint server_;
  const absl::Duration delay_;
  service::ConnectionId id_;
  bool closed_ = false;
  std::shared_ptr<Link> keep_;
};

SimClient::SimClient(World* world, const EventTruth* truth, int id, ClientOptions options,
                     std::function<std::optional<Endpoint>()> pick_server)
    : world_(world), truth_(truth), id_(id), options_(options), pick_server_(std::move(pick_server)) {}

void SimClient::Start() {
  Reconnect(absl::ZeroDuration());
  Think();
}

// ---- connection ----

void SimClient::Reconnect(absl::Duration delay) {
  uint64_t generation = ++link_generation_;
  world_->At(delay, [this, generation] {
    if (generation == link_generation_) Connect();
  });
}

void SimClient::Connect() {
  std::optional<Endpoint> server = pick_server_();
  if (!server) return Reconnect(absl::Milliseconds(world_->random().Between(5, 50)));
  link_ = std::make_shared<Link>(this, *std::move(server), absl::Microseconds(world_->random().Between(50, 2000)));
  service::ConnectRequest request;
  request.session = session_;
  request.password = password_;
  request.timeout = options_.timeout;
  request.disconnect_grace = options_.grace;
  request.last_zxid = last_zxid_;
  if (!options_.zookeeper) {
    for (const auto& [path, mzxid] : watched_) request.rearm.push_back({path, service::WatchKind::kData, {mzxid}});
    if (cursor_) request.rearm.push_back({"/", service::WatchKind::kPersistentRecursive, *cursor_});
  }
  last_heard_ = world_->now();
  link_->Open(std::move(request), options_.zookeeper);
  PingLoop(link_generation_);
}

void SimClient::PingLoop(uint64_t generation) {
  world_->At(options_.timeout / 6, [this, generation] {
    if (generation != link_generation_) return;
    if (world_->now() - last_heard_ > options_.timeout * 2 / 3) {
      Disconnect(true);
      return Reconnect(absl::Milliseconds(world_->random().Between(1, 20)));
    }
    if (connected_) link_->ToServer([](service::Service& service, service::ConnectionId id) { service.Ping(id, 1); });
    PingLoop(generation);
  });
}

void SimClient::Disconnect(bool tell_server) {
  connected_ = false;
  if (options_.zookeeper) LosePending();
  if (link_ == nullptr) return;
  if (tell_server) {
    link_->CloseByClient();
  } else {
    link_->Forget();
  }
  link_ = nullptr;
}

void SimClient::GoAway(absl::Duration time) {
  Disconnect(/*tell_server=*/false);
  Reconnect(time);
}

void SimClient::Broken(const std::weak_ptr<void>& server) {
  if (link_ == nullptr || link_->server_alive().owner_before(server) || server.owner_before(link_->server_alive()))
    return;
  Disconnect(false);
  Reconnect(absl::Milliseconds(world_->random().Between(1, 20)));
}

void SimClient::OnConnected(const service::ConnectResult& result) {
  if (session_.value() != 0 && result.session != session_)
    return Violated("a resumed session came back under another id");
  if (session_.value() == 0) ++sessions_;
  session_ = result.session;
  password_ = result.password;
  connected_ = true;
  last_heard_ = world_->now();
  if (result.zxid < last_zxid_) Violated("a server behind the client took its session (S9)");
  // Once in the life of the session: afterwards every connection arms it again.
  if (options_.zookeeper) {
    IssueSetWatches();
  } else if (!watch_asked_) {
    IssueWatch();
  }
  // S2: everything unanswered again, under its number; reads too.
  for (const Op& op : pending_) {
    if (op.sent_ever) ++resent_;
  }
  SendAll();
}

void SimClient::OnPong() { last_heard_ = world_->now(); }

void SimClient::OnClose(service::CloseReason reason, const std::string& message) {
  connected_ = false;
  link_ = nullptr;
  if (options_.zookeeper) LosePending();
  if (reason == service::CloseReason::kSessionExpired) SessionLost();
  if (reason == service::CloseReason::kProtocolError || reason == service::CloseReason::kAuthFailed) {
    Violated(absl::StrCat("the server closed with reason ", static_cast<int>(reason), ": ", message));
  }
  Reconnect(absl::Milliseconds(world_->random().Between(1, 50)));
}

void SimClient::SessionLost() {
  session_ = SessionId(0);
  password_.clear();
  next_sequence_ = Sequence(1);
  watched_.clear();
  watch_asked_ = false;
  cursor_.reset();
  LosePending();
}

// It may have been done, if it was ever sent.
void SimClient::LosePending() {
  std::deque<Op> lost = std::exchange(pending_, {});
  for (Op& op : lost) {
    if (!op.write || !op.sent_ever) continue;
    ++lost_;
    if (op.sequential) ++created_unknown_;
    if (op.history) {
      op.history->outcome = RegisterOutcome::kUnknown;
      history_.push_back(*std::move(op.history));
    }
  }
}

// ---- operations ----

void SimClient::Think() {
  world_->At(absl::Nanoseconds(world_->random().Below(absl::ToInt64Nanoseconds(options_.think * 2)) + 1), [this] {
    if (!draining_ && connected_ && pending_.size() < static_cast<size_t>(options_.outstanding)) Issue();
    Think();
  });
}

void SimClient::Issue() {
  Op op = MakeOp();
  op.request.id = next_id_++;
  if (op.write && !options_.zookeeper) {
    op.request.sequence = next_sequence_;
    ++next_sequence_;
  }
  if (op.history) op.history->invoked = absl::ToInt64Nanoseconds(world_->now());
  op.sent_ever = true;
  pending_.push_back(std::move(op));
  Send(pending_.back());
}

// Sent with the rest of pending_ by the caller.
void SimClient::IssueWatch() {
  watch_asked_ = true;
  Op op;
  op.sent_ever = true;
  op.request.id = next_id_++;
  op.request.operation = service::AddWatch{"/", service::WatchKind::kPersistentRecursive};
  pending_.push_back(std::move(op));
}

// As ZooKeeper's clients do before anything else (specs: ZooKeeper protocol, 13.5). Events that it missed of the
// persistent watch are gone: it hears of everything after the reply.
void SimClient::IssueSetWatches() {
  cursor_.reset();
  service::SetWatches set;
  for (const auto& [path, mzxid] : watched_) set.watches.push_back({path, service::WatchKind::kData, {last_zxid_}});
  set.watches.push_back({"/", service::WatchKind::kPersistentRecursive, {last_zxid_}});
  Op op;
  op.sent_ever = true;
  op.request.id = next_id_++;
  op.request.operation = std::move(set);
  pending_.push_front(std::move(op));
}

void SimClient::SendAll() {
  for (Op& op : pending_) {
    op.sent_ever = true;
    Send(op);
  }
}

void SimClient::Send(const Op& op) {
  // Everything answered so far has left pending_. (Nothing is confirmed by a client that does not number.)
  Sequence confirmed = options_.zookeeper ? Sequence(0) : next_sequence_;
  for (const Op& other : pending_) {
    if (other.write && !options_.zookeeper) {
      confirmed = other.request.sequence;
      break;
    }
  }
  link_->ToServer([request = op.request, confirmed](service::Service& service, service::ConnectionId id) mutable {
    service.Submit(id, absl::MakeSpan(&request, 1), confirmed);
  });
}

void SimClient::OnReply(service::Reply reply) {
  last_heard_ = world_->now();
  if (pending_.empty() || pending_.front().request.id != reply.id) return Violated("a reply out of order");
  Op op = std::move(pending_.front());
  pending_.pop_front();
  if (reply.repeated) ++repeated_;
  if (reply.repeated && options_.zookeeper) return Violated("a client that numbers nothing got a repeated reply");
  Settle(std::move(op), reply);
}

void SimClient::Violated(const std::string& what) {
  if (!violation_) violation_ = absl::StrCat("client ", id_, " at ", absl::FormatDuration(world_->now()), ": ", what);
}

}  // namespace synod::sim

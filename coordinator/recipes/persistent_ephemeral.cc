#include "coordinator/recipes/persistent_ephemeral.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/base/check.h"
#include "coordinator/recipes/gate.h"
#include "coordinator/recipes/paths.h"
#include "coordinator/recipes/waiting.h"

namespace synod::recipes {

using client::Client;
using client::Compare;
using client::CreateMode;
using client::Effect;
using client::Error;
using client::ErrorCode;
using client::Operation;
using client::ReadStrength;
using client::Result;
using client::SessionState;
using client::TxnOutcome;
using client::WatchEvent;

namespace {

Compare IsNode(const std::string& path, int64_t czxid) {
  return Compare::Number(path, Compare::Target::kCzxid, Compare::Relation::kEqual, czxid);
}
void DeleteExactly(Client* client, const std::string& path, int64_t czxid) {
  client->Txn({IsNode(path, czxid)}, {Operation::Delete(path)}, {}, [](const auto&) {});
}

}  // namespace

std::string_view PresenceName(Presence presence) {
  switch (presence) {
    case Presence::kAbsent:
      return "absent";
    case Presence::kPresent:
      return "present";
    case Presence::kUncertain:
      return "uncertain";
    case Presence::kOccupied:
      return "occupied";
    case Presence::kReplaced:
      return "replaced";
    case Presence::kFailed:
      return "failed";
  }
  return "unknown";
}

std::string PersistentEphemeral::Encode(std::string_view identity, std::string_view data) {
  std::string out(identity);
  out += '\n';
  out += data;
  return out;
}

std::optional<PersistentEphemeral::Content> PersistentEphemeral::Decode(const client::Data& data) {
  const size_t end = data ? data->find('\n') : std::string::npos;
  if (end == std::string::npos || end == 0) return std::nullopt;
  return Content{data->substr(0, end), data->substr(end + 1)};
}

// One step at a time: `generation` names the step whose answers and events still count.
struct PersistentEphemeral::Impl : std::enable_shared_from_this<Impl> {
  Impl(Session* on, std::string where, Options wanted)
      : session(on), path(std::move(where)), options(std::move(wanted)), data(options.data) {}

  void Listen() {
    subscription = session->Listen([weak = weak_from_this()](const ClientPtr& client, SessionState state) {
      if (auto self = weak.lock()) self->OnState(client, state);
    });
    Place(session->client(), false);
  }

  // Binds a member to callbacks that may come when another step has begun.
  template <typename Function>
  auto Bind(uint64_t mine, Function function) {
    return [weak = weak_from_this(), mine, function](auto&&... arguments) {
      auto self = weak.lock();
      if (self == nullptr) return;
      self->gate.Pass([&] {
        if (self->Current(mine)) function(*self, mine, std::forward<decltype(arguments)>(arguments)...);
      });
    };
  }
  bool Current(uint64_t mine) const {
    std::lock_guard lock(mutex);
    return generation == mine;
  }

  void OnState(const ClientPtr& client, SessionState state) {
    gate.Pass([&] {
      Presence now;
      ClientPtr placing;
      {
        std::lock_guard lock(mutex);
        now = presence;
        placing = placer.lock();
      }
      if (now == Presence::kReplaced) return;
      if (state == SessionState::kConnected) {
        if (client != placing || now == Presence::kFailed) return Place(client, now == Presence::kFailed);
        if (now == Presence::kUncertain) Become(Presence::kPresent, {});
      } else if (client != placing) {
        return;
      } else if (state == SessionState::kLost) {
        if (now == Presence::kPresent) Become(Presence::kUncertain, {});
      } else if (state == SessionState::kExpired || state == SessionState::kClosed) {
        NextStep();
        const bool comes_back = state == SessionState::kExpired && session->renews();
        Become(comes_back ? Presence::kAbsent : Presence::kFailed, comes_back ? Error() : EndOfSession(state));
      }
    });
  }

  uint64_t NextStep() {
    std::lock_guard lock(mutex);
    czxid = 0;
    return ++generation;
  }

  // From the beginning, with this client. Not `again`: unless it has begun with it.
  void Place(const ClientPtr& client, bool again) {
    uint64_t mine = 0;
    std::string content;
    {
      std::lock_guard lock(mutex);
      if (presence == Presence::kReplaced || closed || (!again && placer.lock() == client)) return;
      placer = client;
      czxid = 0;
      mine = ++generation;
      content = NodeData();
    }
    // Somebody has to delete the node if nobody wants it any more when the answer comes.
    client->Create(
        path, content, CreateMode::kEphemeral,
        [weak = weak_from_this(), mine, client = client.get(), path = path](const Result<client::Created>& created) {
          auto self = weak.lock();
          bool taken = false;
          if (self != nullptr) {
            self->gate.Pass([&] {
              taken = self->Current(mine);
              if (taken) self->OnCreated(mine, created);
            });
          }
          if (!taken && created.ok()) DeleteExactly(client, path, created->stat.czxid);
        });
  }

  void OnCreated(uint64_t mine, const Result<client::Created>& created) {
    if (created.ok()) return OnPlaced(mine, created->stat.czxid);
    const ErrorCode code = created.error().code;
    if (code == ErrorCode::kNodeExists) return Inspect(mine);
    if (code == ErrorCode::kNoNode && path.rfind('/') != 0) {
      return CreatePath(placer.lock().get(), path.substr(0, path.rfind('/')),
                        Bind(mine, [](Impl& self, uint64_t, const Error& error) {
                          if (error.ok()) return self.PlaceAgain();
                          self.Fail(error);
                        }));
    }
    Fail(created.error());
  }

  void OnPlaced(uint64_t mine, int64_t zxid) {
    bool stale = false;
    {
      std::lock_guard lock(mutex);
      czxid = zxid;
      placed_once = true;
      stale = data != placed_data;
    }
    Become(Presence::kPresent, {});
    Watch(mine);
    if (stale) SendData();
  }

  // The own node: until it goes.
  void Watch(uint64_t mine) {
    const ClientPtr client = placer.lock();
    if (client == nullptr) return;
    client->Get(path, ReadStrength::kSession,
                Bind(mine,
                     [](Impl& self, uint64_t mine, const WatchEvent& event) {
                       if (event.type != WatchEvent::Type::kDeleted) return self.Watch(mine);
                       self.OnGone();
                     }),
                Bind(mine, [](Impl& self, uint64_t, const Result<client::NodeValue>& value) {
                  const bool own = value.ok() && value->stat.czxid == self.Czxid();
                  const bool gone = !own && (value.ok() || value.error().code == ErrorCode::kNoNode);
                  if (gone) self.OnGone();
                }));
  }
  int64_t Czxid() const {
    std::lock_guard lock(mutex);
    return czxid;
  }
  void OnGone() {
    Become(Presence::kAbsent, {});
    PlaceAgain();
  }
  void PlaceAgain() {
    if (const ClientPtr client = placer.lock()) Place(client, true);
  }

  // There is a node: whose?
  void Inspect(uint64_t mine) {
    const ClientPtr client = placer.lock();
    if (client == nullptr) return;
    client->Get(path, ReadStrength::kSession,
                Bind(mine,
                     [](Impl& self, uint64_t mine, const WatchEvent& event) {
                       if (event.type == WatchEvent::Type::kDeleted) return self.PlaceAgain();
                       self.Inspect(mine);
                     }),
                Bind(mine, [](Impl& self, uint64_t, const Result<client::NodeValue>& value) {
                  if (value.ok()) return self.Judge(*value);
                  if (value.error().code == ErrorCode::kNoNode) return self.PlaceAgain();
                  self.Fail(value.error());
                }));
  }
  void Judge(const client::NodeValue& value) {
    const std::optional<PersistentEphemeral::Content> content = Decode(value.data);
    if (!content || content->identity != options.identity) return Become(Presence::kOccupied, {});
    bool again = false;
    {
      std::lock_guard lock(mutex);
      again = placed_once;
    }
    // A new step: the watch on the stale node must not take its going for news.
    if (!again) return Replace(NextStep(), value.stat.czxid);
    // An ended session's node is gone before its successor can ask: this is a later object of the same identity.
    NextStep();
    Become(Presence::kReplaced, {ErrorCode::kNodeExists, Effect::kNotDone,
                                 absl::StrCat("another ", options.identity, " has taken the place of this one")});
  }

  void Replace(uint64_t mine, int64_t stale) {
    const ClientPtr client = placer.lock();
    if (client == nullptr) return;
    std::string content;
    {
      std::lock_guard lock(mutex);
      content = NodeData();
    }
    client->Txn({IsNode(path, stale)},
                {Operation::Delete(path), Operation::Create(path, content, CreateMode::kEphemeral)}, {},
                [weak = weak_from_this(), mine, client = client.get(), path = path](const Result<TxnOutcome>& outcome) {
                  auto self = weak.lock();
                  const bool done = outcome.ok() && outcome->error.ok() && outcome->succeeded;
                  bool taken = false;
                  if (self != nullptr) {
                    self->gate.Pass([&] {
                      taken = self->Current(mine);
                      if (!taken) return;
                      if (done) return self->OnPlaced(mine, outcome->results[1].stat.czxid);
                      if (!outcome.ok()) return self->Fail(outcome.error());
                      if (!outcome->error.ok()) return self->Fail(outcome->error);
                      self->PlaceAgain();  // it went, or another one came
                    });
                  }
                  if (!taken && done) DeleteExactly(client, path, outcome->results[1].stat.czxid);
                });
  }

  void Fail(const Error& error) {
    NextStep();
    // The session's end says so itself.
    if (error.code == ErrorCode::kSessionExpired && session->renews()) return;
    Become(Presence::kFailed, error);
  }

  // REQUIRES: inside the gate.
  void Become(Presence now, const Error& error) {
    {
      std::lock_guard lock(mutex);
      if (presence == now && now != Presence::kFailed) return;
      presence = now;
      why = error;
      changed.notify_all();
    }
    if (options.on_change != nullptr) options.on_change(now, error);
  }

  void SetData(std::string wanted) {
    {
      std::lock_guard lock(mutex);
      data = std::move(wanted);
    }
    SendData();
  }
  // While the node is being made, OnPlaced does it.
  void SendData() {
    ClientPtr client;
    int64_t own = 0;
    std::string content;
    {
      std::lock_guard lock(mutex);
      if (czxid == 0) return;
      content = NodeData();
      client = placer.lock();
      own = czxid;
    }
    if (client != nullptr) client->Txn({IsNode(path, own)}, {Operation::Set(path, content)}, {}, [](const auto&) {});
  }
  // REQUIRES: mutex held.
  std::string NodeData() {
    placed_data = data;
    return Encode(options.identity, data);
  }

  void Stop() {
    subscription.Cancel();
    gate.Close();
    ClientPtr client;
    int64_t own = 0;
    {
      std::lock_guard lock(mutex);
      closed = true;
      ++generation;
      client = placer.lock();
      own = czxid;
    }
    if (client != nullptr && own != 0) DeleteExactly(client.get(), path, own);
  }

  Session* const session;
  const std::string path;
  const Options options;
  Session::Subscription subscription;
  Gate gate;                 // taken before the mutex
  mutable std::mutex mutex;  // guards what follows
  mutable std::condition_variable changed;
  std::weak_ptr<Client> placer;
  uint64_t generation = 0;
  int64_t czxid = 0;         // of the own node; 0: none
  bool placed_once = false;  // a node of this identity that is not ours is a later one
  bool closed = false;
  Presence presence = Presence::kAbsent;
  Error why;
  std::string data;
  std::string placed_data;  // what was sent last
};

PersistentEphemeral::PersistentEphemeral(Session* session, std::string path, Options options)
    : impl_(std::make_shared<Impl>(session, std::move(path), std::move(options))) {
  const std::string& identity = impl_->options.identity;
  SYNOD_CHECK(!identity.empty() && identity.find('\n') == std::string::npos) << "an identity that is no line";
  impl_->Listen();
}
PersistentEphemeral::~PersistentEphemeral() { impl_->Stop(); }

Presence PersistentEphemeral::presence() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->presence;
}
void PersistentEphemeral::SetData(std::string data) { impl_->SetData(std::move(data)); }

Result<int64_t> PersistentEphemeral::WaitUntilPresent(absl::Duration timeout) const {
  SYNOD_CHECK(!impl_->session->OnCallbackThread()) << "a recipe waits inside a callback of its own session";
  std::unique_lock lock(impl_->mutex);
  const bool in_time = WaitFor(impl_->changed, lock, timeout,
                               [this] { return impl_->presence == Presence::kPresent || !impl_->why.ok(); });
  if (!in_time) {
    return Error{ErrorCode::kTimeout, Effect::kNotDone,
                 absl::StrCat("not within the time limit: ", absl::string_view(PresenceName(impl_->presence).data(),
                                                                               PresenceName(impl_->presence).size()))};
  }
  if (impl_->presence != Presence::kPresent) return impl_->why;
  return impl_->czxid;
}

}  // namespace synod::recipes

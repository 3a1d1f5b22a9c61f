#include "coordinator/recipes/node_cache.h"

#include <utility>

#include "coordinator/base/check.h"
#include "coordinator/recipes/gate.h"
#include "coordinator/recipes/waiting.h"

namespace synod::recipes {

using client::Client;
using client::ErrorCode;
using client::ReadStrength;
using client::Result;
using client::SessionState;
using client::WatchEvent;

// Reads with a one-shot watch, again and again: whatever happens between an event and the read after it, the read
// shows.
struct NodeCache::Impl : std::enable_shared_from_this<NodeCache::Impl> {
  Impl(Session* on, std::string where, Options wanted)
      : session(on), path(std::move(where)), options(std::move(wanted)) {}

  void Listen() {
    subscription = session->Listen([weak = weak_from_this()](const ClientPtr& client, SessionState state) {
      auto self = weak.lock();
      if (self != nullptr && state == SessionState::kConnected) self->Start(client.get());
    });
    const ClientPtr client = session->client();
    Start(client.get());
  }

  // Begins with this client, unless it has.
  void Start(Client* client) {
    uint64_t mine = 0;
    {
      std::lock_guard lock(mutex);
      if (reader == client && !failed) return;
      reader = client;
      failed = false;
      armed = false;
      mine = ++generation;
    }
    Read(client, mine, ReadStrength::kLinearizable);
  }

  // Binds a member to callbacks that may come after this object, or that client, went.
  template <typename Function>
  auto Bind(Client* client, uint64_t mine, Function function) {
    return [weak = weak_from_this(), client, mine, function](auto&&... arguments) {
      auto self = weak.lock();
      if (self == nullptr) return;
      {
        std::lock_guard lock(self->mutex);
        if (self->generation != mine) return;
      }
      function(*self, client, mine, std::forward<decltype(arguments)>(arguments)...);
    };
  }

  // One watch at a time: it fires for the first change after the read that set it, so a later read needs none.
  client::WatchCallback Watch(Client* client, uint64_t mine) {
    {
      std::lock_guard lock(mutex);
      if (std::exchange(armed, true)) return nullptr;
    }
    return Bind(client, mine, [](Impl& self, Client* client, uint64_t mine, const WatchEvent&) {
      self.Disarm();
      self.Read(client, mine, ReadStrength::kSession);
    });
  }
  void Disarm() {
    std::lock_guard lock(mutex);
    armed = false;
  }

  void Read(Client* client, uint64_t mine, ReadStrength strength) {
    client::WatchCallback watch = Watch(client, mine);
    const bool arming = watch != nullptr;
    client->Get(
        path, strength, std::move(watch),
        Bind(client, mine,
             [arming, strength](Impl& self, Client* client, uint64_t mine, const Result<client::NodeValue>& value) {
               if (value.ok()) return self.Take(value->zxid, CachedNode{value->data, value->stat});
               if (arming) self.Disarm();
               const ErrorCode code = value.error().code;
               if (code == ErrorCode::kNoNode) return self.AwaitCreation(client, mine);
               // The servers waited for a quorum before they said so (S6).
               if (code == ErrorCode::kNoQuorum) return self.Read(client, mine, strength);
               self.Fail(value.error());
             }));
  }

  void AwaitCreation(Client* client, uint64_t mine) {
    client->Exists(
        path, ReadStrength::kSession, Watch(client, mine),
        Bind(client, mine, [](Impl& self, Client* client, uint64_t mine, const Result<client::NodeStat>& stat) {
          if (!stat.ok()) return self.Fail(stat.error());
          if (!stat->stat) return self.Take(stat->zxid, std::nullopt);
          self.Read(client, mine, ReadStrength::kSession);  // made in between
        }));
  }

  void Take(int64_t zxid, Value now) {
    gate.Pass([&] {
      {
        std::lock_guard lock(mutex);
        const bool same = known && now.has_value() == value.has_value() &&
                          (!now || (now->stat == value->stat && now->data == value->data));
        known = true;
        known_at = std::max(known_at, zxid);
        changed.notify_all();
        if (same) return;
        value = now;
      }
      if (options.on_change != nullptr) options.on_change(now);
    });
  }

  void Fail(const client::Error& error) {
    {
      std::lock_guard lock(mutex);
      failed = true;
    }
    if (options.on_error != nullptr) gate.Pass([&] { options.on_error(error); });
  }

  Session* const session;
  const std::string path;
  const Options options;
  Session::Subscription subscription;
  Gate gate;
  mutable std::mutex mutex;  // guards what follows
  mutable std::condition_variable changed;
  Client* reader = nullptr;
  bool failed = false;      // the reading stopped; it begins again when the session connects
  uint64_t generation = 0;  // of the reading; news of an earlier one is of no use
  bool armed = false;
  bool known = false;
  int64_t known_at = 0;
  Value value;
};

NodeCache::NodeCache(Session* session, std::string path, Options options)
    : impl_(std::make_shared<Impl>(session, std::move(path), std::move(options))) {
  impl_->Listen();
}

NodeCache::~NodeCache() {
  impl_->subscription.Cancel();
  impl_->gate.Close();
}

NodeCache::Value NodeCache::Get() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->value;
}
int64_t NodeCache::known_at() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->known_at;
}
bool NodeCache::WaitUntilKnown(absl::Duration timeout) const {
  SYNOD_CHECK(!impl_->session->OnCallbackThread()) << "a recipe waits inside a callback of its own session";
  std::unique_lock lock(impl_->mutex);
  return WaitFor(impl_->changed, lock, timeout, [this] { return impl_->known; });
}

}  // namespace synod::recipes

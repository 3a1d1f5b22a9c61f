#include "coordinator/recipes/session.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "coordinator/base/check.h"
#include "coordinator/base/status_macros.h"

namespace synod::recipes {

using client::Client;
using client::ClientOptions;
using client::SessionState;

std::string_view LossName(Loss loss) {
  switch (loss) {
    case Loss::kSessionLost:
      return "session lost";
    case Loss::kSessionEnded:
      return "session ended";
    case Loss::kNodeDeleted:
      return "own node deleted";
  }
  return "unknown";
}

client::Error EndOfSession(SessionState state) {
  SYNOD_CHECK(state == SessionState::kExpired || state == SessionState::kClosed);
  if (state == SessionState::kExpired) {
    return {client::ErrorCode::kSessionExpired, client::Effect::kNotDone, "the session expired"};
  }
  return {client::ErrorCode::kClosed, client::Effect::kNotDone, "the session was closed"};
}

// Clients are destroyed neither by their own thread nor under the lock: whoever drops the last pointer to one puts it
// on `graves`, and Reap, on a thread that is not its own, destroys it.
struct Session::Impl {
  Impl(ClientOptions wanted, bool renewing)
      : on_session(std::exchange(wanted.on_session, nullptr)), options(std::move(wanted)), renew(renewing) {}

  // REQUIRES: `mutex` held, so that the first report of the new client finds it in its place.
  absl::Status Open() {
    ClientOptions mine = CopyOptions();
    const uint64_t mark = ++incarnation;
    mine.on_session = [this, mark](SessionState now) { OnState(mark, now); };
    SYNOD_ASSIGN_OR_RETURN(std::unique_ptr<Client> made, Client::Create(std::move(mine)));
    ++alive;
    present = ClientPtr(made.release(), [this](Client* gone) {
      std::lock_guard lock(mutex);
      graves.emplace_back(gone);
      buried.notify_all();
    });
    state = SessionState::kConnecting;
    return absl::OkStatus();
  }

  ClientOptions CopyOptions() const {
    ClientOptions copy;
    copy.servers = options.servers;
    copy.session = options.session;
    copy.session_timeout = options.session_timeout;
    copy.disconnect_grace = options.disconnect_grace;
    copy.request_timeout = absl::InfiniteDuration();
    copy.connect_timeout = options.connect_timeout;
    copy.stall_timeout = options.stall_timeout;
    copy.credentials = options.credentials;
    copy.max_pending_requests = options.max_pending_requests;
    copy.seed = options.seed;
    return copy;
  }

  void OnState(uint64_t mark, SessionState now) {
    {
      std::lock_guard in_order(delivering);
      ClientPtr speaker;
      std::vector<Listener> called;
      {
        std::lock_guard lock(mutex);
        if (mark != incarnation) return;
        state = now;
        speaker = present;
        called.reserve(listeners.size());
        for (const auto& [id, listener] : listeners) called.push_back(listener);
        // Before anybody hears of the end, so that whoever then tries again does so with the successor.
        if (now == SessionState::kExpired && renew) Renew();
      }
      if (on_session != nullptr) on_session(now);
      for (Listener& listener : called) listener(speaker, now);
    }
    if (now == SessionState::kConnected) Reap();
  }

  // REQUIRES: `mutex` held.
  void Renew() {
    // Not dropped here: it may be the last pointer, and its end takes the lock.
    retired.push_back(std::move(present));
    tree_watches.clear();
    // The options made a client once: they do so again.
    SYNOD_CHECK(Open().ok());
  }

  // Destroys what nobody points to any more, but for a client whose own thread this is.
  void Reap() {
    std::vector<ClientPtr> let_go;
    std::vector<std::unique_ptr<Client>> dead;
    {
      std::lock_guard lock(mutex);
      let_go.swap(retired);
    }
    let_go.clear();
    {
      std::lock_guard lock(mutex);
      for (auto it = graves.begin(); it != graves.end();) {
        if ((*it)->OnCallbackThread()) {
          ++it;
          continue;
        }
        dead.push_back(std::move(*it));
        it = graves.erase(it);
      }
    }
    if (dead.empty()) return;
    const size_t count = dead.size();
    dead.clear();
    std::lock_guard lock(mutex);
    alive -= count;
    buried.notify_all();
  }

  // Waits until every client is gone: their callbacks point here.
  void End() {
    ClientPtr last;
    {
      std::lock_guard lock(mutex);
      renew = false;
      last.swap(present);
    }
    last.reset();
    for (;;) {
      Reap();
      std::unique_lock lock(mutex);
      buried.wait(lock, [this] { return alive == 0 || !graves.empty(); });
      if (alive == 0) return;
    }
  }

  client::SessionCallback on_session;
  const ClientOptions options;  // without on_session
  std::mutex delivering;        // taken before `mutex`: a new client's news wait until the old one's have been told
  mutable std::mutex mutex;     // guards what follows
  std::condition_variable buried;
  bool renew;
  uint64_t incarnation = 0;
  ClientPtr present;
  SessionState state = SessionState::kConnecting;
  uint64_t next_listener = 1;
  std::map<uint64_t, Listener> listeners;
  std::map<std::string, int> tree_watches;  // of the present client: path to users
  std::vector<ClientPtr> retired;
  std::vector<std::unique_ptr<Client>> graves;
  size_t alive = 0;
};

Session::Subscription& Session::Subscription::operator=(Subscription&& other) noexcept {
  Cancel();
  session_ = std::exchange(other.session_, nullptr);
  id_ = other.id_;
  return *this;
}

void Session::Subscription::Cancel() {
  if (session_ == nullptr) return;
  Listener dropped;  // after the lock: it may hold the last pointer to a recipe's state
  std::lock_guard lock(session_->impl_->mutex);
  auto it = session_->impl_->listeners.find(id_);
  dropped.swap(it->second);
  session_->impl_->listeners.erase(it);
  session_ = nullptr;
}

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::~Session() { impl_->End(); }

absl::StatusOr<std::unique_ptr<Session>> Session::Create(ClientOptions options, bool renew) {
  if (!options.session) return absl::InvalidArgumentError("recipes need a session");
  auto impl = std::make_unique<Impl>(std::move(options), renew);
  {
    std::lock_guard lock(impl->mutex);
    SYNOD_RETURN_IF_ERROR(impl->Open());
  }
  return std::unique_ptr<Session>(new Session(std::move(impl)));
}

ClientPtr Session::client() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->present;
}

SessionState Session::state() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->state;
}

bool Session::renews() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->renew;
}

Session::Subscription Session::Listen(Listener listener) {
  std::lock_guard lock(impl_->mutex);
  Subscription subscription;
  subscription.session_ = this;
  subscription.id_ = impl_->next_listener++;
  impl_->listeners.emplace(subscription.id_, std::move(listener));
  return subscription;
}

// The calls are made with the lock held: nobody's Add comes between the last Drop and the taking back.
void Session::AddTreeWatch(const ClientPtr& client, const std::string& path, client::WatchCallback watch,
                           client::Callback<int64_t> done) {
  std::lock_guard lock(impl_->mutex);
  if (client == impl_->present) ++impl_->tree_watches[path];
  client->AddWatch(path, client::PersistentWatchKind::kPersistentRecursive, std::move(watch), std::move(done));
}

void Session::DropTreeWatch(const ClientPtr& client, const std::string& path) {
  std::lock_guard lock(impl_->mutex);
  auto users = impl_->tree_watches.find(path);
  if (client != impl_->present || users == impl_->tree_watches.end() || --users->second > 0) return;
  impl_->tree_watches.erase(users);
  client->RemoveWatch(path, client::PersistentWatchKind::kPersistentRecursive, [](const auto&) {});
}

void Session::Close(client::Callback<int64_t> done) {
  ClientPtr last;
  {
    std::lock_guard lock(impl_->mutex);
    impl_->renew = false;
    last = impl_->present;
  }
  last->Close(std::move(done));
}

}  // namespace synod::recipes

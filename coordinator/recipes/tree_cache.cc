#include "coordinator/recipes/tree_cache.h"

#include <deque>
#include <utility>

#include "coordinator/base/check.h"
#include "coordinator/recipes/gate.h"
#include "coordinator/recipes/paths.h"
#include "coordinator/recipes/waiting.h"

namespace synod::recipes {

using client::Error;
using client::ErrorCode;
using client::ReadStrength;
using client::Result;
using client::SessionState;
using client::WatchEvent;

namespace {

// Reads of one cache on their way at once: enough to hide the way, little enough to leave others their turn.
constexpr size_t kReadsMax = 128;

// A change of the list of children is none of the node.
bool Same(const CachedNode& a, const CachedNode& b) {
  return a.stat.czxid == b.stat.czxid && a.stat.mzxid == b.stat.mzxid && a.stat.aversion == b.stat.aversion &&
         a.data == b.data;
}

}  // namespace

struct TreeCache::Impl : std::enable_shared_from_this<TreeCache::Impl> {
  Impl(Session* on, std::string where, Options wanted)
      : session(on), root(std::move(where)), options(std::move(wanted)) {}

  void Listen() {
    subscription = session->Listen([weak = weak_from_this()](const ClientPtr& client, SessionState state) {
      auto self = weak.lock();
      if (self != nullptr && state == SessionState::kConnected) self->Start(client);
    });
    Start(session->client());
  }

  // Begins with this client, unless it has: the watch first, so that what the reads miss comes as an event.
  void Start(const ClientPtr& client) {
    bool watch = false;
    uint64_t mine = 0;
    {
      std::lock_guard lock(mutex);
      watch = reader.lock() != client;
      if (!watch && !failed) return;
      reader = client;
      if (watch) ++watching;
      mine = watching;
    }
    if (watch) {
      session->AddTreeWatch(
          client, root,
          [weak = weak_from_this(), mine](const WatchEvent& event) {
            auto self = weak.lock();
            if (self != nullptr && self->Watching(mine)) self->OnEvent(event);
          },
          [weak = weak_from_this(), mine](const Result<int64_t>& set) {
            auto self = weak.lock();
            if (self != nullptr && self->Watching(mine) && !set.ok()) self->OnNoWatch(set.error());
          });
    }
    ReadAll(ReadStrength::kLinearizable);
  }
  bool Watching(uint64_t mine) const {
    std::lock_guard lock(mutex);
    return watching == mine;
  }

  // Reads the subtree anew, beside the view.
  void ReadAll(ReadStrength strength) {
    std::lock_guard lock(mutex);
    failed = false;
    ++generation;
    in_flight = 0;
    waiting.clear();
    scan.emplace();
    waiting.push_back({root, strength});
    SendReads();
  }

  // REQUIRES: mutex held, as all below that are called so.
  void SendReads() {
    const ClientPtr client = reader.lock();
    if (client == nullptr) return;
    while (in_flight < kReadsMax && !waiting.empty()) {
      ++in_flight;
      auto [path, strength] = std::move(waiting.front());
      waiting.pop_front();
      client->Get(path, strength, nullptr,
                  [weak = weak_from_this(), mine = generation, path, strength](Result<client::NodeValue> value) {
                    auto self = weak.lock();
                    if (self != nullptr) self->OnNode(mine, path, strength, std::move(value));
                  });
    }
  }

  void OnNode(uint64_t mine, const std::string& path, ReadStrength strength, Result<client::NodeValue> value) {
    gate.Pass([&] {
      std::vector<Event> events;
      std::optional<Error> error;
      {
        std::lock_guard lock(mutex);
        if (generation != mine) return;
        --in_flight;
        if (value.ok()) {
          Put(path, {std::move(value->data), value->stat}, &events);
          if (scan && value->stat.num_children > 0) SendChildrenRead(path);
        } else if (value.error().code == ErrorCode::kNoNode || value.error().code == ErrorCode::kNoAuth) {
          Remove(path, &events);
        } else if (value.error().code == ErrorCode::kNoQuorum) {
          // The servers waited for a quorum before they said so (S6).
          waiting.push_front({path, strength});
        } else {
          error = value.error();
          failed = true;
        }
        GoOn(&events);
      }
      Tell(events, error);
    });
  }

  void SendChildrenRead(const std::string& path) {
    const ClientPtr client = reader.lock();
    if (client == nullptr) return;
    ++in_flight;
    client->GetChildren(path, false, ReadStrength::kSession, nullptr,
                        [weak = weak_from_this(), mine = generation, path](const Result<client::Children>& children) {
                          auto self = weak.lock();
                          if (self != nullptr) self->OnChildren(mine, path, children);
                        });
  }

  void OnChildren(uint64_t mine, const std::string& path, const Result<client::Children>& children) {
    gate.Pass([&] {
      std::vector<Event> events;
      std::optional<Error> error;
      {
        std::lock_guard lock(mutex);
        if (generation != mine) return;
        --in_flight;
        if (children.ok()) {
          for (const std::string& name : children->names) {
            waiting.push_back({recipes::Join(path, name), ReadStrength::kSession});
          }
        } else if (children.error().code != ErrorCode::kNoNode && children.error().code != ErrorCode::kNoAuth) {
          error = children.error();
          failed = true;
        }
        GoOn(&events);
      }
      Tell(events, error);
    });
  }

  void OnEvent(const WatchEvent& event) {
    if (event.type == WatchEvent::Type::kEventsLost) return ReadAll(ReadStrength::kSession);
    gate.Pass([&] {
      std::vector<Event> events;
      {
        std::lock_guard lock(mutex);
        if (event.type == WatchEvent::Type::kDeleted) {
          Remove(event.path, &events);
        } else {
          waiting.push_back({event.path, ReadStrength::kSession});
        }
        GoOn(&events);
      }
      Tell(events, std::nullopt);
    });
  }

  void Put(const std::string& path, CachedNode node, std::vector<Event>* events) {
    if (scan) {
      (*scan)[path] = std::move(node);
      return;
    }
    auto [it, added] = view.try_emplace(path, node);
    const bool same = !added && Same(it->second, node);
    it->second = node;
    if (same) return;
    events->push_back({added ? Event::Type::kAdded : Event::Type::kChanged, path, std::move(node)});
  }
  void Remove(const std::string& path, std::vector<Event>* events) {
    if (scan) {
      scan->erase(path);
      return;
    }
    // Nothing stands below a node that is gone. Deepest first.
    const std::string below = recipes::Join(path, "");
    auto first = view.lower_bound(below);
    auto last = first;
    while (last != view.end() && last->first.starts_with(below) && last->first != path) ++last;
    while (last != first) {
      --last;
      events->push_back({Event::Type::kRemoved, last->first, std::move(last->second)});
      last = view.erase(last);
    }
    auto it = view.find(path);
    if (it == view.end()) return;
    events->push_back({Event::Type::kRemoved, path, std::move(it->second)});
    view.erase(it);
  }

  // Sends what waits; ends the reading of all when nothing is left to read.
  void GoOn(std::vector<Event>* events) {
    SendReads();
    if (!scan || failed || in_flight > 0 || !waiting.empty()) return;
    View read = std::move(*scan);
    scan.reset();
    std::vector<std::string> gone;
    for (const auto& [path, node] : view) {
      if (read.count(path) == 0) gone.push_back(path);
    }
    for (const std::string& path : gone) Remove(path, events);
    for (auto& [path, node] : read) Put(path, std::move(node), events);
    if (std::exchange(initialised, true)) return;
    events->push_back({Event::Type::kInitialised, root, {}});
    changed.notify_all();
  }

  void OnNoWatch(const Error& error) {
    ClientPtr client;
    {
      std::lock_guard lock(mutex);
      failed = true;
      client = reader.lock();
      reader.reset();  // so that the next kConnected sets it
    }
    if (client != nullptr) session->DropTreeWatch(client, root);
    gate.Pass([&] { Tell({}, error); });
  }
  // REQUIRES: inside the gate, mutex not held.
  void Tell(const std::vector<Event>& events, const std::optional<Error>& error) {
    if (options.on_event != nullptr) {
      for (const Event& event : events) gate.Pass([&] { options.on_event(event); });
    }
    if (error && options.on_error != nullptr) gate.Pass([&] { options.on_error(*error); });
  }

  void Stop() {
    subscription.Cancel();
    gate.Close();
    ClientPtr client;
    {
      std::lock_guard lock(mutex);
      client = reader.lock();
      ++watching;
      ++generation;
    }
    if (client != nullptr) session->DropTreeWatch(client, root);
  }

  struct Read {
    std::string path;
    ReadStrength strength;
  };

  Session* const session;
  const std::string root;
  const Options options;
  Session::Subscription subscription;
  Gate gate;                 // taken before the mutex
  mutable std::mutex mutex;  // guards what follows
  mutable std::condition_variable changed;
  std::weak_ptr<client::Client> reader;
  uint64_t watching = 0;    // which client's watch counts
  uint64_t generation = 0;  // of the reading of all; answers to an earlier one are of no use
  bool failed = false;      // a read failed; all is read anew when the session connects
  size_t in_flight = 0;
  std::deque<Read> waiting;
  std::optional<View> scan;  // being read; the view stays meanwhile
  View view;
  bool initialised = false;
};

TreeCache::TreeCache(Session* session, std::string root, Options options)
    : impl_(std::make_shared<Impl>(session, std::move(root), std::move(options))) {
  impl_->Listen();
}
TreeCache::~TreeCache() { impl_->Stop(); }

std::optional<CachedNode> TreeCache::Get(const std::string& path) const {
  std::lock_guard lock(impl_->mutex);
  auto it = impl_->view.find(path);
  if (it == impl_->view.end()) return std::nullopt;
  return it->second;
}

std::vector<std::string> TreeCache::Children(const std::string& path) const {
  const std::string prefix = Join(path, "");
  std::vector<std::string> names;
  std::lock_guard lock(impl_->mutex);
  for (auto it = impl_->view.lower_bound(prefix); it != impl_->view.end() && it->first.starts_with(prefix); ++it) {
    std::string name = it->first.substr(prefix.size());
    if (!name.empty() && name.find('/') == std::string::npos) names.push_back(std::move(name));
  }
  return names;
}

TreeCache::View TreeCache::All() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->view;
}

bool TreeCache::WaitUntilInitialised(absl::Duration timeout) const {
  SYNOD_CHECK(!impl_->session->OnCallbackThread()) << "a recipe waits inside a callback of its own session";
  std::unique_lock lock(impl_->mutex);
  return WaitFor(impl_->changed, lock, timeout, [this] { return impl_->initialised; });
}

}  // namespace synod::recipes

// One place in a queue of ephemeral sequential nodes: what locks, elections and waiting lines are made of.
//
// Layout: `parent`/`prefix`NNNNNNNNNN, one ephemeral per contender, in the order of the last ten digits. The parent is
// made when it is missing.
//
// Why it is right. A contender looks at the list of the others only after its own node was created, by reads of the
// same session: whoever has a smaller number was created earlier and is in the list unless it went (S9), and no smaller
// number comes later. So once nobody blocks it, nobody ever will, until its own node goes. Its node goes only with its
// session, by its own Delete, or by a stranger's; it stops at *lost* (S7), which is before the session can end.
// A create whose answer was lost is sent again under its number and answered with its first outcome (S2): no second
// node, no orphan, and no identifier in the name to look for it.
//
// Herd avoidance: it watches the one node that blocks it, and its own.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/recipes/holder.h"

namespace synod::recipes {

// A contender has one life: waiting, perhaps granted, then ended. Any thread; callbacks come on the client's callback
// thread with no lock held.
class Contender final : public Attempt, public std::enable_shared_from_this<Contender> {
 public:
  struct Options {
    std::string parent;
    std::string prefix;                  // of the own node's name
    std::vector<std::string> all_kinds;  // prefixes of all that contend here; empty: just `prefix`
    client::Data data;
    // Of the names before the own one, in order: whose going is to be waited for? nullopt: granted. Null: the last one.
    std::function<std::optional<std::string>(const std::vector<std::string>& before)> blocker;
    // What was granted is but a place, and each write that follows from it checks that the node is there: *lost* does
    // not end it, and it is granted without a look at the clock.
    bool place_only = false;
  };

  // On the session's present client. Does nothing before Start.
  static std::shared_ptr<Contender> Make(Session* session, Options options, Callbacks callbacks);
  // Withdraws.
  ~Contender() override;

  // Joins the queue.
  void Start() override;
  // Leaves the queue, or gives up what was granted: deletes the node, in order with all other calls of the client.
  // Idempotent. Does not wait.
  void Withdraw() override;
  // Granted, not ended, and the session may be believed in right now.
  bool Holds() const override;
  // Of the session this contender stands on.
  const ClientPtr& client() const { return client_; }

 private:
  enum class State { kCreating, kWaiting, kGranted, kEnded };

  Contender(ClientPtr client, Options options, Callbacks callbacks)
      : client_(std::move(client)), options_(std::move(options)), callbacks_(std::move(callbacks)) {}
  void CreateNode();
  void OnCreated(const client::Created& created);
  void WatchOwn();
  void Look();
  void OnList(const std::vector<std::string>& names);
  void OnState(client::SessionState state);
  void End(Loss loss, client::Error error);
  bool Is(State state) const;
  // Binds a member to callbacks that may come after this object went.
  template <typename Function>
  auto Bind(Function function) {
    return [weak = weak_from_this(), function](auto&&... arguments) {
      if (auto self = weak.lock()) function(*self, std::forward<decltype(arguments)>(arguments)...);
    };
  }

  const ClientPtr client_;
  const Options options_;
  const Callbacks callbacks_;
  Session::Subscription subscription_;
  bool first_ = false;        // nobody blocks, but the session is not held; callback thread only
  mutable std::mutex mutex_;  // guards what follows
  State state_ = State::kCreating;
  std::string path_;  // of the own node; empty while creating
  int64_t token_ = 0;
};

}  // namespace synod::recipes

// The session that recipes stand on: a client, its successor after an expiry, and listeners for what becomes of it.
//
//   SYNOD_ASSIGN_OR_RETURN(std::unique_ptr<Session> session, Session::Create(std::move(client_options)));
//   Lock lock(session.get(), "/locks/deploy");
//   LeaderLatch latch(session.get(), "/election", {...});
//
// Any number of recipes may share one session: they share its connection, its pings and its fate. A recipe keeps a
// pointer to its session and must be destroyed before it.
//
// Threads. Methods may be called from any thread. Listeners run on the callback thread of the client they speak of,
// with no lock held, and must not block.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "coordinator/client/client.h"

namespace synod::recipes {

using ClientPtr = std::shared_ptr<client::Client>;

// Why something that stood on the session is not held any more. In every case: stop acting on it before returning from
// the callback that says so.
enum class Loss {
  // The client's own clock says that the ensemble may end the session soon (S7), or the connection's grace has run
  // (S8). Nobody else has it yet, and nobody gets it before the ensemble's longer clock has run out too.
  kSessionLost,
  // The session is over: expired, closed by Close, or refused. Follows kSessionLost, unless it was closed.
  kSessionEnded,
  // This holder's node is gone: an operator deleted it, or a program that should not, or the session ended and news of
  // that is on its way. Somebody else may have it *now*: the fencing token is what protects the resource.
  kNodeDeleted,
};
std::string_view LossName(Loss loss);

// What to answer to whoever waited for something on a session that is over: kSessionExpired or kClosed.
// REQUIRES: state is kExpired or kClosed.
client::Error EndOfSession(client::SessionState state);

class Session {
 public:
  // Called for each change of state of the present client, in order. kConnected of a client not seen before is a new
  // session: what stood on the old one is gone.
  using Listener = std::function<void(const ClientPtr&, client::SessionState)>;

  // Ends the listening when destroyed. A call that has begun may still be running then. Movable.
  class Subscription {
   public:
    Subscription() = default;
    Subscription(Subscription&& other) noexcept { *this = std::move(other); }
    Subscription& operator=(Subscription&& other) noexcept;
    ~Subscription() { Cancel(); }
    void Cancel();

   private:
    friend class Session;
    Session* session_ = nullptr;
    uint64_t id_ = 0;
  };

  // As Client::Create, with `options.on_session` called before every listener. `renew`: after an expiry a new client
  // with the same options takes the place of the old one, so that what can come back does; without it an expiry is
  // final. A session that was closed is not renewed. `options.request_timeout` is not used: recipes have time limits of
  // their own, and a create that the client gave up on could leave a node that nobody knows.
  static absl::StatusOr<std::unique_ptr<Session>> Create(client::ClientOptions options, bool renew = true);
  // Lets go of the session without ending it: its ephemerals stay until its timeout or grace. See Close. Not from a
  // callback.
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // The present client. Keep the pointer no longer than the session lives: the destructor waits for it.
  ClientPtr client() const;
  // What was reported last; before the first report kConnecting.
  client::SessionState state() const;
  // Whether an expiry is followed by a new session; false after Close.
  bool renews() const;
  // Whether the present session may be believed in right now: by the clock, no callback need have run.
  bool Holds() const { return client()->HoldsSession(); }
  // Whether the caller is inside a callback of the present client.
  bool OnCallbackThread() const { return client()->OnCallbackThread(); }

  [[nodiscard]] Subscription Listen(Listener listener);

  // A persistent recursive watch of `client`. Taking such a watch back takes back all of its path; so recipes share:
  // each Add needs one Drop, and the last one takes it back.
  void AddTreeWatch(const ClientPtr& client, const std::string& path, client::WatchCallback watch,
                    client::Callback<int64_t> done);
  void DropTreeWatch(const ClientPtr& client, const std::string& path);

  // Ends the session with all its ephemerals: what recipes hold passes to others at once, without a timeout. `done` is
  // called on the callback thread; an error says that the ensemble was not reached (then the timeout ends it).
  void Close(client::Callback<int64_t> done);

 private:
  struct Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace synod::recipes

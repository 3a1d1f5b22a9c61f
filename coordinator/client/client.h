// The client of a Synod ensemble: znodes, watches and a session, asynchronously. BlockingClient (blocking.h) is the
// same, one call at a time.
//
//   ClientOptions options;
//   options.servers = "127.0.0.1:2281,127.0.0.1:2282,127.0.0.1:2283/app";
//   options.on_session = [](SessionState state) { ... };
//   SYNOD_ASSIGN_OR_RETURN(std::unique_ptr<Client> client, Client::Create(std::move(options)));
//   client->Create("/lock", "me", CreateMode::kEphemeral, [](Result<Created> created) { ... });
//
// Threads. A client has one thread, which owns all of its state and sleeps in gRPC's completion queue. Methods may be
// called from any thread, callbacks included, and never block. Every callback runs on that one thread, with no lock
// held, and must not block: a callback that waits for another operation of the same client waits for ever. Do not
// destroy a client inside its own callback.
//
// Order. Operations are sent and answered in the order of the calls (S9): a read sees the writes called before it. A
// watch event is delivered before any answer that shows its change. Many operations may be outstanding; they travel in
// batches.
//
// Exactly once. Writes are numbered (S2). When a connection breaks the client connects to another server of its list,
// attaches to its session, sets its watches again and sends every unanswered request again under its number: a write
// that had been applied is answered with its first outcome (Written::repeated_reply). An error says which: kNotDone, or
// kMayHaveBeenDone where the session ended, or the caller's own time limit passed, before the answer came.
//
// The session. on_session reports
//   kConnected  attached; ephemerals are safe, and what is built on the session may act.
//   kSuspended  the connection broke and another is being sought. Nothing is lost yet; be careful.
//   kLost       by this client's clock the ensemble may end the session soon, or may have (S7: two thirds of the
//   timeout since the last
//               answered ping was sent; with disconnect_grace also two thirds of it since the connection broke, S8).
//               Whoever holds a lock or a role by this session stops *now*. kConnected may still follow: then the
//               session, and its ephemerals, were kept.
//   kExpired    the ensemble ended the session. Final: ephemerals and watches are gone, later calls fail. Make a new
//   client. kClosed     Close, or the server refused what this client said. Final.
// HoldsSession() answers the same question at any moment and needs no callback to have run.
//
// Whom it acts for. Credentials of the options are shown at every connect and with every call; Authenticate adds one.
// What an ACL denies is kNoAuth.
//
// Watches. One-shot watches fire once; at a reconnect they are set again, and fire at once if something changed
// meanwhile (W2). Persistent ones stay, and lose nothing (W3): the client knows the last event and the last answer it
// was shown, and after a reconnect, to any server, gets every event since, each once and in order. If no server holds
// that much any more, kEventsLost comes in their place. A watch that needs no session, and whose place can be kept on
// paper, is a Follow (follow.h).
//
// Without a session (`session = false`) operations are unary calls, each on its own: no ephemerals, no watches, and a
// write whose answer was lost is reported as kMayHaveBeenDone and not repeated.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/client/types.h"

namespace synod::client {

struct ClientOptions {
  std::string servers;  // "host:port,host:port" with an optional "/chroot"; gRPC ports
  bool session = true;
  absl::Duration session_timeout = absl::Seconds(10);  // wanted; the server clamps it. Pings go at a sixth of it
  // S8: end the session this long after the server saw the connection close, unless attached again. Zero: off.
  absl::Duration disconnect_grace;
  // How long an operation may wait for its answer; then it fails with kTimeout. Infinite: as long as the session may
  // live (without a session: session_timeout).
  absl::Duration request_timeout = absl::InfiniteDuration();
  absl::Duration connect_timeout = absl::Seconds(1);  // of one attempt
  // How long a connected server may be silent while something is unanswered before another one is tried. Zero: min(1 s,
  // timeout / 3).
  absl::Duration stall_timeout;
  // Whom this client acts for. A refused one (scheme unknown) is kAuthFailed, and ends the client.
  std::vector<Credential> credentials;
  size_t max_pending_requests = 100'000;  // beyond: kOverloaded, not done
  uint64_t seed = 0;                      // of jitter and server order; 0: drawn from the system
  SessionCallback on_session;
};

class Client {
 public:
  // Connects in the background; operations may be called at once. InvalidArgument: the server list or an option makes
  // no sense.
  static absl::StatusOr<std::unique_ptr<Client>> Create(ClientOptions options);
  // Without Close the session lives on until its timeout (or grace). Unanswered operations fail with kClosed before
  // this returns.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // ---- writes. All: kNoAuth, kQuotaExceeded (a hard limit above the node), kTooLarge, kRefusedMemory, kRefusedDisk,
  // kBadArguments (a bad path, or options that make no sense together). ----

  // kNoNode: no parent. kNodeExists. kNoChildrenForEphemerals: the parent is ephemeral. kInvalidAcl.
  void Create(std::string path, Data data, CreateMode mode, Callback<Created> done);
  void Create(std::string path, Data data, CreateOptions options, Callback<Created> done);
  // Create-or-set: Create with OnExisting::kSet. Needs CREATE on the parent for a new node, WRITE on one that is there.
  void Put(std::string path, Data data, Callback<Created> done);
  // kNoNode, kBadVersion, kNotEmpty: it has children. `version` -1: any.
  void Delete(std::string path, int32_t version, Callback<Written> done);
  void Delete(std::string path, DeleteOptions options, Callback<Deleted> done);
  // A node and all below it, atomically. kNoNode, kBadVersion, kTooLarge: more than max_nodes.
  void DeleteTree(std::string path, DeleteTreeOptions options, Callback<Deleted> done);
  // kNoNode, kBadVersion.
  void Set(std::string path, Data data, int32_t version, Callback<Written> done);
  // `version` is the aversion expected, -1: any. kNoNode, kBadVersion, kInvalidAcl.
  void SetAcl(std::string path, Acl acl, int32_t version, Callback<Written> done);
  // kNoNode, kBadVersion. Numbered like a write.
  void Check(std::string path, int32_t version, Callback<Written> done);
  // All or nothing; see MultiOutcome.
  void Multi(std::vector<Operation> operations, Callback<MultiOutcome> done);
  // If all of `compares` hold then `then_operations`, otherwise `else_operations`, all or nothing; see TxnOutcome. A
  // compare needs READ on its node: kNoAuth.
  void Txn(std::vector<Compare> compares, std::vector<Operation> then_operations,
           std::vector<Operation> else_operations, Callback<TxnOutcome> done);
  // Adds an identity: for every call after this one, and for every later connect. kAuthFailed: the scheme takes no such
  // credential; nothing changed. Without a session it is not sent, but shown with every call after this one.
  void Authenticate(Credential credential, Callback<int64_t> done);

  // ---- reads. All: kNoAuth, kBadArguments, and with kLinearizable kNoQuorum. ----

  // A `watch` that is not null is set with the read: called once, for the first change the read does not show.
  // It is not called when the session ends: on_session tells.
  void Exists(std::string path, ReadStrength strength, WatchCallback watch, Callback<NodeStat> done);
  void Get(std::string path, ReadStrength strength, WatchCallback watch, Callback<NodeValue> done);
  void GetChildren(std::string path, bool with_stat, ReadStrength strength, WatchCallback watch,
                   Callback<Children> done);
  void GetAcl(std::string path, ReadStrength strength, Callback<NodeAcl> done);
  // A page of children. kNoNode.
  void List(std::string path, ListOptions options, ReadStrength strength, Callback<Listing> done);
  // Page after page, from options.after on, until the last or until `on_page` returns false; then `done` gets the zxid
  // of the last page. Each page shows one state, but different pages may show different ones: a child that was there
  // all the time is shown once.
  void ListAll(std::string path, ListOptions options, ReadStrength strength, ListPageCallback on_page,
               Callback<int64_t> done);
  // All of them on one state, each with its own error.
  void MultiRead(std::vector<ReadOperation> operations, ReadStrength strength, Callback<ReadResults> done);
  // A page of paths of ephemerals.
  void GetEphemerals(EphemeralsOptions options, ReadStrength strength, Callback<Ephemerals> done);
  // All nodes below `path`, without itself. kNoNode.
  void CountDescendants(std::string path, ReadStrength strength, Callback<Count> done);
  // Whom the server takes this client for.
  void WhoAmI(Callback<Identities> done);
  // Answered with a zxid once everything committed before the call is applied at this client's server.
  void Sync(std::string path, Callback<int64_t> done);
  // A watch that stays, on a node that need not exist.
  void AddWatch(std::string path, PersistentWatchKind kind, WatchCallback watch, Callback<int64_t> done);
  // Takes back all watches of this kind and path. kNoWatcher: there was none.
  void RemoveWatch(std::string path, PersistentWatchKind kind, Callback<int64_t> done);
  void RemoveWatch(std::string path, WatchKind kind, Callback<int64_t> done);
  // Whether the server holds a watch of this kind and path for this client. kNoWatcher.
  void CheckWatch(std::string path, WatchKind kind, Callback<int64_t> done);

  // Ends the session, with its ephemerals, after everything called before. Later calls fail with kClosed.
  void Close(Callback<int64_t> done);

  // Whether the session may be believed in right now (see above). Any thread; reads the clock, takes no lock.
  bool HoldsSession() const;
  // Until when, by MonotonicNow (stream_loop.h), it may be believed in if nothing more is heard; each answered ping
  // moves it on, and a broken connection may bring it nearer (S8). Negative infinity: not at all, also without a
  // session. Any thread.
  absl::Duration HeldUntil() const;
  // 0 before the first connection, and without a session.
  int64_t session_id() const;
  // Whether the caller is inside a callback.
  bool OnCallbackThread() const;

 private:
  struct Impl;
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace synod::client

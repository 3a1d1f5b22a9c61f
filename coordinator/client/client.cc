#include "coordinator/client/client.h"

#include <atomic>
#include <limits>
#include <optional>
#include <utility>

#include "coordinator/base/status_macros.h"
#include "coordinator/client/convert.h"
#include "coordinator/client/requests.h"
#include "coordinator/client/server_list.h"
#include "coordinator/client/session.h"
#include "coordinator/client/stream_loop.h"
#include "coordinator/client/unary_calls.h"
#include "coordinator/client/utf8.h"

namespace synod::client {
namespace {

// A handler that turns the reply into a T for `done`.
template <typename T>
ReplyHandler Handler(Callback<T> done, Result<T> (*convert)(const Error&, v1::Reply&)) {
  return
      [done = std::move(done), convert](const Error& error, v1::Reply& reply) mutable { done(convert(error, reply)); };
}

}  // namespace

// All but the atomics belongs to the loop's thread.
struct Client::Impl : StreamHandler {
  Impl(ClientOptions options, ServerList list, uint64_t seed)
      : request_timeout(options.request_timeout), times(Times(options)), servers(std::move(list)) {
    if (options.session) {
      session.emplace(servers.addresses, servers.chroot, std::move(options.credentials), times, seed,
                      std::move(options.on_session));
    }
    loop.emplace([this] { return Step(); });
    if (!options.session) calls.emplace(&*loop, servers, std::move(options.credentials), times, seed);
    loop->Post([] {});  // connect now, not with the first operation
  }
  ~Impl() override {
    loop->Post([this] {
      if (session) {
        session->Abandon();
        Deliver();
      }
      stream.reset();
      calls.reset();
      ended = true;
    });
    loop.reset();
  }

  static SessionTimes Times(const ClientOptions& options) {
    SessionTimes times;
    times.timeout = options.session_timeout;
    times.disconnect_grace = options.disconnect_grace;
    times.connect_timeout = options.connect_timeout;
    times.stall_timeout = options.stall_timeout;
    times.max_pending_requests = options.max_pending_requests;
    return times;
  }

  void Submit(v1::Request request, WatchCallback watch, ReplyHandler done) {
    Submission submission{std::move(request), std::move(watch), std::move(done)};
    if (!TextsAreUtf8(&submission.request)) {
      loop->Post([done = std::move(submission.done)]() mutable {
        v1::Reply none;
        done({ErrorCode::kBadArguments, Effect::kNotDone, "a path or name is not UTF-8"}, none);
      });
      return;
    }
    if (request_timeout != absl::InfiniteDuration()) submission.deadline = MonotonicNow() + request_timeout;
    loop->Post([this, submission = std::move(submission)]() mutable {
      const absl::Duration now = MonotonicNow();
      if (session) {
        session->Submit(std::move(submission), now);
      } else if (calls) {
        calls->Submit(std::move(submission), now);
      } else {
        v1::Reply none;
        submission.done({ErrorCode::kClosed, Effect::kNotDone, "the client was closed"}, none);
      }
    });
  }

  // Does what the session asks for; returns when it wants to be asked again.
  absl::Duration Step() {
    if (ended) return absl::InfiniteDuration();
    const absl::Duration now = MonotonicNow();
    if (!session) return calls->Retry(now);
    session->OnTick(now);
    if (auto attempt_gone = session->TakeDisconnect()) stream.reset();
    if (auto connect = session->TakeConnect()) {
      attempt = connect->attempt;
      writable = false;
      stream = loop->Open(servers.addresses[connect->server], times.connect_timeout, this);
    }
    if (stream && writable) {
      if (auto message = session->TakeMessage(now)) {
        writable = false;
        stream->Write(*std::move(message));
      }
    }
    Publish();
    Deliver();
    return session->NextDeadline();
  }

  void Publish() {
    const absl::Duration held = session->HeldUntil();
    held_until_ns.store(held == absl::InfiniteDuration() ? std::numeric_limits<int64_t>::max()
                                                         : absl::ToInt64Nanoseconds(held));
    session_id.store(session->session_id());
  }
  void Deliver() {
    for (auto& task : session->TakeDeliveries()) task();
  }

  void OnStarted() override {
    writable = true;
    session->OnStarted(attempt, MonotonicNow());
  }
  void OnMessage(std::string_view bytes) override {
    v1::ServerMessage message;
    if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      session->OnEnded(attempt, absl::InternalError("bytes that are no message"), MonotonicNow());
      return;  // the next step connects again, which ends this stream
    }
    session->OnMessage(attempt, message, MonotonicNow());
  }
  void OnWritten() override { writable = true; }
  void OnEnded(const absl::Status& status) override {
    stream.reset();
    writable = false;
    session->OnEnded(attempt, status, MonotonicNow());
  }

  const absl::Duration request_timeout;
  const SessionTimes times;
  const ServerList servers;
  std::optional<Session> session;
  std::optional<UnaryCalls> calls;
  std::unique_ptr<ByteStream> stream;
  uint64_t attempt = 0;
  bool writable = false;
  bool ended = false;
  std::atomic<int64_t> held_until_ns = std::numeric_limits<int64_t>::min();
  std::atomic<int64_t> session_id = 0;
  std::optional<StreamLoop> loop;
};

absl::StatusOr<std::unique_ptr<Client>> Client::Create(ClientOptions options) {
  SYNOD_ASSIGN_OR_RETURN(ServerList servers, ServerList::Parse(options.servers));
  if (options.session_timeout < absl::Milliseconds(10) || options.session_timeout > absl::Hours(24)) {
    return absl::InvalidArgumentError("the session timeout must be between 10 ms and 24 h");
  }
  if (options.disconnect_grace < absl::ZeroDuration() || options.disconnect_grace > options.session_timeout) {
    return absl::InvalidArgumentError("disconnect_grace must be between 0 and the session timeout");
  }
  if (options.request_timeout <= absl::ZeroDuration() || options.connect_timeout <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("request and connect timeouts must be positive");
  }
  for (const Credential& credential : options.credentials) {
    if (!IsUtf8(credential.scheme)) return absl::InvalidArgumentError("the scheme of a credential is not UTF-8");
  }
  const uint64_t seed = options.seed != 0 ? options.seed : DrawSeed();
  return std::unique_ptr<Client>(new Client(std::make_unique<Impl>(std::move(options), std::move(servers), seed)));
}

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::~Client() = default;

void Client::Create(std::string path, Data data, CreateMode mode, Callback<Created> done) {
  impl_->Submit(CreateRequest(std::move(path), std::move(data), mode), nullptr, Handler(std::move(done), &CreatedFrom));
}
void Client::Create(std::string path, Data data, CreateOptions options, Callback<Created> done) {
  impl_->Submit(CreateRequest(std::move(path), std::move(data), std::move(options)), nullptr,
                Handler(std::move(done), &CreatedFrom));
}
void Client::Put(std::string path, Data data, Callback<Created> done) {
  CreateOptions options;
  options.on_existing = OnExisting::kSet;
  Create(std::move(path), std::move(data), std::move(options), std::move(done));
}
void Client::Delete(std::string path, DeleteOptions options, Callback<Deleted> done) {
  impl_->Submit(DeleteRequest(std::move(path), options), nullptr, Handler(std::move(done), &DeletedFrom));
}
void Client::DeleteTree(std::string path, DeleteTreeOptions options, Callback<Deleted> done) {
  impl_->Submit(DeleteTreeRequest(std::move(path), options), nullptr, Handler(std::move(done), &DeletedFrom));
}
void Client::SetAcl(std::string path, Acl acl, int32_t version, Callback<Written> done) {
  impl_->Submit(SetAclRequest(std::move(path), std::move(acl), version), nullptr,
                Handler(std::move(done), &WrittenFrom));
}
void Client::Delete(std::string path, int32_t version, Callback<Written> done) {
  impl_->Submit(DeleteRequest(std::move(path), version), nullptr, Handler(std::move(done), &WrittenFrom));
}
void Client::Set(std::string path, Data data, int32_t version, Callback<Written> done) {
  impl_->Submit(SetRequest(std::move(path), std::move(data), version), nullptr, Handler(std::move(done), &WrittenFrom));
}
void Client::Check(std::string path, int32_t version, Callback<Written> done) {
  impl_->Submit(CheckRequest(std::move(path), version), nullptr, Handler(std::move(done), &WrittenFrom));
}
void Client::Multi(std::vector<Operation> operations, Callback<MultiOutcome> done) {
  impl_->Submit(MultiRequest(std::move(operations)), nullptr, Handler(std::move(done), &MultiFrom));
}
void Client::Txn(std::vector<Compare> compares, std::vector<Operation> then_operations,
                 std::vector<Operation> else_operations, Callback<TxnOutcome> done) {
  impl_->Submit(TxnRequest(std::move(compares), std::move(then_operations), std::move(else_operations)), nullptr,
                Handler(std::move(done), &TxnFrom));
}
void Client::Authenticate(Credential credential, Callback<int64_t> done) {
  impl_->Submit(AuthenticateRequest(std::move(credential)), nullptr, Handler(std::move(done), &ZxidFrom));
}
void Client::Exists(std::string path, ReadStrength strength, WatchCallback watch, Callback<NodeStat> done) {
  v1::Request request = ExistsRequest(std::move(path), strength, watch != nullptr);
  impl_->Submit(std::move(request), std::move(watch), Handler(std::move(done), &NodeStatFrom));
}
void Client::Get(std::string path, ReadStrength strength, WatchCallback watch, Callback<NodeValue> done) {
  v1::Request request = GetRequest(std::move(path), strength, watch != nullptr);
  impl_->Submit(std::move(request), std::move(watch), Handler(std::move(done), &NodeValueFrom));
}
void Client::GetChildren(std::string path, bool with_stat, ReadStrength strength, WatchCallback watch,
                         Callback<Children> done) {
  v1::Request request = ChildrenRequest(std::move(path), with_stat, strength, watch != nullptr);
  impl_->Submit(std::move(request), std::move(watch), Handler(std::move(done), &ChildrenFrom));
}
void Client::GetAcl(std::string path, ReadStrength strength, Callback<NodeAcl> done) {
  impl_->Submit(GetAclRequest(std::move(path), strength), nullptr, Handler(std::move(done), &NodeAclFrom));
}
void Client::List(std::string path, ListOptions options, ReadStrength strength, Callback<Listing> done) {
  impl_->Submit(ListRequest(std::move(path), std::move(options), strength), nullptr,
                Handler(std::move(done), &ListingFrom));
}
void Client::ListAll(std::string path, ListOptions options, ReadStrength strength, ListPageCallback on_page,
                     Callback<int64_t> done) {
  List(path, options, strength,
       [this, path, options, strength, on_page = std::move(on_page),
        done = std::move(done)](Result<Listing> page) mutable {
         if (!page.ok()) return done(page.error());
         // Taken before the page is given away.
         if (page->more && !page->entries.empty()) options.after = page->entries.back().name;
         const bool more = page->more && !page->entries.empty();
         const int64_t zxid = page->zxid;
         if (!on_page(*page) || !more) return done(zxid);
         ListAll(std::move(path), std::move(options), strength, std::move(on_page), std::move(done));
       });
}
void Client::MultiRead(std::vector<ReadOperation> operations, ReadStrength strength, Callback<ReadResults> done) {
  impl_->Submit(MultiReadRequest(std::move(operations), strength), nullptr, Handler(std::move(done), &ReadResultsFrom));
}
void Client::GetEphemerals(EphemeralsOptions options, ReadStrength strength, Callback<Ephemerals> done) {
  impl_->Submit(EphemeralsRequest(std::move(options), strength), nullptr, Handler(std::move(done), &EphemeralsFrom));
}
void Client::CountDescendants(std::string path, ReadStrength strength, Callback<Count> done) {
  impl_->Submit(CountRequest(std::move(path), strength), nullptr, Handler(std::move(done), &CountFrom));
}
void Client::WhoAmI(Callback<Identities> done) {
  impl_->Submit(WhoAmIRequest(), nullptr, Handler(std::move(done), &IdentitiesFrom));
}
void Client::Sync(std::string path, Callback<int64_t> done) {
  impl_->Submit(SyncRequest(std::move(path)), nullptr, Handler(std::move(done), &ZxidFrom));
}
void Client::AddWatch(std::string path, PersistentWatchKind kind, WatchCallback watch, Callback<int64_t> done) {
  SYNOD_CHECK(watch != nullptr) << "a persistent watch without a callback";
  impl_->Submit(AddWatchRequest(std::move(path), kind), std::move(watch), Handler(std::move(done), &ZxidFrom));
}
void Client::RemoveWatch(std::string path, PersistentWatchKind kind, Callback<int64_t> done) {
  RemoveWatch(std::move(path), static_cast<WatchKind>(kind), std::move(done));
}
void Client::RemoveWatch(std::string path, WatchKind kind, Callback<int64_t> done) {
  impl_->Submit(RemoveWatchRequest(std::move(path), static_cast<v1::WatchKind>(kind)), nullptr,
                Handler(std::move(done), &ZxidFrom));
}
void Client::CheckWatch(std::string path, WatchKind kind, Callback<int64_t> done) {
  impl_->Submit(CheckWatchRequest(std::move(path), static_cast<v1::WatchKind>(kind)), nullptr,
                Handler(std::move(done), &ZxidFrom));
}
void Client::Close(Callback<int64_t> done) {
  impl_->Submit(CloseRequest(), nullptr, Handler(std::move(done), &ZxidFrom));
}

bool Client::HoldsSession() const {
  const int64_t until = impl_->held_until_ns.load();
  return until == std::numeric_limits<int64_t>::max() || MonotonicNow() < absl::Nanoseconds(until);
}
absl::Duration Client::HeldUntil() const {
  const int64_t until = impl_->held_until_ns.load();
  if (until == std::numeric_limits<int64_t>::max()) return absl::InfiniteDuration();
  return until == std::numeric_limits<int64_t>::min() ? -absl::InfiniteDuration() : absl::Nanoseconds(until);
}
int64_t Client::session_id() const { return impl_->session_id.load(); }
bool Client::OnCallbackThread() const { return impl_->loop->OnLoopThread(); }

}  // namespace synod::client

#include "coordinator/client/follow.h"

#include <optional>
#include <utility>

#include "coordinator/base/check.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/client/follower.h"
#include "coordinator/client/server_list.h"
#include "coordinator/client/stream_loop.h"
#include "coordinator/client/utf8.h"

namespace synod::client {
namespace {

constexpr char kWatchMethod[] = "/synod.v1.Coordination/Watch";

}  // namespace

// All of it belongs to the loop's thread.
struct Follow::Impl : StreamHandler {
  Impl(FollowOptions options, ServerList list, FollowCallbacks callbacks, uint64_t seed)
      : connect_timeout(options.connect_timeout),
        addresses(list.addresses),
        follower(std::move(list), std::move(options), std::move(callbacks), seed) {
    loop.emplace([this] { return Step(); });
    loop->Post([] {});  // connect now
  }
  ~Impl() override {
    loop->Post([this] {
      stream.reset();
      ended = true;
    });
    loop.reset();
  }

  absl::Duration Step() {
    if (ended) return absl::InfiniteDuration();
    const absl::Duration now = MonotonicNow();
    follower.OnTick(now);
    if (follower.TakeDisconnect()) stream.reset();
    if (auto connect = follower.TakeConnect()) {
      attempt = connect->attempt;
      stream = loop->OpenAnswers(addresses[connect->server], kWatchMethod, std::move(connect->request), connect_timeout,
                                 this);
    }
    Deliver();
    return follower.NextDeadline();
  }
  void Deliver() {
    auto tasks = follower.TakeDeliveries();
    if (tasks.empty()) return;
    for (auto& task : tasks) task();
    follower.OnDelivered(MonotonicNow());
  }

  void OnStarted() override { follower.OnStarted(attempt, MonotonicNow()); }
  void OnMessage(std::string_view bytes) override {
    v1::WatchResponse response;
    if (!response.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      follower.OnEnded(attempt, absl::InternalError("bytes that are no message"), MonotonicNow());
      return;  // the next step connects again, which ends this stream
    }
    follower.OnResponse(attempt, response, MonotonicNow());
    // Here, not in the next step: who blocks in a callback holds back the server, not piles up its messages.
    Deliver();
  }
  void OnWritten() override {}
  void OnEnded(const absl::Status& status) override {
    stream.reset();
    follower.OnEnded(attempt, status, MonotonicNow());
  }

  const absl::Duration connect_timeout;
  const std::vector<std::string> addresses;
  Follower follower;
  std::unique_ptr<ByteStream> stream;
  uint64_t attempt = 0;
  bool ended = false;
  std::optional<StreamLoop> loop;
};

absl::StatusOr<std::unique_ptr<Follow>> Follow::Start(FollowOptions options, FollowCallbacks callbacks) {
  SYNOD_CHECK(callbacks.on_events != nullptr) << "a Follow without on_events";
  SYNOD_ASSIGN_OR_RETURN(ServerList servers, ServerList::Parse(options.servers));
  if (!IsUtf8(options.path)) return absl::InvalidArgumentError("the path is not UTF-8");
  for (const Credential& credential : options.credentials) {
    if (!IsUtf8(credential.scheme)) return absl::InvalidArgumentError("the scheme of a credential is not UTF-8");
  }
  if (options.progress < absl::Milliseconds(100) || options.progress > absl::Minutes(1)) {
    return absl::InvalidArgumentError("progress must be between 100 ms and 1 min");
  }
  if (options.connect_timeout <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("the connect timeout must be positive");
  }
  const uint64_t seed = options.seed != 0 ? options.seed : DrawSeed();
  return std::unique_ptr<Follow>(
      new Follow(std::make_unique<Impl>(std::move(options), std::move(servers), std::move(callbacks), seed)));
}

Follow::Follow(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Follow::~Follow() = default;

}  // namespace synod::client

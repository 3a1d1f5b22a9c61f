#include "coordinator/client/follower.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/client/convert.h"
#include "coordinator/client/requests.h"

namespace synod::client {
namespace {

constexpr absl::Duration kBackoffInitial = absl::Milliseconds(5);
constexpr absl::Duration kBackoffCap = absl::Milliseconds(500);
constexpr int kSilentIntervals = 3;  // progress marks missed before a server counts as gone

}  // namespace

Follower::Follower(ServerList servers, FollowOptions options, FollowCallbacks callbacks, uint64_t seed)
    : servers_(std::move(servers)),
      options_(std::move(options)),
      callbacks_(std::move(callbacks)),
      random_(seed),
      rotation_(servers_.addresses.size(), random_),
      backoff_(kBackoffInitial, kBackoffCap, random_.Fork()),
      cursor_(options_.after) {}

std::string Follower::Request() const {
  v1::WatchRequest request;
  request.set_path(servers_.chroot.Add(options_.path));
  request.set_recursive(options_.recursive);
  request.set_with_data(options_.with_data);
  request.set_progress_ms(static_cast<uint32_t>(absl::ToInt64Milliseconds(options_.progress)));
  for (const Credential& credential : options_.credentials) FillCredential(credential, request.add_credentials());
  if (cursor_.has_value()) {
    request.mutable_after()->set_zxid(cursor_->zxid);
    request.mutable_after()->set_ordinal(cursor_->ordinal);
  }
  return request.SerializeAsString();
}

// ---- connecting ----

void Follower::StartConnecting(absl::Duration now) {
  phase_ = Phase::kConnecting;
  server_ = rotation_.Next();
  ++attempt_;
  first_response_ = true;
  connect_ = Connect{server_, attempt_, Request()};
  deadline_ = now + options_.connect_timeout;
}

void Follower::OnStarted(uint64_t attempt, absl::Duration now) {
  if (attempt != attempt_ || phase_ != Phase::kConnecting) return;
  phase_ = Phase::kStreaming;
  deadline_ = now + options_.progress * kSilentIntervals;
}

void Follower::OnDelivered(absl::Duration now) {
  if (phase_ == Phase::kStreaming) deadline_ = now + options_.progress * kSilentIntervals;
}

void Follower::OnTick(absl::Duration now) {
  if ((phase_ == Phase::kConnecting || phase_ == Phase::kStreaming) && now >= deadline_) {
    Break(
        absl::DeadlineExceededError(phase_ == Phase::kConnecting ? "no connection in time" : "the server went silent"),
        true, false, now);
  }
  if (phase_ == Phase::kWaiting && now >= retry_at_) StartConnecting(now);
}

absl::Duration Follower::NextDeadline() const {
  switch (phase_) {
    case Phase::kWaiting:
      return retry_at_;
    case Phase::kConnecting:
    case Phase::kStreaming:
      return deadline_;
    case Phase::kFinished:
      return absl::InfiniteDuration();
  }
  return absl::InfiniteDuration();
}

void Follower::Break(const absl::Status& why, bool cancel, bool wait, absl::Duration now) {
  const absl::string_view text = why.message();
  last_errors_[server_] = text.empty() ? absl::StatusCodeToString(why.code()) : std::string(text);
  disconnect_ = cancel;
  connect_.reset();
  phase_ = Phase::kWaiting;
  retry_at_ = now;
  const bool round = rotation_.RoundComplete();
  if (round && refused_.has_value()) {
    return Finish([this, oldest = *refused_] {
      if (callbacks_.on_lost != nullptr) callbacks_.on_lost(oldest);
    });
  }
  if (state_ == FollowState::kFollowing || round) SetState(FollowState::kInterrupted, LastErrors());
  // The other servers are tried at once; only after a round without success is it time to wait.
  if (!wait && !round) return;
  if (round) rotation_.NewRound();
  retry_at_ = now + backoff_.Next();
}

void Follower::Refused(Cursor oldest, const absl::Status& why, bool cancel, absl::Duration now) {
  refused_ = refused_.has_value() ? std::min(*refused_, oldest) : oldest;
  Break(why, cancel, false, now);
}

void Follower::OnEnded(uint64_t attempt, const absl::Status& status, absl::Duration now) {
  if (attempt != attempt_ || (phase_ != Phase::kConnecting && phase_ != Phase::kStreaming)) return;
  const auto fail = [&](ErrorCode code) {
    Finish([this, error = Error{code, Effect::kNotDone, std::string(status.message())}] {
      if (callbacks_.on_failed != nullptr) callbacks_.on_failed(error);
    });
  };
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
      return fail(ErrorCode::kMalformed);
    case absl::StatusCode::kUnauthenticated:
      return fail(ErrorCode::kAuthFailed);
    case absl::StatusCode::kOutOfRange:
      return Refused(Cursor{0, 0}, status, false, now);
    default:
      break;
  }
  Break(status.ok() ? absl::UnavailableError("the server closed the stream") : status, false,
        status.code() == absl::StatusCode::kResourceExhausted, now);
}

// ---- what is told ----

void Follower::OnResponse(uint64_t attempt, v1::WatchResponse& response, absl::Duration now) {
  if (attempt != attempt_ || phase_ != Phase::kStreaming) return;
  deadline_ = now + options_.progress * kSilentIntervals;
  if (response.has_oldest()) {
    return Refused({response.oldest().zxid(), response.oldest().ordinal()},
                   absl::OutOfRangeError("events after the cursor are gone"), true, now);
  }
  if (!response.has_cursor() && response.events_size() == 0) return;
  std::vector<FollowEvent> events;
  events.reserve(static_cast<size_t>(response.events_size()));
  for (v1::WatchStreamEvent& event : *response.mutable_events()) {
    const Cursor at{event.zxid(), event.ordinal()};
    if (cursor_.has_value() && at <= *cursor_) continue;
    cursor_ = at;
    FollowEvent& out = events.emplace_back();
    out.type = static_cast<WatchEvent::Type>(event.type());
    out.path = servers_.chroot.Strip(event.path());
    out.zxid = event.zxid();
    out.ordinal = event.ordinal();
    if (!event.has_stat()) continue;
    out.stat = FromProto(event.stat());
    if (event.has_data()) out.data = std::move(*event.mutable_data()->mutable_value());
  }
  // A server that is behind the cursor waits, and may say where it is itself: never back.
  if (response.has_cursor()) {
    const Cursor stands{response.cursor().zxid(), response.cursor().ordinal()};
    cursor_ = cursor_.has_value() ? std::max(*cursor_, stands) : stands;
  }
  refused_.reset();
  if (!std::exchange(first_response_, false) || !events.empty()) {
    // Of use, not merely there: a server that greets and hangs up must not be tried without a pause.
    rotation_.Succeeded();
    backoff_.Reset();
    last_errors_.clear();
  }
  SetState(FollowState::kFollowing, "");
  deliveries_.push_back([this, events = std::move(events), cursor = *cursor_]() mutable {
    callbacks_.on_events(std::move(events), cursor);
  });
}

void Follower::SetState(FollowState state, const std::string& why) {
  if (state_ == state) return;
  state_ = state;
  if (callbacks_.on_state == nullptr) return;
  deliveries_.push_back([this, state, why] { callbacks_.on_state(state, why); });
}

void Follower::Finish(Task last_word) {
  phase_ = Phase::kFinished;
  connect_.reset();
  deliveries_.push_back(std::move(last_word));
}

bool Follower::TakeDisconnect() { return std::exchange(disconnect_, false); }
std::optional<Follower::Connect> Follower::TakeConnect() { return std::exchange(connect_, std::nullopt); }
std::vector<Follower::Task> Follower::TakeDeliveries() { return std::exchange(deliveries_, {}); }

std::string Follower::LastErrors() const {
  std::string text;
  for (const auto& [server, error] : last_errors_) {
    absl::StrAppend(&text, text.empty() ? "" : "; ", servers_.addresses[server], ": ", error);
  }
  return text;
}

}  // namespace synod::client

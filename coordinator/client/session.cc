#include "coordinator/client/session.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/access/schemes.h"
#include "coordinator/base/check.h"
#include "coordinator/client/requests.h"

namespace synod::client {
namespace {

// One write of the stream: enough to amortize its cost, little enough to keep replies flowing.
constexpr size_t kMaxMessageBytes = 256 * 1024;
constexpr size_t kMaxMessageRequests = 1'000;
// A larger request would be refused by the server's transport, and end the stream each time it is sent.
constexpr size_t kMaxRequestBytes = 3'500'000;
constexpr char kClosed[] = "the client was closed";

absl::Duration Fraction(absl::Duration d, int numerator, int denominator) { return d * numerator / denominator; }

void AppendVarint(uint64_t v, std::string* out) {
  while (v >= 0x80) {
    out->push_back(static_cast<char>(v | 0x80));
    v >>= 7;
  }
  out->push_back(static_cast<char>(v));
}

size_t DataBytes(const v1::Request& request) {
  if (request.has_create()) return request.create().data().value().size();
  if (request.has_set_data()) return request.set_data().data().value().size();
  return 0;
}

}  // namespace

Session::Session(std::vector<std::string> addresses, Chroot chroot, std::vector<Credential> credentials,
                 SessionTimes times, uint64_t seed, SessionCallback on_state)
    : addresses_(std::move(addresses)),
      chroot_(std::move(chroot)),
      times_(times),
      on_state_(std::move(on_state)),
      random_(seed),
      rotation_(addresses_.size(), random_),
      backoff_(times.backoff_initial, times.backoff_cap, random_.Fork()),
      timeout_(times.timeout),
      grace_(times.disconnect_grace),
      credentials_(std::move(credentials)),
      retry_at_(-absl::InfiniteDuration()) {}

// ---- time ----

absl::Duration Session::PingInterval() const {
  absl::Duration interval = timeout_ / 6;
  if (grace_ > absl::ZeroDuration()) interval = std::min(interval, grace_ / 4);
  return std::max(interval, absl::Milliseconds(10));
}

absl::Duration Session::StallTimeout() const {
  absl::Duration stall = times_.stall_timeout;
  if (stall <= absl::ZeroDuration()) {
    stall = std::min(absl::Seconds(1), timeout_ / 3);
    if (grace_ > absl::ZeroDuration())
      stall = std::min(stall, std::max(absl::Milliseconds(300), Fraction(grace_, 2, 3)));
  }
  return std::max(stall, std::min(stall * (1 << std::min(stalls_in_row_, 4)), timeout_ / 3));
}

absl::Duration Session::StallAt() const {
  if (phase_ != Phase::kOpen) return absl::InfiniteDuration();
  absl::Duration since = waiting_since_;
  if (!pings_.empty()) since = std::min(since, pings_.front().sent_at);
  return std::max(since, heard_at_) + StallTimeout();
}

absl::Duration Session::LostAt() const {
  if (session_id_ == 0) return absl::InfiniteDuration();
  absl::Duration at = answered_ping_sent_at_ + Fraction(timeout_, 2, 3);
  if (grace_ > absl::ZeroDuration()) at = std::min(at, broke_at_ + Fraction(grace_, 2, 3));
  return at;
}

absl::Duration Session::HeldUntil() const {
  if (session_id_ == 0) return -absl::InfiniteDuration();
  if (state_ != SessionState::kConnected && state_ != SessionState::kSuspended) return -absl::InfiniteDuration();
  return LostAt();
}

absl::Duration Session::NextDeadline() const {
  absl::Duration next = deadlines_.empty() ? absl::InfiniteDuration() : deadlines_.begin()->first;
  if (phase_ == Phase::kFinished) return next;
  if (state_ == SessionState::kConnected || state_ == SessionState::kSuspended) next = std::min(next, LostAt());
  if (phase_ == Phase::kWaiting) return std::min(next, retry_at_);
  if (phase_ == Phase::kOpen) return std::min({next, ping_due_, StallAt()});
  return std::min(next, attempt_deadline_);
}

void Session::OnTick(absl::Duration now) {
  // Before anything else that happened is looked at: a client that was stopped must not act on a session that it may
  // have lost.
  CheckLost(now);
  CheckRequestDeadlines(now);
  CheckStall(now);
  if ((phase_ == Phase::kConnecting || phase_ == Phase::kAttaching) && now >= attempt_deadline_) {
    Break(absl::DeadlineExceededError(phase_ == Phase::kConnecting ? "no connection in time" : "not attached in time"),
          true, false, now);
  }
  if (phase_ == Phase::kWaiting && now >= retry_at_) StartConnecting(now);
}

void Session::CheckLost(absl::Duration now) {
  if (state_ != SessionState::kConnected && state_ != SessionState::kSuspended) return;
  if (now < LostAt()) return;
  SetState(SessionState::kLost);
  // This server has not shown that a quorum knows of us; another may.
  if (phase_ == Phase::kOpen)
    Break(absl::UnavailableError("pings unanswered for two thirds of the timeout"), true, false, now);
}

void Session::CheckStall(absl::Duration now) {
  if (now < StallAt()) return;
  absl::Duration silent_since = heard_at_;
  if (!pings_.empty()) silent_since = std::max(silent_since, pings_.front().sent_at);
  Break(absl::UnavailableError("the server went silent"), true, false, now);
  ++stalls_in_row_;
  // S8: what the server's side saw may be as old as the first ping it did not answer.
  broke_at_ = std::min(broke_at_, silent_since);
  CheckLost(now);
}

void Session::CheckRequestDeadlines(absl::Duration now) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const uint64_t id = deadlines_.begin()->second;
    deadlines_.erase(deadlines_.begin());
    auto it =
        std::lower_bound(requests_.begin(), requests_.end(), id, [](const Pending& p, uint64_t v) { return p.id < v; });
    if (it == requests_.end() || it->id != id || it->done == nullptr) continue;
    it->deadline = absl::InfiniteDuration();
    Error error{ErrorCode::kTimeout, it->write && it->ever_sent ? Effect::kMayHaveBeenDone : Effect::kNotDone,
                "no answer in time"};
    if (std::string tried = LastErrors(); !tried.empty()) error.message += "; servers tried: " + tried;
    Answer(*it, error, {});
    // A request that was sent keeps its place: replies are matched by order, and a number must not be skipped.
    if (!it->ever_sent) requests_.erase(it);
  }
}

// ---- connecting ----

void Session::StartConnecting(absl::Duration now) {
  phase_ = Phase::kConnecting;
  server_ = rotation_.Next();
  ++attempt_;
  connect_ = Connect{server_, attempt_};
  connect_sent_ = false;
  attempt_deadline_ = now + times_.connect_timeout;
}

void Session::OnStarted(uint64_t attempt, absl::Duration now) {
  if (attempt != attempt_ || phase_ != Phase::kConnecting) return;
  phase_ = Phase::kAttaching;
  // A server holds an attach through an election for min(2 s, timeout / 3) (S6).
  attempt_deadline_ =
      now + std::clamp(timeout_ / 3 + absl::Milliseconds(200), times_.connect_timeout, absl::Milliseconds(2200));
}

void Session::Break(const absl::Status& why, bool cancel, bool wait, absl::Duration now) {
  SYNOD_CHECK(phase_ != Phase::kFinished);
  const absl::string_view text = why.message();
  last_errors_[server_] = text.empty() ? absl::StatusCodeToString(why.code()) : std::string(text);
  if (cancel) disconnect_ = attempt_;
  connect_.reset();
  if (phase_ == Phase::kOpen) {
    broke_at_ = now;
    if (state_ == SessionState::kConnected) SetState(SessionState::kSuspended);
  }
  phase_ = Phase::kWaiting;
  attempt_deadline_ = absl::InfiniteDuration();
  sent_ = 0;
  pings_.clear();
  waiting_since_ = absl::InfiniteDuration();
  retry_at_ = now;
  // The other servers are tried at once; only after a round without success is it time to wait.
  if (wait || rotation_.RoundComplete()) {
    rotation_.NewRound();
    retry_at_ = now + backoff_.Next();
  }
}

void Session::OnEnded(uint64_t attempt, const absl::Status& status, absl::Duration now) {
  if (attempt != attempt_ || phase_ == Phase::kWaiting || phase_ == Phase::kFinished) return;
  const std::string text(status.message());
  if (status.code() == absl::StatusCode::kUnauthenticated) {
    if (session_id_ == 0) {  // there is nothing to expire: it is the credentials
      const Error refused{ErrorCode::kAuthFailed, Effect::kNotDone, text};
      return Finish(SessionState::kClosed, refused, refused);
    }
    if (closing_) {
      return Finish(SessionState::kClosed, {ErrorCode::kClosed, Effect::kNotDone, "the session was closed"},
                    {ErrorCode::kClosed, Effect::kMayHaveBeenDone, "the session was closed"});
    }
    return Finish(SessionState::kExpired, {ErrorCode::kSessionExpired, Effect::kNotDone, text},
                  {ErrorCode::kSessionExpired, Effect::kMayHaveBeenDone, text});
  }
  if (status.code() == absl::StatusCode::kInvalidArgument) {
    return Finish(SessionState::kClosed, {ErrorCode::kMalformed, Effect::kNotDone, text},
                  {ErrorCode::kMalformed, Effect::kMayHaveBeenDone, text});
  }
  // ABORTED: attached elsewhere, perhaps by an earlier attempt of ours that was still on its way; RESOURCE_EXHAUSTED:
  // the server has too much to hold. Both pass, but not by hurrying.
  const bool wait =
      status.code() == absl::StatusCode::kAborted || status.code() == absl::StatusCode::kResourceExhausted;
  Break(status.ok() ? absl::UnavailableError("the server closed the stream") : status, false, wait, now);
}

std::string Session::ConnectMessage(absl::Duration now) {
  v1::ClientMessage message;
  v1::Connect* connect = message.mutable_connect();
  connect->set_session_id(session_id_);
  connect->set_password(password_);
  connect->set_timeout_ms(static_cast<uint32_t>(absl::ToInt64Milliseconds(times_.timeout)));
  connect->set_disconnect_grace_ms(static_cast<uint32_t>(absl::ToInt64Milliseconds(times_.disconnect_grace)));
  connect->set_last_zxid(last_zxid_);
  connect->set_confirmed_below(ConfirmedBelow());
  watches_.FillRearm(connect->mutable_rearm());
  FillCredentials(connect);
  connect_sent_ = true;
  connect_sent_at_ = now;
  return message.SerializeAsString();
}

void Session::FillCredentials(v1::Connect* connect) const {
  for (const Credential& credential : credentials_) FillCredential(credential, connect->add_credentials());
  for (const Pending& pending : requests_) {
    if (!pending.ever_sent) break;
    // A connect that a server refuses ends the session; a request that it refuses does not.
    if (pending.credential && access::Authenticate(pending.credential->scheme, pending.credential->credential)) {
      FillCredential(*pending.credential, connect->add_credentials());
    }
  }
}

// ---- requests ----

void Session::Submit(Submission submission, absl::Duration now) {
  Pending pending;
  pending.operation = submission.request.operation_case();
  pending.write = IsWrite(pending.operation);
  pending.done = std::move(submission.done);
  if (phase_ == Phase::kFinished || closing_) {
    return Answer(pending, phase_ == Phase::kFinished ? end_ : Error{ErrorCode::kClosed, Effect::kNotDone, kClosed},
                  {});
  }
  if (requests_.size() >= times_.max_pending_requests) {
    return Answer(pending, {ErrorCode::kOverloaded, Effect::kNotDone, "too many unanswered requests in this client"},
                  {});
  }
  if (submission.request.ByteSizeLong() > kMaxRequestBytes ||
      (max_data_bytes_ > 0 && DataBytes(submission.request) > max_data_bytes_)) {
    return Answer(pending,
                  {ErrorCode::kTooLarge, Effect::kNotDone,
                   max_data_bytes_ > 0 ? absl::StrCat("the limit is ", max_data_bytes_, " bytes of data per node")
                                       : "the request is larger than any server takes"},
                  {});
  }
  pending.id = next_id_++;
  pending.request = std::move(submission.request);
  if (pending.operation == v1::Request::kAuthenticate) {
    const v1::Credential& credential = pending.request.authenticate().credential();
    pending.credential = Credential{credential.scheme(), credential.credential()};
  }
  AddChroot(chroot_, &pending.request);
  pending.watch = std::move(submission.watch);
  pending.deadline = submission.deadline;
  if (pending.deadline != absl::InfiniteDuration()) deadlines_.emplace(std::max(pending.deadline, now), pending.id);
  closing_ = pending.operation == v1::Request::kCloseSession;
  requests_.push_back(std::move(pending));
}

uint64_t Session::ConfirmedBelow() const {
  for (const Pending& pending : requests_) {
    if (pending.sequence != 0) return pending.sequence;
    if (!pending.ever_sent) break;
  }
  return next_sequence_;
}

void Session::Encode(Pending& pending) {
  pending.request.set_id(pending.id);
  if (pending.write) {
    pending.sequence = next_sequence_++;
    pending.request.set_sequence(pending.sequence);
  }
  if (pending.watch != nullptr || pending.operation == v1::Request::kRemoveWatch) {
    std::tie(pending.watch_path, pending.watch_kind) = WatchOf(pending.request);
  }
  const size_t size = pending.request.ByteSizeLong();
  pending.encoded.reserve(size + 6);
  AppendVarint(v1::ClientMessage::kRequestsFieldNumber << 3 | 2, &pending.encoded);
  AppendVarint(size, &pending.encoded);
  SYNOD_CHECK(pending.request.AppendToString(&pending.encoded));
  pending.request = {};
}

std::optional<std::string> Session::TakeMessage(absl::Duration now) {
  if (phase_ == Phase::kAttaching && !connect_sent_) return ConnectMessage(now);
  if (phase_ != Phase::kOpen) return std::nullopt;
  const bool ping = now >= ping_due_;
  std::string out;
  for (size_t n = 0; sent_ < requests_.size() && sent_ < window_ && n < kMaxMessageRequests; ++n) {
    Pending& pending = requests_[sent_];
    if (pending.encoded.empty()) Encode(pending);
    if (!out.empty() && out.size() + pending.encoded.size() > kMaxMessageBytes) break;
    pending.ever_sent = true;
    out += pending.encoded;
    ++sent_;
  }
  if (out.empty() && !ping) return std::nullopt;
  if (sent_ > 0 && waiting_since_ == absl::InfiniteDuration()) waiting_since_ = now;
  v1::ClientMessage rest;
  rest.set_confirmed_below(ConfirmedBelow());
  if (ping) {
    rest.set_ping(next_ping_);
    pings_.push_back({next_ping_++, now});
    ping_due_ = now + PingInterval();
  }
  SYNOD_CHECK(rest.AppendToString(&out));
  return out;
}

// ---- the end ----

void Session::Finish(SessionState state, const Error& unsent, const Error& sent) {
  phase_ = Phase::kFinished;
  connect_.reset();
  end_ = unsent;
  if (state == SessionState::kExpired) end_.message = "the session expired: make a new client";
  SetState(state);
  std::deque<Pending> requests = std::move(requests_);
  requests_.clear();
  deadlines_.clear();
  sent_ = 0;
  watches_.Clear();
  for (Pending& pending : requests) {
    if (pending.operation == v1::Request::kCloseSession && state == SessionState::kClosed && pending.ever_sent &&
        sent.code == ErrorCode::kClosed) {
      Answer(pending, {}, {});  // it is gone, as asked
      continue;
    }
    Answer(pending, pending.write && pending.ever_sent ? sent : unsent, {});
  }
}

void Session::Abandon() {
  if (phase_ == Phase::kFinished) return;
  if (phase_ != Phase::kWaiting) disconnect_ = attempt_;
  Finish(SessionState::kClosed, {ErrorCode::kClosed, Effect::kNotDone, kClosed},
         {ErrorCode::kClosed, Effect::kMayHaveBeenDone, kClosed});
}

void Session::SetState(SessionState state) {
  if (state_ == state) return;
  state_ = state;
  if (on_state_ == nullptr) return;
  deliveries_.push_back([this, state] { on_state_(state); });
}

std::optional<uint64_t> Session::TakeDisconnect() { return std::exchange(disconnect_, std::nullopt); }
std::optional<Session::Connect> Session::TakeConnect() { return std::exchange(connect_, std::nullopt); }
std::vector<Session::Task> Session::TakeDeliveries() { return std::exchange(deliveries_, {}); }

std::string Session::LastErrors() const {
  std::string text;
  for (const auto& [server, error] : last_errors_)
    absl::StrAppend(&text, text.empty() ? "" : "; ", addresses_[server], ": ", error);
  return text;
}

}  // namespace synod::client

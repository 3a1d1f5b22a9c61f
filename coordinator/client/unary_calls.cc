#include "coordinator/client/unary_calls.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/access/schemes.h"
#include "coordinator/client/convert.h"
#include "coordinator/client/requests.h"

namespace synod::client {
namespace {

constexpr char kCallMethod[] = "/synod.v1.Coordination/Call";

}  // namespace

struct UnaryCalls::Pending {
  v1::Request request;
  ReplyHandler done;
  bool write = false;
  absl::Duration deadline;
  Backoff backoff;
  size_t tried = 0;
  std::map<std::string, std::string> errors;  // by server
  size_t server = 0;
};

UnaryCalls::UnaryCalls(StreamLoop* loop, ServerList servers, std::vector<Credential> credentials, SessionTimes times,
                       uint64_t seed)
    : loop_(loop),
      servers_(std::move(servers)),
      credentials_(std::move(credentials)),
      times_(times),
      random_(seed),
      server_(random_.Below(servers_.addresses.size())) {}

UnaryCalls::~UnaryCalls() {
  *alive_ = false;
  for (auto& [at, pending] : waiting_) Fail(*pending, {ErrorCode::kClosed, Effect::kNotDone, "the client was closed"});
}

void UnaryCalls::Fail(Pending& pending, Error error) {
  v1::Reply none;
  pending.done(error, none);
}

void UnaryCalls::Authenticate(Submission& submission) {
  const v1::Credential& credential = submission.request.authenticate().credential();
  v1::Reply reply;
  if (!access::Authenticate(credential.scheme(), credential.credential())) {
    return submission.done({ErrorCode::kAuthFailed, Effect::kNotDone,
                            absl::StrCat("scheme \"", credential.scheme(), "\" takes no such credential")},
                           reply);
  }
  credentials_.push_back({credential.scheme(), credential.credential()});
  reply.set_zxid(last_zxid_);
  submission.done({}, reply);
}

void UnaryCalls::Submit(Submission submission, absl::Duration now) {
  if (submission.request.has_authenticate()) return Authenticate(submission);
  if (const char* why = NeedsSession(submission.request)) {
    v1::Reply none;
    return submission.done({ErrorCode::kBadArguments, Effect::kNotDone, why}, none);
  }
  if (submission.deadline == absl::InfiniteDuration()) submission.deadline = now + times_.timeout;
  AddChroot(servers_.chroot, &submission.request);
  const bool write = IsWrite(submission.request.operation_case());
  Send(std::make_shared<Pending>(Pending{std::move(submission.request),
                                         std::move(submission.done),
                                         write,
                                         submission.deadline,
                                         Backoff(times_.backoff_initial, times_.backoff_cap, random_.Fork()),
                                         0,
                                         {},
                                         server_}),
       now);
}

void UnaryCalls::Send(std::shared_ptr<Pending> pending, absl::Duration now) {
  v1::CallRequest request;
  *request.mutable_request() = pending->request;
  request.set_last_zxid(last_zxid_);
  for (const Credential& credential : credentials_) FillCredential(credential, request.add_credentials());
  const absl::Duration left = std::max(pending->deadline - now, absl::Milliseconds(1));
  loop_->Call(servers_.addresses[pending->server], kCallMethod, request.SerializeAsString(),
              std::min(times_.connect_timeout, left), left, [this, alive = alive_, pending](CallOutcome outcome) {
                if (!*alive) {
                  const bool unknown = pending->write && outcome.sent;
                  v1::Reply none;
                  return pending->done({ErrorCode::kClosed, unknown ? Effect::kMayHaveBeenDone : Effect::kNotDone,
                                        "the client was closed"},
                                       none);
                }
                OnOutcome(pending, std::move(outcome), MonotonicNow());
              });
}

void UnaryCalls::OnOutcome(const std::shared_ptr<Pending>& pending, CallOutcome outcome, absl::Duration now) {
  v1::CallReply reply;
  if (outcome.status.ok() && reply.ParseFromString(outcome.reply)) {
    server_ = pending->server;
    last_zxid_ = std::max(last_zxid_, reply.reply().zxid());
    v1::Reply& r = *reply.mutable_reply();
    StripChroot(servers_.chroot, pending->request.operation_case(), &r);
    return pending->done(ErrorOf(r), r);
  }
  Error error;
  bool told = ErrorFromDetails(outcome.details, &error);
  if (!told && outcome.status.code() == absl::StatusCode::kUnauthenticated) {
    told = true;
    error = {ErrorCode::kAuthFailed, Effect::kNotDone, std::string(outcome.status.message())};
  }
  if (!told) {
    error = {ErrorCode::kUnavailable, pending->write && outcome.sent ? Effect::kMayHaveBeenDone : Effect::kNotDone,
             std::string(outcome.status.message())};
  }
  if (!pending->write) error.effect = Effect::kNotDone;
  // An outcome of the operation, or a write that nobody knows the fate of: not ours to repeat.
  if ((told && static_cast<int>(error.code) < 100) || error.code == ErrorCode::kMalformed ||
      error.effect == Effect::kMayHaveBeenDone) {
    return Fail(*pending, error);
  }
  const std::string& address = servers_.addresses[pending->server];
  pending->errors[address] = error.message.empty() ? std::string(ErrorCodeName(error.code)) : error.message;
  pending->server = (pending->server + 1) % servers_.addresses.size();
  const bool round = ++pending->tried % servers_.addresses.size() == 0;
  const absl::Duration at = round ? now + pending->backoff.Next() : now;
  if (at < pending->deadline) {
    waiting_.emplace(at, pending);
    return;
  }
  error.message = "no server could do it in time; servers tried:";
  for (const auto& [server, why] : pending->errors) absl::StrAppend(&error.message, " ", server, " (", why, ")");
  Fail(*pending, error);
}

absl::Duration UnaryCalls::Retry(absl::Duration now) {
  while (!waiting_.empty() && waiting_.begin()->first <= now) {
    auto pending = waiting_.extract(waiting_.begin()).mapped();
    Send(std::move(pending), now);
  }
  return waiting_.empty() ? absl::InfiniteDuration() : waiting_.begin()->first;
}

}  // namespace synod::client

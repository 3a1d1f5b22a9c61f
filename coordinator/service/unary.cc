// Calls without session: at-least-once, nothing remembered (S2). A write handed over is never handed over again by us:
// its caller alone may.
#include <algorithm>
#include <utility>

#include "coordinator/base/check.h"
#include "coordinator/service/credentials.h"
#include "coordinator/service/service_impl.h"
#include "coordinator/service/writes.h"
#include "coordinator/statemachine/command_codec.h"

namespace synod::service {

using Waiting = UnaryCall::Waiting;

void Service::Impl::Call(CallRequest request, CallDone done) {
  ++stats.packets_received;
  ++stats.unary_calls;
  auto call = std::make_unique<UnaryCall>();
  UnaryCall* raw = call.get();
  raw->number = next_number++;
  raw->call = std::move(request);
  raw->done = std::move(done);
  raw->since = Now();
  calls.emplace_hint(calls.end(), raw->number, std::move(call));
  if (stopping || node == nullptr)
    return FailUnary(raw->number, ErrorCode::kNoQuorum, Effect::kNotDone, "the server is not serving");
  if (calls.size() > config.max_unary_calls || over_budget) {
    return FailUnary(raw->number, ErrorCode::kOverloaded, Effect::kNotDone,
                     "too many calls at once; try later or another server");
  }
  raw->bytes = sizeof(UnaryCall) + BytesOf(raw->call.request.operation);
  outstanding_bytes += raw->bytes;
  if (raw->call.request.sequence != Sequence(0)) {
    return FailUnary(raw->number, ErrorCode::kMalformed, Effect::kNotDone, "a call without session has no number");
  }
  std::optional<access::IdentitySet> identities = IdentitiesOf(raw->call.credentials, raw->call.address);
  raw->call.credentials.clear();
  if (!identities) {
    ++stats.auth_failed;
    return FailUnary(raw->number, ToErrorCode(tree::Error::kAuthFailed), Effect::kNotDone, "a credential was refused");
  }
  raw->identities = *std::move(identities);
  if (IsWrite(raw->call.request.operation)) {
    StartUnaryWrite(raw);
  } else if (raw->call.last_zxid > deps.state_machine->last_zxid() &&
             raw->call.request.strength == ReadStrength::kSession) {
    raw->waiting = Waiting::kBehind;  // S9
    AwaitZxid(raw->number, raw->call.last_zxid);
  } else {
    StartUnaryRead(raw);
  }
}

void Service::Impl::StartUnaryWrite(UnaryCall* call) {
  Operation& operation = call->call.request.operation;
  std::optional<tree::Error> refusal = RefusalOf(operation, config.max_data_bytes);
  std::string_view why;
  if (std::holds_alternative<CloseSession>(operation)) {
    refusal = tree::Error::kBadArguments;
    why = "there is no session to close";
  } else if (std::holds_alternative<Authenticate>(operation)) {
    refusal = tree::Error::kBadArguments;
    why = "there is no session to authenticate; credentials go with the call";
  } else if (const auto* unintelligible = std::get_if<Unintelligible>(&operation)) {
    why = unintelligible->message;
  }
  if (refusal) return FailUnary(call->number, ToErrorCode(*refusal), Effect::kNotDone, std::string(why));
  command.session = SessionId(0);
  command.generation = OwnerGeneration(0);
  command.sequence = Sequence(0);
  command.confirmed_below = Sequence(0);
  command.identities = call->identities;
  command.max_data_bytes = config.max_data_bytes;
  command.origin = {node->self(), incarnation, call->number};
  command.operation = ToCommandOperation(std::move(operation));
  call->command = statemachine::EncodeCommand(command);
  if (!can_submit) {
    // S6: held through an election, counted from when the leader was lost.
    call->deadline = leader_lost_at + config.hold_max;
    if (call->deadline <= call->since)
      FailUnary(call->number, ErrorCode::kNoQuorum, Effect::kNotDone, "no leader is known here");
    return;
  }
  if (node_full || !SubmitToNode(std::move(call->command))) {
    return FailUnary(call->number, ErrorCode::kOverloaded, Effect::kNotDone, "the queue of writes is full; try later");
  }
  call->waiting = Waiting::kOutcome;
}

void Service::Impl::SendWaitingCalls() {
  std::vector<uint64_t> waiting;
  for (const auto& [number, call] : calls) {
    if (call->waiting == Waiting::kLeader) waiting.push_back(number);
  }
  for (uint64_t number : waiting) {
    UnaryCall* call = calls.find(number)->second.get();
    if (node_full || !SubmitToNode(std::move(call->command))) {
      FailUnary(number, ErrorCode::kOverloaded, Effect::kNotDone, "the queue of writes is full; try later");
      continue;
    }
    call->waiting = Waiting::kOutcome;
    call->deadline = absl::InfiniteDuration();
  }
}

void Service::Impl::DoubtUnaryWrites(absl::Duration now) {
  for (const auto& [number, call] : calls) {
    if (call->waiting == Waiting::kOutcome) call->deadline = std::min(call->deadline, now + config.hold_max);
  }
}

void Service::Impl::StartUnaryRead(UnaryCall* call) {
  bool barrier = std::holds_alternative<Sync>(call->call.request.operation) ||
                 call->call.request.strength == ReadStrength::kLinearizable;
  if (!barrier || std::holds_alternative<Unintelligible>(call->call.request.operation)) return AnswerUnaryRead(call);
  call->deadline = std::max(call->since, leader_lost_at) + config.hold_max;
  if (HeldTooLong(call->since, config.hold_max)) {
    return FailUnary(call->number, ErrorCode::kNoQuorum, Effect::kNotDone, "no leader is known here");
  }
  StartUnaryBarrier(call);
}

void Service::Impl::StartUnaryBarrier(UnaryCall* call) {
  call->waiting = Waiting::kBarrier;
  ++barriers_running;
  node->ReadBarrier([this, number = call->number, watch = std::weak_ptr<bool>(alive)](bool ok) {
    if (!watch.lock()) return;
    --barriers_running;
    auto it = calls.find(number);
    if (it == calls.end()) return;
    if (ok) {
      AnswerUnaryRead(it->second.get());
    } else {
      it->second->waiting = Waiting::kRetry;
    }
  });
}

void Service::Impl::AnswerUnaryRead(UnaryCall* call) {
  Reply reply;
  ReadContext context{
      deps.state_machine,   deps.state_machine->CallerOf(call->identities), &call->identities, SessionId(0), nullptr,
      watches::WatcherId(0)};
  ExecuteRead(call->call.request.operation, context, &reply);
  if (call->call.request.strength == ReadStrength::kLocal) reply.age = leader_age + (Now() - leader_age_at);
  std::string path(PathOf(call->call.request.operation));
  FinishUnary(call->number, std::move(reply), path);
}

void Service::Impl::OnUnaryOutcome(uint64_t number, const statemachine::Command& applied,
                                   const statemachine::Outcome& outcome) {
  auto it = calls.find(number);
  if (it == calls.end() || it->second->waiting != Waiting::kOutcome) return;
  Reply reply;
  FillReply(outcome, &reply);
  FinishUnary(number, std::move(reply), PathOf(applied.operation));
}

void Service::Impl::FailUnary(uint64_t number, ErrorCode error, Effect effect, std::string_view message) {
  ++stats.unary_failed;
  Reply reply;
  reply.error = error;
  reply.effect = effect;
  reply.message = std::string(message);
  reply.zxid = deps.state_machine->last_zxid();
  FinishUnary(number, std::move(reply), {});
}

void Service::Impl::FinishUnary(uint64_t number, Reply reply, std::string_view path) {
  auto it = calls.find(number);
  SYNOD_CHECK(it != calls.end());
  std::unique_ptr<UnaryCall> call = std::move(it->second);
  calls.erase(it);
  outstanding_bytes -= call->bytes;
  if (over_budget && !OverBudget()) UpdateAllFlow();
  const Operation& operation = call->call.request.operation;
  reply.id = call->call.request.id;
  reply.operation = static_cast<uint8_t>(operation.index());
  ++stats.packets_sent;
  absl::Duration took = Now() - call->since;
  (IsWrite(operation) ? stats.write_latency : stats.read_latency).Add(took);
  if (took >= config.slow_operation) ReportIfSlow(took, reply.operation, path, SessionId(0));
  call->done(std::move(reply));
}

void Service::Impl::ExpireCalls(absl::Duration now) {
  std::vector<uint64_t> due, retry;
  for (const auto& [number, call] : calls) {
    if (call->deadline <= now && call->waiting != Waiting::kBehind) {
      due.push_back(number);
    } else if (call->waiting == Waiting::kRetry && can_submit) {
      retry.push_back(number);
    }
  }
  for (uint64_t number : due) {
    const UnaryCall& call = *calls.find(number)->second;
    bool handed_over = call.waiting == Waiting::kOutcome;
    FailUnary(number, ErrorCode::kNoQuorum, handed_over ? Effect::kMayHaveBeenDone : Effect::kNotDone,
              handed_over ? "the leader changed; whether it was done is unknown" : "no quorum answered in time");
  }
  for (uint64_t number : retry) {
    auto it = calls.find(number);
    if (it != calls.end()) StartUnaryBarrier(it->second.get());
  }
}

}  // namespace synod::service

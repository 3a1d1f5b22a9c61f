// A session's requests: numbered, queued, sent, answered in order (S2, S3, S9, L3, L11).
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/base/check.h"
#include "coordinator/service/service_impl.h"
#include "coordinator/service/writes.h"
#include "coordinator/statemachine/command_codec.h"

namespace synod::service {

using Kind = SessionQueue::Kind;

void Service::Impl::Submit(ConnectionId id, absl::Span<Request> requests, Sequence confirmed_below) {
  Link* link = FindLink(id);
  if (link == nullptr) return;
  if (link->phase != Link::Phase::kServing)
    return Close(link, CloseReason::kProtocolError, "a request before the connection was granted");
  absl::Duration now = Now();
  stats.packets_received += requests.size();
  stats.requests += requests.size();
  if (link->read_only) return SubmitReadOnly(link, requests, now);
  liveness.Heard(link->liveness, now);
  if (confirmed_below != Sequence(0) && link->options.numbers_own_writes)
    Confirm(link, confirmed_below);  // S3: before the cap is looked at
  for (Request& request : requests) {
    Enqueue(link, &request, now);
    if (link->phase == Link::Phase::kClosed) return;
  }
  Advance(link);
  UpdateFlow(link);
}

void Service::Impl::Enqueue(Link* link, Request* request, absl::Duration now) {
  if (IsWrite(request->operation)) return EnqueueWrite(link, request, now);
  if (request->sequence != Sequence(0)) return Close(link, CloseReason::kProtocolError, "a read with a number");
  const bool barrier =
      std::holds_alternative<Sync>(request->operation) ||
      (request->strength == ReadStrength::kLinearizable && !std::holds_alternative<Unintelligible>(request->operation));
  // Nothing to wait for, as for most reads: the queue need not hold it.
  if (!barrier && link->queue.empty() && !link->rearming && !link->ending) return AnswerAtOnce(link, request, now);
  SessionQueue::Item item;
  item.kind = barrier ? Kind::kBarrier : Kind::kRead;
  item.strength = request->strength;
  item.operation_index = static_cast<uint8_t>(request->operation.index());
  item.bytes = static_cast<uint32_t>(sizeof(SessionQueue::Item) + BytesOf(request->operation));
  item.id = request->id;
  item.since = now;
  item.operation = std::move(request->operation);
  uint64_t position = link->queue.Push(std::move(item));
  if (barrier) StartBarrier(link, position);
}

void Service::Impl::AnswerAtOnce(Link* link, Request* request, absl::Duration now) {
  SessionQueue::Item item;
  item.strength = request->strength;
  item.operation_index = static_cast<uint8_t>(request->operation.index());
  item.id = request->id;
  item.since = now;
  AnswerRead(link, item, request->operation, now);
}

void Service::Impl::EnqueueWrite(Link* link, Request* request, absl::Duration now) {
  SessionQueue::Item item;
  item.id = request->id;
  item.since = now;
  item.operation_index = static_cast<uint8_t>(request->operation.index());
  if (!link->options.numbers_own_writes) {
    item.sequence = link->last_number + 1;
  } else if (request->sequence == Sequence(0) || request->sequence > link->last_number + 1) {
    return Close(link, CloseReason::kProtocolError,
                 absl::StrCat("write numbered ", request->sequence.value(), " after ", link->last_number.value()));
  } else {
    item.sequence = request->sequence;
  }
  if (item.sequence <= link->last_number) {
    // Used before: what it did is applied here, or will be before this comes to the front.
    item.kind = Kind::kRepeat;
    item.bytes = sizeof(SessionQueue::Item);
    link->queue.Push(std::move(item));
    return;
  }
  link->last_number = item.sequence;
  item.kind = Kind::kWrite;
  command.session = link->session;
  command.generation = link->generation;
  command.sequence = item.sequence;
  // A ZooKeeper client confirms nothing: what was answered here is confirmed for it (S3).
  command.confirmed_below = link->confirmed_below;
  command.identities.clear();  // the session's own hold
  command.max_data_bytes = config.max_data_bytes;
  command.origin = {};
  if (std::optional<tree::Error> refusal = RefusalOf(request->operation, config.max_data_bytes)) {
    ++stats.refused_writes;
    if (*refusal == tree::Error::kAuthFailed) ++stats.auth_failed;
    command.operation = statemachine::RefusedOp{*refusal};  // keeps its number (counterexample 14)
  } else {
    command.operation = ToCommandOperation(std::move(request->operation));
  }
  item.command = statemachine::EncodeCommand(command);
  item.bytes = static_cast<uint32_t>(sizeof(SessionQueue::Item) + item.command.size());
  link->queue.Push(std::move(item));
}

// L9: starts when the request is here, so that it covers all that was acknowledged before.
void Service::Impl::StartBarrier(Link* link, uint64_t position) {
  link->queue.Find(position)->barrier_running = true;
  ++barriers_running;
  node->ReadBarrier([this, id = link->id, position, watch = std::weak_ptr<bool>(alive)](bool ok) {
    if (!watch.lock()) return;
    --barriers_running;
    OnBarrier(id, position, ok);
  });
}

void Service::Impl::OnBarrier(ConnectionId id, uint64_t position, bool ok) {
  Link* link = FindLink(id);
  if (link == nullptr || link->phase != Link::Phase::kServing) return;
  SessionQueue::Item* item = link->queue.Find(position);
  if (item == nullptr) return;
  item->barrier_running = false;
  item->passed = ok;
  if (!ok) {
    link->barrier_retry = true;
    return;
  }
  Advance(link);
  UpdateFlow(link);
}

void Service::Impl::RetryBarriers(Link* link) {
  if (!link->barrier_retry) return;
  link->barrier_retry = false;
  for (uint64_t p = link->queue.front_position(); p < link->queue.end_position(); ++p) {
    SessionQueue::Item* item = link->queue.Find(p);
    if (item->kind == Kind::kBarrier && !item->passed && !item->barrier_running) StartBarrier(link, p);
  }
}

void Service::Impl::Confirm(Link* link, Sequence below) {
  while (link->confirmed_below < below && !link->unconfirmed.empty()) {
    link->unconfirmed_bytes -= link->unconfirmed.front();
    link->unconfirmed.pop_front();
    ++link->confirmed_below;
  }
}

bool Service::Impl::AtReplyCap(const Link& link) const {
  return link.unconfirmed.size() >= config.unconfirmed_replies_max ||
         link.unconfirmed_bytes >= config.unconfirmed_bytes_max;
}

void Service::Impl::Advance(Link* link, bool from_table) {
  Release(link, from_table);
  if (link->phase == Link::Phase::kServing) Pump(link);
}

void Service::Impl::Release(Link* link, bool from_table) {
  if (link->rearming || link->ending) return;
  while (link->phase == Link::Phase::kServing && !link->queue.empty()) {
    SessionQueue::Item& front = link->queue.Front();
    if (front.kind == Kind::kBarrier && !front.passed) return;
    if (front.kind == Kind::kWrite) {
      const sessions::Session* session = from_table ? deps.state_machine->sessions().Find(link->session) : nullptr;
      if (session == nullptr || front.sequence > session->last_applied()) return;
    }
    SessionQueue::Item item = std::move(front);
    link->queue.Pop();
    switch (item.kind) {
      case Kind::kWrite:
        AnswerFromTable(link, item, false);
        break;
      case Kind::kRepeat:
        AnswerFromTable(link, item, true);
        break;
      case Kind::kRead:
      case Kind::kBarrier:
        AnswerRead(link, item, item.operation, Now());
        break;
    }
  }
}

// Hands writes over as far as a barrier, the reply cap or the node's queue lets them go.
void Service::Impl::Pump(Link* link) {
  if (!can_submit || node_full || link->rearming || link->ending) return;
  while (SessionQueue::Item* item = link->queue.NextToSend()) {
    if (AtReplyCap(*link)) {  // S3. Reading goes on up to the limit of requests, or no confirmation could ever come
      if (!link->capped_since) link->capped_since = Now();
      return;
    }
    if (!SubmitToNode(item->command)) return;
    if (!link->queue.HasSent()) link->progress = Now();
    link->queue.Sent();
  }
  link->capped_since.reset();
}

bool Service::Impl::SubmitToNode(std::string bytes) {
  const size_t size = bytes.size();
  if (node->Submit(std::move(bytes)) == node::SubmitResult::kQueued) {
    CountProposal(size);
    return true;
  }
  if (!node_full) {
    node_full = true;
    UpdateAllFlow();
  }
  return false;
}

// Begins behind the session that was served last, so that none is starved.
void Service::Impl::PumpAll() {
  std::vector<ConnectionId> ids = LinkIds();
  std::rotate(ids.begin(), std::upper_bound(ids.begin(), ids.end(), pump_after), ids.end());
  for (ConnectionId id : ids) {
    if (node_full || !can_submit) return;
    Link* link = FindLink(id);
    if (link == nullptr) continue;
    pump_after = id;
    if (link->phase == Link::Phase::kServing) {
      Advance(link);
      UpdateFlow(link);
    } else if (link->phase == Link::Phase::kGranting && !link->grant_sent) {
      SendGrant(link);
    }
  }
}

void Service::Impl::SendAgain(Link* link, absl::Duration now) {
  Sequence last = link->queue.LastSent();
  if (last != Sequence(0)) {
    // Number by number, from the last applied + 1: the front write is that one.
    for (uint64_t p = link->queue.front_position(); p < link->queue.end_position(); ++p) {
      const SessionQueue::Item* item = link->queue.Find(p);
      if (item->kind == Kind::kWrite && item->sequence <= last) ++stats.resubmitted;
    }
  }
  link->queue.Rewind();
  link->progress = now;
  Pump(link);
}

void Service::Impl::AnswerRead(Link* link, const SessionQueue::Item& item, const Operation& operation,
                               absl::Duration now) {
  Reply reply;
  if (const auto* set = std::get_if<SetWatches>(&operation)) {
    if (!Rearm(link, set->watches)) return;  // closed
    reply.zxid = deps.state_machine->last_zxid();
  } else if (SetsWatch(operation) && watch_table.memory_bytes() + streams.memory_bytes() >= config.watch_bytes_max) {
    reply.zxid = deps.state_machine->last_zxid();
    reply.error = ErrorCode::kOverloaded;
    reply.message = "this server holds too many watches; read without one, or connect to another server";
  } else {
    if (ExecuteRead(operation, ContextOf(*link), &reply)) link->has_watches = true;
  }
  if (item.strength == ReadStrength::kLocal) reply.age = leader_age + (now - leader_age_at);
  GiveReply(link, item, std::move(reply), PathOf(operation), now);
}

const access::IdentitySet& Service::Impl::IdentitiesHere(const Link& link) const {
  if (link.read_only || link.closing) return link.identities;
  const sessions::Session* session = deps.state_machine->sessions().Find(link.session);
  SYNOD_CHECK(session != nullptr);
  return deps.state_machine->identities().Get(session->identities());
}

// By the identities that the session has now.
ReadContext Service::Impl::ContextOf(const Link& link) {
  const access::IdentitySet& identities = IdentitiesHere(link);
  return {deps.state_machine, deps.state_machine->CallerOf(identities), &identities, link.session,
          &watch_table,       watches::WatcherId(link.id.value())};
}

void Service::Impl::AnswerFromTable(Link* link, const SessionQueue::Item& item, bool repeated) {
  const sessions::Session* session = deps.state_machine->sessions().Find(link->session);
  SYNOD_CHECK(session != nullptr && item.sequence <= session->last_applied())
      << "number " << item.sequence << " was not applied";
  Reply reply;
  std::optional<std::string_view> stored = session->replies().Find(item.sequence);
  absl::StatusOr<statemachine::Outcome> outcome =
      stored ? statemachine::DecodeOutcome(*stored) : absl::NotFoundError("confirmed");
  if (outcome.ok()) {
    if (!repeated) {  // S10: given for the first time, by this server
      link->unconfirmed.push_back(static_cast<uint32_t>(stored->size()));
      link->unconfirmed_bytes += stored->size();
    }
    FillReply(*outcome, &reply);
  } else {
    reply.error = ToErrorCode(tree::Error::kReplyLost);
    reply.effect = Effect::kMayHaveBeenDone;
    reply.zxid = deps.state_machine->last_zxid();
    reply.message = "it was done; its reply had been confirmed as received";
  }
  reply.repeated = repeated;
  GiveReply(link, item, std::move(reply), {}, Now());
}

void Service::Impl::GiveReply(Link* link, const SessionQueue::Item& item, Reply&& reply, std::string_view path,
                              absl::Duration now) {
  reply.id = item.id;
  reply.sequence = item.sequence;
  reply.operation = item.operation_index;
  ++stats.replies;
  ++stats.packets_sent;
  absl::Duration took = now - item.since;
  bool write = item.kind == Kind::kWrite || item.kind == Kind::kRepeat;
  (write ? stats.write_latency : stats.read_latency).Add(took);
  if (took >= config.slow_operation) ReportIfSlow(took, item.operation_index, path, link->session);
  link->door->OnReply(std::move(reply));
}

}  // namespace synod::service

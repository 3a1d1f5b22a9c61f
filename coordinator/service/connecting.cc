// A client connects: a session is created or attached through the log (S4), or it is sent elsewhere.
#include <algorithm>
#include <string_view>
#include <utility>

#include "coordinator/base/check.h"
#include "coordinator/base/secrets.h"
#include "coordinator/service/credentials.h"
#include "coordinator/service/read_only.h"
#include "coordinator/service/service_impl.h"
#include "coordinator/statemachine/command_codec.h"

namespace synod::service {
namespace {

uint32_t Millis(absl::Duration d) {
  return static_cast<uint32_t>(std::clamp<int64_t>(absl::ToInt64Milliseconds(d), 0, UINT32_MAX));
}

}  // namespace

void Service::Impl::Connect(ConnectionId id, ConnectRequest request) {
  Link* link = FindLink(id);
  if (link == nullptr) return;
  ++stats.packets_received;
  if (link->phase != Link::Phase::kOpen) return Close(link, CloseReason::kProtocolError, "connect came twice");
  link->request = std::move(request);
  link->request.timeout = std::clamp(link->request.timeout, config.session_timeout_min, config.session_timeout_max);
  link->request.disconnect_grace =
      std::clamp(link->request.disconnect_grace, absl::ZeroDuration(), link->request.timeout);
  link->since = Now();
  std::optional<access::IdentitySet> identities = IdentitiesOf(link->request.credentials, link->options.address);
  link->request.credentials.clear();
  if (!identities) {
    ++stats.auth_failed;
    return Close(link, CloseReason::kAuthFailed, "a credential was refused");
  }
  link->identities = *std::move(identities);
  // What its watches were valid at it has seen as well.
  for (const WatchSet& set : link->request.rearm)
    link->request.last_zxid = std::max(link->request.last_zxid, set.since.zxid);
  // S9. A client must not go back in time; a moment later this server may have caught up.
  if (link->request.last_zxid > deps.state_machine->last_zxid()) {
    link->phase = Link::Phase::kBehind;
    return AwaitZxid(id, link->request.last_zxid);
  }
  Proceed(link);
}

void Service::Impl::Proceed(Link* link) {
  if (read_only && AcceptsReadOnly(*link)) {
    GrantReadOnly(link);
  } else if (link->request.session == SessionId(0)) {
    BeginCreate(link);
  } else {
    BeginAttach(link);
  }
}

void Service::Impl::BeginCreate(Link* link) {
  statemachine::CreateSessionOp op;
  op.timeout_ms = Millis(link->request.timeout);
  op.disconnect_grace_ms = Millis(link->request.disconnect_grace);
  op.password = deps.secure_bytes(statemachine::kPasswordBytes);
  op.connection = link->id.value();
  op.native = link->options.numbers_own_writes;
  op.identities = link->identities;
  statemachine::Command create;
  create.origin = {node->self(), incarnation, link->grant_number = next_number++};
  create.operation = std::move(op);
  link->grant_command = statemachine::EncodeCommand(create);
  link->phase = Link::Phase::kGranting;
  grants[link->grant_number] = link->id;
  SendGrant(link);
}

void Service::Impl::BeginAttach(Link* link) {
  const sessions::Session* session = deps.state_machine->sessions().Find(link->request.session);
  if (session == nullptr) {
    if (IsLocalSession(link->request.session)) return Close(link, CloseReason::kSessionExpired);
    // Unknown here may be not yet known here: only a barrier makes it certain, since the client takes it for the end of
    // its session.
    if (link->phase == Link::Phase::kLookup) return Close(link, CloseReason::kSessionExpired);
    link->phase = Link::Phase::kLookup;
    return LookUp(link);
  }
  if (!SameSecret(link->request.password, session->password())) {
    ++stats.auth_failed;
    return Close(link, CloseReason::kAuthFailed, "wrong password");
  }
  if (session->native() != link->options.numbers_own_writes) {
    // A ZooKeeper client that is only closed would try again for ever: to it the session is none.
    return Close(link, link->options.numbers_own_writes ? CloseReason::kProtocolError : CloseReason::kSessionExpired,
                 "the session belongs to clients of the other protocol");
  }
  statemachine::AttachSessionOp op;
  op.session = session->id();
  op.seen = session->generation();
  op.connection = link->id.value();
  op.password = session->password();
  op.timeout_ms = Millis(link->request.timeout);
  op.disconnect_grace_ms = Millis(link->request.disconnect_grace);
  op.clear_replies = !link->options.numbers_own_writes;
  op.identities = link->identities;
  statemachine::Command attach;
  attach.origin = {node->self(), incarnation, link->grant_number = next_number++};
  attach.operation = std::move(op);
  link->grant_command = statemachine::EncodeCommand(attach);
  link->phase = Link::Phase::kGranting;
  grants[link->grant_number] = link->id;
  SendGrant(link);
}

void Service::Impl::LookUp(Link* link) {
  link->barrier_failed = false;
  node->ReadBarrier([this, id = link->id, watch = std::weak_ptr<bool>(alive)](bool ok) {
    if (!watch.lock()) return;
    Link* found = FindLink(id);
    if (found == nullptr || found->phase != Link::Phase::kLookup) return;
    if (ok) {
      BeginAttach(found);
    } else {
      found->barrier_failed = true;
    }
  });
}

void Service::Impl::SendGrant(Link* link) {
  link->grant_sent = can_submit && !node_full && SubmitToNode(link->grant_command);
}

bool Service::Impl::OnGrantOutcome(uint64_t number, const statemachine::Outcome& outcome) {
  auto it = grants.find(number);
  if (it == grants.end()) return false;
  Link* link = FindLink(it->second);
  grants.erase(it);
  SYNOD_CHECK(link != nullptr && link->phase == Link::Phase::kGranting) << "a grant nobody waits for";
  link->grant_number = 0;
  switch (outcome.error) {
    case tree::Error::kOk:
      stats.revalidations += link->request.session != SessionId(0);
      BeginServing(link, outcome.grant);
      return true;
    case tree::Error::kSessionMoved:
      // S4: the generation moved on before this was applied. Here is where it stands now; the connection is open, so
      // once more.
      BeginAttach(link);
      return true;
    case tree::Error::kSessionExpired:
      Close(link, CloseReason::kSessionExpired);
      return true;
    case tree::Error::kAuthFailed:
      ++stats.auth_failed;
      Close(link, CloseReason::kAuthFailed, "wrong password");
      return true;
    default:
      Close(link, CloseReason::kProtocolError, tree::ErrorName(outcome.error));
      return true;
  }
}

void Service::Impl::BeginServing(Link* link, const statemachine::SessionGrant& grant) {
  absl::Duration now = Now();
  link->phase = Link::Phase::kServing;
  link->session = grant.session;
  link->generation = grant.generation;
  link->timeout = absl::Milliseconds(grant.timeout_ms);
  link->grace = absl::Milliseconds(grant.disconnect_grace_ms);
  link->grant_command = {};
  link->identities = {};  // the session's, from here on
  link->last_number = grant.last_applied;
  link->progress = now;
  auto [it, inserted] = serving.emplace(grant.session, link);
  SYNOD_CHECK(inserted) << "OnSessionGranted closes the older connection";
  link->liveness = liveness.Attach(grant.session, grant.generation, link->timeout);

  // S3: what the table holds unconfirmed counts from the start.
  const sessions::Session* session = deps.state_machine->sessions().Find(grant.session);
  SYNOD_CHECK(session != nullptr);
  link->confirmed_below = session->replies().first();
  session->replies().ForEach(link->confirmed_below, [link](Sequence, std::string_view reply) {
    link->unconfirmed.push_back(static_cast<uint32_t>(reply.size()));
    link->unconfirmed_bytes += reply.size();
  });
  Confirm(link, link->options.numbers_own_writes ? link->request.confirmed_below : session->replies().end());

  ConnectResult result;
  result.session = grant.session;
  result.password = session->password();
  result.timeout = link->timeout;
  result.disconnect_grace = link->grace;
  result.generation = grant.generation;
  result.last_applied = grant.last_applied;
  result.zxid = deps.state_machine->last_zxid();
  result.server = node->self();
  result.max_data_bytes = config.max_data_bytes;
  result.max_outstanding = config.max_outstanding;
  ++stats.packets_sent;
  link->door->OnConnected(result);
  std::vector<WatchSet> rearm = std::move(link->request.rearm);
  link->request = {};
  BeginRearm(link, std::move(rearm));
  UpdateFlow(link);
}

// Who waited for this server to catch up (S9), and for whom it took too long.
void Service::Impl::CheckBehind(absl::Duration now) {
  Zxid applied = deps.state_machine->last_zxid();
  behind_lowest = Zxid(INT64_MAX);
  for (ConnectionId id : std::exchange(behind, {})) {
    Link* link = FindLink(id);
    if (link == nullptr || link->phase != Link::Phase::kBehind) continue;
    if (link->request.last_zxid <= applied) {
      Proceed(link);
    } else if (now - link->since >= config.behind_wait) {
      Close(link, CloseReason::kBehind);
    } else {
      AwaitZxid(id, link->request.last_zxid);
    }
  }
  for (uint64_t number : std::exchange(behind_calls, {})) {
    auto it = calls.find(number);
    if (it == calls.end()) continue;
    UnaryCall* call = it->second.get();
    if (call->call.last_zxid <= applied) {
      StartUnaryRead(call);
    } else if (now - call->since >= config.behind_wait) {
      FailUnary(number, ErrorCode::kNoQuorum, Effect::kNotDone, "this server is behind the caller; try another");
    } else {
      AwaitZxid(number, call->call.last_zxid);
    }
  }
}

}  // namespace synod::service

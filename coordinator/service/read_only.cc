// A server without quorum serves clients that accept it from the state it has (specs: ZooKeeper protocol, 16.1).
//
// Such a connection has no part in the log: its session is a number of this server, its identities are kept with it,
// nothing it asks for waits, and nothing of it is reported to a leader. What is applied here meanwhile fires its
// watches as everybody's.
#include "coordinator/service/read_only.h"

#include <optional>
#include <utility>

#include "coordinator/base/log.h"
#include "coordinator/service/credentials.h"
#include "coordinator/service/service_impl.h"
#include "coordinator/service/writes.h"

namespace synod::service {
namespace {

// As the state machine does it for a session of the ensemble: all of them, or none.
tree::Error AddIdentities(const Authenticate& operation, access::IdentitySet* identities) {
  std::optional<access::IdentitySet> proved = Prove(operation.credential);
  if (!proved) return tree::Error::kAuthFailed;
  access::IdentitySet all = *identities;
  for (access::Identity& one : *proved) {
    if (!access::Insert(std::move(one), &all)) return tree::Error::kTooLarge;
  }
  *identities = std::move(all);
  return tree::Error::kOk;
}

}  // namespace

// Who offers a session does not: it would be given another in its place. A real one waits for a quorum, or is resumed
// on a server that has one.
bool Service::Impl::AcceptsReadOnly(const Link& link) const {
  return link.request.may_read_only && link.request.session == SessionId(0);
}

void Service::Impl::MaybeBeginReadOnly(bool started, absl::Duration now) {
  if (read_only || !config.read_only_mode || stopping || !HeldTooLong(now, config.hold_max)) return;
  if (!started || deps.state_machine->last_zxid() == Zxid(0)) return;  // there is nothing to read yet
  read_only = true;
  SLOG_WARN("no quorum for {} ms: serving read-only clients", absl::ToInt64Milliseconds(now - leader_lost_at));
}

void Service::Impl::EndReadOnly() {
  if (!read_only) return;
  read_only = false;
  SLOG_INFO("there is a leader again: no read-only clients any more");
  for (ConnectionId id : LinkIds()) {
    Link* link = FindLink(id);
    if (link != nullptr && link->read_only) Close(link, CloseReason::kResume);
  }
}

void Service::Impl::GrantReadOnly(Link* link) {
  // A create that was sent may still make a session; nobody asks for it, and its timeout ends it.
  if (link->grant_number != 0) grants.erase(std::exchange(link->grant_number, 0));
  link->grant_command = {};
  link->phase = Link::Phase::kServing;
  link->read_only = true;
  link->session = SessionId(kFirstLocalSession | static_cast<int64_t>(RandomNumber() >> 2));
  link->timeout = link->request.timeout;
  link->progress = Now();

  ConnectResult result;
  result.session = link->session;
  result.password = deps.secure_bytes(statemachine::kPasswordBytes);
  result.timeout = link->timeout;
  result.zxid = deps.state_machine->last_zxid();
  result.server = node->self();
  result.max_data_bytes = config.max_data_bytes;
  result.max_outstanding = config.max_outstanding;
  result.read_only = true;
  ++stats.packets_sent;
  link->door->OnConnected(result);
  link->request = {};
}

void Service::Impl::SubmitReadOnly(Link* link, absl::Span<Request> requests, absl::Duration now) {
  link->progress = now;
  for (Request& request : requests) {
    AnswerReadOnly(link, &request, now);
    if (link->phase == Link::Phase::kClosed) return;
  }
}

void Service::Impl::AnswerReadOnly(Link* link, Request* request, absl::Duration now) {
  const Operation& operation = request->operation;
  SessionQueue::Item item;
  item.strength = request->strength;
  item.operation_index = static_cast<uint8_t>(operation.index());
  item.id = request->id;
  item.sequence = request->sequence;
  item.since = now;
  const bool close = std::holds_alternative<CloseSession>(operation);
  const auto* authenticate = std::get_if<Authenticate>(&operation);
  const bool needs_quorum = IsWrite(operation) || std::holds_alternative<Sync>(operation);
  if (!needs_quorum || std::holds_alternative<Unintelligible>(operation)) return AnswerRead(link, item, operation, now);
  item.kind = SessionQueue::Kind::kWrite;
  Reply reply;
  reply.zxid = deps.state_machine->last_zxid();
  if (authenticate != nullptr) {
    reply.error = ToErrorCode(AddIdentities(*authenticate, &link->identities));
    if (reply.error == ToErrorCode(tree::Error::kAuthFailed)) ++stats.auth_failed;
  } else if (!close) {
    reply.error = ErrorCode::kNotReadOnly;
    reply.message = "this server has no quorum and serves reads only";
  }
  GiveReply(link, item, std::move(reply), PathOf(operation), now);
  if (close) Close(link, CloseReason::kSessionClosed);
}

}  // namespace synod::service

#include "coordinator/frontdoor/grpc/convert.h"

#include <utility>

#include "absl/strings/str_format.h"

namespace synod::frontdoor {
namespace {

using service::Operation;

service::Unintelligible NotUnderstood(bool write, std::string message) {
  service::Unintelligible operation;
  operation.write = write;
  operation.message = std::move(message);
  return operation;
}

// Null is not empty. mutable_data() makes the field, so it must not be called before has_data().
template <typename Message>
service::NodeData TakeData(Message* in) {
  if (!in->has_data()) return std::nullopt;
  return std::move(*in->mutable_data()->mutable_value());
}

// False: a create mode that this version does not know.
bool Take(v1::Create* in, service::CreateOp* out) {
  if (in->mode() < v1::PERSISTENT || in->mode() > v1::EPHEMERAL_SEQUENTIAL) return false;
  out->path = std::move(*in->mutable_path());
  out->data = TakeData(in);
  out->mode = static_cast<service::CreateMode>(in->mode());
  return true;
}

service::DeleteOp Take(v1::Delete* in) { return {std::move(*in->mutable_path()), in->version()}; }

service::SetDataOp Take(v1::SetData* in) { return {std::move(*in->mutable_path()), TakeData(in), in->version()}; }

service::CheckOp Take(v1::Check* in) { return {std::move(*in->mutable_path()), in->version()}; }

Operation TakeMulti(v1::Multi* in) {
  service::MultiOp multi;
  multi.ops.reserve(in->operations_size());
  for (v1::MultiOperation& part : *in->mutable_operations()) {
    switch (part.operation_case()) {
      case v1::MultiOperation::kCreate: {
        service::CreateOp create;
        if (!Take(part.mutable_create(), &create)) return NotUnderstood(true, "unknown create mode in a multi");
        multi.ops.emplace_back(std::move(create));
        break;
      }
      case v1::MultiOperation::kDelete:
        multi.ops.emplace_back(Take(part.mutable_delete_()));
        break;
      case v1::MultiOperation::kSetData:
        multi.ops.emplace_back(Take(part.mutable_set_data()));
        break;
      case v1::MultiOperation::kCheck:
        multi.ops.emplace_back(Take(part.mutable_check()));
        break;
      case v1::MultiOperation::OPERATION_NOT_SET:
        return NotUnderstood(true, "a multi's operation is missing or unknown");
    }
  }
  return multi;
}

Operation TakeAddWatch(v1::AddWatch* in) {
  if (in->kind() != v1::WATCH_PERSISTENT && in->kind() != v1::WATCH_PERSISTENT_RECURSIVE) {
    return NotUnderstood(false, "add_watch takes a persistent kind");
  }
  return service::AddWatch{std::move(*in->mutable_path()), static_cast<service::WatchKind>(in->kind())};
}

Operation TakeRemoveWatch(v1::RemoveWatch* in) {
  if (in->kind() < v1::DATA || in->kind() > v1::WATCH_PERSISTENT_RECURSIVE)
    return NotUnderstood(false, "unknown kind of watch");
  return service::RemoveWatch{std::move(*in->mutable_path()), static_cast<service::WatchKind>(in->kind())};
}

Operation TakeOperation(v1::Request* in) {
  switch (in->operation_case()) {
    case v1::Request::kCreate: {
      service::CreateOp create;
      if (!Take(in->mutable_create(), &create)) return NotUnderstood(true, "unknown create mode");
      return create;
    }
    case v1::Request::kDelete:
      return Take(in->mutable_delete_());
    case v1::Request::kSetData:
      return Take(in->mutable_set_data());
    case v1::Request::kCheck:
      return Take(in->mutable_check());
    case v1::Request::kMulti:
      return TakeMulti(in->mutable_multi());
    case v1::Request::kCloseSession:
      return service::CloseSession{};
    case v1::Request::kExists:
      return service::Exists{std::move(*in->mutable_exists()->mutable_path()), in->exists().watch()};
    case v1::Request::kGetData:
      return service::GetData{std::move(*in->mutable_get_data()->mutable_path()), in->get_data().watch()};
    case v1::Request::kGetChildren:
      return service::GetChildren{std::move(*in->mutable_get_children()->mutable_path()), in->get_children().watch(),
                                  in->get_children().with_stat()};
    case v1::Request::kSync:
      return service::Sync{std::move(*in->mutable_sync()->mutable_path())};
    case v1::Request::kAddWatch:
      return TakeAddWatch(in->mutable_add_watch());
    case v1::Request::kRemoveWatch:
      return TakeRemoveWatch(in->mutable_remove_watch());
    case v1::Request::OPERATION_NOT_SET:
      break;
  }
  return NotUnderstood(in->sequence() != 0, "the operation is missing or unknown to this server");
}

void ResultToProto(service::OpResult& result, v1::OpResult* out) {
  out->set_error(static_cast<v1::ErrorCode>(result.error));
  out->set_path(std::move(result.path));
  if (result.stat.czxid.value() != 0) ToProto(result.stat, out->mutable_stat());
}

}  // namespace

service::Request FromProto(v1::Request* in) {
  service::Request request;
  request.id = in->id();
  request.sequence = Sequence(in->sequence());
  if (in->strength() < v1::SESSION || in->strength() > v1::LOCAL) {
    request.operation = NotUnderstood(in->sequence() != 0, "unknown read strength");
    return request;
  }
  request.strength = static_cast<service::ReadStrength>(in->strength());
  request.operation = TakeOperation(in);
  return request;
}

service::ConnectRequest FromProto(v1::Connect* in) {
  service::ConnectRequest request;
  request.session = SessionId(in->session_id());
  request.password = std::move(*in->mutable_password());
  request.timeout = absl::Milliseconds(in->timeout_ms());
  request.last_zxid = Zxid(in->last_zxid());
  request.disconnect_grace = absl::Milliseconds(in->disconnect_grace_ms());
  request.confirmed_below = Sequence(in->confirmed_below());
  request.rearm.reserve(in->rearm_size());
  for (v1::WatchSet& watch : *in->mutable_rearm()) {
    if (watch.kind() < v1::DATA || watch.kind() > v1::WATCH_PERSISTENT_RECURSIVE) continue;
    request.rearm.push_back(
        {std::move(*watch.mutable_path()), static_cast<service::WatchKind>(watch.kind()), Zxid(watch.since_zxid())});
  }
  return request;
}

void ToProto(const tree::Stat& stat, v1::Stat* out) {
  out->set_czxid(stat.czxid.value());
  out->set_mzxid(stat.mzxid.value());
  out->set_pzxid(stat.pzxid.value());
  out->set_ctime_ms(stat.ctime_ms);
  out->set_mtime_ms(stat.mtime_ms);
  out->set_version(stat.version);
  out->set_cversion(stat.cversion);
  out->set_aversion(stat.aversion);
  out->set_ephemeral_owner(stat.ephemeral_owner.value());
  out->set_data_length(stat.data_length);
  out->set_num_children(stat.num_children);
}

void ToProto(service::Reply reply, v1::Reply* out) {
  out->set_id(reply.id);
  out->set_sequence(reply.sequence.value());
  out->set_zxid(reply.zxid.value());
  out->set_error(static_cast<v1::ErrorCode>(reply.error));
  out->set_repeated_reply(reply.repeated);
  if (!reply.message.empty()) out->set_message(std::move(reply.message));
  if (reply.age != absl::ZeroDuration()) out->set_age_ms(static_cast<uint64_t>(absl::ToInt64Milliseconds(reply.age)));
  for (service::OpResult& result : reply.results) ResultToProto(result, out->add_results());
  if (reply.error != service::ErrorCode::kOk) return;
  if (!reply.result.path.empty() || reply.result.stat.czxid.value() != 0)
    ResultToProto(reply.result, out->mutable_result());
  if (reply.stat) ToProto(*reply.stat, out->mutable_stat());
  if (reply.data) out->mutable_data()->set_value(*std::move(reply.data));
  out->mutable_children()->Reserve(static_cast<int>(reply.children.size()));
  for (std::string& name : reply.children) out->add_children(std::move(name));
}

void ToProto(const service::Notification& notification, v1::WatchEvent* out) {
  out->set_type(static_cast<v1::WatchEvent::Type>(notification.type));
  out->set_path(notification.path);
  out->set_zxid(notification.zxid.value());
}

void ToProto(const service::ConnectResult& result, v1::Connected* out) {
  out->set_session_id(result.session.value());
  out->set_password(result.password);
  out->set_timeout_ms(static_cast<uint32_t>(absl::ToInt64Milliseconds(result.timeout)));
  out->set_disconnect_grace_ms(static_cast<uint32_t>(absl::ToInt64Milliseconds(result.disconnect_grace)));
  out->set_generation(result.generation.value());
  out->set_last_applied_sequence(result.last_applied.value());
  out->set_zxid(result.zxid.value());
  out->set_server_id(result.server.value());
  out->set_max_data_bytes(result.max_data_bytes);
  out->set_max_outstanding(result.max_outstanding);
}

std::string Hex(uint64_t value) { return absl::StrFormat("%016x", value); }

void ToProto(const service::ServerStatus& status, v1::StatusReply* out) {
  out->set_server_id(status.server.value());
  out->set_role(status.role);
  out->set_term(status.term.value());
  out->set_leader_id(status.leader.value());
  out->set_ready(status.ready);
  out->set_commit_index(status.commit.value());
  out->set_applied_index(status.applied.value());
  out->set_last_index(status.last.value());
  out->set_snapshot_index(status.snapshot.value());
  out->set_zxid(status.zxid.value());
  out->set_znodes(status.znodes);
  out->set_sessions(status.sessions);
  out->set_ephemerals(status.ephemerals);
  out->set_watches(status.watches);
  out->set_connections(status.connections);
  out->set_memory_bytes(status.memory_bytes);
  out->set_log_bytes(status.log_bytes);
  out->set_snapshot_bytes(status.snapshot_bytes);
  out->set_ensemble_id(Hex(status.ensemble.value()));
  out->set_state_machine_version(status.state_machine_version);
  out->set_damaged_records(status.damaged_records);
}

void ToProto(const service::MemberStatus& member, v1::MemberInfo* out) {
  out->set_server_id(member.server.value());
  out->set_storage_id(Hex(member.storage.value()));
  out->set_role(member.role);
  out->set_address(member.address);
  out->set_leader(member.leader);
  out->set_connected(member.connected);
  out->set_active(member.active);
  out->set_match_index(member.match.value());
}

}  // namespace synod::frontdoor

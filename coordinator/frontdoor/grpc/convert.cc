#include "coordinator/frontdoor/grpc/convert.h"

#include <utility>

#include "absl/strings/str_format.h"

namespace synod::frontdoor {

service::Request FromProto(v1::Request* in) {
  service::Request request;
  request.id = in->id();
  request.sequence = Sequence(in->sequence());
  const bool write = in->sequence() != 0;
  if (in->strength() < v1::SESSION || in->strength() > v1::LOCAL) {
    service::Unintelligible unknown;
    unknown.write = write;
    unknown.message = "unknown read strength";
    request.operation = std::move(unknown);
    return request;
  }
  request.strength = static_cast<service::ReadStrength>(in->strength());
  request.operation = OperationFromProto(in, write);
  return request;
}

std::vector<service::Credential> FromProto(google::protobuf::RepeatedPtrField<v1::Credential>* in) {
  std::vector<service::Credential> credentials;
  credentials.reserve(static_cast<size_t>(in->size()));
  for (v1::Credential& credential : *in) {
    credentials.push_back({std::move(*credential.mutable_scheme()), std::move(*credential.mutable_credential())});
  }
  return credentials;
}

std::optional<service::ConnectRequest> FromProto(v1::Connect* in) {
  service::ConnectRequest request;
  request.session = SessionId(in->session_id());
  request.password = std::move(*in->mutable_password());
  request.timeout = absl::Milliseconds(in->timeout_ms());
  request.last_zxid = Zxid(in->last_zxid());
  request.disconnect_grace = absl::Milliseconds(in->disconnect_grace_ms());
  request.confirmed_below = Sequence(in->confirmed_below());
  request.credentials = FromProto(in->mutable_credentials());
  request.rearm.reserve(static_cast<size_t>(in->rearm_size()));
  for (v1::WatchSet& watch : *in->mutable_rearm()) {
    if (watch.kind() < v1::DATA || watch.kind() > v1::WATCH_PERSISTENT_RECURSIVE) return std::nullopt;
    request.rearm.push_back({std::move(*watch.mutable_path()), static_cast<service::WatchKind>(watch.kind()),
                             service::Cursor{Zxid(watch.since_zxid()), watch.since_ordinal()}});
  }
  return request;
}

service::CallRequest FromProto(v1::CallRequest* in, std::string address) {
  service::CallRequest call;
  call.request = FromProto(in->mutable_request());
  call.last_zxid = Zxid(in->last_zxid());
  call.credentials = FromProto(in->mutable_credentials());
  call.address = std::move(address);
  return call;
}

service::WatchStreamRequest FromProto(v1::WatchRequest* in, std::string address) {
  service::WatchStreamRequest request;
  request.path = std::move(*in->mutable_path());
  request.recursive = in->recursive();
  if (in->has_after()) request.after = service::Cursor{Zxid(in->after().zxid()), in->after().ordinal()};
  request.with_data = in->with_data();
  request.credentials = FromProto(in->mutable_credentials());
  request.address = std::move(address);
  if (in->progress_ms() != 0) request.progress = absl::Milliseconds(in->progress_ms());
  return request;
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

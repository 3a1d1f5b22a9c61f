#include "coordinator/frontdoor/grpc/ensemble_service.h"

#include <utility>

#include "coordinator/frontdoor/grpc/convert.h"
#include "coordinator/frontdoor/grpc/status_map.h"

namespace synod::frontdoor {

EnsembleService::EnsembleService(Executor* loop, service::Service* service, std::function<ProcessInfo()> process,
                                 std::string address)
    : loop_(loop), service_(service), process_(std::move(process)), address_(std::move(address)) {}

grpc::ServerUnaryReactor* EnsembleService::Status(grpc::CallbackServerContext* context, const v1::StatusRequest*,
                                                  v1::StatusReply* reply) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  ProcessInfo process = process_();
  reply->set_version(process.version);
  reply->set_storage_id(Hex(process.storage.value()));
  reply->set_uptime_ms(static_cast<uint64_t>(absl::ToInt64Milliseconds(process.uptime)));
  reply->set_cpu_us(process.cpu_us);
  reply->set_resident_bytes(process.resident_bytes);
  reply->set_grpc_address(address_);
  loop_->Post([this, reactor, reply] {
    ToProto(service_->Status(), reply);
    reactor->Finish(grpc::Status::OK);
  });
  return reactor;
}

grpc::ServerUnaryReactor* EnsembleService::Members(grpc::CallbackServerContext* context, const v1::MembersRequest*,
                                                   v1::MembersReply* reply) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  loop_->Post([this, reactor, reply] {
    for (const service::MemberStatus& member : service_->Members()) {
      ToProto(member, reply->add_members());
      if (member.leader) reply->set_leader_id(member.server.value());
    }
    reactor->Finish(grpc::Status::OK);
  });
  return reactor;
}

grpc::ServerUnaryReactor* EnsembleService::Transfer(grpc::CallbackServerContext* context,
                                                    const v1::TransferRequest* request, v1::TransferReply* reply) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  loop_->Post([this, reactor, reply, target = ServerId(request->target())] {
    service_->TransferLeadership(target, [reactor, reply](absl::StatusOr<ServerId> leader) {
      if (leader.ok()) reply->set_leader_id(leader->value());
      reactor->Finish(ToStatus(leader.status()));
    });
  });
  return reactor;
}

grpc::ServerUnaryReactor* EnsembleService::Snapshot(grpc::CallbackServerContext* context, const v1::SnapshotRequest*,
                                                    v1::SnapshotReply* reply) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  loop_->Post([this, reactor, reply] {
    service_->TakeSnapshot([reactor, reply](absl::StatusOr<service::Service::SnapshotDone> done) {
      if (done.ok()) {
        reply->set_index(done->index.value());
        reply->set_records_written(done->records_written);
        reply->set_elapsed_us(static_cast<uint64_t>(absl::ToInt64Microseconds(done->elapsed)));
      }
      reactor->Finish(ToStatus(done.status()));
    });
  });
  return reactor;
}

grpc::ServerUnaryReactor* EnsembleService::Digest(grpc::CallbackServerContext* context, const v1::DigestRequest*,
                                                  v1::DigestReply* reply) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  loop_->Post([this, reactor, reply] {
    service::DigestStatus digest = service_->Digest();
    reply->set_applied_index(digest.applied.value());
    reply->set_zxid(digest.zxid.value());
    reply->set_digest(Hex(digest.digest));
    reply->set_digest_version(digest.digest_version);
    reactor->Finish(grpc::Status::OK);
  });
  return reactor;
}

}  // namespace synod::frontdoor

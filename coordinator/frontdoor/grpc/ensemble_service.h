// synod.v1.Ensemble on gRPC's callback API.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>

#include "coordinator/frontdoor/grpc/grpc_server.h"
#include "synod/v1/ensemble.grpc.pb.h"

namespace synod::frontdoor {

class EnsembleService final : public v1::Ensemble::CallbackService {
 public:
  EnsembleService(Executor* loop, service::Service* service, std::function<ProcessInfo()> process, std::string address);

  grpc::ServerUnaryReactor* Status(grpc::CallbackServerContext* context, const v1::StatusRequest* request,
                                   v1::StatusReply* reply) override;
  grpc::ServerUnaryReactor* Members(grpc::CallbackServerContext* context, const v1::MembersRequest* request,
                                    v1::MembersReply* reply) override;
  grpc::ServerUnaryReactor* Transfer(grpc::CallbackServerContext* context, const v1::TransferRequest* request,
                                     v1::TransferReply* reply) override;
  grpc::ServerUnaryReactor* Snapshot(grpc::CallbackServerContext* context, const v1::SnapshotRequest* request,
                                     v1::SnapshotReply* reply) override;
  grpc::ServerUnaryReactor* Digest(grpc::CallbackServerContext* context, const v1::DigestRequest* request,
                                   v1::DigestReply* reply) override;

 private:
  Executor* const loop_;
  service::Service* const service_;  // on the loop
  const std::function<ProcessInfo()> process_;
  const std::string address_;
};

}  // namespace synod::frontdoor

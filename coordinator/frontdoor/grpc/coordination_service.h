// synod.v1.Coordination on gRPC's callback API.
#pragma once

#include "coordinator/frontdoor/grpc/session_stream.h"

namespace synod::frontdoor {

class CoordinationService final : public v1::Coordination::CallbackService {
 public:
  explicit CoordinationService(const StreamEnvironment* environment) : env_(environment) {}
  grpc::ServerBidiReactor<v1::ClientMessage, v1::ServerMessage>* Session(grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* Call(grpc::CallbackServerContext* context, const v1::CallRequest* request,
                                 v1::CallReply* reply) override;
  grpc::ServerWriteReactor<v1::WatchResponse>* Watch(grpc::CallbackServerContext* context,
                                                     const v1::WatchRequest* request) override;

 private:
  const StreamEnvironment* const env_;
};

}  // namespace synod::frontdoor

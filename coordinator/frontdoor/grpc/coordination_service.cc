#include "coordinator/frontdoor/grpc/coordination_service.h"

#include <utility>

#include "coordinator/frontdoor/grpc/convert.h"
#include "coordinator/frontdoor/grpc/peer_address.h"
#include "coordinator/frontdoor/grpc/status_map.h"
#include "coordinator/frontdoor/grpc/watch_reactor.h"

namespace synod::frontdoor {

grpc::ServerBidiReactor<v1::ClientMessage, v1::ServerMessage>* CoordinationService::Session(
    grpc::CallbackServerContext* context) {
  return new SessionStream(env_, context->peer());  // deletes itself
}

grpc::ServerUnaryReactor* CoordinationService::Call(grpc::CallbackServerContext* context,
                                                    const v1::CallRequest* request, v1::CallReply* reply) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  v1::CallRequest copy = *request;
  service::CallRequest call = FromProto(&copy, AddressOfPeer(context->peer()));
  env_->loop->Post([env = env_, reactor, reply, call = std::move(call)]() mutable {
    env->service->Call(std::move(call), [reactor, reply](service::Reply answer) {
      if (answer.error != service::ErrorCode::kOk) {
        reactor->Finish(ToStatus(answer));
        return;
      }
      ToProto(std::move(answer), reply->mutable_reply());
      reactor->Finish(grpc::Status::OK);
    });
  });
  return reactor;
}

grpc::ServerWriteReactor<v1::WatchResponse>* CoordinationService::Watch(grpc::CallbackServerContext* context,
                                                                        const v1::WatchRequest* request) {
  v1::WatchRequest copy = *request;
  return new WatchReactor(env_, FromProto(&copy, AddressOfPeer(context->peer())));  // deletes itself
}

}  // namespace synod::frontdoor

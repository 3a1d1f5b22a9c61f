// Domain outcomes and close reasons as gRPC status.
#pragma once

#include <grpcpp/support/status.h>

#include <string>

#include "absl/status/status.h"
#include "coordinator/service/request.h"
#include "coordinator/service/watch_stream.h"

namespace synod::frontdoor {

// How a Session stream ends (coordination.proto tells the client what each means).
grpc::Status ToStatus(service::CloseReason reason, const std::string& message);
// How a Watch stream ends (likewise).
grpc::Status ToStatus(service::WatchEnd reason);
// How a failed unary Call ends: a google.rpc.Status with a synod.v1.Error in the details. REQUIRES an error.
grpc::Status ToStatus(const service::Reply& reply);
grpc::Status ToStatus(const absl::Status& status);

}  // namespace synod::frontdoor

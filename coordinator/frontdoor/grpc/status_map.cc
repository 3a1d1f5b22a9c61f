#include "coordinator/frontdoor/grpc/status_map.h"

#include "absl/strings/str_cat.h"
#include "coordinator/base/bytes.h"
#include "synod/v1/coordination.pb.h"

namespace synod::frontdoor {
namespace {

grpc::StatusCode CodeOf(service::CloseReason reason) {
  switch (reason) {
    case service::CloseReason::kSessionClosed:
      return grpc::StatusCode::OK;
    case service::CloseReason::kSessionExpired:
    case service::CloseReason::kAuthFailed:
      return grpc::StatusCode::UNAUTHENTICATED;
    case service::CloseReason::kMoved:
      return grpc::StatusCode::ABORTED;
    case service::CloseReason::kOverloaded:
      return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case service::CloseReason::kNoQuorum:
    case service::CloseReason::kBehind:
    case service::CloseReason::kResume:
    case service::CloseReason::kShutdown:
      return grpc::StatusCode::UNAVAILABLE;
    case service::CloseReason::kProtocolError:
      return grpc::StatusCode::INVALID_ARGUMENT;
  }
  return grpc::StatusCode::INTERNAL;
}

grpc::StatusCode CodeOf(service::ErrorCode code) {
  switch (code) {
    case service::ErrorCode::kOk:
      return grpc::StatusCode::OK;
    case service::ErrorCode::kNoQuorum:
    case service::ErrorCode::kNotReadOnly:  // never over gRPC
      return grpc::StatusCode::UNAVAILABLE;
    case service::ErrorCode::kOverloaded:
      return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case service::ErrorCode::kMalformed:
      return grpc::StatusCode::INVALID_ARGUMENT;
    case service::ErrorCode::kInternal:
      return grpc::StatusCode::INTERNAL;
  }
  switch (static_cast<tree::Error>(code)) {
    case tree::Error::kNoNode:
    case tree::Error::kNoWatcher:
      return grpc::StatusCode::NOT_FOUND;
    case tree::Error::kNodeExists:
      return grpc::StatusCode::ALREADY_EXISTS;
    case tree::Error::kBadArguments:
    case tree::Error::kInvalidAcl:
    case tree::Error::kTooLarge:
      return grpc::StatusCode::INVALID_ARGUMENT;
    case tree::Error::kNoAuth:
      return grpc::StatusCode::PERMISSION_DENIED;
    case tree::Error::kAuthFailed:
    case tree::Error::kSessionExpired:
      return grpc::StatusCode::UNAUTHENTICATED;
    case tree::Error::kSessionMoved:
      return grpc::StatusCode::ABORTED;
    case tree::Error::kQuotaExceeded:
    case tree::Error::kRefusedMemory:
    case tree::Error::kRefusedDisk:
      return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case tree::Error::kUnimplemented:
      return grpc::StatusCode::UNIMPLEMENTED;
    default:
      return grpc::StatusCode::FAILED_PRECONDITION;
  }
}

// google.rpc.Status {int32 code = 1; string message = 2; repeated Any details = 3}, Any {string type_url = 1; bytes
// value = 2}: written by hand, since Debian has no package of the googleapis messages. A protobuf varint and a
// length-delimited field are those of ByteWriter.
std::string RpcStatus(int code, const std::string& message, const v1::Error& error) {
  constexpr uint8_t kVarint1 = 0x08, kBytes1 = 0x0a, kBytes2 = 0x12, kBytes3 = 0x1a;
  ByteWriter any;
  any.U8(kBytes1);
  any.Blob("type.googleapis.com/synod.v1.Error");
  any.U8(kBytes2);
  any.Blob(error.SerializeAsString());
  ByteWriter status;
  status.U8(kVarint1);
  status.Varint(static_cast<uint64_t>(code));
  status.U8(kBytes2);
  status.Blob(message);
  status.U8(kBytes3);
  status.Blob(any.bytes());
  return status.Take();
}

}  // namespace

grpc::Status ToStatus(service::CloseReason reason, const std::string& message) {
  grpc::StatusCode code = CodeOf(reason);
  if (code == grpc::StatusCode::OK) return grpc::Status::OK;
  std::string_view name = CloseReasonName(reason);
  std::string text(name);
  if (!message.empty()) absl::StrAppend(&text, ": ", message);
  return grpc::Status(code, text);
}

grpc::Status ToStatus(service::WatchEnd reason) {
  switch (reason) {
    case service::WatchEnd::kEventsLost:
      return {grpc::StatusCode::OUT_OF_RANGE,
              "the cursor is older than the oldest event this server holds: read again what was cached, and watch from "
              "now"};
    case service::WatchEnd::kBadArguments:
      return {grpc::StatusCode::INVALID_ARGUMENT, "the path or an option is malformed"};
    case service::WatchEnd::kAuthFailed:
      return {grpc::StatusCode::UNAUTHENTICATED, "a credential was refused"};
    case service::WatchEnd::kOverloaded:
      return {grpc::StatusCode::RESOURCE_EXHAUSTED, "this server takes no more Watch streams"};
    case service::WatchEnd::kNoQuorum:
      return {grpc::StatusCode::UNAVAILABLE,
              "no leader that a majority confirms: go on with the last cursor elsewhere"};
    case service::WatchEnd::kResume:
      return {grpc::StatusCode::UNAVAILABLE, "the server jumped to a newer snapshot: go on with the last cursor"};
    case service::WatchEnd::kShutdown:
      return {grpc::StatusCode::UNAVAILABLE, "server stopping: go on with the last cursor elsewhere"};
  }
  return {grpc::StatusCode::INTERNAL, "unknown reason"};
}

grpc::Status ToStatus(const service::Reply& reply) {
  v1::Error error;
  error.set_code(static_cast<v1::ErrorCode>(reply.error));
  error.set_effect(static_cast<v1::Effect>(reply.effect));
  std::string text(ErrorCodeName(reply.error));
  if (!reply.message.empty()) absl::StrAppend(&text, ": ", reply.message);
  error.set_message(text);
  grpc::StatusCode code = CodeOf(reply.error);
  return grpc::Status(code, text, RpcStatus(code, text, error));
}

grpc::Status ToStatus(const absl::Status& status) {
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()));
}

}  // namespace synod::frontdoor

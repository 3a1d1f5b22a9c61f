#include "coordinator/service/request.h"

namespace synod::service {

bool IsWrite(const Operation& operation) {
  if (const auto* unintelligible = std::get_if<Unintelligible>(&operation)) return unintelligible->write;
  return operation.index() <= Operation(CloseSession{}).index();
}

std::string_view OperationName(const Operation& operation) { return OperationName(operation.index()); }

std::string_view OperationName(size_t index) {
  static constexpr std::string_view kNames[] = {
      "create",        "delete", "setData",      "check",        "setAcl",        "deleteTree",
      "multi",         "txn",    "authenticate", "closeSession", "exists",        "getData",
      "getChildren",   "getAcl", "list",         "multiRead",    "getEphemerals", "countDescendants",
      "whoAmI",        "sync",   "addWatch",     "removeWatch",  "checkWatch",    "setWatches",
      "unintelligible"};
  static_assert(std::size(kNames) == std::variant_size_v<Operation>);
  return index < std::size(kNames) ? kNames[index] : std::string_view("?");
}

std::string_view ErrorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNoQuorum:
      return "NoQuorum";
    case ErrorCode::kOverloaded:
      return "Overloaded";
    case ErrorCode::kMalformed:
      return "Malformed";
    case ErrorCode::kInternal:
      return "Internal";
    case ErrorCode::kNotReadOnly:
      return "NotReadOnly";
    default:
      return tree::ErrorName(static_cast<tree::Error>(code));
  }
}

std::string_view CloseReasonName(CloseReason reason) {
  switch (reason) {
    case CloseReason::kSessionClosed:
      return "session closed";
    case CloseReason::kSessionExpired:
      return "session expired or unknown";
    case CloseReason::kAuthFailed:
      return "authentication failed";
    case CloseReason::kMoved:
      return "session moved to another connection";
    case CloseReason::kOverloaded:
      return "overloaded";
    case CloseReason::kNoQuorum:
      return "no quorum";
    case CloseReason::kBehind:
      return "server behind the client";
    case CloseReason::kResume:
      return "connect again";
    case CloseReason::kShutdown:
      return "server stopping";
    case CloseReason::kProtocolError:
      return "protocol error";
  }
  return "?";
}

}  // namespace synod::service

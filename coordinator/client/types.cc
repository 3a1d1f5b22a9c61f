#include "coordinator/client/types.h"

namespace synod::client {

std::string_view ErrorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kOk:
      return "Ok";
    case ErrorCode::kNoNode:
      return "NoNode";
    case ErrorCode::kNodeExists:
      return "NodeExists";
    case ErrorCode::kBadVersion:
      return "BadVersion";
    case ErrorCode::kNotEmpty:
      return "NotEmpty";
    case ErrorCode::kNoChildrenForEphemerals:
      return "NoChildrenForEphemerals";
    case ErrorCode::kBadArguments:
      return "BadArguments";
    case ErrorCode::kInvalidAcl:
      return "InvalidAcl";
    case ErrorCode::kNoAuth:
      return "NoAuth";
    case ErrorCode::kSessionExpired:
      return "SessionExpired";
    case ErrorCode::kSessionMoved:
      return "SessionMoved";
    case ErrorCode::kQuotaExceeded:
      return "QuotaExceeded";
    case ErrorCode::kUnimplemented:
      return "Unimplemented";
    case ErrorCode::kRuntimeInconsistency:
      return "RuntimeInconsistency";
    case ErrorCode::kTooLarge:
      return "TooLarge";
    case ErrorCode::kRefusedMemory:
      return "RefusedMemory";
    case ErrorCode::kRefusedDisk:
      return "RefusedDisk";
    case ErrorCode::kNoWatcher:
      return "NoWatcher";
    case ErrorCode::kAuthFailed:
      return "AuthFailed";
    case ErrorCode::kReplyLost:
      return "ReplyLost";
    case ErrorCode::kNoQuorum:
      return "NoQuorum";
    case ErrorCode::kOverloaded:
      return "Overloaded";
    case ErrorCode::kMalformed:
      return "Malformed";
    case ErrorCode::kInternal:
      return "Internal";
    case ErrorCode::kTimeout:
      return "Timeout";
    case ErrorCode::kUnavailable:
      return "Unavailable";
    case ErrorCode::kClosed:
      return "Closed";
  }
  return "Unknown";
}

std::string Error::ToString() const {
  std::string text(ErrorCodeName(code));
  if (!message.empty()) text += ": " + message;
  if (effect == Effect::kMayHaveBeenDone) text += " (may have been done)";
  return text;
}

std::string_view WatchEventName(WatchEvent::Type type) {
  switch (type) {
    case WatchEvent::Type::kUnknown:
      return "unknown";
    case WatchEvent::Type::kCreated:
      return "created";
    case WatchEvent::Type::kDeleted:
      return "deleted";
    case WatchEvent::Type::kDataChanged:
      return "changed";
    case WatchEvent::Type::kChildrenChanged:
      return "children";
  }
  return "unknown";
}

std::string_view SessionStateName(SessionState state) {
  switch (state) {
    case SessionState::kConnecting:
      return "connecting";
    case SessionState::kConnected:
      return "connected";
    case SessionState::kSuspended:
      return "suspended";
    case SessionState::kLost:
      return "lost";
    case SessionState::kExpired:
      return "expired";
    case SessionState::kClosed:
      return "closed";
  }
  return "unknown";
}

}  // namespace synod::client

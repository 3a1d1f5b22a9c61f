#include "coordinator/tree/error.h"

namespace synod::tree {

std::string_view ErrorName(Error error) {
  switch (error) {
    case Error::kOk:
      return "Ok";
    case Error::kNoNode:
      return "NoNode";
    case Error::kNodeExists:
      return "NodeExists";
    case Error::kBadVersion:
      return "BadVersion";
    case Error::kNotEmpty:
      return "NotEmpty";
    case Error::kNoChildrenForEphemerals:
      return "NoChildrenForEphemerals";
    case Error::kBadArguments:
      return "BadArguments";
    case Error::kInvalidAcl:
      return "InvalidAcl";
    case Error::kNoAuth:
      return "NoAuth";
    case Error::kSessionExpired:
      return "SessionExpired";
    case Error::kSessionMoved:
      return "SessionMoved";
    case Error::kQuotaExceeded:
      return "QuotaExceeded";
    case Error::kUnimplemented:
      return "Unimplemented";
    case Error::kRuntimeInconsistency:
      return "RuntimeInconsistency";
    case Error::kTooLarge:
      return "TooLarge";
    case Error::kRefusedMemory:
      return "RefusedMemory";
    case Error::kRefusedDisk:
      return "RefusedDisk";
    case Error::kNoWatcher:
      return "NoWatcher";
    case Error::kAuthFailed:
      return "AuthFailed";
    case Error::kReplyLost:
      return "ReplyLost";
  }
  return "Unknown";
}

}  // namespace synod::tree

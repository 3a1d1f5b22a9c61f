#include "coordinator/frontdoor/zookeeper/protocol.h"

namespace synod::frontdoor::zookeeper {

std::string_view ShortName(OpCode op) {
  switch (op) {
    case OpCode::kCreateSession:
      return "SESS";
    case OpCode::kPing:
      return "PING";
    case OpCode::kCreate:
    case OpCode::kCreate2:
    case OpCode::kCreateContainer:
    case OpCode::kCreateTtl:
      return "CREA";
    case OpCode::kDelete:
    case OpCode::kDeleteContainer:
      return "DELE";
    case OpCode::kExists:
      return "EXIS";
    case OpCode::kGetData:
      return "GETD";
    case OpCode::kSetData:
      return "SETD";
    case OpCode::kGetAcl:
      return "GETA";
    case OpCode::kSetAcl:
      return "SETA";
    case OpCode::kGetChildren:
    case OpCode::kGetChildren2:
      return "GETC";
    case OpCode::kGetAllChildrenNumber:
      return "GETACN";
    case OpCode::kSync:
      return "SYNC";
    case OpCode::kMulti:
      return "MULT";
    case OpCode::kMultiRead:
      return "MLTR";
    case OpCode::kCloseSession:
      return "CLOS";
    case OpCode::kSetWatches:
      return "SETW";
    case OpCode::kSetWatches2:
      return "STW2";
    case OpCode::kAddWatch:
      return "ADDW";
    case OpCode::kCheckWatches:
      return "CHKW";
    case OpCode::kRemoveWatches:
      return "REMW";
    case OpCode::kGetEphemerals:
      return "GETE";
    case OpCode::kWhoAmI:
      return "HOMI";
    case OpCode::kReconfig:
      return "RECO";
    case OpCode::kCheck:
      return "CHEC";
    case OpCode::kAuth:
    case OpCode::kSasl:
    case OpCode::kError:
      break;
  }
  return "NA";
}

ErrorNumber ToNumber(tree::Error error) {
  switch (error) {
    case tree::Error::kOk:
      return ErrorNumber::kOk;
    case tree::Error::kNoNode:
      return ErrorNumber::kNoNode;
    case tree::Error::kNodeExists:
      return ErrorNumber::kNodeExists;
    case tree::Error::kBadVersion:
      return ErrorNumber::kBadVersion;
    case tree::Error::kNotEmpty:
      return ErrorNumber::kNotEmpty;
    case tree::Error::kNoChildrenForEphemerals:
      return ErrorNumber::kNoChildrenForEphemerals;
    case tree::Error::kBadArguments:
    case tree::Error::kTooLarge:
      return ErrorNumber::kBadArguments;
    case tree::Error::kInvalidAcl:
      return ErrorNumber::kInvalidAcl;
    case tree::Error::kNoAuth:
      return ErrorNumber::kNoAuth;
    // A session that moved has its connection closed; a reply that names it is never read (section 10).
    case tree::Error::kSessionExpired:
    case tree::Error::kSessionMoved:
      return ErrorNumber::kSessionExpired;
    case tree::Error::kQuotaExceeded:
      return ErrorNumber::kQuotaExceeded;
    case tree::Error::kUnimplemented:
      return ErrorNumber::kUnimplemented;
    case tree::Error::kRuntimeInconsistency:
      return ErrorNumber::kRuntimeInconsistency;
    case tree::Error::kNoWatcher:
      return ErrorNumber::kNoWatcher;
    case tree::Error::kAuthFailed:
      return ErrorNumber::kAuthFailed;
    case tree::Error::kRefusedMemory:
    case tree::Error::kRefusedDisk:
    case tree::Error::kReplyLost:
      break;
  }
  return ErrorNumber::kSystemError;
}

ErrorNumber ToNumber(service::ErrorCode error) {
  switch (error) {
    case service::ErrorCode::kNotReadOnly:
      return ErrorNumber::kNotReadOnly;
    case service::ErrorCode::kMalformed:
      return ErrorNumber::kMarshallingError;
    case service::ErrorCode::kNoQuorum:
    case service::ErrorCode::kOverloaded:
    case service::ErrorCode::kInternal:
      return ErrorNumber::kSystemError;
    default:
      return ToNumber(static_cast<tree::Error>(error));
  }
}

}  // namespace synod::frontdoor::zookeeper

// The numbers of ZooKeeper's client protocol (specs: ZooKeeper protocol, sections 3, 4, 8 and 10).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "coordinator/service/request.h"
#include "coordinator/tree/error.h"

namespace synod::frontdoor::zookeeper {

enum class OpCode : int32_t {
  kCreate = 1,
  kDelete = 2,
  kExists = 3,
  kGetData = 4,
  kSetData = 5,
  kGetAcl = 6,
  kSetAcl = 7,
  kGetChildren = 8,
  kSync = 9,
  kPing = 11,
  kGetChildren2 = 12,
  kCheck = 13,
  kMulti = 14,
  kCreate2 = 15,
  kReconfig = 16,
  kCheckWatches = 17,
  kRemoveWatches = 18,
  kCreateContainer = 19,
  kDeleteContainer = 20,
  kCreateTtl = 21,
  kMultiRead = 22,
  kAuth = 100,
  kSetWatches = 101,
  kSasl = 102,
  kGetEphemerals = 103,
  kGetAllChildrenNumber = 104,
  kSetWatches2 = 105,
  kAddWatch = 106,
  kWhoAmI = 107,
  kCreateSession = -10,
  kCloseSession = -11,
  kError = -1,  // in a multi's reply
};
// As `cons` shows the last operation: CREA, GETD and so on; "NA" for what has no name.
std::string_view ShortName(OpCode op);

enum class ErrorNumber : int32_t {
  kOk = 0,
  kSystemError = -1,
  kRuntimeInconsistency = -2,
  kMarshallingError = -5,
  kUnimplemented = -6,
  kBadArguments = -8,
  kNoNode = -101,
  kNoAuth = -102,
  kBadVersion = -103,
  kNoChildrenForEphemerals = -108,
  kNodeExists = -110,
  kNotEmpty = -111,
  kSessionExpired = -112,
  kInvalidAcl = -114,
  kAuthFailed = -115,
  kNotReadOnly = -119,
  kNoWatcher = -121,
  kReconfigDisabled = -123,
  kSessionClosedRequireSaslAuth = -124,
  kQuotaExceeded = -125,
};
// What has no number of its own in ZooKeeper (section 10: never invent one): refusals for want of memory or disk are
// kSystemError, what is too large is kBadArguments.
ErrorNumber ToNumber(tree::Error error);
ErrorNumber ToNumber(service::ErrorCode error);

inline constexpr int32_t kNotificationXid = -1;
inline constexpr int32_t kPingXid = -2;
inline constexpr int32_t kAuthXid = -4;
inline constexpr int32_t kSetWatchesXid = -8;

inline constexpr size_t kPasswordBytes = 16;
inline constexpr size_t kRequestHeaderBytes = 8;
inline constexpr size_t kReplyHeaderBytes = 16;
// A connect request carries no data: what is longer is none.
inline constexpr size_t kConnectRequestBytesMax = 1024;

}  // namespace synod::frontdoor::zookeeper

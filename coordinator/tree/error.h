// The domain outcomes of an operation. Values are ours; the doors map them to their own codes.
#pragma once

#include <cstdint>
#include <string_view>

namespace synod::tree {

enum class Error : uint8_t {
  kOk = 0,
  kNoNode = 1,
  kNodeExists = 2,
  kBadVersion = 3,
  kNotEmpty = 4,
  kNoChildrenForEphemerals = 5,
  kBadArguments = 6,
  kInvalidAcl = 7,
  kNoAuth = 8,
  kSessionExpired = 9,
  kSessionMoved = 10,  // the owner generation moved on (S4): this connection must close
  kQuotaExceeded = 11,
  kUnimplemented = 12,
  kRuntimeInconsistency = 13,  // (in a multi) rolled back or not run because of another operation
  kTooLarge = 14,              // data, path or command beyond the limit it carries
  kRefusedMemory = 15,         // near the memory limit (L11); nothing was done
  kRefusedDisk = 16,           // the disk reserve is reached (L11); nothing was done
  kNoWatcher = 17,
  kAuthFailed = 18,
  kReplyLost = 19,  // the number was applied earlier, but its reply was confirmed or cleared since: was done
};

// "NoNode" and so on, for people and for metrics.
std::string_view ErrorName(Error error);

}  // namespace synod::tree

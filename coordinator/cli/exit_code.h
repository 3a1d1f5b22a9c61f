// What `synod` says to scripts.
#pragma once

#include "coordinator/client/types.h"

namespace synod::cli {

inline constexpr int kExitOk = 0;
inline constexpr int kExitRefused = 1;  // the operation had an outcome, and it is an error (NoNode, BadVersion, ...)
inline constexpr int kExitUsage = 2;
inline constexpr int kExitUnavailable = 3;  // no server, no quorum or no answer; nothing was done
inline constexpr int kExitUnknown = 4;      // a write that may have been done
// Of lock and elect, which otherwise end with the code of their command.
inline constexpr int kExitLost = 75;         // what the command ran under was lost: it was ended
inline constexpr int kExitNotAcquired = 76;  // the time for waiting passed: the command did not run

inline int ExitCodeOf(const client::Error& error) {
  if (error.ok()) return kExitOk;
  if (error.effect == client::Effect::kMayHaveBeenDone) return kExitUnknown;
  if (error.code == client::ErrorCode::kSessionExpired || error.code == client::ErrorCode::kSessionMoved)
    return kExitUnavailable;
  return static_cast<int>(error.code) < 100 || error.code == client::ErrorCode::kMalformed ? kExitRefused
                                                                                           : kExitUnavailable;
}

}  // namespace synod::cli

// Sessions of a server without quorum (specs: ZooKeeper protocol, 16.1).
#pragma once

#include "coordinator/base/ids.h"

namespace synod::service {

// Ids of sessions that one server alone knows. Those of the ensemble are counted from 1 by the state machine, one per
// session ever created, so they do not come near 2^62 (at a million sessions a second that takes 146,000 years); what
// has that bit is positive, as clients like it, and can be told from them at sight: a client that offers one to resume
// is told for certain that the session is over, since it ends with its connection.
inline constexpr int64_t kFirstLocalSession = int64_t{1} << 62;
inline bool IsLocalSession(SessionId session) { return session.value() >= kFirstLocalSession; }

}  // namespace synod::service

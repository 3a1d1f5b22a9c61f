#include "coordinator/tree/ephemeral_index.h"

#include "coordinator/base/check.h"

namespace synod::tree {

void EphemeralIndex::Add(SessionId owner, Handle handle) {
  SYNOD_CHECK(sessions_[owner].insert(handle).second);
  ++size_;
}

void EphemeralIndex::Remove(SessionId owner, Handle handle) {
  auto session = sessions_.find(owner);
  SYNOD_CHECK(session != sessions_.end() && session->second.erase(handle) == 1);
  if (session->second.empty()) sessions_.erase(session);
  --size_;
}

std::vector<Handle> EphemeralIndex::Of(SessionId owner) const {
  auto session = sessions_.find(owner);
  if (session == sessions_.end()) return {};
  return {session->second.begin(), session->second.end()};
}

}  // namespace synod::tree

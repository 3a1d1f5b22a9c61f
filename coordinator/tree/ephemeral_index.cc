#include "coordinator/tree/ephemeral_index.h"

#include "coordinator/base/check.h"

namespace synod::tree {

bool EphemeralIndex::ByAge::operator()(Handle a, Handle b) const {
  int64_t czxid_a = store->at(a).czxid;
  int64_t czxid_b = store->at(b).czxid;
  return czxid_a != czxid_b ? czxid_a < czxid_b : store->PathBefore(a, b);
}

void EphemeralIndex::Add(SessionId owner, Handle handle) {
  auto session = sessions_.find(owner);
  if (session == sessions_.end()) {
    Session empty{absl::btree_set<Handle, ByAge>(ByAge{&store_}), absl::btree_set<Handle, ByPath>(ByPath{&store_})};
    session = sessions_.emplace(owner, std::move(empty)).first;
  }
  SYNOD_CHECK(session->second.by_age.insert(handle).second);
  SYNOD_CHECK(session->second.by_path.insert(handle).second);
  ++size_;
}

void EphemeralIndex::Remove(SessionId owner, Handle handle) {
  auto session = sessions_.find(owner);
  SYNOD_CHECK(session != sessions_.end() && session->second.by_age.erase(handle) == 1 &&
              session->second.by_path.erase(handle) == 1);
  if (session->second.by_age.empty()) sessions_.erase(session);
  --size_;
}

Handle EphemeralIndex::Oldest(SessionId owner) const {
  auto session = sessions_.find(owner);
  return session == sessions_.end() ? kNoHandle : *session->second.by_age.begin();
}

void EphemeralIndex::VisitByPath(SessionId owner, std::string_view from, absl::FunctionRef<bool(Handle)> visit) const {
  auto session = sessions_.find(owner);
  if (session == sessions_.end()) return;
  const auto& by_path = session->second.by_path;
  for (auto node = by_path.lower_bound(from); node != by_path.end() && visit(*node); ++node) continue;
}

}  // namespace synod::tree

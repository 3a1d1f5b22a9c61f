#include "coordinator/client/watches.h"

namespace synod::client {

void Watches::Add(const std::string& path, v1::WatchKind kind, WatchCallback callback) {
  watches_[{path, kind}].push_back(std::make_shared<WatchCallback>(std::move(callback)));
}

void Watches::Remove(const std::string& path, v1::WatchKind kind) { watches_.erase({path, kind}); }

void Watches::Collect(const std::string& path, v1::WatchKind kind, bool one_shot, std::vector<SharedCallback>* out) {
  auto it = watches_.find({path, kind});
  if (it == watches_.end()) return;
  out->insert(out->end(), it->second.begin(), it->second.end());
  if (one_shot) watches_.erase(it);
}

std::vector<Watches::SharedCallback> Watches::Fire(v1::WatchEvent::Type type, const std::string& path) {
  std::vector<SharedCallback> out;
  const bool children = type == v1::WatchEvent::CHILDREN_CHANGED;
  if (!children) {
    Collect(path, v1::DATA, true, &out);
    Collect(path, v1::EXISTS, true, &out);
  }
  if (children || type == v1::WatchEvent::DELETED) Collect(path, v1::CHILDREN, true, &out);
  Collect(path, v1::WATCH_PERSISTENT, false, &out);
  if (children) return out;
  for (std::string above = path;;) {
    Collect(above, v1::WATCH_PERSISTENT_RECURSIVE, false, &out);
    if (above.size() <= 1) break;
    const size_t slash = above.rfind('/');
    above.resize(slash == 0 ? 1 : slash);
  }
  return out;
}

void Watches::FillRearm(int64_t since_zxid, google::protobuf::RepeatedPtrField<v1::WatchSet>* out) const {
  for (const auto& [key, callbacks] : watches_) {
    v1::WatchSet* set = out->Add();
    set->set_path(key.first);
    set->set_kind(key.second);
    set->set_since_zxid(since_zxid);
  }
}

}  // namespace synod::client

#include "coordinator/client/watches.h"

namespace synod::client {

void Watches::Add(const std::string& path, v1::WatchKind kind, WatchCallback callback) {
  watches_[{path, kind}].callbacks.push_back(std::make_shared<WatchCallback>(std::move(callback)));
}

void Watches::Remove(const std::string& path, v1::WatchKind kind) {
  watches_.erase({path, kind});
  if (kind == v1::DATA) watches_.erase({path, v1::EXISTS});
  if (kind == v1::EXISTS) watches_.erase({path, v1::DATA});
}

void Watches::CollectOneShot(const std::string& path, v1::WatchKind kind, std::vector<SharedCallback>* out) {
  auto it = watches_.find({path, kind});
  if (it == watches_.end()) return;
  out->insert(out->end(), it->second.callbacks.begin(), it->second.callbacks.end());
  watches_.erase(it);
}

void Watches::CollectPersistent(const std::string& path, v1::WatchKind kind, Cursor at,
                                std::vector<SharedCallback>* out) {
  auto it = watches_.find({path, kind});
  if (it == watches_.end() || at <= CursorOf(it->second)) return;
  it->second.shown = at;
  out->insert(out->end(), it->second.callbacks.begin(), it->second.callbacks.end());
}

std::vector<Watches::SharedCallback> Watches::Fire(v1::WatchEvent::Type type, const std::string& path, Cursor at) {
  std::vector<SharedCallback> out;
  if (type == v1::WatchEvent::EVENTS_LOST) {
    // Never a repetition, wherever it stands: it says that the cursor itself is of no use.
    for (const v1::WatchKind kind : {v1::WATCH_PERSISTENT, v1::WATCH_PERSISTENT_RECURSIVE}) {
      auto it = watches_.find({path, kind});
      if (it == watches_.end()) continue;
      out.insert(out.end(), it->second.callbacks.begin(), it->second.callbacks.end());
      it->second.shown = std::max(it->second.shown, at);
      it->second.asked = it->second.shown;
    }
    return out;
  }
  const bool children = type == v1::WatchEvent::CHILDREN_CHANGED;
  if (!children) {
    CollectOneShot(path, v1::DATA, &out);
    CollectOneShot(path, v1::EXISTS, &out);
  }
  if (children || type == v1::WatchEvent::DELETED) CollectOneShot(path, v1::CHILDREN, &out);
  if (at.ordinal == Cursor::kAll) return out;
  CollectPersistent(path, v1::WATCH_PERSISTENT, at, &out);
  if (children) return out;
  for (std::string above = path;;) {
    CollectPersistent(above, v1::WATCH_PERSISTENT_RECURSIVE, at, &out);
    if (above.size() <= 1) break;
    const size_t slash = above.rfind('/');
    above.resize(slash == 0 ? 1 : slash);
  }
  return out;
}

void Watches::BeginCatchUp() {
  if (std::exchange(catching_up_, true)) return;  // asked as before
  for (auto& [key, watch] : watches_) watch.asked = CursorOf(watch);
}

void Watches::ShownUpTo(int64_t zxid) {
  shown_up_to_ = std::max(shown_up_to_, zxid);
  catching_up_ = false;
}

void Watches::FillRearm(google::protobuf::RepeatedPtrField<v1::WatchSet>* out) const {
  for (const auto& [key, watch] : watches_) {
    v1::WatchSet* set = out->Add();
    set->set_path(key.first);
    set->set_kind(key.second);
    const bool persistent = key.second >= v1::WATCH_PERSISTENT;
    const Cursor own = catching_up_ ? watch.asked : CursorOf(watch);
    const Cursor since = persistent ? own : Cursor{shown_up_to_, Cursor::kAll};
    set->set_since_zxid(since.zxid);
    if (persistent) set->set_since_ordinal(since.ordinal);
  }
}

}  // namespace synod::client

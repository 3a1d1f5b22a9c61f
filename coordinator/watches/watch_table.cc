#include "coordinator/watches/watch_table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"
#include "absl/hash/hash.h"
#include "coordinator/base/check.h"
#include "coordinator/tree/path.h"

namespace synod::watches {
namespace {

using tree::Event;
using tree::EventType;
using PathId = uint32_t;

// The kinds a watcher has on one path. The data table of section 13.1 is kDataBit, kPersistentBit and kRecursiveBit;
// the child table is kChildBit and kPersistentBit.
constexpr uint64_t kDataBit = 1;
constexpr uint64_t kChildBit = 2;
constexpr uint64_t kPersistentBit = 4;
constexpr uint64_t kRecursiveBit = 8;
constexpr int kKindBits = 4;
constexpr uint64_t kKindMask = (1 << kKindBits) - 1;

uint64_t BitOf(WatchKind kind) {
  switch (kind) {
    case WatchKind::kData:
    case WatchKind::kExists:
      return kDataBit;
    case WatchKind::kChildren:
      return kChildBit;
    case WatchKind::kPersistent:
      return kPersistentBit;
    case WatchKind::kPersistentRecursive:
      return kRecursiveBit;
  }
  SYNOD_CHECK(false) << "no such watch kind";
  return 0;
}

size_t CountOf(uint64_t kinds) { return static_cast<size_t>(std::popcount(kinds)); }

// A path somebody watches. Its watches are sorted by watcher: id << kKindBits | kinds.
struct PathWatches {
  std::unique_ptr<char[]> text;  // uint32 length, bytes
  absl::InlinedVector<uint64_t, 1> watches;

  std::string_view path() const {
    uint32_t length;
    std::memcpy(&length, text.get(), sizeof length);
    return {text.get() + sizeof length, length};
  }
};

// A path in the look-up set, with its hash, so that the set grows without touching the paths.
struct PathKey {
  uint32_t hash;
  PathId id;
};

uint32_t HashOf(std::string_view path) {
  return static_cast<uint32_t>(absl::HashOf(absl::string_view(path.data(), path.size())));
}

}  // namespace

struct WatchTable::Impl {
  struct Wanted {
    std::string_view path;
    uint32_t hash;
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(const PathKey& key) const { return absl::HashOf(key.hash); }
    size_t operator()(const Wanted& wanted) const { return absl::HashOf(wanted.hash); }
  };
  struct Equal {
    using is_transparent = void;
    const std::vector<PathWatches>* paths;
    bool operator()(const PathKey& a, const PathKey& b) const { return a.id == b.id; }
    bool operator()(const PathKey& a, const Wanted& b) const {
      return a.hash == b.hash && (*paths)[a.id].path() == b.path;
    }
    bool operator()(const Wanted& a, const PathKey& b) const { return (*this)(b, a); }
  };

  Impl() : by_path(0, Hash(), Equal{&paths}) {}

  // -1 if nobody watches the path.
  int64_t Find(std::string_view path) const {
    auto found = by_path.find(Wanted{path, HashOf(path)});
    return found == by_path.end() ? -1 : static_cast<int64_t>(found->id);
  }
  PathId Intern(std::string_view path);
  void ReleaseIfUnwatched(PathId id);
  static auto Position(const PathWatches& p, WatcherId watcher) {
    return std::lower_bound(p.watches.begin(), p.watches.end(), watcher.value() << kKindBits);
  }
  uint64_t KindsOf(WatcherId watcher, std::string_view path) const;
  // Whether there was one of `bits`; they go.
  bool Remove(WatcherId watcher, std::string_view path, uint64_t bits);
  // The watcher's kinds on the path lose `bits`; all traces of an empty rest go, but for the path itself.
  void Subtract(PathId id, size_t position, uint64_t bits);
  void ForgetAt(WatcherId watcher, PathId id);

  // Collects into `told` who has one of `kinds` on exactly this path, sorted, and takes the one-shot ones among them.
  void Trigger(std::string_view path, uint64_t kinds, std::vector<WatcherId>* told);
  // Adds to `told` who has a recursive watch on a proper ancestor.
  void AddRecursive(std::string_view path, std::vector<WatcherId>* told) const;

  std::vector<PathWatches> paths;
  std::vector<PathId> free_paths;
  absl::flat_hash_set<PathKey, Hash, Equal> by_path;
  absl::flat_hash_map<WatcherId, absl::btree_set<PathId>> watchers;
  size_t watch_count = 0;
  size_t recursive_count = 0;
  size_t path_bytes = 0;
  size_t entry_count = 0;  // (watcher, path)
  // Reused by Fire.
  std::vector<WatcherId> data_told;
  std::vector<WatcherId> child_told;
};

WatchTable::WatchTable() : impl_(std::make_unique<Impl>()) {}
WatchTable::~WatchTable() = default;

PathId WatchTable::Impl::Intern(std::string_view path) {
  Wanted wanted{path, HashOf(path)};
  if (auto found = by_path.find(wanted); found != by_path.end()) return found->id;
  PathId id;
  if (free_paths.empty()) {
    id = static_cast<PathId>(paths.size());
    paths.emplace_back();
  } else {
    id = free_paths.back();
    free_paths.pop_back();
  }
  auto length = static_cast<uint32_t>(path.size());
  paths[id].text = std::make_unique_for_overwrite<char[]>(sizeof length + path.size());
  std::memcpy(paths[id].text.get(), &length, sizeof length);
  std::copy(path.begin(), path.end(), paths[id].text.get() + sizeof length);
  path_bytes += path.size();
  by_path.insert(PathKey{wanted.hash, id});
  return id;
}

void WatchTable::Impl::ReleaseIfUnwatched(PathId id) {
  PathWatches& p = paths[id];
  if (!p.watches.empty()) return;
  by_path.erase(Wanted{p.path(), HashOf(p.path())});
  path_bytes -= p.path().size();
  p.text.reset();
  p.watches.shrink_to_fit();
  free_paths.push_back(id);
}

uint64_t WatchTable::Impl::KindsOf(WatcherId watcher, std::string_view path) const {
  int64_t id = Find(path);
  if (id < 0) return 0;
  const PathWatches& p = paths[static_cast<size_t>(id)];
  auto entry = Position(p, watcher);
  return entry != p.watches.end() && *entry >> kKindBits == watcher.value() ? *entry & kKindMask : 0;
}

void WatchTable::Impl::ForgetAt(WatcherId watcher, PathId id) {
  auto w = watchers.find(watcher);
  SYNOD_CHECK(w != watchers.end() && w->second.erase(id) == 1);
  if (w->second.empty()) watchers.erase(w);
}

void WatchTable::Impl::Subtract(PathId id, size_t position, uint64_t bits) {
  PathWatches& p = paths[id];
  uint64_t& entry = p.watches[position];
  uint64_t taken = entry & bits;
  watch_count -= CountOf(taken);
  recursive_count -= (taken & kRecursiveBit) != 0;
  entry &= ~bits;
  if ((entry & kKindMask) != 0) return;
  p.watches.erase(p.watches.begin() + static_cast<ptrdiff_t>(position));
  if (p.watches.capacity() > 8 && p.watches.size() < p.watches.capacity() / 4) p.watches.shrink_to_fit();
  --entry_count;
}

void WatchTable::Add(WatcherId watcher, std::string_view path, WatchKind kind) {
  SYNOD_CHECK_LT(watcher.value(), uint64_t{1} << (64 - kKindBits));
  uint64_t bit = BitOf(kind);
  PathId id = impl_->Intern(path);
  PathWatches& p = impl_->paths[id];
  auto position = p.watches.begin() + (Impl::Position(p, watcher) - p.watches.begin());
  if (position == p.watches.end() || *position >> kKindBits != watcher.value()) {
    position = p.watches.insert(position, watcher.value() << kKindBits);
    impl_->watchers[watcher].insert(id);
    ++impl_->entry_count;
  }
  if ((*position & bit) != 0) return;
  *position |= bit;
  ++impl_->watch_count;
  impl_->recursive_count += bit == kRecursiveBit;
}

bool WatchTable::Has(WatcherId watcher, std::string_view path, WatchKind kind) const {
  return (impl_->KindsOf(watcher, path) & BitOf(kind)) != 0;
}

bool WatchTable::HasAny(WatcherId watcher, std::string_view path) const { return impl_->KindsOf(watcher, path) != 0; }

bool WatchTable::Impl::Remove(WatcherId watcher, std::string_view path, uint64_t bits) {
  uint64_t kinds = KindsOf(watcher, path);
  if ((kinds & bits) == 0) return false;
  auto id = static_cast<PathId>(Find(path));
  PathWatches& p = paths[id];
  Subtract(id, static_cast<size_t>(Position(p, watcher) - p.watches.begin()), bits);
  if ((kinds & ~bits) == 0) {
    ForgetAt(watcher, id);
    ReleaseIfUnwatched(id);
  }
  return true;
}

bool WatchTable::Remove(WatcherId watcher, std::string_view path, WatchKind kind) {
  return impl_->Remove(watcher, path, BitOf(kind));
}
bool WatchTable::RemoveAny(WatcherId watcher, std::string_view path) { return impl_->Remove(watcher, path, kKindMask); }

std::vector<std::string> WatchTable::PathsOf(WatcherId watcher) const {
  std::vector<std::string> out;
  auto found = impl_->watchers.find(watcher);
  if (found == impl_->watchers.end()) return out;
  out.reserve(found->second.size());
  for (PathId id : found->second) out.emplace_back(impl_->paths[id].path());
  std::sort(out.begin(), out.end());
  return out;
}

void WatchTable::RemoveWatcher(WatcherId watcher) {
  auto w = impl_->watchers.find(watcher);
  if (w == impl_->watchers.end()) return;
  absl::btree_set<PathId> ids = std::move(w->second);
  impl_->watchers.erase(w);
  for (PathId id : ids) {
    PathWatches& p = impl_->paths[id];
    impl_->Subtract(id, static_cast<size_t>(Impl::Position(p, watcher) - p.watches.begin()), kKindMask);
    impl_->ReleaseIfUnwatched(id);
  }
}

void WatchTable::Impl::Trigger(std::string_view path, uint64_t kinds, std::vector<WatcherId>* told) {
  int64_t found = Find(path);
  if (found < 0) return;
  auto id = static_cast<PathId>(found);
  PathWatches& p = paths[id];
  const uint64_t one_shot = kinds & (kDataBit | kChildBit);
  size_t kept = 0;
  for (uint64_t entry : p.watches) {
    WatcherId watcher(entry >> kKindBits);
    if ((entry & kinds) != 0) told->push_back(watcher);
    watch_count -= CountOf(entry & one_shot);
    entry &= ~one_shot;
    if ((entry & kKindMask) != 0) {
      p.watches[kept++] = entry;
    } else {
      ForgetAt(watcher, id);
      --entry_count;
    }
  }
  p.watches.resize(kept);
  if (p.watches.capacity() > 8 && kept < p.watches.capacity() / 4) p.watches.shrink_to_fit();
  ReleaseIfUnwatched(id);
}

void WatchTable::Impl::AddRecursive(std::string_view path, std::vector<WatcherId>* told) const {
  if (recursive_count == 0) return;
  size_t before = told->size();
  while (path.size() > 1) {
    size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) break;
    path = path.substr(0, std::max<size_t>(slash, 1));
    int64_t id = Find(path);
    if (id < 0) continue;
    for (uint64_t entry : paths[static_cast<size_t>(id)].watches) {
      if ((entry & kRecursiveBit) != 0) told->push_back(WatcherId(entry >> kKindBits));
    }
  }
  if (told->size() == before) return;
  std::sort(told->begin(), told->end());
  told->erase(std::unique(told->begin(), told->end()), told->end());
}

void WatchTable::Fire(const Event& event, std::vector<Notification>* out) {
  NotificationType type = event.type == EventType::kCreated   ? NotificationType::kCreated
                          : event.type == EventType::kDeleted ? NotificationType::kDeleted
                                                              : NotificationType::kDataChanged;
  std::vector<WatcherId>& data_told = impl_->data_told;
  data_told.clear();
  impl_->Trigger(event.path, kDataBit | kPersistentBit | kRecursiveBit, &data_told);
  impl_->AddRecursive(event.path, &data_told);
  for (WatcherId watcher : data_told)
    out->push_back(Notification{watcher, type, event.path, event.zxid, event.acl, false});
  if (event.type == EventType::kDataChanged) return;

  std::vector<WatcherId>& child_told = impl_->child_told;
  if (event.type == EventType::kDeleted) {
    child_told.clear();
    impl_->Trigger(event.path, kChildBit | kPersistentBit, &child_told);
    for (WatcherId watcher : child_told) {
      // Consumed all the same, but told once (hazard 12).
      if (std::binary_search(data_told.begin(), data_told.end(), watcher)) continue;
      out->push_back(Notification{watcher, type, event.path, event.zxid, event.acl, false});
    }
  }
  child_told.clear();
  std::string_view parent = tree::ParentPath(event.path);
  impl_->Trigger(parent, kChildBit | kPersistentBit, &child_told);
  for (WatcherId watcher : child_told) {
    out->push_back(Notification{watcher, NotificationType::kChildrenChanged, std::string(parent), event.zxid,
                                event.parent_acl, /*of_parent=*/true});
  }
}

size_t WatchTable::watch_count() const { return impl_->watch_count; }
size_t WatchTable::path_count() const { return impl_->by_path.size(); }
size_t WatchTable::watcher_count() const { return impl_->watchers.size(); }

size_t WatchTable::memory_bytes() const {
  // Per entry: 8 bytes in a vector a quarter of which may be spare, 5 in its watcher's tree. Per path text: length,
  // malloc header, rounding.
  return sizeof(Impl) + impl_->paths.capacity() * sizeof(PathWatches) + impl_->free_paths.capacity() * sizeof(PathId) +
         impl_->path_bytes + impl_->by_path.size() * 20 + impl_->by_path.capacity() * (sizeof(PathKey) + 1) +
         impl_->entry_count * 16 + impl_->watchers.capacity() * 33 + impl_->watchers.size() * 64;
}

}  // namespace synod::watches

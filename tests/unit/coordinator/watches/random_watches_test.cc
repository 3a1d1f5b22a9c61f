// Random watches and events against the two tables of section 13.1, written as plainly as possible.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/tree/path.h"
#include "coordinator/watches/watch_table.h"

namespace synod::watches {
namespace {

using tree::Event;
using tree::EventType;
using Told = std::tuple<uint64_t, NotificationType, std::string>;

enum class Mode { kStandard, kPersistent, kRecursive };

class Model {
 public:
  using Table = std::map<std::string, std::set<std::pair<uint64_t, Mode>>>;

  void Add(uint64_t watcher, const std::string& path, WatchKind kind) {
    switch (kind) {
      case WatchKind::kData:
      case WatchKind::kExists:
        data_[path].insert({watcher, Mode::kStandard});
        break;
      case WatchKind::kChildren:
        child_[path].insert({watcher, Mode::kStandard});
        break;
      case WatchKind::kPersistent:
        data_[path].insert({watcher, Mode::kPersistent});
        child_[path].insert({watcher, Mode::kPersistent});
        break;
      case WatchKind::kPersistentRecursive:
        data_[path].insert({watcher, Mode::kRecursive});
        break;
    }
  }
  bool Remove(uint64_t watcher, const std::string& path, WatchKind kind) {
    bool there = false;
    auto erase = [&](Table& table, Mode mode) { there |= table[path].erase({watcher, mode}) > 0; };
    if (kind == WatchKind::kData || kind == WatchKind::kExists) erase(data_, Mode::kStandard);
    if (kind == WatchKind::kChildren || kind == WatchKind::kPersistent) {
      erase(child_, kind == WatchKind::kChildren ? Mode::kStandard : Mode::kPersistent);
    }
    if (kind == WatchKind::kPersistent) erase(data_, Mode::kPersistent);
    if (kind == WatchKind::kPersistentRecursive) erase(data_, Mode::kRecursive);
    return there;
  }
  void RemoveWatcher(uint64_t watcher) {
    for (Table* table : {&data_, &child_}) {
      for (auto& [path, watches] : *table) std::erase_if(watches, [&](const auto& w) { return w.first == watcher; });
    }
  }
  std::vector<Told> Fire(EventType type, const std::string& path) {
    std::vector<Told> out;
    auto note = static_cast<NotificationType>(type);
    std::set<uint64_t> data = Trigger(data_, path, true);
    for (uint64_t w : data) out.emplace_back(w, note, path);
    if (type == EventType::kDataChanged) return out;
    if (type == EventType::kDeleted) {
      for (uint64_t w : Trigger(child_, path, false)) {
        if (!data.contains(w)) out.emplace_back(w, note, path);
      }
    }
    std::string parent(tree::ParentPath(path));
    for (uint64_t w : Trigger(child_, parent, false)) out.emplace_back(w, NotificationType::kChildrenChanged, parent);
    return out;
  }

 private:
  std::set<uint64_t> Trigger(Table& table, const std::string& path, bool recursive) {
    std::set<uint64_t> told;
    for (auto [watcher, mode] : table[path]) told.insert(watcher);
    std::erase_if(table[path], [](const auto& w) { return w.second == Mode::kStandard; });
    for (std::string p = path; recursive && p != "/";) {
      p = std::string(tree::ParentPath(p));
      for (auto [watcher, mode] : table[p]) {
        if (mode == Mode::kRecursive) told.insert(watcher);
      }
    }
    return told;
  }

  Table data_, child_;
};

class RandomWatches : public testing::TestWithParam<int> {};

TEST_P(RandomWatches, FireAsTheTwoTablesSay) {
  std::mt19937_64 random(static_cast<uint64_t>(GetParam()));
  WatchTable table;
  Model model;
  auto path = [&] {
    static const char* const kPaths[] = {"/",    "/a",  "/b",     "/a/a",
                                         "/a/b", "/ab", "/a/b/c", "/a/b/c/a-long-name-beyond-sso"};
    return std::string(kPaths[random() % 8]);
  };
  for (int i = 0; i < 3000; ++i) {
    uint64_t watcher = random() % 6;
    auto kind = static_cast<WatchKind>(random() % 5);
    std::string p = path();
    switch (random() % 8) {
      default:
        table.Add(WatcherId(watcher), p, kind);
        model.Add(watcher, p, kind);
        EXPECT_TRUE(table.Has(WatcherId(watcher), p, kind));
        break;
      case 0:
        EXPECT_EQ(table.Remove(WatcherId(watcher), p, kind), model.Remove(watcher, p, kind));
        EXPECT_FALSE(table.Has(WatcherId(watcher), p, kind));
        break;
      case 1:
        if (random() % 4 != 0) break;
        table.RemoveWatcher(WatcherId(watcher));
        model.RemoveWatcher(watcher);
        break;
      case 2:
      case 3:
      case 4: {
        auto type = static_cast<EventType>(1 + random() % 3);
        if (p == "/") type = EventType::kDataChanged;
        std::vector<Notification> out;
        table.Fire(Event{type, p, Zxid(i), AclId(0), AclId(0)}, &out);
        std::vector<Told> told;
        for (const Notification& n : out) told.emplace_back(n.watcher.value(), n.type, n.path);
        ASSERT_EQ(told, model.Fire(type, p)) << "step " << i;
      }
    }
  }
  for (uint64_t w = 0; w < 6; ++w) table.RemoveWatcher(WatcherId(w));
  EXPECT_EQ(table.watch_count(), 0u);
  EXPECT_EQ(table.path_count(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomWatches, testing::Range(0, 100));

}  // namespace
}  // namespace synod::watches

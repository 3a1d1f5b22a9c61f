// The window of events in snapshots.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "coordinator/statemachine/event_window.h"
#include "tests/unit/coordinator/statemachine/event_window_harness.h"

namespace synod::statemachine {
namespace {

TEST(EventWindowSnapshot, ACutHoldsTheWindowOfItsMoment) {  // D7, W3
  WindowModel model;
  WindowStore store;
  EventWindow window(8000);
  for (int i = 0; i < 20; ++i) model.Append(&window, 3);
  const Cursor begin = window.begin();
  const std::vector<Seen> at_cut = model.After(begin);
  const Zxid zxid = model.zxid();
  window.CloseChanges();
  for (int i = 0; i < 200; ++i) model.Append(&window, 3);
  EXPECT_GT(window.begin().zxid, zxid) << "all that was closed is evicted";
  store.Finish(&window);
  auto loaded = store.Load(zxid);
  EXPECT_EQ(loaded->begin(), begin);
  EXPECT_EQ(ReadAll(*loaded, begin), at_cut);
  window.CloseChanges();
  store.Finish(&window);
  loaded = store.Load(model.zxid());
  EXPECT_EQ(ReadAll(*loaded, loaded->begin()), model.After(window.begin()));
}

TEST(EventWindowSnapshot, ABlockThatCameAndWentBetweenTwoCutsLeavesNoRecord) {  // D7
  WindowModel model;
  WindowStore store;
  EventWindow window(0);
  model.Append(&window, 10);
  window.CloseChanges();
  store.Finish(&window);
  EXPECT_EQ(store.records().size(), 1u) << "the header";
  window.CloseChanges();
  EXPECT_TRUE(store.Step(&window, 1));
  EXPECT_TRUE(store.cut().empty()) << "nothing changed";
}

TEST(EventWindowSnapshot, ALoadedWindowGoesOn) {  // W3
  WindowModel model;
  WindowStore store;
  EventWindow window(1 << 16);
  for (int i = 0; i < 300; ++i) model.Append(&window, 3);
  window.CloseChanges();
  store.Finish(&window);
  auto loaded = store.Load(model.zxid(), 1 << 16);
  EXPECT_EQ(loaded->bytes(), window.bytes());
  model.Append(loaded.get(), 4);
  for (Cursor cursor : {loaded->begin(), Cursor{model.zxid(), 3}, Cursor{model.zxid() - 40, Cursor::kAll}}) {
    EXPECT_EQ(ReadAll(*loaded, cursor), model.After(cursor));
  }
  loaded->CloseChanges();
  EXPECT_FALSE(store.Step(loaded.get(), 1) && store.cut().size() > 2) << "only what is new";
  store.Finish(loaded.get());
  EXPECT_EQ(ReadAll(*store.Load(model.zxid()), loaded->begin()), model.After(loaded->begin()));
}

TEST(EventWindowSnapshot, ASmallerWindowThanTheStoredOneEvictsOnLoading) {
  WindowModel model;
  WindowStore store;
  EventWindow window(kRoomy);
  for (int i = 0; i < 20; ++i) {
    model.Append(&window, 20);
    window.CloseChanges();
    store.Finish(&window);
  }
  auto loaded = store.Load(model.zxid(), 5000);
  EXPECT_LE(loaded->bytes(), 5000u);
  EXPECT_EQ(ReadAll(*loaded, loaded->begin()), model.After(loaded->begin()));
  loaded->CloseChanges();
  store.Finish(loaded.get());
  EXPECT_EQ(store.Load(model.zxid())->begin(), loaded->begin());
}

TEST(EventWindowSnapshot, AStateWithoutWindowBeginsAfterItself) {  // W3
  WindowModel model;
  WindowStore store;
  auto loaded = store.Load(Zxid(40));
  EXPECT_EQ(loaded->begin(), (Cursor{Zxid(40), Cursor::kAll}));
  loaded->CloseChanges();
  store.Finish(loaded.get());
  EXPECT_EQ(store.Load(Zxid(40))->begin(), loaded->begin());
}

TEST(EventWindowSnapshot, RefusesMalformedRecords) {
  WindowModel model;
  WindowStore store;
  EventWindow window(kRoomy);
  model.Append(&window, 2);
  window.CloseChanges();
  store.Finish(&window);
  model.Append(&window, 1);
  window.CloseChanges();
  store.Finish(&window);
  ASSERT_EQ(store.records().size(), 3u);
  const std::map<std::string, std::string> good = store.records();
  const std::string first = std::next(good.begin())->first, second = good.rbegin()->first;
  const std::string event = good.at(first).substr(1);
  const auto load = [&](const std::map<std::string, std::string>& records, Zxid zxid) {
    EventWindow loaded(kRoomy);
    for (const auto& [key, value] : records) {
      const absl::Status status = loaded.LoadRecord(key, value);
      if (!status.ok()) return status.code();
    }
    return loaded.FinishLoading(zxid).code();
  };
  const auto with = [&](const std::string& key, std::optional<std::string> value) {
    auto records = good;
    records.erase(key);
    if (value) records[key] = *value;
    return load(records, model.zxid());
  };
  const auto kLost = absl::StatusCode::kDataLoss;
  EXPECT_EQ(load(good, model.zxid()), absl::StatusCode::kOk);
  EXPECT_EQ(load(good, model.zxid() - 1), kLost) << "beyond the state";
  EXPECT_EQ(load({{"w", good.at("w")}}, Zxid(0)), absl::StatusCode::kOk);
  EXPECT_EQ(load({{"w", std::string("\1\x05\0", 3)}}, Zxid(4)), kLost) << "begins beyond the state";
  EXPECT_EQ(with("w", std::nullopt), kLost) << "no header";
  EXPECT_EQ(with("w", "\2" + good.at("w").substr(1)), kLost) << "version of the header";
  EXPECT_EQ(with("w", good.at("w") + "x"), kLost) << "a long header";
  EXPECT_EQ(with("w", std::string("\1")), kLost) << "a short header";
  EXPECT_EQ(with("w1", ""), kLost) << "key";
  EXPECT_EQ(with(first, ""), kLost) << "no version";
  EXPECT_EQ(with(first, "\1"), kLost) << "no event";
  EXPECT_EQ(with(first, "\2" + event), kLost) << "version";
  for (size_t size = 1; size < event.size(); ++size) {
    // What ends behind an event is a shorter block, seen only by what follows it: here another command.
    auto shorter = good;
    shorter[first] = "\1" + event.substr(0, size);
    EventWindow loaded(kRoomy);
    EXPECT_TRUE(loaded.LoadRecord("w", good.at("w")).ok());
    if (loaded.LoadRecord(first, shorter[first]).ok()) {
      EXPECT_EQ(ReadAll(loaded, loaded.begin()).size(), 1u) << size;
    }
  }
  EXPECT_EQ(with(first, "\1" + event + "\1"), kLost) << "half an event";
  const auto one = [&](const std::string& bytes) { return with(second, "\1" + bytes); };
  EXPECT_EQ(one(std::string("\1\0\2/a", 5)), absl::StatusCode::kOk);
  EXPECT_EQ(one(std::string("\0\0\2/a", 5)), kLost) << "type";
  EXPECT_EQ(one(std::string("\x41\0\2/a", 5)), kLost) << "unknown bits";
  EXPECT_EQ(one(std::string("\x0d\0\2/a", 5)), kLost) << "kind of an ACL";
  EXPECT_EQ(one(std::string("\x21\0\2/a", 5)), kLost) << "as own, which is open";
  EXPECT_EQ(one(std::string("\x31\0\2/a", 5)), kLost) << "kind of the parent's ACL";
  EXPECT_EQ(one(std::string("\x05\0\2/a", 5)), kLost) << "no list";
  EXPECT_EQ(one(std::string("\1\0\2aa", 5)), kLost) << "path";
  EXPECT_EQ(one(std::string("\1\1\2/a", 5)), kLost) << "the first of a block is where its key says";
  EXPECT_EQ(with(second.substr(0, 12) + '\2', "\1" + std::string("\1\0\2/a", 5)), kLost) << "a hole in a command";
  EXPECT_EQ(with(first.substr(0, 12) + '\1', "\1" + std::string("\1\0\2/a", 5)), kLost) << "within the one before";
  EXPECT_EQ(with("w\xff" + first.substr(2), "\1" + std::string("\1\0\2/a", 5)), kLost) << "a negative zxid";
}

// D6: rot is refused or is another event, never worse.
TEST(EventWindowSnapshot, ADamagedBlockIsRefusedOrReadable) {
  WindowModel model;
  WindowStore store;
  EventWindow window(kRoomy);
  for (int i = 0; i < 6; ++i) model.Append(&window, 3);
  window.CloseChanges();
  store.Finish(&window);
  ASSERT_EQ(store.records().size(), 2u);
  const auto& [key, good] = *store.records().rbegin();
  size_t refused = 0;
  for (size_t i = 0; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ 1 << bit);
      EventWindow loaded(kRoomy);
      EXPECT_TRUE(loaded.LoadRecord("w", store.records().at("w")).ok());
      if (loaded.LoadRecord(key, bad).ok() && loaded.FinishLoading(model.zxid() + 1000).ok()) {
        ReadAll(loaded, loaded.begin());
      } else {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, good.size());
}

// D7, W3: whatever was appended, evicted, cut, lost and loaded, each snapshot is the window of its moment, and the
// window all that came after its begin.
RC_GTEST_PROP(EventWindowProperty, IsWhatWasAppendedAndEveryCutIsTheWindowOfItsMoment, ()) {
  WindowModel model;
  WindowStore store;
  auto window = std::make_unique<EventWindow>(*rc::gen::element<size_t>(0, 2000, 8000, 100'000));
  bool open = false;
  struct {
    Cursor begin;
    std::vector<Seen> events;
    Zxid zxid;
  } cut;
  const auto choice = [](int n) { return *rc::gen::inRange(0, n); };
  const auto lose = [&] {
    open = false;
    store.Lose();
    window->ReopenChanges();
  };
  const auto written = [&] {
    if (choice(4) == 0) return lose();  // the window gave all, the store failed
    open = false;
    store.Merge();
    auto loaded = store.Load(cut.zxid);
    RC_ASSERT(loaded->begin() == cut.begin);
    RC_ASSERT(ReadAll(*loaded, cut.begin) == cut.events);
    if (choice(4) != 0 || cut.zxid != model.zxid()) return;
    loaded->set_bytes_max(window->bytes_max());  // a restart
    window = std::move(loaded);
  };
  const int steps = *rc::gen::inRange(0, 80);
  for (int i = 0; i <= steps; ++i) {
    const int what = i == steps ? 7 : choice(10);
    if (what < 5) {
      model.Append(window.get(), static_cast<size_t>(1 + choice(12)), choice);
    } else if (what < 7) {
      if (open && store.Step(window.get(), 1 + choice(3))) written();
    } else if (what < 9) {
      if (open) continue;
      window->CloseChanges();
      open = true;
      cut = {window->begin(), model.After(window->begin()), model.zxid()};
    } else if (open) {
      lose();
    }
    RC_ASSERT(window->bytes() <= window->bytes_max());
    RC_ASSERT(ReadAll(*window, window->begin(), static_cast<size_t>(choice(500))) == model.After(window->begin()));
  }
  if (!open) return;
  while (!store.Step(window.get(), 1)) {
  }
  written();
}

}  // namespace
}  // namespace synod::statemachine

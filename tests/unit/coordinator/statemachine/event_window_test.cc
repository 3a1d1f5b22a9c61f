#include "coordinator/statemachine/event_window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/unit/coordinator/statemachine/event_window_harness.h"

namespace synod::statemachine {
namespace {

TEST(EventWindow, BeginsBeforeTheFirstEvent) {
  EventWindow window(kRoomy);
  EXPECT_EQ(window.begin(), (Cursor{Zxid(0), Cursor::kAll}));
  EXPECT_TRUE(ReadAll(window, window.begin()).empty());
  WindowModel model;
  window.Append({}, model.acls());
  EXPECT_EQ(window.bytes(), 0u);
}

TEST(EventWindow, GivesBackEveryEventAfterACursor) {  // W3
  WindowModel model;
  EventWindow window(1 << 16);  // blocks of 4 KB, so that commands lie across several, with marks in them
  for (int i = 0; i < 250; ++i) model.Append(&window, static_cast<size_t>(1 + i % 7));
  model.Append(&window, 150);
  EXPECT_GT(window.begin().zxid, Zxid(0)) << "some is evicted";
  EXPECT_FALSE(model.After(window.begin()).empty());
  for (int64_t zxid = window.begin().zxid.value(); zxid <= model.zxid().value() + 1; zxid += 5) {
    for (uint32_t ordinal : {0u, 1u, 2u, 3u, 6u, 13u, 200u, 201u, 300u, Cursor::kAll}) {
      const Cursor cursor{Zxid(zxid), ordinal};
      if (cursor < window.begin()) continue;
      ASSERT_EQ(ReadAll(window, cursor), model.After(cursor)) << zxid << "." << ordinal;
    }
  }
}

TEST(EventWindow, AnySequenceOfReadsVisitsEachEventOnce) {  // W3
  WindowModel model;
  EventWindow window(1 << 15);
  for (int i = 0; i < 60; ++i) model.Append(&window, static_cast<size_t>(1 + i % 5));
  const std::vector<Seen> expected = model.After(window.begin());
  for (size_t bytes : {size_t{0}, size_t{1}, size_t{100}, size_t{3000}, SIZE_MAX}) {
    for (size_t events : {size_t{1}, size_t{2}, size_t{17}, SIZE_MAX}) {
      EXPECT_EQ(ReadAll(window, window.begin(), bytes, events), expected) << bytes << " " << events;
    }
  }
}

TEST(EventWindow, VisitsAnEventOfWhichOnlyTheFirstHalfWasSeen) {  // W3
  WindowModel model;
  EventWindow window(kRoomy);
  model.Append(&window, 3);
  const Zxid zxid = model.zxid();
  EXPECT_EQ(ReadAll(window, {zxid, 2}).size(), 2u) << "number 1: its parent's children are to be told of";
  EXPECT_EQ(ReadAll(window, {zxid, 3}).size(), 1u);
  EXPECT_EQ(ReadAll(window, {zxid, 5}).size(), 0u);
}

TEST(EventWindow, AReadLooksAtAboutAsManyBytesAsItMay) {
  WindowModel model;
  EventWindow window(kRoomy);
  for (int i = 0; i < 2000; ++i) model.Append(&window, 1);
  size_t visited = 0;
  const auto count = [&](const PastEvent&) {
    ++visited;
    return true;
  };
  EXPECT_TRUE(window.Read({model.all()[1000].zxid, Cursor::kAll}, 2000, count).has_value());
  EXPECT_GT(visited, 5u);
  EXPECT_LT(visited, 600u);
}

TEST(EventWindow, TheEndIsTheEndWhateverTheVisitorSays) {
  WindowModel model;
  EventWindow window(kRoomy);
  model.Append(&window, 2);
  const auto no = [](const PastEvent&) { return false; };
  EXPECT_EQ(window.Read(window.begin(), SIZE_MAX, no), (Cursor{model.zxid(), 1}));
  EXPECT_EQ(window.Read({model.zxid(), 1}, SIZE_MAX, no), std::nullopt);
}

TEST(EventWindow, KeepsTheAclsOfTheMoment) {  // W3, 13.7
  WindowModel model;
  EventWindow window(kRoomy);
  const AclId id = model.list(0);
  const Acl list = model.acls().Get(id);
  window.Append({{EventType::kDeleted, "/secret", Zxid(1), id, access::kReadOnlyAcl}}, model.acls());
  model.acls().Release(id);
  model.acls().Collect();
  const std::vector<Seen> seen = ReadAll(window, window.begin());
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].acl, list);
  EXPECT_EQ(seen[0].parent_acl, (Acl{{access::kRead, "world", "anyone"}}));
}

TEST(EventWindow, StaysWithinItsBoundAndShortOfItByABlock) {
  for (size_t bytes_max : {size_t{0}, size_t{300}, size_t{5000}, size_t{100'000}, size_t{4} << 20}) {
    WindowModel model;
    EventWindow window(bytes_max);
    while (window.begin().zxid == Zxid(0)) {
      model.Append(&window, 5);
      ASSERT_LE(window.bytes(), bytes_max);
    }
    for (int i = 0; i < 50; ++i) {
      model.Append(&window, 5);
      ASSERT_LE(window.bytes(), bytes_max);
      // What one command adds, and a block with its share of overhead.
      ASSERT_GE(window.bytes() + std::clamp(bytes_max / 16, size_t{1} << 10, size_t{64} << 10) + 3000, bytes_max);
    }
    EXPECT_EQ(ReadAll(window, window.begin()), model.After(window.begin()));
  }
}

TEST(EventWindow, ACommandLargerThanTheWindowLeavesItsEnd) {
  WindowModel model;
  EventWindow window(20'000);
  model.Append(&window, 2000);
  EXPECT_EQ(window.begin().zxid, model.zxid()) << "in the middle of the command";
  const std::vector<Seen> left = ReadAll(window, window.begin());
  EXPECT_GT(left.size(), 10u);
  EXPECT_EQ(left, model.After(window.begin()));
  // An event larger than all of it.
  window.Append({{EventType::kCreated, "/" + std::string(30'000, 'p'), model.zxid() + 1, {}, {}}}, model.acls());
  EXPECT_EQ(window.bytes(), 0u);
  EXPECT_EQ(window.begin(), (Cursor{model.zxid() + 1, 1}));
}

TEST(EventWindow, ASmallerBoundEvictsAtOnce) {
  WindowModel model;
  EventWindow window(kRoomy);
  for (int i = 0; i < 2000; ++i) model.Append(&window, 1);
  window.set_bytes_max(70'000);
  EXPECT_LE(window.bytes(), 70'000u);
  EXPECT_EQ(ReadAll(window, window.begin()), model.After(window.begin()));
  window.set_bytes_max(0);
  EXPECT_EQ(window.bytes(), 0u);
  EXPECT_EQ(window.begin(), (Cursor{model.all().back().zxid, 1}));
}

TEST(EventWindow, BeginAfterForgetsAll) {
  WindowModel model;
  EventWindow window(kRoomy);
  model.Append(&window, 3);
  window.BeginAfter(model.zxid());
  EXPECT_EQ(window.begin(), (Cursor{model.zxid(), Cursor::kAll}));
  EXPECT_EQ(window.bytes(), 0u);
  EXPECT_TRUE(ReadAll(window, window.begin()).empty());
  model.Append(&window, 2);
  EXPECT_EQ(ReadAll(window, window.begin()).size(), 2u);
}

using EventWindowDeath = testing::Test;

TEST(EventWindowDeath, EndsTheProcessWhenAnInvariantIsBroken) {
  WindowModel model;
  EventWindow window(kRoomy);
  model.Append(&window, 1);
  window.BeginAfter(model.zxid());
  EXPECT_DEATH(window.Append({{EventType::kCreated, "/a", model.zxid(), {}, {}}}, model.acls()), "CHECK");
  EXPECT_DEATH(window.Append({{EventType::kCreated, "/a", model.zxid() + 1, {}, {}},
                              {EventType::kCreated, "/b", model.zxid() + 2, {}, {}}},
                             model.acls()),
               "two commands");
  EXPECT_DEATH(ReadAll(window, {Zxid(0), 0}), "before the window");
}

}  // namespace
}  // namespace synod::statemachine

// Watches, by section 13 of specs/zookeeper-protocol.md.
#include "coordinator/watches/watch_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace synod::watches {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using tree::Event;
using tree::EventType;

constexpr WatcherId kAnn{1}, kBob{2}, kCat{3};

class WatchTableTest : public testing::Test {
 protected:
  // "watcher type path" of what fires.
  std::vector<std::string> Fire(EventType type, const std::string& path) {
    std::vector<Notification> out;
    table_.Fire(Event{type, path, Zxid(9), AclId(5), AclId(6)}, &out);
    std::vector<std::string> text;
    for (const Notification& n : out) {
      EXPECT_EQ(n.zxid, Zxid(9));
      EXPECT_EQ(n.acl, AclId(n.type == NotificationType::kChildrenChanged ? 6 : 5));  // 13.7
      EXPECT_EQ(n.of_parent, n.type == NotificationType::kChildrenChanged);
      static const char* const kTypes[] = {"?", "created", "deleted", "changed", "children"};
      text.push_back(absl::StrCat(n.watcher.value(), " ", kTypes[static_cast<int>(n.type)], " ", n.path));
    }
    return text;
  }
  std::vector<std::string> Created(const std::string& path) { return Fire(EventType::kCreated, path); }
  std::vector<std::string> Deleted(const std::string& path) { return Fire(EventType::kDeleted, path); }
  std::vector<std::string> Changed(const std::string& path) { return Fire(EventType::kDataChanged, path); }
  void ExpectEmpty() {
    EXPECT_EQ(table_.watch_count(), 0u);
    EXPECT_EQ(table_.path_count(), 0u);
    EXPECT_EQ(table_.watcher_count(), 0u);
  }

  WatchTable table_;
};

TEST_F(WatchTableTest, DataWatchFiresOnceOnChange) {
  table_.Add(kAnn, "/p/n", WatchKind::kData);
  EXPECT_THAT(Changed("/p/other"), IsEmpty());
  EXPECT_THAT(Created("/p/n/child"), IsEmpty());
  EXPECT_THAT(Changed("/p/n"), ElementsAre("1 changed /p/n"));
  EXPECT_THAT(Changed("/p/n"), IsEmpty());
  ExpectEmpty();
}

TEST_F(WatchTableTest, ExistsWatchFiresOnCreation) {
  table_.Add(kAnn, "/n", WatchKind::kExists);
  EXPECT_THAT(Created("/n"), ElementsAre("1 created /n"));
  ExpectEmpty();
}

TEST_F(WatchTableTest, ExistsAndDataWatchesAreOneEntry) {
  table_.Add(kAnn, "/n", WatchKind::kExists);
  table_.Add(kAnn, "/n", WatchKind::kData);
  table_.Add(kAnn, "/n", WatchKind::kData);
  EXPECT_EQ(table_.watch_count(), 1u);
  EXPECT_TRUE(table_.Has(kAnn, "/n", WatchKind::kExists));
  EXPECT_THAT(Changed("/n"), ElementsAre("1 changed /n"));
  ExpectEmpty();
}

TEST_F(WatchTableTest, ChildWatchFiresOnCreateAndDeleteOfAChildWithTheParentsPath) {
  table_.Add(kAnn, "/p", WatchKind::kChildren);
  EXPECT_THAT(Changed("/p"), IsEmpty());
  EXPECT_THAT(Changed("/p/n"), IsEmpty());
  EXPECT_THAT(Created("/p/n/deeper"), IsEmpty());
  EXPECT_THAT(Created("/p/n"), ElementsAre("1 children /p"));
  EXPECT_THAT(Created("/p/m"), IsEmpty());
  table_.Add(kAnn, "/p", WatchKind::kChildren);
  EXPECT_THAT(Deleted("/p/n"), ElementsAre("1 children /p"));
  table_.Add(kAnn, "/", WatchKind::kChildren);
  EXPECT_THAT(Created("/a"), ElementsAre("1 children /"));
  ExpectEmpty();
}

TEST_F(WatchTableTest, ChildWatchOnADeletedNodeFiresDeleted) {
  table_.Add(kAnn, "/p", WatchKind::kChildren);
  EXPECT_THAT(Deleted("/p"), ElementsAre("1 deleted /p"));
  ExpectEmpty();
}

TEST_F(WatchTableTest, DeleteTellsAWatcherOfDataAndChildrenOnce) {  // hazard 12
  table_.Add(kAnn, "/p", WatchKind::kData);
  table_.Add(kAnn, "/p", WatchKind::kChildren);
  table_.Add(kBob, "/p", WatchKind::kChildren);
  table_.Add(kCat, "/p", WatchKind::kPersistent);
  EXPECT_THAT(Deleted("/p"), ElementsAre("1 deleted /p", "3 deleted /p", "2 deleted /p"));
  EXPECT_EQ(table_.watch_count(), 1u);
}

TEST_F(WatchTableTest, DeleteFiresDataThenChildThenParent) {  // 13.3
  table_.Add(kAnn, "/p", WatchKind::kChildren);
  table_.Add(kBob, "/p/n", WatchKind::kChildren);
  table_.Add(kCat, "/p/n", WatchKind::kExists);
  EXPECT_THAT(Deleted("/p/n"), ElementsAre("3 deleted /p/n", "2 deleted /p/n", "1 children /p"));
  ExpectEmpty();
}

TEST_F(WatchTableTest, CreateFiresDataThenParent) {
  table_.Add(kAnn, "/p", WatchKind::kChildren);
  table_.Add(kBob, "/p/n", WatchKind::kExists);
  EXPECT_THAT(Created("/p/n"), ElementsAre("2 created /p/n", "1 children /p"));
}

TEST_F(WatchTableTest, WatchersOfOneTriggerComeInOrderOfTheirIds) {
  for (uint64_t id : {7, 3, 9, 1, 5}) table_.Add(WatcherId(id), "/n", WatchKind::kData);
  table_.Add(WatcherId(4), "/", WatchKind::kPersistentRecursive);
  EXPECT_THAT(Changed("/n"), ElementsAre("1 changed /n", "3 changed /n", "4 changed /n", "5 changed /n", "7 changed /n",
                                         "9 changed /n"));
}

TEST_F(WatchTableTest, PersistentWatchStaysAndGetsAllFourTypes) {  // 13.4
  table_.Add(kAnn, "/p", WatchKind::kPersistent);
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(Created("/p"), ElementsAre("1 created /p"));
    EXPECT_THAT(Changed("/p"), ElementsAre("1 changed /p"));
    EXPECT_THAT(Created("/p/n"), ElementsAre("1 children /p"));
    EXPECT_THAT(Changed("/p/n"), IsEmpty());
    EXPECT_THAT(Deleted("/p/n"), ElementsAre("1 children /p"));
    EXPECT_THAT(Deleted("/p"), ElementsAre("1 deleted /p"));
  }
}

TEST_F(WatchTableTest, RecursiveWatchSeesDescendantsWithTheirPathsAndNeverChildrenChanged) {  // hazard 13
  table_.Add(kAnn, "/p", WatchKind::kPersistentRecursive);
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(Created("/p"), ElementsAre("1 created /p"));
    EXPECT_THAT(Created("/p/a"), ElementsAre("1 created /p/a"));
    EXPECT_THAT(Created("/p/a/b"), ElementsAre("1 created /p/a/b"));
    EXPECT_THAT(Changed("/p/a/b"), ElementsAre("1 changed /p/a/b"));
    EXPECT_THAT(Deleted("/p/a/b"), ElementsAre("1 deleted /p/a/b"));
    EXPECT_THAT(Changed("/pa"), IsEmpty());
    EXPECT_THAT(Changed("/"), IsEmpty());
  }
}

TEST_F(WatchTableTest, RecursiveWatchOnTheRootSeesEverything) {
  table_.Add(kAnn, "/", WatchKind::kPersistentRecursive);
  EXPECT_THAT(Created("/a"), ElementsAre("1 created /a"));
  EXPECT_THAT(Changed("/a/b/c/d"), ElementsAre("1 changed /a/b/c/d"));
  EXPECT_THAT(Changed("/"), ElementsAre("1 changed /"));
}

TEST_F(WatchTableTest, SeveralRecursiveWatchesOnTheLineGiveOneCopy) {
  table_.Add(kAnn, "/", WatchKind::kPersistentRecursive);
  table_.Add(kAnn, "/a", WatchKind::kPersistentRecursive);
  table_.Add(kAnn, "/a/b", WatchKind::kData);
  table_.Add(kBob, "/a/b", WatchKind::kPersistentRecursive);
  EXPECT_THAT(Changed("/a/b"), ElementsAre("1 changed /a/b", "2 changed /a/b"));
  EXPECT_EQ(table_.watch_count(), 3u);
}

TEST_F(WatchTableTest, SeveralModesOnOnePathGiveOneNotificationPerTrigger) {
  for (WatchKind kind :
       {WatchKind::kData, WatchKind::kChildren, WatchKind::kPersistent, WatchKind::kPersistentRecursive}) {
    table_.Add(kAnn, "/p", kind);
  }
  EXPECT_EQ(table_.watch_count(), 4u);
  EXPECT_THAT(Changed("/p"), ElementsAre("1 changed /p"));
  EXPECT_FALSE(table_.Has(kAnn, "/p", WatchKind::kData));
  EXPECT_TRUE(table_.Has(kAnn, "/p", WatchKind::kChildren));
  // Recursive: the child itself. Persistent and standard: the change of the parent's children, once.
  EXPECT_THAT(Created("/p/n"), ElementsAre("1 created /p/n", "1 children /p"));
  EXPECT_FALSE(table_.Has(kAnn, "/p", WatchKind::kChildren));
  EXPECT_EQ(table_.watch_count(), 2u);
  EXPECT_THAT(Deleted("/p"), ElementsAre("1 deleted /p"));
}

TEST_F(WatchTableTest, MultiFiresAOneShotWatchForTheFirstOperationOnly) {  // 12.2
  table_.Add(kAnn, "/n", WatchKind::kData);
  std::vector<Notification> out;
  table_.Fire(Event{EventType::kDataChanged, "/n", Zxid(1), AclId(0), AclId(0)}, &out);
  table_.Fire(Event{EventType::kDeleted, "/n", Zxid(1), AclId(0), AclId(0)}, &out);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].type, NotificationType::kDataChanged);
}

TEST_F(WatchTableTest, RemoveTakesOneKindAndSaysWhetherItWasThere) {  // 13.6
  table_.Add(kAnn, "/n", WatchKind::kData);
  table_.Add(kAnn, "/n", WatchKind::kPersistent);
  EXPECT_FALSE(table_.Remove(kAnn, "/n", WatchKind::kChildren));
  EXPECT_FALSE(table_.Remove(kBob, "/n", WatchKind::kData));
  EXPECT_FALSE(table_.Remove(kAnn, "/m", WatchKind::kData));
  EXPECT_TRUE(table_.Remove(kAnn, "/n", WatchKind::kExists));
  EXPECT_FALSE(table_.Remove(kAnn, "/n", WatchKind::kData));
  EXPECT_TRUE(table_.Remove(kAnn, "/n", WatchKind::kPersistent));
  ExpectEmpty();
}

TEST_F(WatchTableTest, RemoveWatcherLeavesNothingOfIt) {  // hazard 15
  for (int i = 0; i < 100; ++i) {
    for (WatchKind kind :
         {WatchKind::kData, WatchKind::kChildren, WatchKind::kPersistent, WatchKind::kPersistentRecursive}) {
      table_.Add(kAnn, absl::StrCat("/n/", i), kind);
      if (i % 2 == 0) table_.Add(kBob, absl::StrCat("/n/", i), kind);
    }
  }
  table_.RemoveWatcher(kAnn);
  EXPECT_EQ(table_.watch_count(), 200u);
  EXPECT_EQ(table_.path_count(), 50u);
  EXPECT_THAT(Deleted("/n/0"), ElementsAre("2 deleted /n/0"));
  EXPECT_THAT(Deleted("/n/1"), IsEmpty());
  table_.RemoveWatcher(kAnn);
  table_.RemoveWatcher(kBob);
  ExpectEmpty();
}

TEST_F(WatchTableTest, AnyKindIsFoundAndRemovedWithTheOthersOfItsPath) {  // 13.6
  for (WatchKind kind :
       {WatchKind::kData, WatchKind::kChildren, WatchKind::kPersistent, WatchKind::kPersistentRecursive}) {
    EXPECT_FALSE(table_.HasAny(kAnn, "/n"));
    EXPECT_FALSE(table_.RemoveAny(kAnn, "/n"));
    table_.Add(kAnn, "/n", kind);
    table_.Add(kAnn, "/n/m", kind);
    table_.Add(kBob, "/n", kind);
    EXPECT_TRUE(table_.HasAny(kAnn, "/n"));
    EXPECT_TRUE(table_.RemoveAny(kAnn, "/n"));
    EXPECT_TRUE(table_.HasAny(kBob, "/n"));
  }
  table_.Add(kAnn, "/n", WatchKind::kData);
  table_.Add(kAnn, "/n", WatchKind::kPersistentRecursive);
  EXPECT_THAT(table_.PathsOf(kAnn), ElementsAre("/n", "/n/m"));
  EXPECT_TRUE(table_.RemoveAny(kAnn, "/n"));
  EXPECT_THAT(table_.PathsOf(kAnn), ElementsAre("/n/m"));
  EXPECT_THAT(table_.PathsOf(kCat), IsEmpty());
  EXPECT_TRUE(table_.RemoveAny(kAnn, "/n/m"));
  EXPECT_TRUE(table_.RemoveAny(kBob, "/n"));
  ExpectEmpty();
}

TEST_F(WatchTableTest, TenThousandWatchersOfOneNodeAreToldOnceEach) {
  constexpr uint64_t kWatchers = 10000;
  for (uint64_t i = 0; i < kWatchers; ++i) table_.Add(WatcherId(i * 7919 % kWatchers), "/n", WatchKind::kData);
  std::vector<Notification> out;
  table_.Fire(Event{EventType::kDataChanged, "/n", Zxid(1), AclId(0), AclId(0)}, &out);
  ASSERT_EQ(out.size(), kWatchers);
  for (uint64_t i = 0; i < kWatchers; ++i) ASSERT_EQ(out[i].watcher, WatcherId(i));
  ExpectEmpty();
}

TEST_F(WatchTableTest, AWatchOnAPathOfItsOwnCostsTensOfBytes) {
  constexpr int kWatches = 200000;
  for (int i = 0; i < kWatches; ++i)
    table_.Add(WatcherId(i % 1000), absl::StrCat("/some/path/", 1000000 + i), WatchKind::kData);
  EXPECT_LE(table_.memory_bytes(), kWatches * 130u);
  for (int i = 0; i < 1000; ++i) table_.RemoveWatcher(WatcherId(i));
  ExpectEmpty();
}

}  // namespace
}  // namespace synod::watches

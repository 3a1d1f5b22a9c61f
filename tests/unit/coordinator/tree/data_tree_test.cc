// The semantics of each operation, by the sections of specs/zookeeper-protocol.md.
#include "coordinator/tree/data_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/unit/coordinator/tree/tree_dump.h"

namespace synod::tree {
namespace {

using testing::ElementsAre;

ChangeContext At(int64_t zxid) { return ChangeContext{Zxid(zxid), zxid * 1000}; }

class DataTreeTest : public testing::Test {
 protected:
  Error Create(std::string_view path, int64_t session = 0, bool sequential = false) {
    CreateArgs args;
    args.path = path;
    args.data = "x";
    args.ephemeral_owner = SessionId(session);
    args.sequential = sequential;
    created_.clear();
    return tree_.Create(At(++zxid_), args, &created_, &stat_);
  }
  Stat StatOf(std::string_view path) {
    Stat stat;
    EXPECT_EQ(tree_.Exists(kServer, path, &stat), Error::kOk) << path;
    return stat;
  }
  std::vector<std::string> Children(std::string_view path) {
    std::vector<std::string> names;
    EXPECT_EQ(tree_.GetChildren(kServer, path, &names, nullptr), Error::kOk) << path;
    return names;
  }
  std::vector<std::string> EventPaths() {
    std::vector<std::string> out;
    for (const Event& e : tree_.TakeEvents()) out.push_back(absl::StrCat(static_cast<int>(e.type), " ", e.path));
    return out;
  }

  DataTree tree_;
  int64_t zxid_ = 0;
  std::string created_;
  Stat stat_;
};

TEST_F(DataTreeTest, FreshTreeLooksLikeAFreshZooKeeper) {  // 6.3, 6.5, 17
  EXPECT_EQ(StatOf("/").num_children, 1);
  EXPECT_EQ(StatOf("/").cversion, -1);
  EXPECT_EQ(StatOf("/zookeeper").cversion, -2);
  EXPECT_THAT(Children("/zookeeper"), ElementsAre("config", "quota"));
  EXPECT_EQ(StatOf("/zookeeper/config").version, -1);
  EXPECT_EQ(StatOf("/zookeeper/config").aversion, -1);
  EXPECT_EQ(tree_.node_count(), 4u);
  EXPECT_EQ(tree_.data_bytes(), 1u + 10u + 16u + 17u);
  AclId acl;
  EXPECT_EQ(tree_.GetAcl(kServer, "/zookeeper/config", &acl, nullptr, nullptr), Error::kOk);
  EXPECT_EQ(acl, AclId(1));
  EXPECT_EQ(tree_.digest(), tree_.ComputeDigest());
}

TEST_F(DataTreeTest, CreateSetsTheNodesStatAndTouchesOnlyTheParentsChildFields) {  // 6.2
  Create("/p");
  Stat root = StatOf("/");
  Stat before = StatOf("/p");
  EXPECT_EQ(Create("/p/a"), Error::kOk);
  EXPECT_EQ(created_, "/p/a");
  EXPECT_EQ(stat_, StatOf("/p/a"));
  EXPECT_EQ(stat_.czxid, Zxid(2));
  EXPECT_EQ(stat_.mzxid, Zxid(2));
  EXPECT_EQ(stat_.pzxid, Zxid(2));
  EXPECT_EQ(stat_.ctime_ms, 2000);
  EXPECT_EQ(stat_.mtime_ms, 2000);
  EXPECT_EQ(stat_.version, 0);
  EXPECT_EQ(stat_.data_length, 1);
  Stat after = StatOf("/p");
  before.pzxid = Zxid(2);
  before.cversion = 1;
  before.num_children = 1;
  EXPECT_EQ(after, before);
  EXPECT_EQ(StatOf("/"), root);
}

TEST_F(DataTreeTest, CreateErrorsComeInTheOrderOfTheSheet) {  // 11.1
  EXPECT_EQ(Create("abc"), Error::kBadArguments);
  EXPECT_EQ(Create(std::string_view("/a\0b", 4)), Error::kBadArguments);
  EXPECT_EQ(Create(""), Error::kBadArguments);
  EXPECT_EQ(Create("abc/def"), Error::kNoNode);
  EXPECT_EQ(Create("/x//a"), Error::kNoNode);
  EXPECT_EQ(Create("/x/./a"), Error::kNoNode);
  EXPECT_EQ(Create("/x/"), Error::kNoNode);
  EXPECT_EQ(Create("/"), Error::kNodeExists);
  EXPECT_EQ(Create("/x"), Error::kOk);
  EXPECT_EQ(Create("/x/"), Error::kBadArguments);
  EXPECT_EQ(Create("/x/.."), Error::kBadArguments);
  EXPECT_EQ(Create("/x"), Error::kNodeExists);
  EXPECT_EQ(Create("/e", 7), Error::kOk);
  EXPECT_EQ(Create("/e/c"), Error::kNoChildrenForEphemerals);
  EXPECT_EQ(Create("/e/."), Error::kBadArguments);
  EXPECT_EQ(Create("/e/c", 7, true), Error::kNoChildrenForEphemerals);
  EXPECT_EQ(tree_.node_count(), 6u);
}

TEST_F(DataTreeTest, SequenceNumbersCountAllCreatesUnderTheParent) {  // 8.3
  Create("/q");
  EXPECT_EQ(Create("/q/a-", 0, true), Error::kOk);
  EXPECT_EQ(created_, "/q/a-0000000000");
  Create("/q/plain");
  EXPECT_EQ(Create("/q/", 5, true), Error::kOk);
  EXPECT_EQ(created_, "/q/0000000002");
  EXPECT_EQ(Create("/q/plain"), Error::kNodeExists);  // a failed create uses up no number
  EXPECT_EQ(tree_.Delete(At(50), "/q/plain", -1), Error::kOk);
  Create("/q/b", 0, true);
  EXPECT_EQ(created_, "/q/b0000000003");
  EXPECT_EQ(StatOf("/q").cversion, 2 * 4 - 3);
  EXPECT_EQ(Create("/", 0, true), Error::kOk);
  EXPECT_EQ(created_, "/0000000001");
}

TEST_F(DataTreeTest, SequenceStartsAnewWithTheParent) {  // 8.3
  Create("/q");
  Create("/q/a", 0, true);
  tree_.Delete(At(10), created_, -1);
  tree_.Delete(At(11), "/q", -1);
  Create("/q");
  Create("/q/a", 0, true);
  EXPECT_EQ(created_, "/q/a0000000000");
}

TEST_F(DataTreeTest, SequenceIs64BitsAndPrintsAtLeastTenDigits) {  // 8.3
  std::unique_ptr<DataTree> tree = LoadWithCounter("/q", 9999999999);
  CreateArgs args;
  args.path = "/q/n";
  args.sequential = true;
  std::string path;
  Stat stat;
  EXPECT_EQ(tree->Create(At(1), args, &path, &stat), Error::kOk);
  EXPECT_EQ(path, "/q/n9999999999");
  EXPECT_EQ(tree->Create(At(1), args, &path, &stat), Error::kOk);
  EXPECT_EQ(path, "/q/n10000000000");
  ASSERT_EQ(tree->Exists(kServer, "/q", &stat), Error::kOk);
  EXPECT_EQ(stat.cversion, static_cast<int32_t>(static_cast<uint32_t>(2 * 10000000001ull - 2)));
  EXPECT_EQ(tree->digest(), tree->ComputeDigest());
}

TEST_F(DataTreeTest, DeleteErrorsComeInTheOrderOfTheSheet) {  // 11.2
  for (const char* path : {"/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config", "x", "", "/a/"}) {
    EXPECT_EQ(tree_.Delete(At(1), path, -1), Error::kBadArguments) << path;
  }
  EXPECT_EQ(tree_.Delete(At(1), "/x", -1), Error::kNoNode);
  EXPECT_EQ(tree_.Delete(At(1), "/x/y", -1), Error::kNoNode);
  Create("/x");
  Create("/x/y");
  EXPECT_EQ(tree_.Delete(At(9), "/x", 1), Error::kBadVersion);
  EXPECT_EQ(tree_.Delete(At(9), "/x", -2), Error::kBadVersion);
  EXPECT_EQ(tree_.Delete(At(9), "/x", 0), Error::kNotEmpty);
  EXPECT_EQ(tree_.Delete(At(9), "/x/y", 0), Error::kOk);
  EXPECT_EQ(tree_.Delete(At(9), "/x", -1), Error::kOk);
  EXPECT_EQ(tree_.Exists(kServer, "/x", nullptr), Error::kNoNode);
}

TEST_F(DataTreeTest, DeleteRaisesTheParentsPzxidOnlyIfLarger) {  // 6.2
  Create("/p");
  Create("/p/a");
  Create("/p/b");
  EXPECT_EQ(tree_.Delete(At(2), "/p/a", -1), Error::kOk);
  EXPECT_EQ(StatOf("/p").pzxid, Zxid(3));
  EXPECT_EQ(tree_.Delete(At(9), "/p/b", -1), Error::kOk);
  EXPECT_EQ(StatOf("/p").pzxid, Zxid(9));
  EXPECT_EQ(StatOf("/p").cversion, 4);
}

TEST_F(DataTreeTest, SetDataRaisesVersionAndTimesEvenForEqualBytes) {  // 6.2, 11.3
  Create("/a");
  Stat stat;
  EXPECT_EQ(tree_.SetData(At(5), "/a", "x", 0, &stat), Error::kOk);
  EXPECT_EQ(stat.version, 1);
  EXPECT_EQ(stat.mzxid, Zxid(5));
  EXPECT_EQ(stat.mtime_ms, 5000);
  EXPECT_EQ(stat.czxid, Zxid(1));
  EXPECT_EQ(stat.pzxid, Zxid(1));
  EXPECT_EQ(tree_.SetData(At(6), "/a", "y", 0, &stat), Error::kBadVersion);
  EXPECT_EQ(tree_.SetData(At(6), "/b", "y", 0, &stat), Error::kNoNode);
  EXPECT_EQ(tree_.SetData(At(6), "/b/", "y", 0, &stat), Error::kBadArguments);
}

TEST_F(DataTreeTest, VersionsSkipMinusOne) {  // 6.4
  std::unique_ptr<DataTree> tree = LoadWithVersion("/q", -2);
  Stat stat;
  EXPECT_EQ(tree->SetData(At(1), "/q", "", -2, &stat), Error::kOk);
  EXPECT_EQ(stat.version, 0);
  tree = LoadWithVersion("/q", INT32_MAX);
  EXPECT_EQ(tree->SetData(At(1), "/q", "", INT32_MAX, &stat), Error::kOk);
  EXPECT_EQ(stat.version, INT32_MIN);
}

TEST_F(DataTreeTest, ConfigNodeKeepsVersionMinusOne) {  // 6.4
  Stat stat;
  EXPECT_EQ(tree_.SetData(At(5), "/zookeeper/config", "server.1=...", -1, &stat), Error::kOk);
  EXPECT_EQ(stat.version, -1);
  EXPECT_EQ(stat.mzxid, Zxid(5));
  EXPECT_EQ(tree_.SetData(At(6), "/zookeeper/config", "", 0, &stat), Error::kBadVersion);
}

TEST_F(DataTreeTest, NullDataIsNotEmptyData) {  // hazard 10
  CreateArgs args;
  args.path = "/n";
  tree_.Create(At(1), args, nullptr, nullptr);
  std::optional<std::string_view> data = "?";
  Stat stat;
  EXPECT_EQ(tree_.GetData(kServer, "/n", &data, &stat), Error::kOk);
  EXPECT_FALSE(data.has_value());
  EXPECT_EQ(stat.data_length, 0);
  uint64_t digest = tree_.digest();
  tree_.SetData(At(2), "/n", "", -1, nullptr);
  tree_.GetData(kServer, "/n", &data, nullptr);
  EXPECT_EQ(data, std::string_view(""));
  tree_.SetData(At(2), "/n", std::nullopt, -1, nullptr);
  tree_.GetData(kServer, "/n", &data, nullptr);
  EXPECT_FALSE(data.has_value());
  EXPECT_NE(tree_.digest(), digest);
}

TEST_F(DataTreeTest, DataMayBeAViewIntoTheTree) {
  Create("/a");
  tree_.SetData(At(2), "/a", std::string(30, 'q') + "tail", -1, nullptr);
  std::optional<std::string_view> data;
  tree_.GetData(kServer, "/a", &data, nullptr);
  tree_.SetData(At(3), "/a", data->substr(2), -1, nullptr);
  tree_.GetData(kServer, "/a", &data, nullptr);
  EXPECT_EQ(*data, std::string(28, 'q') + "tail");
}

TEST_F(DataTreeTest, CheckTestsExistenceAndVersion) {  // 11.5
  Create("/a");
  EXPECT_EQ(tree_.Check(kServer, "/a", -1, nullptr), Error::kOk);
  EXPECT_EQ(tree_.Check(kServer, "/a", 0, nullptr), Error::kOk);
  EXPECT_EQ(tree_.Check(kServer, "/a", 1, nullptr), Error::kBadVersion);
  EXPECT_EQ(tree_.Check(kServer, "/b", -1, nullptr), Error::kNoNode);
  EXPECT_EQ(tree_.Check(kServer, "b", -1, nullptr), Error::kBadArguments);
}

TEST_F(DataTreeTest, ChildrenAreInByteOrder) {
  for (const char* name : {"/b", "/a", "/\xc3\xa9", "/B", "/a-", "/a0"}) Create(name);
  EXPECT_THAT(Children("/"), ElementsAre("B", "a", "a-", "a0", "b", "zookeeper", "\xc3\xa9"));
  tree_.Delete(At(20), "/a", -1);
  EXPECT_THAT(Children("/"), ElementsAre("B", "a-", "a0", "b", "zookeeper", "\xc3\xa9"));
}

TEST_F(DataTreeTest, APageOfEphemeralsLooksAtSoManyNodesAndNoMore) {  // L3
  for (int i = 0; i < 20; ++i) ASSERT_EQ(Create("/n" + std::to_string(10 + i)), Error::kOk);
  ASSERT_EQ(Create("/z", 7), Error::kOk);
  std::vector<std::string> paths, found;
  std::string next;
  int pages = 0;
  do {
    const std::string after = next;
    ASSERT_EQ(tree_.EphemeralsBelow(access::Caller::Unrestricted(), "/", after, 9, 5, &paths, &next), Error::kOk);
    found.insert(found.end(), paths.begin(), paths.end());
    ++pages;
  } while (!next.empty() && pages < 100);
  EXPECT_GE(pages, 25 / 5);
  EXPECT_THAT(found, ElementsAre("/z"));
}

TEST_F(DataTreeTest, EphemeralsGoTogetherOldestFirstWithOneZxid) {  // 8.4, hazard 19
  Create("/d");
  Create("/d/b", 7);
  Create("/a", 7);
  Create("/d/c", 8);
  Create("/d/a", 7);
  EXPECT_THAT(tree_.Ephemerals(SessionId(7)), ElementsAre("/a", "/d/a", "/d/b"));
  EXPECT_EQ(StatOf("/a").ephemeral_owner, SessionId(7));
  EXPECT_EQ(tree_.ephemeral_count(), 4u);
  tree_.TakeEvents();
  EXPECT_TRUE(tree_.DeleteEphemerals(At(40), SessionId(7), 100));
  std::vector<Event> events = tree_.TakeEvents();
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].path, "/d/b");
  EXPECT_EQ(events[1].path, "/a");
  EXPECT_EQ(events[2].path, "/d/a");
  for (const Event& e : events) EXPECT_EQ(e.zxid, Zxid(40));
  EXPECT_EQ(StatOf("/d").pzxid, Zxid(40));
  EXPECT_EQ(tree_.ephemeral_count(), 1u);
  EXPECT_TRUE(tree_.Ephemerals(SessionId(7)).empty());
  EXPECT_EQ(tree_.digest(), tree_.ComputeDigest());
}

TEST_F(DataTreeTest, EventsCarryTheAclsOfTheirMoment) {  // 13.7
  CreateArgs args;
  args.path = "/a";
  args.acl = AclId(300);
  tree_.Create(At(1), args, nullptr, nullptr);
  args.path = "/a/b";
  args.acl = AclId(4);
  tree_.Create(At(2), args, nullptr, nullptr);
  tree_.Delete(At(3), "/a/b", -1);
  std::vector<Event> events = tree_.TakeEvents();
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[2].type, EventType::kDeleted);
  EXPECT_EQ(events[2].acl, AclId(4));
  EXPECT_EQ(events[2].parent_acl, AclId(300));
  EXPECT_TRUE(tree_.TakeEvents().empty());
}

TEST_F(DataTreeTest, OperationsOfOneMultiSeeEachOther) {  // 12.2
  tree_.Begin();
  EXPECT_EQ(Create("/a"), Error::kOk);
  EXPECT_EQ(Create("/a/s", 0, true), Error::kOk);
  EXPECT_EQ(Create("/a/s", 0, true), Error::kOk);
  EXPECT_EQ(created_, "/a/s0000000001");
  EXPECT_EQ(tree_.SetData(At(3), "/a", "new", 0, &stat_), Error::kOk);
  EXPECT_EQ(stat_.version, 1);
  EXPECT_EQ(tree_.Delete(At(3), "/a/s0000000000", 0), Error::kOk);
  tree_.Commit();
  EXPECT_EQ(StatOf("/a").cversion, 3);
  EXPECT_THAT(EventPaths(), ElementsAre("1 /a", "1 /a/s0000000000", "1 /a/s0000000001", "3 /a", "2 /a/s0000000000"));
  EXPECT_EQ(tree_.digest(), tree_.ComputeDigest());
}

TEST_F(DataTreeTest, RollbackLeavesNothingBehind) {  // 12.2: all or nothing, counters and versions included
  Create("/a");
  Create("/a/e", 7);
  Create("/b");
  tree_.TakeEvents();
  TreeDump before = Dump(tree_);
  size_t changed = tree_.changed_nodes();
  tree_.Begin();
  Create("/a/s", 0, true);
  tree_.Delete(At(9), "/a/e", -1);
  Create("/a/e", 8);
  tree_.SetData(At(9), "/a", "longer than it was before", -1, nullptr);
  tree_.SetData(At(9), "/a", std::nullopt, -1, nullptr);
  tree_.Delete(At(9), "/b", -1);
  tree_.Rollback();
  EXPECT_EQ(Dump(tree_), before);
  EXPECT_EQ(tree_.changed_nodes(), changed);
  EXPECT_TRUE(tree_.TakeEvents().empty());
  EXPECT_THAT(tree_.Ephemerals(SessionId(7)), ElementsAre("/a/e"));
  EXPECT_TRUE(tree_.Ephemerals(SessionId(8)).empty());
  EXPECT_EQ(tree_.digest(), tree_.ComputeDigest());
  Create("/a/s", 0, true);
  EXPECT_EQ(created_, "/a/s0000000001");
}

TEST_F(DataTreeTest, RollbackKeepsEventsFromBeforeBegin) {
  Create("/a");
  tree_.Begin();
  Create("/b");
  tree_.Rollback();
  EXPECT_THAT(EventPaths(), ElementsAre("1 /a"));
}

TEST_F(DataTreeTest, DigestDependsOnEveryNodeAndItsPlaceButNotOnTheOrder) {  // D13
  DataTree other;
  CreateArgs a{.path = "/a"}, b{.path = "/b"};
  Create("/x");
  tree_.Delete(At(2), "/x", -1);
  uint64_t empty = tree_.digest();
  EXPECT_NE(empty, other.digest());  // the root's counter moved
  DataTree one, two;
  one.Create(At(1), a, nullptr, nullptr);
  one.Create(At(1), b, nullptr, nullptr);
  two.Create(At(1), b, nullptr, nullptr);
  two.Create(At(1), a, nullptr, nullptr);
  EXPECT_EQ(one.digest(), two.digest());
  two.SetData(At(1), "/a", "1", -1, nullptr);
  one.SetData(At(1), "/b", "1", -1, nullptr);
  EXPECT_NE(one.digest(), two.digest());
}

TEST_F(DataTreeTest, ManyChildrenComeAndGo) {
  Create("/d");
  constexpr int kNodes = 50000;
  for (int i = 0; i < kNodes; ++i) ASSERT_EQ(Create(absl::StrCat("/d/", i * 7919 % kNodes), i % 2 + 1), Error::kOk);
  EXPECT_EQ(Children("/d").size(), static_cast<size_t>(kNodes));
  EXPECT_TRUE(tree_.DeleteEphemerals(At(100000), SessionId(1), SIZE_MAX));
  EXPECT_EQ(StatOf("/d").num_children, kNodes / 2);
  for (const std::string& name : Children("/d"))
    ASSERT_EQ(tree_.Exists(kServer, absl::StrCat("/d/", name), nullptr), Error::kOk);
  EXPECT_TRUE(tree_.DeleteEphemerals(At(100001), SessionId(2), SIZE_MAX));
  EXPECT_EQ(tree_.node_count(), 5u);
  EXPECT_EQ(tree_.digest(), tree_.ComputeDigest());
}

}  // namespace
}  // namespace synod::tree

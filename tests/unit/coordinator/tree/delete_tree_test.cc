// Deletions of many nodes: subtrees, the ephemerals of a session, idle nodes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/unit/coordinator/tree/tree_dump.h"

namespace synod::tree {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class DeleteTreeTest : public testing::Test {
 protected:
  ChangeContext At(uint64_t clock_us) {
    ChangeContext context;
    context.zxid = Zxid(++zxid_);
    context.log_clock_us = clock_us;
    return context;
  }
  void Create(const std::string& path, int64_t owner = 0) {
    CreateArgs args;
    args.path = path;
    args.data = "x";
    args.ephemeral_owner = SessionId(owner);
    ASSERT_EQ(tree_.Create(At(0), args, nullptr, nullptr), Error::kOk) << path;
  }
  void CreateContainer(const std::string& path) {
    CreateArgs args;
    args.path = path;
    args.container = true;
    ASSERT_EQ(tree_.Create(At(0), args, nullptr, nullptr), Error::kOk) << path;
  }
  void CreateTtl(const std::string& path, uint64_t ttl_ms, uint64_t clock_us) {
    CreateArgs args;
    args.path = path;
    args.ttl_ms = ttl_ms;
    ASSERT_EQ(tree_.Create(At(clock_us), args, nullptr, nullptr), Error::kOk) << path;
  }
  Error DeleteTree(const std::string& path, uint64_t max = 1000, bool partial = false, int32_t version = -1) {
    return tree_.DeleteTree(At(0), path, version, max, partial, &result_);
  }
  std::vector<std::string> Deleted() {
    std::vector<std::string> paths;
    for (const Event& e : tree_.TakeEvents()) {
      EXPECT_EQ(e.type, EventType::kDeleted);
      paths.push_back(e.path);
    }
    return paths;
  }
  std::vector<std::string> Idle(uint64_t clock_us, uint64_t container_idle_us = 0, size_t max = 100) {
    std::vector<std::string> paths;
    for (const IdleNode& node : tree_.FindIdle(clock_us, container_idle_us, max)) paths.push_back(node.path);
    return paths;
  }
  IdleNode Seen(const std::string& path) {
    Stat stat;
    EXPECT_EQ(tree_.Exists(kServer, path, &stat), Error::kOk);
    return IdleNode{path, stat.czxid, stat.mzxid};
  }

  DataTree tree_;
  DataTree::TreeDeleted result_;
  int64_t zxid_ = 0;
};

TEST_F(DeleteTreeTest, GoesChildrenFirstInTheOrderOfTheNamesEachWithItsEvent) {
  for (const char* path : {"/t", "/t/b", "/t/a-", "/t/a", "/t/a/z", "/t/a/y", "/u"}) Create(path);
  tree_.TakeEvents();
  EXPECT_EQ(DeleteTree("/t"), Error::kOk);
  EXPECT_EQ(result_.deleted, 6u);
  EXPECT_EQ(result_.remaining, 0u);
  EXPECT_THAT(Deleted(), ElementsAre("/t/a/y", "/t/a/z", "/t/a", "/t/a-", "/t/b", "/t"));
  EXPECT_TRUE(tree_.Has("/u"));
  EXPECT_EQ(tree_.digest(), tree_.ComputeDigest());
}

TEST_F(DeleteTreeTest, BoundRefusesAllOrTakesTheFirstInOrder) {
  for (const char* path : {"/t", "/t/c", "/t/a", "/t/b", "/t/b/x"}) Create(path);
  tree_.TakeEvents();
  EXPECT_EQ(DeleteTree("/t", 4), Error::kTooLarge);
  EXPECT_THAT(Deleted(), IsEmpty());
  EXPECT_EQ(DeleteTree("/t", 2, true), Error::kOk);
  EXPECT_EQ(result_.deleted, 2u);
  EXPECT_EQ(result_.remaining, 3u);
  EXPECT_THAT(Deleted(), ElementsAre("/t/a", "/t/b/x"));
  EXPECT_EQ(DeleteTree("/t", 3, true), Error::kOk);
  EXPECT_EQ(result_.remaining, 0u);
  EXPECT_THAT(Deleted(), ElementsAre("/t/b", "/t/c", "/t"));
}

TEST_F(DeleteTreeTest, ErrorsComeInTheOrderOfDelete) {  // 11.2
  for (const char* path : {"/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config", "x", "", "/a/"}) {
    EXPECT_EQ(DeleteTree(path), Error::kBadArguments) << path;
  }
  EXPECT_EQ(DeleteTree("/x/y"), Error::kNoNode);
  EXPECT_EQ(DeleteTree("/x"), Error::kNoNode);
  Create("/x");
  Create("/x/y");
  EXPECT_EQ(DeleteTree("/x", 1, false, 7), Error::kBadVersion);
  EXPECT_EQ(DeleteTree("/x", 1, false, 0), Error::kTooLarge);
  EXPECT_EQ(DeleteTree("/x", 2, false, 0), Error::kOk);
}

TEST_F(DeleteTreeTest, RollbackBringsTheSubtreeBack) {
  for (const char* path : {"/t", "/t/b", "/t/b/x"}) Create(path);
  Create("/t/e", 7);
  TreeDump before = Dump(tree_);
  tree_.Begin();
  EXPECT_EQ(DeleteTree("/t"), Error::kOk);
  EXPECT_FALSE(tree_.Has("/t"));
  tree_.Rollback();
  EXPECT_EQ(Dump(tree_), before);
  uint64_t count = 0;
  tree_.CountDescendants(kServer, "/t", &count);
  EXPECT_EQ(count, 3u);
}

TEST_F(DeleteTreeTest, SubtreeOfHundredThousandGoesInBoundedSteps) {
  constexpr int kNodes = 100000;
  Create("/t");
  for (int d = 0; d < 10; ++d) Create(absl::StrCat("/t/", d));
  for (int i = 0; i < kNodes; ++i) Create(absl::StrCat("/t/", i % 10, "/", i * 7919 % kNodes));
  tree_.TakeEvents();
  int steps = 0;
  do {
    ASSERT_EQ(DeleteTree("/t", 1000, true), Error::kOk);
    EXPECT_LE(tree_.TakeEvents().size(), 1000u);
    ++steps;
  } while (result_.remaining != 0);
  EXPECT_EQ(steps, (kNodes + 11 + 999) / 1000);
  EXPECT_EQ(tree_.node_count(), 4u);
  EXPECT_EQ(tree_.digest(), tree_.ComputeDigest());
}

TEST_F(DeleteTreeTest, EphemeralsOfHundredThousandGoInBoundedStepsOldestFirst) {
  constexpr int kNodes = 100000;
  Create("/d");
  for (int i = 0; i < kNodes; ++i) Create(absl::StrCat("/d/", i * 7919 % kNodes), 5);
  tree_.TakeEvents();
  int steps = 0;
  int deleted = 0;
  for (bool done = false; !done; ++steps) {
    done = tree_.DeleteEphemerals(At(0), SessionId(5), 1000);
    for (const std::string& path : Deleted()) {
      ASSERT_EQ(path, absl::StrCat("/d/", deleted * 7919 % kNodes));
      ++deleted;
    }
    ASSERT_LE(deleted, steps * 1000 + 1000);
  }
  EXPECT_EQ(steps, kNodes / 1000);
  EXPECT_EQ(deleted, kNodes);
  EXPECT_TRUE(tree_.DeleteEphemerals(At(0), SessionId(5), 0));
}

TEST_F(DeleteTreeTest, EphemeralsOfOneMultiGoInTheOrderOfTheirPaths) {
  Create("/d");
  tree_.Begin();
  int64_t zxid = zxid_;
  for (const char* path : {"/d/z", "/a", "/d-", "/d/a"}) {
    zxid_ = zxid;
    Create(path, 5);
  }
  tree_.Commit();
  tree_.TakeEvents();
  EXPECT_FALSE(tree_.DeleteEphemerals(At(0), SessionId(5), 3));
  EXPECT_TRUE(tree_.DeleteEphemerals(At(0), SessionId(5), 3));
  EXPECT_THAT(Deleted(), ElementsAre("/a", "/d-", "/d/a", "/d/z"));
}

// L5: a TTL counts the log's clock from the last data change; child changes do not renew it (8.6).
TEST_F(DeleteTreeTest, TtlNodeIsIdleWhenItsTimeIsOverAndItHasNoChildren) {
  CreateTtl("/t", 5, 10000);
  EXPECT_THAT(Idle(14999), IsEmpty());
  EXPECT_THAT(Idle(15000), ElementsAre("/t"));
  ASSERT_EQ(tree_.SetData(At(12000), "/t", "y", -1, nullptr), Error::kOk);
  EXPECT_THAT(Idle(16999), IsEmpty());
  EXPECT_THAT(Idle(17000), ElementsAre("/t"));
  Create("/t/c");
  EXPECT_THAT(Idle(UINT64_MAX), IsEmpty());
  ASSERT_EQ(tree_.Delete(At(90000), "/t/c", -1), Error::kOk);
  EXPECT_THAT(Idle(16999), IsEmpty());
  EXPECT_THAT(Idle(17000), ElementsAre("/t"));
}

TEST_F(DeleteTreeTest, ContainerIsIdleOnceItsLastChildWent) {  // 8.5
  CreateContainer("/c");
  EXPECT_THAT(Idle(UINT64_MAX), IsEmpty());  // never used
  Create("/c/1");
  Create("/c/2");
  tree_.Delete(At(1000), "/c/1", -1);
  EXPECT_THAT(Idle(UINT64_MAX), IsEmpty());
  tree_.Delete(At(2000), "/c/2", -1);
  EXPECT_THAT(Idle(2000 + 499, 500), IsEmpty());
  EXPECT_THAT(Idle(2000 + 500, 500), ElementsAre("/c"));
  tree_.Begin();
  Create("/c/3");
  tree_.Delete(At(9000), "/c/3", -1);
  tree_.Rollback();
  EXPECT_THAT(Idle(2000 + 500, 500), ElementsAre("/c"));  // idle since then, as before
}

TEST_F(DeleteTreeTest, IdleNodesComeInTheOrderInWhichTheyFellDue) {
  CreateTtl("/b", 9, 0);
  CreateTtl("/a", 3, 0);
  CreateContainer("/c");
  Create("/c/1");
  tree_.Delete(At(4000), "/c/1", -1);
  EXPECT_THAT(Idle(20000, 1000), ElementsAre("/a", "/c", "/b"));
  EXPECT_THAT(Idle(20000, 6000), ElementsAre("/a", "/b", "/c"));
  EXPECT_THAT(Idle(20000, 1000, 2), ElementsAre("/a", "/c"));
}

TEST_F(DeleteTreeTest, RemoveIdleTakesOnlyTheNodeThatWasSeen) {
  CreateTtl("/t", 5, 0);
  IdleNode seen = Seen("/t");
  EXPECT_EQ(tree_.RemoveIdle(At(4999), seen), Error::kBadArguments);  // its time is not over
  IdleNode other = seen;
  other.czxid = Zxid(99);
  EXPECT_EQ(tree_.RemoveIdle(At(5000), other), Error::kBadVersion);
  tree_.SetData(At(0), "/t", "y", -1, nullptr);
  EXPECT_EQ(tree_.RemoveIdle(At(5000), seen), Error::kBadVersion);
  seen = Seen("/t");
  Create("/t/c");
  EXPECT_EQ(tree_.RemoveIdle(At(5000), seen), Error::kNotEmpty);
  tree_.Delete(At(0), "/t/c", -1);
  tree_.TakeEvents();
  EXPECT_EQ(tree_.RemoveIdle(At(5000), seen), Error::kOk);
  EXPECT_THAT(Deleted(), ElementsAre("/t"));
  EXPECT_EQ(tree_.RemoveIdle(At(5000), seen), Error::kNoNode);
  CreateContainer("/c");
  EXPECT_EQ(tree_.RemoveIdle(At(5000), Seen("/c")), Error::kBadArguments);  // never used
  Create("/p");
  EXPECT_EQ(tree_.RemoveIdle(At(5000), Seen("/p")), Error::kBadArguments);
}

TEST_F(DeleteTreeTest, IdleNodesSurviveASnapshot) {
  CreateTtl("/t", 5, 1000);
  CreateContainer("/c");
  Create("/c/1");
  tree_.Delete(At(70000), "/c/1", -1);
  CreateContainer("/unused");
  Records records = AllRecords(tree_);
  std::unique_ptr<DataTree> loaded = Load(records);
  std::vector<std::string> idle;
  for (const IdleNode& node : loaded->FindIdle(6000, 1000, 10)) idle.push_back(node.path);
  EXPECT_THAT(idle, ElementsAre("/c", "/t"));  // the container counts from 0
  EXPECT_THAT(loaded->FindIdle(5999, 6000, 10), IsEmpty());
  EXPECT_EQ(loaded->digest(), tree_.digest());
}

}  // namespace
}  // namespace synod::tree

// Section 18 of the protocol sheet.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "coordinator/tree/quota_table.h"
#include "tests/unit/coordinator/tree/tree_dump.h"

namespace synod::tree {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

TEST(QuotaLimits, TextIsReadAsClientsWriteIt) {
  EXPECT_EQ(ParseQuotaLimits("count=5,bytes=100"), (QuotaLimits{5, 100, -1, -1}));
  EXPECT_EQ(ParseQuotaLimits("count=5,bytes=-1=;byteHardLimit=7;countHardLimit=9"), (QuotaLimits{5, -1, 9, 7}));
  EXPECT_EQ(ParseQuotaLimits("bytes=0;count=3"), (QuotaLimits{3, 0, -1, -1}));
  EXPECT_EQ(ParseQuotaLimits("count=-1,bytes=-1"), (QuotaLimits{}));
  EXPECT_EQ(ParseQuotaLimits(""), (QuotaLimits{}));
  EXPECT_EQ(ParseQuotaLimits("nonsense;;=,count=x,bytes=1x,count="), (QuotaLimits{}));
  EXPECT_EQ(ParseQuotaLimits("count=99999999999999999999"), (QuotaLimits{}));
}

class QuotaTest : public testing::Test {
 protected:
  ChangeContext Context() {
    ChangeContext context;
    context.zxid = Zxid(++zxid_);
    context.enforce_quota = enforce_;
    return context;
  }
  Error Create(const std::string& path, const std::string& data = "") {
    CreateArgs args;
    args.path = path;
    args.data = data;
    return tree_.Create(Context(), args, nullptr, nullptr);
  }
  Error Set(const std::string& path, const std::string& data, int32_t version = -1) {
    return tree_.SetData(Context(), path, data, version, nullptr);
  }
  Error Delete(const std::string& path) { return tree_.Delete(Context(), path, -1); }
  // As zkCli's setquota.
  void Limit(const std::string& path, const std::string& limits) {
    std::string node = "/zookeeper/quota" + path;
    for (size_t slash = node.find('/', 17); slash != std::string::npos; slash = node.find('/', slash + 1)) {
      Create(node.substr(0, slash));
    }
    Create(node);
    if (Create(node + "/zookeeper_limits", limits) == Error::kNodeExists) {
      ASSERT_EQ(Set(node + "/zookeeper_limits", limits), Error::kOk);
    }
    Create(node + "/zookeeper_stats", "count=77,bytes=77");
  }
  std::string Usage(const std::string& path) {
    std::optional<std::string_view> data;
    Stat stat;
    EXPECT_EQ(tree_.GetData(kServer, "/zookeeper/quota" + path + "/zookeeper_stats", &data, &stat), Error::kOk);
    EXPECT_EQ(static_cast<size_t>(stat.data_length), data->size());
    return std::string(*data);
  }

  DataTree tree_;
  bool enforce_ = true;
  int64_t zxid_ = 0;
};

TEST_F(QuotaTest, HardCountRefusesTheCreateBeyondIt) {
  Limit("/a", "count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=3");
  EXPECT_EQ(Create("/a"), Error::kOk);  // the node itself counts
  EXPECT_EQ(Create("/a/1"), Error::kOk);
  EXPECT_EQ(Create("/a/1/2"), Error::kOk);
  EXPECT_EQ(Create("/a/1/3"), Error::kQuotaExceeded);
  EXPECT_EQ(Create("/a/1/2"), Error::kNodeExists);  // 11.1: quota comes last
  EXPECT_EQ(Create("/ab"), Error::kOk);
  EXPECT_EQ(Usage("/a"), "count=3,bytes=0");
  EXPECT_EQ(Delete("/a/1/2"), Error::kOk);
  EXPECT_EQ(Create("/a/1/3"), Error::kOk);
  EXPECT_THAT(tree_.TakeQuotaExcesses(), IsEmpty());
}

TEST_F(QuotaTest, HardBytesRefuseWhatGrowsAndNothingElse) {
  Create("/a");
  Create("/a/1", "12345");
  Limit("/a", "byteHardLimit=6");
  EXPECT_EQ(Create("/a/2", "12"), Error::kQuotaExceeded);
  EXPECT_EQ(Create("/a/2", "1"), Error::kOk);
  EXPECT_EQ(Set("/a/1", "123456"), Error::kQuotaExceeded);
  EXPECT_EQ(Set("/a/1", "123456", 9), Error::kQuotaExceeded);  // 11.3: before the version
  EXPECT_EQ(Set("/a/1", "1234", 9), Error::kBadVersion);
  EXPECT_EQ(Set("/a/1", "54321"), Error::kOk);
  Limit("/a", "byteHardLimit=2");
  EXPECT_EQ(Set("/a/1", "1234"), Error::kOk);  // still beyond, and less
  EXPECT_EQ(Create("/a/3"), Error::kOk);       // adds no byte
  EXPECT_EQ(Usage("/a"), "count=4,bytes=5");
}

TEST_F(QuotaTest, DeepestRegisteredPrefixIsTheOnlyOneThatCounts) {
  Create("/a");
  Create("/a/b");
  Limit("/a", "countHardLimit=2");
  EXPECT_EQ(Create("/a/b/c"), Error::kQuotaExceeded);
  Limit("/a/b", "countHardLimit=10");
  EXPECT_EQ(Create("/a/b/c"), Error::kOk);
  EXPECT_EQ(Create("/a/c"), Error::kQuotaExceeded);
  EXPECT_EQ(Delete("/zookeeper/quota/a/b/zookeeper_limits"), Error::kOk);
  EXPECT_EQ(Create("/a/b/d"), Error::kQuotaExceeded);
  EXPECT_EQ(Delete("/zookeeper/quota/a/zookeeper_limits"), Error::kOk);
  EXPECT_EQ(Create("/a/b/d"), Error::kOk);
}

TEST_F(QuotaTest, SoftLimitWarnsAndTheHardOneIsComparedInItsPlace) {
  Limit("/a", "count=1,bytes=2");
  EXPECT_EQ(Create("/a", "123"), Error::kOk);
  std::vector<QuotaExcess> excesses = tree_.TakeQuotaExcesses();
  ASSERT_THAT(excesses, SizeIs(1));
  EXPECT_EQ(excesses[0].path, "/a");
  EXPECT_EQ(excesses[0].count, 1);
  EXPECT_EQ(excesses[0].bytes, 3);
  EXPECT_EQ(excesses[0].bytes_limit, 2);
  EXPECT_EQ(Create("/a/1"), Error::kOk);
  EXPECT_EQ(Create("/a/2"), Error::kOk);
  excesses = tree_.TakeQuotaExcesses();
  ASSERT_THAT(excesses, SizeIs(1));  // one a command and path: how it was left
  EXPECT_EQ(excesses[0].count, 3);
  EXPECT_EQ(excesses[0].count_limit, 1);
  Limit("/a", "count=1,bytes=2=;countHardLimit=4");
  EXPECT_EQ(Create("/a/3"), Error::kOk);
  EXPECT_THAT(tree_.TakeQuotaExcesses(), IsEmpty());
  EXPECT_EQ(Create("/a/4"), Error::kQuotaExceeded);
  enforce_ = false;
  EXPECT_EQ(Create("/a/4"), Error::kOk);
  EXPECT_THAT(tree_.TakeQuotaExcesses(), SizeIs(1));
  EXPECT_EQ(Delete("/a/4"), Error::kOk);
  EXPECT_THAT(tree_.TakeQuotaExcesses(), IsEmpty());
}

TEST_F(QuotaTest, OperationsOfOneMultiAddUp) {
  Create("/a");
  Limit("/a", "countHardLimit=2");
  tree_.Begin();
  EXPECT_EQ(Create("/a/1"), Error::kOk);
  EXPECT_EQ(Create("/a/2"), Error::kQuotaExceeded);
  EXPECT_EQ(Delete("/a/1"), Error::kOk);
  EXPECT_EQ(Create("/a/2"), Error::kOk);
  tree_.Rollback();
  EXPECT_EQ(Usage("/a"), "count=1,bytes=0");
}

TEST_F(QuotaTest, RollbackRestoresTheRegistrations) {
  Create("/a");
  Limit("/a", "countHardLimit=1");
  tree_.Begin();
  Limit("/a", "countHardLimit=5");
  EXPECT_EQ(Create("/a/1"), Error::kOk);
  EXPECT_EQ(Delete("/a/1"), Error::kOk);
  EXPECT_EQ(Delete("/a"), Error::kOk);
  EXPECT_EQ(Delete("/zookeeper/quota/a/zookeeper_limits"), Error::kOk);
  EXPECT_EQ(Create("/a"), Error::kOk);
  Limit("/b", "countHardLimit=0");
  EXPECT_EQ(Create("/b"), Error::kQuotaExceeded);
  tree_.Rollback();
  EXPECT_EQ(Create("/a/1"), Error::kQuotaExceeded);
  EXPECT_EQ(Create("/b"), Error::kOk);
}

TEST_F(QuotaTest, LoadRestoresTheRegistrations) {
  Create("/a");
  Create("/zz");
  Limit("/a", "countHardLimit=1");
  Limit("/zz", "countHardLimit=1");  // its limits sort before it
  Records records = AllRecords(tree_);
  std::unique_ptr<DataTree> loaded = Load(records);
  for (const char* path : {"/a/1", "/zz/1"}) {
    CreateArgs args;
    args.path = path;
    EXPECT_EQ(loaded->Create(Context(), args, nullptr, nullptr), Error::kQuotaExceeded) << path;
  }
  EXPECT_EQ(Dump(*loaded), Dump(tree_));
}

TEST_F(QuotaTest, UsageIsShownAndNeverWritten) {  // 6.2: no version, no mzxid, no watch
  Limit("/a", "count=10");
  Stat before, after;
  const std::string stats = "/zookeeper/quota/a/zookeeper_stats";
  tree_.Exists(kServer, stats, &before);
  EXPECT_EQ(Usage("/a"), "count=0,bytes=0");  // not what the client wrote, nor is there a node yet
  Create("/a", "12345");
  for (int i = 0; i < 10; ++i) Create("/a/" + std::to_string(i));
  tree_.TakeEvents();
  EXPECT_EQ(Usage("/a"), "count=11,bytes=5");
  tree_.Exists(kServer, stats, &after);
  EXPECT_EQ(after.data_length, before.data_length + 1);
  after.data_length = before.data_length;
  EXPECT_EQ(after, before);
  PageArgs page;
  page.path = "/zookeeper/quota/a";
  page.with_data = page.with_stat = true;
  std::vector<PageEntry> entries;
  bool more = false;
  ASSERT_EQ(tree_.ListPage(kServer, page, &entries, &more, nullptr), Error::kOk);
  ASSERT_THAT(entries, SizeIs(2));
  EXPECT_EQ(entries[0].data, "count=10");
  EXPECT_EQ(entries[1].data, "count=11,bytes=5");
  EXPECT_EQ(entries[1].stat->data_length, 16);
  EXPECT_THAT(tree_.TakeEvents(), IsEmpty());
  EXPECT_EQ(tree_.digest(), tree_.ComputeDigest());
}

TEST_F(QuotaTest, RootAndWhatIsBelowZookeeperHaveNone) {
  Create("/zookeeper/quota/zookeeper_limits", "countHardLimit=0");
  Limit("/zookeeper/quota", "countHardLimit=0");
  EXPECT_EQ(Create("/x"), Error::kOk);
  EXPECT_EQ(Create("/zookeeper/quota/x"), Error::kOk);
}

}  // namespace
}  // namespace synod::tree

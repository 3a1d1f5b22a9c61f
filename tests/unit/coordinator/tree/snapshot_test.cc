// D7, D8: single cases of the change set, and what loading refuses.
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/unit/coordinator/tree/tree_dump.h"

namespace synod::tree {
namespace {

class SnapshotTest : public testing::Test {
 protected:
  void Create(const std::string& path) {
    CreateArgs args;
    args.path = path;
    ASSERT_EQ(tree_.Create({Zxid(++zxid_), 0}, args, nullptr, nullptr), Error::kOk);
  }
  void Delete(const std::string& path) { ASSERT_EQ(tree_.Delete({Zxid(++zxid_), 0}, path, -1), Error::kOk); }
  void Set(const std::string& path, std::string_view data) {
    ASSERT_EQ(tree_.SetData({Zxid(++zxid_), 0}, path, data, -1, nullptr), Error::kOk);
  }
  std::map<std::string, std::optional<std::string>> Write() {
    std::map<std::string, std::optional<std::string>> out;
    EXPECT_TRUE(
        tree_.WriteClosed([&](std::string k, std::optional<std::string> v) { out[k] = v; }, [] { return true; }));
    return out;
  }
  std::set<std::string> WrittenKeys() {
    std::set<std::string> keys;
    for (const auto& [key, value] : Write()) keys.insert((value.has_value() ? "+" : "-") + key);
    return keys;
  }

  DataTree tree_;
  int64_t zxid_ = 0;
};

using Keys = std::set<std::string>;

TEST_F(SnapshotTest, FirstCutHoldsEverythingTheNextOnlyWhatChanged) {
  Create("/a");
  tree_.CloseChanges();
  EXPECT_EQ(WrittenKeys(), (Keys{"+n/", "+n/a", "+n/zookeeper", "+n/zookeeper/config", "+n/zookeeper/quota"}));
  Create("/a/b");
  EXPECT_EQ(tree_.changed_nodes(), 2u);
  tree_.CloseChanges();
  EXPECT_EQ(WrittenKeys(), (Keys{"+n/a", "+n/a/b"}));
  tree_.CloseChanges();
  EXPECT_EQ(WrittenKeys(), Keys{});
}

TEST_F(SnapshotTest, DeletedNodeLeavesATombstoneUnlessNothingStoredKnowsIt) {
  Create("/a");
  tree_.CloseChanges();
  Write();
  Create("/b");
  Delete("/b");  // never in a snapshot
  Delete("/a");
  EXPECT_EQ(tree_.changed_nodes(), 2u);  // "/" and the tombstone
  tree_.CloseChanges();
  EXPECT_EQ(WrittenKeys(), (Keys{"+n/", "-n/a"}));
}

TEST_F(SnapshotTest, RecreatedNodeTakesThePlaceOfItsTombstone) {
  Create("/a");
  tree_.CloseChanges();
  Write();
  Delete("/a");
  Create("/a");
  tree_.CloseChanges();
  EXPECT_EQ(WrittenKeys(), (Keys{"+n/", "+n/a"}));
  Delete("/a");
  tree_.CloseChanges();
  EXPECT_EQ(WrittenKeys(), (Keys{"+n/", "-n/a"}));
}

TEST_F(SnapshotTest, FirstChangeAfterTheCloseSavesTheOldVersion) {
  Create("/a");
  Set("/a", "old");
  Create("/b");
  TreeDump at_close = Dump(tree_);
  tree_.CloseChanges();
  Set("/a", "new");
  Set("/a", "newer");
  Delete("/b");
  Create("/b");
  Create("/c");
  Records records;
  for (const auto& [key, value] : Write()) records[key] = value.value();
  EXPECT_EQ(Dump(*Load(records)), at_close);
}

TEST_F(SnapshotTest, SlotReusedAfterTheCloseIsNotWrittenWithTheCut) {
  Create("/a");
  Delete("/a");
  tree_.CloseChanges();
  Create("/b");  // takes the slot of "/a", which is still in the closed list
  EXPECT_EQ(WrittenKeys(), (Keys{"+n/", "+n/zookeeper", "+n/zookeeper/config", "+n/zookeeper/quota"}));
  tree_.CloseChanges();
  EXPECT_EQ(WrittenKeys(), (Keys{"+n/", "+n/b"}));
}

TEST_F(SnapshotTest, FailedCutIsWrittenAgainWithTheNext) {
  Create("/a");
  Create("/b");
  tree_.CloseChanges();
  Write();
  Set("/a", "1");
  Delete("/b");
  tree_.CloseChanges();
  Write();
  tree_.ReopenChanges();
  EXPECT_EQ(tree_.changed_nodes(), 3u);
  tree_.CloseChanges();
  EXPECT_EQ(WrittenKeys(), (Keys{"+n/", "+n/a", "-n/b"}));
}

TEST_F(SnapshotTest, NodeRecreatedAfterAFailedTombstoneStillLeavesOneWhenDeleted) {
  Create("/a");
  tree_.CloseChanges();
  Write();
  Delete("/a");
  tree_.CloseChanges();
  Create("/a");
  tree_.ReopenChanges();  // the store still has "/a"
  Delete("/a");
  tree_.CloseChanges();
  EXPECT_EQ(WrittenKeys(), (Keys{"+n/", "-n/a"}));
}

TEST_F(SnapshotTest, WritesInSlices) {
  for (int i = 0; i < 1000; ++i) Create(absl::StrCat("/", i));
  tree_.CloseChanges();
  size_t records = 0;
  int calls = 1;
  auto emit = [&](std::string, std::optional<std::string>) { ++records; };
  while (!tree_.WriteClosed(emit, [] { return false; })) ++calls;
  EXPECT_EQ(records, 1004u);
  EXPECT_GE(calls, 40);
  EXPECT_LE(calls, 100);
}

TEST_F(SnapshotTest, RolledBackMultiLeavesTheCutAsItWas) {
  Create("/a");
  tree_.CloseChanges();
  tree_.Begin();
  Set("/a", "x");
  Delete("/a");
  tree_.Rollback();
  EXPECT_EQ(tree_.changed_nodes(), 0u);
  EXPECT_EQ(Write().size(), 5u);
  tree_.CloseChanges();
  EXPECT_EQ(WrittenKeys(), Keys{});
}

TEST_F(SnapshotTest, LoadingRefusesDamage) {
  Create("/a");
  Create("/a/b");
  Records records = AllRecords(tree_);
  auto refuses = [](const Records& r) {
    std::unique_ptr<DataTree> tree = DataTree::ForLoading();
    for (const auto& [key, value] : r) {
      if (absl::IsDataLoss(tree->LoadRecord(key, value))) return true;
    }
    return absl::IsDataLoss(tree->FinishLoading());
  };
  EXPECT_FALSE(refuses(records));
  for (const auto& [key, value] : records) {
    Records missing = records;
    missing.erase(key);
    EXPECT_EQ(refuses(missing), key != "n/a/b") << key;
    for (size_t length = 0; length < value.size(); ++length) {
      Records shorter = records;
      shorter[key] = value.substr(0, length);
      EXPECT_TRUE(refuses(shorter)) << key << " cut to " << length;
    }
    Records longer = records;
    longer[key] += "x";
    EXPECT_TRUE(refuses(longer)) << key;
    Records other_format = records;
    other_format[key][0] = 1;  // yesterday's
    EXPECT_TRUE(refuses(other_format)) << key;
    Records unknown_kind = records;
    unknown_kind[key][1] = 4;
    EXPECT_TRUE(refuses(unknown_kind)) << key;
  }
  Records bad_path = records;
  bad_path["n/a//c"] = records["n/a"];
  EXPECT_TRUE(refuses(bad_path));
  Records bad_key = records;
  bad_key["x/a"] = records["n/a"];
  EXPECT_TRUE(refuses(bad_key));
  Records too_many = records;
  too_many["n/q"] = records["n/a"];  // "/" counts one create
  EXPECT_TRUE(refuses(too_many));
}

TEST_F(SnapshotTest, KindAndTtlSurvive) {
  ByteWriter out;
  out.U8(2);
  out.U8(3);  // TTL
  for (int i = 0; i < 7; ++i) out.SignedVarint(i * 1000 - 3);
  out.Varint(5);
  out.Varint(70000);
  out.Varint(1099511627775);  // ttl
  out.Varint(123456789);      // renewed
  out.Varint(0);              // null data
  std::unique_ptr<DataTree> tree = LoadWith("/t", out.bytes());
  ASSERT_EQ(tree->SetData({Zxid(1), 0, 987654321}, "/t", std::nullopt, -1, nullptr), Error::kOk);
  std::optional<std::string> written;
  tree->CloseChanges();
  EXPECT_TRUE(tree->WriteClosed([&](std::string, std::optional<std::string> v) { written = v; }, [] { return true; }));
  ASSERT_TRUE(written.has_value());
  ByteReader in(*written);
  EXPECT_EQ(in.U8(), 2);
  EXPECT_EQ(in.U8(), 3);
  for (int i = 0; i < 7; ++i) in.SignedVarint();
  EXPECT_EQ(in.Varint(), 5u);
  EXPECT_EQ(in.Varint(), 70000u);
  EXPECT_EQ(in.Varint(), 1099511627775u);
  EXPECT_EQ(in.Varint(), 987654321u);
  EXPECT_EQ(in.Varint(), 0u);
  EXPECT_TRUE(in.Finish("record").ok());
}

}  // namespace
}  // namespace synod::tree

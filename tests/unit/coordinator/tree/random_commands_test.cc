// Random commands against a plain model: a map of path to struct. Each seed is a test of its own; a failure names it.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "coordinator/tree/data_tree.h"
#include "coordinator/tree/path.h"
#include "tests/unit/coordinator/tree/tree_dump.h"

namespace synod::tree {
namespace {

using Random = std::mt19937_64;
using Data = std::optional<std::string>;

struct ModelNode {
  Stat stat;
  uint64_t creates = 0;
  Data data;
  AclId acl;
};

// What the protocol sheet says, written as plainly as possible.
class Model {
 public:
  Model() {
    for (const char* path : {"/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"}) nodes[path].data = "";
    nodes["/zookeeper/config"].stat.version = nodes["/zookeeper/config"].stat.aversion = -1;
    nodes["/zookeeper/config"].acl = AclId(1);
  }
  std::vector<std::string> Children(const std::string& path) const {
    std::vector<std::string> names;
    for (const auto& [p, node] : nodes) {
      if (p != "/" && ParentPath(p) == path) names.emplace_back(BaseName(p));
    }
    return names;
  }
  Error Create(const ChangeContext& c, const CreateArgs& args, std::string* final_path) {
    std::string path(args.path);
    if (path.find('/') == std::string::npos) return Error::kBadArguments;
    auto parent = nodes.find(std::string(ParentPath(path)));
    if (parent == nodes.end()) return Error::kNoNode;
    if (args.sequential) path += absl::StrFormat("%010d", parent->second.creates);
    if (!IsValidPath(path)) return Error::kBadArguments;
    if (nodes.contains(path)) return Error::kNodeExists;
    if (parent->second.stat.ephemeral_owner.value() != 0) return Error::kNoChildrenForEphemerals;
    ++parent->second.creates;
    parent->second.stat.pzxid = c.zxid;
    ModelNode& node = nodes[path];
    node.stat.czxid = node.stat.mzxid = node.stat.pzxid = c.zxid;
    node.stat.ctime_ms = node.stat.mtime_ms = c.wall_ms;
    node.stat.ephemeral_owner = args.ephemeral_owner;
    if (args.data.has_value()) node.data = std::string(*args.data);
    node.acl = args.acl;
    *final_path = path;
    return Error::kOk;
  }
  Error Delete(const ChangeContext& c, const std::string& path, int32_t version) {
    if (IsSystemPath(path) || !IsValidPath(path)) return Error::kBadArguments;
    if (!nodes.contains(path)) return Error::kNoNode;
    if (version != -1 && version != nodes[path].stat.version) return Error::kBadVersion;
    if (!Children(path).empty()) return Error::kNotEmpty;
    nodes.erase(path);
    Zxid& pzxid = nodes[std::string(ParentPath(path))].stat.pzxid;
    pzxid = std::max(pzxid, c.zxid);
    return Error::kOk;
  }
  Error SetData(const ChangeContext& c, const std::string& path, const Data& data, int32_t version) {
    if (!IsValidPath(path)) return Error::kBadArguments;
    if (!nodes.contains(path)) return Error::kNoNode;
    ModelNode& node = nodes[path];
    if (version != -1 && version != node.stat.version) return Error::kBadVersion;
    node.data = data;
    if (path != "/zookeeper/config") ++node.stat.version;
    node.stat.mzxid = c.zxid;
    node.stat.mtime_ms = c.wall_ms;
    return Error::kOk;
  }
  void DeleteEphemerals(const ChangeContext& c, SessionId owner) {
    for (const std::string& path : Ephemerals(owner)) EXPECT_EQ(Delete(c, path, -1), Error::kOk);
  }
  std::vector<std::string> Ephemerals(SessionId owner) const {
    std::vector<std::string> paths;
    for (const auto& [path, node] : nodes) {
      if (node.stat.ephemeral_owner == owner) paths.push_back(path);
    }
    return paths;
  }
  // What the tree must show. The digest is the tree's own affair.
  TreeDump Expected(uint64_t digest) const {
    TreeDump dump;
    dump.digest = digest;
    for (const auto& [path, node] : nodes) {
      NodeDump& out = dump.nodes[path];
      out.children = Children(path);
      out.stat = node.stat;
      out.stat.num_children = static_cast<int32_t>(out.children.size());
      out.stat.cversion = static_cast<int32_t>(2 * node.creates - out.children.size());
      out.stat.data_length = static_cast<int32_t>(node.data.value_or("").size());
      out.data = node.data;
      out.acl = node.acl;
      dump.data_bytes += path.size() + node.data.value_or("").size();
      dump.ephemeral_count += node.stat.ephemeral_owner.value() != 0;
    }
    dump.node_count = nodes.size();
    return dump;
  }

  std::map<std::string, ModelNode> nodes;
};

class RandomCommands : public testing::TestWithParam<int> {
 protected:
  std::string RandomPath() {
    std::string path;
    for (int depth = 1 + static_cast<int>(random_() % 3); depth > 0; --depth) absl::StrAppend(&path, "/", Name());
    if (random_() % 50 == 0) path += "/";
    if (random_() % 100 == 0) path = path.substr(1);
    if (random_() % 100 == 0) path = "/";
    if (random_() % 100 == 0) path = "/zookeeper/config";
    return path;
  }
  std::string Name() {
    static const char* const kNames[] = {"a",         "b",       "ab", "a-", "a.b", "longer-name-than-sso-allows",
                                         "zookeeper", "\xc3\xa9"};
    return kNames[random_() % 8];
  }
  Data RandomData() {
    if (random_() % 8 == 0) return std::nullopt;
    return std::string(random_() % 4 == 0 ? random_() % 700 : random_() % 40, static_cast<char>('a' + random_() % 26));
  }
  int32_t RandomVersion() { return random_() % 2 == 0 ? -1 : static_cast<int32_t>(random_() % 3); }

  // One command, on tree and model alike.
  Error Step() {
    ChangeContext context{Zxid(++zxid_), static_cast<int64_t>(random_() % 1000000)};
    std::string path = RandomPath();
    switch (random_() % 16) {
      default: {
        Data data = RandomData();
        CreateArgs args;
        args.path = path;
        if (data.has_value()) args.data = *data;
        args.acl = AclId(static_cast<uint32_t>(random_() % 3 * 100));
        if (random_() % 4 == 0) args.ephemeral_owner = SessionId(1 + static_cast<int64_t>(random_() % 3));
        args.sequential = random_() % 6 == 0;
        std::string expected, got;
        Stat stat;
        Error error = model_.Create(context, args, &expected);
        EXPECT_EQ(tree_->Create(context, args, &got, &stat), error) << path;
        EXPECT_EQ(got, expected);
        return error;
      }
      case 0:
      case 1:
      case 2:
      case 3:
      case 4: {
        int32_t version = RandomVersion();
        Error error = model_.Delete(context, path, version);
        EXPECT_EQ(tree_->Delete(context, path, version), error) << path;
        return error;
      }
      case 5:
      case 6:
      case 7:
      case 8:
      case 9: {
        int32_t version = RandomVersion();
        Data data = RandomData();
        std::optional<std::string_view> view;
        if (data.has_value()) view = *data;
        Stat stat;
        Error error = model_.SetData(context, path, data, version);
        EXPECT_EQ(tree_->SetData(context, path, view, version, &stat), error) << path;
        return error;
      }
      case 10: {
        SessionId owner(1 + static_cast<int64_t>(random_() % 3));
        EXPECT_EQ(tree_->Ephemerals(owner), model_.Ephemerals(owner));
        model_.DeleteEphemerals(context, owner);
        tree_->DeleteEphemerals(context, owner);
        return Error::kOk;
      }
    }
  }
  // Several commands as one; rolled back if one fails or by chance.
  void Multi() {
    Model before = model_;
    size_t changed = tree_->changed_nodes();
    TreeDump dump = Dump(*tree_);
    tree_->Begin();
    bool failed = random_() % 4 == 0;
    for (int i = 1 + static_cast<int>(random_() % 8); i > 0; --i) failed |= Step() != Error::kOk && random_() % 2 == 0;
    if (!failed) return tree_->Commit();
    tree_->Rollback();
    model_ = std::move(before);
    EXPECT_EQ(tree_->changed_nodes(), changed);
    EXPECT_TRUE(tree_->TakeEvents().empty());
    EXPECT_TRUE(Dump(*tree_) == dump);
  }
  void CheckAgainstModel() {
    EXPECT_EQ(tree_->digest(), tree_->ComputeDigest());
    TreeDump dump = Dump(*tree_);
    TreeDump expected = model_.Expected(tree_->digest());
    EXPECT_TRUE(dump == expected);
    if (dump == expected) return;
    for (const auto& [path, node] : expected.nodes) {
      if (!dump.nodes.contains(path))
        ADD_FAILURE() << "missing " << path;
      else if (!(dump.nodes[path] == node))
        ADD_FAILURE() << "different " << path;
    }
  }

  Random random_{static_cast<uint64_t>(GetParam())};
  std::unique_ptr<DataTree> tree_ = std::make_unique<DataTree>();
  Model model_;
  int64_t zxid_ = 0;
};

TEST_P(RandomCommands, OutcomesStatsAndDigestAreTheModels) {
  for (int i = 0; i < 400 && !HasFailure(); ++i) {
    if (random_() % 4 == 0) {
      Multi();
    } else {
      Step();
    }
    tree_->TakeEvents();
    CheckAgainstModel();
  }
}

// D7: a true point-in-time cut, whatever happens while it is written; D8: what is loaded from it is what was there.
TEST_P(RandomCommands, SnapshotIsTheTreeAtTheClose) {
  Records stored;   // what the snapshot store holds
  Records pending;  // the cut being written, and its tombstones
  std::set<std::string> gone;
  std::optional<TreeDump> at_close;
  auto emit = [&](std::string key, std::optional<std::string> value) {
    EXPECT_FALSE(pending.contains(key) || gone.contains(key)) << key << " twice";
    if (value.has_value()) {
      pending[key] = *value;
    } else {
      gone.insert(key);
    }
  };
  int cuts = 0;
  int failures = 0;
  for (int i = 0; i < 150; ++i) Step();  // more than one slice of a cut
  tree_->TakeEvents();
  for (int i = 0; i < 1500 && !HasFailure(); ++i) {
    if (random_() % 4 == 0) {
      Multi();
    } else {
      Step();
    }
    tree_->TakeEvents();
    if (!at_close.has_value()) {
      if (random_() % 20 != 0) continue;
      at_close = Dump(*tree_);
      tree_->CloseChanges();
      EXPECT_EQ(tree_->changed_nodes(), 0u);
      continue;
    }
    if (random_() % 4 != 0) continue;
    bool done = tree_->WriteClosed(emit, [&] { return random_() % 2 == 0; });
    bool store_failed = random_() % 12 == 0;
    if (store_failed) {
      tree_->ReopenChanges();
      ++failures;
    } else if (done) {
      for (auto& [key, value] : pending) stored[key] = value;
      for (const std::string& key : gone) stored.erase(key);
      std::unique_ptr<DataTree> loaded = Load(stored);
      EXPECT_TRUE(Dump(*loaded) == *at_close);
      EXPECT_EQ(loaded->ComputeDigest(), at_close->digest);
      EXPECT_EQ(loaded->changed_nodes(), 0u);
      ++cuts;
    } else {
      continue;
    }
    at_close.reset();
    pending.clear();
    gone.clear();
  }
  EXPECT_GT(cuts + failures, 5);
}

// A loaded tree goes on exactly as the one it was written from.
TEST_P(RandomCommands, LoadedTreeGoesOnTheSame) {
  for (int i = 0; i < 200; ++i) Step();
  tree_->TakeEvents();
  Records records = AllRecords(*tree_);
  tree_ = Load(records);
  CheckAgainstModel();
  for (int i = 0; i < 200 && !HasFailure(); ++i) {
    Step();
    CheckAgainstModel();
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomCommands, testing::Range(0, 60));

}  // namespace
}  // namespace synod::tree

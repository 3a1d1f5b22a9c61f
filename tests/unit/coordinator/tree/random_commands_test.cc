// Random commands against a plain model: a map of path to struct. Each seed is a test of its own; a failure names it.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/tree/data_tree.h"
#include "tests/unit/coordinator/tree/tree_dump.h"
#include "tests/unit/coordinator/tree/tree_model.h"

namespace synod::tree {
namespace {

using access::Acl;
using access::Identity;
using Random = std::mt19937_64;
using Data = TreeModel::Data;

const Identity kAlice{"digest", "alice:1"}, kBob{"digest", "bob:2"};

std::vector<Acl> Lists() {
  auto world = [](uint32_t p) { return access::AclEntry{p, "world", "anyone"}; };
  auto alice = [](uint32_t p) { return access::AclEntry{p, kAlice.scheme, kAlice.id}; };
  auto bob = [](uint32_t p) { return access::AclEntry{p, kBob.scheme, kBob.id}; };
  return {{world(31)},        {world(1)},           {alice(31)},         {alice(31), world(1)},
          {world(31 & ~2u)},  {world(31 & ~8u)},    {alice(16), bob(1)}, {world(31 & ~1u), bob(1)},
          {world(4), bob(8)}, {alice(31), bob(31)}, {world(16)},         {world(31 & ~4u)}};
}

class RandomCommands : public testing::TestWithParam<int> {
 protected:
  size_t Pick(size_t n) { return random_() % n; }
  std::string RandomPath() {
    std::string path;
    for (size_t depth = 1 + Pick(3); depth > 0; --depth) absl::StrAppend(&path, "/", Name());
    if (Pick(12) == 0) path = absl::StrCat("/zookeeper/quota", path, Pick(3) == 0 ? "/zookeeper_stats" : "");
    if (Pick(50) == 0) path += "/";
    if (Pick(100) == 0) path = path.substr(1);
    if (Pick(100) == 0) path = "/";
    if (Pick(100) == 0) path = "/zookeeper/config";
    return path;
  }
  std::string Name() {
    static const char* const kNames[] = {"a",         "b",       "ab", "a-", "a.b", "longer-name-than-sso-allows",
                                         "zookeeper", "\xc3\xa9"};
    return kNames[Pick(8)];
  }
  // One that is there, mostly.
  std::string SomePath() {
    if (Pick(4) == 0) return RandomPath();
    auto it = model_.nodes.begin();
    std::advance(it, static_cast<ptrdiff_t>(Pick(model_.nodes.size())));
    return it->first;
  }
  Data RandomData() {
    if (Pick(8) == 0) return std::nullopt;
    return std::string(Pick(4) == 0 ? Pick(700) : Pick(40), static_cast<char>('a' + Pick(26)));
  }
  int32_t RandomVersion() { return Pick(2) == 0 ? -1 : static_cast<int32_t>(Pick(3)); }
  size_t RandomAcl() { return Pick(3) == 0 ? Pick(model_.lists.size()) : 0; }
  Who RandomWho() {
    switch (Pick(4)) {
      case 0:
        return Who{false, {}};
      case 1:
        return Who{false, {kAlice}};
      case 2:
        return Who{false, {kAlice, kBob}};
      default:
        return Who{true, {}};
    }
  }
  access::Caller CallerOf(const Who& who) const { return access::Caller(acls_.get(), &who.identities, who.bypass); }
  // `when` must outlive it.
  ChangeContext ContextOf(const When& when) const {
    return ChangeContext{when.zxid, when.wall_ms, when.clock_us, CallerOf(when.who), when.enforce_quota};
  }
  static std::optional<std::string_view> View(const Data& data) {
    return data.has_value() ? std::optional<std::string_view>(*data) : std::nullopt;
  }

  // One command, on tree and model alike.
  Error Step() {
    clock_us_ += Pick(5000);
    When when{Zxid(++zxid_), static_cast<int64_t>(Pick(1000000)), clock_us_, Pick(4) != 0, RandomWho()};
    size_t what = Pick(32);
    if (what < 12) return Create(when, RandomPath());
    if (what < 17) return Delete(when);
    if (what < 23) return SetData(when, SomePath(), RandomData());
    if (what < 26) return SetAcl(when);
    if (what < 27) return SetQuota(when);
    if (what < 29) return DeleteTree(when);
    if (what < 30) return DeleteEphemerals(when);
    return RemoveIdle(when);
  }
  Error Create(const When& when, const std::string& path) {
    Data data = RandomData();
    CreateArgs args;
    args.path = path;
    args.data = View(data);
    size_t acl = RandomAcl();
    args.acl = acls_->Intern(model_.lists[acl]);
    switch (Pick(6)) {
      case 0:
        args.ephemeral_owner = SessionId(1 + static_cast<int64_t>(Pick(3)));
        break;
      case 1:
        args.container = true;
        break;
      case 2:
        args.ttl_ms = 1 + Pick(40);
        break;
      default:
        break;
    }
    args.sequential = Pick(6) == 0;
    std::string expected, got;
    Stat stat;
    Error error = model_.Create(when, args, acl, &expected);
    EXPECT_EQ(tree_->Create(ContextOf(when), args, &got, &stat), error) << path;
    EXPECT_EQ(got, expected);
    return error;
  }
  Error Delete(const When& when) {
    std::string path = SomePath();
    int32_t version = RandomVersion();
    Error error = model_.Delete(when, path, version);
    EXPECT_EQ(tree_->Delete(ContextOf(when), path, version), error) << path;
    return error;
  }
  Error SetData(const When& when, const std::string& path, const Data& data) {
    int32_t version = RandomVersion();
    Stat stat;
    Error error = model_.SetData(when, path, data, version);
    EXPECT_EQ(tree_->SetData(ContextOf(when), path, View(data), version, &stat), error) << path;
    return error;
  }
  Error SetAcl(const When& when) {
    std::string path = SomePath();
    int32_t version = RandomVersion();
    size_t acl = Pick(model_.lists.size());
    Stat stat;
    Error error = model_.SetAcl(when, path, acl, version);
    EXPECT_EQ(tree_->SetAcl(ContextOf(when), path, acls_->Intern(model_.lists[acl]), version, &stat), error) << path;
    if (error == Error::kOk) {
      EXPECT_EQ(stat, model_.ShownStat(path)) << path;
    }
    return error;
  }
  // The chain of nodes that setquota makes, and limits that will soon be reached.
  Error SetQuota(const When& when) {
    std::string target = absl::StrCat("/", Name(), Pick(3) == 0 ? absl::StrCat("/", Name()) : "");
    std::string limits = absl::StrCat("/zookeeper/quota", target, "/zookeeper_limits");
    static const char* const kKeys[] = {"count", "bytes", "countHardLimit", "byteHardLimit"};
    std::string text;
    for (const char* key : kKeys) {
      if (Pick(2) == 0) absl::StrAppend(&text, text.empty() ? "" : ",", key, "=", Pick(key[0] == 'c' ? 5 : 200));
    }
    for (size_t slash = limits.find('/', 17); slash != std::string::npos; slash = limits.find('/', slash + 1)) {
      CreateArgs args;
      std::string path = limits.substr(0, slash), made;
      args.path = path;
      Error error = model_.Create(when, args, 0, &made);
      EXPECT_EQ(tree_->Create(ContextOf(when), args, nullptr, nullptr), error) << path;
    }
    CreateArgs args;
    args.path = limits;
    args.data = text;
    std::string made;
    Error error = model_.Create(when, args, 0, &made);
    EXPECT_EQ(tree_->Create(ContextOf(when), args, nullptr, nullptr), error) << limits;
    return error == Error::kNodeExists ? SetData(when, limits, text) : error;
  }
  Error DeleteTree(const When& when) {
    std::string path = SomePath();
    int32_t version = RandomVersion();
    uint64_t max = Pick(12);
    bool partial = Pick(2) == 0;
    DataTree::TreeDeleted expected, got;
    Error error = model_.DeleteTree(when, path, version, max, partial, &expected);
    EXPECT_EQ(tree_->DeleteTree(ContextOf(when), path, version, max, partial, &got), error) << path;
    if (error == Error::kOk) {
      EXPECT_EQ(got.deleted, expected.deleted);
      EXPECT_EQ(got.remaining, expected.remaining);
    }
    return error;
  }
  Error DeleteEphemerals(const When& when) {
    SessionId owner(1 + static_cast<int64_t>(Pick(3)));
    EXPECT_EQ(tree_->Ephemerals(owner), model_.Ephemerals(owner));
    size_t max = Pick(10);
    bool done = model_.DeleteEphemerals(when, owner, max);
    EXPECT_EQ(tree_->DeleteEphemerals(ContextOf(when), owner, max), done);
    return Error::kOk;
  }
  Error RemoveIdle(const When& when) {
    IdleNode idle{SomePath(), Zxid(static_cast<int64_t>(Pick(9))), Zxid(0)};
    std::vector<IdleNode> found = tree_->FindIdle(clock_us_ + Pick(3) * 10000, 5000, 1 + Pick(3));
    if (!found.empty()) {
      idle = found[Pick(found.size())];
      if (Pick(5) == 0) idle.mzxid = idle.mzxid + 1;
    } else if (model_.nodes.contains(idle.path)) {
      idle.czxid = model_.nodes[idle.path].stat.czxid;
      idle.mzxid = model_.nodes[idle.path].stat.mzxid;
    } else if (!IsValidPath(idle.path)) {
      return Error::kBadArguments;
    }
    Error error = model_.RemoveIdle(when, idle);
    EXPECT_EQ(tree_->RemoveIdle(ContextOf(when), idle), error) << idle.path;
    return error;
  }

  // Several commands as one; rolled back if one fails or by chance.
  void Multi() {
    TreeModel before = model_;
    size_t changed = tree_->changed_nodes();
    TreeDump dump = Dump(*tree_);
    tree_->Begin();
    bool failed = Pick(4) == 0;
    for (size_t i = 1 + Pick(8); i > 0; --i) failed |= Step() != Error::kOk && Pick(2) == 0;
    if (!failed) return tree_->Commit();
    tree_->Rollback();
    model_ = std::move(before);
    EXPECT_EQ(tree_->changed_nodes(), changed);
    EXPECT_TRUE(Dump(*tree_) == dump);
  }
  // A command, and what it tells.
  void Command() {
    model_.events.clear();
    model_.excesses.clear();
    if (Pick(4) == 0) {
      Multi();
    } else {
      Step();
    }
    std::vector<std::string> events;
    static const char* const kTypes[] = {"", "created ", "deleted ", "changed "};
    for (const Event& e : tree_->TakeEvents()) events.push_back(kTypes[static_cast<int>(e.type)] + e.path);
    EXPECT_EQ(events, model_.events);
    std::map<std::string, std::pair<int64_t, int64_t>> excesses;
    for (const QuotaExcess& e : tree_->TakeQuotaExcesses()) excesses[e.path] = {e.count, e.bytes};
    EXPECT_EQ(excesses, model_.excesses);
    acls_->Collect();
  }

  TreeDump Expected() {
    TreeDump dump;
    dump.digest = tree_->digest();  // the tree's own affair
    for (const auto& [path, node] : model_.nodes) {
      NodeDump& out = dump.nodes[path];
      out.children = model_.Children(path);
      out.stat = model_.ShownStat(path);
      out.data = model_.Shown(path);
      out.acl = acls_->Intern(model_.lists[node.acl]);
      dump.data_bytes += path.size() + node.data.value_or("").size();
      dump.ephemeral_count += node.kind == TreeModel::Kind::kEphemeral;
    }
    dump.node_count = model_.nodes.size();
    return dump;
  }
  void CheckAgainstModel() {
    EXPECT_EQ(tree_->digest(), tree_->ComputeDigest());
    // Exactly the lists that some node has are left: no reference is lost, none is kept.
    size_t lists = acls_->size();
    TreeDump expected = Expected();
    EXPECT_EQ(acls_->size(), lists);
    std::set<size_t> used{0, 1};
    for (const auto& [path, node] : model_.nodes) used.insert(node.acl);
    EXPECT_EQ(lists, used.size());
    TreeDump dump = Dump(*tree_);
    EXPECT_TRUE(dump == expected);
    std::vector<std::string> idle;
    for (const IdleNode& node : tree_->FindIdle(clock_us_, 3000, SIZE_MAX)) idle.push_back(node.path);
    EXPECT_EQ(idle, model_.FindIdle(clock_us_, 3000));
    for (const auto& [path, node] : expected.nodes) {
      uint64_t count = 0;
      EXPECT_EQ(tree_->CountDescendants(kServer, path, &count), Error::kOk);
      EXPECT_EQ(count, model_.Descendants(path).size()) << path;
      if (!dump.nodes.contains(path)) {
        ADD_FAILURE() << "missing " << path;
      } else if (!(dump.nodes[path] == node)) {
        ADD_FAILURE() << "different " << path;
      }
    }
  }
  // Reads of random callers, each against the rule it follows.
  void CheckReads() {
    Who who = RandomWho();
    access::Caller caller = CallerOf(who);
    std::string path = SomePath();
    Error missing = !IsValidPath(path) ? Error::kBadArguments : Error::kNoNode;
    bool there = model_.nodes.contains(path);
    auto outcome = [&](uint32_t wanted) {
      if (!there) return missing;
      return model_.Allows(who, path, wanted) ? Error::kOk : Error::kNoAuth;
    };
    Error readable = outcome(access::kRead);
    std::optional<std::string_view> data;
    std::vector<std::string> names, paths;
    uint64_t count = 0;
    AclId acl;
    bool admin = false;
    EXPECT_EQ(tree_->Exists(caller, path, nullptr), readable);
    EXPECT_EQ(tree_->GetData(caller, path, &data, nullptr), readable);
    EXPECT_EQ(tree_->GetChildren(caller, path, &names, nullptr), readable);
    EXPECT_EQ(tree_->CountDescendants(caller, path, &count), readable);
    EXPECT_EQ(tree_->GetAcl(caller, path, &acl, &admin, nullptr), outcome(access::kRead | access::kAdmin));
    if (there) {
      EXPECT_EQ(admin, model_.Allows(who, path, access::kAdmin));
    }
    if (readable == Error::kOk) {
      int32_t version = RandomVersion();
      bool fits = version == -1 || version == model_.nodes[path].stat.version;
      EXPECT_EQ(tree_->Check(caller, path, version, nullptr), fits ? Error::kOk : Error::kBadVersion);
    } else {
      EXPECT_EQ(tree_->Check(caller, path, 7, nullptr), readable);
    }
    CheckPage(who, path, readable);
    CheckEphemerals(who, path, readable);
  }
  void CheckPage(const Who& who, const std::string& path, Error readable) {
    PageArgs args;
    args.path = path;
    std::string after = Pick(2) == 0 ? "" : Name();
    std::string prefix = Pick(2) == 0 ? "" : Name().substr(0, 1);
    args.after = after;
    args.prefix = prefix;
    args.limit = 1 + Pick(4);
    args.bytes_max = Pick(2) == 0 ? Pick(100) : 100000;
    args.with_stat = Pick(2) == 0;
    args.with_data = Pick(2) == 0;
    std::vector<PageEntry> page;
    bool more = false;
    Stat stat;
    ASSERT_EQ(tree_->ListPage(CallerOf(who), args, &page, &more, &stat), readable);
    if (readable != Error::kOk) return;
    EXPECT_EQ(stat, model_.ShownStat(path));
    size_t i = 0, bytes = 0;
    bool expected_more = false;
    for (const std::string& name : model_.Children(path)) {
      if ((!after.empty() && name <= after) || !name.starts_with(prefix)) continue;
      std::string child = TreeModel::Below(path) + name;
      bool denied = (args.with_stat || args.with_data) && !model_.Allows(who, child, access::kRead);
      Data data;
      if (args.with_data && !denied) data = model_.Shown(child);
      bytes += name.size() + data.value_or("").size();
      if (i == args.limit || (i > 0 && bytes > args.bytes_max)) {
        expected_more = true;
        break;
      }
      ASSERT_LT(i, page.size());
      EXPECT_EQ(page[i].name, name);
      EXPECT_EQ(page[i].denied, denied);
      EXPECT_EQ(page[i].data, View(data));
      EXPECT_EQ(page[i].stat.has_value(), args.with_stat && !denied);
      if (page[i].stat.has_value()) {
        EXPECT_EQ(*page[i].stat, model_.ShownStat(child));
      }
      ++i;
    }
    EXPECT_EQ(page.size(), i);
    EXPECT_EQ(more, expected_more);
  }
  void CheckEphemerals(const Who& who, const std::string& top, Error readable) {
    SessionId owner(1 + static_cast<int64_t>(Pick(3)));
    std::string prefix = Pick(2) == 0 ? "" : RandomPath();
    std::string after = Pick(2) == 0 ? "" : RandomPath();
    size_t limit = 1 + Pick(5);
    std::vector<std::string> expected;
    for (const std::string& path : model_.Ephemerals(owner)) {
      if (path.starts_with(prefix) && (after.empty() || path > after) && expected.size() < limit) {
        expected.push_back(path);
      }
    }
    EXPECT_EQ(tree_->Ephemerals(owner, prefix, after, limit), expected) << prefix << " " << after;

    std::vector<std::string> all, page;
    std::string next = Pick(2) == 0 ? "" : TreeModel::Below(top) + Name();
    if (readable == Error::kOk) expected = model_.EphemeralsBelow(who, top, next);
    for (int i = 0; i < 1000; ++i) {
      std::string from = next;
      ASSERT_EQ(tree_->EphemeralsBelow(CallerOf(who), top, from, limit, 1 + Pick(4), &page, &next), readable) << from;
      if (readable != Error::kOk) return;
      all.insert(all.end(), page.begin(), page.end());
      EXPECT_LE(page.size(), limit);
      if (next.empty()) break;
    }
    EXPECT_EQ(all, expected) << top;
  }

  Random random_{static_cast<uint64_t>(GetParam())};
  std::unique_ptr<access::AclTable> acls_ = std::make_unique<access::AclTable>();
  std::unique_ptr<DataTree> tree_ = std::make_unique<DataTree>(acls_.get());
  TreeModel model_{Lists()};
  int64_t zxid_ = 0;
  uint64_t clock_us_ = 1000000;
};

TEST_P(RandomCommands, OutcomesStatsAndDigestAreTheModels) {
  for (int i = 0; i < 400 && !HasFailure(); ++i) {
    Command();
    CheckAgainstModel();
    CheckReads();
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
  for (int i = 0; i < 150; ++i) Command();  // more than one slice of a cut
  for (int i = 0; i < 1500 && !HasFailure(); ++i) {
    Command();
    if (!at_close.has_value()) {
      if (Pick(20) != 0) continue;
      at_close = Dump(*tree_);
      tree_->CloseChanges();
      acls_->CloseChanges();
      EXPECT_EQ(tree_->changed_nodes(), 0u);
      continue;
    }
    if (Pick(4) != 0) continue;
    bool done = acls_->WriteClosed(emit, [&] { return Pick(2) == 0; }) &&
                tree_->WriteClosed(emit, [&] { return Pick(2) == 0; });
    bool store_failed = Pick(12) == 0;
    if (store_failed) {
      tree_->ReopenChanges();
      acls_->ReopenChanges();
      ++failures;
    } else if (done) {
      for (auto& [key, value] : pending) stored[key] = value;
      for (const std::string& key : gone) stored.erase(key);
      access::AclTable acls;
      std::unique_ptr<DataTree> loaded = Load(stored, &acls);
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
  for (int i = 0; i < 200; ++i) Command();
  Records records = AllRecords(*tree_);
  acls_->CloseChanges();
  acls_->WriteClosed([&](std::string key, std::optional<std::string> value) { records[key] = value.value(); },
                     [] { return true; });
  auto acls = std::make_unique<access::AclTable>();
  acls->set_next_id(acls_->next_id());
  tree_ = Load(records, acls.get());
  acls_ = std::move(acls);
  for (auto& [path, node] : model_.nodes) node.childless_since = 0;  // not in a snapshot (8.5)
  CheckAgainstModel();
  for (int i = 0; i < 200 && !HasFailure(); ++i) {
    Command();
    CheckAgainstModel();
    CheckReads();
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomCommands, testing::Range(0, 60));

}  // namespace
}  // namespace synod::tree

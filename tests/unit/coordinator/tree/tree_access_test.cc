// Section 7.1 of the protocol sheet at the tree: which permission on which node each operation needs, and that nothing
// else lets it pass. A row of the table is an operation.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/unit/coordinator/tree/tree_dump.h"

namespace synod::tree {
namespace {

using access::AclEntry;
using access::kAdmin;
using access::kCreate;
using access::kDelete;
using access::kRead;
using access::kWrite;
using testing::ElementsAre;
using testing::IsEmpty;

const access::IdentitySet kUser{{"digest", "user:x"}};

class TreeAccessTest : public testing::Test {
 protected:
  AclId List(uint32_t permissions) { return acls_.Intern({AclEntry{permissions, "digest", "user:x"}}); }
  access::Caller User() const { return access::Caller(&acls_, &kUser, false); }
  ChangeContext By(const access::Caller& caller) {
    ChangeContext context;
    context.zxid = Zxid(++zxid_);
    context.caller = caller;
    return context;
  }
  Error Create(const std::string& path, AclId acl, int64_t owner = 0) {
    CreateArgs args;
    args.path = path;
    args.data = "secret";
    args.acl = acl;
    args.ephemeral_owner = SessionId(owner);
    return tree_.Create(By(kServer), args, nullptr, nullptr);
  }

  access::AclTable acls_;
  DataTree tree_{&acls_};
  int64_t zxid_ = 0;
};

struct Row {
  const char* name;
  uint32_t on_node;    // one of these bits is needed on the node; 0: nothing
  uint32_t on_parent;  // on its parent
  std::function<Error(DataTree& tree, const ChangeContext& user)> run;  // on "/p/n", a leaf
};

std::vector<Row> Rows() {
  static const std::string kNode = "/p/n";
  return {
      {"create", 0, kCreate,
       [](DataTree& t, const ChangeContext& c) {
         CreateArgs args;
         args.path = "/p/new";
         return t.Create(c, args, nullptr, nullptr);
       }},
      {"delete", 0, kDelete, [](DataTree& t, const ChangeContext& c) { return t.Delete(c, kNode, -1); }},
      {"delete tree", 0, kDelete,
       [](DataTree& t, const ChangeContext& c) { return t.DeleteTree(c, kNode, -1, 9, false, nullptr); }},
      {"set data", kWrite, 0, [](DataTree& t, const ChangeContext& c) { return t.SetData(c, kNode, "", -1, nullptr); }},
      {"set acl", kAdmin, 0,
       [](DataTree& t, const ChangeContext& c) { return t.SetAcl(c, kNode, access::kOpenAcl, -1, nullptr); }},
      {"check", kRead, 0, [](DataTree& t, const ChangeContext& c) { return t.Check(c.caller, kNode, -1, nullptr); }},
      {"exists", kRead, 0, [](DataTree& t, const ChangeContext& c) { return t.Exists(c.caller, kNode, nullptr); }},
      {"get data", kRead, 0,
       [](DataTree& t, const ChangeContext& c) {
         std::optional<std::string_view> data;
         Error error = t.GetData(c.caller, kNode, &data, nullptr);
         EXPECT_EQ(data.has_value(), error == Error::kOk);
         return error;
       }},
      {"get children", kRead, 0,
       [](DataTree& t, const ChangeContext& c) {
         std::vector<std::string> names;
         return t.GetChildren(c.caller, kNode, &names, nullptr);
       }},
      {"list page", kRead, 0,
       [](DataTree& t, const ChangeContext& c) {
         PageArgs args;
         args.path = kNode;
         std::vector<PageEntry> entries;
         bool more = false;
         return t.ListPage(c.caller, args, &entries, &more, nullptr);
       }},
      {"count descendants", kRead, 0,
       [](DataTree& t, const ChangeContext& c) {
         uint64_t count = 0;
         return t.CountDescendants(c.caller, kNode, &count);
       }},
      {"ephemerals below", kRead, 0,
       [](DataTree& t, const ChangeContext& c) {
         std::vector<std::string> paths;
         std::string next;
         return t.EphemeralsBelow(c.caller, kNode, "", 9, 9, &paths, &next);
       }},
      {"get acl", kRead | kAdmin, 0,
       [](DataTree& t, const ChangeContext& c) {
         AclId acl;
         return t.GetAcl(c.caller, kNode, &acl, nullptr, nullptr);
       }},
  };
}

TEST_F(TreeAccessTest, EachOperationNeedsItsPermissionOnItsNodeAndNoOther) {  // 7.1
  for (const Row& row : Rows()) {
    for (uint32_t on_node = 0; on_node < 32; ++on_node) {
      for (uint32_t on_parent = 0; on_parent < 32; ++on_parent) {
        ASSERT_EQ(Create("/p", List(on_parent)), Error::kOk);
        ASSERT_EQ(Create("/p/n", List(on_node)), Error::kOk);
        bool allowed = (row.on_node == 0 || (row.on_node & on_node) != 0) &&
                       (row.on_parent == 0 || (row.on_parent & on_parent) != 0);
        uint64_t digest = tree_.digest();
        EXPECT_EQ(row.run(tree_, By(User())), allowed ? Error::kOk : Error::kNoAuth)
            << row.name << " node " << on_node << " parent " << on_parent;
        if (!allowed) {
          EXPECT_EQ(tree_.digest(), digest) << row.name;
        }
        ASSERT_EQ(tree_.DeleteTree(By(kServer), "/p", -1, 9, false, nullptr), Error::kOk);
        acls_.Collect();
        EXPECT_EQ(acls_.size(), 2u);
      }
    }
  }
}

TEST_F(TreeAccessTest, NoAuthComesBeforeWhatWouldTellOfTheNode) {  // 11.1, 11.2, 11.3, 11.4
  Create("/closed", List(0));
  Create("/closed/n", List(0));
  ChangeContext user = By(User());
  CreateArgs args;
  args.path = "/closed/n";
  EXPECT_EQ(tree_.Create(user, args, nullptr, nullptr), Error::kNoAuth);  // not kNodeExists
  args.path = "/closed/..";
  EXPECT_EQ(tree_.Create(user, args, nullptr, nullptr), Error::kNoAuth);  // not kBadArguments
  args.path = "/missing/n";
  EXPECT_EQ(tree_.Create(user, args, nullptr, nullptr), Error::kNoNode);
  EXPECT_EQ(tree_.Delete(user, "/closed/missing", -1), Error::kNoAuth);  // not kNoNode
  EXPECT_EQ(tree_.Delete(user, "/missing/n", -1), Error::kNoNode);
  EXPECT_EQ(tree_.Delete(user, "/closed/n", 7), Error::kNoAuth);  // not kBadVersion
  EXPECT_EQ(tree_.Delete(user, "/closed/n/", -1), Error::kBadArguments);
  EXPECT_EQ(tree_.DeleteTree(user, "/closed/missing", -1, 0, false, nullptr), Error::kNoAuth);
  EXPECT_EQ(tree_.SetData(user, "/closed/n", "", 7, nullptr), Error::kNoAuth);
  EXPECT_EQ(tree_.SetAcl(user, "/closed/n", access::kOpenAcl, 7, nullptr), Error::kNoAuth);
  EXPECT_EQ(tree_.Check(User(), "/closed/n", 7, nullptr), Error::kNoAuth);
  EXPECT_EQ(tree_.Check(User(), "/closed/missing", 7, nullptr), Error::kNoNode);
  EXPECT_EQ(tree_.Exists(User(), "/closed/n/", nullptr), Error::kBadArguments);
}

TEST_F(TreeAccessTest, TreeDeleteNeedsDeleteOnEveryDirectoryThatLosesChildren) {
  Create("/t", List(kDelete));
  Create("/t/a", List(kDelete));
  Create("/t/a/x", List(0));  // its own list does not matter
  Create("/t/b", List(0));
  Create("/t/b/x", List(31));
  ChangeContext user = By(User());
  tree_.TakeEvents();
  EXPECT_EQ(tree_.DeleteTree(user, "/t", -1, 4, false, nullptr), Error::kTooLarge);  // before kNoAuth
  EXPECT_EQ(tree_.DeleteTree(user, "/t", -1, 5, false, nullptr), Error::kNoAuth);
  EXPECT_EQ(tree_.DeleteTree(user, "/t", -1, 3, true, nullptr), Error::kNoAuth);
  EXPECT_THAT(tree_.TakeEvents(), IsEmpty());
  DataTree::TreeDeleted result;
  EXPECT_EQ(tree_.DeleteTree(user, "/t", -1, 2, true, &result), Error::kOk);  // only /t/a goes
  EXPECT_EQ(result.remaining, 3u);
}

TEST_F(TreeAccessTest, SetAclRaisesTheAversionAndNothingElse) {  // 6.2, 13.3
  Create("/a", access::kOpenAcl);
  Stat before, after;
  tree_.Exists(kServer, "/a", &before);
  tree_.TakeEvents();
  AclId acl = List(31);
  ASSERT_EQ(tree_.SetAcl(By(kServer), "/a", acl, 0, &after), Error::kOk);
  before.aversion = 1;
  EXPECT_EQ(after, before);
  EXPECT_THAT(tree_.TakeEvents(), IsEmpty());
  EXPECT_EQ(tree_.SetAcl(By(kServer), "/a", acl, 0, &after), Error::kBadVersion);
  EXPECT_EQ(tree_.digest(), tree_.ComputeDigest());
  AclId got;
  bool admin = false;
  EXPECT_EQ(tree_.GetAcl(User(), "/a", &got, &admin, nullptr), Error::kOk);
  EXPECT_EQ(got, acl);
  EXPECT_TRUE(admin);
  tree_.SetAcl(By(kServer), "/a", List(kRead), -1, nullptr);
  EXPECT_EQ(tree_.GetAcl(User(), "/a", &got, &admin, nullptr), Error::kOk);
  EXPECT_FALSE(admin);
}

TEST_F(TreeAccessTest, ReferencesLastUntilNothingCanBringTheNodeBack) {
  AclId first = List(3), second = List(7);
  Create("/a", first);
  tree_.Begin();
  ASSERT_EQ(tree_.SetAcl(By(kServer), "/a", second, -1, nullptr), Error::kOk);
  ASSERT_EQ(tree_.Delete(By(kServer), "/a", -1), Error::kOk);
  acls_.Collect();
  EXPECT_NE(acls_.Find(first), nullptr);
  EXPECT_NE(acls_.Find(second), nullptr);
  tree_.Rollback();
  acls_.Collect();
  EXPECT_NE(acls_.Find(first), nullptr);
  EXPECT_EQ(acls_.Find(second), nullptr);
  tree_.Begin();
  ASSERT_EQ(tree_.Delete(By(kServer), "/a", -1), Error::kOk);
  tree_.Commit();
  acls_.Collect();
  EXPECT_EQ(acls_.size(), 2u);
}

TEST_F(TreeAccessTest, LoadingRefusesAnAclThatIsNotInTheTable) {
  Create("/a", List(31));
  Records records = AllRecords(tree_);
  access::AclTable empty;
  std::unique_ptr<DataTree> tree = DataTree::ForLoading(&empty);
  EXPECT_TRUE(tree->LoadRecord("n/", records["n/"]).ok());
  EXPECT_TRUE(absl::IsDataLoss(tree->LoadRecord("n/a", records["n/a"])));
}

TEST_F(TreeAccessTest, PageShowsNamesButNotWhatTheChildDenies) {
  Create("/d", access::kOpenAcl);
  Create("/d/closed", List(31 & ~kRead));
  Create("/d/open", List(kRead));
  PageArgs args;
  args.path = "/d";
  args.with_stat = args.with_data = true;
  std::vector<PageEntry> entries;
  bool more = true;
  ASSERT_EQ(tree_.ListPage(User(), args, &entries, &more, nullptr), Error::kOk);
  EXPECT_FALSE(more);
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].name, "closed");
  EXPECT_TRUE(entries[0].denied);
  EXPECT_FALSE(entries[0].stat.has_value() || entries[0].data.has_value());
  EXPECT_FALSE(entries[1].denied);
  EXPECT_EQ(entries[1].data, "secret");
  args.with_stat = args.with_data = false;
  tree_.ListPage(User(), args, &entries, &more, nullptr);
  EXPECT_FALSE(entries[0].denied);  // nothing was asked for
}

TEST_F(TreeAccessTest, EphemeralsBelowShowNoNameOfADirectoryThatMayNotBeListed) {
  Create("/d", access::kOpenAcl);
  Create("/d/closed", List(31 & ~kRead));
  Create("/d/closed/e", access::kOpenAcl, 1);
  Create("/d/closed/sub", access::kOpenAcl);
  Create("/d/closed/sub/e", access::kOpenAcl, 1);  // its own parent may be listed, but who names it names /d/closed/sub
  Create("/d/e", List(0), 2);
  Create("/d/open", access::kOpenAcl);
  Create("/d/open/e", access::kOpenAcl, 1);
  std::vector<std::string> paths;
  std::string next;
  auto list = [&](const std::string& path, const std::string& after) {
    EXPECT_EQ(tree_.EphemeralsBelow(User(), path, after, 9, 99, &paths, &next), Error::kOk);
    EXPECT_EQ(next, "");
    return paths;
  };
  EXPECT_THAT(list("/d", ""), ElementsAre("/d/e", "/d/open/e"));
  EXPECT_THAT(list("/d", "/d/closed/a"), ElementsAre("/d/e", "/d/open/e"));
  EXPECT_THAT(list("/d", "/d/closed/sub/a"), ElementsAre("/d/e", "/d/open/e"));
  EXPECT_THAT(list("/d/closed/sub", ""), ElementsAre("/d/closed/sub/e"));
  EXPECT_THAT(list("/d/closed/e", ""), IsEmpty());
  EXPECT_EQ(tree_.EphemeralsBelow(User(), "/d", "/e", 9, 9, &paths, &next), Error::kBadArguments);
  EXPECT_EQ(tree_.EphemeralsBelow(User(), "/d", "/d-", 9, 9, &paths, &next), Error::kBadArguments);
}

}  // namespace
}  // namespace synod::tree

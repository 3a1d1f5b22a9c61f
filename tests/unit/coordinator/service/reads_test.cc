// The reads beyond get and list: pages, several at once, ephemerals, counts, ACLs, watches of one's own; and what is
// refused before it gets into the log.
#include "coordinator/service/reads.h"

#include "coordinator/service/writes.h"
#include "tests/unit/coordinator/service/watch_fakes.h"

namespace synod::service::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Reads : public ::testing::Test {
 protected:
  Reply Ask(Operation operation) { return Ask(*door, std::move(operation)); }
  Reply Ask(FakeDoor& from, Operation operation) {
    w.Submit(from, {Read(++id, std::move(operation))});
    return from.replies.back();
  }
  static std::vector<std::string> Names(const Reply& reply) {
    std::vector<std::string> names;
    for (const ListEntry& entry : reply.entries) names.push_back(entry.name);
    return names;
  }
  World w;
  FakeDoor* door = &Connected();
  uint64_t id = 1000;

 private:
  FakeDoor& Connected() {
    w.Lead();
    return w.Connect();
  }
};

TEST_F(Reads, ListByPagesPrefixAndWish) {
  w.ApplyOther(Create("/d"));
  for (const char* name : {"a1", "a2", "b1", "b2", "b3"}) w.ApplyOther(Create(std::string("/d/") + name, name));
  List list;
  list.path = "/d";
  list.limit = 2;
  list.prefix = "b";
  Reply reply = Ask(list);
  EXPECT_THAT(Names(reply), ElementsAre("b1", "b2"));
  EXPECT_TRUE(reply.more);
  EXPECT_EQ(reply.stat->num_children, 5);
  EXPECT_FALSE(reply.entries[0].stat || reply.entries[0].data);
  list.after = "b2";
  list.with_stat = list.with_data = true;
  reply = Ask(list);
  EXPECT_THAT(Names(reply), ElementsAre("b3"));
  EXPECT_FALSE(reply.more);
  EXPECT_EQ(reply.entries[0].data, "b3");
  EXPECT_EQ(reply.entries[0].stat->data_length, 2);
}

TEST_F(Reads, PagesHaveADefaultAndAMaximum) {
  w.ApplyOther(Create("/d"));
  for (int round = 0; round < 3; ++round) {
    MultiOp multi;
    for (int i = 0; i < 4000; ++i) multi.ops.push_back(Create(absl::StrCat("/d/", round, "-", i)));
    w.ApplyOther(multi);
  }
  List list;
  list.path = "/d";
  EXPECT_THAT(Ask(list).entries, SizeIs(kPageDefault));
  list.limit = 1'000'000;
  Reply reply = Ask(list);
  EXPECT_THAT(reply.entries, SizeIs(kPageMax));
  EXPECT_TRUE(reply.more);
}

// Each has its own error, on one state; watch flags are ignored.
TEST_F(Reads, SeveralOnOneState) {
  w.ApplyOther(Create("/a", "x"));
  Reply reply = Ask(MultiRead{{GetData{"/a", true}, Exists{"/none", true}, GetChildren{"/", true}, GetAcl{"/a"}}});
  EXPECT_EQ(reply.error, ErrorCode::kOk);
  ASSERT_THAT(reply.reads, SizeIs(4));
  EXPECT_EQ(reply.reads[0].data, "x");
  EXPECT_EQ(OperationName(reply.reads[0].operation), "getData");
  EXPECT_EQ(reply.reads[1].error, ToErrorCode(tree::Error::kNoNode));
  EXPECT_THAT(reply.reads[2].children, ElementsAre("a", "zookeeper"));
  EXPECT_THAT(reply.reads[3].acl, SizeIs(1));
  EXPECT_EQ(w.service.Stats().watches, 0u);
}

// L3: together they are bounded; one alone always fits.
TEST_F(Reads, SeveralAreBounded) {
  EXPECT_EQ(Ask(MultiRead{std::vector<ReadOp>(kMultiReadOpsMax, Exists{"/"})}).error, ErrorCode::kOk);
  EXPECT_EQ(Ask(MultiRead{std::vector<ReadOp>(kMultiReadOpsMax + 1, Exists{"/"})}).error,
            ToErrorCode(tree::Error::kTooLarge));
  w.ApplyOther(Create("/big", std::string(1'000'000, 'x')));
  EXPECT_EQ(Ask(MultiRead{std::vector<ReadOp>(3, GetData{"/big"})}).error, ErrorCode::kOk);
  Reply reply = Ask(MultiRead{std::vector<ReadOp>(4, GetData{"/big"})});
  EXPECT_EQ(reply.error, ToErrorCode(tree::Error::kTooLarge));
  EXPECT_THAT(reply.reads, IsEmpty());
}

TEST_F(Reads, EphemeralsOfASessionAndOfAll) {
  FakeDoor& other = w.Connect();
  w.ApplyOther(Create("/d"));
  w.Submit(*door, {Write(1, Ephemeral("/d/e1")), Write(2, Ephemeral("/d/e2")), Write(3, Ephemeral("/dx"))});
  w.Submit(other, {Write(1, Ephemeral("/z"))});
  w.ApplyAll();
  GetEphemerals own;
  EXPECT_THAT(Ask(own).children, ElementsAre("/d/e1", "/d/e2", "/dx"));
  for (const char* all : {"", " ", "/"}) {  // 11.10
    own.prefix = all;
    EXPECT_THAT(Ask(own).children, SizeIs(3)) << all;
  }
  own.prefix = "/d";  // plain text
  own.limit = 2;
  Reply reply = Ask(own);
  EXPECT_THAT(reply.children, ElementsAre("/d/e1", "/d/e2"));
  EXPECT_TRUE(reply.more);
  own.after = reply.next;
  reply = Ask(own);
  EXPECT_THAT(reply.children, ElementsAre("/dx"));
  EXPECT_FALSE(reply.more);
  GetEphemerals of_other;
  of_other.session = other.connected.session;
  EXPECT_THAT(Ask(of_other).children, ElementsAre("/z"));
  of_other.session = SessionId(4711);
  EXPECT_THAT(Ask(of_other).children, IsEmpty());
  GetEphemerals below;
  below.all_sessions = true;
  below.prefix = "/d";  // a path
  EXPECT_THAT(Ask(below).children, ElementsAre("/d/e1", "/d/e2"));
  below.prefix = "";
  below.limit = 3;
  reply = Ask(below);
  EXPECT_THAT(reply.children, ElementsAre("/d/e1", "/d/e2", "/dx"));
  ASSERT_TRUE(reply.more);
  below.after = reply.next;
  EXPECT_THAT(Ask(below).children, ElementsAre("/z"));
  std::optional<Reply> call;
  w.service.Call({Read(1, GetEphemerals{}), {}}, [&](Reply r) { call = std::move(r); });
  EXPECT_EQ(call->error, ToErrorCode(tree::Error::kBadArguments));
}

// L3: paths may be long, so a page of them ends by their bytes too.
TEST_F(Reads, APageOfEphemeralsIsBoundedInBytes) {
  FakeDoor& other = w.Connect();
  std::string path;
  for (int i = 0; i < 60; ++i) w.ApplyOther(Create(path += "/" + std::string(999, 'd')));
  constexpr uint64_t kCount = 40;
  for (uint64_t i = 1; i <= kCount; ++i) {
    w.Submit(*door, {Write(i, Ephemeral(path + "/" + std::to_string(i)))}, /*confirmed_below=*/i);
    w.ApplyAll();
  }
  GetEphemerals own, of_other, below;
  of_other.session = door->connected.session;
  below.all_sessions = true;
  auto pages = [&](FakeDoor& who, GetEphemerals op) {
    std::vector<std::string> all;
    Reply reply;
    do {
      reply = Ask(who, op);
      EXPECT_LE(reply.children.size(), (1u << 20) / path.size() + 1);
      all.insert(all.end(), reply.children.begin(), reply.children.end());
      op.after = reply.next;
    } while (reply.more);
    return all;
  };
  EXPECT_THAT(pages(*door, own), SizeIs(kCount));
  EXPECT_THAT(pages(other, of_other), SizeIs(kCount));
  EXPECT_THAT(pages(other, below), SizeIs(kCount));
}

TEST_F(Reads, CountsAndAcls) {
  for (const char* path : {"/d", "/d/a", "/d/b", "/d/b/c"}) w.ApplyOther(Create(path));
  EXPECT_EQ(Ask(CountDescendants{"/d"}).count, 3u);
  EXPECT_EQ(Ask(CountDescendants{"/none"}).error, ToErrorCode(tree::Error::kNoNode));
  Reply reply = Ask(GetAcl{"/d"});
  EXPECT_EQ(reply.acl, (access::Acl{{access::kAllPermissions, "world", "anyone"}}));
  EXPECT_EQ(reply.stat->aversion, 0);
  EXPECT_EQ(reply.mode, CreateMode::kPersistent);
}

TEST_F(Reads, AclComesWithHowLongANodeLives) {
  CreateOp container = Create("/c");
  container.mode = CreateMode::kContainer;
  CreateOp ttl = Create("/t");
  ttl.mode = CreateMode::kPersistentTtl;
  ttl.ttl_ms = 1234;
  w.ApplyOther(container);
  w.ApplyOther(ttl);
  EXPECT_EQ(Ask(GetAcl{"/c"}).mode, CreateMode::kContainer);
  EXPECT_EQ(Ask(GetAcl{"/t"}).mode, CreateMode::kPersistentTtl);
  EXPECT_EQ(Ask(GetAcl{"/t"}).ttl_ms, 1234u);
}

TEST_F(Reads, CheckWatchSeesTheOwnConnectionsOnly) {
  FakeDoor& other = w.Connect();
  Ask(AddWatch{"/a", WatchKind::kPersistent});
  EXPECT_EQ(Ask(CheckWatch{"/a", WatchKind::kPersistent}).error, ErrorCode::kOk);
  EXPECT_EQ(Ask(CheckWatch{"/a", WatchKind::kData}).error, ToErrorCode(tree::Error::kNoWatcher));
  EXPECT_EQ(Ask(other, CheckWatch{"/a", WatchKind::kPersistent}).error, ToErrorCode(tree::Error::kNoWatcher));
  EXPECT_EQ(w.service.Stats().watches, 1u);
}

// 11.6, 11.7: a watch is set on success, and by exists on a missing node; on no other error.
TEST_F(Reads, FailedReadsSetNoWatch) {
  w.ApplyOther(CreateWith("/s", ReadByAnn()));
  for (Operation operation :
       {Operation(Exists{"/s", true}), Operation(GetData{"/s", true}), Operation(GetChildren{"/s", true}),
        Operation(GetData{"/none", true}), Operation(GetChildren{"/none", true}), Operation(Exists{"bad", true})}) {
    EXPECT_NE(Ask(operation).error, ErrorCode::kOk);
    EXPECT_EQ(w.service.Stats().watches, 0u) << OperationName(operation);
  }
}

// Every operation has a name of its own, and a size; which are writes is a matter of numbers (S2).
TEST(Operations, AreNamedAndSorted) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < std::variant_size_v<Operation>; ++i) names.insert(OperationName(i));
  EXPECT_EQ(names.size(), std::variant_size_v<Operation>);
  EXPECT_EQ(OperationName(Operation(SetAclOp{})), "setAcl");
  EXPECT_EQ(OperationName(Operation(CountDescendants{})), "countDescendants");
  EXPECT_EQ(OperationName(Operation(CheckWatch{})), "checkWatch");
  for (Operation write : {Operation(SetAclOp{}), Operation(DeleteTreeOp{}), Operation(TxnOp{}),
                          Operation(Authenticate{}), Operation(CloseSession{})}) {
    EXPECT_TRUE(IsWrite(write)) << OperationName(write);
  }
  for (Operation read : {Operation(Exists{}), Operation(GetAcl{}), Operation(MultiRead{}), Operation(WhoAmI{}),
                         Operation(CheckWatch{}), Operation(SetWatches{})}) {
    EXPECT_FALSE(IsWrite(read)) << OperationName(read);
  }
}

// What would never fit or never mean anything does not get into the log.
TEST(Operations, HopelessOnesAreRefusedAtTheDoor) {
  constexpr uint32_t kMax = 1000;
  auto refusal = [](Operation operation) { return RefusalOf(operation, kMax); };
  access::Acl wide(access::kMaxAclEntries + 1, {1, "world", "anyone"});
  access::Acl longest = {{1, "digest", std::string(access::kMaxAclTextBytes + 1, 'x')}};
  EXPECT_EQ(refusal(CreateWith("/a", wide)), tree::Error::kInvalidAcl);
  EXPECT_EQ(refusal(CreateWith("bad", wide)), tree::Error::kBadArguments);  // 11.1: the path goes first
  EXPECT_EQ(refusal(SetAcl("/a", longest)), tree::Error::kInvalidAcl);
  EXPECT_EQ(refusal(SetAcl("/a", std::nullopt)), std::nullopt);
  EXPECT_EQ(refusal(SetAcl("/a/", std::nullopt)), tree::Error::kBadArguments);
  DeleteTreeOp root;
  root.path = "/";
  EXPECT_EQ(refusal(root), tree::Error::kBadArguments);
  TxnOp txn;
  txn.compares.resize(statemachine::kMaxCompares);
  txn.else_ops = {Set("/a", std::string(kMax, 'x'))};
  EXPECT_EQ(refusal(txn), std::nullopt);
  txn.compares.emplace_back();
  EXPECT_EQ(refusal(txn), tree::Error::kTooLarge);
  txn.compares.clear();
  txn.else_ops.assign(70, Set("/a", std::string(kMax, 'x')));
  EXPECT_EQ(refusal(txn), tree::Error::kTooLarge);
  MultiOp acls;
  acls.ops.assign(5, CreateWith("/a", access::Acl(256, {1, "digest", std::string(1000, 'x')})));
  EXPECT_EQ(refusal(acls), tree::Error::kTooLarge);
}

// L6: a value out of its range would stop every server that read it from the log. The doors look too.
TEST(Writes, WhatNoCommandCanCarryIsRefusedBeforeTheLog) {
  auto refusal = [](Operation operation) { return RefusalOf(operation, 1 << 20); };
  CreateOp mode = Create("/a");
  mode.mode = static_cast<CreateMode>(7);
  CreateOp existing = Create("/a");
  existing.on_existing = static_cast<OnExisting>(3);
  for (const CreateOp& create : {mode, existing}) {
    EXPECT_EQ(refusal(create), tree::Error::kBadArguments);
    EXPECT_EQ(refusal(MultiOp{{CheckOp{"/"}, create}}), tree::Error::kBadArguments);
    TxnOp then_branch, else_branch;
    then_branch.then_ops = else_branch.else_ops = {create};
    EXPECT_EQ(refusal(then_branch), tree::Error::kBadArguments);
    EXPECT_EQ(refusal(else_branch), tree::Error::kBadArguments);
  }
  TxnOp txn;
  txn.compares.resize(1);
  txn.compares[0].path = "/a";
  EXPECT_EQ(refusal(txn), std::nullopt);
  txn.compares[0].target = static_cast<Compare::Target>(8);
  EXPECT_EQ(refusal(txn), tree::Error::kBadArguments);
  txn.compares[0].target = Compare::Target::kVersion;
  txn.compares[0].relation = static_cast<Compare::Relation>(6);
  EXPECT_EQ(refusal(txn), tree::Error::kBadArguments);
  Unintelligible nothing_wrong;
  nothing_wrong.error = tree::Error::kOk;
  EXPECT_EQ(refusal(nothing_wrong), tree::Error::kBadArguments);
}

}  // namespace
}  // namespace synod::service::testing

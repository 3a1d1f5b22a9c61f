// Every kind of notification on every way to a client, against every permission on the node and on its parent (specs:
// ZooKeeper protocol, 13.7): live and re-armed watches of sessions, live and resumed Watch streams.
#include "tests/unit/coordinator/service/acl_world.h"

namespace synod::service::testing {
namespace {

using access::kRead;
using statemachine::Cursor;

// What Bob may hear of /p/x, made, changed and deleted by Ann: of the node with READ on it, of the parent's list with
// READ on the parent.
struct Audible {
  std::vector<std::string> node, list;
  std::vector<std::string> both() const {  // in the order of the changes
    std::vector<std::string> out;
    if (!node.empty()) out.push_back(node[0]);
    if (!list.empty()) out.push_back(list[0]);
    if (!node.empty()) out.push_back(node[1]);
    if (!node.empty()) out.push_back(node[2]);
    if (!list.empty()) out.push_back(list[1]);
    return out;
  }
};
Audible WhatBobMayHear(Needed granted) {
  Audible out;
  if ((granted.node & kRead) != 0) out.node = {"created /p/x", "changed /p/x", "deleted /p/x"};
  if ((granted.parent & kRead) != 0) out.list = {"children /p", "children /p"};
  return out;
}
void ChangeAsAnn(AclWorld* world, Needed granted) {
  world->AsAnn(CreateWith("/p/x", BobsAcl(granted.node), "secret-value"));
  world->AsAnn(Set("/p/x", "secret-value"));
  world->AsAnn(Delete("/p/x"));
}

class AclWatches : public ::testing::TestWithParam<size_t> {
 protected:
  Needed granted() const { return AllGrants()[GetParam()]; }
};

TEST_P(AclWatches, LivePersistentOnes) {
  AclWorld world(granted());
  world.AsBob(AddWatch{"/p/x", WatchKind::kPersistent});
  world.AsBob(AddWatch{"/p", WatchKind::kPersistent});
  world.bob->Take();
  ChangeAsAnn(&world, granted());
  EXPECT_EQ(world.bob->Take(), WhatBobMayHear(granted()).both());
  EXPECT_EQ(world.w.service.Stats().notifications_denied, 5u - WhatBobMayHear(granted()).both().size());
}

TEST_P(AclWatches, LiveRecursiveOnes) {
  AclWorld world(granted());
  world.AsBob(AddWatch{"/", WatchKind::kPersistentRecursive});
  world.bob->Take();
  ChangeAsAnn(&world, granted());
  EXPECT_EQ(world.bob->Take(), WhatBobMayHear(granted()).node);
}

// A one-shot watch is consumed, heard or not.
TEST_P(AclWatches, OneShotOnes) {
  AclWorld world(granted());
  world.AsBob(Exists{"/p/x", true});
  world.bob->Take();
  ChangeAsAnn(&world, granted());
  std::vector<std::string> expected;
  if ((granted().node & kRead) != 0) expected = {"created /p/x"};
  EXPECT_EQ(world.bob->Take(), expected);
  EXPECT_EQ(world.w.service.Stats().watches, 0u);
}

// An exists watch outlives the right to read: what it would tell when that is gone is not told.
TEST_P(AclWatches, OneShotOnesSetBeforeTheAclChanged) {
  AclWorld world({access::kAllPermissions, access::kAllPermissions});
  world.AsBob(GetData{"/p/n", true});
  world.AsBob(GetChildren{"/p", true});
  world.AsAnn(SetAcl("/p/n", BobsAcl(granted().node)));
  world.AsAnn(SetAcl("/p", BobsAcl(granted().parent)));
  world.bob->Take();
  world.AsAnn(Set("/p/n", "secret-value"));
  world.AsAnn(Create("/p/secret-name"));
  std::vector<std::string> expected;
  if ((granted().node & kRead) != 0) expected.push_back("changed /p/n");
  if ((granted().parent & kRead) != 0) expected.push_back("children /p");
  EXPECT_EQ(world.bob->Take(), expected);
}

TEST_P(AclWatches, RearmedOnes) {
  AclWorld world(granted());
  Cursor seen = world.w.Now();
  ChangeAsAnn(&world, granted());
  ConnectRequest again = World::Resume(*world.bob);
  again.credentials = {Digest(kBob)};
  again.rearm = {{"/p/x", WatchKind::kPersistent, seen}, {"/p", WatchKind::kPersistent, seen}};
  FakeDoor& next = world.w.Open();
  world.w.service.Connect(next.id, again);
  world.w.ApplyAll();
  std::vector<std::string> log = next.Take();
  ASSERT_FALSE(log.empty());
  log.erase(log.begin());  // connected
  EXPECT_EQ(log, WhatBobMayHear(granted()).both());
}

TEST_P(AclWatches, RearmedOneShotOnes) {
  AclWorld world(granted());
  Cursor seen = world.w.Now();
  world.AsAnn(Set("/p/n", "secret-value"));
  world.AsAnn(Create("/p/n/secret-name"));
  ConnectRequest again = World::Resume(*world.bob);
  again.credentials = {Digest(kBob)};
  again.rearm = {
      {"/p/n", WatchKind::kData, seen}, {"/p/n", WatchKind::kExists, seen}, {"/p/n", WatchKind::kChildren, seen}};
  FakeDoor& next = world.w.Open();
  world.w.service.Connect(next.id, again);
  world.w.ApplyAll();
  EXPECT_EQ(next.notifications.size(), (granted().node & kRead) != 0 ? 3u : 0u);
}

// Data on wish included.
TEST_P(AclWatches, Streams) {
  AclWorld world(granted());
  Cursor seen = world.w.Now();
  auto open = [&](FakeStream* stream, std::string path, bool recursive, Cursor after) {
    WatchStreamRequest request = Watching(std::move(path), recursive, after);
    request.with_data = true;
    request.credentials = {Digest(kBob)};
    OpenStream(&world.w, stream, request);
  };
  FakeStream node, list, all;
  open(&node, "/p/x", false, seen);
  open(&list, "/p", false, seen);
  open(&all, "/p", true, seen);
  ChangeAsAnn(&world, granted());
  Audible expected = WhatBobMayHear(granted());
  std::vector<std::string> with_data = expected.node;
  if (!with_data.empty()) {
    with_data[0] += "=secret-value";
    with_data[1] += "=secret-value";
  }
  EXPECT_EQ(node.log, with_data);
  EXPECT_EQ(list.log, expected.list);
  EXPECT_EQ(all.log, with_data);
  FakeStream past_node, past_list, past_all;  // the same from the window; the node is gone by now
  open(&past_node, "/p/x", false, seen);
  open(&past_list, "/p", false, seen);
  open(&past_all, "/p", true, seen);
  EXPECT_EQ(past_node.log, expected.node);
  EXPECT_EQ(past_list.log, expected.list);
  EXPECT_EQ(past_all.log, expected.node);
}

// Data comes along only for who may read it now, whatever the ACL of the change's moment.
TEST_P(AclWatches, StreamsGiveDataByTheAclOfNow) {
  AclWorld world({access::kAllPermissions, access::kAllPermissions});
  Cursor seen = world.w.Now();
  world.AsAnn(Set("/p/n", "secret-value"));
  world.AsAnn(SetAcl("/p/n", BobsAcl(granted().node)));
  FakeStream stream;
  WatchStreamRequest request = Watching("/p/n", false, seen);
  request.with_data = true;
  request.credentials = {Digest(kBob)};
  OpenStream(&world.w, &stream, request);
  EXPECT_THAT(stream.log,
              ::testing::ElementsAre((granted().node & kRead) != 0 ? "changed /p/n=secret-value" : "changed /p/n"));
}

// A session that closes hears of its last ephemerals, by what it had proved (13.7), however many commands they take.
void CloseSessionWith(size_t ephemerals, uint32_t permissions) {
  AclWorld world({0, access::kCreate});
  Sequence number(0);
  auto as_bob = [&](Operation operation) {
    ++number;
    world.w.Submit(*world.bob, {Write(number.value(), std::move(operation))});
    world.w.ApplyAll();
  };
  for (size_t i = 0; i < ephemerals; ++i) {
    CreateOp mine = Ephemeral(absl::StrCat("/p/", i));
    mine.acl = BobsAcl(permissions);
    as_bob(mine);
  }
  world.w.Submit(*world.bob, {Read(1, Exists{absl::StrCat("/p/", ephemerals - 1), true})});
  world.bob->Take();
  as_bob(CloseSession{});
  world.w.loop.Advance(absl::Seconds(1));
  world.w.ApplyAll();
  std::vector<std::string> expected;
  if ((permissions & kRead) != 0) expected.push_back(absl::StrCat("deleted /p/", ephemerals - 1));
  expected.push_back(absl::StrCat("reply ", ephemerals + 1, " Ok"));
  expected.push_back("close: session closed");
  EXPECT_EQ(world.bob->Take(), expected);
}
TEST(AclWatchesOfOneThatCloses, TheLastEphemeralsOfOneCommand) {
  CloseSessionWith(2, access::kAllPermissions);
  CloseSessionWith(2, access::kAllPermissions & ~kRead);
}
TEST(AclWatchesOfOneThatCloses, TheLastEphemeralsOfSeveralCommands) {
  CloseSessionWith(statemachine::kEphemeralsPerCommand + 1, access::kAllPermissions);
}

INSTANTIATE_TEST_SUITE_P(Grants, AclWatches, ::testing::Range<size_t>(0, AllGrants().size()));

}  // namespace
}  // namespace synod::service::testing

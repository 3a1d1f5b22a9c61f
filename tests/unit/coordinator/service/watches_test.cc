// Watches as a client sees them (W1, W2), and what an install leaves of a connection (S10).
#include "tests/unit/coordinator/service/fakes.h"

namespace synod::service::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// W2: an event goes before any reply that shows the change, the reply to the session's own write included.
TEST(Watches, EventGoesBeforeTheReplyThatShowsTheChange) {
  World w;
  w.Lead();
  FakeDoor& door = w.Connect();
  w.ApplyOther(Create("/a", "1"));
  w.Submit(door, {Read(1, GetData{"/a", true}), Write(1, Set("/a", "2")), Read(2, GetData{"/a"})});
  w.ApplyAll();
  EXPECT_THAT(door.Take(), ElementsAre("reply 1 Ok 1", "changed /a", "reply 1 Ok", "reply 2 Ok 2"));
}

// W2, L3: between two commands of one entry, events and reads stand in their order.
TEST(Watches, EventsOfOneEntryStandCommandByCommand) {
  World w;
  w.Lead();
  FakeDoor& watcher = w.Connect();
  FakeDoor& writer = w.Connect();
  w.Submit(watcher, {Read(1, AddWatch{"/a", WatchKind::kPersistentRecursive})});
  watcher.Take();
  w.Submit(writer, {Write(1, Create("/a"))});
  w.Submit(watcher, {Write(1, Create("/other")), Read(2, Exists{"/a"})});
  w.Submit(writer, {Write(2, Set("/a", "x"))});
  w.ApplyAll();
  EXPECT_THAT(watcher.Take(), ElementsAre("created /a", "reply 1 Ok", "reply 2 Ok", "changed /a"));
}

// W2: a watch is set together with the read, also on a missing node for exists, and not on a missing one for get.
TEST(Watches, AreSetAtomicallyWithTheRead) {
  World w;
  w.Lead();
  FakeDoor& door = w.Connect();
  w.Submit(door, {Read(1, Exists{"/a", true}), Read(2, GetData{"/b", true}), Read(3, GetChildren{"/", true, true})});
  EXPECT_THAT(door.Take(), ElementsAre("reply 1 NoNode", "reply 2 NoNode", "reply 3 Ok"));
  EXPECT_EQ(w.service.Stats().watches, 2u);
  w.ApplyOther(Create("/a"));
  w.ApplyOther(Create("/b"));
  EXPECT_THAT(door.Take(), ElementsAre("created /a", "children /"));  // one-shot each
}

TEST(Watches, AreRemovedOnRequestAndGoWithTheConnection) {
  World w;
  w.Lead();
  FakeDoor& door = w.Connect();
  w.Submit(door, {Read(1, Exists{"/a", true}), Read(2, RemoveWatch{"/a", WatchKind::kData}),
                  Read(3, RemoveWatch{"/a", WatchKind::kData}), Read(4, AddWatch{"/a", WatchKind::kData}),
                  Read(5, AddWatch{"/a", WatchKind::kPersistent})});
  EXPECT_THAT(door.Take(),
              ElementsAre("reply 1 NoNode", "reply 2 Ok", "reply 3 NoWatcher", "reply 4 BadArguments", "reply 5 Ok"));
  EXPECT_GT(w.service.Stats().watches, 0u);
  w.service.ConnectionClosed(door.id, true);
  EXPECT_EQ(w.service.Stats().watches, 0u);
  w.ApplyOther(Create("/a"));
}

TEST(Watches, BeyondTheirBudgetAreRefusedNotForgotten) {
  ServiceConfig config = TestConfig();
  config.watch_bytes_max = 1;
  World w(config);
  w.Lead();
  FakeDoor& door = w.Connect();
  w.Submit(door, {Read(1, Exists{"/a", true}), Read(2, Exists{"/a"})});
  EXPECT_THAT(door.Take(), ElementsAre("reply 1 Overloaded", "reply 2 NoNode"));
}

// W2: the setWatches rule (13.5): what changed since fires at once, behind the answer to connect; the rest is armed.
TEST(Watches, RearmByTheSetWatchesRule) {
  World w;
  w.Lead();
  FakeDoor& door = w.Connect();
  for (const char* path : {"/same", "/changed", "/gone", "/parent"}) w.ApplyOther(Create(path));
  statemachine::Cursor seen{w.machine.last_zxid()};
  w.ApplyOther(Set("/changed", "x"));
  w.ApplyOther(Delete("/gone"));
  w.ApplyOther(Create("/parent/child"));
  w.ApplyOther(Create("/appeared"));
  ConnectRequest again = World::Resume(door);
  again.rearm = {{"/same", WatchKind::kData, seen},       {"/changed", WatchKind::kData, seen},
                 {"/gone", WatchKind::kData, seen},       {"/gone", WatchKind::kChildren, seen},
                 {"/parent", WatchKind::kChildren, seen}, {"/same", WatchKind::kChildren, seen},
                 {"/appeared", WatchKind::kExists, seen}, {"/missing", WatchKind::kExists, seen},
                 {"/p", WatchKind::kPersistent, seen}};
  FakeDoor& next = w.Open();
  w.service.Connect(next.id, again);
  w.ApplyAll();
  EXPECT_THAT(next.Take(), ElementsAre("connected g2 last0", "changed /changed", "deleted /gone", "deleted /gone",
                                       "children /parent", "created /appeared"));
  w.ApplyOther(Set("/same", "x"));
  w.ApplyOther(Create("/missing"));
  w.ApplyOther(Create("/p"));
  w.ApplyOther(Create("/same/c"));
  EXPECT_THAT(next.Take(), ElementsAre("changed /same", "created /missing", "created /p", "children /same"));
}

// ---- S10 ----

class Installed : public ::testing::Test {
 protected:
  // Two servers with the same log so far: `w` serves, `other` applies the same commands.
  static void ApplyOnBoth(World* w, World* other) {
    for (const std::string& command : std::exchange(w->node.submitted, {})) {
      other->Apply(command);
      w->Apply(command);
    }
  }
};

// S10: what is numbered is answered from the reply table.
TEST_F(Installed, NumberedRequestsAreAnsweredFromTheReplyTable) {
  World w, other;
  w.Follow(2);
  FakeDoor& door = w.Open();
  w.service.Connect(door.id, World::NewSession());
  ApplyOnBoth(&w, &other);
  w.Submit(door,
           {Write(1, Create("/a", "x")), Read(7, GetData{"/a"}), Write(2, Create("/a")), Write(3, Set("/a", "y"))});
  std::vector<std::string> sent = std::exchange(w.node.submitted, {});
  other.Apply(sent[0]);
  other.Apply(sent[1]);
  door.Take();
  Install(&w, &other);
  EXPECT_THAT(door.Take(), ElementsAre("reply 1 Ok", "reply 7 Ok x", "reply 2 NodeExists"));
  EXPECT_EQ(door.replies[0].result.path, "/a");
  EXPECT_THAT(w.node.SubmittedNumbers(), ElementsAre(3));
  w.ApplyAll();
  EXPECT_THAT(door.Take(), ElementsAre("reply 3 Ok"));
}

// S10, W2: there are no events for the jump, so who watches has to re-arm, before it is told anything newer.
TEST_F(Installed, ConnectionsWithWatchesAreClosed) {
  World w, other;
  w.Follow(2);
  FakeDoor& door = w.Open();
  FakeDoor& zookeeper = w.Open(/*native=*/false);
  FakeDoor& idle = w.Open(/*native=*/false);
  for (FakeDoor* d : {&door, &zookeeper, &idle}) w.service.Connect(d->id, World::NewSession());
  ApplyOnBoth(&w, &other);
  w.Submit(door, {Read(1, Exists{"/a", true}), Write(1, Create("/a"))});
  w.Submit(zookeeper, {Read(1, Create("/z"))});
  for (const std::string& command : std::exchange(w.node.submitted, {})) other.Apply(command);
  door.Take();
  Install(&w, &other);
  EXPECT_THAT(door.Take(), ElementsAre("close: connect again"));
  EXPECT_EQ(zookeeper.closed, CloseReason::kResume);
  EXPECT_FALSE(idle.closed);
  EXPECT_EQ(w.service.Stats().watches, 0u);
}

// S10: sessions that moved or ended in the jump; calls and grants whose outcome lies in it.
TEST_F(Installed, WhatEndedOrWaitedInTheJumpIsTold) {
  World w, other;
  w.Follow(2);
  FakeDoor& moved = w.Open();
  FakeDoor& ended = w.Open();
  for (FakeDoor* d : {&moved, &ended}) w.service.Connect(d->id, World::NewSession());
  ApplyOnBoth(&w, &other);
  other.AttachElsewhere(moved.connected.session);
  other.ApplyOther(statemachine::ExpireSessionOp{ended.connected.session, OwnerGeneration(1)});
  FakeDoor& connecting = w.Open();
  w.service.Connect(connecting.id, World::NewSession());
  std::vector<Reply> replies;
  w.service.Call({Read(1, Create("/b")), {}, {}}, [&](Reply r) { replies.push_back(std::move(r)); });
  Install(&w, &other);
  EXPECT_EQ(moved.closed, CloseReason::kMoved);
  EXPECT_EQ(ended.closed, CloseReason::kSessionExpired);
  EXPECT_EQ(connecting.closed, CloseReason::kResume);
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].error, ErrorCode::kNoQuorum);
  EXPECT_EQ(replies[0].effect, Effect::kMayHaveBeenDone);
}

}  // namespace
}  // namespace synod::service::testing

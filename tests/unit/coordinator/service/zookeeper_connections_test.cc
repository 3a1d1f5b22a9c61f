// Connections whose writes the service numbers (ZooKeeper's protocol), against section 3 of the design; and how they
// set their watches again (13.5).
#include "tests/unit/coordinator/service/watch_fakes.h"

namespace synod::service::testing {
namespace {

using statemachine::Cursor;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

FakeDoor& ConnectZooKeeper(World* w, ConnectRequest request = World::NewSession(), std::string address = "") {
  FakeDoor& door = w->Open(/*native=*/false, std::move(address));
  w->service.Connect(door.id, std::move(request));
  w->ApplyAll();
  door.Take();
  return door;
}

CreateOp Sequential(std::string path) {
  CreateOp op = Create(std::move(path));
  op.mode = CreateMode::kPersistentSequential;
  return op;
}

std::vector<std::string> ChildrenOf(World* w, const std::string& path) {
  std::vector<std::string> names;
  EXPECT_EQ(w->machine.tree().GetChildren(access::Caller::Unrestricted(), path, &names, nullptr), tree::Error::kOk);
  return names;
}

// ---- setWatches ----

// 13.5, W2: at its place among the requests, with what is due before its reply.
TEST(SetWatchesOperation, TakesItsPlaceAndTellsWhatIsDueFirst) {
  World w;
  w.Lead();
  FakeDoor& door = ConnectZooKeeper(&w);
  w.Submit(door,
           {Read(1, Create("/a")), Read(2, SetWatches{{{"/a", WatchKind::kExists, w.Now()}}}), Read(3, Exists{"/a"})});
  EXPECT_THAT(door.Take(), IsEmpty());
  w.ApplyAll();
  EXPECT_THAT(door.Take(), ElementsAre("reply 1 Ok", "created /a", "reply 2 Ok", "reply 3 Ok"));
  EXPECT_EQ(door.notifications[0].ordinal, Cursor::kAll);
  EXPECT_EQ(door.replies[1].zxid, w.machine.last_zxid());
}

TEST(SetWatchesOperation, FiresWhatChangedAndSetsTheRest) {  // 13.5
  World w;
  w.Lead();
  FakeDoor& door = ConnectZooKeeper(&w);
  for (const char* path : {"/same", "/changed", "/gone", "/parent"}) w.ApplyOther(Create(path));
  const Cursor seen = w.Now();
  w.ApplyOther(Set("/changed", "x"));
  w.ApplyOther(Delete("/gone"));
  w.ApplyOther(Create("/parent/child"));
  w.Submit(door, {Read(1, SetWatches{{{"/same", WatchKind::kData, seen},
                                      {"/changed", WatchKind::kData, seen},
                                      {"/gone", WatchKind::kChildren, seen},
                                      {"/parent", WatchKind::kChildren, seen},
                                      {"/missing", WatchKind::kExists, seen},
                                      {"bad", WatchKind::kData, seen}}})});
  EXPECT_THAT(door.Take(), ElementsAre("changed /changed", "deleted /gone", "children /parent", "reply 1 Ok"));
  EXPECT_EQ(w.service.Stats().watches, 2u);
  w.ApplyOther(Set("/same", "x"));
  w.ApplyOther(Create("/missing"));
  EXPECT_THAT(door.Take(), ElementsAre("changed /same", "created /missing"));
}

// 13.5: what happened at the cursor itself the client has seen.
TEST(SetWatchesOperation, AChangeAtTheCursorIsNoneSinceIt) {
  World w;
  w.Lead();
  FakeDoor& door = ConnectZooKeeper(&w);
  w.ApplyOther(Create("/parent"));
  w.ApplyOther(Create("/parent/child"));
  w.Submit(door, {Read(1, SetWatches{{{"/parent", WatchKind::kChildren, w.Now()},
                                      {"/parent/child", WatchKind::kData, w.Now()}}})});
  EXPECT_THAT(door.Take(), ElementsAre("reply 1 Ok"));
  EXPECT_EQ(w.service.Stats().watches, 2u);
}

// 13.5: persistent watches have no cursor here: they are set, and nothing is told of the past.
TEST(SetWatchesOperation, PersistentOnesHearNothingOfThePast) {
  World w;
  w.Lead();
  FakeDoor& door = ConnectZooKeeper(&w);
  w.ApplyOther(Create("/a"));
  w.Submit(door, {Read(1, SetWatches{{{"/a", WatchKind::kPersistent, Cursor{}},
                                      {"/b", WatchKind::kPersistentRecursive, Cursor{}}}})});
  EXPECT_THAT(door.Take(), ElementsAre("reply 1 Ok"));
  w.ApplyOther(Set("/a", "x"));
  w.ApplyOther(Create("/b"));
  w.ApplyOther(Create("/b/c"));
  EXPECT_THAT(door.Take(), ElementsAre("changed /a", "created /b", "created /b/c"));
}

// 13.7: by what the connection has proved when its turn comes; consumed all the same.
TEST(SetWatchesOperation, TellsOnlyReaders) {
  World w;
  w.Lead();
  FakeDoor& door = ConnectZooKeeper(&w);
  const Cursor before = w.Now();
  w.ApplyOther(CreateWith("/s", ReadByAnn()));
  const SetWatches set{{{"/s", WatchKind::kData, before}, {"/s", WatchKind::kExists, before}}};
  w.Submit(door, {Read(1, set)});
  EXPECT_THAT(door.Take(), ElementsAre("reply 1 Ok"));
  EXPECT_EQ(w.service.Stats().watches, 0u);
  w.Submit(door, {Read(2, Authenticate{Digest(kAnn)}), Read(3, set)});
  w.ApplyAll();
  EXPECT_THAT(door.Take(), ElementsAre("reply 2 Ok", "changed /s", "created /s", "reply 3 Ok"));
}

// L11: clients overlook the error of a setWatches, and would wait for events for ever.
TEST(SetWatchesOperation, BeyondTheBudgetOfWatchesTheConnectionCloses) {
  ServiceConfig config = TestConfig();
  config.watch_bytes_max = 64 << 10;
  World w(config);
  w.Lead();
  std::vector<WatchSet> sets;
  for (int i = 0; i < 10'000; ++i) sets.push_back({"/a/path/" + std::to_string(i), WatchKind::kExists, w.Now()});
  FakeDoor& door = ConnectZooKeeper(&w);
  w.Submit(door, {Read(1, SetWatches{sets}), Read(2, Exists{"/"})});
  EXPECT_THAT(door.Take(), ElementsAre("close: overloaded"));
  EXPECT_EQ(w.service.Stats().watches, 0u);
  FakeDoor& behind_a_write = ConnectZooKeeper(&w);
  w.Submit(behind_a_write, {Read(1, Create("/a")), Read(2, SetWatches{sets}), Read(3, Exists{"/"})});
  w.ApplyAll();
  EXPECT_THAT(behind_a_write.Take(), ElementsAre("reply 1 Ok", "close: overloaded"));
  ConnectRequest native = World::NewSession();
  native.rearm = sets;
  FakeDoor& rearming = w.Open();
  w.service.Connect(rearming.id, native);
  w.ApplyAll();
  EXPECT_EQ(rearming.closed, CloseReason::kOverloaded);
  EXPECT_EQ(w.service.Stats().watches, 0u);
  EXPECT_EQ(w.service.Stats().outstanding, 0u);
}

TEST(SetWatchesOperation, NeedsAConnection) {
  World w;
  w.Lead();
  std::optional<Reply> reply;
  w.service.Call({Read(1, SetWatches{{{"/a", WatchKind::kData, {}}}}), {}, {}}, [&](Reply r) { reply = std::move(r); });
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->error, ToErrorCode(tree::Error::kBadArguments));
}

// 13.6: any of the connection's own; all of them go.
TEST(WatchesOfAnyKind, AreFoundAndRemovedTogether) {
  World w;
  w.Lead();
  FakeDoor& door = ConnectZooKeeper(&w);
  CheckWatch check{"/a"};
  RemoveWatch remove{"/a"};
  check.any = remove.any = true;
  w.Submit(door, {Read(1, check), Read(2, remove), Read(3, Exists{"/a", true}),
                  Read(4, AddWatch{"/a", WatchKind::kPersistent}), Read(5, check), Read(6, Exists{"/b", true}),
                  Read(7, remove), Read(8, check), Read(9, remove)});
  EXPECT_THAT(door.Take(),
              ElementsAre("reply 1 NoWatcher", "reply 2 NoWatcher", "reply 3 NoNode", "reply 4 Ok", "reply 5 Ok",
                          "reply 6 NoNode", "reply 7 Ok", "reply 8 NoWatcher", "reply 9 NoWatcher"));
  w.ApplyOther(Create("/a"));
  w.ApplyOther(Create("/b"));
  EXPECT_THAT(door.Take(), ElementsAre("created /b"));
}

// S6: clients of ZooKeeper's protocol ping only when they have nothing else to say.
TEST(ZooKeeperConnection, ItsRequestsAreHeardAsPingsAre) {
  World w;
  w.Follow(2);
  FakeDoor& door = ConnectZooKeeper(&w);
  w.AdvanceAcknowledged(absl::Seconds(1));
  auto heard = [&] {
    size_t times = 0;
    for (const LivenessReport& report : w.Reports()) times += report.heard.size();
    return times;
  };
  w.loop.Advance(absl::Milliseconds(200));
  ASSERT_EQ(heard(), 0u);
  w.Submit(door, {Read(1, Exists{"/"})});
  w.loop.Advance(absl::Milliseconds(200));
  EXPECT_GT(heard(), 0u);
}

// ---- section 3 ----

// S2: held, forwarded, forwarded again to the next leader, and applied from both copies: done once.
TEST(ZooKeeperConnection, WriteIsDoneOnceThroughAChangeOfLeader) {
  World w;
  w.Follow(2);
  FakeDoor& door = ConnectZooKeeper(&w);
  w.ApplyOther(Create("/d"));
  w.Submit(door, {Read(1, Sequential("/d/n"))});
  std::vector<std::string> first = std::exchange(w.node.submitted, {});
  ASSERT_THAT(first, SizeIs(1));
  w.LoseLeader();
  w.Submit(door, {Read(2, Sequential("/d/n"))});
  EXPECT_THAT(w.node.submitted, IsEmpty());
  w.Follow(3);
  EXPECT_THAT(w.node.SubmittedNumbers(), ElementsAre(1, 2));
  EXPECT_EQ(w.node.submitted[0], first[0]);  // as first encoded
  w.Apply(first[0]);                         // the old leader's entry survived
  w.ApplyAll();
  EXPECT_THAT(door.Take(), ElementsAre("reply 1 Ok", "reply 2 Ok"));
  EXPECT_THAT(ChildrenOf(&w, "/d"), SizeIs(2));
  EXPECT_EQ(door.replies[0].result.path, "/d/n0000000000");
  EXPECT_EQ(door.replies[1].result.path, "/d/n0000000001");
}

// S3: nobody will ask for these answers again.
TEST(ZooKeeperConnection, AttachClearsTheReplyTable) {
  World w;
  w.Lead();
  FakeDoor& door = ConnectZooKeeper(&w);
  w.Submit(door, {Read(1, Create("/a")), Read(2, Create("/b"))});
  w.ApplyAll();
  const SessionId session = door.connected.session;
  EXPECT_GT(w.machine.sessions().Find(session)->replies().count(), 0u);
  FakeDoor& next = ConnectZooKeeper(&w, World::Resume(door));
  EXPECT_EQ(w.machine.sessions().Find(session)->replies().count(), 0u);
  EXPECT_EQ(w.machine.sessions().Find(session)->last_applied(), Sequence(2));
  w.Submit(next, {Read(1, Create("/c"))});
  EXPECT_THAT(w.node.SubmittedNumbers(), ElementsAre(3));
}

// S4: the newer connection wins; what the older one had on its way does nothing any more.
TEST(ZooKeeperConnection, AttachHereClosesTheOpenOneAndFencesItsWrites) {
  World w;
  w.Follow(2);
  FakeDoor& old = ConnectZooKeeper(&w);
  w.Submit(old, {Read(1, Create("/a"))});
  std::vector<std::string> late = std::exchange(w.node.submitted, {});
  FakeDoor& next = ConnectZooKeeper(&w, World::Resume(old));
  EXPECT_THAT(old.Take(), ElementsAre("close: session moved to another connection"));
  w.Submit(next, {Read(1, Create("/b"))});
  w.Apply(late[0]);
  w.ApplyAll();
  EXPECT_THAT(next.Take(), ElementsAre("reply 1 Ok"));
  EXPECT_FALSE(w.machine.tree().Has("/a"));
  EXPECT_TRUE(w.machine.tree().Has("/b"));
}

// S2: each protocol numbers in its own way.
TEST(ZooKeeperConnection, SessionsDoNotChangeTheProtocol) {
  World w;
  w.Lead();
  FakeDoor& zookeeper = ConnectZooKeeper(&w);
  FakeDoor& native = w.Connect();
  FakeDoor& first = w.Open();
  w.service.Connect(first.id, World::Resume(zookeeper));
  EXPECT_EQ(first.closed, CloseReason::kProtocolError);
  FakeDoor& second = w.Open(/*native=*/false);
  w.service.Connect(second.id, World::Resume(native));
  EXPECT_EQ(second.closed, CloseReason::kSessionExpired);  // closed without a word it would try again for ever
  EXPECT_FALSE(zookeeper.closed);
  EXPECT_FALSE(native.closed);
}

// S9: a read waits for the connection's own earlier writes, and never shows less than the client has seen.
TEST(ZooKeeperConnection, KeepsItsOrderAndDoesNotGoBack) {
  World w;
  w.Follow(2);
  FakeDoor& door = ConnectZooKeeper(&w);
  w.Submit(door, {Read(1, Create("/a", "x")), Read(2, GetData{"/a"}), Read(3, Set("/a", "y")), Read(4, GetData{"/a"})});
  EXPECT_THAT(door.Take(), IsEmpty());
  w.ApplyAll();
  EXPECT_THAT(door.Take(), ElementsAre("reply 1 Ok", "reply 2 Ok x", "reply 3 Ok", "reply 4 Ok y"));
  ConnectRequest ahead = World::Resume(door);
  ahead.last_zxid = w.machine.last_zxid() + 2;
  FakeDoor& next = ConnectZooKeeper(&w, ahead);
  EXPECT_FALSE(next.closed);
  EXPECT_EQ(next.connected.session, SessionId(0));  // not granted yet
  w.AdvanceAcknowledged(absl::Seconds(2));
  EXPECT_EQ(next.closed, CloseReason::kBehind);
}

// S6: held for a third of the timeout at most, then without a word.
TEST(ZooKeeperConnection, WithoutLeaderItsRequestsAreHeldThenItCloses) {
  World w;
  w.Follow(2);
  FakeDoor& door = ConnectZooKeeper(&w, World::NewSession(absl::Seconds(3)));
  w.LoseLeader();
  w.Submit(door, {Read(1, Create("/a")), Read(2, Exists{"/a"})});
  w.loop.Advance(absl::Milliseconds(900));
  EXPECT_THAT(door.Take(), IsEmpty());
  w.loop.Advance(absl::Milliseconds(200));
  EXPECT_THAT(door.Take(), ElementsAre("close: no quorum"));
}

TEST(ZooKeeperConnection, NothingIsDoneBehindACloseOrAnExpiry) {
  World w;
  w.Lead();
  FakeDoor& door = ConnectZooKeeper(&w);
  w.Submit(door, {Read(1, Ephemeral("/e")), Read(2, CloseSession{}), Read(3, Create("/a")), Read(4, Exists{"/e"})});
  w.ApplyAll();
  EXPECT_THAT(door.Take(), ElementsAre("reply 1 Ok", "reply 2 Ok", "close: session closed"));
  FakeDoor& expired = ConnectZooKeeper(&w);
  w.Submit(expired, {Read(1, Create("/a"))});
  w.ApplyOther(statemachine::ExpireSessionOp{expired.connected.session, OwnerGeneration(1)});
  w.ApplyAll();
  EXPECT_THAT(expired.Take(), ElementsAre("close: session expired or unknown"));
  EXPECT_FALSE(w.machine.tree().Has("/a"));
  EXPECT_EQ(w.machine.sessions().count(), 0u);
  EXPECT_EQ(w.service.Stats().outstanding, 0u);
}

// What it proves belongs to the connection: the next one begins with its address alone.
TEST(ZooKeeperConnection, IdentitiesEndWithIt) {
  World w;
  w.Lead();
  w.ApplyOther(CreateWith("/s", ReadByAnn(), "secret"));
  FakeDoor& door = ConnectZooKeeper(&w, World::NewSession(), "192.0.2.1");
  w.Submit(door, {Read(1, GetData{"/s"}), Read(2, Authenticate{Digest(kAnn)}), Read(3, GetData{"/s"}),
                  Read(4, Authenticate{{"nonsense", "x"}}), Read(5, WhoAmI{})});
  w.ApplyAll();
  EXPECT_THAT(door.Take(),
              ElementsAre("reply 1 NoAuth", "reply 2 Ok", "reply 3 Ok secret", "reply 4 AuthFailed", "reply 5 Ok"));
  EXPECT_EQ(door.replies[4].identities, (access::IdentitySet{{"digest", "ann"}, {"ip", "192.0.2.1"}}));
  FakeDoor& next = ConnectZooKeeper(&w, World::Resume(door), "192.0.2.7");
  w.Submit(next, {Read(1, GetData{"/s"}), Read(2, WhoAmI{})});
  EXPECT_THAT(next.Take(), ElementsAre("reply 1 NoAuth", "reply 2 Ok"));
  EXPECT_EQ(next.replies[1].identities, (access::IdentitySet{{"ip", "192.0.2.7"}}));
}

// S10: no events for the jump, no answers for what was on its way; who has neither is served on under its numbers.
TEST(ZooKeeperConnection, AfterAnInstallOnlyIdleOnesStay) {
  World w, other;
  w.Follow(2);
  FakeDoor& watching = w.Open(/*native=*/false);
  FakeDoor& waiting = w.Open(/*native=*/false);
  FakeDoor& idle = w.Open(/*native=*/false);
  for (FakeDoor* d : {&watching, &waiting, &idle}) w.service.Connect(d->id, World::NewSession());
  auto both = [&] {
    for (const std::string& command : std::exchange(w.node.submitted, {})) {
      other.Apply(command);
      w.Apply(command);
    }
  };
  both();
  w.Submit(idle, {Read(1, Create("/i"))});
  both();
  w.Submit(watching, {Read(1, SetWatches{{{"/a", WatchKind::kExists, w.Now()}}})});
  w.Submit(waiting, {Read(1, Create("/w")), Read(2, Exists{"/w"})});
  for (const std::string& command : std::exchange(w.node.submitted, {})) other.Apply(command);
  other.ApplyOther(Create("/a"));
  for (FakeDoor* d : {&watching, &waiting, &idle}) d->Take();
  Install(&w, &other);
  EXPECT_THAT(watching.Take(), ElementsAre("close: connect again"));
  EXPECT_THAT(waiting.Take(), ElementsAre("close: connect again"));
  w.Submit(idle, {Read(2, Create("/w")), Read(3, Create("/j"))});
  EXPECT_THAT(w.node.SubmittedNumbers(), ElementsAre(2, 3));
  w.ApplyAll();
  EXPECT_THAT(idle.Take(), ElementsAre("reply 2 NodeExists", "reply 3 Ok"));
}

}  // namespace
}  // namespace synod::service::testing

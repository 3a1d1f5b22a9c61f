// A server without quorum serves clients that accept it (specs: ZooKeeper protocol, 16.1).
#include "coordinator/service/read_only.h"

#include "tests/unit/coordinator/service/watch_fakes.h"

namespace synod::service::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

ServiceConfig ReadOnlyConfig() {
  ServiceConfig config = TestConfig();
  config.read_only_mode = true;
  return config;
}

class ReadOnly : public ::testing::Test {
 protected:
  explicit ReadOnly(ServiceConfig config = ReadOnlyConfig()) : w(std::move(config)) {
    w.Follow(2);
    w.ApplyOther(Create("/a", "x"));
    w.ApplyOther(CreateWith("/s", ReadByAnn(), "secret"));
  }
  static ConnectRequest Accepting(absl::Duration timeout = absl::Seconds(6)) {
    ConnectRequest request = World::NewSession(timeout);
    request.may_read_only = true;
    return request;
  }
  void LoseQuorum() {
    w.LoseLeader();
    w.loop.Advance(absl::Milliseconds(2100));
  }
  FakeDoor& Connect(ConnectRequest request, std::string address = "") {
    FakeDoor& door = w.Open(/*native=*/false, std::move(address));
    w.service.Connect(door.id, std::move(request));
    return door;
  }
  FakeDoor& Granted(ConnectRequest request = Accepting(), std::string address = "") {
    FakeDoor& door = Connect(std::move(request), std::move(address));
    EXPECT_TRUE(door.connected.read_only);
    door.Take();
    return door;
  }
  World w;
};

class NotEnabled : public ReadOnly {
 protected:
  NotEnabled() : ReadOnly(TestConfig()) {}
};

TEST_F(NotEnabled, NobodyIsServedWithoutQuorum) {
  LoseQuorum();
  EXPECT_FALSE(w.service.Status().read_only);
  FakeDoor& door = Connect(Accepting());
  w.loop.Advance(absl::Milliseconds(2100));
  EXPECT_EQ(door.closed, CloseReason::kNoQuorum);
}

TEST_F(ReadOnly, BeginsWhenTheLeaderWasMissedForLongEnough) {
  w.LoseLeader();
  w.loop.Advance(absl::Milliseconds(1900));
  EXPECT_FALSE(w.service.Status().read_only);
  w.loop.Advance(absl::Milliseconds(200));
  EXPECT_TRUE(w.service.Status().read_only);
  EXPECT_FALSE(w.service.Status().ready);
  w.Follow(2);
  EXPECT_FALSE(w.service.Status().read_only);
  w.LoseLeader();
  w.loop.Advance(absl::Milliseconds(1900));
  EXPECT_FALSE(w.service.Status().read_only);
}

// Counted from the start as well; a server that has never applied anything has nothing to show.
TEST(ReadOnlyStart, ServerWithoutStateServesNobody) {
  World w(ReadOnlyConfig());
  w.loop.Advance(absl::Seconds(3));
  EXPECT_FALSE(w.service.Status().read_only);
  w.ApplyOther(Create("/a"));
  w.loop.Advance(absl::Milliseconds(100));
  EXPECT_TRUE(w.service.Status().read_only);
}

TEST_F(ReadOnly, SessionIsLocalAndNothingIsLogged) {
  LoseQuorum();
  w.Lose();
  FakeDoor& door = Connect(Accepting(absl::Hours(1)));
  EXPECT_THAT(door.Take(), ElementsAre("connected g0 last0"));
  EXPECT_TRUE(door.connected.read_only);
  EXPECT_TRUE(IsLocalSession(door.connected.session));
  EXPECT_EQ(door.connected.password.size(), statemachine::kPasswordBytes);
  EXPECT_EQ(door.connected.timeout, absl::Seconds(60));  // clamped
  EXPECT_EQ(door.connected.zxid, w.machine.last_zxid());
  FakeDoor& other = Granted();
  EXPECT_NE(other.connected.session, door.connected.session);
  EXPECT_THAT(w.node.submitted, IsEmpty());
  EXPECT_EQ(w.machine.sessions().count(), 0u);
  EXPECT_EQ(w.service.Stats().sessions_served, 0u);
  EXPECT_EQ(w.service.Stats().connections, 2u);
}

// Also with a timeout of which a third is less than the time until the server is known to have no quorum.
TEST_F(ReadOnly, WaitingConnectIsGrantedWhenItBegins) {
  w.LoseLeader();
  FakeDoor& door = Connect(Accepting(absl::Seconds(3)));
  FakeDoor& refusing = Connect(World::NewSession(absl::Seconds(3)));
  w.loop.Advance(absl::Milliseconds(1500));
  EXPECT_THAT(door.Take(), IsEmpty());
  EXPECT_EQ(refusing.closed, CloseReason::kNoQuorum);
  w.loop.Advance(absl::Milliseconds(600));
  EXPECT_THAT(door.Take(), ElementsAre("connected g0 last0"));
}

// A create that was on its way makes a session for nobody.
TEST_F(ReadOnly, CreateThatIsAppliedLateChangesNothing) {
  FakeDoor& door = Connect(Accepting());
  ASSERT_EQ(w.node.submitted.size(), 1u);
  std::vector<std::string> sent = std::exchange(w.node.submitted, {});
  LoseQuorum();
  EXPECT_THAT(door.Take(), ElementsAre("connected g0 last0"));
  const SessionId session = door.connected.session;
  w.Apply(sent[0]);
  EXPECT_THAT(door.Take(), IsEmpty());
  EXPECT_EQ(door.connected.session, session);
  EXPECT_EQ(w.machine.sessions().count(), 1u);
  w.Submit(door, {Read(1, GetData{"/a"})});
  EXPECT_THAT(door.Take(), ElementsAre("reply 1 Ok x"));
}

TEST_F(ReadOnly, OthersAreRefusedAsEver) {
  FakeDoor& real = w.Connect(World::NewSession(), /*native=*/false);
  LoseQuorum();
  FakeDoor& plain = Connect(World::NewSession());
  ConnectRequest known = World::Resume(real);
  known.may_read_only = true;
  FakeDoor& resuming = Connect(known);
  ConnectRequest unknown = Accepting();
  unknown.session = SessionId(4711);  // maybe not yet known here: it must not be given another
  FakeDoor& stranger = Connect(unknown);
  w.loop.Advance(absl::Milliseconds(2100));
  for (FakeDoor* door : {&plain, &resuming, &stranger}) EXPECT_EQ(door->closed, CloseReason::kNoQuorum);
}

// A local session ends with its connection, so who offers one is told the truth, quorum or not.
TEST_F(ReadOnly, LocalSessionCannotBeResumed) {
  LoseQuorum();
  FakeDoor& door = Granted();
  w.service.ConnectionClosed(door.id, true);
  ConnectRequest again = World::Resume(door);
  again.may_read_only = true;
  EXPECT_EQ(Connect(again).closed, CloseReason::kSessionExpired);
  w.Follow(3);
  EXPECT_EQ(Connect(again).closed, CloseReason::kSessionExpired);
}

// 16.1: reads as ever, what needs a quorum is refused at its place.
TEST_F(ReadOnly, ReadsAreAnsweredAndWritesAreNot) {
  LoseQuorum();
  w.Lose();
  FakeDoor& door = Granted();
  GetEphemerals own;
  own.whole = true;
  w.Submit(door, {Read(1, GetData{"/a"}), Read(2, Create("/b")), Read(3, Sync{"/"}),
                  Read(4, MultiRead{{GetData{"/a"}}}), Read(5, MultiOp{{CheckOp{"/a"}}}),
                  Read(6, Exists{"/a"}, ReadStrength::kLinearizable), Read(7, own), Read(8, Delete("/a")),
                  Read(9, Unintelligible{tree::Error::kUnimplemented, true, ""}), Read(10, GetChildren{"/"})});
  EXPECT_THAT(door.Take(), ElementsAre("reply 1 Ok x", "reply 2 NotReadOnly", "reply 3 NotReadOnly", "reply 4 Ok",
                                       "reply 5 NotReadOnly", "reply 6 Ok", "reply 7 Ok", "reply 8 NotReadOnly",
                                       "reply 9 Unimplemented", "reply 10 Ok"));
  w.service.Ping(door.id, 5);
  EXPECT_THAT(door.Take(), ElementsAre("pong 5"));
  w.Submit(door, {Read(11, CloseSession{}), Read(12, Exists{"/a"})});
  EXPECT_THAT(door.Take(), ElementsAre("reply 11 Ok", "close: session closed"));
  EXPECT_THAT(w.node.submitted, IsEmpty());
  EXPECT_EQ(w.service.Stats().outstanding, 0u);
}

TEST_F(ReadOnly, IdentitiesAreKeptWithTheConnection) {
  LoseQuorum();
  FakeDoor& door = Granted(Accepting(), "192.0.2.1");
  w.Submit(door, {Read(1, GetData{"/s"}), Read(2, Authenticate{{"nonsense", ""}}), Read(3, Authenticate{Digest(kAnn)}),
                  Read(4, GetData{"/s"}), Read(5, WhoAmI{})});
  EXPECT_THAT(door.Take(),
              ElementsAre("reply 1 NoAuth", "reply 2 AuthFailed", "reply 3 Ok", "reply 4 Ok secret", "reply 5 Ok"));
  EXPECT_EQ(door.replies[4].identities, (access::IdentitySet{{"digest", "ann"}, {"ip", "192.0.2.1"}}));
}

// 13.7 holds: what is applied here is told to those who may read it, by the connection's own identities.
TEST_F(ReadOnly, WatchesFireForWhatIsAppliedHere) {
  LoseQuorum();
  FakeDoor& ann = Granted();
  FakeDoor& anyone = Granted();
  w.Submit(ann, {Read(1, Authenticate{Digest(kAnn)})});
  for (FakeDoor* door : {&ann, &anyone}) {
    w.Submit(*door, {Read(2, SetWatches{{{"/s", WatchKind::kData, w.Now()}}}), Read(3, Exists{"/new", true}),
                     Read(4, AddWatch{"/a", WatchKind::kPersistent})});
    door->Take();
  }
  EXPECT_EQ(w.service.Watches().size(), 2u);
  w.ApplyOther(Set("/s", "y"));
  w.ApplyOther(Set("/a", "y"));
  w.ApplyOther(Create("/new"));
  EXPECT_THAT(ann.Take(), ElementsAre("changed /s", "changed /a", "created /new"));
  EXPECT_THAT(anyone.Take(), ElementsAre("changed /a", "created /new"));
  w.service.ConnectionClosed(ann.id, true);
  w.service.OnInstalled();
  EXPECT_EQ(anyone.closed, CloseReason::kResume);
  EXPECT_EQ(w.service.Stats().watches, 0u);
}

TEST_F(ReadOnly, EndsWhenThereIsALeader) {
  FakeDoor& real = w.Connect(World::NewSession(absl::Minutes(1)), /*native=*/false);
  LoseQuorum();
  FakeDoor& door = Granted();
  w.Submit(door, {Read(1, Exists{"/new", true})});
  door.Take();
  w.Follow(3);
  EXPECT_THAT(door.Take(), ElementsAre("close: connect again"));
  EXPECT_FALSE(real.closed);
  EXPECT_EQ(w.service.Stats().watches, 0u);
  FakeDoor& next = Connect(Accepting());
  w.ApplyAll();
  EXPECT_THAT(next.Take(), ElementsAre("connected g1 last0"));
  EXPECT_FALSE(next.connected.read_only);
}

TEST_F(ReadOnly, SilentClientIsClosedAfterItsTimeout) {
  LoseQuorum();
  FakeDoor& silent = Granted(Accepting(absl::Seconds(6)));
  FakeDoor& pinging = Granted(Accepting(absl::Seconds(6)));
  w.loop.Advance(absl::Seconds(4));
  w.service.Ping(pinging.id, 1);
  w.loop.Advance(absl::Seconds(3));
  EXPECT_EQ(silent.closed, CloseReason::kSessionExpired);
  EXPECT_FALSE(pinging.closed);
}

}  // namespace
}  // namespace synod::service::testing

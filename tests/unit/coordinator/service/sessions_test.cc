// Connecting, attaching, pings, expiry and closing, through the service (S4 to S10).
#include "tests/unit/coordinator/service/fakes.h"

namespace synod::service::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(Connecting, NewSessionIsGrantedWhenApplied) {
  World w;
  w.Lead();
  FakeDoor& door = w.Open();
  ConnectRequest request = World::NewSession(absl::Hours(2));
  request.disconnect_grace = absl::Milliseconds(200);
  w.service.Connect(door.id, request);
  EXPECT_THAT(door.Take(), IsEmpty());
  w.ApplyAll();
  EXPECT_THAT(door.Take(), ElementsAre("connected g1 last0"));
  EXPECT_EQ(door.connected.timeout, absl::Seconds(60));  // clamped
  EXPECT_EQ(door.connected.disconnect_grace, absl::Milliseconds(200));
  EXPECT_EQ(door.connected.password.size(), 16u);
  EXPECT_EQ(door.connected.zxid, w.machine.last_zxid());
  EXPECT_EQ(door.connected.server, ServerId(1));
}

TEST(Connecting, IsHeldThroughAnElectionThenRefused) {
  World w;
  w.Follow(2);
  w.LoseLeader();
  FakeDoor& held = w.Open();
  w.service.Connect(held.id, World::NewSession());
  EXPECT_THAT(w.node.submitted, IsEmpty());
  w.loop.Advance(absl::Seconds(1));
  w.Follow(3);
  w.ApplyAll();
  EXPECT_THAT(held.Take(), ElementsAre("connected g1 last0"));
  w.LoseLeader();
  FakeDoor& refused = w.Open();
  w.service.Connect(refused.id, World::NewSession());
  w.loop.Advance(absl::Milliseconds(2100));
  EXPECT_EQ(refused.closed, CloseReason::kNoQuorum);
}

TEST(Connecting, WrongPasswordIsRefused) {
  World w;
  w.Lead();
  FakeDoor& door = w.Connect();
  ConnectRequest wrong = World::Resume(door);
  wrong.password[15] ^= 1;
  FakeDoor& thief = w.Connect(wrong);
  EXPECT_EQ(thief.closed, CloseReason::kAuthFailed);
  EXPECT_FALSE(door.closed);
  EXPECT_THAT(w.node.submitted, IsEmpty());
}

// A client takes "unknown" for the end of its session: only a server that a barrier confirmed says so.
TEST(Connecting, UnknownSessionIsRefusedOnlyAfterABarrier) {
  World w;
  w.Follow(2);
  w.node.answer_barriers = false;
  ConnectRequest request = World::NewSession();
  request.session = SessionId(1);
  request.password = std::string(16, 'p');
  FakeDoor& door = w.Connect(request);
  w.node.AnswerBarriers(false);
  EXPECT_FALSE(door.closed);
  w.Follow(3);
  // Meanwhile it becomes known here.
  statemachine::CreateSessionOp create;
  create.timeout_ms = 6000;
  create.password = request.password;
  create.connection = 1;
  w.ApplyOther(create);
  w.node.AnswerBarriers(true);
  w.ApplyAll();
  EXPECT_THAT(door.Take(), ElementsAre("connected g2 last0"));
  request.session = SessionId(55);
  FakeDoor& lost = w.Connect(request);
  w.node.AnswerBarriers(true);
  EXPECT_EQ(lost.closed, CloseReason::kSessionExpired);
}

// S9: a server that is behind the client waits for a moment, then sends it elsewhere.
TEST(Connecting, ServerBehindTheClientWaitsThenRefuses) {
  World w;
  w.Lead();
  FakeDoor& door = w.Connect();
  ConnectRequest ahead = World::Resume(door);
  ahead.last_zxid = w.machine.last_zxid() + 2;
  FakeDoor& catching_up = w.Connect(ahead);
  EXPECT_THAT(w.node.submitted, IsEmpty());
  w.ApplyOther(Create("/x"));
  EXPECT_THAT(w.node.submitted, IsEmpty());
  w.ApplyOther(Create("/y"));
  w.ApplyAll();
  EXPECT_THAT(catching_up.Take(), ElementsAre("connected g2 last0"));
  ahead.last_zxid = w.machine.last_zxid() + 100;
  FakeDoor& refused = w.Connect(ahead);
  w.AdvanceAcknowledged(absl::Milliseconds(950));
  EXPECT_FALSE(refused.closed);
  w.AdvanceAcknowledged(absl::Milliseconds(100));
  EXPECT_EQ(refused.closed, CloseReason::kBehind);
  ahead.last_zxid = Zxid(INT64_MAX);
  FakeDoor& farthest = w.Connect(ahead);
  w.AdvanceAcknowledged(absl::Milliseconds(1050));
  EXPECT_EQ(farthest.closed, CloseReason::kBehind);
}

// S4: an attach elsewhere closes the connection here, and what it still sends has no effect.
TEST(Moved, AttachElsewhereClosesTheOldConnection) {
  World w;
  w.Lead();
  FakeDoor& door = w.Connect();
  w.Submit(door, {Write(1, Create("/late"))});
  std::vector<std::string> in_flight = std::exchange(w.node.submitted, {});
  w.AttachElsewhere(door.connected.session);
  EXPECT_THAT(door.Take(), ElementsAre("close: session moved to another connection"));
  w.Apply(in_flight[0]);
  tree::Stat stat;
  EXPECT_EQ(w.machine.tree().Exists(access::Caller::Unrestricted(), "/late", &stat), tree::Error::kNoNode);
}

// S4, counterexample 10: the attach names the generation seen here; refused because that moved on, it is tried again
// while its connection is open.
TEST(Moved, RefusedAttachIsRetriedWhileTheConnectionIsOpen) {
  World w;
  w.Lead();
  FakeDoor& door = w.Connect();
  FakeDoor& next = w.Open();
  w.service.Connect(next.id, World::Resume(door));
  w.AttachElsewhere(door.connected.session);  // overtakes it
  w.ApplyAll();                               // refused, sent again, granted
  EXPECT_THAT(next.Take(), ElementsAre("connected g3 last0"));
}

// S4, counterexample 10: of a closed connection nothing is tried again, and a stale attach that is applied late fences
// nobody.
TEST(Moved, AttachOfAClosedConnectionFencesNobody) {
  World w;
  w.Lead();
  FakeDoor& door = w.Connect();
  FakeDoor& gone = w.Open();
  w.service.Connect(gone.id, World::Resume(door));
  std::vector<std::string> stale = std::exchange(w.node.submitted, {});
  w.service.ConnectionClosed(gone.id, true);
  FakeDoor& alive = w.Connect(World::Resume(door));
  w.Apply(stale[0]);
  w.Follow(2);
  EXPECT_THAT(w.node.submitted, IsEmpty());
  EXPECT_FALSE(alive.closed);
  EXPECT_EQ(w.machine.sessions().Find(door.connected.session)->generation(), OwnerGeneration(2));
}

// S2: an attach is sent again after a change of leader, and answered the same if it had been applied.
TEST(Moved, AttachIsResubmittedAndAnsweredOnce) {
  World w;
  w.Follow(2);
  FakeDoor& door = w.Connect();
  FakeDoor& next = w.Open();
  w.service.Connect(next.id, World::Resume(door));
  std::vector<std::string> first = std::exchange(w.node.submitted, {});
  w.Follow(3);
  EXPECT_EQ(w.node.submitted, first);
  w.Apply(first[0]);
  w.ApplyAll();
  EXPECT_THAT(next.Take(), ElementsAre("connected g2 last0"));
}

// S6: a ping is answered when the leader acknowledged a report sent since, and not before.
TEST(Pings, AnswerWaitsForTheLeadersAcknowledgement) {
  World w;
  w.Follow(2);
  FakeDoor& door = w.Connect();
  w.AdvanceAcknowledged(absl::Seconds(1));
  w.service.Ping(door.id, 7);
  std::vector<LivenessReport> reports = w.Reports();
  ASSERT_THAT(reports, SizeIs(1));
  EXPECT_THAT(door.Take(), IsEmpty());
  w.Acknowledge(reports[0]);
  EXPECT_THAT(door.Take(), ElementsAre("pong 7"));
}

// S6, counterexample 23: without a leader no ping is answered, and at two thirds of the timeout the connection goes.
TEST(Pings, WithoutALeaderUnansweredAndClosedAtTwoThirds) {
  World w;
  w.Follow(2);
  FakeDoor& door = w.Connect(World::NewSession(absl::Seconds(6)));
  w.LoseLeader();
  w.service.Ping(door.id, 1);
  w.loop.Advance(absl::Milliseconds(3950));
  EXPECT_THAT(door.Take(), IsEmpty());
  w.loop.Advance(absl::Milliseconds(100));
  EXPECT_THAT(door.Take(), ElementsAre("close: no quorum"));
}

// S6: clients keep their connection through a change of leader.
TEST(Pings, SurviveAChangeOfLeader) {
  World w;
  w.Follow(2);
  FakeDoor& door = w.Connect();
  w.service.Ping(door.id, 1);
  w.Reports();  // lost with the old leader
  w.LoseLeader();
  w.loop.Advance(absl::Seconds(1));
  w.Follow(3);
  w.AdvanceAcknowledged(absl::Milliseconds(500));
  EXPECT_THAT(door.Take(), ElementsAre("pong 1"));
}

// S6, counterexample 23: a leader acknowledges only after a barrier that began when the report was there; a deposed one
// never does.
TEST(Pings, LeaderAcknowledgesOnlyBehindABarrierOfItsOwn) {
  World w;
  w.Lead();
  FakeDoor& door = w.Connect();
  w.DeliverToSelf();
  w.loop.Advance(absl::Milliseconds(200));
  w.DeliverToSelf();
  w.node.answer_barriers = false;
  w.service.Ping(door.id, 1);
  w.loop.Advance(absl::Milliseconds(50));
  w.DeliverToSelf();
  EXPECT_THAT(door.Take(), IsEmpty());
  w.node.AnswerBarriers(false);  // no quorum: deposed without knowing
  w.DeliverToSelf();
  EXPECT_THAT(door.Take(), IsEmpty());
  w.loop.Advance(absl::Milliseconds(400));
  w.DeliverToSelf();
  w.node.AnswerBarriers(true);
  w.DeliverToSelf();
  EXPECT_THAT(door.Take(), ElementsAre("pong 1"));
}

// S6: a leader that has not applied an entry of its own term knows too little to acknowledge.
TEST(Pings, LeaderThatHasNotCaughtUpIsSilent) {
  World w;
  w.Follow(2);
  FakeDoor& door = w.Connect();
  w.node.caught_up = false;
  w.SetLeader(1);
  w.node.sent.clear();
  w.service.Ping(door.id, 1);
  w.loop.Advance(absl::Milliseconds(200));
  w.DeliverToSelf();
  EXPECT_THAT(door.Take(), IsEmpty());
  w.node.caught_up = true;
  w.service.OnResubmit();
  w.DeliverToSelf();
  w.loop.Advance(absl::Milliseconds(400));
  w.DeliverToSelf();
  EXPECT_THAT(door.Take(), ElementsAre("pong 1"));
}

// S5: only the leader expires; the command names the generation it saw.
TEST(Expiry, SilentSessionIsExpiredByTheLeader) {
  World w;
  w.Follow(2);
  FakeDoor& door = w.Connect(World::NewSession(absl::Seconds(1)));
  w.service.ConnectionClosed(door.id, false);
  w.loop.Advance(absl::Seconds(30));
  EXPECT_THAT(w.node.submitted, IsEmpty());
  w.Lead();
  w.loop.Advance(absl::Milliseconds(950));
  EXPECT_THAT(w.node.submitted, IsEmpty());
  w.loop.Advance(absl::Milliseconds(200));
  ASSERT_THAT(w.node.submitted, SizeIs(1));
  auto expire = std::get<statemachine::ExpireSessionOp>(w.node.Submitted()[0].operation);
  EXPECT_EQ(expire.session, door.connected.session);
  EXPECT_EQ(expire.seen, OwnerGeneration(1));
  w.Lose();  // the proposal is lost: it comes again
  w.loop.Advance(absl::Milliseconds(1200));
  EXPECT_THAT(w.node.submitted, SizeIs(1));
  w.ApplyAll();
  EXPECT_EQ(w.machine.sessions().count(), 0u);
}

// S5: an attach that came first saves the session.
TEST(Expiry, AttachBeforeTheExpirySavesTheSession) {
  World w;
  w.Lead();
  FakeDoor& door = w.Connect(World::NewSession(absl::Seconds(1)));
  w.service.ConnectionClosed(door.id, false);
  w.loop.Advance(absl::Milliseconds(1100));
  ASSERT_THAT(w.node.submitted, SizeIs(1));
  std::vector<std::string> expire = std::exchange(w.node.submitted, {});
  FakeDoor& back = w.Connect(World::Resume(door));
  w.Apply(expire[0]);
  EXPECT_FALSE(back.closed);
  EXPECT_EQ(w.machine.sessions().count(), 1u);
}

// A session that somebody is heard for does not expire; when it does, its connection is told.
TEST(Expiry, HeardSessionsLiveAndExpiredOnesAreClosed) {
  World w;
  w.Lead();
  FakeDoor& door = w.Connect(World::NewSession(absl::Seconds(1)));
  for (int i = 0; i < 40; ++i) {
    w.service.Ping(door.id, 1);
    w.loop.Advance(absl::Milliseconds(100));
    w.DeliverToSelf();
  }
  EXPECT_THAT(w.node.submitted, IsEmpty());
  w.loop.Advance(absl::Milliseconds(1500));
  w.ApplyAll();
  EXPECT_EQ(door.closed, CloseReason::kSessionExpired);
}

// S5: what clients sent while this server hung was not read.
TEST(Expiry, OwnStallExpiresNobody) {
  World w;
  w.Lead();
  FakeDoor& door = w.Connect(World::NewSession(absl::Seconds(1)));
  w.service.ConnectionClosed(door.id, false);
  w.loop.Advance(absl::Milliseconds(500));
  w.loop.Stall(absl::Seconds(10));
  w.loop.Advance(absl::Milliseconds(900));
  EXPECT_THAT(w.node.submitted, IsEmpty());
  w.loop.Advance(absl::Milliseconds(300));
  EXPECT_THAT(w.node.submitted, SizeIs(1));
}

class Grace : public ::testing::Test {
 protected:
  static ConnectRequest Asked() {
    ConnectRequest request = World::NewSession(absl::Seconds(3));
    request.disconnect_grace = absl::Milliseconds(200);
    return request;
  }
};

// S8: closed by the other side, the session ends after its grace.
TEST_F(Grace, PeersCloseIsReportedAndEndsTheSessionAfterTheGrace) {
  World w;
  w.Lead();
  FakeDoor& door = w.Connect(Asked());
  w.Submit(door, {Write(1, Ephemeral("/broker"))});
  w.ApplyAll();
  w.loop.Advance(absl::Milliseconds(300));
  w.DeliverToSelf();
  w.service.ConnectionClosed(door.id, /*by_peer=*/true);
  w.loop.Advance(absl::Milliseconds(20));
  w.DeliverToSelf();
  w.loop.Advance(absl::Milliseconds(170));
  w.ApplyAll();
  EXPECT_EQ(w.machine.sessions().count(), 1u);
  w.loop.Advance(absl::Milliseconds(100));
  w.ApplyAll();
  EXPECT_EQ(w.machine.sessions().count(), 0u);
  EXPECT_EQ(w.machine.tree().ephemeral_count(), 0u);
}

// S8, counterexample 8: what a server closes by itself it does not report, a shutdown least of all.
TEST_F(Grace, OwnCloseIsNotReported) {
  World w;
  w.Follow(2);
  FakeDoor& slow_reader = w.Connect(Asked());
  FakeDoor& stays = w.Connect(Asked());
  w.AdvanceAcknowledged(absl::Milliseconds(500));
  w.service.ConnectionClosed(slow_reader.id, /*by_peer=*/false);
  w.service.Stop();
  EXPECT_EQ(stays.closed, CloseReason::kShutdown);
  for (const LivenessReport& report : w.Reports()) EXPECT_THAT(report.disconnected, IsEmpty());
}

TEST_F(Grace, WithoutItAPeersCloseIsNotReported) {
  World w;
  w.Follow(2);
  FakeDoor& door = w.Connect();
  w.AdvanceAcknowledged(absl::Milliseconds(500));
  w.service.ConnectionClosed(door.id, true);
  w.loop.Advance(absl::Milliseconds(500));
  EXPECT_THAT(w.Reports(), IsEmpty());
}

// S8: attached again within the grace it lives.
TEST_F(Grace, AttachWithinTheGraceSavesTheSession) {
  World w;
  w.Lead();
  FakeDoor& door = w.Connect(Asked());
  w.service.ConnectionClosed(door.id, true);
  w.DeliverToSelf();
  w.loop.Advance(absl::Milliseconds(150));
  w.Connect(World::Resume(door));
  w.loop.Advance(absl::Milliseconds(500));
  EXPECT_THAT(w.node.submitted, IsEmpty());
  EXPECT_EQ(w.machine.sessions().count(), 1u);
}

// S8, counterexample 10: a close reported late, under a former generation, ends nothing.
TEST_F(Grace, CloseOfAFormerGenerationEndsNothing) {
  World w;
  w.Lead();
  FakeDoor& door = w.Connect(Asked());
  w.AttachElsewhere(door.connected.session);
  w.service.OnServiceMessage(ServerId(2), EncodeReport({9, 1, {}, {{door.connected.session, OwnerGeneration(1)}}}));
  w.loop.Advance(absl::Milliseconds(600));
  EXPECT_THAT(w.node.submitted, IsEmpty());
}

TEST(Stopping, ClosesEveryoneAndFailsCalls) {
  World w;
  w.Lead();
  FakeDoor& door = w.Connect();
  w.Submit(door, {Write(1, Create("/a"))});
  std::vector<Reply> replies;
  w.service.Call({Read(1, Create("/b")), {}, {}}, [&](Reply r) { replies.push_back(std::move(r)); });
  w.service.Stop();
  EXPECT_EQ(door.closed, CloseReason::kShutdown);
  ASSERT_THAT(replies, SizeIs(1));
  EXPECT_EQ(replies[0].effect, Effect::kMayHaveBeenDone);
  EXPECT_EQ(w.Open().id, ConnectionId(0));
  w.loop.Advance(absl::Seconds(5));  // nothing of it runs any more
}

TEST(Operators, StatusAndTransfer) {
  World w;
  w.Lead();
  w.loop.Run();
  EXPECT_TRUE(w.service.Status().ready);
  EXPECT_EQ(w.service.Status().role, "leader");
  std::vector<absl::StatusOr<ServerId>> answers;
  auto note = [&](absl::StatusOr<ServerId> s) { answers.push_back(std::move(s)); };
  w.service.TransferLeadership(ServerId(2), note);
  w.Follow(2);
  w.service.TransferLeadership(ServerId(3), note);
  ASSERT_THAT(answers, SizeIs(2));
  EXPECT_EQ(*answers[0], ServerId(2));
  EXPECT_TRUE(absl::IsFailedPrecondition(answers[1].status()));
  w.LoseLeader();
  EXPECT_FALSE(w.service.Status().ready);
  w.Lead();
  w.service.TransferLeadership(ServerId(2), note);
  w.loop.Advance(absl::Seconds(3));
  ASSERT_THAT(answers, SizeIs(3));
  EXPECT_TRUE(absl::IsDeadlineExceeded(answers[2].status()));
}

}  // namespace
}  // namespace synod::service::testing

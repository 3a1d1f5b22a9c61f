// Order within a session (S9, L3) and exactly once (S2), seen from the door.
#include "tests/unit/coordinator/service/fakes.h"

namespace synod::service::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// L3: a session that pipelined W1, R1, W2 never sees W2 in R1, even when one entry brings both.
TEST(SessionOrder, ReadBetweenPipelinedWritesSeesTheFirstOnly) {
  World w;
  w.Lead();
  FakeDoor& door = w.Connect();
  w.Submit(door,
           {Write(1, Create("/a", "1")), Read(9, GetData{"/a"}), Write(2, Set("/a", "2")), Read(10, GetData{"/a"})});
  EXPECT_THAT(w.node.SubmittedNumbers(), ElementsAre(1, 2));
  EXPECT_THAT(door.Take(), IsEmpty());
  w.ApplyAll();
  EXPECT_THAT(door.Take(), ElementsAre("reply 1 Ok", "reply 9 Ok 1", "reply 2 Ok", "reply 10 Ok 2"));
}

// S9: a read waits for the session's own earlier writes, never for others'.
TEST(SessionOrder, ReadWaitsForOwnWritesOnly) {
  World w;
  w.Lead();
  FakeDoor& writer = w.Connect();
  FakeDoor& reader = w.Connect();
  w.Submit(writer, {Write(1, Create("/a", "1"))});
  w.Submit(reader, {Read(5, Exists{"/a"})});
  EXPECT_THAT(reader.Take(), ElementsAre("reply 5 NoNode"));
  w.Submit(writer, {Read(6, Exists{"/a"})});
  EXPECT_THAT(writer.Take(), IsEmpty());
  w.ApplyAll();
  EXPECT_THAT(writer.Take(), ElementsAre("reply 1 Ok", "reply 6 Ok"));
}

// L3, counterexample 17: a linearizable read holds back the session's later writes until it is answered, and apply
// waits for nobody.
TEST(SessionOrder, LinearizableReadHoldsBackLaterWrites) {
  World w;
  w.Lead();
  w.node.answer_barriers = false;
  FakeDoor& door = w.Connect();
  FakeDoor& other = w.Connect();
  w.node.AnswerBarriers(true);
  w.Submit(door, {Write(1, Create("/a", "1")), Read(9, GetData{"/a"}, ReadStrength::kLinearizable),
                  Write(2, Set("/a", "2"))});
  w.Submit(other, {Write(1, Create("/b"))});
  EXPECT_THAT(w.node.SubmittedNumbers(), ElementsAre(1, 1));  // W2 is not among them
  w.ApplyAll();
  EXPECT_THAT(door.Take(), ElementsAre("reply 1 Ok"));
  EXPECT_THAT(other.Take(), ElementsAre("reply 1 Ok"));
  EXPECT_THAT(w.node.SubmittedNumbers(), IsEmpty());
  w.node.AnswerBarriers(true);
  EXPECT_THAT(door.Take(), ElementsAre("reply 9 Ok 1"));
  EXPECT_THAT(w.node.SubmittedNumbers(), ElementsAre(2));
  w.ApplyAll();
  EXPECT_THAT(door.Take(), ElementsAre("reply 2 Ok"));
}

// L3: the barrier alone is not enough, the session's own write must be applied too.
TEST(SessionOrder, LinearizableReadWaitsForOwnWriteAfterItsBarrier) {
  World w;
  w.Lead();
  w.node.answer_barriers = false;
  FakeDoor& door = w.Connect();
  w.Submit(door, {Write(1, Create("/a", "1")), Read(9, GetData{"/a"}, ReadStrength::kLinearizable)});
  w.node.AnswerBarriers(true);
  EXPECT_THAT(door.Take(), IsEmpty());
  w.ApplyAll();
  EXPECT_THAT(door.Take(), ElementsAre("reply 1 Ok", "reply 9 Ok 1"));
}

// L9: a round that failed promised nothing; it is asked again when a leader is there.
TEST(SessionOrder, SyncAsksAgainAfterAFailedBarrier) {
  World w;
  w.Follow(2);
  w.node.answer_barriers = false;
  FakeDoor& door = w.Connect();
  w.Submit(door, {Read(9, Sync{"/a"}), Read(10, Exists{"/"})});
  w.node.AnswerBarriers(false);
  EXPECT_THAT(door.Take(), IsEmpty());
  w.Follow(3);
  w.node.AnswerBarriers(true);
  EXPECT_THAT(door.Take(), ElementsAre("reply 9 Ok", "reply 10 Ok"));
}

// S2: after a change of leader everything unanswered goes again, in order, as first encoded, and happens once.
TEST(ExactlyOnce, ResubmissionAfterLeaderChangeAppliesOnce) {
  World w;
  w.Follow(2);
  FakeDoor& door = w.Connect();
  w.Submit(door, {Write(1, Create("/a", "x")), Write(2, Set("/a", "y")), Write(3, Set("/a", "z"))});
  std::vector<std::string> first = w.node.submitted;
  w.Apply(first[0]);  // 1 was committed by the old leader; 2 and 3 are in limbo
  EXPECT_THAT(door.Take(), ElementsAre("reply 1 Ok"));
  w.Lose();
  w.Follow(3);
  EXPECT_THAT(w.node.submitted, ElementsAre(first[1], first[2]));  // from last applied + 1, byte for byte
  // The new leader's log held them after all: applied from there, then once more from the new submission.
  w.Apply(first[1]);
  w.Apply(first[2]);
  w.ApplyAll();
  EXPECT_THAT(door.Take(), ElementsAre("reply 2 Ok", "reply 3 Ok"));
  tree::Stat stat;
  ASSERT_EQ(w.machine.tree().Exists(access::Caller::Unrestricted(), "/a", &stat), tree::Error::kOk);
  EXPECT_EQ(stat.version, 2);
}

// S2: commands of a connection that closed are sent by nobody again.
TEST(ExactlyOnce, ClosedConnectionIsNotResubmitted) {
  World w;
  w.Follow(2);
  FakeDoor& door = w.Connect();
  w.Submit(door, {Write(1, Create("/a"))});
  w.Lose();
  w.service.ConnectionClosed(door.id, true);
  w.Follow(3);
  EXPECT_THAT(w.node.submitted, IsEmpty());
}

// S2, counterexample 14: a lost command makes gaps of all behind it; the sender goes on from the last applied + 1, once
// for all of them.
TEST(ExactlyOnce, GapMakesTheSenderGoOnFromTheLastApplied) {
  World w;
  w.Follow(2);
  FakeDoor& door = w.Connect();
  w.Submit(door,
           {Write(1, Create("/a")), Write(2, Set("/a", "2")), Write(3, Set("/a", "3")), Write(4, Set("/a", "4"))});
  std::vector<std::string> sent = std::exchange(w.node.submitted, {});
  w.Apply(sent[0]);
  w.Apply(sent[2]);  // 2 was lost
  w.Apply(sent[3]);
  EXPECT_THAT(door.Take(), ElementsAre("reply 1 Ok"));
  EXPECT_THAT(w.node.SubmittedNumbers(), ElementsAre(2, 3, 4));  // once, not once per gap
  w.ApplyAll();
  EXPECT_THAT(door.Take(), ElementsAre("reply 2 Ok", "reply 3 Ok", "reply 4 Ok"));
}

// S2: should even the re-sent command vanish without any sign, patience sends it again.
TEST(ExactlyOnce, SilenceIsSentAgain) {
  World w;
  w.Follow(2);
  FakeDoor& door = w.Connect(World::NewSession(absl::Seconds(60)));
  w.Submit(door, {Write(1, Create("/a"))});
  w.Lose();
  w.AdvanceAcknowledged(absl::Seconds(6));
  EXPECT_THAT(w.node.SubmittedNumbers(), ElementsAre(1));
  w.Lose();
  w.AdvanceAcknowledged(absl::Seconds(6));
  EXPECT_THAT(w.node.SubmittedNumbers(), IsEmpty());  // twice as long the second time
  w.AdvanceAcknowledged(absl::Seconds(6));
  EXPECT_THAT(w.node.SubmittedNumbers(), ElementsAre(1));
}

// S2: a leader lost and found again in the same term dropped nothing, and the node announces nothing.
TEST(ExactlyOnce, LeaderFoundAgainInTheSameTermIsUsedAgain) {
  World w;
  w.Follow(2, 5);
  FakeDoor& door = w.Connect();
  w.LoseLeader();
  w.Submit(door, {Write(1, Create("/a"))});
  EXPECT_THAT(w.node.submitted, IsEmpty());
  w.SetLeader(2, 5);
  EXPECT_THAT(w.node.SubmittedNumbers(), ElementsAre(1));
}

// S2: but not while the connection to it is down: there something may have been dropped.
TEST(ExactlyOnce, LeaderWhoseConnectionClosedIsWaitedFor) {
  World w;
  w.Follow(2, 5);
  FakeDoor& door = w.Connect();
  w.service.OnPeerDown(ServerId(2));
  w.LoseLeader();
  w.SetLeader(2, 5);
  w.Submit(door, {Write(1, Create("/a"))});
  EXPECT_THAT(w.node.submitted, IsEmpty());
  w.service.OnResubmit();
  EXPECT_THAT(w.node.SubmittedNumbers(), ElementsAre(1));
}

// S2, counterexample 14: what the door refuses keeps its number and reaches the log.
TEST(ExactlyOnce, RefusalsAreLoggedUnderTheirNumbers) {
  ServiceConfig config = TestConfig();
  config.max_data_bytes = 10;
  World w(config);
  w.Lead();
  FakeDoor& door = w.Connect();
  w.Submit(door,
           {Write(1, Create("no-slash")), Write(2, Create("/big", std::string(11, 'x'))), Write(3, Set("/a/", "")),
            Write(4, Unintelligible{tree::Error::kUnimplemented, true, ""}), Write(5, Create("/a"))});
  EXPECT_THAT(w.node.SubmittedNumbers(), ElementsAre(1, 2, 3, 4, 5));
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(std::holds_alternative<statemachine::RefusedOp>(w.node.Submitted()[i].operation)) << i;
  }
  w.ApplyAll();
  EXPECT_THAT(door.Take(), ElementsAre("reply 1 BadArguments", "reply 2 TooLarge", "reply 3 BadArguments",
                                       "reply 4 Unimplemented", "reply 5 Ok"));
  EXPECT_EQ(w.service.Stats().refused_writes, 4);
}

// S2: a number out of order is the client's mistake; one used before is answered from the reply table and changes
// nothing.
TEST(ExactlyOnce, RepeatedNumberGetsTheFirstAnswer) {
  World w;
  w.Lead();
  FakeDoor& door = w.Connect();
  w.Submit(door, {Write(1, Create("/a", "x")), Write(2, Create("/a", "x")), Write(2, Create("/a", "x")),
                  Write(1, Create("/a", "x"))});
  w.ApplyAll();
  EXPECT_THAT(door.Take(),
              ElementsAre("reply 1 Ok", "reply 2 NodeExists", "reply 2 NodeExists repeated", "reply 1 Ok repeated"));
  EXPECT_EQ(door.replies[3].result.path, "/a");
  w.Submit(door, {Read(7, Exists{"/"})}, 3);  // confirms 1 and 2
  w.Submit(door, {Write(3, Set("/a", "y"))}, 3);
  w.ApplyAll();
  w.Submit(door, {Write(2, Set("/a", "y"))});
  EXPECT_EQ(door.replies.back().error, ToErrorCode(tree::Error::kReplyLost));
  EXPECT_EQ(door.replies.back().effect, Effect::kMayHaveBeenDone);
}

TEST(ExactlyOnce, NumberOutOfOrderClosesTheConnection) {
  World w;
  w.Lead();
  FakeDoor& skipping = w.Connect();
  w.Submit(skipping, {Write(2, Create("/a"))});
  EXPECT_EQ(skipping.closed, CloseReason::kProtocolError);
  FakeDoor& unnumbered = w.Connect();
  w.Submit(unnumbered, {Write(0, Create("/a"))});
  EXPECT_EQ(unnumbered.closed, CloseReason::kProtocolError);
  FakeDoor& numbered_read = w.Connect();
  w.Submit(numbered_read, {Write(1, Exists{"/a"})});
  EXPECT_EQ(numbered_read.closed, CloseReason::kProtocolError);
  FakeDoor& early = w.Open();
  w.Submit(early, {Write(1, Create("/a"))});
  EXPECT_EQ(early.closed, CloseReason::kProtocolError);
  EXPECT_THAT(w.node.submitted, IsEmpty());
}

// S2: a native client that reconnects anywhere gets the first answer again, and goes on.
TEST(ExactlyOnce, ReconnectedClientResendsAndGoesOn) {
  World w;
  w.Lead();
  FakeDoor& first = w.Connect();
  w.Submit(first, {Write(1, Create("/a")), Write(2, Create("/b"))});
  std::vector<std::string> sent = std::exchange(w.node.submitted, {});
  w.Apply(sent[0]);
  FakeDoor& second = w.Connect(World::Resume(first));
  EXPECT_EQ(second.connected.last_applied, Sequence(1));
  w.Submit(second, {Write(1, Create("/a")), Write(2, Create("/b")), Write(3, Create("/c"))});
  w.Apply(sent[1]);  // the old connection's 2 arrives late, under an old generation: no effect
  w.ApplyAll();
  EXPECT_THAT(second.Take(), ElementsAre("reply 1 Ok repeated", "reply 2 Ok", "reply 3 Ok"));
}

// S2, S3, counterexample 10: for a ZooKeeper connection the service numbers, going on from what the attach returned,
// and confirms itself.
TEST(ExactlyOnce, ServiceNumbersForZooKeeperConnections) {
  World w;
  w.Lead();
  FakeDoor& first = w.Connect(World::NewSession(), /*native=*/false);
  w.Submit(first, {Read(1, Create("/a")), Read(2, Create("/b"))});
  EXPECT_THAT(w.node.SubmittedNumbers(), ElementsAre(1, 2));
  w.ApplyAll();
  FakeDoor& second = w.Connect(World::Resume(first), /*native=*/false);
  EXPECT_EQ(first.closed, CloseReason::kMoved);
  w.Submit(second, {Read(1, Create("/c"))});
  EXPECT_THAT(w.node.SubmittedNumbers(), ElementsAre(3));
  w.ApplyAll();
  EXPECT_THAT(second.Take(), ElementsAre("reply 1 Ok"));
  w.Submit(second, {Read(2, Create("/d"))});
  EXPECT_EQ(w.node.Submitted()[0].confirmed_below, Sequence(4));
}

TEST(SessionOrder, CloseSessionIsAnsweredThenClosed) {
  World w;
  w.Lead();
  FakeDoor& door = w.Connect();
  w.Submit(door, {Write(1, Ephemeral("/e")), Write(2, CloseSession{}), Read(9, Exists{"/e"})});
  w.ApplyAll();
  EXPECT_THAT(door.Take(), ElementsAre("reply 1 Ok", "reply 2 Ok", "close: session closed"));
  EXPECT_EQ(w.machine.sessions().count(), 0u);
  EXPECT_EQ(w.service.Stats().outstanding, 0u);
}

// W1: a local read is answered without a quorum, and says how old it is.
TEST(SessionOrder, LocalReadAnswersWithoutQuorum) {
  World w;
  w.Follow(2);
  FakeDoor& door = w.Connect();
  w.LoseLeader();
  w.node.since_leader_heard = absl::Seconds(1);
  w.loop.Advance(absl::Milliseconds(100));
  w.Submit(door, {Read(4, Exists{"/"}, ReadStrength::kLocal)});
  ASSERT_THAT(door.Take(), ElementsAre("reply 4 Ok"));
  EXPECT_GE(door.replies[0].age, absl::Seconds(1));
  EXPECT_EQ(door.replies[0].zxid, w.machine.last_zxid());
}

// S6: requests are held through an election, a third of the timeout at most, then the connection closes.
TEST(SessionOrder, RequestsAreHeldThroughAnElectionThenClosed) {
  World w;
  w.Follow(2);
  FakeDoor& patient = w.Connect(World::NewSession(absl::Seconds(3)));
  FakeDoor& idle = w.Connect(World::NewSession(absl::Seconds(3)));
  w.LoseLeader();
  w.Submit(patient, {Write(1, Create("/a"))});
  w.loop.Advance(absl::Milliseconds(900));
  EXPECT_FALSE(patient.closed);
  w.Follow(3);
  w.ApplyAll();
  EXPECT_THAT(patient.Take(), ElementsAre("reply 1 Ok"));
  w.LoseLeader();
  w.Submit(patient, {Write(2, Create("/b"))});
  w.loop.Advance(absl::Milliseconds(1100));
  EXPECT_EQ(patient.closed, CloseReason::kNoQuorum);
  EXPECT_FALSE(idle.closed);
}

TEST(SessionOrder, SlowOperationsAreTold) {
  World w;
  w.Follow(2);
  FakeDoor& door = w.Connect();
  w.Submit(door, {Write(1, Create("/slow"))});
  w.AdvanceAcknowledged(absl::Milliseconds(600));
  w.ApplyAll();
  EXPECT_THAT(w.slow, ElementsAre("create /slow 600"));
  ServiceStats stats = w.service.Stats();
  EXPECT_EQ(stats.write_latency.count, 1u);
  EXPECT_EQ(stats.write_latency.max_us, 600000u);
}

}  // namespace
}  // namespace synod::service::testing

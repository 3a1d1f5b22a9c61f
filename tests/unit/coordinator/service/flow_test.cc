// Back-pressure and budgets (L11, S3, counterexample 15), and calls without session.
#include "coordinator/service/session_queue.h"
#include "tests/unit/coordinator/service/fakes.h"

namespace synod::service::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// L11, counterexample 15: the node is full, clients are not read, their sessions count as heard, and all goes on when
// there is room.
TEST(BackPressure, FullQueuePausesClientsThatCountAsHeard) {
  World w;
  w.Follow(2);
  FakeDoor& a = w.Connect(World::NewSession(absl::Seconds(3)));
  FakeDoor& b = w.Connect(World::NewSession(absl::Seconds(3)));
  w.node.room = 2;
  w.Submit(a, {Write(1, Create("/a1")), Write(2, Create("/a2")), Write(3, Create("/a3")), Write(4, Create("/a4"))});
  w.Submit(b, {Write(1, Create("/b1"))});
  EXPECT_TRUE(a.paused);
  EXPECT_TRUE(b.paused);
  EXPECT_EQ(w.service.Stats().paused_connections, 2u);
  w.Reports();
  // Silent for more than a timeout, as nobody reads them: each report names both.
  for (int i = 0; i < 40; ++i) {
    w.loop.Advance(absl::Milliseconds(100));
    for (const LivenessReport& report : w.Reports()) {
      EXPECT_THAT(report.heard, SizeIs(2));
      w.Acknowledge(report);
    }
  }
  EXPECT_FALSE(a.closed);
  std::vector<std::string> taken = std::exchange(w.node.submitted, {});
  for (const std::string& command : taken) w.Apply(command);
  w.node.room = SIZE_MAX;
  w.service.OnQueueDrained();
  EXPECT_FALSE(a.paused);
  EXPECT_FALSE(b.paused);
  w.ApplyAll();
  EXPECT_THAT(a.Take(), ElementsAre("reply 1 Ok", "reply 2 Ok", "reply 3 Ok", "reply 4 Ok"));
  EXPECT_THAT(b.Take(), ElementsAre("reply 1 Ok"));
}

// L11: who was served last waits longest, so a small queue starves nobody.
TEST(BackPressure, RoomIsSharedInTurn) {
  World w;
  w.Follow(2);
  w.node.room = 0;
  std::vector<FakeDoor*> doors;
  w.node.room = SIZE_MAX;
  for (int i = 0; i < 3; ++i) doors.push_back(&w.Connect());
  w.node.room = 0;
  for (FakeDoor* door : doors) {
    std::vector<Request> requests;
    for (int n = 1; n <= 20; ++n) requests.push_back(Write(n, Set("/", "x")));
    w.Submit(*door, std::move(requests));
  }
  w.node.room = 10;
  for (int round = 0; round < 3; ++round) {
    w.Lose();
    w.service.OnQueueDrained();
    EXPECT_THAT(w.node.submitted, SizeIs(10));
  }
  std::set<SessionId> served;
  for (FakeDoor* door : doors) served.insert(door->connected.session);
  EXPECT_THAT(served, SizeIs(3));
  for (const statemachine::Command& c : w.node.Submitted()) served.erase(c.session);
  EXPECT_THAT(served, SizeIs(2));
}

// L11: more requests than a connection may have outstanding stop its reading, alone.
TEST(BackPressure, ConnectionBeyondItsLimitIsPausedAlone) {
  ServiceConfig config = TestConfig();
  config.max_outstanding = 4;
  World w(config);
  w.Follow(2);
  FakeDoor& eager = w.Connect();
  FakeDoor& calm = w.Connect();
  std::vector<Request> requests;
  for (int n = 1; n <= 5; ++n) requests.push_back(Write(n, Create(absl::StrCat("/n", n))));
  w.Submit(eager, std::move(requests));
  EXPECT_TRUE(eager.paused);
  EXPECT_FALSE(calm.paused);
  std::vector<std::string> sent = std::exchange(w.node.submitted, {});
  w.Apply(sent[0]);
  w.Apply(sent[1]);
  EXPECT_TRUE(eager.paused);  // no flutter
  w.Apply(sent[2]);
  EXPECT_FALSE(eager.paused);
}

// Bounded memory in all: everybody pauses, nobody new comes in, and it lifts by itself.
TEST(BackPressure, TotalBudgetPausesAllAndRefusesNewConnections) {
  ServiceConfig config = TestConfig();
  config.total_bytes_max = 50000;
  World w(config);
  w.Follow(2);
  FakeDoor& big = w.Connect();
  FakeDoor& other = w.Connect();
  w.Submit(big, {Write(1, Create("/a", std::string(60000, 'x')))});
  EXPECT_TRUE(other.paused);
  EXPECT_EQ(w.Open().id, ConnectionId(0));
  std::vector<Reply> replies;
  w.service.Call({Read(1, Exists{"/"}), {}, {}}, [&](Reply r) { replies.push_back(std::move(r)); });
  ASSERT_THAT(replies, SizeIs(1));
  EXPECT_EQ(replies[0].error, ErrorCode::kOverloaded);
  w.ApplyAll();
  EXPECT_FALSE(other.paused);
  EXPECT_NE(w.Open().id, ConnectionId(0));
  EXPECT_EQ(w.service.Stats().outstanding_bytes, 0u);
}

TEST(BackPressure, ClosedConnectionGivesItsBudgetBack) {
  ServiceConfig config = TestConfig();
  config.total_bytes_max = 50000;
  World w(config);
  w.Follow(2);
  FakeDoor& big = w.Connect();
  FakeDoor& other = w.Connect();
  w.Submit(big, {Write(1, Create("/a", std::string(60000, 'x')))});
  EXPECT_TRUE(other.paused);
  w.service.ConnectionClosed(big.id, true);
  EXPECT_FALSE(other.paused);
  EXPECT_EQ(w.service.Stats().outstanding, 0u);
}

// S3, counterexample 14: at the cap of unconfirmed replies writes wait; the confirmation that comes with a request is
// taken first.
TEST(ReplyCap, HoldsWritesUntilRepliesAreConfirmed) {
  ServiceConfig config = TestConfig();
  config.unconfirmed_replies_max = 2;
  World w(config);
  w.Follow(2);
  FakeDoor& door = w.Connect();
  w.Submit(door, {Write(1, Create("/1")), Write(2, Create("/2"))});
  w.ApplyAll();
  w.Submit(door, {Write(3, Create("/3"))});
  EXPECT_THAT(w.node.submitted, IsEmpty());
  w.Submit(door, {}, /*confirmed_below=*/3);
  EXPECT_THAT(w.node.SubmittedNumbers(), ElementsAre(3));
  w.ApplyAll();
  w.Submit(door, {Write(4, Create("/4"))});
  EXPECT_THAT(w.node.SubmittedNumbers(), ElementsAre(4));
  EXPECT_EQ(w.node.Submitted()[0].confirmed_below, Sequence(3));  // S3: forwarded with each command
  w.ApplyAll();
  w.Submit(door, {Write(5, Create("/5"))}, /*confirmed_below=*/4);  // carried by the request itself
  EXPECT_THAT(w.node.SubmittedNumbers(), ElementsAre(5));
}

// S3: a client that never confirms is cut off, loses nothing, and what it left unconfirmed counts when it is back.
TEST(ReplyCap, ClientThatNeverConfirmsIsCutOff) {
  ServiceConfig config = TestConfig();
  config.unconfirmed_replies_max = 2;
  World w(config);
  w.Follow(2);
  FakeDoor& door = w.Connect(World::NewSession(absl::Seconds(3)));
  w.Submit(door, {Write(1, Create("/1")), Write(2, Create("/2"))});
  w.ApplyAll();
  w.Submit(door, {Write(3, Create("/3"))});
  w.AdvanceAcknowledged(absl::Milliseconds(1200));
  EXPECT_EQ(door.closed, CloseReason::kOverloaded);
  ConnectRequest silent = World::Resume(door);
  FakeDoor& unconfirmed = w.Connect(silent);
  w.Submit(unconfirmed, {Write(3, Create("/3"))});
  EXPECT_THAT(w.node.submitted, IsEmpty());
  ConnectRequest confirming = World::Resume(door);
  confirming.confirmed_below = Sequence(3);
  FakeDoor& back = w.Connect(confirming);
  w.Submit(back, {Write(3, Create("/3"))});
  EXPECT_THAT(w.node.SubmittedNumbers(), ElementsAre(3));
}

TEST(Connections, BeyondTheirNumberAreRefused) {
  ServiceConfig config = TestConfig();
  config.max_connections = 1;
  World w(config);
  w.Lead();
  FakeDoor& door = w.Connect();
  EXPECT_EQ(w.Open().id, ConnectionId(0));
  w.service.ConnectionClosed(door.id, true);
  EXPECT_NE(w.Open().id, ConnectionId(0));
}

TEST(Connections, ThatSayNothingAreClosed) {
  World w;
  w.Lead();
  FakeDoor& silent = w.Open();
  w.loop.Advance(absl::Seconds(11));
  EXPECT_EQ(silent.closed, CloseReason::kProtocolError);
}

// ---- unary ----

class Unary : public ::testing::Test {
 protected:
  void Call(World* w, Operation operation, ReadStrength strength = ReadStrength::kSession, Zxid last_zxid = Zxid(0)) {
    w->service.Call({Read(5, std::move(operation), strength), last_zxid, {}},
                    [this](Reply r) { replies.push_back(std::move(r)); });
  }
  std::vector<Reply> replies;
};

TEST_F(Unary, WriteIsAnsweredByItsOutcome) {
  World w;
  w.Follow(2);
  Call(&w, Create("/a", "x"));
  Call(&w, MultiOp{{CheckOp{"/a", 7}, Create("/b")}});
  EXPECT_THAT(replies, IsEmpty());
  w.ApplyAll();
  ASSERT_THAT(replies, SizeIs(2));
  EXPECT_EQ(replies[0].result.path, "/a");
  EXPECT_EQ(replies[0].id, 5u);
  EXPECT_EQ(OperationName(replies[0].operation), "create");
  EXPECT_EQ(replies[1].error, ToErrorCode(tree::Error::kBadVersion));
  EXPECT_THAT(replies[1].results, SizeIs(2));
}

// S2, counterexample 21: never handed over means not done; handed over and no outcome seen means maybe, and it is not
// handed over again.
TEST_F(Unary, WithoutALeaderNotDoneAndAcrossAChangeMaybe) {
  World w;
  w.Follow(2);
  Call(&w, Create("/a"));
  w.Lose();
  w.LoseLeader();
  Call(&w, Create("/b"));
  w.loop.Advance(absl::Milliseconds(2100));
  ASSERT_THAT(replies, SizeIs(2));
  for (const Reply& reply : replies) EXPECT_EQ(reply.error, ErrorCode::kNoQuorum);
  EXPECT_EQ(replies[0].effect, Effect::kMayHaveBeenDone);
  EXPECT_EQ(replies[1].effect, Effect::kNotDone);
  Call(&w, Create("/c"));  // held long enough before it came
  ASSERT_THAT(replies, SizeIs(3));
  EXPECT_EQ(replies[2].effect, Effect::kNotDone);
  w.Follow(3);
  EXPECT_THAT(w.node.submitted, IsEmpty());
}

TEST_F(Unary, HeldWriteGoesToTheNextLeaderAndASentOneIsNotRepeated) {
  World w;
  w.Follow(2);
  Call(&w, Create("/sent"));
  std::vector<std::string> sent = std::exchange(w.node.submitted, {});
  w.LoseLeader();
  Call(&w, Create("/held"));
  w.Follow(3);
  ASSERT_THAT(w.node.submitted, SizeIs(1));
  w.Apply(sent[0]);  // the new leader had it
  w.ApplyAll();
  ASSERT_THAT(replies, SizeIs(2));
  EXPECT_EQ(replies[0].result.path, "/sent");
  EXPECT_EQ(replies[1].result.path, "/held");
}

// W1: three strengths.
TEST_F(Unary, ReadsInThreeStrengths) {
  World w;
  w.Follow(2);
  w.ApplyOther(Create("/a", "x"));
  w.node.answer_barriers = false;
  Call(&w, GetData{"/a"}, ReadStrength::kLinearizable);
  EXPECT_THAT(replies, IsEmpty());
  w.node.AnswerBarriers(true);
  ASSERT_THAT(replies, SizeIs(1));
  Call(&w, GetData{"/a"}, ReadStrength::kSession, w.machine.last_zxid() + 1);
  ASSERT_THAT(replies, SizeIs(1));  // S9: waits until this server has caught up
  w.ApplyOther(Set("/a", "y"));
  ASSERT_THAT(replies, SizeIs(2));
  EXPECT_EQ(replies[1].data, "y");
  w.LoseLeader();
  Call(&w, GetData{"/a"}, ReadStrength::kLocal);
  ASSERT_THAT(replies, SizeIs(3));
  Call(&w, Sync{"/a"});
  w.node.AnswerBarriers(false);
  w.loop.Advance(absl::Milliseconds(2100));
  ASSERT_THAT(replies, SizeIs(4));
  EXPECT_EQ(replies[3].error, ErrorCode::kNoQuorum);
  Call(&w, GetData{"/a"}, ReadStrength::kSession, w.machine.last_zxid() + 9);
  w.loop.Advance(absl::Milliseconds(1100));
  EXPECT_EQ(replies.back().error, ErrorCode::kNoQuorum);
}

TEST_F(Unary, WhatNeedsASessionIsRefused) {
  World w;
  w.Lead();
  Call(&w, CloseSession{});
  Call(&w, Exists{"/", true});
  Call(&w, AddWatch{"/"});
  Call(&w, Create("bad"));
  Call(&w, Unintelligible{tree::Error::kUnimplemented, true, "no such operation"});
  for (int i : {0, 1, 2, 3}) EXPECT_EQ(replies[i].error, ToErrorCode(tree::Error::kBadArguments)) << i;
  EXPECT_EQ(replies[4].message, "no such operation");
  EXPECT_THAT(w.node.submitted, IsEmpty());
  Call(&w, Ephemeral("/e"));  // judged by the state machine
  w.ApplyAll();
  EXPECT_EQ(replies[5].error, ToErrorCode(tree::Error::kBadArguments));
  w.node.room = 0;
  Call(&w, Create("/a"));
  EXPECT_EQ(replies[6].error, ErrorCode::kOverloaded);
  EXPECT_EQ(replies[6].effect, Effect::kNotDone);
}

// ---- the queue by itself, against a plain model ----

TEST(SessionQueue, SendsUpToTheFirstBarrierAndRewinds) {
  Random random(5);
  for (int run = 0; run < 200; ++run) {
    SessionQueue queue;
    std::deque<std::pair<SessionQueue::Kind, uint64_t>> model;  // kind, number
    uint64_t next = 1, sent = 0;
    for (int step = 0; step < 200; ++step) {
      switch (random.Below(6)) {
        case 0:
        case 1: {
          SessionQueue::Item item;
          item.kind = static_cast<SessionQueue::Kind>(random.Below(4));
          item.bytes = 10;
          if (item.kind == SessionQueue::Kind::kWrite) item.sequence = Sequence(next++);
          model.emplace_back(item.kind, item.sequence.value());
          uint64_t position = queue.Push(item);
          ASSERT_EQ(position + 1, queue.end_position());
          break;
        }
        case 2:
          if (!model.empty()) {
            EXPECT_EQ(queue.Front().kind, model.front().first);
            queue.Pop();
            model.pop_front();
          }
          break;
        case 3:
          queue.Rewind();
          sent = model.empty() ? next - 1 : 0;
          break;
        default: {
          uint64_t expected = 0;
          for (const auto& [kind, number] : model) {
            if (kind == SessionQueue::Kind::kBarrier) break;
            if (kind == SessionQueue::Kind::kWrite && number > sent) {
              expected = number;
              break;
            }
          }
          SessionQueue::Item* item = queue.NextToSend();
          ASSERT_EQ(item == nullptr ? 0 : item->sequence.value(), expected);
          if (item != nullptr) {
            queue.Sent();
            sent = expected;
            EXPECT_EQ(queue.LastSent(), Sequence(sent));
          }
        }
      }
      EXPECT_EQ(queue.size(), model.size());
      EXPECT_EQ(queue.bytes(), model.size() * 10);
    }
  }
}

}  // namespace
}  // namespace synod::service::testing

// What the leader does of its own accord: idle nodes, closing sessions, settings; and quota warnings.
#include "coordinator/service/leader_duties.h"

#include "tests/unit/coordinator/service/watch_fakes.h"

namespace synod::service::testing {
namespace {

using statemachine::ContinueCloseOp;
using statemachine::RemoveIdleOp;
using statemachine::SetSettingOp;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

template <typename Op>
std::vector<Op> SubmittedOf(const World& w) {
  std::vector<Op> out;
  for (const statemachine::Command& command : w.node.Submitted()) {
    if (const auto* op = std::get_if<Op>(&command.operation)) out.push_back(*op);
  }
  return out;
}

CreateOp Container(std::string path) {
  CreateOp op = Create(std::move(path));
  op.mode = CreateMode::kContainer;
  return op;
}
CreateOp WithTtl(std::string path, uint64_t ttl_ms) {
  CreateOp op = Create(std::move(path));
  op.mode = CreateMode::kPersistentTtl;
  op.ttl_ms = ttl_ms;
  return op;
}

// ---- idle nodes ----

// L5: an empty container goes by a command of the leader, which names what it saw; followers and time alone remove
// nothing.
TEST(IdleNodes, AreRemovedByALoggedCommandOfTheLeader) {
  World w;
  w.Follow(2);
  w.ApplyOther(Container("/c"));
  w.ApplyOther(Create("/c/child"));
  w.ApplyOther(Delete("/c/child"));
  tree::Stat stat;
  ASSERT_EQ(w.machine.tree().Exists(access::Caller::Unrestricted(), "/c", &stat), tree::Error::kOk);
  w.loop.Advance(absl::Seconds(70));
  EXPECT_THAT(w.node.submitted, IsEmpty());
  w.Lead();
  w.loop.Advance(absl::Milliseconds(200));
  std::vector<RemoveIdleOp> removals = SubmittedOf<RemoveIdleOp>(w);
  ASSERT_THAT(removals, SizeIs(1));  // once while it is under way
  EXPECT_EQ(removals[0].path, "/c");
  EXPECT_EQ(removals[0].czxid, stat.czxid);
  EXPECT_EQ(removals[0].mzxid, stat.mzxid);
  EXPECT_TRUE(w.machine.tree().Has("/c"));
  w.ApplyAll();
  EXPECT_FALSE(w.machine.tree().Has("/c"));
  EXPECT_EQ(w.service.Stats().idle_removed, 1u);
  w.loop.Advance(absl::Minutes(1));
  EXPECT_THAT(w.node.submitted, IsEmpty());
}

// A container that is used again, or a TTL node that is written, between proposal and apply stays.
TEST(IdleNodes, ThatChangedSinceTheProposalStay) {
  World w;
  w.Lead();
  w.ApplyOther(Container("/c"));
  w.ApplyOther(Create("/c/child"));
  w.ApplyOther(Delete("/c/child"));
  w.ApplyOther(WithTtl("/t", 60'000));
  w.loop.Advance(absl::Seconds(62));
  ASSERT_THAT(SubmittedOf<RemoveIdleOp>(w), SizeIs(2));
  w.ApplyOther(Create("/c/again"));
  w.ApplyOther(Set("/t", "again"));
  w.ApplyAll();
  EXPECT_TRUE(w.machine.tree().Has("/c"));
  EXPECT_TRUE(w.machine.tree().Has("/t"));
  EXPECT_EQ(w.service.Stats().idle_removed, 0u);
  w.loop.Advance(absl::Seconds(59));
  EXPECT_THAT(SubmittedOf<RemoveIdleOp>(w), IsEmpty());
  w.loop.Advance(absl::Seconds(2));
  EXPECT_THAT(SubmittedOf<RemoveIdleOp>(w), SizeIs(1));
}

// A lost proposal comes again from the next leader at once, from the same one in time.
TEST(IdleNodes, LostProposalsComeAgain) {
  World w;
  w.Lead();
  w.ApplyOther(WithTtl("/t", 1'000));
  w.loop.Advance(absl::Seconds(3));
  ASSERT_THAT(SubmittedOf<RemoveIdleOp>(w), SizeIs(1));
  w.Lose();
  w.Follow(2);
  w.loop.Advance(absl::Seconds(3));
  EXPECT_THAT(w.node.submitted, IsEmpty());
  w.Lead();
  w.loop.Advance(absl::Seconds(1));
  ASSERT_THAT(SubmittedOf<RemoveIdleOp>(w), SizeIs(1));
  w.Lose();
  w.loop.Advance(absl::Seconds(11));
  ASSERT_THAT(SubmittedOf<RemoveIdleOp>(w), SizeIs(1));
  w.ApplyAll();
  EXPECT_FALSE(w.machine.tree().Has("/t"));
}

// However many fall due together, the log gets no more than its share of them.
TEST(IdleNodes, AreRemovedNoFasterThanAllowed) {
  ServiceConfig config = TestConfig();
  config.removals_per_minute = 120;
  World w(config);
  w.Lead();
  for (int i = 0; i < 50; ++i) w.ApplyOther(WithTtl(absl::StrCat("/t", i), 1'000));
  w.loop.Advance(absl::Seconds(1));
  size_t gone = 0;
  for (int second = 0; second < 10; ++second) {
    w.loop.Advance(absl::Seconds(1));
    gone += SubmittedOf<RemoveIdleOp>(w).size();
    w.ApplyAll();
  }
  EXPECT_GE(gone, 18u);
  EXPECT_LE(gone, 22u);
}

TEST(IdleNodes, WaitWhileTheQueueIsFull) {
  World w;
  w.Lead();
  w.ApplyOther(WithTtl("/t", 1'000));
  w.node.room = 0;
  w.loop.Advance(absl::Seconds(3));
  EXPECT_THAT(w.node.submitted, IsEmpty());
  w.node.room = SIZE_MAX;
  w.service.OnQueueDrained();
  w.loop.Advance(absl::Seconds(2));
  EXPECT_THAT(SubmittedOf<RemoveIdleOp>(w), SizeIs(1));
}

// ---- closing sessions ----

MultiOp Ephemerals(int n) {
  MultiOp multi;
  for (int i = 0; i < n; ++i) multi.ops.push_back(Ephemeral(absl::StrCat("/e", i)));
  return multi;
}

// L3: no command deletes more than a thousand; the client is answered when its session is gone, and nothing of it is
// answered in between.
TEST(ClosingSession, OfManyEphemeralsIsAnsweredWhenItIsGone) {
  World w;
  w.Lead();
  FakeDoor& watcher = w.Connect();
  FakeDoor& door = w.Connect();
  w.Submit(watcher, {Read(1, AddWatch{"/", WatchKind::kPersistentRecursive})});
  w.Submit(door, {Write(1, Ephemerals(3500))});
  w.ApplyAll();
  door.Take();
  size_t created = watcher.notifications.size();
  w.Submit(door, {Write(2, CloseSession{}), Read(3, Exists{"/"})});
  int commands = 0;
  while (!w.node.submitted.empty()) {
    EXPECT_THAT(door.Take(), IsEmpty());
    size_t before = w.machine.tree().ephemeral_count();
    std::vector<std::string> next = std::exchange(w.node.submitted, {});
    ASSERT_THAT(next, SizeIs(1));
    w.Apply(next[0]);
    EXPECT_LE(before - w.machine.tree().ephemeral_count(), 1000u);
    ++commands;
  }
  EXPECT_EQ(commands, 4);
  EXPECT_THAT(door.Take(), ElementsAre("reply 2 Ok", "close: session closed"));
  EXPECT_EQ(w.machine.sessions().count(), 1u);
  EXPECT_EQ(w.machine.tree().ephemeral_count(), 0u);
  EXPECT_EQ(watcher.notifications.size(), created + 3500);
}

// W2: of its own last ephemerals too the client is told before the reply that shows them gone.
TEST(ClosingSession, IsToldOfItsLastEphemeralsBeforeItIsAnswered) {
  World w;
  w.Lead();
  FakeDoor& door = w.Connect();
  w.Submit(door, {Write(1, Ephemerals(1001)), Read(2, AddWatch{"/e999", WatchKind::kPersistent})});
  w.ApplyAll();
  door.Take();
  w.Submit(door, {Write(2, CloseSession{})});
  w.ApplyAll();
  EXPECT_THAT(door.notifications, SizeIs(1));
  EXPECT_THAT(door.Take(), ElementsAre(::testing::HasSubstr("/e999"), "reply 2 Ok", "close: session closed"));
}

// Wherever the leadership goes in between, the next leader goes on with what is closing; the close is not sent again.
TEST(ClosingSession, IsContinuedByTheNextLeader) {
  World w;
  w.Lead();
  FakeDoor& door = w.Connect();
  w.Submit(door, {Write(1, Ephemerals(3500))});
  w.ApplyAll();
  w.Submit(door, {Write(2, CloseSession{})});
  w.ApplySubmitted();
  ASSERT_THAT(SubmittedOf<ContinueCloseOp>(w), SizeIs(1));
  w.ApplySubmitted();
  w.Lose();
  w.Follow(2);
  w.loop.Advance(absl::Milliseconds(500));
  EXPECT_THAT(w.node.submitted, IsEmpty());
  w.ApplyOther(ContinueCloseOp{door.connected.session});  // the other leader's
  EXPECT_THAT(w.node.submitted, IsEmpty());
  EXPECT_EQ(w.machine.tree().ephemeral_count(), 500u);
  w.Lead();
  w.loop.Advance(absl::Milliseconds(100));
  EXPECT_THAT(SubmittedOf<ContinueCloseOp>(w), SizeIs(1));
  door.Take();
  w.ApplyAll();
  EXPECT_THAT(door.Take(), ElementsAre("reply 2 Ok", "close: session closed"));
  EXPECT_EQ(w.machine.sessions().count(), 0u);
}

// S5: who is expired is told at once, however much there is to clean up.
TEST(ClosingSession, ExpiredOneIsToldAtOnce) {
  World w;
  w.Lead();
  FakeDoor& door = w.Connect();
  w.Submit(door, {Write(1, Ephemerals(2500))});
  w.ApplyAll();
  w.ApplyOther(statemachine::ExpireSessionOp{door.connected.session, door.connected.generation});
  EXPECT_EQ(door.closed, CloseReason::kSessionExpired);
  EXPECT_EQ(w.machine.tree().ephemeral_count(), 1500u);
  FakeDoor& back = w.Connect(World::Resume(door));
  EXPECT_EQ(back.closed, CloseReason::kSessionExpired);
  w.ApplyAll();
  EXPECT_EQ(w.machine.sessions().count(), 0u);
  w.loop.Advance(absl::Seconds(20));
  EXPECT_THAT(w.node.submitted, IsEmpty());
}

// A step whose proposal vanished without a sign is proposed again.
TEST(ClosingSession, LostStepComesAgain) {
  World w;
  w.Lead();
  FakeDoor& door = w.Connect();
  w.Submit(door, {Write(1, Ephemerals(1500))});
  w.ApplyAll();
  w.ApplyOther(statemachine::ExpireSessionOp{door.connected.session, door.connected.generation});
  w.Lose();
  w.loop.Advance(absl::Seconds(6));
  EXPECT_THAT(SubmittedOf<ContinueCloseOp>(w), SizeIs(1));
}

// S10: the end of a closing session may lie in an install.
TEST(ClosingSession, MayEndInAnInstall) {
  World w, other;
  w.Follow(2);
  FakeDoor& door = w.Open();
  w.service.Connect(door.id, World::NewSession());
  auto apply_on_both = [&] {
    for (const std::string& command : std::exchange(w.node.submitted, {})) {
      other.Apply(command);
      w.Apply(command);
    }
  };
  apply_on_both();
  w.Submit(door, {Write(1, Ephemerals(1500)), Write(2, CloseSession{})});
  apply_on_both();
  door.Take();
  other.ApplyOther(ContinueCloseOp{door.connected.session});
  Install(&w, &other);
  EXPECT_THAT(door.Take(), ElementsAre("reply 2 Ok", "close: session closed"));
}

// ---- settings ----

// L4: what the configuration says gets into the log once per leadership, and again when somebody changed it.
TEST(SettingsKeeper, LeaderWritesWhatDiffers) {
  ServiceConfig config = TestConfig();
  config.settings = {{"enforce_quota", "no"}, {"super_digest", ""}, {"skip_acl", "yes"}};
  World w(config);
  w.Follow(2);
  w.loop.Advance(absl::Seconds(1));
  EXPECT_THAT(w.node.submitted, IsEmpty());
  w.node.caught_up = false;
  w.SetLeader(1);
  w.loop.Advance(absl::Seconds(1));
  EXPECT_THAT(w.node.submitted, IsEmpty());  // does not know yet what is set
  w.node.caught_up = true;
  w.service.OnResubmit();
  w.loop.Advance(absl::Seconds(1));
  std::vector<SetSettingOp> set = SubmittedOf<SetSettingOp>(w);
  ASSERT_THAT(set, SizeIs(2));  // the empty one is the default
  EXPECT_EQ(set[0].name, "enforce_quota");
  EXPECT_EQ(set[1].value, "yes");
  w.ApplyAll();
  w.loop.Advance(absl::Seconds(1));
  EXPECT_THAT(w.node.submitted, IsEmpty());
  EXPECT_EQ(w.machine.Setting("skip_acl"), "yes");
  EXPECT_TRUE(w.machine.settings().skip_acl);
  w.ApplyOther(SetSettingOp{"skip_acl", "no"});
  w.loop.Advance(absl::Milliseconds(100));
  ASSERT_THAT(SubmittedOf<SetSettingOp>(w), SizeIs(1));
  w.Lose();  // with the leadership
  w.Follow(2);
  w.Lead();
  w.loop.Advance(absl::Milliseconds(100));
  EXPECT_THAT(SubmittedOf<SetSettingOp>(w), SizeIs(1));
  EXPECT_EQ(w.service.Stats().settings_proposed, 4u);
}

// ---- quotas ----

TEST(Quota, ExcessIsCounted) {
  World w;
  w.Lead();
  tree::QuotaExcess excess;
  excess.path = "/q";
  for (int i = 0; i < 5; ++i) w.service.OnQuotaExceeded(excess);
  EXPECT_EQ(w.service.Stats().quota_exceeded, 5u);
}

TEST(Quota, SoftLimitIsReportedByApply) {
  World w;
  w.Lead();
  w.ApplyOther(Create("/q"));
  w.ApplyOther(Create("/zookeeper/quota/q"));
  w.ApplyOther(Create("/zookeeper/quota/q/zookeeper_limits", "count=2,bytes=-1"));
  w.ApplyOther(Create("/q/1"));
  EXPECT_EQ(w.service.Stats().quota_exceeded, 0u);
  w.ApplyOther(Create("/q/2"));
  EXPECT_TRUE(w.machine.tree().Has("/q/2"));
  EXPECT_EQ(w.service.Stats().quota_exceeded, 1u);
}

}  // namespace
}  // namespace synod::service::testing

// What operators are shown.
#include "tests/unit/coordinator/service/watch_fakes.h"

namespace synod::service::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(Operators, SessionsAreListedWithTheirTimeAtTheLeader) {
  World w;
  w.Follow(2);
  w.Connect(World::NewSession(absl::Seconds(6)));
  FakeDoor& second = w.Connect(World::NewSession(absl::Seconds(20)), /*native=*/false);
  std::vector<SessionStatus> sessions = w.service.Sessions();
  ASSERT_THAT(sessions, SizeIs(2));
  EXPECT_EQ(sessions[0].session, SessionId(1));
  EXPECT_EQ(sessions[1].session, second.connected.session);
  EXPECT_EQ(sessions[1].timeout, absl::Seconds(20));
  EXPECT_EQ(sessions[0].expires_in, absl::InfiniteDuration());  // the leader knows
  w.Lead();
  sessions = w.service.Sessions();
  EXPECT_EQ(sessions[0].expires_in, absl::Seconds(6));  // S5: in full
  w.loop.Advance(absl::Seconds(1));
  sessions = w.service.Sessions();
  EXPECT_EQ(sessions[0].expires_in, absl::Seconds(5));
  EXPECT_EQ(sessions[1].expires_in, absl::Seconds(19));
  EXPECT_EQ(w.service.Status().leader_uptime, absl::Seconds(1));
  w.Follow(2);
  EXPECT_EQ(w.service.Status().leader_uptime, absl::ZeroDuration());
}

TEST(Operators, EphemeralsAreListedBySessionThenPath) {
  World w;
  w.Lead();
  FakeDoor& first = w.Connect();
  w.Connect();
  FakeDoor& third = w.Connect();
  w.Submit(third, {Write(1, Ephemeral("/t"))});
  w.Submit(first, {Write(1, Ephemeral("/z")), Write(2, Ephemeral("/b"))});
  w.ApplyAll();
  std::vector<EphemeralsOfSession> ephemerals = w.service.Ephemerals();
  ASSERT_THAT(ephemerals, SizeIs(2));
  EXPECT_EQ(ephemerals[0].session, first.connected.session);
  EXPECT_THAT(ephemerals[0].paths, ElementsAre("/b", "/z"));
  EXPECT_EQ(ephemerals[1].session, third.connected.session);
  EXPECT_THAT(ephemerals[1].paths, ElementsAre("/t"));
}

TEST(Operators, WatchesAreListedBySessionThenPathOnceEach) {
  World w;
  w.Lead();
  FakeDoor& first = w.Connect();
  FakeDoor& second = w.Connect();
  w.Submit(second, {Read(1, Exists{"/x", true})});
  w.Submit(first, {Read(1, GetChildren{"/", true}), Read(2, GetData{"/", true}), Read(3, Exists{"/b", true}),
                   Read(4, AddWatch{"/a", WatchKind::kPersistentRecursive})});
  std::vector<WatchesOfSession> watches = w.service.Watches();
  ASSERT_THAT(watches, SizeIs(2));
  EXPECT_EQ(watches[0].session, first.connected.session);
  EXPECT_THAT(watches[0].paths, ElementsAre("/", "/a", "/b"));
  EXPECT_EQ(watches[1].session, second.connected.session);
  EXPECT_THAT(watches[1].paths, ElementsAre("/x"));
  w.ApplyOther(Create("/x"));
  EXPECT_THAT(w.service.Watches(), SizeIs(1));
}

TEST(Operators, NotificationsAreCountedByType) {
  World w;
  w.Lead();
  FakeDoor& door = w.Connect();
  w.Submit(door, {Read(1, AddWatch{"/p", WatchKind::kPersistent})});
  w.ApplyOther(Create("/p"));
  w.ApplyOther(Create("/p/a"));
  w.ApplyOther(Create("/p/b"));
  w.ApplyOther(Set("/p", "x"));
  w.ApplyOther(Set("/p", "y"));
  w.ApplyOther(Set("/p", "z"));
  w.ApplyOther(Delete("/p/a"));
  w.ApplyOther(Delete("/p/b"));
  w.ApplyOther(Delete("/p"));
  ServiceStats stats = w.service.Stats();
  EXPECT_EQ(stats.created_notifications, 1u);
  EXPECT_EQ(stats.children_notifications, 4u);
  EXPECT_EQ(stats.changed_notifications, 3u);
  EXPECT_EQ(stats.deleted_notifications, 1u);
  EXPECT_EQ(stats.notifications, 9u);
}

TEST(Operators, CommandsAreCountedAndMeasuredWhileLeading) {
  World w;
  w.Follow(2);
  FakeDoor& door = w.Connect();
  EXPECT_EQ(w.service.Stats().commands_proposed, 1u);
  EXPECT_EQ(w.service.Stats().commands_applied, 1u);
  EXPECT_EQ(w.service.Stats().proposals, 0u);  // the leader's
  w.Lead();
  w.Submit(door, {Write(1, Create("/a")), Write(2, Create("/b", std::string(100, 'x'))), Write(3, Create("/c"))});
  ServiceStats stats = w.service.Stats();
  EXPECT_EQ(stats.commands_proposed, 4u);
  EXPECT_EQ(stats.proposals, 3u);
  EXPECT_EQ(stats.last_proposal_bytes, w.node.submitted[2].size());
  EXPECT_EQ(stats.min_proposal_bytes, w.node.submitted[0].size());
  EXPECT_EQ(stats.max_proposal_bytes, w.node.submitted[1].size());
  w.ApplyAll();
  EXPECT_EQ(w.service.Stats().commands_applied, 4u);
  EXPECT_EQ(w.service.Stats().revalidations, 0u);
  w.Connect(World::Resume(door));
  EXPECT_EQ(w.service.Stats().revalidations, 1u);
}

TEST(Operators, SyncsUnderWayAreCounted) {
  World w;
  w.Follow(2);
  FakeDoor& door = w.Connect();
  w.loop.Run();
  w.node.answer_barriers = false;
  w.Submit(door, {Read(1, Sync{"/"}), Read(2, Exists{"/"}, ReadStrength::kLinearizable), Read(3, Exists{"/"})});
  w.service.Call({Read(1, Sync{"/"}), {}, {}}, [](Reply) {});
  EXPECT_EQ(w.service.Stats().pending_syncs, 3u);
  w.service.ConnectionClosed(door.id, true);
  w.node.AnswerBarriers(true);
  EXPECT_EQ(w.service.Stats().pending_syncs, 0u);
}

// srst
TEST(Operators, ResetBeginsLatenciesAndPacketsAnew) {
  World w;
  w.Lead();
  FakeDoor& door = w.Connect();
  w.Submit(door, {Write(1, Create("/a")), Read(2, Exists{"/a"})});
  w.loop.Advance(absl::Milliseconds(5));
  w.ApplyAll();
  ServiceStats before = w.service.Stats();
  EXPECT_EQ(before.write_latency.count, 1u);
  EXPECT_GT(before.packets_received, 0u);
  w.service.ResetStats();
  ServiceStats after = w.service.Stats();
  EXPECT_EQ(after.packets_received, 0u);
  EXPECT_EQ(after.packets_sent, 0u);
  EXPECT_EQ(after.read_latency.count, 0u);
  EXPECT_EQ(after.write_latency.max_us, 0u);
  EXPECT_EQ(after.proposals, 0u);
  EXPECT_EQ(after.requests, before.requests);
  w.Submit(door, {Read(3, Exists{"/a"})});
  EXPECT_EQ(w.service.Stats().packets_received, 1u);
  EXPECT_EQ(w.service.Stats().read_latency.count, 1u);
}

// 6.5: path and data lengths of every node.
TEST(Operators, ApproximateSizeCountsPathsAndData) {
  World w;
  w.Lead();
  const uint64_t empty = w.service.Status().approximate_data_bytes;
  EXPECT_EQ(empty, std::string("//zookeeper/zookeeper/config/zookeeper/quota").size());
  w.ApplyOther(Create("/abc", "12345"));
  EXPECT_EQ(w.service.Status().approximate_data_bytes, empty + 9);
  w.ApplyOther(Set("/abc", "1"));
  EXPECT_EQ(w.service.Status().approximate_data_bytes, empty + 5);
  w.ApplyOther(Delete("/abc"));
  EXPECT_EQ(w.service.Status().approximate_data_bytes, empty);
}

// 11.10, for clients that cannot ask for pages: all of the own session, whatever the pages' limit.
TEST(GetEphemeralsWhole, GivesAllOfTheOwnSession) {
  World w;
  w.Lead();
  FakeDoor& door = w.Connect(World::NewSession(), /*native=*/false);
  const size_t count = kPageMax + 10;
  MultiOp multi;
  for (size_t i = 0; i < count; ++i) {
    multi.ops.push_back(Ephemeral(absl::StrCat(i % 2 == 0 ? "/even" : "/odd", 100000 + i)));
    if (multi.ops.size() < 2000 && i + 1 < count) continue;
    w.Submit(door, {Read(1, std::exchange(multi, {}))});
  }
  w.ApplyAll();
  GetEphemerals whole;
  whole.whole = true;
  whole.after = "/zzz";
  whole.limit = 3;
  GetEphemerals odd = whole;
  odd.prefix = "/odd";
  GetEphemerals others = whole;
  others.session = SessionId(99);
  w.Submit(door, {Read(2, whole), Read(3, odd), Read(4, others)});
  ASSERT_GE(door.replies.size(), 3u);
  const Reply* last = &door.replies.back();
  EXPECT_EQ(last[-2].children.size(), count);
  EXPECT_FALSE(last[-2].more);
  EXPECT_EQ(last[-1].children.size(), count / 2);
  EXPECT_EQ(last[0].error, ToErrorCode(tree::Error::kBadArguments));
}

// Section 17: the configuration's server lines get into /zookeeper/config through the log.
TEST(Membership, LeaderPublishesItsServerLines) {
  ServiceConfig config = TestConfig();
  config.settings = {{std::string(statemachine::kMembershipSetting), "server.1=a:1:2:participant;0.0.0.0:2181"}};
  World w(config);
  w.Lead();
  FakeDoor& door = w.Connect(World::NewSession(), /*native=*/false);
  w.Submit(door, {Read(1, GetData{"/zookeeper/config", true})});
  door.Take();
  w.loop.Advance(absl::Milliseconds(100));
  w.ApplyAll();
  EXPECT_THAT(door.Take(), ElementsAre("changed /zookeeper/config"));
  const std::string version = absl::StrCat(absl::Hex(w.machine.last_zxid().value()));
  w.Submit(door, {Read(2, GetData{"/zookeeper/config"})});
  ASSERT_FALSE(door.replies.empty());
  const Reply& reply = door.replies.back();
  EXPECT_EQ(reply.data, "server.1=a:1:2:participant;0.0.0.0:2181\nversion=" + version);
  ASSERT_TRUE(reply.stat);
  EXPECT_EQ(reply.stat->version, -1);
  EXPECT_EQ(reply.stat->aversion, -1);
  EXPECT_EQ(reply.stat->mzxid, w.machine.last_zxid());
  w.loop.Advance(absl::Seconds(1));
  EXPECT_THAT(w.node.submitted, IsEmpty());  // once
  w.Submit(door, {Read(3, Set("/zookeeper/config", "mine"))});
  w.ApplyAll();
  EXPECT_EQ(door.replies.back().error, ToErrorCode(tree::Error::kNoAuth));
}

}  // namespace
}  // namespace synod::service::testing

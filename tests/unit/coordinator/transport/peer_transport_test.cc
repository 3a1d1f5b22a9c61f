// Connections: who is up, who is gone, what goes first, what is bounded.
#include <gtest/gtest.h>

#include "tests/unit/coordinator/transport/peer_transport_fixture.h"

namespace synod::transport {
namespace {

using consensus::Message;
using interfaces::PeerHello;

TEST_F(PeerTransportTest, ServersThatKnowEachOtherMeetAndHearWhatTheOtherSays) {
  Pair();
  EXPECT_EQ(recorder(1).up[ServerId(2)].identity, MakeHello(2, 5).identity);
  EXPECT_EQ(recorder(1).up[ServerId(2)].address, "server2");
  EXPECT_EQ(recorder(1).up[ServerId(2)].ensemble, EnsembleId(5));
  for (uint64_t i = 0; i < 100; ++i) transport(1).Send(ServerId(2), Vote(i));
  transport(2).Send(ServerId(1), interfaces::ServiceMessage{"hi"});
  ASSERT_TRUE(RunUntil([&] { return recorder(2).messages.size() == 100 && recorder(1).messages.size() == 1; }));
  for (uint64_t i = 0; i < 100; ++i) EXPECT_EQ(std::get<Message>(recorder(2).messages[i]).term, Term(i));
  EXPECT_EQ(recorder(2).senders[0], MakeHello(1, 5).identity);
  EXPECT_EQ(std::get<interfaces::ServiceMessage>(recorder(1).messages[0]).bytes, "hi");
  EXPECT_EQ(transport(1).QueuedBytes(ServerId(2)), 0u);
}

TEST_F(PeerTransportTest, ThreeServersMeetInPairs) {
  for (uint32_t id : {1, 2, 3}) Start(id);
  Introduce();
  ASSERT_TRUE(RunUntilUp(1, 2) && RunUntilUp(1, 3) && RunUntilUp(2, 3));
  // Dials that crossed may still replace a connection, and a message is lost with it: so they go on speaking.
  auto heard_others = [this](uint32_t id) {
    std::set<uint32_t> heard;
    for (const consensus::Identity& sender : recorder(id).senders) heard.insert(sender.server.value());
    return heard.size() == 2 && !heard.contains(id);
  };
  ASSERT_TRUE(RunUntil([&] {
    for (uint32_t from : {1, 2, 3}) {
      for (uint32_t to : {1, 2, 3}) {
        if (from != to) transport(from).Send(ServerId(to), Vote(from * 10 + to));
      }
    }
    return heard_others(1) && heard_others(2) && heard_others(3);
  }));
  for (uint32_t id : {1, 2, 3}) {
    for (size_t i = 0; i < recorder(id).messages.size(); ++i) {
      EXPECT_EQ(std::get<Message>(recorder(id).messages[i]).term,
                Term(recorder(id).senders[i].server.value() * 10 + id));
    }
  }
  EXPECT_EQ(transport(1).Up(), (std::vector<ServerId>{ServerId(2), ServerId(3)}));
}

TEST_F(PeerTransportTest, DialsThatCrossEndWithOneConnectionOnBothSides) {
  options_.lower_id_delay = absl::ZeroDuration();  // makes them cross
  for (int round = 0; round < 60; ++round) {
    servers_.clear();
    Start(1);
    Start(2);
    Introduce();
    ASSERT_TRUE(RunUntilUp(1, 2));
    // Whatever crossed has settled when both ends carry a message and its answer.
    size_t tries = 0;
    ASSERT_TRUE(RunUntil([&] {
      ++tries;
      transport(1).Send(ServerId(2), Vote(tries));
      transport(2).Send(ServerId(1), Vote(tries));
      return recorder(1).messages.size() > 5 && recorder(2).messages.size() > 5;
    }));
    EXPECT_EQ(transport(1).Up().size(), 1u);
    EXPECT_EQ(transport(2).Up().size(), 1u);
  }
}

TEST_F(PeerTransportTest, AClosedConnectionIsReportedAtOnce) {  // L10
  Pair();
  absl::Duration begin = clock_.Monotonic();
  Stop(2);
  ASSERT_TRUE(RunUntil([&] { return !recorder(1).up.contains(ServerId(2)); }));
  EXPECT_LT(clock_.Monotonic() - begin, absl::Seconds(1));  // and not when keep-alives were missed, at 3 s
  EXPECT_EQ(recorder(1).events, "U2D2");
  transport(1).Send(ServerId(2), Vote(1));  // dropped
  EXPECT_EQ(transport(1).QueuedBytes(ServerId(2)), 0u);
}

TEST_F(PeerTransportTest, ARestartedPeerIsBackSoonWhicheverSideItIs) {
  Pair();
  for (uint32_t id : {1, 2, 1, 2}) {
    uint32_t other = 3 - id;
    Stop(id);
    ASSERT_TRUE(RunUntil([&] { return !recorder(other).up.contains(ServerId(id)); }));
    absl::Duration begin = clock_.Monotonic();
    while (clock_.Monotonic() - begin < absl::Milliseconds(300))
      loop_.RunOneTurn(absl::Milliseconds(10));  // backoff is at its longest
    Start(id);
    Introduce();
    begin = clock_.Monotonic();
    ASSERT_TRUE(RunUntilUp(1, 2));
    EXPECT_LT(clock_.Monotonic() - begin, absl::Seconds(1));
    recorder(other).messages.clear();
    ASSERT_TRUE(RunUntil([&] {
      transport(id).Send(ServerId(other), Vote(id));
      return !recorder(other).messages.empty();
    }));
  }
}

TEST_F(PeerTransportTest, APeerThatRestartedBehindADeadConnectionReplacesItAndCountsAsDownFirst) {
  Alone();
  RawPeer first(this);
  first.Meet();
  RawPeer second(this);
  second.Hello({MakeHello(2, 5), ServerId(1), 100});  // another incarnation
  ASSERT_EQ(second.Read()->first, FrameKind::kHello);
  FrameQueue queue;
  EncodeEmpty(FrameKind::kReady, &queue);
  second.Say(&queue);
  ASSERT_TRUE(RunUntil([&] { return recorder(1).events == "U2D2U2"; })) << recorder(1).events;
  EXPECT_TRUE(first.ClosedWithout(FrameKind::kRefused));
}

TEST_F(PeerTransportTest, ASilentPeerIsGivenUpAndAnIdleOneKeptAliveIsNot) {
  options_.limits.keep_alive_interval = absl::Milliseconds(10);
  options_.limits.silent_intervals_max = 20;
  Pair();  // kept alive by each other
  servers_[1].transport->SetPeers({{ServerId(2), Address(2)}, {ServerId(3), "127.0.0.1:1"}});
  RawPeer silent(this);
  silent.Meet(3);
  ASSERT_TRUE(RunUntil([&] { return !recorder(1).up.contains(ServerId(3)); }));
  EXPECT_EQ(silent.Read()->first, FrameKind::kKeepAlive);
  EXPECT_TRUE(recorder(1).up.contains(ServerId(2)));
  EXPECT_EQ(recorder(2).events, "U1");
}

TEST_F(PeerTransportTest, ConsensusOvertakesForwardsAndForwardsOvertakeSnapshots) {  // L11
  Pair();
  loop_.Post([this] {
    for (uint64_t i = 0; i < 20; ++i)
      transport(1).Send(ServerId(2), interfaces::SnapshotData{1, {i, std::string(1 << 20, 's'), 0, false}});
    for (int i = 0; i < 20; ++i)
      transport(1).Send(ServerId(2), interfaces::Forward{Term(1), {std::string(10000, 'f')}});
    transport(1).Send(ServerId(2), Vote(1));
  });
  ASSERT_TRUE(RunUntil([&] { return recorder(2).messages.size() == 41; }));
  EXPECT_TRUE(std::holds_alternative<Message>(recorder(2).messages[0]));
  for (size_t i = 1; i <= 20; ++i)
    EXPECT_TRUE(std::holds_alternative<interfaces::Forward>(recorder(2).messages[i])) << i;
  // And while the snapshot is on its way, the next urgent message passes what still waits.
  recorder(2).messages.clear();
  for (uint64_t i = 0; i < 40; ++i)
    transport(1).Send(ServerId(2), interfaces::SnapshotData{1, {i, std::string(1 << 20, 's'), 0, false}});
  ASSERT_TRUE(RunUntil([&] { return !recorder(2).messages.empty(); }));
  transport(1).Send(ServerId(2), Vote(2));
  ASSERT_TRUE(RunUntil([&] { return recorder(2).messages.size() == 41; }));
  size_t place = 0;
  while (!std::holds_alternative<Message>(recorder(2).messages[place])) ++place;
  EXPECT_LT(place, 35u);
}

TEST_F(PeerTransportTest, LargeEntriesArriveWhole) {  // L2
  Pair();
  Message m;
  m.type = consensus::MessageType::kAppend;
  Random random(3);
  for (uint64_t i = 1; i <= 30; ++i) {
    std::string payload(random.Below(600000), '\0');
    for (char& c : payload) c = static_cast<char>(random.Next());
    m.entries.push_back({Term(1), LogIndex(i), consensus::EntryType::kCommands, MakeSharedBytes(std::move(payload))});
  }
  transport(1).Send(ServerId(2), m);
  ASSERT_TRUE(RunUntil([&] { return recorder(2).messages.size() == 1; }));
  const Message& got = std::get<Message>(recorder(2).messages[0]);
  ASSERT_EQ(got.entries.size(), 30u);
  for (size_t i = 0; i < 30; ++i) EXPECT_EQ(*got.entries[i].payload, *m.entries[i].payload);
}

TEST_F(PeerTransportTest, APeerThatDoesNotReadIsCutOffAtTheBoundAndNotBefore) {  // L11
  options_.limits.max_queue_bytes = 8 << 20;
  Alone();
  RawPeer peer(this);
  peer.Meet();
  size_t highest = 0;
  ASSERT_TRUE(RunUntil([&] {
    transport(1).Send(ServerId(2), interfaces::SnapshotData{1, {1, std::string(1 << 20, 's'), 0, false}});
    highest = std::max(highest, transport(1).QueuedBytes(ServerId(2)));
    loop_.RunOneTurn(absl::ZeroDuration());
    return recorder(1).events == "U2D2";
  }));
  EXPECT_GT(highest, size_t{7} << 20);
  EXPECT_LT(highest, size_t{10} << 20);
  EXPECT_EQ(transport(1).QueuedBytes(ServerId(2)), 0u);
}

TEST_F(PeerTransportTest, PeersAreFoundByNameToo) {
  Start(1);
  Start(2);
  std::string port = std::to_string(servers_[1].port);
  transport(1).SetPeers({{ServerId(2), "127.0.0.1:1"}});
  transport(2).SetPeers({{ServerId(1), "localhost:" + port}});
  EXPECT_TRUE(RunUntilUp(1, 2));
}

}  // namespace
}  // namespace synod::transport

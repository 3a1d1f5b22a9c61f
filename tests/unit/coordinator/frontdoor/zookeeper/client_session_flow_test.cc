// Back-pressure, enforced authentication and what operators see of a session.
#include "tests/unit/coordinator/frontdoor/zookeeper/client_session_fixture.h"

namespace synod::frontdoor::zookeeper::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

// ---- back-pressure ----

TEST(ClientSessionFlow, ASlowReaderIsTakenNothingFromUntilItReads) {
  World world;
  world.options.unsent_bytes_pause = 10000;
  auto client = world.NewClient();
  client->Connect();
  client->Send(Create(1, "/a", std::string(1000, 'd')));
  client->Frames();
  client->reads = false;
  std::string bytes;
  for (int i = 0; i < 200; ++i) bytes += GetData(i, "/a");
  client->session().Take(bytes);
  EXPECT_FALSE(client->session().wants_input());
  EXPECT_LT(client->session().unsent().size(), 30000u);
  size_t unsent = client->session().unsent().size();
  client->Run();
  EXPECT_EQ(client->session().unsent().size(), unsent);  // nothing more is asked for
  client->session().Sent(unsent / 4);
  EXPECT_FALSE(client->session().wants_input());

  client->reads = true;
  client->Run();
  EXPECT_TRUE(client->session().wants_input());
  EXPECT_FALSE(client->session().finished());
  EXPECT_EQ(client->session().Facts().sent, 202u);
}

TEST(ClientSessionFlow, AReaderThatReadsIsHeardThoughItsPingsLieUnread) {
  World world;
  world.options.unsent_bytes_pause = 1000;
  auto client = world.NewClient();
  client->Connect({.timeout_ms = 4000});
  client->Send(Create(1, "/a", std::string(100000, 'd')));
  client->reads = false;
  client->session().Take(GetData(2, "/a"));
  ASSERT_FALSE(client->session().wants_input());
  for (int i = 0; i < 10; ++i) {
    client->Advance(absl::Seconds(2));
    client->session().Sent(1000);
    ASSERT_FALSE(client->session().finished()) << i;
  }
  client->Advance(absl::Seconds(6));
  EXPECT_TRUE(client->session().finished());
}

TEST(ClientSessionFlow, AReaderThatLetsMoreAndMoreLieIsCut) {
  World world;
  world.options.unsent_bytes_max = 20000;
  auto client = world.NewClient();
  client->Connect();
  client->Send(Create(1, "/a", std::string(1000, 'd')));
  client->reads = false;
  world.server.holding = true;  // the reads behind the write are answered at once
  std::string bytes = SetData(1, "/a", std::string(1000, 'e'));
  for (int i = 0; i < 100; ++i) bytes += GetData(i, "/a");
  client->session().Take(bytes);
  EXPECT_FALSE(client->session().finished());
  world.server.Release();
  EXPECT_TRUE(client->session().finished());
  EXPECT_EQ(client->session().unsent().size(), 0u);
  client->session().SocketClosed(false);
  EXPECT_EQ(world.server.service()->Stats().connections, 0u);
}

TEST(ClientSessionFlow, OneReplyMayBeLargerThanWhatMayLie) {
  World world;
  world.options.unsent_bytes_max = 20000;
  auto client = world.NewClient();
  client->Connect();
  client->Send(Create(1, "/a", std::string(100000, 'd')));
  client->Frames();
  client->Send(GetData(2, "/a"));
  EXPECT_THAT(client->Answers(), ElementsAre(Is(2, 0)));
  EXPECT_FALSE(client->session().finished());
}

TEST(ClientSessionFlow, RepliesOfLargeNodesAreAskedForInParts) {
  World world;
  world.options.unsent_bytes_pause = 1 << 20;
  auto client = world.NewClient();
  client->Connect();
  client->Send(Create(1, "/a", std::string(1000000, 'd')));
  client->Frames();
  client->reads = false;
  std::string bytes;
  for (int i = 0; i < 64; ++i) bytes += GetData(i, "/a");
  client->session().Take(bytes);
  EXPECT_LT(client->session().unsent().size(), 5u << 20);
  client->reads = true;
  client->Run();
  EXPECT_THAT(client->Answers(), SizeIs(64));
  EXPECT_FALSE(client->session().finished());
}

// A client that asked for little before is trusted with few at once all the same.
TEST(ClientSessionFlow, ManyRepliesOfLargeNodesBehindManySmallOnesDoNotCut) {
  World world;
  auto client = world.NewClient();
  client->Connect();
  client->Send(Create(1, "/a", std::string(1000000, 'd')));
  for (int burst = 0; burst < 20; ++burst) {
    std::string small;
    for (int i = 0; i < 300; ++i) small += Request(i, OpCode::kWhoAmI);
    client->Send(small);
  }
  client->Frames();
  std::string bytes;
  for (int i = 0; i < 200; ++i) bytes += GetData(i, "/a");
  client->Send(bytes);
  EXPECT_THAT(client->Answers(), SizeIs(200));
  EXPECT_FALSE(client->session().finished());
  // Behind a write all are answered in one turn, whatever they were asked in.
  world.server.holding = true;
  client->Send(SetData(1, "/a", std::string(1000000, 'e')) + bytes.substr(0, bytes.size() / 200 * 40));
  world.server.Release();
  client->Run();
  EXPECT_THAT(client->Answers(), SizeIs(41));
  EXPECT_FALSE(client->session().finished());
}

TEST(ClientSessionFlow, AServiceThatIsFullIsGivenNothingMore) {
  service::ServiceConfig config;
  config.max_outstanding = 10;
  World world(config);
  auto client = world.NewClient();
  client->Connect();
  client->Send(Create(1, "/a"));
  client->Frames();
  world.server.holding = true;
  std::string bytes;
  for (int i = 0; i < 1000; ++i) bytes += SetData(i, "/a", "x");
  client->session().Take(bytes);
  EXPECT_FALSE(client->session().wants_input());
  EXPECT_LT(client->session().Facts().outstanding, 40u);
  world.server.Release();
  client->Run();
  std::vector<Answer> answers = client->Answers();
  ASSERT_THAT(answers, SizeIs(1000));
  for (int i = 0; i < 1000; ++i) EXPECT_THAT(answers[static_cast<size_t>(i)], Is(i, 0));
}

// ---- options ----

TEST(ClientSessionFlow, WhereReadsAreLinearizableEachIsABarrier) {
  World world;
  auto client = world.NewClient();
  client->Connect();
  int before = world.server.barriers;
  client->Send(Create(1, "/a") + GetData(2, "/a"));
  EXPECT_EQ(world.server.barriers, before);
  world.options.local_reads_linearizable = true;
  client->Send(GetData(3, "/a") + Request(4, OpCode::kWhoAmI));
  EXPECT_EQ(world.server.barriers, before + 1);
  EXPECT_THAT(client->Answers(), ElementsAre(Is(1, 0), Is(2, 0), Is(3, 0), Is(4, 0)));
}

TEST(ClientSessionFlow, AClientIsWhoItsAddressSays) {
  World world;
  auto client = world.NewClient("10.1.2.3");
  client->Connect();
  client->Send(Request(1, OpCode::kWhoAmI));
  std::vector<Answer> answers = client->Answers();
  ASSERT_THAT(answers, ElementsAre(Is(1, 0)));
  EXPECT_NE(answers[0].body.find("10.1.2.3"), std::string::npos);
}

TEST(ClientSessionFlow, WhereAuthenticationIsEnforcedNothingElseIsDoneBeforeIt) {
  World world;
  world.options.enforced_schemes = {"digest"};
  auto client = world.NewClient();
  client->Connect();
  client->Send(Create(1, "/a") + GetData(2, "/a"));
  EXPECT_THAT(client->Answers(), ElementsAre(Is(1, ErrorNumber::kSessionClosedRequireSaslAuth)));
  EXPECT_TRUE(client->session().finished());
  EXPECT_FALSE(world.server.machine().tree().Has("/a"));
}

TEST(ClientSessionFlow, WhatIsSentRightBehindTheCredentialWaitsForIt) {
  World world;
  world.options.enforced_schemes = {"digest"};
  auto client = world.NewClient();
  client->Connect();
  world.server.holding = true;
  client->session().Take(Ping() + Auth("ip", "") + Auth("digest", "bob:secret") + Create(1, "/a"));
  client->Run();
  EXPECT_FALSE(client->session().wants_input());
  world.server.Release();
  client->Run();
  client->Advance(absl::Seconds(1));
  std::vector<Answer> answers = client->Answers();
  std::erase_if(answers, [](const Answer& answer) { return answer.xid == -2; });
  EXPECT_THAT(answers, ElementsAre(Is(-4, 0), Is(-4, 0), Is(1, 0)));
  EXPECT_FALSE(client->session().finished());
}

TEST(ClientSessionFlow, WhereTheAddressProvesEnoughNobodyIsAskedForMore) {
  World world;
  world.options.enforced_schemes = {"digest", "ip"};
  auto client = world.NewClient();
  client->Connect();
  client->Send(Create(1, "/a"));
  EXPECT_THAT(client->Answers(), ElementsAre(Is(1, 0)));
}

TEST(ClientSessionFlow, ASessionMayBeClosedWithoutAuthentication) {
  World world;
  world.options.enforced_schemes = {"digest"};
  auto client = world.NewClient();
  client->Connect();
  client->Send(Close(1));
  EXPECT_THAT(client->Answers(), ElementsAre(Is(1, 0)));
  EXPECT_EQ(world.server.machine().sessions().count(), 0u);
}

// ---- operators ----

TEST(ClientSessionFlow, FactsTellWhatTheConnectionDid) {
  World world;
  auto client = world.NewClient("10.1.2.3");
  commands::ConnectionFacts facts = client->session().Facts();
  EXPECT_EQ(facts.address, "10.1.2.3");
  EXPECT_EQ(facts.port, 4711);
  EXPECT_EQ(facts.last_operation, "NA");
  EXPECT_EQ(facts.session, SessionId(0));
  EXPECT_EQ(facts.established_wall_ms, world.clock.WallMillis());

  Granted granted = client->Connect();
  facts = client->session().Facts();
  EXPECT_EQ(facts.last_operation, "SESS");
  EXPECT_EQ(facts.session.value(), granted.session);
  EXPECT_EQ(facts.session_timeout, absl::Seconds(10));

  client->session().ResetCounters();
  client->Send(Create(7, "/a"));
  client->reads = false;
  world.server.holding = true;
  client->session().Take(SetData(8, "/a", "y") + SetData(9, "/a", "z"));
  facts = client->session().Facts();
  EXPECT_EQ(facts.outstanding, 2u);
  EXPECT_EQ(facts.received, 3u);
  EXPECT_EQ(facts.sent, 1u);
  EXPECT_EQ(facts.last_operation, "CREA");
  EXPECT_EQ(facts.last_xid, 7);

  world.clock.now += absl::Milliseconds(30);
  world.server.Release();
  EXPECT_TRUE(client->session().Facts().wants_output);
  client->reads = true;
  client->Run();
  facts = client->session().Facts();
  EXPECT_EQ(facts.outstanding, 0u);
  EXPECT_EQ(facts.last_operation, "SETD");
  EXPECT_EQ(facts.last_xid, 9);
  EXPECT_EQ(facts.last_zxid, world.server.machine().last_zxid());
  EXPECT_EQ(facts.latency_count, 3u);
  EXPECT_EQ(facts.min_latency, absl::ZeroDuration());
  EXPECT_EQ(facts.max_latency, absl::Milliseconds(30));
  EXPECT_EQ(facts.latency_sum, absl::Milliseconds(60));
  EXPECT_EQ(facts.last_latency, absl::Milliseconds(30));
  EXPECT_EQ(facts.last_response, world.clock.now);

  client->Send(Ping() + Auth("digest", "bob:secret"));
  client->Advance(absl::Seconds(1));
  facts = client->session().Facts();
  EXPECT_EQ(facts.last_operation, "PING");
  EXPECT_EQ(facts.last_xid, 9);  // special ones do not count, as in ZooKeeper
}

TEST(ClientSessionFlow, TheDoorCountsSizesOfReplies) {
  World world;
  auto client = world.NewClient();
  client->Connect();
  world.workspace.counters = {};
  client->Send(Create(1, "/a", std::string(5000, 'd')) + GetData(2, "/a") + GetData(3, "/none"));
  EXPECT_EQ(world.workspace.counters.min_response_bytes, 20u);
  EXPECT_EQ(world.workspace.counters.last_response_bytes, 20u);
  EXPECT_EQ(world.workspace.counters.max_response_bytes, 20u + 4 + 5000 + 68);
}

TEST(ClientSessionFlow, AnIdleSessionHoldsLittle) {
  World world;
  auto client = world.NewClient();
  client->Connect();
  client->Send(Create(1, "/a"));
  std::string bytes;
  for (int i = 0; i < 500; ++i) bytes += GetData(i, "/a");
  client->Send(bytes);
  std::string().swap(*client->session().output());  // as the door takes it back
  RecordProperty("client_session_bytes", static_cast<int>(sizeof(ClientSession)));
  EXPECT_LE(sizeof(ClientSession), 576u);
  EXPECT_LT(client->session().memory_bytes(), 1024u);
}

}  // namespace
}  // namespace synod::frontdoor::zookeeper::testing

#include "coordinator/frontdoor/zookeeper/door.h"

#include <sys/resource.h>

#include "tests/unit/coordinator/frontdoor/zookeeper/door_fixture.h"

namespace synod::frontdoor::zookeeper::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(Door, AClientIsServed) {
  DoorWorld world;
  TcpClient client(world.port);
  EXPECT_NE(world.Connect(&client).session, 0);
  EXPECT_EQ(world.Ask(&client, Create(1, "/a", "hello")).error, 0);
  Answer read = world.Ask(&client, GetData(2, "/a"));
  EXPECT_EQ(JuteReader(read.body).Buffer(), "hello");
  EXPECT_EQ(world.door->open_connections(), 1u);
  EXPECT_EQ(world.Ask(&client, Close(3)).xid, 3);
  EXPECT_TRUE(world.IsClosed(&client));
  EXPECT_EQ(world.door->open_connections(), 0u);
}

TEST(Door, AWordIsAnsweredAndTheConnectionClosedInOrder) {
  DoorWorld world;
  TcpClient client(world.port);
  client.Send("srvr\r\nand more");
  EXPECT_TRUE(world.IsClosed(&client));
  EXPECT_EQ(client.received(), "answer to srvr");
}

TEST(Door, AClientThatLeavesIsForgotten) {
  DoorWorld world;
  TcpClient client(world.port), never(world.port);
  world.Connect(&client);
  ASSERT_TRUE(world.RunUntil([&] { return world.door->open_connections() == 2; }));
  client.Leave();
  never.Leave();
  EXPECT_TRUE(world.RunUntil([&] { return world.door->open_connections() == 0; }));
  EXPECT_EQ(world.server.service()->Stats().connections, 0u);
}

TEST(Door, TheAddressMustBeFree) {
  DoorWorld world;
  DoorConfig config;
  config.port = world.port;
  auto second = Door::Start(config, &world.loop, world.server.service(), &world.clock, nullptr);
  EXPECT_TRUE(absl::IsUnavailable(second.status())) << second.status();
  config.address = "no.such.host.invalid";
  EXPECT_TRUE(
      absl::IsUnavailable(Door::Start(config, &world.loop, world.server.service(), &world.clock, nullptr).status()));
}

TEST(Door, AMappedAddressIsTheOneItMaps) {
  DoorConfig config;
  config.address = "::";
  int probe = socket(AF_INET6, SOCK_STREAM, 0);
  if (probe < 0) GTEST_SKIP() << "no IPv6 here";
  close(probe);
  DoorWorld world(config);
  TcpClient client(world.port);
  world.Connect(&client);
  ASSERT_THAT(world.door->Connections(), SizeIs(1));
  EXPECT_EQ(world.door->Connections()[0].address, "127.0.0.1");
}

// ---- limits ----

TEST(Door, AnAddressHasSoManyConnections) {
  DoorConfig config;
  config.connections_per_address_max = 2;
  DoorWorld world(config);
  TcpClient first(world.port), second(world.port), third(world.port);
  EXPECT_TRUE(world.IsClosed(&third));
  EXPECT_NE(world.Connect(&first).session, 0);
  EXPECT_NE(world.Connect(&second).session, 0);
  EXPECT_EQ(world.door->Counters().rejected, 1u);
  first.Leave();
  ASSERT_TRUE(world.RunUntil([&] { return world.door->open_connections() == 1; }));
  TcpClient fourth(world.port);
  EXPECT_NE(world.Connect(&fourth).session, 0);
}

TEST(Door, ZeroIsNoLimit) {
  DoorConfig config;
  config.connections_per_address_max = 0;
  DoorWorld world(config);
  std::vector<TcpClient> clients;
  for (int i = 0; i < 100; ++i) clients.emplace_back(world.port);
  EXPECT_TRUE(world.RunUntil([&] { return world.door->open_connections() == 100; }));
}

TEST(Door, AllInAllItHasSoManySockets) {
  DoorConfig config;
  config.sockets_max = 1;
  DoorWorld world(config);
  TcpClient first(world.port);
  ASSERT_TRUE(world.RunUntil([&] { return world.door->open_connections() == 1; }));
  TcpClient second(world.port);
  EXPECT_TRUE(world.IsClosed(&second));
  EXPECT_FALSE(first.closed());
}

TEST(Door, ASessionTakesATokenAndTokensComeBackWithTime) {
  DoorConfig config;
  config.tokens_max = 2;
  config.token_fill_count = 1;
  config.token_fill_time = absl::Milliseconds(100);
  DoorWorld world(config);
  auto admitted = [&] {
    TcpClient client(world.port);
    client.Send(ConnectBytes().Frame());
    EXPECT_TRUE(world.RunUntil([&] { return client.closed() || !client.received().empty(); }));
    return !client.received().empty();
  };
  EXPECT_TRUE(admitted());
  EXPECT_TRUE(admitted());
  EXPECT_FALSE(admitted());
  EXPECT_EQ(world.door->Counters().throttled, 1u);
  world.clock.now += absl::Milliseconds(99);
  EXPECT_FALSE(admitted());
  world.clock.now += absl::Milliseconds(1);
  EXPECT_TRUE(admitted());
  EXPECT_FALSE(admitted());
  world.clock.now += absl::Seconds(1000);
  EXPECT_TRUE(admitted());
  EXPECT_TRUE(admitted());
  EXPECT_FALSE(admitted());  // no more than two wait

  TcpClient word(world.port);
  word.Send("ruok");
  EXPECT_TRUE(world.IsClosed(&word));
  EXPECT_EQ(word.received(), "answer to ruok");
}

TEST(Door, WhoSendsNoConnectRequestInTimeIsClosed) {
  DoorConfig config;
  config.sessionless_timeout = absl::Milliseconds(50);
  DoorWorld world(config);
  TcpClient silent(world.port), half(world.port), granted(world.port);
  half.Send(ConnectBytes().Frame().substr(0, 30));
  world.Connect(&granted);
  world.clock.now += absl::Milliseconds(49);
  world.Settle();
  EXPECT_FALSE(silent.closed());
  world.clock.now += absl::Milliseconds(1);
  EXPECT_TRUE(world.IsClosed(&silent));
  EXPECT_TRUE(world.IsClosed(&half));
  EXPECT_EQ(world.door->Counters().sessionless_expired, 2u);
  EXPECT_EQ(world.Ask(&granted, Create(1, "/a")).error, 0);
}

TEST(Door, WithoutFileDescriptorsNobodyNewComesAndTheOthersAreServed) {
  DoorWorld world;
  TcpClient first(world.port);
  world.Connect(&first);
  TcpClient second(world.port);  // waits in the backlog
  second.Send(ConnectBytes().Frame());
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  int next = dup(0);
  ASSERT_GE(next, 0);
  close(next);
  rlimit none = {static_cast<rlim_t>(next), before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(world.Ask(&first, Create(i, "/a" + std::to_string(i))).error, 0);
  EXPECT_EQ(world.door->open_connections(), 1u);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_THAT(world.Frames(&second, 1), SizeIs(1));
}

// ---- operators ----

TEST(Door, ConnectionsAreToldInTheOrderOfTheirComing) {
  DoorWorld world;
  TcpClient first(world.port), second(world.port);
  world.Connect(&second);
  Granted granted = world.Connect(&first);
  std::vector<commands::ConnectionFacts> facts = world.door->Connections();
  ASSERT_THAT(facts, SizeIs(2));
  EXPECT_EQ(facts[0].session.value(), granted.session);
  EXPECT_EQ(facts[0].address, "127.0.0.1");
  EXPECT_NE(facts[0].port, facts[1].port);
  EXPECT_TRUE(facts[0].wants_input);
  EXPECT_EQ(facts[0].received, 1u);
  commands::DoorCounters counters = world.door->Counters();
  EXPECT_EQ(counters.bytes_received, 2 * ConnectBytes().Frame().size());
  EXPECT_EQ(counters.bytes_sent, 2u * 41);
  world.door->ResetConnections();
  world.door->ResetCounters();
  EXPECT_EQ(world.door->Connections()[0].received, 0u);
  EXPECT_EQ(world.door->Counters().bytes_sent, 0u);
}

// ---- the end ----

TEST(Door, AShutdownWritesWhatWasAnsweredAndClosesAll) {
  DoorWorld world;
  TcpClient client(world.port), silent(world.port);
  world.Connect(&client);
  ASSERT_TRUE(world.RunUntil([&] { return world.door->open_connections() == 2; }));
  client.Send(Create(1, "/a"));
  ASSERT_TRUE(world.RunUntil([&] { return world.server.machine().tree().Has("/a"); }));
  world.server.service()->Stop();
  world.door->Stop();
  EXPECT_EQ(world.door->open_connections(), 0u);
  EXPECT_TRUE(client.closed());
  EXPECT_TRUE(silent.closed());
  EXPECT_THAT(client.Frames(), SizeIs(1));
  EXPECT_FALSE(TcpClient(world.port).connected());
}

TEST(Door, ADoorThatGoesLeavesNothingOnTheLoop) {
  DoorWorld world;
  DoorConfig config;
  config.port = 0;
  auto second = Door::Start(config, &world.loop, world.server.service(), &world.clock, nullptr);
  ASSERT_TRUE(second.ok());
  TcpClient client((*second)->port());
  world.Connect(&client);
  client.Send(Create(1, "/a"));
  second->reset();
  world.Settle();
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(world.server.service()->Stats().connections, 0u);
}

}  // namespace
}  // namespace synod::frontdoor::zookeeper::testing

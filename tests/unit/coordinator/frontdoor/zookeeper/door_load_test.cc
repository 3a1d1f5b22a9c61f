// Clients that are slow, greedy or many: a defined answer, and every other session is served on (issue 4, item 5).
#include <malloc.h>
#include <sys/resource.h>

#include "coordinator/frontdoor/zookeeper/socket.h"
#include "tests/unit/coordinator/frontdoor/zookeeper/door_fixture.h"

namespace synod::frontdoor::zookeeper::testing {
namespace {

using ::testing::SizeIs;

TEST(DoorLoad, AllRepliesOfOneTurnLeaveInOneSend) {
  DoorWorld world;
  TcpClient client(world.port), other(world.port);
  world.Connect(&client);
  world.Connect(&other);
  world.Ask(&client, Create(1, "/a", std::string(100, 'd')));
  std::string requests;
  for (int i = 0; i < 64; ++i) requests += GetData(i, "/a");
  client.Send(requests);
  other.Send(requests);
  size_t got = 0;
  ASSERT_TRUE(world.RunUntil([&] { return (got = client.Pull()) > 0; }));
  // What is there at the first look is all there ever is.
  EXPECT_THAT(client.Frames(), SizeIs(64));
  world.Settle();
  EXPECT_EQ(client.Pull(), 0u);
  EXPECT_THAT(other.Frames(), SizeIs(64));
}

TEST(DoorLoad, AnEventAndTheReplyBehindItLeaveTogether) {
  DoorWorld world;
  TcpClient client(world.port);
  world.Connect(&client);
  world.Ask(&client, Create(1, "/a"));
  world.Ask(&client, GetData(2, "/a", true));
  client.Send(SetData(3, "/a", "y"));
  ASSERT_TRUE(world.RunUntil([&] { return client.Pull() > 0; }));
  std::vector<std::string> frames = client.Frames();
  ASSERT_THAT(frames, SizeIs(2));
  EXPECT_EQ(Parse(frames[0]).xid, -1);
  EXPECT_EQ(Parse(frames[1]).xid, 3);
}

TEST(DoorLoad, AClientThatSendsByteByByteIsServedAndNobodyWaitsForIt) {
  DoorWorld world;
  TcpClient slow(world.port), quick(world.port);
  world.Connect(&quick);
  world.Ask(&quick, Create(1, "/a"));
  std::string bytes = ConnectBytes().Frame() + GetData(1, "/a");
  for (char byte : bytes) {
    slow.Send(std::string_view(&byte, 1));
    EXPECT_EQ(world.Ask(&quick, GetData(2, "/a")).error, 0);
  }
  EXPECT_THAT(world.Frames(&slow, 2), SizeIs(2));
}

TEST(DoorLoad, AFrameAsLargeAsOneMayBeComesThrough) {
  DoorWorld world;
  TcpClient client(world.port);
  world.Connect(&client);
  world.Ask(&client, Create(1, "/a"));
  std::string data(1000000, 'd');
  std::string bytes = SetData(2, "/a", data) + GetData(3, "/a");
  std::string_view rest = bytes;
  std::vector<std::string> frames;
  ASSERT_TRUE(world.RunUntil([&] {
    rest.remove_prefix(client.SendSome(rest));
    for (std::string& frame : client.Frames()) frames.push_back(std::move(frame));
    return frames.size() == 2;
  }));
  EXPECT_EQ(JuteReader(Parse(frames[1]).body).Buffer(), data);
}

TEST(DoorLoad, AClientThatDoesNotReadIsReadNoMoreAndGetsAllOnceItReads) {
  DoorWorld world;
  TcpClient lazy(world.port, 4096), other(world.port);
  world.Connect(&lazy);
  world.Connect(&other);
  world.Ask(&other, Create(1, "/a", std::string(10000, 'd')));
  constexpr int kRequests = 2000;  // 20 MB
  std::string bytes;
  for (int i = 0; i < kRequests; ++i) bytes += GetData(i, "/a");
  lazy.Send(bytes);
  ASSERT_TRUE(world.RunUntil([&] { return !world.door->Connections()[0].wants_input; }));
  world.Settle();
  EXPECT_LT(world.door->Connections()[0].sent, 1000u);
  EXPECT_EQ(world.Ask(&other, GetData(2, "/a")).error, 0);
  EXPECT_THAT(world.Frames(&lazy, kRequests), SizeIs(kRequests));
}

TEST(DoorLoad, AClientThatLetsTooMuchLieIsCutAndTheOthersAreServed) {
  DoorWorld world;
  TcpClient lazy(world.port, 4096), other(world.port);
  world.Connect(&lazy);
  world.Connect(&other);
  world.Ask(&other, Create(1, "/a", std::string(500000, 'd')));
  world.server.holding = true;
  std::string bytes = SetData(1, "/a", std::string(500000, 'e'));
  for (int i = 0; i < 200; ++i) bytes += GetData(i, "/a");
  std::string_view rest = bytes;
  ASSERT_TRUE(world.RunUntil([&] {
    rest.remove_prefix(lazy.SendSome(rest));
    return rest.empty() && world.door->Connections()[0].outstanding == 201;
  }));
  world.server.Release();
  ASSERT_TRUE(world.RunUntil([&] { return world.door->open_connections() == 1; }));
  EXPECT_EQ(world.server.service()->Stats().connections, 1u);
  EXPECT_EQ(world.Ask(&other, GetData(2, "/a")).error, 0);
}

TEST(DoorLoad, LastWordsThatNobodyReadsAreGivenUp) {
  DoorConfig config;
  config.sessionless_timeout = absl::Milliseconds(50);
  DoorWorld world(config);
  TcpClient lazy(world.port, 4096);
  world.Connect(&lazy);
  world.Ask(&lazy, Create(1, "/a", std::string(1000000, 'd')));
  std::string bytes;
  for (int i = 0; i < 20; ++i) bytes += GetData(i, "/a");
  lazy.Send(bytes);
  ASSERT_TRUE(world.RunUntil([&] { return !world.door->Connections()[0].wants_input; }));
  world.server.service()->Stop();
  world.Settle();
  EXPECT_EQ(world.door->open_connections(), 1u);
  world.clock.now += absl::Milliseconds(50);
  EXPECT_TRUE(world.RunUntil([&] { return world.door->open_connections() == 0; }));
}

TEST(DoorLoad, BeforeTheSessionIsGrantedLittleIsReadWhateverIsSent) {
  DoorWorld world;
  world.server.holding = true;
  TcpClient client(world.port);
  std::string bytes = ConnectBytes().Frame();
  while (bytes.size() < 200000) bytes += GetData(1, "/a");
  client.SendSome(bytes);
  world.Settle();
  EXPECT_LE(world.door->Counters().bytes_received, 64u << 10);
  world.server.Release();
  EXPECT_TRUE(world.RunUntil([&] { return world.door->Counters().bytes_received == bytes.size(); }));
}

TEST(DoorLoad, AClientThatIsResetWhileItsRepliesWaitIsForgotten) {
  DoorWorld world;
  TcpClient lazy(world.port, 4096), other(world.port);
  world.Connect(&lazy);
  world.Connect(&other);
  world.Ask(&other, Create(1, "/a", std::string(1000000, 'd')));
  std::string bytes;
  for (int i = 0; i < 20; ++i) bytes += GetData(i, "/a");
  lazy.Send(bytes);
  ASSERT_TRUE(world.RunUntil([&] { return !world.door->Connections()[0].wants_input; }));
  lazy.Leave();  // with bytes unread: a reset
  EXPECT_TRUE(world.RunUntil([&] { return world.door->open_connections() == 1; }));
  EXPECT_EQ(world.server.service()->Stats().connections, 1u);
  EXPECT_EQ(world.Ask(&other, GetData(2, "/none")).error, -101);
}

// Bytes that this process has from its allocator.
size_t Allocated() {
  struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

TEST(DoorLoad, IdleConnectionsHoldLittle) {
  constexpr size_t kClients = 2000;
  rlimit files;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &files), 0);
  if (files.rlim_cur < 2 * kClients + 512) GTEST_SKIP() << "only " << files.rlim_cur << " files";
  DoorConfig config;
  config.connections_per_address_max = 0;
  DoorWorld world(config);
  std::vector<TcpClient> clients;
  clients.reserve(kClients);
  auto come = [&](size_t count) {
    for (size_t target = clients.size() + count; clients.size() < target;) {
      clients.emplace_back(world.port);
      ASSERT_TRUE(world.RunUntil([&] { return world.door->open_connections() == clients.size(); }));
    }
  };
  come(10);
  size_t before = Allocated();
  come(kClients - 10);
  size_t each = (Allocated() - before) / (kClients - 10);
  // With a session and after a burst, they hold what the service and the tree of sessions hold besides.
  before = Allocated();
  for (TcpClient& client : clients) {
    world.Connect(&client);
    std::string bytes;
    for (int i = 0; i < 100; ++i) bytes += GetData(i, "/zookeeper");
    client.Send(bytes);
    ASSERT_THAT(world.Frames(&client, 100), SizeIs(100));
  }
  for (TcpClient& client : clients) std::string().swap(client.received());
  size_t session = (Allocated() - before) / kClients;
  std::printf("an idle connection: %zu bytes (Socket %zu, of which ClientSession %zu); its session besides: %zu\n",
              each, sizeof(Socket), sizeof(ClientSession), session);
#if !defined(__SANITIZE_ADDRESS__)
  EXPECT_LT(each, 1400u);
  EXPECT_LT(session, 4096u);
#endif
  // All of them are alive.
  for (size_t i = 0; i < kClients; i += 100) EXPECT_EQ(world.Ask(&clients[i], GetData(1, "/none")).error, -101);
}

}  // namespace
}  // namespace synod::frontdoor::zookeeper::testing

#include "coordinator/frontdoor/zookeeper/client_session.h"

#include "tests/unit/coordinator/frontdoor/zookeeper/client_session_fixture.h"

namespace synod::frontdoor::zookeeper::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string Conversation() {
  return ConnectBytes().Frame() + Auth("digest", "bob:secret") + Create(1, "/a") + GetData(2, "/a", true) +
         SetData(3, "/a", std::string(300, 'y')) + GetData(4, "/a") + GetData(5, "/missing") +
         Request(6, OpCode::kGetChildren2, Record([](JuteWriter* writer) {
                   writer->String("/");
                   writer->Bool(true);
                 })) +
         Create(7, "/a/b") + Request(8, static_cast<OpCode>(77)) + Create(9, "/never");
}

// What a client gets for all those bytes, and whether it is closed then.
std::string Converse(const std::vector<std::string_view>& pieces, size_t piece = SIZE_MAX) {
  World world;
  auto client = world.NewClient();
  for (std::string_view bytes : pieces) client->Send(bytes, piece);
  client->Run();
  EXPECT_TRUE(client->session().finished());
  return client->received();
}

TEST(ClientSession, AConversationIsAnsweredInOrder) {
  World world;
  auto client = world.NewClient();
  client->Send(Conversation());
  std::vector<std::string> frames = client->Frames();
  ASSERT_THAT(frames, SizeIs(11));
  EXPECT_EQ(ParseGranted(frames[0]).timeout_ms, 10000);
  frames.erase(frames.begin());
  std::vector<Answer> answers;
  for (const std::string& frame : frames) answers.push_back(Parse(frame));
  // The events of a write before its reply (W2).
  EXPECT_THAT(answers, ElementsAre(Is(-4, 0), Is(1, 0), Is(2, 0), Is(-1, 0), Is(3, 0), Is(4, 0), Is(5, -101), Is(6, 0),
                                   Is(7, 0), Is(8, ErrorNumber::kUnimplemented)));
  EXPECT_TRUE(client->session().finished());
  EXPECT_TRUE(client->received().empty());
}

TEST(ClientSession, EverySplitPointGivesTheSameAnswers) {
  const std::string bytes = Conversation();
  const std::string whole = Converse({bytes});
  ASSERT_FALSE(whole.empty());
  for (size_t i = 1; i < bytes.size(); ++i) {
    ASSERT_EQ(Converse({std::string_view(bytes).substr(0, i), std::string_view(bytes).substr(i)}), whole)
        << "split at " << i;
  }
}

TEST(ClientSession, PiecesOfEverySizeGiveTheSameAnswers) {
  const std::string bytes = Conversation();
  const std::string whole = Converse({bytes});
  for (size_t piece = 1; piece < 64; ++piece) ASSERT_EQ(Converse({bytes}, piece), whole) << "pieces of " << piece;
}

TEST(ClientSession, AllFramesOfOneTakeAreAnsweredAtOnce) {
  World world;
  auto client = world.NewClient();
  client->Connect();
  client->Send(Create(1, "/a"));
  client->Frames();
  std::string bytes;
  for (int i = 0; i < 64; ++i) bytes += GetData(i, "/a");
  int ready = client->ready;
  client->session().Take(bytes);
  std::string output(client->session().unsent());
  EXPECT_THAT(TakeFrames(&output), SizeIs(64));
  EXPECT_EQ(client->ready, ready + 1);  // one write for all
  EXPECT_LT(client->session().memory_bytes(), sizeof(ClientSession) + client->session().output()->capacity() + 512);
}

// ---- frames that are none ----

TEST(ClientSession, AnImpossibleLengthClosesWithoutAWordBehindWhatWasAnswered) {
  for (int32_t length : {-1, INT32_MIN, 1048576, INT32_MAX, 0, 7}) {
    World world;
    auto client = world.NewClient();
    client->Connect();
    std::string bytes = Create(1, "/a") + GetData(2, "/a");
    client->Send(bytes);
    std::string more = GetData(3, "/a") + Record([&](JuteWriter* writer) {
                         writer->Int(length);
                         writer->Long(0);
                       });
    client->Send(more + GetData(4, "/a"));
    EXPECT_THAT(client->Answers(), ElementsAre(Is(1, 0), Is(2, 0), Is(3, 0))) << length;
    EXPECT_TRUE(client->session().finished()) << length;
    client->session().SocketClosed(false);
    EXPECT_EQ(world.server.service()->Stats().connections, 0u);
  }
}

TEST(ClientSession, AConnectRequestIsNoLongerThanOneCanBe) {
  for (int32_t length : {-1, 0, 20, 1025, 1 << 20}) {
    World world;
    auto client = world.NewClient();
    client->Send(Record([&](JuteWriter* writer) { writer->Int(length); }));
    client->Send(std::string(20, '\0'));
    EXPECT_TRUE(client->session().finished()) << length;
    EXPECT_EQ(client->received(), "");
    EXPECT_EQ(world.server.service()->Stats().connections_opened, 0u);
  }
}

TEST(ClientSession, AClaimedLengthMakesNobodyHoldMemory) {
  World world;
  auto client = world.NewClient();
  client->Connect();
  client->Send(Record([&](JuteWriter* writer) { writer->Int(1000000); }));
  client->Send(std::string(100, 'x'));
  EXPECT_LT(client->session().memory_bytes(), sizeof(ClientSession) + 512);
  client->Send(std::string(70000, 'x'));
  EXPECT_LT(client->session().memory_bytes(), sizeof(ClientSession) + 5 * 70000);
}

TEST(ClientSession, ALargeFrameInPiecesIsGatheredAndItsBufferGivenBack) {
  for (size_t piece : {size_t{1} << 10, size_t{65536}, size_t{262144}}) {
    World world;
    auto client = world.NewClient();
    client->Connect();
    client->Send(Create(1, "/a"));
    std::string data(1000000, 'd');
    client->Send(SetData(2, "/a", data) + GetData(3, "/a"), piece);
    std::vector<Answer> answers = client->Answers();
    ASSERT_THAT(answers, ElementsAre(Is(1, 0), Is(2, 0), Is(3, 0)));
    EXPECT_EQ(JuteReader(answers[2].body).Buffer(), data);
    std::string().swap(*client->session().output());
    EXPECT_LT(client->session().memory_bytes(), sizeof(ClientSession) + 512);
  }
}

// ---- before the session is granted ----

TEST(ClientSession, NothingIsTakenWhileTheSessionQuestionIsOpen) {
  World world;
  world.server.holding = true;
  auto client = world.NewClient();
  EXPECT_LE(client->session().input_max(), 64u << 10);
  client->session().Take(ConnectBytes().Frame() + Create(1, "/a"));
  EXPECT_FALSE(client->session().wants_input());
  client->Run();
  EXPECT_EQ(client->received(), "");
  world.server.Release();
  client->Run();
  std::vector<std::string> frames = client->Frames();
  ASSERT_THAT(frames, SizeIs(2));
  EXPECT_THAT(Parse(frames[1]), Is(1, 0));
  EXPECT_TRUE(client->session().wants_input());
}

TEST(ClientSession, AStrangerMakesTheServerHoldAtMost64Kilobytes) {
  World world;
  world.server.holding = true;
  auto client = world.NewClient();
  client->session().Take(ConnectBytes().Frame());
  client->session().Take(std::string(64 << 10, '\0'));
  EXPECT_FALSE(client->session().finished());
  client->session().Take("x");
  EXPECT_TRUE(client->session().finished());
  EXPECT_EQ(client->session().memory_bytes(), sizeof(ClientSession));
}

TEST(ClientSession, WithoutATokenTheConnectionIsClosed) {
  World world;
  auto client = world.NewClient();
  client->admits = false;
  client->Send(ConnectBytes().Frame());
  EXPECT_TRUE(client->session().finished());
  EXPECT_EQ(client->received(), "");
}

TEST(ClientSession, AServiceThatIsFullClosesTheConnection) {
  service::ServiceConfig config;
  config.max_connections = 1;
  World world(config);
  auto first = world.NewClient();
  first->Connect();
  auto second = world.NewClient();
  second->Send(ConnectBytes().Frame());
  EXPECT_TRUE(second->session().finished());
  EXPECT_EQ(second->received(), "");
  EXPECT_EQ(world.workspace.counters.rejected, 1u);
}

TEST(ClientSession, TheAnswerHasTheReadOnlyByteIfTheRequestHadIt) {
  World world;
  auto client = world.NewClient();
  client->Send(ConnectBytes().Frame());
  auto old_client = world.NewClient();
  old_client->Send(ConnectBytes{.old_client = true}.Frame());
  EXPECT_EQ(client->received().size(), 4u + 37);
  EXPECT_EQ(old_client->received().size(), 4u + 36);
}

TEST(ClientSession, ASessionIsResumedByItsPasswordAndRefusedWithoutIt) {
  World world;
  auto first = world.NewClient();
  Granted granted = first->Connect();
  first->session().SocketClosed(true);

  auto thief = world.NewClient();
  EXPECT_EQ(thief->Connect({.session = granted.session, .password = std::string(16, 'x')}).session, 0);
  EXPECT_TRUE(thief->session().finished());
  auto stranger = world.NewClient();
  Granted refused = stranger->Connect({.session = granted.session + 1, .password = granted.password});
  EXPECT_EQ(refused.timeout_ms, 0);
  EXPECT_EQ(refused.session, 0);
  EXPECT_EQ(refused.password, std::string(16, '\0'));

  auto again = world.NewClient();
  Granted resumed = again->Connect({.timeout_ms = 20000, .session = granted.session, .password = granted.password});
  EXPECT_EQ(resumed.session, granted.session);
  EXPECT_EQ(resumed.timeout_ms, 20000);
  EXPECT_EQ(resumed.password, granted.password);
}

TEST(ClientSession, TheNewerConnectionOfASessionWinsAndTheOlderIsClosedWithoutAWord) {
  World world;
  auto older = world.NewClient();
  Granted granted = older->Connect();
  auto newer = world.NewClient();
  newer->Connect({.session = granted.session, .password = granted.password});
  EXPECT_TRUE(older->session().finished());
  EXPECT_EQ(older->received(), "");
  newer->Send(Create(1, "/a"));
  EXPECT_THAT(newer->Answers(), ElementsAre(Is(1, 0)));
}

TEST(ClientSession, AServerThatIsBehindClosesWithoutAWord) {
  // S9: an answer would be taken for the end of the session.
  World world;
  auto client = world.NewClient();
  client->Send(ConnectBytes{.last_zxid = 1000}.Frame());
  EXPECT_FALSE(client->session().finished());
  client->Advance(absl::Seconds(2));
  EXPECT_TRUE(client->session().finished());
  EXPECT_EQ(client->received(), "");
}

// ---- words ----

TEST(ClientSession, AWordIsAnsweredWhereverItIsCut) {
  for (size_t cut = 1; cut <= 4; ++cut) {
    World world;
    auto client = world.NewClient();
    client->Send(std::string_view("ruok\n").substr(0, cut));
    client->Send(std::string_view("ruok\n").substr(cut));
    EXPECT_EQ(client->word, "ruok");
    EXPECT_EQ(client->received(), "answer to ruok");
    EXPECT_TRUE(client->session().finished());
    EXPECT_EQ(world.server.service()->Stats().connections_opened, 0u);
  }
}

TEST(ClientSession, AnUnknownWordClosesWithoutAWord) {
  World world;
  auto client = world.NewClient();
  client->Send("blah");
  EXPECT_EQ(client->word, "");
  EXPECT_EQ(client->received(), "");
  EXPECT_TRUE(client->session().finished());
}

TEST(ClientSession, AWordIsOneOnlyAtTheBeginning) {
  World world;
  auto client = world.NewClient();
  client->Connect();
  client->Send("ruok");
  EXPECT_EQ(client->word, "");
  EXPECT_EQ(client->received(), "");
  EXPECT_TRUE(client->session().finished());
}

// ---- the end ----

TEST(ClientSession, CloseSessionIsAnsweredThenTheConnectionClosed) {
  World world;
  auto client = world.NewClient();
  client->Connect();
  client->Send(Create(1, "/a", "x", 1) + Close(2) + GetData(3, "/a"));
  EXPECT_THAT(client->Answers(), ElementsAre(Is(1, 0), Is(2, 0)));
  EXPECT_TRUE(client->session().finished());
  EXPECT_EQ(world.server.machine().sessions().count(), 0u);
}

TEST(ClientSession, AFailedAuthenticationIsAnsweredThenTheConnectionClosed) {
  World world;
  auto client = world.NewClient();
  Granted granted = client->Connect();
  client->Send(Create(1, "/a") + Auth("unknown", "x") + GetData(2, "/a"));
  std::vector<Answer> answers = client->Answers();
  ASSERT_THAT(answers, ElementsAre(Is(1, 0), Is(-4, ErrorNumber::kAuthFailed)));
  EXPECT_EQ(answers[1].zxid, 0);
  EXPECT_TRUE(client->session().finished());
  client->session().SocketClosed(false);
  // The session survives.
  auto again = world.NewClient();
  EXPECT_EQ(again->Connect({.session = granted.session, .password = granted.password}).session, granted.session);
}

TEST(ClientSession, AnUnknownOperationIsAnsweredAtItsPlaceThenTheConnectionClosed) {
  World world;
  auto client = world.NewClient();
  client->Connect();
  world.server.holding = true;
  client->session().Take(Create(1, "/a") + Request(2, static_cast<OpCode>(500)) + GetData(3, "/a"));
  client->Run();
  EXPECT_FALSE(client->session().finished());
  world.server.Release();
  client->Run();
  EXPECT_THAT(client->Answers(), ElementsAre(Is(1, 0), Is(2, ErrorNumber::kUnimplemented)));
  EXPECT_TRUE(client->session().finished());
}

TEST(ClientSession, WhatHasNoNumberInZooKeeperClosesTheConnection) {
  service::ServiceConfig config;
  config.watch_bytes_max = 0;
  World world(config);
  auto client = world.NewClient();
  client->Connect();
  client->Send(Create(1, "/a") + GetData(2, "/a", true) + GetData(3, "/a"));
  EXPECT_THAT(client->Answers(), ElementsAre(Is(1, 0)));
  EXPECT_TRUE(client->session().finished());
}

TEST(ClientSession, AStoppingServiceClosesBehindWhatWasAnswered) {
  World world;
  auto client = world.NewClient();
  client->Connect();
  client->Send(Create(1, "/a"));
  client->reads = false;
  client->session().Take(GetData(2, "/a"));
  world.server.service()->Stop();
  EXPECT_TRUE(client->session().finished());
  client->reads = true;
  client->Run();
  EXPECT_THAT(client->Answers(), ElementsAre(Is(1, 0), Is(2, 0)));
}

TEST(ClientSession, ASessionThatIsNotHeardExpiresAndTakesItsConnectionAlong) {
  World world;
  auto client = world.NewClient();
  client->Connect({.timeout_ms = 4000});
  client->Send(std::string(3, '\0'));  // half a length: nothing said
  client->Advance(absl::Seconds(6));
  EXPECT_TRUE(client->session().finished());
  EXPECT_EQ(client->received(), "");
}

TEST(ClientSession, APingIsAnsweredAndKeepsTheSession) {
  World world;
  auto client = world.NewClient();
  client->Connect({.timeout_ms = 4000});
  for (int i = 0; i < 5; ++i) {
    client->Send(Ping(), 1);
    client->Advance(absl::Seconds(2));
    EXPECT_THAT(client->Answers(), ElementsAre(Is(-2, 0)));
  }
  EXPECT_EQ(client->session().Facts().last_operation, "PING");
}

}  // namespace
}  // namespace synod::frontdoor::zookeeper::testing

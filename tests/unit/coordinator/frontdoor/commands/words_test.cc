// The text of each four-letter word, line by line as ZooKeeper 3.8 gives it (specs: ZooKeeper protocol, section 19).
#include "coordinator/frontdoor/commands/words.h"

#include "tests/unit/coordinator/frontdoor/commands/commands_world.h"

namespace synod::frontdoor::commands {
namespace {

using service::AddWatch;
using service::GetData;
using service::testing::FakeDoor;
using service::testing::Read;
using testing::CommandsWorld;
using ::testing::HasSubstr;
using testing::Hex;
using ::testing::Not;
using ::testing::StartsWith;
using testing::TwoConnections;

constexpr char kVersionLine[] = "Zookeeper version: 3.9.3-synod-0.1.0, built on 2026-11-23 03:00 UTC\n";
constexpr char kNotServing[] = "This ZooKeeper instance is not currently serving requests\n";

class WordsTest : public ::testing::Test {
 protected:
  std::string Ask(std::string_view word) { return AnswerWord(word, c_.context); }
  // Without the line that starts so.
  std::string Without(std::string text, const std::string& start) {
    size_t at = text.find("\n" + start);
    EXPECT_NE(at, std::string::npos) << text;
    return text.erase(at, text.find('\n', at + 1) - at);
  }

  CommandsWorld c_;
};

TEST_F(WordsTest, RuokSaysThatTheProcessIsUp) {
  EXPECT_EQ(Ask("ruok"), "imok");  // no leader, no newline
}

TEST_F(WordsTest, SrvrOfALeader) {
  c_.Lead();
  c_.ConnectAndCreate("/a");
  std::string zxid = absl::StrFormat("0x%x", c_.world.machine.last_zxid().value());
  EXPECT_EQ(Without(Ask("srvr"), "Proposal sizes"),
            absl::StrCat(kVersionLine,
                         "Latency min/avg/max: 3/3.0/3\nReceived: 2\nSent: 2\nConnections: 1\nOutstanding: 0\n"
                         "Zxid: ",
                         zxid, "\nMode: leader\nNode count: 6\n"));
}

TEST_F(WordsTest, ALeaderShowsWhatItProposed) {
  c_.Lead();
  EXPECT_THAT(Ask("srvr"), HasSubstr("\nProposal sizes last/min/max: "));
  c_.ConnectAndCreate("/a");
  service::ServiceStats stats = c_.world.service.Stats();
  EXPECT_GT(stats.max_proposal_bytes, stats.min_proposal_bytes);
  EXPECT_THAT(Ask("srvr"),
              HasSubstr(absl::StrFormat("Proposal sizes last/min/max: %d/%d/%d\n", stats.last_proposal_bytes,
                                        stats.min_proposal_bytes, stats.max_proposal_bytes)));
  Ask("srst");
  EXPECT_THAT(Ask("srvr"), HasSubstr("Proposal sizes last/min/max: -1/-1/-1\n"));
}

TEST_F(WordsTest, TheModeIsTheServersPlaceInTheEnsemble) {
  c_.Follow(2);
  EXPECT_THAT(Ask("srvr"), HasSubstr("\nMode: follower\nNode count: 5\n"));
  EXPECT_THAT(Ask("srvr"), Not(HasSubstr("Proposal")));
  c_.facts.observer = true;
  EXPECT_THAT(Ask("srvr"), HasSubstr("\nMode: observer\n"));
  c_.Lead();
  c_.facts.standalone = true;
  EXPECT_THAT(Ask("srvr"), HasSubstr("\nMode: standalone\n"));
  EXPECT_THAT(Ask("srvr"), Not(HasSubstr("Proposal")));
}

TEST_F(WordsTest, StatListsTheClientsBetweenVersionAndLatency) {
  c_.Follow(2);
  c_.connections.connections = TwoConnections();
  EXPECT_THAT(Ask("stat"), StartsWith(absl::StrCat(kVersionLine,
                                                   "Clients:\n"
                                                   " /127.0.0.1:45610[1](queued=0,recved=12,sent=11)\n"
                                                   " /[::1]:45622[0](queued=0,recved=1,sent=0)\n"
                                                   "\n"
                                                   "Latency min/avg/max: 0/0.0/0\n")));
}

TEST_F(WordsTest, ConsShowsMoreOfWhoHasASession) {
  c_.Lead();
  c_.connections.connections = TwoConnections();
  EXPECT_EQ(Ask("cons"),
            " /127.0.0.1:45610[1](queued=0,recved=12,sent=11,sid=0x100000a1b2c0000,lop=PING,est=1700003600000,to=30000,"
            "lcxid=0x5,lzxid=0x12,lresp=3600100,llat=1,minlat=0,avglat=2,maxlat=9)\n"
            " /[::1]:45622[0](queued=0,recved=1,sent=0)\n"
            "\n");
}

TEST_F(WordsTest, ConsLeavesOutTheXidOfPingsAndShowsInterest) {
  c_.Lead();
  c_.connections.connections = {TwoConnections()[0]};
  c_.connections.connections[0].last_xid = -2;
  c_.connections.connections[0].last_zxid = Zxid(-1);
  c_.connections.connections[0].wants_output = true;
  c_.connections.connections[0].outstanding = 7;
  EXPECT_THAT(Ask("cons"), StartsWith(" /127.0.0.1:45610[5](queued=7,recved"));
  EXPECT_THAT(Ask("cons"), HasSubstr(",to=30000,lzxid=0xffffffffffffffff,lresp"));
}

TEST_F(WordsTest, WithoutThatDoorThereAreNoConnections) {
  c_.Lead();
  c_.context.connections = nullptr;
  EXPECT_EQ(Ask("cons"), "\n");
  EXPECT_THAT(Ask("dump"), HasSubstr("Connections Sets (0)/(0):\n"));
  EXPECT_EQ(Ask("crst"), "Connection stats reset.\n");
}

constexpr char kConf[] =
    "clientPort=2181\nsecureClientPort=-1\ndataDir=/data\ndataDirSize=1111\ndataLogDir=/log\ndataLogSize=2222\n"
    "tickTime=2000\nmaxClientCnxns=60\nminSessionTimeout=4000\nmaxSessionTimeout=40000\nclientPortListenBacklog=-1\n"
    "serverId=1\n";

TEST_F(WordsTest, ConfOfALoneServer) {
  c_.facts.standalone = true;
  c_.Lead();
  EXPECT_EQ(Ask("conf"), kConf);
}

TEST_F(WordsTest, ConfOfAnEnsembleEndsWithItsMembers) {
  c_.Lead();
  EXPECT_EQ(Ask("conf"), absl::StrCat(kConf,
                                      "initLimit=10\nsyncLimit=5\nelectionAlg=3\nelectionPort=3888\nquorumPort=2888\n"
                                      "peerType=0\nmembership: \n"
                                      "server.1=host1:2888:3888:participant;0.0.0.0:2181\n"
                                      "server.2=host2:2888:3888:participant\n"
                                      "server.3=[::1]:2888:3888:observer\n"
                                      "version=0"));
  c_.facts.observer = true;
  EXPECT_THAT(Ask("conf"), HasSubstr("\npeerType=1\n"));
}

TEST_F(WordsTest, EnviShowsTheEnvironment) {
  EXPECT_EQ(Ask("envi"),
            "Environment:\nzookeeper.version=3.9.3-synod-0.1.0, built on 2026-11-23 03:00 UTC\nhost.name=host1\n"
            "os.name=Linux\nuser.name=synod\nos.memory.free=10MB\nos.memory.max=30MB\nos.memory.total=20MB\n");
}

TEST_F(WordsTest, DumpOfALeaderTellsWhenSessionsExpire) {
  c_.Lead();
  FakeDoor& a = c_.ConnectAndCreate("/a", /*ephemeral=*/true);
  c_.connections.connections = TwoConnections();
  EXPECT_EQ(Ask("dump"), absl::StrCat("SessionTracker dump:\nSession Sets (1)/(1):\n"
                                      "1 expire at Tue Nov 14 23:13:28 UTC 2023:\n\t",
                                      Hex(a), "\nephemeral nodes dump:\nSessions with Ephemerals (1):\n", Hex(a),
                                      ":\n\t/a\n"
                                      "Connections dump:\nConnections Sets (2)/(2):\n"
                                      "1 expire at Tue Nov 14 23:13:32 UTC 2023:\n"
                                      "\tip: /[::1]:45622 sessionId: 0x0\n"
                                      "1 expire at Tue Nov 14 23:13:52 UTC 2023:\n"
                                      "\tip: /127.0.0.1:45610 sessionId: 0x100000a1b2c0000\n"));
}

TEST_F(WordsTest, DumpOfAFollowerTellsTimeoutsOnly) {
  c_.Follow(2);
  FakeDoor& a = c_.ConnectAndCreate("/a");
  EXPECT_EQ(Ask("dump"), absl::StrCat("SessionTracker dump:\nGlobal Sessions(1):\n", Hex(a),
                                      "\t6000ms\nephemeral nodes dump:\nSessions with Ephemerals (0):\n"
                                      "Connections dump:\nConnections Sets (0)/(0):\n"));
}

TEST_F(WordsTest, WatchesBySessionAndByPath) {
  c_.Lead();
  EXPECT_EQ(Ask("wchs"), "0 connections watching 0 paths\nTotal watches:0\n");
  EXPECT_EQ(Ask("wchc"), "\n");
  EXPECT_EQ(Ask("wchp"), "\n");
  FakeDoor& a = c_.ConnectAndCreate("/a");
  FakeDoor& b = c_.ConnectAndCreate("/b");
  c_.world.Submit(a, {Read(7, GetData{"/a", true}), Read(8, AddWatch{"/b"})});
  c_.world.Submit(b, {Read(7, GetData{"/a", true})});
  EXPECT_EQ(Ask("wchs"), "2 connections watching 2 paths\nTotal watches:3\n");
  EXPECT_EQ(Ask("wchc"), absl::StrCat(Hex(a), "\n\t/a\n\t/b\n", Hex(b), "\n\t/a\n\n"));
  EXPECT_EQ(Ask("wchp"), absl::StrCat("/a\n\t", Hex(a), "\n\t", Hex(b), "\n/b\n\t", Hex(a), "\n\n"));
}

TEST_F(WordsTest, DirsTellsSizes) {
  c_.Lead();
  EXPECT_EQ(Ask("dirs"), "datadir_size: 1111\nlogdir_size: 2222\n");
}

TEST_F(WordsTest, CrstResetsTheCountsOfConnections) {
  c_.Lead();
  EXPECT_EQ(Ask("crst"), "Connection stats reset.\n");
  EXPECT_EQ(c_.connections.connection_resets, 1);
  EXPECT_EQ(c_.connections.counter_resets, 0);
}

TEST_F(WordsTest, SrstResetsTheCountsOfTheServer) {
  c_.Lead();
  c_.ConnectAndCreate("/a");
  EXPECT_EQ(Ask("srst"), "Server stats reset.\n");
  EXPECT_EQ(c_.connections.counter_resets, 1);
  EXPECT_EQ(c_.connections.connection_resets, 0);
  EXPECT_THAT(Ask("srvr"), HasSubstr("Latency min/avg/max: 0/0.0/0\nReceived: 0\nSent: 0\n"));
}

// 19.1
TEST_F(WordsTest, WithoutAQuorumMostWordsSayThatNobodyIsServed) {
  for (const char* word :
       {"srvr", "stat", "mntr", "cons", "conf", "dump", "wchs", "wchc", "wchp", "dirs", "crst", "srst"}) {
    EXPECT_EQ(Ask(word), kNotServing) << word;
  }
  EXPECT_EQ(Ask("isro"), "null");
  EXPECT_THAT(Ask("envi"), StartsWith("Environment:\n"));
  EXPECT_EQ(c_.connections.connection_resets + c_.connections.counter_resets, 0);
}

TEST_F(WordsTest, IsroSaysWhetherWritesAreTaken) {
  c_.Lead();
  EXPECT_EQ(Ask("isro"), "rw");
}

// 19.1
TEST_F(WordsTest, WordsThatTheWhitelistLacksAreRefused) {
  c_.Lead();
  c_.facts.all_words = false;
  c_.facts.whitelist = {"ruok", "srvr"};
  EXPECT_EQ(Ask("ruok"), "imok");
  EXPECT_THAT(Ask("srvr"), StartsWith(kVersionLine));
  for (const char* word : {"stat", "mntr", "cons", "conf", "envi", "dump", "wchs", "wchc", "wchp", "isro", "dirs",
                           "crst", "srst", "gtmk", "stmk", "hash"}) {
    EXPECT_EQ(Ask(word), absl::StrCat(word, " is not executed because it is not in the whitelist.\n"));
  }
  EXPECT_EQ(c_.connections.connection_resets + c_.connections.counter_resets, 0);
}

// 16.1: read-only clients ask other servers for it.
TEST_F(WordsTest, IsroIsAnsweredWhereReadOnlyModeIsAllowed) {
  c_.facts.all_words = false;
  c_.facts.read_only_mode = true;
  EXPECT_EQ(Ask("isro"), "null");
  c_.Lead();
  EXPECT_EQ(Ask("isro"), "rw");
  EXPECT_THAT(Ask("srvr"), StartsWith(kVersionLine));  // always: zkServer.sh asks it
  EXPECT_THAT(Ask("stat"), HasSubstr("not in the whitelist"));
}

TEST_F(WordsTest, WordsWithoutMeaningHereAreRefusedWhateverTheWhitelistSays) {
  c_.Lead();
  for (const char* word : {"gtmk", "stmk", "hash"}) {
    EXPECT_EQ(Ask(word), absl::StrCat(word, " is not executed because it is not in the whitelist.\n"));
  }
}

TEST_F(WordsTest, TheTelnetInterruptIsAnsweredWithNothing) {
  c_.Lead();
  EXPECT_EQ(Ask("\xff\xf4\xff\xfd"), "");
}

TEST(IsWordTest, KnowsEveryWord) {
  for (const char* word : {"ruok", "srvr", "stat", "mntr", "cons", "conf", "envi", "dump", "wchs", "wchc", "wchp",
                           "isro", "dirs", "crst", "srst", "gtmk", "stmk", "hash", "\xff\xf4\xff\xfd"}) {
    EXPECT_TRUE(IsWord(word)) << word;
  }
  EXPECT_FALSE(IsWord("RUOK"));
  EXPECT_FALSE(IsWord("ruo"));
  EXPECT_FALSE(IsWord(std::string_view("\0\0\0\x2c", 4)));
}

// Clients that accept it are served by a server without a quorum (16.1).
TEST(ReadOnlyWordsTest, AReadOnlyServerSaysSo) {
  service::ServiceConfig config = service::testing::TestConfig();
  config.read_only_mode = true;
  CommandsWorld c(config);
  c.Lead();
  c.ConnectAndCreate("/a");
  c.world.LoseLeader();
  c.world.loop.Advance(absl::Seconds(10));
  EXPECT_EQ(AnswerWord("isro", c.context), "ro");
  EXPECT_THAT(AnswerWord("srvr", c.context),
              StartsWith(absl::StrCat(kVersionLine, "READ-ONLY mode; serving only read-only clients\nLatency")));
  EXPECT_THAT(AnswerWord("srvr", c.context), HasSubstr("\nMode: read-only\n"));
  EXPECT_THAT(AnswerWord("stat", c.context), HasSubstr("read-only clients\nClients:\n\nLatency"));
  EXPECT_THAT(AnswerWord("dump", c.context), StartsWith("SessionTracker dump:\nGlobal Sessions(1):\n"));
}

}  // namespace
}  // namespace synod::frontdoor::commands

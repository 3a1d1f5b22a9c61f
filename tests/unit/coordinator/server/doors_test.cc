// The doors of a whole server, as its configuration opens them.
#include <string>

#include "tests/unit/coordinator/server/ensemble.h"

namespace synod::server {
namespace {

using testing::Ensemble;
using testing::Eventually;
using ::testing::HasSubstr;
using testing::HttpGet;
using ::testing::MatchesRegex;
using ::testing::Not;
using testing::Port;
using testing::RawClient;
using testing::Running;
using testing::SmallConfig;
using ::testing::StartsWith;
using testing::TempDirectory;

std::string Word(Running& server, const std::string& word) {
  RawClient client(server.server().client_port());
  client.Send(word);
  return client.ReadAll();
}

std::string Int(uint64_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text.push_back(static_cast<char>(value >> (8 * i)));
  return text;
}

// A connect request of ZooKeeper's protocol, in its frame (specs: ZooKeeper protocol, 2.1).
std::string ConnectFrame() {
  const std::string record =
      Int(0, 4) + Int(0, 8) + Int(30000, 4) + Int(0, 8) + Int(16, 4) + std::string(16, '\0') + std::string(1, '\0');
  return Int(record.size(), 4) + record;
}

// The answer to a connect request: its frame's bytes; fewer if the connection was closed before.
std::string Connect(RawClient& client) {
  client.Send(ConnectFrame());
  return client.Read(41);
}

class Doors : public ::testing::Test {
 protected:
  ServerConfig Config() const { return SmallConfig(directory_.path()); }
  static bool Ready(Running& server) {
    return server.status().ok() && Eventually([&] { return server.Status().ready(); });
  }
  TempDirectory directory_;
};

TEST_F(Doors, FourLetterWordsTellOfThisServer) {
  Running server(Config());
  ASSERT_TRUE(Ready(server)) << server.status();
  EXPECT_EQ(Word(server, "ruok"), "imok");
  EXPECT_THAT(Word(server, "srvr"), StartsWith("Zookeeper version: 3.9.3-synod-0.1.0, built on 20"));
  EXPECT_THAT(Word(server, "srvr"), HasSubstr("Mode: standalone"));
  EXPECT_THAT(Word(server, "conf"), HasSubstr(absl::StrCat("clientPort=", server.server().client_port(), "\n")));
  EXPECT_THAT(Word(server, "conf"), HasSubstr(absl::StrCat("dataDir=", directory_.path())));
  EXPECT_THAT(Word(server, "envi"), HasSubstr("\nos.name=Linux\n"));
  EXPECT_THAT(Word(server, "dirs"), Not(HasSubstr(": 0\n")));
}

TEST_F(Doors, OnlyWordsOfTheWhitelistAreAnswered) {  // 4lw.commands.whitelist
  ServerConfig config = Config();
  config.four_letter_words = {"ruok"};
  Running server(config);
  ASSERT_TRUE(Ready(server)) << server.status();
  EXPECT_EQ(Word(server, "ruok"), "imok");
  EXPECT_EQ(Word(server, "conf"), "conf is not executed because it is not in the whitelist.\n");
}

TEST_F(Doors, AZooKeeperClientGetsASession) {
  Running server(Config());
  ASSERT_TRUE(Ready(server)) << server.status();
  RawClient client(server.server().client_port());
  const std::string answer = Connect(client);
  ASSERT_EQ(answer.size(), 41u);
  EXPECT_EQ(answer.substr(0, 12), Int(37, 4) + Int(0, 4) + Int(30000, 4));
  EXPECT_NE(answer.substr(12, 8), std::string(8, '\0'));
}

TEST_F(Doors, MoreConnectionsOfOneAddressThanAllowedAreClosed) {  // maxClientCnxns
  ServerConfig config = Config();
  config.max_connections_per_address = 1;
  Running server(config);
  ASSERT_TRUE(Ready(server)) << server.status();
  RawClient first(server.server().client_port());
  ASSERT_EQ(Connect(first).size(), 41u);
  RawClient second(server.server().client_port());
  EXPECT_EQ(Connect(second), "");
}

TEST_F(Doors, AnEnforcedSchemeKeepsOthersOut) {  // enforce.auth.enabled, enforce.auth.schemes
  ServerConfig config = Config();
  config.enforced_schemes = {"digest"};
  Running server(config);
  ASSERT_TRUE(Ready(server)) << server.status();
  RawClient client(server.server().client_port());
  ASSERT_EQ(Connect(client).size(), 41u);
  const std::string exists = Int(1, 4) + Int(3, 4) + Int(1, 4) + "/" + std::string(1, '\0');
  client.Send(Int(exists.size(), 4) + exists);
  const std::string reply = client.ReadAll();
  ASSERT_GE(reply.size(), 20u);
  EXPECT_EQ(reply.substr(16, 4), Int(static_cast<uint32_t>(-124), 4));
}

TEST_F(Doors, PrometheusHasAPortOfItsOwnWithNothingElse) {  // metricsProvider.*
  ServerConfig config = Config();
  config.metrics_door = true;
  config.metrics_port = 0;
  Running server(config);
  ASSERT_TRUE(Ready(server)) << server.status();
  EXPECT_EQ(HttpGet(server.server().metrics_port(), "/metrics").code, 200);
  EXPECT_EQ(HttpGet(server.server().metrics_port(), "/status").code, 404);
  EXPECT_EQ(HttpGet(server.server().metrics_port(), "/commands/ruok").code, 404);
}

TEST_F(Doors, CommandsStandWhereTheConfigurationPutsThem) {  // admin.commandURL
  ServerConfig config = Config();
  config.admin_command_url = "/zk";
  config.given = {{"tickTime", "3000"}, {"zookeeper.skipACL", "no"}};
  Running server(config);
  ASSERT_TRUE(Ready(server)) << server.status();
  EXPECT_EQ(HttpGet(server.server().admin_port(), "/zk/ruok").code, 200);
  EXPECT_EQ(HttpGet(server.server().admin_port(), "/commands/ruok").code, 404);
  const std::string properties = HttpGet(server.server().admin_port(), "/zk/system_properties").body;
  EXPECT_THAT(properties, HasSubstr("\"zookeeper.skipACL\" : \"no\""));
  EXPECT_THAT(properties, Not(HasSubstr("tickTime")));
  EXPECT_THAT(HttpGet(server.server().admin_port(), "/zk/initial_configuration").body, HasSubstr("tickTime"));
}

TEST_F(Doors, MembershipStandsInTheConfigNode) {
  ServerConfig config = Config();
  config.membership = "server.1=127.0.0.1:2888:3888:participant;0.0.0.0:2181";
  Running server(config);
  ASSERT_TRUE(Ready(server)) << server.status();
  v1::Reply reply;
  ASSERT_TRUE(Eventually([&] {
    return server.Call(testing::GetRequest("/zookeeper/config"), &reply).ok() && !reply.data().value().empty();
  }));
  EXPECT_THAT(reply.data().value(), MatchesRegex("server\\.1=127\\.0\\.0\\.1:2888:3888:participant;0\\.0\\.0\\.0:2181"
                                                 "\nversion=[0-9a-f]+"));
}

TEST_F(Doors, ThePortsOfTwoAdminDoorsThatAreTakenAreWarnings) {
  Port admin, metrics;
  admin.Listen();
  metrics.Listen();
  ServerConfig config = Config();
  config.admin_port = admin.number();
  config.metrics_door = true;
  config.metrics_port = metrics.number();
  Running server(config);
  ASSERT_TRUE(Ready(server)) << server.status();
  EXPECT_EQ(server.server().admin_port(), 0);
  EXPECT_EQ(server.server().metrics_port(), 0);
  EXPECT_EQ(Word(server, "ruok"), "imok");
}

TEST(DoorsOfAnEnsemble, EveryServerServesZooKeepersClients) {
  Ensemble ensemble;
  ASSERT_TRUE(ensemble.WaitReady());
  for (int i = 0; i < ensemble.size(); ++i) {
    RawClient client(ensemble.at(i).server().client_port());
    EXPECT_EQ(Connect(client).size(), 41u) << i;
  }
}

}  // namespace
}  // namespace synod::server

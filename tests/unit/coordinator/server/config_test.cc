// zoo.cfg as ZooKeeper's users write it, and every value that cannot be.
#include "coordinator/server/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/unit/coordinator/server/parsed_config.h"

namespace synod::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kThree[] =
    "dataDir=/d\nclientPort=2181\n"
    "server.1=a:2888:3888\nserver.2=b:2888:3888\nserver.3=c:2888:3888:observer\n";

// conf/zoo_sample.cfg of ZooKeeper 3.8, word for word.
constexpr char kSample[] = R"(# The number of milliseconds of each tick
tickTime=2000
# The number of ticks that the initial 
# synchronization phase can take
initLimit=10
# The number of ticks that can pass between 
# sending a request and getting an acknowledgement
syncLimit=5
# the directory where the snapshot is stored.
# do not use /tmp for storage, /tmp here is just 
# example sakes.
dataDir=/tmp/zookeeper
# the port at which the clients will connect
clientPort=2181
# the maximum number of client connections.
# increase this if you need to handle more clients
#maxClientCnxns=60
#
# Be sure to read the maintenance section of the 
# administrator guide before turning on autopurge.
#
# https://zookeeper.apache.org/doc/current/zookeeperAdmin.html#sc_maintenance
#
# The number of snapshots to retain in dataDir
#autopurge.snapRetainCount=3
# Purge task interval in hours
# Set to "0" to disable auto purge feature
#autopurge.purgeInterval=1

## Metrics Providers
#
# https://prometheus.io Metrics Exporter
#metricsProvider.className=org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider
#metricsProvider.httpHost=0.0.0.0
#metricsProvider.httpPort=7000
#metricsProvider.exportJvmInfo=true
)";

TEST(ServerConfigTest, ZooKeepersSampleIsASingleServerOnLoopback) {
  ServerConfig config = Parsed(kSample);
  EXPECT_EQ(config.id, ServerId(1));
  EXPECT_EQ(config.data_dir, "/tmp/zookeeper");
  EXPECT_EQ(config.data_log_dir, "/tmp/zookeeper");
  EXPECT_EQ(config.client_address, "127.0.0.1");
  EXPECT_EQ(config.client_port, 2181);
  EXPECT_EQ(config.grpc_port, 2281);
  EXPECT_EQ(config.peer_port, 0);
  EXPECT_EQ(config.admin_address, "127.0.0.1");
  EXPECT_EQ(config.session_timeout_min, absl::Milliseconds(4000));
  EXPECT_EQ(config.session_timeout_max, absl::Milliseconds(40000));
  ASSERT_EQ(config.seeds.size(), 1u);
  EXPECT_EQ(config.seeds[0].role, consensus::MemberRole::kVoter);
  EXPECT_TRUE(config.standalone);
  EXPECT_EQ(config.init_limit, 10u);
  EXPECT_EQ(config.sync_limit, 5u);
  EXPECT_THAT(config.warnings,
              ElementsAre(HasSubstr("initLimit has no effect"), HasSubstr("syncLimit has no effect"),
                          HasSubstr("clientPortAddress is not named: clients are served on 127.0.0.1:2181 alone")));
}

TEST(ServerConfigTest, EveryKeyIsTaken) {
  ServerConfig c = Parsed(
      "tickTime=1000\ndataDir=/data\ndataLogDir=/log\nclientPort=3000\nclientPortAddress=0.0.0.0\ngrpcPort=3500\n"
      "minSessionTimeout=500\nmaxSessionTimeout=60000\nmaxClientCnxns=7\nmaxCnxns=9\njute.maxbuffer=2048\nsnapCount="
      "1000\n"
      "snapSizeLimitInKb=2\npreAllocSize=2048\nadmin.enableServer=false\nadmin.serverAddress=10.0.0.1\nadmin."
      "serverPort=9000\n"
      "electionTimeoutMin=400\nelectionTimeoutMax=900\nmemoryLimitMb=3\ndiskReserveMb=4\nlogRetainMb="
      "5\nslowOperationMs=6\n"
      "formWithoutPeers=true\nlogLevel=debug\nlogFile=/var/log/synod\nwatchWindowMb=7\nlogCacheMb=9\n"
      "znode.container.checkIntervalMs=1500\nznode.container.maxPerMinute=30\n");
  EXPECT_EQ(c.tick_time, absl::Seconds(1));
  EXPECT_EQ(c.data_dir, "/data");
  EXPECT_EQ(c.data_log_dir, "/log");
  EXPECT_EQ(c.client_port, 3000);
  EXPECT_EQ(c.client_address, "0.0.0.0");
  EXPECT_EQ(c.grpc_port, 3500);
  EXPECT_EQ(c.session_timeout_min, absl::Milliseconds(500));
  EXPECT_EQ(c.session_timeout_max, absl::Minutes(1));
  EXPECT_EQ(c.max_connections_per_address, 7u);
  EXPECT_EQ(c.max_connections, 9u);
  EXPECT_EQ(c.max_data_bytes, 2048u);
  EXPECT_EQ(c.snapshot_every_records, 1000u);
  EXPECT_EQ(c.snapshot_every_bytes, 2048u);
  EXPECT_EQ(c.log_segment_bytes, 2048u * 1024);
  EXPECT_FALSE(c.admin_enabled);
  EXPECT_EQ(c.admin_address, "10.0.0.1");
  EXPECT_EQ(c.admin_port, 9000);
  EXPECT_EQ(c.election_timeout_min, absl::Milliseconds(400));
  EXPECT_EQ(c.election_timeout_max, absl::Milliseconds(900));
  EXPECT_EQ(c.memory_limit_bytes, 3u << 20);
  EXPECT_EQ(c.disk_reserve_bytes, 4u << 20);
  EXPECT_EQ(c.log_retain_bytes, 5u << 20);
  EXPECT_EQ(c.slow_operation, absl::Milliseconds(6));
  EXPECT_TRUE(c.form_without_peers);
  EXPECT_EQ(c.log_level, "debug");
  EXPECT_EQ(c.log_file, "/var/log/synod");
  EXPECT_EQ(c.watch_window_bytes, 7u << 20);
  EXPECT_EQ(c.log_cache_bytes, 9u << 20);
  EXPECT_EQ(c.container_idle, absl::Milliseconds(1500));
  EXPECT_EQ(c.removals_per_minute, 30u);
  EXPECT_THAT(c.warnings, IsEmpty());
}

// The digest of "super:secret".
constexpr char kSuper[] = "super:lK75jTNcA+U9vtVEw5vB51mj/w4=";

TEST(ServerConfigTest, SettingsOfTheEnsembleAreTakenInBothSpellings) {
  for (const char* prefix : {"", "zookeeper."}) {
    ServerConfig c =
        Parsed(absl::StrCat("dataDir=/d\n", prefix, "DigestAuthenticationProvider.superDigest=", kSuper, "\n", prefix,
                            "skipACL=yes\n", prefix, "enforceQuota=false\n", prefix, "extendedTypesEnabled=no\n"));
    EXPECT_EQ(c.super_digest, kSuper);
    EXPECT_EQ(c.skip_acl, true);
    EXPECT_EQ(c.enforce_quota, false);
    EXPECT_EQ(c.extended_types, false);
    EXPECT_THAT(c.warnings, IsEmpty());
  }
}

TEST(ServerConfigTest, AFileThatIsSilentAboutASettingMeansItsDefault) {
  ServerConfig c = Parsed("dataDir=/d\n");
  EXPECT_EQ(c.super_digest, "");
  EXPECT_EQ(c.skip_acl, std::nullopt);
  EXPECT_EQ(c.enforce_quota, std::nullopt);
  EXPECT_EQ(c.extended_types, std::nullopt);
  EXPECT_EQ(c.watch_window_bytes, 16u << 20);
  EXPECT_EQ(c.log_cache_bytes, 4u << 20);
}

TEST(ServerConfigTest, ASuperDigestThatCouldMatchNobodyIsRefused) {
  for (const char* value :
       {"", "super", "super:secret", ":lK75jTNcA+U9vtVEw5vB51mj/w4=", "super:lK75jTNcA+U9vtVEw5vB"}) {
    EXPECT_THAT(Error(absl::StrCat("dataDir=/d\nDigestAuthenticationProvider.superDigest=", value, "\n")),
                HasSubstr("must be user:DIGEST"));
  }
}

TEST(ServerConfigTest, AdminPortIsAnotherNameOfAdminServerPort) {
  EXPECT_EQ(Parsed("dataDir=/d\nadminPort=9001\n").admin_port, 9001);
}

TEST(ServerConfigTest, ServerLinesGiveSeedsAndTheOwnPeerAddress) {
  ServerConfig config = Parsed(kThree, "2\n");
  EXPECT_EQ(config.id, ServerId(2));
  ASSERT_EQ(config.seeds.size(), 3u);
  EXPECT_EQ(config.seeds[0].address, "a:2888");
  EXPECT_EQ(config.seeds[0].role, consensus::MemberRole::kVoter);
  EXPECT_EQ(config.seeds[2].role, consensus::MemberRole::kLearner);
  EXPECT_EQ(config.peer_listen_address, "b");
  EXPECT_EQ(config.peer_port, 2888);
}

TEST(ServerConfigTest, QuorumListenOnAllIPsListensEverywhere) {
  EXPECT_EQ(Parsed(absl::StrCat(kThree, "quorumListenOnAllIPs=true\n"), "1").peer_listen_address, "0.0.0.0");
}

TEST(ServerConfigTest, TheClientPartOfTheOwnServerLineIsTheClientPort) {
  ServerConfig config = Parsed("dataDir=/d\nserver.1=a:2888:3888;0.0.0.0:4000\n", "1");
  EXPECT_EQ(config.client_port, 4000);
  EXPECT_EQ(config.grpc_port, 4100);
  EXPECT_EQ(config.client_address, "0.0.0.0");
  EXPECT_THAT(Error("dataDir=/d\nclientPort=2181\nserver.1=a:2888:3888;4000\n", "1"),
              HasSubstr("clientPort contradicts"));
}

TEST(ServerConfigTest, MyIdNamesTheServer) {
  EXPECT_THAT(Error(kThree, ""), HasSubstr("/d/myid is missing"));
  EXPECT_THAT(Error(kThree, "4"), HasSubstr("no line server.4"));
  EXPECT_THAT(Error(kThree, "two"), HasSubstr("must hold one number, 1..255, not \"two\""));
  EXPECT_THAT(Error(kThree, "0"), HasSubstr("1..255"));
  EXPECT_THAT(Error(kThree, "256"), HasSubstr("1..255"));
  EXPECT_EQ(Parsed("dataDir=/d\n", "").id, ServerId(1));
  EXPECT_EQ(Parsed("dataDir=/d\n", "7").id, ServerId(7));
  EXPECT_EQ(Parsed("dataDir=/d\nserver.5=a:1:2\n", "").id, ServerId(5));
}

TEST(ServerConfigTest, AnEvenNumberOfVotersWarns) {
  EXPECT_THAT(Parsed("dataDir=/d\nserver.1=a:1:2\nserver.2=b:1:2\n", "1").warnings,
              ElementsAre(HasSubstr("use an odd number")));
}

TEST(ServerConfigTest, BlanksCommentsEscapesAndCarriageReturnsAreAsInJavaProperties) {
  ServerConfig config = Parsed("! a comment\r\n  dataDir = /d\\:x  \r\n\r\n# another\r\nclientPort= 2200 \r\n");
  EXPECT_EQ(config.data_dir, "/d:x");
  EXPECT_EQ(config.client_port, 2200);
}

TEST(ServerConfigTest, MinusOneAndAbsenceOfSessionTimeoutsMeanTheirDefaults) {
  ServerConfig config = Parsed("dataDir=/d\ntickTime=1000\nminSessionTimeout=-1\nmaxSessionTimeout=-1\n");
  EXPECT_EQ(config.session_timeout_min, absl::Seconds(2));
  EXPECT_EQ(config.session_timeout_max, absl::Seconds(20));
}

struct Impossible {
  const char* line;
  const char* why;
};
class ImpossibleValue : public ::testing::TestWithParam<Impossible> {};

TEST_P(ImpossibleValue, IsRefusedWithItsLineAndReason) {
  std::string error = Error(absl::StrCat("dataDir=/d\n", GetParam().line, "\n"));
  EXPECT_THAT(error, HasSubstr(GetParam().why));
  EXPECT_THAT(error, HasSubstr(absl::StrCat("line 2: ", GetParam().line)));
}

INSTANTIATE_TEST_SUITE_P(
    All, ImpossibleValue,
    ::testing::Values(
        Impossible{"tickTime=0", "must be between"}, Impossible{"tickTime=abc", "not a number"},
        Impossible{"clientPort=0", "must be between 1 and 65535"}, Impossible{"clientPort=65536", "must be between"},
        Impossible{"grpcPort=0", "must be between"}, Impossible{"grpcPort=70000", "must be between"},
        Impossible{"admin.serverPort=-1", "must be between"}, Impossible{"adminPort=x", "not a number"},
        Impossible{"admin.enableServer=maybe", "true or false"}, Impossible{"dataLogDir=", "must not be empty"},
        Impossible{"clientPortAddress=", "must not be empty"}, Impossible{"minSessionTimeout=-2", "must be between"},
        Impossible{"maxSessionTimeout=1e3", "not a number"}, Impossible{"maxClientCnxns=many", "not a number"},
        Impossible{"maxCnxns=2147483648", "must be between"}, Impossible{"jute.maxbuffer=0", "must be between"},
        Impossible{"jute.maxbuffer=0xfg", "not a number"}, Impossible{"clientPort=abc", "not a number"},
        Impossible{"admin.commandURL=commands", "begins with /"}, Impossible{"globalOutstandingLimit=0", "must be"},
        Impossible{"clientPortListenBacklog=-2", "must be between"}, Impossible{"connectionTokenFillTime=0", "must be"},
        Impossible{"clientTcpKeepAlive=1", "true or false"}, Impossible{"readonlymode.enabled=on", "true or false"},
        Impossible{"initLimit=ten", "not a number"}, Impossible{"metricsProvider.httpPort=0", "must be between"},
        Impossible{"watchWindowMb=0", "must be between"},
        Impossible{"znode.container.checkIntervalMs=0", "must be between"},
        Impossible{"znode.container.maxPerMinute=0", "must be between"}, Impossible{"skipACL=maybe", "true or false"},
        Impossible{"enforceQuota=2", "true or false"}, Impossible{"extendedTypesEnabled=x", "true or false"},
        Impossible{"snapCount=0", "must be between"}, Impossible{"snapSizeLimitInKb=x", "not a number"},
        Impossible{"preAllocSize=0", "must be between"}, Impossible{"electionTimeoutMin=10", "must be between"},
        Impossible{"electionTimeoutMax=999999", "must be between"}, Impossible{"memoryLimitMb=-5", "must be between"},
        Impossible{"diskReserveMb=-1", "must be between"}, Impossible{"logRetainMb=0", "must be between"},
        Impossible{"slowOperationMs=-1", "must be between"}, Impossible{"formWithoutPeers=1", "true or false"},
        Impossible{"quorumListenOnAllIPs=2", "true or false"}, Impossible{"server.0=a:1:2", "1..255"},
        Impossible{"server.256=a:1:2", "1..255"}, Impossible{"server.x=a:1:2", "1..255"},
        Impossible{"server.1=a", "must be host:peerPort"}, Impossible{"server.1=a:99999:2", "not a port"}));

TEST(ServerConfigTest, ContradictionsAreRefused) {
  EXPECT_THAT(Error(""), HasSubstr("dataDir is missing"));
  EXPECT_THAT(Error("dataDir=/d\nclientPort=65500\n"), HasSubstr("clientPort + 100 is no port"));
  EXPECT_THAT(Error("dataDir=/d\nminSessionTimeout=9000\nmaxSessionTimeout=8000\n"),
              HasSubstr("above maxSessionTimeout"));
  EXPECT_THAT(Error("dataDir=/d\nelectionTimeoutMin=600\n"), HasSubstr("must be below electionTimeoutMax"));
  EXPECT_THAT(Error("dataDir=/d\ngrpcPort=8080\n"), HasSubstr("grpcPort and admin.serverPort are the same"));
  EXPECT_THAT(Error("dataDir=/d\ngrpcPort=2888\nserver.1=a:2888:3888\n"),
              HasSubstr("grpcPort and the peer port are the same"));
  EXPECT_THAT(Error("dataDir=/d\nlogLevel=loud\n"), HasSubstr("logLevel must be"));
  EXPECT_THAT(Error("dataDir=/d\nserver.1=a:1:2\nserver.2=a:1:3\n", "1"),
              HasSubstr("two server lines have the address a:1"));
  EXPECT_THAT(Error("dataDir=/d\nserver.1=a:1:2:observer\n"), HasSubstr("nobody can vote"));
  EXPECT_THAT(Error("dataDir=/d\nclientPort=2888\nserver.1=a:2888:3888\n"),
              HasSubstr("clientPort and the peer port are the same: 2888"));
}

class LoadConfigTest : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = (std::filesystem::temp_directory_path() / absl::StrCat("synod-config-", getpid())).string();
    std::filesystem::create_directories(directory_ + "/data");
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  void Write(const std::string& name, const std::string& text) { std::ofstream(directory_ + "/" + name) << text; }
  std::string directory_;
};

TEST_F(LoadConfigTest, ReadsTheFileAndMyIdBesideTheData) {
  Write("zoo.cfg", absl::StrCat("dataDir=", directory_, "/data\nserver.1=a:1:2\nserver.3=b:1:2\nserver.9=c:1:2\n"));
  Write("data/myid", "3\n");
  absl::StatusOr<ServerConfig> config = LoadConfig(directory_ + "/zoo.cfg");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->id, ServerId(3));
}

TEST_F(LoadConfigTest, NamesTheFileThatIsMissing) {
  absl::Status missing = LoadConfig(directory_ + "/none.cfg").status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.message()), HasSubstr("none.cfg: cannot be read"));
  Write("zoo.cfg", absl::StrCat("dataDir=", directory_, "/data\nserver.1=a:1:2\nserver.3=b:1:2\nserver.4=c:1:2\n"));
  EXPECT_THAT(std::string(LoadConfig(directory_ + "/zoo.cfg").status().message()), HasSubstr("/data/myid is missing"));
}

TEST_F(LoadConfigTest, ReadsTheDynamicConfigFile) {
  const std::string dynamic = directory_ + "/zoo.cfg.dynamic";
  Write("zoo.cfg", absl::StrCat("dataDir=", directory_, "/data\ndynamicConfigFile=", dynamic, "\n"));
  Write("data/myid", "3\n");
  absl::Status missing = LoadConfig(directory_ + "/zoo.cfg").status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.message()), HasSubstr("zoo.cfg.dynamic: cannot be read"));
  Write("zoo.cfg.dynamic", "server.1=a:1:2\nserver.3=b:1:2\nserver.9=c:1:2\n");
  absl::StatusOr<ServerConfig> config = LoadConfig(directory_ + "/zoo.cfg");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->peer_listen_address, "b");
}

}  // namespace
}  // namespace synod::server

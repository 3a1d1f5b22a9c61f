// The JSON of each AdminServer command, as ZooKeeper 3.8 lays it out (specs: ZooKeeper protocol, section 21).
#include "coordinator/frontdoor/commands/commands.h"

#include "absl/strings/str_replace.h"
#include "coordinator/frontdoor/commands/json_text.h"
#include "tests/unit/coordinator/frontdoor/commands/commands_fixture.h"

namespace synod::frontdoor::commands {
namespace {

using service::AddWatch;
using service::GetData;
using service::testing::FakeDoor;
using service::testing::Read;
using testing::CommandsTest;
using ::testing::Contains;
using ::testing::ElementsAre;
using testing::Json;
using ::testing::Not;
using testing::TwoConnections;

std::string Id(const FakeDoor& door) { return absl::StrCat(door.connected.session.value()); }

TEST_F(CommandsTest, Configuration) {
  c_.Lead();
  EXPECT_EQ(Run("configuration"), R"({
  "client_port" : 2181,
  "data_dir" : "/data",
  "data_log_dir" : "/log",
  "tick_time" : 2000,
  "max_client_cnxns" : 60,
  "min_session_timeout" : 4000,
  "max_session_timeout" : 40000,
  "server_id" : 1,
  "client_port_listen_backlog" : -1,
  "command" : "configuration",
  "error" : null
})");
}

TEST_F(CommandsTest, Connections) {
  c_.Lead();
  EXPECT_EQ(Run("connections"), R"({
  "connections" : [ ],
  "secure_connections" : [ ],
  "command" : "connections",
  "error" : null
})");
  c_.connections.connections = TwoConnections();
  EXPECT_EQ(Run("connections"), R"({
  "connections" : [ {
    "remote_socket_address" : "127.0.0.1:45610",
    "interest_ops" : 1,
    "outstanding_requests" : 0,
    "packets_received" : 12,
    "packets_sent" : 11,
    "session_id" : 72057637443469312,
    "last_operation" : "PING",
    "established" : 1700003600000,
    "session_timeout" : 30000,
    "last_cxid" : 5,
    "last_zxid" : 18,
    "last_response_time" : 3600100,
    "last_latency" : 1,
    "min_latency" : 0,
    "avg_latency" : 2,
    "max_latency" : 9
  }, {
    "remote_socket_address" : "[::1]:45622",
    "interest_ops" : 0,
    "outstanding_requests" : 0,
    "packets_received" : 1,
    "packets_sent" : 0
  } ],
  "secure_connections" : [ ],
  "command" : "connections",
  "error" : null
})");
}

TEST_F(CommandsTest, Resets) {
  c_.Lead();
  c_.ConnectAndCreate("/a");
  EXPECT_EQ(Run("connection_stat_reset"), "{\n  \"command\" : \"connection_stat_reset\",\n  \"error\" : null\n}");
  EXPECT_EQ(c_.connections.connection_resets, 1);
  EXPECT_EQ(c_.connections.counter_resets, 0);
  EXPECT_GT(c_.world.service.Stats().packets_received, 0u);
  EXPECT_EQ(Run("stat_reset"), "{\n  \"command\" : \"stat_reset\",\n  \"error\" : null\n}");
  EXPECT_EQ(c_.connections.counter_resets, 1);
  EXPECT_EQ(c_.world.service.Stats().packets_received, 0u);
}

TEST_F(CommandsTest, Dirs) {
  c_.Lead();
  EXPECT_EQ(
      Run("dirs"),
      "{\n  \"datadir_size\" : 1111,\n  \"logdir_size\" : 2222,\n  \"command\" : \"dirs\",\n  \"error\" : null\n}");
}

TEST_F(CommandsTest, Dump) {
  c_.Lead();
  FakeDoor& a = c_.ConnectAndCreate("/a", /*ephemeral=*/true);
  std::string text = R"({
  "expiry_time_to_session_ids" : {
    "3608000" : [ ID ]
  },
  "session_id_to_ephemeral_paths" : {
    "ID" : [ "/a" ]
  },
  "command" : "dump",
  "error" : null
})";
  EXPECT_EQ(Run("dump"), absl::StrReplaceAll(text, {{"ID", Id(a)}}));
  c_.Follow(2);
  EXPECT_EQ(Parsed("dump")["expiry_time_to_session_ids"], Json::object());
  EXPECT_EQ(Parsed("dump")["session_id_to_ephemeral_paths"].size(), 1u);
}

TEST_F(CommandsTest, Environment) {
  EXPECT_EQ(Run("environment"), R"({
  "zookeeper.version" : "3.9.3-synod-0.1.0, built on 2026-11-23 03:00 UTC",
  "host.name" : "host1",
  "os.name" : "Linux",
  "user.name" : "synod",
  "os.memory.free" : "10MB",
  "os.memory.max" : "30MB",
  "os.memory.total" : "20MB",
  "command" : "environment",
  "error" : null
})");
}

TEST_F(CommandsTest, InitialConfiguration) {
  c_.Lead();
  EXPECT_EQ(Run("initial_configuration"), R"({
  "initial_configuration" : "tickTime=2000\ndataDir=/data\n",
  "command" : "initial_configuration",
  "error" : null
})");
  c_.facts.initial_configuration.clear();
  EXPECT_EQ(Parsed("initial_configuration")["initial_configuration"], Json(nullptr));
}

TEST_F(CommandsTest, SecretsOfTheFileAreNotShown) {
  c_.Lead();
  c_.facts.initial_configuration = {{"ssl.keyStore.password", "hidden1"}, {"a", "shown"}};
  c_.facts.system_properties = {{"zookeeper.DigestAuthenticationProvider.superDigest", "hidden2"},
                                {"zookeeper.ssl.trustStore.passwordPath", "hidden3"}};
  EXPECT_EQ(Parsed("icfg")["initial_configuration"], "ssl.keyStore.password=***\na=shown\n");
  EXPECT_EQ(Parsed("sysp")["zookeeper.DigestAuthenticationProvider.superDigest"], "***");
  EXPECT_THAT(Run("sysp"), Not(::testing::HasSubstr("hidden")));
}

TEST_F(CommandsTest, IsReadOnly) {
  c_.Lead();
  EXPECT_EQ(Run("is_read_only"),
            "{\n  \"read_only\" : false,\n  \"command\" : \"is_read_only\",\n  \"error\" : null\n}");
}

TEST_F(CommandsTest, LastSnapshot) {
  c_.Lead();
  EXPECT_EQ(Parsed("last_snapshot")["timestamp"], -1);
  c_.process.last_snapshot_zxid = 0x1f;
  c_.process.last_snapshot_wall_s = 1795403087;
  EXPECT_EQ(Run("last_snapshot"), R"({
  "zxid" : "1f",
  "timestamp" : 1795403087,
  "command" : "last_snapshot",
  "error" : null
})");
}

TEST_F(CommandsTest, MonitorHasTheLinesOfMntr) {
  c_.Lead();
  c_.ConnectAndCreate("/a");
  Json monitor = Parsed("monitor");
  EXPECT_EQ(monitor["version"], c_.facts.version);
  EXPECT_EQ(monitor["server_state"], "leader");
  EXPECT_EQ(monitor["znode_count"], 6);
  EXPECT_EQ(monitor["avg_latency"], 3.0);
  EXPECT_EQ(monitor["cnt_updatelatency"], 1);
  EXPECT_THAT(Run("monitor"), ::testing::HasSubstr("  \"avg_updatelatency\" : 3.0,\n"));
}

TEST_F(CommandsTest, Ruok) {
  c_.Lead();
  EXPECT_EQ(Run("ruok"), "{\n  \"command\" : \"ruok\",\n  \"error\" : null\n}");
}

TEST_F(CommandsTest, ServerStats) {
  c_.Follow(2);
  c_.connections.counters.last_response_bytes = 88;
  c_.connections.counters.min_response_bytes = 16;
  c_.connections.counters.max_response_bytes = 99;
  c_.ConnectAndCreate("/a");
  std::string text = R"({
  "version" : "3.9.3-synod-0.1.0, built on 2026-11-23 03:00 UTC",
  "read_only" : false,
  "server_stats" : {
    "packets_sent" : 2,
    "packets_received" : 2,
    "client_response_stats" : {
      "last_buffer_size" : 88,
      "min_buffer_size" : 16,
      "max_buffer_size" : 99
    },
    "provider_null" : false,
    "server_state" : "follower",
    "outstanding_requests" : 0,
    "min_latency" : 3,
    "avg_latency" : 3.0,
    "max_latency" : 3,
    "data_dir_size" : 1111,
    "log_dir_size" : 2222,
    "last_processed_zxid" : ZXID,
    "num_alive_client_connections" : 1,
    "uptime" : 5000
  },
  "client_response" : {
    "last_buffer_size" : 88,
    "min_buffer_size" : 16,
    "max_buffer_size" : 99
  },
  "node_count" : 6,
  "command" : "server_stats",
  "error" : null
})";
  EXPECT_EQ(Run("server_stats"),
            absl::StrReplaceAll(text, {{"ZXID", absl::StrCat(c_.world.machine.last_zxid().value())}}));
}

TEST_F(CommandsTest, ALeaderShowsWhatItProposed) {
  c_.Follow(2);
  EXPECT_FALSE(Parsed("server_stats").contains("proposal_stats"));
  c_.Lead();
  c_.ConnectAndCreate("/a");
  EXPECT_EQ(Parsed("server_stats")["proposal_stats"]["max_buffer_size"], c_.world.service.Stats().max_proposal_bytes);
}

TEST_F(CommandsTest, StatsAreThoseOfTheServerAndItsConnections) {
  c_.Lead();
  c_.connections.connections = {TwoConnections()[0]};
  Json stats = Parsed("stats");
  EXPECT_THAT(Keys(stats), ElementsAre("version", "read_only", "server_stats", "client_response", "proposal_stats",
                                       "node_count", "connections", "secure_connections", "command", "error"));
  ASSERT_EQ(stats["connections"].size(), 1u);
  EXPECT_THAT(Keys(stats["connections"][0]), ElementsAre("remote_socket_address", "interest_ops",
                                                         "outstanding_requests", "packets_received", "packets_sent"));
}

TEST_F(CommandsTest, SystemPropertiesAreSorted) {
  EXPECT_EQ(Run("system_properties"), R"({
  "os.name" : "Linux",
  "user.name" : "synod",
  "zookeeper.admin.serverPort" : "8080",
  "zookeeper.readonlymode.enabled" : "true",
  "command" : "system_properties",
  "error" : null
})");
}

TEST_F(CommandsTest, Watches) {
  c_.Lead();
  FakeDoor& a = c_.ConnectAndCreate("/a");
  FakeDoor& b = c_.ConnectAndCreate("/b");
  c_.world.Submit(a, {Read(7, GetData{"/a", true}), Read(8, AddWatch{"/b"})});
  c_.world.Submit(b, {Read(7, GetData{"/a", true})});
  EXPECT_EQ(Run("watch_summary"), R"({
  "num_connections" : 2,
  "num_paths" : 2,
  "num_total_watches" : 3,
  "command" : "watch_summary",
  "error" : null
})");
  std::string watches = R"({
  "session_id_to_watched_paths" : {
    "A" : [ "/a", "/b" ],
    "B" : [ "/a" ]
  },
  "command" : "watches",
  "error" : null
})";
  EXPECT_EQ(Run("watches"), absl::StrReplaceAll(watches, {{"\"A\"", absl::StrCat("\"", Id(a), "\"")},
                                                          {"\"B\"", absl::StrCat("\"", Id(b), "\"")}}));
  std::string by_path = R"({
  "path_to_session_ids" : {
    "/a" : [ A, B ],
    "/b" : [ A ]
  },
  "command" : "watches_by_path",
  "error" : null
})";
  EXPECT_EQ(Run("watches_by_path"), absl::StrReplaceAll(by_path, {{"[ A", absl::StrCat("[ ", Id(a))},
                                                                  {", B ]", absl::StrCat(", ", Id(b), " ]")}}));
}

TEST_F(CommandsTest, AnAliasIsAnsweredByThePrimaryName) {
  c_.Lead();
  const std::pair<const char*, const char*> kAliases[] = {{"conf", "configuration"},
                                                          {"config", "configuration"},
                                                          {"crst", "connection_stat_reset"},
                                                          {"cons", "connections"},
                                                          {"env", "environment"},
                                                          {"envi", "environment"},
                                                          {"icfg", "initial_configuration"},
                                                          {"isro", "is_read_only"},
                                                          {"lsnp", "last_snapshot"},
                                                          {"lead", "leader"},
                                                          {"mntr", "monitor"},
                                                          {"obsr", "observers"},
                                                          {"srvr", "server_stats"},
                                                          {"srst", "stat_reset"},
                                                          {"stat", "stats"},
                                                          {"sysp", "system_properties"},
                                                          {"wchs", "watch_summary"},
                                                          {"wchc", "watches"},
                                                          {"wchp", "watches_by_path"}};
  for (const auto& [alias, primary] : kAliases) EXPECT_EQ(Parsed(alias)["command"], primary) << alias;
}

TEST_F(CommandsTest, UnknownCommandsAreNotFound) {
  EXPECT_EQ(Run("nosuch", 404), "{\n  \"command\" : \"nosuch\",\n  \"error\" : \"Unknown command: nosuch\"\n}");
}

TEST_F(CommandsTest, WhatZooKeeperHasAndSynodHasNotIsToldApart) {
  c_.Lead();
  const std::pair<const char*, const char*> kMissing[] = {
      {"get_trace_mask", "gtmk"}, {"set_trace_mask", "stmk"}, {"hash", "hash"},
      {"snapshot", "snap"},       {"restore", "rest"},        {"observer_connection_stat_reset", "orst"}};
  for (const auto& [name, alias] : kMissing) {
    EXPECT_EQ(Run(alias, 501), Run(name, 501));
    EXPECT_EQ(Json::parse(Run(name, 501), nullptr, false)["error"], absl::StrCat("Not offered by Synod: ", name));
    EXPECT_THAT(CommandNames(), Not(Contains(name)));
  }
}

TEST(CommandNamesTest, AreThoseOfZooKeeperThatAreOffered) {
  EXPECT_THAT(CommandNames(),
              ElementsAre("configuration", "connection_stat_reset", "connections", "dirs", "dump", "environment",
                          "initial_configuration", "is_read_only", "last_snapshot", "leader", "monitor", "observers",
                          "ruok", "server_stats", "stat_reset", "stats", "system_properties", "voting_view",
                          "watch_summary", "watches", "watches_by_path", "zabstate"));
}

TEST(CommandsWithoutLoopTest, AreUnavailable) {
  EXPECT_EQ(CommandWithoutLoop("ruok").status, 503);
  EXPECT_EQ(CommandWithoutLoop("ruok").body,
            "{\n  \"command\" : \"ruok\",\n  \"error\" : \"the loop does not answer\"\n}");
}

TEST(JsonTextTest, BytesThatAreNoTextAreReplaced) {
  EXPECT_EQ(JsonText(Json{{"a\xff", "b\xff\n\"q\""}}), "{\n  \"a\xEF\xBF\xBD\" : \"b\xEF\xBF\xBD\\n\\\"q\\\"\"\n}");
  EXPECT_EQ(JsonText(Json::array({1, Json::object(), Json::array(), Json::array({2})})), "[ 1, { }, [ ], [ 2 ] ]");
}

}  // namespace
}  // namespace synod::frontdoor::commands

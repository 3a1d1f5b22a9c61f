// AdminServer commands that show the ensemble, and those of a server without a quorum.
#include "absl/strings/str_replace.h"
#include "tests/unit/coordinator/frontdoor/commands/commands_fixture.h"

namespace synod::frontdoor::commands {
namespace {

using testing::CommandsTest;
using testing::CommandsWorld;
using testing::Json;

TEST_F(CommandsTest, Leader) {
  c_.Follow(2);
  EXPECT_EQ(Run("leader"), R"({
  "is_leader" : false,
  "leader_id" : 2,
  "leader_ip" : "host2",
  "command" : "leader",
  "error" : null
})");
  c_.Lead();
  EXPECT_EQ(Parsed("leader")["is_leader"], true);
  c_.facts.standalone = true;
  EXPECT_EQ(Parsed("leader")["error"], "server is not initialized");
}

TEST_F(CommandsTest, Observers) {
  c_.Lead();
  EXPECT_EQ(Run("observers"), R"({
  "synced_observers" : 1,
  "observers" : [ {
    "sid" : 3,
    "remote_socket_address" : "[::1]:2888"
  } ],
  "command" : "observers",
  "error" : null
})");
  c_.Follow(2);
  EXPECT_EQ(Parsed("observers")["observers"], Json::array());
}

TEST_F(CommandsTest, VotingView) {
  c_.Lead();
  EXPECT_EQ(Run("voting_view"), R"({
  "current_config" : {
    "1" : {
      "server_addresses" : [ "host1:2888" ],
      "election_addresses" : [ "host1:3888" ],
      "client_address" : "0.0.0.0:2181",
      "learner_type" : "participant"
    },
    "2" : {
      "server_addresses" : [ "host2:2888" ],
      "election_addresses" : [ "host2:3888" ],
      "client_address" : "",
      "learner_type" : "participant"
    }
  },
  "command" : "voting_view",
  "error" : null
})");
  c_.facts.server_id = 2;
  EXPECT_EQ(Parsed("voting_view")["current_config"]["2"]["client_address"], "127.0.0.1:2181");
  c_.facts.membership.clear();
  EXPECT_EQ(Parsed("voting_view")["current_config"], Json::object());
}

TEST_F(CommandsTest, ZabState) {
  c_.Lead();
  std::string text = R"({
  "myid" : 1,
  "is_leader" : true,
  "quorum_address" : {
    "empty" : false,
    "wildcard_addresses" : [ "0.0.0.0:2888" ],
    "all_ports" : [ 2888 ],
    "all_host_strings" : [ "host1" ],
    "all_addresses" : [ "host1:2888" ],
    "one" : "host1:2888"
  },
  "election_address" : {
    "empty" : false,
    "wildcard_addresses" : [ "0.0.0.0:3888" ],
    "all_ports" : [ 3888 ],
    "all_host_strings" : [ "host1" ],
    "all_addresses" : [ "host1:3888" ],
    "one" : "host1:3888"
  },
  "client_address" : "127.0.0.1:2181",
  "voting" : true,
  "last_zxid" : "0xZXID",
  "zab_epoch" : 1,
  "zab_counter" : COUNTER,
  "zabstate" : "broadcast",
  "command" : "zabstate",
  "error" : null
})";
  int64_t zxid = c_.world.machine.last_zxid().value();
  EXPECT_EQ(Run("zabstate"),
            absl::StrReplaceAll(text, {{"ZXID", absl::StrFormat("%x", zxid)}, {"COUNTER", absl::StrCat(zxid)}}));
  c_.facts.observer = true;
  EXPECT_EQ(Parsed("zabstate")["voting"], false);
  c_.world.LoseLeader();
  EXPECT_EQ(Parsed("zabstate")["zabstate"], "election");
  c_.facts.standalone = true;
  EXPECT_EQ(Run("zabstate"),
            "{\n  \"voting\" : false,\n  \"zabstate\" : \"\",\n  \"command\" : \"zabstate\",\n  \"error\" : null\n}");
}

TEST_F(CommandsTest, WithoutAQuorumMostCommandsSayThatNobodyIsServed) {
  for (const std::string& name : CommandNames()) {
    Json answer = Parsed(name);
    if (name == "environment" || name == "system_properties" || name == "zabstate") {
      EXPECT_EQ(answer["error"], Json(nullptr)) << name;
    } else {
      EXPECT_EQ(answer["error"], "This ZooKeeper instance is not currently serving requests") << name;
    }
  }
  EXPECT_EQ(c_.connections.connection_resets + c_.connections.counter_resets, 0);
}

TEST(ReadOnlyCommandsTest, AReadOnlyServerSaysSo) {
  service::ServiceConfig config = service::testing::TestConfig();
  config.read_only_mode = true;
  CommandsWorld c(config);
  c.Lead();
  c.ConnectAndCreate("/a");
  c.world.LoseLeader();
  c.world.loop.Advance(absl::Seconds(10));
  auto parsed = [&](const char* name) { return Json::parse(RunCommand(name, c.context).body, nullptr, false); };
  EXPECT_EQ(parsed("is_read_only")["read_only"], true);
  EXPECT_EQ(parsed("server_stats")["read_only"], true);
  EXPECT_EQ(parsed("server_stats")["server_stats"]["server_state"], "read-only");
  EXPECT_EQ(parsed("leader")["error"], "server is not initialized");
  EXPECT_EQ(parsed("zabstate")["zabstate"], "");
  EXPECT_EQ(parsed("voting_view")["current_config"], Json::object());
  EXPECT_EQ(parsed("monitor")["server_state"], "read-only");
  EXPECT_FALSE(parsed("monitor").contains("peer_state"));
}

}  // namespace
}  // namespace synod::frontdoor::commands

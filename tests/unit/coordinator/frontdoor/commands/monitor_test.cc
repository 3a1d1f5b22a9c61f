// mntr's figures (specs: ZooKeeper protocol, section 20).
#include "coordinator/frontdoor/commands/monitor.h"

#include <map>

#include "absl/strings/str_split.h"
#include "coordinator/frontdoor/commands/words.h"
#include "tests/unit/coordinator/frontdoor/commands/commands_world.h"

namespace synod::frontdoor::commands {
namespace {

using service::GetData;
using service::testing::FakeDoor;
using service::testing::Read;
using service::testing::Write;
using testing::CommandsWorld;
using ::testing::ElementsAreArray;

class MonitorTest : public ::testing::Test {
 protected:
  // The lines of mntr, without "zk_".
  std::vector<std::pair<std::string, std::string>> Lines() {
    std::vector<std::pair<std::string, std::string>> lines;
    std::vector<std::string> rows = absl::StrSplit(AnswerWord("mntr", c_.context), '\n');
    EXPECT_EQ(rows.back(), "");
    rows.pop_back();
    for (const std::string& row : rows) {
      std::pair<std::string, std::string> parts = absl::StrSplit(row, absl::MaxSplits('\t', 1));
      EXPECT_EQ(parts.first.substr(0, 3), "zk_") << row;
      lines.emplace_back(parts.first.substr(3), parts.second);
    }
    return lines;
  }
  std::map<std::string, std::string> Values() {
    auto lines = Lines();
    return {lines.begin(), lines.end()};
  }
  std::vector<std::string> Keys() {
    std::vector<std::string> keys;
    for (const auto& [key, value] : Lines()) keys.push_back(key);
    return keys;
  }

  CommandsWorld c_;
};

const std::vector<std::string> kServerKeys = {"avg_latency",
                                              "max_latency",
                                              "min_latency",
                                              "packets_received",
                                              "packets_sent",
                                              "num_alive_connections",
                                              "outstanding_requests",
                                              "uptime",
                                              "znode_count",
                                              "watch_count",
                                              "ephemerals_count",
                                              "approximate_data_size",
                                              "global_sessions",
                                              "open_file_descriptor_count",
                                              "max_file_descriptor_count"};
const std::vector<std::string> kDoorKeys = {
    "last_client_response_size",       "max_client_response_size", "min_client_response_size", "connection_rejected",
    "sessionless_connections_expired", "bytes_received_count",     "large_requests_rejected"};
const std::vector<std::string> kCounterKeys = {"pending_syncs",
                                               "connection_drop_count",
                                               "connection_revalidate_count",
                                               "cnxn_closed_without_zk_server_running",
                                               "stale_sessions_expired",
                                               "sum_node_created_watch_count",
                                               "sum_node_deleted_watch_count",
                                               "sum_node_changed_watch_count",
                                               "sum_node_children_watch_count",
                                               "avg_readlatency",
                                               "min_readlatency",
                                               "max_readlatency",
                                               "cnt_readlatency",
                                               "sum_readlatency",
                                               "p50_readlatency",
                                               "p95_readlatency",
                                               "p99_readlatency",
                                               "p999_readlatency",
                                               "avg_updatelatency",
                                               "min_updatelatency",
                                               "max_updatelatency",
                                               "cnt_updatelatency",
                                               "sum_updatelatency",
                                               "p50_updatelatency",
                                               "p95_updatelatency",
                                               "p99_updatelatency",
                                               "p999_updatelatency",
                                               "avg_fsynctime",
                                               "min_fsynctime",
                                               "max_fsynctime",
                                               "cnt_fsynctime",
                                               "sum_fsynctime",
                                               "p50_fsynctime",
                                               "p95_fsynctime",
                                               "p99_fsynctime",
                                               "p999_fsynctime"};

std::vector<std::string> Join(std::vector<std::vector<std::string>> parts) {
  std::vector<std::string> out;
  for (const auto& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

TEST_F(MonitorTest, ALeaderShowsItsFollowersToo) {
  c_.Lead();
  EXPECT_THAT(Keys(),
              ElementsAreArray(Join({{"version", "server_state", "peer_state"},
                                     kServerKeys,
                                     {"quorum_size", "learners", "followers", "synced_followers", "synced_observers",
                                      "leader_uptime", "last_proposal_size", "max_proposal_size", "min_proposal_size"},
                                     kDoorKeys,
                                     kCounterKeys})));
}

TEST_F(MonitorTest, AFollowerShowsTheSizeOfTheQuorum) {
  c_.Follow(2);
  EXPECT_THAT(Keys(),
              ElementsAreArray(Join(
                  {{"version", "server_state", "peer_state"}, kServerKeys, {"quorum_size"}, kDoorKeys, kCounterKeys})));
  auto values = Values();
  EXPECT_EQ(values["server_state"], "follower");
  EXPECT_EQ(values["peer_state"], "following - broadcast");
  EXPECT_EQ(values["quorum_size"], "2");
  c_.facts.observer = true;
  EXPECT_EQ(Values()["peer_state"], "observing - broadcast");
}

TEST_F(MonitorTest, ALoneServerWithoutThatDoorShowsTheRest) {
  c_.Lead();
  c_.facts.standalone = true;
  c_.context.connections = nullptr;
  EXPECT_THAT(Keys(), ElementsAreArray(Join({{"version", "server_state"}, kServerKeys, kCounterKeys})));
  EXPECT_EQ(Values()["server_state"], "standalone");
}

TEST_F(MonitorTest, TheStateOfALeader) {
  c_.Lead();
  FakeDoor& a = c_.ConnectAndCreate("/a", /*ephemeral=*/true);
  c_.world.Submit(a, {Read(7, GetData{"/a", true})});
  c_.world.Submit(a, {Write(2, service::testing::Set("/a", "xy"))});
  auto values = Values();
  EXPECT_EQ(values["version"], c_.facts.version);
  EXPECT_EQ(values["server_state"], "leader");
  EXPECT_EQ(values["peer_state"], "leading - broadcast");
  EXPECT_EQ(values["outstanding_requests"], "1");
  EXPECT_EQ(values["avg_latency"], "1.5");
  EXPECT_EQ(values["max_latency"], "3");
  EXPECT_EQ(values["min_latency"], "0");
  EXPECT_EQ(values["packets_received"], "4");
  EXPECT_EQ(values["packets_sent"], "3");
  EXPECT_EQ(values["num_alive_connections"], "1");
  EXPECT_EQ(values["uptime"], "5000");
  EXPECT_EQ(values["znode_count"], "6");
  EXPECT_EQ(values["watch_count"], "1");
  EXPECT_EQ(values["ephemerals_count"], "1");
  EXPECT_EQ(values["global_sessions"], "1");
  EXPECT_EQ(values["open_file_descriptor_count"], "40");
  EXPECT_EQ(values["max_file_descriptor_count"], "20000");
  EXPECT_EQ(values["approximate_data_size"], absl::StrCat(c_.world.machine.tree().data_bytes()));
  EXPECT_EQ(values["last_client_response_size"], "-1");
  EXPECT_EQ(values["cnt_readlatency"], "1");
  EXPECT_EQ(values["cnt_updatelatency"], "1");
  EXPECT_EQ(values["avg_updatelatency"], "3.0");
  EXPECT_EQ(values["p999_updatelatency"], "3");
  EXPECT_EQ(values["cnt_fsynctime"], "2");
  EXPECT_EQ(values["sum_fsynctime"], "6");
  EXPECT_EQ(values["max_fsynctime"], "4");
  c_.world.ApplyAll();
  values = Values();
  EXPECT_EQ(values["sum_node_changed_watch_count"], "1");
  EXPECT_EQ(values["sum_node_created_watch_count"], "0");
  EXPECT_EQ(values["outstanding_requests"], "0");
}

TEST_F(MonitorTest, FollowersAreCountedByVoteAndByWhetherTheyKeepUp) {
  c_.Lead();
  auto expect = [&](std::string learners, std::string followers, std::string synced, std::string observers) {
    auto values = Values();
    EXPECT_EQ(values["learners"], learners);
    EXPECT_EQ(values["followers"], followers);
    EXPECT_EQ(values["synced_followers"], synced);
    EXPECT_EQ(values["synced_observers"], observers);
  };
  expect("2", "1", "1", "1");
  consensus::CoreStatus& core = c_.world.node.rest.core;
  core.commit = LogIndex(5000);
  core.peers[0].match = LogIndex(3999);
  core.peers[1].match = LogIndex(4000);
  expect("2", "1", "0", "1");
  core.peers[1].recently_active = false;
  expect("1", "1", "0", "0");
  EXPECT_EQ(Values()["quorum_size"], "2");
}

TEST_F(MonitorTest, TheLeadersReignIsTold) {
  c_.Lead();
  c_.world.loop.Advance(absl::Milliseconds(300));
  EXPECT_EQ(Values()["leader_uptime"], "500");
}

// Each has a value of its own, so that none stands in for another.
TEST_F(MonitorTest, WhatTheDoorCountsIsShown) {
  c_.Lead();
  DoorCounters& counters = c_.connections.counters;
  counters.rejected = 101;
  counters.sessionless_expired = 102;
  counters.bytes_received = 103;
  counters.last_response_bytes = 104;
  counters.min_response_bytes = 105;
  counters.max_response_bytes = 106;
  counters.large_requests_rejected = 107;
  auto values = Values();
  EXPECT_EQ(values["connection_rejected"], "101");
  EXPECT_EQ(values["sessionless_connections_expired"], "102");
  EXPECT_EQ(values["bytes_received_count"], "103");
  EXPECT_EQ(values["last_client_response_size"], "104");
  EXPECT_EQ(values["min_client_response_size"], "105");
  EXPECT_EQ(values["max_client_response_size"], "106");
  EXPECT_EQ(values["large_requests_rejected"], "107");
}

TEST(SummaryTest, QuantilesLieWithinTheirBuckets) {
  service::LatencyStats stats;
  EXPECT_EQ(Summarize(stats).p99, 0);
  for (int i = 0; i < 90; ++i) stats.Add(absl::Microseconds(1000));
  for (int i = 0; i < 10; ++i) stats.Add(absl::Microseconds(40000));
  Summary summary = Summarize(stats);
  EXPECT_EQ(summary.count, 100u);
  EXPECT_DOUBLE_EQ(summary.sum, 490);
  EXPECT_DOUBLE_EQ(summary.min, 1);
  EXPECT_DOUBLE_EQ(summary.max, 40);
  EXPECT_GE(summary.p50, 1);
  EXPECT_LE(summary.p50, 1.024);
  EXPECT_GE(summary.p95, 32.768);
  EXPECT_LE(summary.p999, 40);
  EXPECT_LE(summary.p95, summary.p99);
  EXPECT_LE(summary.p99, summary.p999);
}

TEST(SummaryTest, TheLastBucketIsOpen) {
  service::LatencyStats stats;
  stats.Add(absl::Seconds(1000));
  EXPECT_DOUBLE_EQ(Summarize(stats).p50, 1'000'000);
}

TEST(JavaDoubleTest, HasOneToFourDecimals) {
  EXPECT_EQ(JavaDouble(0), "0.0");
  EXPECT_EQ(JavaDouble(3), "3.0");
  EXPECT_EQ(JavaDouble(0.48651), "0.4865");
  EXPECT_EQ(JavaDouble(10), "10.0");
  EXPECT_EQ(JavaDouble(1.5), "1.5");
}

}  // namespace
}  // namespace synod::frontdoor::commands

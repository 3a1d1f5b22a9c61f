// What the operators' commands look at, all of it scripted: a lone service whose clock a test steps, connections as a
// door would tell them, and a process.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "coordinator/frontdoor/commands/facts.h"
#include "tests/unit/coordinator/service/fakes.h"

namespace synod::frontdoor::commands::testing {

class FakeConnections final : public ConnectionSource {
 public:
  std::vector<ConnectionFacts> Connections() const override { return connections; }
  DoorCounters Counters() const override { return counters; }
  void ResetConnections() override { ++connection_resets; }
  void ResetCounters() override { ++counter_resets; }

  std::vector<ConnectionFacts> connections;
  DoorCounters counters;
  int connection_resets = 0;
  int counter_resets = 0;
};

inline ServerFacts EnsembleFacts() {
  ServerFacts facts;
  facts.version = "3.9.3-synod-0.1.0, built on 2026-11-23 03:00 UTC";
  facts.server_id = 1;
  facts.client_port = 2181;
  facts.client_address = "127.0.0.1";
  facts.election_port = 3888;
  facts.quorum_port = 2888;
  facts.data_dir = "/data";
  facts.data_log_dir = "/log";
  facts.tick_time_ms = 2000;
  facts.session_timeout_min_ms = 4000;
  facts.session_timeout_max_ms = 40000;
  facts.max_client_cnxns = 60;
  facts.init_limit = 10;
  facts.sync_limit = 5;
  facts.membership =
      "server.1=host1:2888:3888:participant;0.0.0.0:2181\n"
      "server.2=host2:2888:3888:participant\n"
      "server.3=[::1]:2888:3888:observer";
  facts.all_words = true;
  facts.environment = {
      {"zookeeper.version", facts.version}, {"host.name", "host1"}, {"os.name", "Linux"}, {"user.name", "synod"}};
  facts.initial_configuration = {{"tickTime", "2000"}, {"dataDir", "/data"}};
  facts.system_properties = {{"zookeeper.readonlymode.enabled", "true"}, {"zookeeper.admin.serverPort", "8080"}};
  return facts;
}

class CommandsWorld {
 public:
  explicit CommandsWorld(service::ServiceConfig config = service::testing::TestConfig())
      : world(std::move(config)), facts(EnsembleFacts()) {
    process.uptime_ms = 5000;
    process.open_files = 40;
    process.sync_times.Add(absl::Milliseconds(2));
    process.sync_times.Add(absl::Milliseconds(4));
    process.max_files = 20000;
    process.data_dir_bytes = 1111;
    process.data_log_dir_bytes = 2222;
    process.free_memory_mb = 10;
    process.max_memory_mb = 30;
    process.total_memory_mb = 20;
    context.facts = &facts;
    context.service = &world.service;
    context.connections = &connections;
    context.clock = &world.clock;
    context.process = [this] { return process; };
    consensus::Configuration& members = world.node.rest.configuration;
    auto identity = [](uint32_t server) { return consensus::Identity{ServerId(server), StorageId(server)}; };
    members.members = {{identity(1), consensus::MemberRole::kVoter, "host1:2888"},
                       {identity(2), consensus::MemberRole::kVoter, "host2:2888"},
                       {identity(3), consensus::MemberRole::kLearner, "[::1]:2888"}};
    for (uint32_t server : {2u, 3u}) {
      consensus::PeerProgress progress;
      progress.identity = identity(server);
      progress.recently_active = true;
      world.node.rest.core.peers.push_back(progress);
    }
  }

  // Until this server has heard that it leads, or who does.
  void Lead() {
    world.Lead();
    world.ApplyAll();
    Settle();
  }
  void Follow(uint32_t leader) {
    world.Follow(leader);
    world.ApplyAll();
    Settle();
  }
  void Settle() {
    world.loop.Advance(absl::Milliseconds(200));
    world.ApplyAll();
  }
  // A session whose first write, a znode, took 3 ms.
  service::testing::FakeDoor& ConnectAndCreate(const std::string& path, bool ephemeral = false) {
    service::testing::FakeDoor& door = world.Connect();
    world.Submit(door, {service::testing::Write(
                           1, ephemeral ? service::testing::Ephemeral(path) : service::testing::Create(path, "abc"))});
    world.clock.now += absl::Milliseconds(3);
    world.ApplyAll();
    return door;
  }

  service::testing::World world;
  ServerFacts facts;
  ProcessFacts process;
  FakeConnections connections;
  CommandContext context;
};

inline std::string Hex(const service::testing::FakeDoor& door) {
  return absl::StrFormat("0x%x", door.connected.session.value());
}

// One that has a session, and one that asks for a word.
inline std::vector<ConnectionFacts> TwoConnections() {
  ConnectionFacts client;
  client.address = "127.0.0.1";
  client.port = 45610;
  client.wants_input = true;
  client.received = 12;
  client.sent = 11;
  client.session = SessionId(0x100000a1b2c0000);
  client.last_operation = "PING";
  client.established_wall_ms = 1700003600000;  // the test's clocks: an hour has passed by both
  client.session_timeout = absl::Milliseconds(30000);
  client.last_xid = 5;
  client.last_zxid = Zxid(0x12);
  client.last_response = absl::Milliseconds(3600100);
  client.last_latency = absl::Milliseconds(1);
  client.min_latency = absl::Microseconds(300);
  client.max_latency = absl::Milliseconds(9);
  client.latency_sum = absl::Milliseconds(22);
  client.latency_count = 11;
  ConnectionFacts asking;
  asking.address = "::1";
  asking.port = 45622;
  asking.received = 1;
  asking.last_operation = "NA";
  asking.last_zxid = Zxid(-1);
  asking.established_wall_ms = 1700003600000;
  return {client, asking};
}

}  // namespace synod::frontdoor::commands::testing

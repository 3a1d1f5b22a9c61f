// What the operators' commands know besides the service: the process and its configuration, as plain values.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/base/clock.h"
#include "coordinator/frontdoor/commands/connection_facts.h"
#include "coordinator/service/service.h"

namespace synod::frontdoor::commands {

// Fixed while the process lives.
struct ServerFacts {
  // "3.9.3-synod-VERSION, built on YYYY-MM-DD HH:MM UTC": tools take the protocol's version from its first number.
  std::string version;
  uint32_t server_id = 0;
  bool standalone = false;  // a single server without peers
  bool observer = false;    // by its server line
  uint16_t client_port = 0;
  std::string client_address;              // clientPortAddress
  int64_t sessionless_timeout_ms = 10000;  // DoorConfig::sessionless_timeout
  uint16_t election_port = 0;
  uint16_t quorum_port = 0;
  std::string data_dir;
  std::string data_log_dir;
  int64_t tick_time_ms = 0;
  int64_t session_timeout_min_ms = 0;
  int64_t session_timeout_max_ms = 0;
  uint32_t max_client_cnxns = 0;
  int32_t listen_backlog = -1;
  int64_t init_limit = 0;  // as in the file; 0: not given
  int64_t sync_limit = 0;
  // Server lines as in /zookeeper/config, without "version="; shown while that node is empty. Empty: standalone.
  std::string membership;
  // 4lw.commands.whitelist: words that are answered.
  std::vector<std::string> whitelist;
  bool all_words = false;       // "*"
  bool read_only_mode = false;  // readonlymode.enabled: isro is answered whatever the whitelist says (16.1)
  // Of the environment: zookeeper.version, host.name, os.name, os.arch, os.version, user.name, user.home, user.dir, in
  // ZooKeeper's order.
  std::vector<std::pair<std::string, std::string>> environment;
  // The configuration file's keys and values, in its order; none without a file.
  std::vector<std::pair<std::string, std::string>> initial_configuration;
  // Those of its keys that ZooKeeper takes as system properties, by their full name ("zookeeper.KEY"); any order.
  std::vector<std::pair<std::string, std::string>> system_properties;
};

// Changes. Read on the loop, so it is to be gathered elsewhere if that takes long (sizes of directories).
struct ProcessFacts {
  uint64_t uptime_ms = 0;
  uint64_t cpu_us = 0;
  uint64_t resident_bytes = 0;
  uint64_t open_files = 0;
  uint64_t max_files = 0;
  uint64_t data_dir_bytes = 0;      // snapshots
  uint64_t data_log_dir_bytes = 0;  // log
  // os.memory.*: for ZooKeeper its heap. Here total: resident; max: what the process may use; free: max - total.
  uint64_t free_memory_mb = 0, max_memory_mb = 0, total_memory_mb = 0;
  service::LatencyStats sync_times;  // of the log, one per sync
  // Of the newest snapshot on disk; both -1: there is none, or it is not known.
  int64_t last_snapshot_zxid = -1;
  int64_t last_snapshot_wall_s = -1;
};

// What a command may look at. Loop only; outlives every door that uses it. All are set, but `connections` may be null:
// no such door.
struct CommandContext {
  const ServerFacts* facts = nullptr;
  service::Service* service = nullptr;
  ConnectionSource* connections = nullptr;
  const Clock* clock = nullptr;
  std::function<ProcessFacts()> process;
};

}  // namespace synod::frontdoor::commands

// The configuration of a server: a zoo.cfg in ZooKeeper's key=value form with a few keys more, and the myid file beside
// the data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/node/formation.h"

namespace synod::server {

struct ServerConfig {
  ServerId id;
  std::string data_dir;
  std::string data_log_dir;                  // dataLogDir; default dataDir
  std::vector<node::Seed> seeds;             // server.N; a file without them is a single server
  std::string peer_listen_address;           // own server.N line (or 0.0.0.0 with quorumListenOnAllIPs)
  uint16_t peer_port = 0;                    // 0: a single server without peers
  std::string client_address = "127.0.0.1";  // clientPortAddress
  uint16_t client_port = 2181;
  uint16_t grpc_port = 0;                   // grpcPort; default clientPort + 100
  bool admin_enabled = true;                // admin.enableServer
  std::string admin_address = "127.0.0.1";  // admin.serverAddress
  uint16_t admin_port = 8080;               // admin.serverPort
  absl::Duration tick_time = absl::Milliseconds(3000);
  absl::Duration session_timeout_min;                             // default 2 tickTime
  absl::Duration session_timeout_max;                             // default 20 tickTime
  uint32_t max_connections_per_address = 60;                      // maxClientCnxns; 0: no limit
  uint32_t max_connections = 20000;                               // maxCnxns
  uint32_t max_data_bytes = 1048575;                              // jute.maxbuffer; 32 MB at most
  absl::Duration election_timeout_min = absl::Milliseconds(300);  // electionTimeoutMin
  absl::Duration election_timeout_max = absl::Milliseconds(600);  // electionTimeoutMax
  uint64_t memory_limit_bytes = 0;                                // memoryLimitMb, of the state; 0: none
  uint64_t disk_reserve_bytes = 64 << 20;                         // diskReserveMb
  uint64_t log_segment_bytes = 64 << 20;                          // preAllocSize
  uint64_t log_retain_bytes = 64 << 20;                           // logRetainMb
  uint64_t snapshot_every_records = 100000;                       // snapCount
  uint64_t snapshot_every_bytes = 32 << 20;                       // snapSizeLimitInKb
  absl::Duration slow_operation = absl::Milliseconds(500);        // slowOperationMs
  bool form_without_peers = false;                                // formWithoutPeers (D10)
  uint64_t watch_window_bytes = 32 << 20;                         // watchWindowMb
  absl::Duration container_idle = absl::Seconds(60);              // znode.container.checkIntervalMs
  uint32_t removals_per_minute = 10000;                           // znode.container.maxPerMinute
  // Settings of the ensemble (statemachine/settings.h): what the leader's file says is written into the log. nullopt:
  // the file is silent, which means the default, not "as before".
  std::string super_digest;            // DigestAuthenticationProvider.superDigest
  std::optional<bool> skip_acl;        // skipACL
  std::optional<bool> enforce_quota;   // enforceQuota
  std::optional<bool> extended_types;  // extendedTypesEnabled
  std::string log_level = "info";      // logLevel
  std::string log_file;                // logFile; default standard error
  // Keys that were not understood or have no effect here, with the reason; to be logged.
  std::vector<std::string> warnings;
};

// Parses the text of a configuration file. `my_id` is the content of dataDir/myid, read by the caller after
// ParseDataDir; empty if there is none. InvalidArgument with line number and reason for a value that is impossible or
// contradicts another.
absl::StatusOr<ServerConfig> ParseConfig(std::string_view text, std::string_view my_id);
// The dataDir of a configuration file. InvalidArgument if there is none.
absl::StatusOr<std::string> ParseDataDir(std::string_view text);
// Reads file and myid. NotFound naming the missing one.
absl::StatusOr<ServerConfig> LoadConfig(const std::string& path);

}  // namespace synod::server

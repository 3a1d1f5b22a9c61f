// The configuration of a server: a zoo.cfg as ZooKeeper reads it with a few keys more, and the myid file beside the
// data (specs: ZooKeeper protocol, section 22). A key that ZooKeeper documents is honoured or named in a warning; any
// other is, as in ZooKeeper, the system property zookeeper.KEY, and a warning says that it means nothing here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/node/formation.h"

namespace synod::server {

// What 4lw.commands.whitelist is when the file is silent.
std::vector<std::string> DefaultFourLetterWords();

struct ServerConfig {
  ServerId id;
  std::string data_dir;
  std::string data_log_dir;                     // dataLogDir; default dataDir
  bool make_directories = true;                 // datadir.autocreate
  std::vector<node::Seed> seeds;                // server.N; a file without them is a single server
  bool standalone = true;                       // at most one server line, and standaloneEnabled; shown, nothing else
  bool observer = false;                        // by the own server line
  std::string membership;                       // statemachine::kMembershipSetting; empty: standalone
  std::string peer_listen_address;              // own server.N line (or 0.0.0.0 with quorumListenOnAllIPs)
  uint16_t peer_port = 0;                       // 0: a single server without peers
  uint16_t election_port = 0;                   // own server.N line; shown, not used
  std::string client_address = "127.0.0.1";     // clientPortAddress, or of the own server line; of gRPC too
  uint16_t client_port = 2181;                  // ZooKeeper's protocol
  int32_t listen_backlog = -1;                  // clientPortListenBacklog; -1: the system's
  uint16_t grpc_port = 0;                       // grpcPort; default clientPort + 100
  bool admin_enabled = true;                    // admin.enableServer
  std::string admin_address = "127.0.0.1";      // admin.serverAddress
  uint16_t admin_port = 8080;                   // admin.serverPort
  std::string admin_command_url = "/commands";  // admin.commandURL
  absl::Duration admin_idle_timeout = absl::Seconds(1);  // admin.idleTimeout; not longer
  bool metrics_door = false;                  // metricsProvider.className names Prometheus: /metrics on a port more
  std::string metrics_address = "127.0.0.1";  // metricsProvider.httpHost
  uint16_t metrics_port = 7000;               // metricsProvider.httpPort
  std::vector<std::string> four_letter_words = DefaultFourLetterWords();  // 4lw.commands.whitelist
  bool all_four_letter_words = false;                                     // "*"
  absl::Duration tick_time = absl::Milliseconds(3000);
  absl::Duration session_timeout_min;         // default 2 tickTime
  absl::Duration session_timeout_max;         // default 20 tickTime
  uint32_t init_limit = 0, sync_limit = 0;    // ticks; shown by conf, nothing else. 0: not given
  uint32_t max_connections_per_address = 60;  // maxClientCnxns; 0: no limit
  uint32_t max_connections = 20000;           // maxCnxns; 0: no limit
  uint32_t max_outstanding = 1000;            // globalOutstandingLimit, of one connection
  uint32_t connection_tokens = 0;             // connectionMaxTokens; 0: no throttle
  uint32_t connection_token_fill_count = 1;   // connectionTokenFillCount
  absl::Duration connection_token_fill_time = absl::Milliseconds(1);  // connectionTokenFillTime
  absl::Duration sessionless_timeout = absl::Seconds(10);             // nio.sessionlessCnxnTimeout
  bool client_keep_alive = false;                                     // clientTcpKeepAlive
  bool read_only_mode = false;                                        // readonlymode.enabled
  bool linearizable_reads = false;                                    // linearizableReads
  std::vector<std::string> enforced_schemes;                          // enforce.auth.schemes, if .enabled; empty: off
  uint32_t max_data_bytes = 1048575;                                  // jute.maxbuffer; 32 MB at most
  absl::Duration election_timeout_min = absl::Milliseconds(300);      // electionTimeoutMin
  absl::Duration election_timeout_max = absl::Milliseconds(600);      // electionTimeoutMax
  uint64_t memory_limit_bytes = 0;                                    // memoryLimitMb, of the state; 0: none
  uint64_t disk_reserve_bytes = 64 << 20;                             // diskReserveMb
  uint64_t log_segment_bytes = 64 << 20;                              // preAllocSize
  uint64_t log_retain_bytes = 64 << 20;                               // logRetainMb
  uint64_t snapshot_every_records = 100000;                           // snapCount
  uint64_t snapshot_every_bytes = 32 << 20;                           // snapSizeLimitInKb
  absl::Duration slow_operation = absl::Milliseconds(500);            // slowOperationMs
  bool form_without_peers = false;                                    // formWithoutPeers (D10)
  uint64_t watch_window_bytes = 16 << 20;                             // watchWindowMb
  uint64_t log_cache_bytes = 4 << 20;                                 // logCacheMb
  absl::Duration container_idle = absl::Seconds(60);                  // znode.container.checkIntervalMs
  uint32_t removals_per_minute = 10000;                               // znode.container.maxPerMinute
  // Settings of the ensemble (statemachine/settings.h): what the leader's file says is written into the log. nullopt:
  // the file is silent, which means the default, not "as before".
  std::string super_digest;            // DigestAuthenticationProvider.superDigest
  std::optional<bool> skip_acl;        // skipACL
  std::optional<bool> enforce_quota;   // enforceQuota
  std::optional<bool> extended_types;  // extendedTypesEnabled
  std::string log_level = "info";      // logLevel
  std::string log_file;                // logFile; default standard error
  // Keys and values of the files as they are in force, by line; secrets are left out. For operators' commands.
  std::vector<std::pair<std::string, std::string>> given;
  // Keys that have no effect, values that were replaced and what may surprise who comes from ZooKeeper, with the reason
  // and, where there is one, the line; to be logged.
  std::vector<std::string> warnings;
};

// `text` is the file, `my_id` the content of dataDir/myid (empty if there is none), `dynamic` that of
// dynamicConfigFile. InvalidArgument with line number and reason for a value that is impossible, contradicts another,
// or would open what the file means to close.
absl::StatusOr<ServerConfig> ParseConfig(std::string_view text, std::string_view my_id,
                                         std::optional<std::string_view> dynamic = std::nullopt);
// Reads file, dynamicConfigFile and myid. NotFound naming the missing one.
absl::StatusOr<ServerConfig> LoadConfig(const std::string& path);

}  // namespace synod::server

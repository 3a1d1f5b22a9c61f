// What the operators' commands show of the client connections of this server.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/base/ids.h"

namespace synod::frontdoor::commands {

// One ZooKeeper connection; the fields of `cons` (specs: ZooKeeper protocol, 19.2).
struct ConnectionFacts {
  std::string address;  // without port; IPv6 without brackets
  uint16_t port = 0;
  bool wants_input = false;   // interest in reading
  bool wants_output = false;  // bytes wait to be written
  uint64_t outstanding = 0;   // requests taken and not answered
  uint64_t received = 0;      // packets
  uint64_t sent = 0;
  SessionId session;                // 0: none (yet)
  std::string_view last_operation;  // "NA", "SESS", "PING", "CREA", ...
  int64_t established_wall_ms = 0;
  absl::Duration session_timeout;
  int32_t last_xid = -1;
  Zxid last_zxid;                // -1 (as in ZooKeeper): no reply yet
  absl::Duration last_response;  // by the monotonic clock
  absl::Duration last_latency;
  absl::Duration min_latency;
  absl::Duration max_latency;
  absl::Duration latency_sum;
  uint64_t latency_count = 0;
};

// Counts since start or reset of one door.
struct DoorCounters {
  uint64_t rejected = 0;             // over maxClientCnxns or maxCnxns
  uint64_t throttled = 0;            // for want of a token
  uint64_t sessionless_expired = 0;  // no connect request in time
  uint64_t bytes_received = 0;
  uint64_t bytes_sent = 0;
  uint64_t last_response_bytes = 0;  // 0: none yet
  uint64_t min_response_bytes = 0;
  uint64_t max_response_bytes = 0;
  uint64_t large_requests_rejected = 0;
};

// Loop only.
class ConnectionSource {
 public:
  virtual ~ConnectionSource() = default;
  // In the order in which they were accepted.
  virtual std::vector<ConnectionFacts> Connections() const = 0;
  virtual DoorCounters Counters() const = 0;
  // crst: counters of the connections. srst resets those of the server: Service::ResetStats and ResetCounters.
  virtual void ResetConnections() = 0;
  virtual void ResetCounters() = 0;
};

}  // namespace synod::frontdoor::commands

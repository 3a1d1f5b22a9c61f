// The value of a server.N line (specs: ZooKeeper protocol, section 22):
//   host:peerPort[:electionPort[:participant|:observer]][|further addresses][;[clientHost:]clientPort[;secure client]]
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace synod::server {

struct ServerLine {
  std::string host;  // a name, an IPv4 address, or an IPv6 address in brackets
  uint16_t peer_port = 0;
  uint16_t election_port = 0;  // 0: not given. For the file's sake: peers use one port for everything
  bool observer = false;
  std::string client_host;
  uint16_t client_port = 0;     // 0: not given
  bool more_addresses = false;  // further addresses stand there, which are not used
  bool secure_client = false;   // so does a client part for TLS
};

// InvalidArgument says which part is wrong.
absl::StatusOr<ServerLine> ParseServerLine(absl::string_view value);

// The line as it stands in /zookeeper/config (section 17), which ZooKeeper's clients parse: with both ports and the
// role, with a client part only if the line has one.
std::string MembershipLine(uint32_t server, const ServerLine& line);

}  // namespace synod::server

// The value of a server.N line: host:peerPort[:electionPort[:participant|:observer]][;[clientHost:]clientPort].
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace synod::server {

struct ServerLine {
  std::string host;  // a name, an IPv4 address, or an IPv6 address in brackets
  uint16_t peer_port = 0;
  uint16_t election_port = 0;  // accepted for the file's sake: peers use one port for everything
  bool observer = false;
  std::string client_host;
  uint16_t client_port = 0;  // 0: not given
};

// InvalidArgument says which part is wrong.
absl::StatusOr<ServerLine> ParseServerLine(absl::string_view value);

}  // namespace synod::server

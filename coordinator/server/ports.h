// Addresses to listen at.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "coordinator/server/config.h"

namespace synod::server {

// "127.0.0.1:2181", "[::1]:2181"; `host` with or without brackets.
std::string HostPort(const std::string& host, uint16_t port);

// Whether the ports that this server cannot do without - peers, ZooKeeper's clients, gRPC - can be listened at, tried
// and given back at once: a server that cannot start is to leave no data directory behind. Port 0 is not tried, nor a
// name that does not resolve: the listener will say so. Unavailable with the door and the address.
absl::Status CheckPorts(const ServerConfig& config);

}  // namespace synod::server

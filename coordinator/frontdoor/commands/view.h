// What several commands show: one look at the server, and how its parts are named.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coordinator/frontdoor/commands/facts.h"

namespace synod::frontdoor::commands {

// Answers of words and of commands while `Serving` is false.
inline constexpr std::string_view kNotServing = "This ZooKeeper instance is not currently serving requests";

// A leader that a quorum confirmed is known and this server is caught up, or it serves read-only.
bool Serving(const service::ServerStatus& status);
// leader, follower, observer, standalone or read-only.
std::string_view Mode(const ServerFacts& facts, const service::ServerStatus& status);

// Znodes as ZooKeeper counts them: the root twice (6.5).
uint64_t NodeCount(const service::ServerStatus& status);

// A server other than the leader that follows it, and lags no more.
bool Synced(const service::MemberStatus& member, const service::ServerStatus& leader);

// Reads and writes together; whole milliseconds.
struct Latency {
  int64_t min_ms = 0;
  double average_ms = 0;
  int64_t max_ms = 0;
};
Latency LatencyOf(const service::ServiceStats& stats);

// Bytes; -1: none yet.
struct Sizes {
  int64_t last = -1, min = -1, max = -1;
};
Sizes ProposalSizes(const service::ServiceStats& stats);
Sizes ResponseSizes(const DoorCounters& counters);

// Of the client; an IPv6 address in brackets.
std::string HostPort(const ConnectionFacts& connection);
// None without a door of that kind.
std::vector<ConnectionFacts> ConnectionsOf(const CommandContext& context);
DoorCounters CountersOf(const CommandContext& context);

// The environment of envi and /commands/environment, in ZooKeeper's order.
std::vector<std::pair<std::string, std::string>> EnvironmentOf(const CommandContext& context);

// What expires together: as in ZooKeeper, at the next multiple of tickTime by the monotonic clock.
template <typename T>
struct ExpirySet {
  int64_t monotonic_ms = 0;
  std::vector<T> members;
};
// By time, then by session. On the leader, or alone; elsewhere nobody knows.
std::vector<ExpirySet<SessionId>> SessionsByExpiry(const CommandContext& context);
// By time, then in the order of `connections`.
std::vector<ExpirySet<ConnectionFacts>> ConnectionsByExpiry(const CommandContext& context);
// "Tue Nov 14 22:13:20 UTC 2023": the wall clock's when the monotonic one will show `monotonic_ms`.
std::string DateOf(const CommandContext& context, int64_t monotonic_ms);

}  // namespace synod::frontdoor::commands

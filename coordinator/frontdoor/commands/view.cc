#include "coordinator/frontdoor/commands/view.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace synod::frontdoor::commands {
namespace {

// A follower that lags no more than this is synced: what lies behind is small beside what a snapshot would bring.
constexpr uint64_t kSyncedWithinEntries = 1000;

int64_t NextMultiple(int64_t ms, int64_t interval) {
  interval = std::max<int64_t>(interval, 1);
  return (ms / interval + 1) * interval;
}

template <typename T>
std::vector<ExpirySet<T>> SetsOf(std::map<int64_t, std::vector<T>> by_time) {
  std::vector<ExpirySet<T>> sets;
  for (auto& [time, members] : by_time) sets.push_back({time, std::move(members)});
  return sets;
}

}  // namespace

bool Serving(const service::ServerStatus& status) { return status.ready || status.read_only; }

std::string_view Mode(const ServerFacts& facts, const service::ServerStatus& status) {
  if (status.read_only) return "read-only";
  if (facts.standalone) return "standalone";
  if (status.role == "leader") return "leader";
  return facts.observer ? "observer" : "follower";
}

uint64_t NodeCount(const service::ServerStatus& status) { return status.znodes + 1; }

bool Synced(const service::MemberStatus& member, const service::ServerStatus& leader) {
  return member.server != leader.server && member.active && member.match + kSyncedWithinEntries >= leader.commit;
}

Latency LatencyOf(const service::ServiceStats& stats) {
  const service::LatencyStats& reads = stats.read_latency;
  const service::LatencyStats& writes = stats.write_latency;
  uint64_t count = reads.count + writes.count;
  if (count == 0) return {};
  uint64_t min_us = reads.count == 0    ? writes.min_us
                    : writes.count == 0 ? reads.min_us
                                        : std::min(reads.min_us, writes.min_us);
  return {static_cast<int64_t>(min_us / 1000),
          static_cast<double>(reads.sum_us + writes.sum_us) / 1000 / static_cast<double>(count),
          static_cast<int64_t>(std::max(reads.max_us, writes.max_us) / 1000)};
}

Sizes ProposalSizes(const service::ServiceStats& stats) {
  if (stats.proposals == 0) return {};
  return {static_cast<int64_t>(stats.last_proposal_bytes), static_cast<int64_t>(stats.min_proposal_bytes),
          static_cast<int64_t>(stats.max_proposal_bytes)};
}

Sizes ResponseSizes(const DoorCounters& counters) {
  if (counters.last_response_bytes == 0) return {};
  return {static_cast<int64_t>(counters.last_response_bytes), static_cast<int64_t>(counters.min_response_bytes),
          static_cast<int64_t>(counters.max_response_bytes)};
}

std::string HostPort(const ConnectionFacts& connection) {
  bool ipv6 = connection.address.find(':') != std::string::npos;
  return ipv6 ? absl::StrFormat("[%s]:%d", connection.address, connection.port)
              : absl::StrFormat("%s:%d", connection.address, connection.port);
}

std::vector<ConnectionFacts> ConnectionsOf(const CommandContext& context) {
  return context.connections == nullptr ? std::vector<ConnectionFacts>() : context.connections->Connections();
}

DoorCounters CountersOf(const CommandContext& context) {
  return context.connections == nullptr ? DoorCounters() : context.connections->Counters();
}

std::vector<std::pair<std::string, std::string>> EnvironmentOf(const CommandContext& context) {
  std::vector<std::pair<std::string, std::string>> out = context.facts->environment;
  ProcessFacts process = context.process();
  out.emplace_back("os.memory.free", absl::StrCat(process.free_memory_mb, "MB"));
  out.emplace_back("os.memory.max", absl::StrCat(process.max_memory_mb, "MB"));
  out.emplace_back("os.memory.total", absl::StrCat(process.total_memory_mb, "MB"));
  return out;
}

std::vector<ExpirySet<SessionId>> SessionsByExpiry(const CommandContext& context) {
  std::map<int64_t, std::vector<SessionId>> by_time;
  const absl::Duration now = context.clock->Monotonic();
  for (const service::SessionStatus& session : context.service->Sessions()) {
    // Before the leader's first look at it a session has its whole timeout before it.
    absl::Duration left = session.expires_in == absl::InfiniteDuration() ? session.timeout : session.expires_in;
    by_time[NextMultiple(absl::ToInt64Milliseconds(now + left), context.facts->tick_time_ms)].push_back(
        session.session);
  }
  return SetsOf(std::move(by_time));
}

std::vector<ExpirySet<ConnectionFacts>> ConnectionsByExpiry(const CommandContext& context) {
  std::map<int64_t, std::vector<ConnectionFacts>> by_time;
  const int64_t now_ms = absl::ToInt64Milliseconds(context.clock->Monotonic());
  const int64_t started_wall_ms = context.clock->WallMillis() - now_ms;
  for (ConnectionFacts& connection : ConnectionsOf(context)) {
    int64_t heard_ms = connection.established_wall_ms - started_wall_ms;
    int64_t patience_ms = context.facts->sessionless_timeout_ms;
    if (connection.session != SessionId(0)) {
      heard_ms = std::max(heard_ms, absl::ToInt64Milliseconds(connection.last_response));
      patience_ms = absl::ToInt64Milliseconds(connection.session_timeout);
    }
    by_time[NextMultiple(heard_ms + patience_ms, context.facts->tick_time_ms)].push_back(std::move(connection));
  }
  return SetsOf(std::move(by_time));
}

std::string DateOf(const CommandContext& context, int64_t monotonic_ms) {
  int64_t wall_ms = context.clock->WallMillis() + monotonic_ms - absl::ToInt64Milliseconds(context.clock->Monotonic());
  return absl::FormatTime("%a %b %d %H:%M:%S UTC %Y", absl::FromUnixMillis(wall_ms), absl::UTCTimeZone());
}

}  // namespace synod::frontdoor::commands

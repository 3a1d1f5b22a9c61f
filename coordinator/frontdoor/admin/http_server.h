// The admin HTTP door: for probes, dashboards and people with curl.
//
//   /live     200 while the process and its loop work, 503 otherwise
//   /ready    200 when a leader that a quorum confirmed is known and this server is caught up; 503 and why, otherwise
//   /status   this server's view of itself and the ensemble, JSON
//   /metrics  Prometheus text; ZooKeeper's names where they mean the same
//   /slow     the latest slow operations, JSON, newest first
//   /commands and /commands/NAME  ZooKeeper's AdminServer commands, JSON (docs/operations.md)
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/base/executor.h"
#include "coordinator/frontdoor/admin/slow_log.h"
#include "coordinator/frontdoor/commands/facts.h"
#include "coordinator/service/service.h"

namespace synod::frontdoor {

struct AdminConfig {
  std::string address = "127.0.0.1";
  uint16_t port = 8080;                   // 0: any free one
  std::string command_url = "/commands";  // admin.commandURL
  // admin.idleTimeout. A connection that stops in the middle of its request is closed after so long, at the latest, as
  // one that sends nothing at all, after a second: each holds one of few threads.
  absl::Duration idle_timeout = absl::Seconds(30);
  // Only /metrics: for the port of metricsProvider.httpPort, which is a second AdminServer beside the first.
  bool metrics_only = false;
};

// What the process knows of itself.
struct AdminProcess {
  std::string version;
  uint64_t uptime_ms = 0;
  uint64_t cpu_us = 0;
  uint64_t resident_bytes = 0;
  uint64_t open_files = 0;
  uint64_t max_files = 0;
};

class AdminServer {
 public:
  virtual ~AdminServer() = default;
  // Answers on threads of its own; what it shows is read on `loop`: `context` is used there only and outlives this.
  // `process` is called on any thread. Unavailable: the address is taken or not ours (a warning for the caller, no
  // reason to stop a server).
  static absl::StatusOr<std::unique_ptr<AdminServer>> Start(const AdminConfig& config, Executor* loop,
                                                            const commands::CommandContext* context,
                                                            const SlowLog* slow, std::function<AdminProcess()> process);
  virtual uint16_t port() const = 0;
  // Not on the loop, which must still run.
  virtual void Stop() = 0;
};

}  // namespace synod::frontdoor

// The gRPC door: the Coordination and Ensemble services, health and reflection on one port.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "coordinator/base/executor.h"
#include "coordinator/service/service.h"

namespace synod::frontdoor {

struct GrpcServerConfig {
  std::string address;                 // host:port; port 0: any
  size_t message_bytes_max = 8 << 20;  // a larger message ends its stream with RESOURCE_EXHAUSTED
  size_t unsent_bytes_max = 16 << 20;  // per Session stream: a slower reader is cut off
  // Per Watch stream: the service is told to wait, and goes on from its window of past events.
  size_t watch_unsent_bytes_max = 1 << 20;
  size_t memory_bytes_max = 512 << 20;  // of all connections, gRPC's buffers
  // Session streams of one client address, loopback too; 0: no limit. One more ends with RESOURCE_EXHAUSTED.
  uint32_t streams_per_address_max = 0;
};

// What the process knows of itself, for the Ensemble service.
struct ProcessInfo {
  std::string version;
  StorageId storage;
  absl::Duration uptime;
  uint64_t cpu_us = 0;  // user and system time
  uint64_t resident_bytes = 0;
};

class GrpcServer {
 public:
  // `service` is touched on `loop` only; both must outlive Stop. Unavailable: the address cannot be bound.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(const GrpcServerConfig& config, Executor* loop,
                                                           service::Service* service,
                                                           std::function<ProcessInfo()> process);
  virtual ~GrpcServer() = default;
  virtual int port() const = 0;
  // Session and Watch streams that still exist. The loop only; 0 some time after Stop.
  virtual size_t open_streams() const = 0;
  // The health service's answer for "": ready. "live" is always serving. Any thread.
  virtual void SetReady(bool ready) = 0;
  // Ends every stream and call; returns when all handlers have ended. Not on the loop, which must still run;
  // Service::Stop comes first, so that streams end with its reason.
  virtual void Stop() = 0;
};

}  // namespace synod::frontdoor

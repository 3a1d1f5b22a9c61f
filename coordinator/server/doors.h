// The doors that clients and operators come in by, opened and closed together: gRPC, ZooKeeper's protocol, and the
// admin HTTP doors.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "coordinator/base/clock.h"
#include "coordinator/frontdoor/admin/http_server.h"
#include "coordinator/frontdoor/admin/slow_log.h"
#include "coordinator/frontdoor/commands/facts.h"
#include "coordinator/frontdoor/grpc/grpc_server.h"
#include "coordinator/frontdoor/zookeeper/door.h"
#include "coordinator/server/config.h"
#include "coordinator/service/service.h"
#include "coordinator/transport/loop.h"

namespace synod::server {

// Outlive the doors.
struct DoorsDependencies {
  transport::Loop* loop = nullptr;
  service::Service* service = nullptr;
  const Clock* clock = nullptr;
  const frontdoor::SlowLog* slow = nullptr;
  std::function<frontdoor::ProcessInfo()> grpc_process;                // any thread
  std::function<frontdoor::AdminProcess()> admin_process;              // any thread
  std::function<frontdoor::commands::ProcessFacts()> command_process;  // the loop
};

// Loop only, but for Open, which may run before the loop does, and Leave.
class Doors {
 public:
  // Unavailable, with a text for people: the gRPC port or the clientPort cannot be listened at. An admin port that
  // cannot is a warning in the log, and the door is not there.
  static absl::StatusOr<std::unique_ptr<Doors>> Open(const ServerConfig& config, DoorsDependencies dependencies);
  ~Doors();
  Doors(const Doors&) = delete;

  // What gRPC's health service answers.
  void SetReady(bool ready) { grpc_->SetReady(ready); }
  // Closes ZooKeeper's door. After Service::Stop, before Leave.
  void CloseClients();
  // Ends what has threads of its own. Not on the loop, which must still run.
  void Leave();
  // gRPC streams that still exist after Leave.
  size_t open_streams() const { return grpc_->open_streams(); }

  uint16_t grpc_port() const { return static_cast<uint16_t>(grpc_->port()); }
  uint16_t client_port() const { return zookeeper_->port(); }
  uint16_t admin_port() const { return admin_ == nullptr ? 0 : admin_->port(); }        // 0: no such door
  uint16_t metrics_port() const { return metrics_ == nullptr ? 0 : metrics_->port(); }  // 0: no such door

 private:
  explicit Doors(DoorsDependencies dependencies);
  absl::Status OpenGrpc(const ServerConfig& config);
  absl::Status OpenZooKeeper(const ServerConfig& config);
  std::unique_ptr<frontdoor::AdminServer> OpenAdmin(const frontdoor::AdminConfig& config);

  const DoorsDependencies deps_;
  frontdoor::commands::ServerFacts facts_;
  frontdoor::commands::CommandContext context_;
  std::unique_ptr<frontdoor::GrpcServer> grpc_;
  std::unique_ptr<frontdoor::zookeeper::Door> zookeeper_;
  std::unique_ptr<frontdoor::AdminServer> admin_;
  std::unique_ptr<frontdoor::AdminServer> metrics_;
};

}  // namespace synod::server

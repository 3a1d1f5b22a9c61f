#include "coordinator/server/doors.h"

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/base/log.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/frontdoor/commands/words.h"
#include "coordinator/server/ports.h"
#include "coordinator/server/server_facts.h"

namespace synod::server {
namespace {

frontdoor::zookeeper::DoorConfig DoorConfigOf(const ServerConfig& config) {
  frontdoor::zookeeper::DoorConfig door;
  door.address = config.client_address;
  door.port = config.client_port;
  door.backlog = config.listen_backlog;
  door.connections_per_address_max = config.max_connections_per_address;
  // A few more than may have a session: those in need of an answer that there is none.
  constexpr uint32_t kNoLimit = std::numeric_limits<uint32_t>::max();
  door.sockets_max =
      config.max_connections == 0
          ? kNoLimit
          : static_cast<uint32_t>(std::min<uint64_t>(uint64_t{config.max_connections} * 6 / 5 + 16, kNoLimit));
  door.tokens_max = config.connection_tokens;
  door.token_fill_count = config.connection_token_fill_count;
  door.token_fill_time = config.connection_token_fill_time;
  door.sessionless_timeout = config.sessionless_timeout;
  door.tcp_keep_alive = config.client_keep_alive;
  door.session.frame_bytes_max = config.max_data_bytes;
  door.session.local_reads_linearizable = config.linearizable_reads;
  door.session.enforced_schemes = config.enforced_schemes;
  return door;
}

}  // namespace

Doors::Doors(DoorsDependencies dependencies) : deps_(std::move(dependencies)) {}

// The admin doors' threads ask the loop by way of the context.
Doors::~Doors() {
  metrics_.reset();
  admin_.reset();
  grpc_.reset();
  zookeeper_.reset();
}

absl::StatusOr<std::unique_ptr<Doors>> Doors::Open(const ServerConfig& config, DoorsDependencies dependencies) {
  std::unique_ptr<Doors> doors(new Doors(std::move(dependencies)));
  SYNOD_RETURN_IF_ERROR(doors->OpenGrpc(config));
  SYNOD_RETURN_IF_ERROR(doors->OpenZooKeeper(config));
  frontdoor::AdminConfig admin;
  admin.address = config.admin_address;
  admin.port = config.admin_port;
  admin.command_url = config.admin_command_url;
  admin.idle_timeout = config.admin_idle_timeout;
  if (config.admin_enabled) doors->admin_ = doors->OpenAdmin(admin);
  admin.address = config.metrics_address;
  admin.port = config.metrics_port;
  admin.metrics_only = true;
  if (config.metrics_door) doors->metrics_ = doors->OpenAdmin(admin);
  return doors;
}

absl::Status Doors::OpenGrpc(const ServerConfig& config) {
  frontdoor::GrpcServerConfig door;
  door.address = HostPort(config.client_address, config.grpc_port);
  // A request that is too large by a little gets its own answer; only what no request can be ends the stream.
  door.message_bytes_max = std::max<size_t>(door.message_bytes_max, 2 * size_t{config.max_data_bytes} + (1 << 20));
  door.streams_per_address_max = config.max_connections_per_address;
  SYNOD_ASSIGN_OR_RETURN(grpc_, frontdoor::GrpcServer::Start(door, deps_.loop, deps_.service, deps_.grpc_process));
  return absl::OkStatus();
}

absl::Status Doors::OpenZooKeeper(const ServerConfig& config) {
  auto door = frontdoor::zookeeper::Door::Start(
      DoorConfigOf(config), deps_.loop, deps_.service, deps_.clock,
      [this](std::string_view word) { return frontdoor::commands::AnswerWord(word, context_); });
  if (!door.ok()) return absl::Status(door.status().code(), absl::StrCat("clientPort: ", door.status().message()));
  zookeeper_ = *std::move(door);
  facts_ = ServerFactsOf(config, zookeeper_->port());
  context_ = {.facts = &facts_,
              .service = deps_.service,
              .connections = zookeeper_.get(),
              .clock = deps_.clock,
              .process = deps_.command_process};
  return absl::OkStatus();
}

std::unique_ptr<frontdoor::AdminServer> Doors::OpenAdmin(const frontdoor::AdminConfig& config) {
  auto started = frontdoor::AdminServer::Start(config, deps_.loop, &context_, deps_.slow, deps_.admin_process);
  if (started.ok()) return *std::move(started);
  SLOG_WARN("{}; going on without", std::string(started.status().message()));
  return nullptr;
}

void Doors::CloseClients() { zookeeper_->Stop(); }

void Doors::Leave() {
  grpc_->Stop();
  if (admin_ != nullptr) admin_->Stop();
  if (metrics_ != nullptr) metrics_->Stop();
}

}  // namespace synod::server

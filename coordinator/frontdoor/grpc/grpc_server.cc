#include "coordinator/frontdoor/grpc/grpc_server.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/frontdoor/grpc/coordination_service.h"
#include "coordinator/frontdoor/grpc/ensemble_service.h"

namespace synod::frontdoor {
namespace {

// What gRPC and protobuf write to stderr by themselves comes of what strangers send - a malformed message, a port scan
// - and would let them fill the log. Both tell us the same through their calls, and we answer the client.
void QuietLibraries() {
  google::protobuf::SetLogHandler(nullptr);
  gpr_set_log_function([](gpr_log_func_args*) {});
}

class GrpcServerImpl final : public GrpcServer {
 public:
  GrpcServerImpl(const GrpcServerConfig& config, Executor* loop, service::Service* service,
                 std::function<ProcessInfo()> process)
      : environment_{loop,
                     service,
                     config.unsent_bytes_max,
                     config.streams_per_address_max,
                     &streams_,
                     config.watch_unsent_bytes_max},
        coordination_(&environment_),
        ensemble_(loop, service, std::move(process), config.address) {}

  absl::Status Bind(const GrpcServerConfig& config) {
    QuietLibraries();
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    builder.AddListeningPort(config.address, grpc::InsecureServerCredentials(), &port_);
    builder.SetMaxReceiveMessageSize(static_cast<int>(config.message_bytes_max));
    grpc::ResourceQuota quota("synod");
    quota.Resize(config.memory_bytes_max);
    builder.SetResourceQuota(quota);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT,
                               0);  // a second server on the port is an error, not a silent sharer
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 1000);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
    builder.RegisterService(&coordination_);
    builder.RegisterService(&ensemble_);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port_ == 0)
      return absl::UnavailableError(absl::StrCat("gRPC: cannot listen on ", config.address,
                                                 ": the port is taken, or the address is not one of this machine"));
    server_->GetHealthCheckService()->SetServingStatus("live", true);
    SetReady(false);
    return absl::OkStatus();
  }

  ~GrpcServerImpl() override { Stop(); }

  int port() const override { return port_; }

  size_t open_streams() const override { return streams_.count; }

  void SetReady(bool ready) override { server_->GetHealthCheckService()->SetServingStatus("", ready); }

  void Stop() override {
    if (server_ == nullptr || stopped_) return;
    stopped_ = true;
    // Streams that the service closed are writing their last message; the rest is cancelled after a moment.
    server_->Shutdown(std::chrono::system_clock::now() + std::chrono::milliseconds(300));
    server_->Wait();
  }

 private:
  OpenStreams streams_;
  StreamEnvironment environment_;
  CoordinationService coordination_;
  EnsembleService ensemble_;
  int port_ = 0;
  bool stopped_ = false;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(const GrpcServerConfig& config, Executor* loop,
                                                              service::Service* service,
                                                              std::function<ProcessInfo()> process) {
  auto server = std::make_unique<GrpcServerImpl>(config, loop, service, std::move(process));
  if (absl::Status status = server->Bind(config); !status.ok()) return status;
  return std::unique_ptr<GrpcServer>(std::move(server));
}

}  // namespace synod::frontdoor

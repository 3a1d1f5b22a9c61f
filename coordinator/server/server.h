// A whole server: the real parts put together, started and stopped in order.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/server/config.h"

namespace synod::server {

struct ServerHooks {
  // Something durable failed or the state diverged (D12, D13). Called on the loop; must end the process. Unset:
  // EndProcess.
  std::function<void(absl::Status)> fatal;
  // On the loop, once: a leader is known that a quorum confirms, and this server is caught up. May be empty.
  std::function<void()> ready;
};

// One loop (the thread that calls Run), and beside it the log's sync thread, the snapshot store's, a worker, gRPC's and
// the admin doors'.
class Server {
 public:
  // Opens the data, listens - peers, clients, admin -, and only then forms or finds the ensemble, once Run runs. A
  // taken admin port is a warning, everything else an error with a text for people: those of OpenDisk; Unavailable: the
  // peer port, the clientPort or the gRPC port cannot be listened at, and as far as that was so from the beginning, no
  // data directory is formed; FailedPrecondition: no directory, and none is to be made. The ports of clients and
  // operators in `config` may be 0: any free one.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerConfig& config, ServerHooks hooks = {});
  // REQUIRES Run has returned or never ran.
  ~Server();
  Server(const Server&) = delete;

  // The loop; returns after Stop. Once.
  void Run();
  // Any thread, any number of times: hands leadership over if leading, closes the clients' connections, then ends Run.
  void Stop();

  // "server 1 serves clients on 127.0.0.1:2281 (gRPC) and 127.0.0.1:2181 (ZooKeeper), peers on 127.0.0.1:2888, admin
  // http://127.0.0.1:8080".
  std::string Summary() const;
  uint16_t grpc_port() const;
  uint16_t client_port() const;
  uint16_t admin_port() const;    // 0: there is no admin door
  uint16_t metrics_port() const;  // 0: there is no door of Prometheus'

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace synod::server

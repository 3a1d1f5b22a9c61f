// ZooKeeper's client protocol on clientPort: accepts connections on the loop, reads and writes them there.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/base/clock.h"
#include "coordinator/frontdoor/commands/connection_facts.h"
#include "coordinator/frontdoor/zookeeper/client_session.h"
#include "coordinator/service/service.h"
#include "coordinator/transport/loop.h"

namespace synod::frontdoor::zookeeper {

struct DoorConfig {
  std::string address = "127.0.0.1";          // clientPortAddress: a name or a number; "0.0.0.0" or "::" for all
  uint16_t port = 2181;                       // 0: any free one
  int backlog = -1;                           // clientPortListenBacklog; -1: the system's
  uint32_t connections_per_address_max = 60;  // maxClientCnxns; 0: no limit
  // Of all sockets of this door, with a session or without (those with one: ServiceConfig::max_connections). The door
  // keeps it below what the process may open, so that the server's own files are not refused.
  uint32_t sockets_max = 24'000;
  // Throttle of new sessions by tokens (connectionMaxTokens, connectionTokenFillTime, connectionTokenFillCount): each
  // connect request takes one, `token_fill_count` come back every `token_fill_time`, at most `tokens_max` wait. 0: off.
  uint32_t tokens_max = 0;
  uint32_t token_fill_count = 1;
  absl::Duration token_fill_time = absl::Milliseconds(1);
  // zookeeper.sessionlessCnxnTimeout: no connect request by then, and the connection is closed. As much time has a
  // client that does not read the last words of a closed connection.
  absl::Duration sessionless_timeout = absl::Seconds(10);
  bool tcp_keep_alive = false;  // clientTcpKeepAlive
  ClientSessionOptions session;
};

// Loop only, but for Start, which may run before the loop does. Owned by the server; outlived by the loop and the
// service. Its connections are read one after another into one buffer; a connection that is idle holds none.
class Door : public commands::ConnectionSource {
 public:
  // Unavailable: the address is taken or not ours, or its name cannot be resolved. `answer_word` runs one of the
  // four-letter words.
  static absl::StatusOr<std::unique_ptr<Door>> Start(const DoorConfig& config, transport::Loop* loop,
                                                     service::Service* service, const Clock* clock,
                                                     std::function<std::string(std::string_view)> answer_word);
  virtual uint16_t port() const = 0;
  // Accepts nobody any more and closes what is open; what was answered is written as far as the kernel takes it at
  // once. To be called after Service::Stop. Idempotent; the destructor does it too.
  virtual void Stop() = 0;
  // Sockets, with a session or without.
  virtual size_t open_connections() const = 0;
};

}  // namespace synod::frontdoor::zookeeper

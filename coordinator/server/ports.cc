#include "coordinator/server/ports.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coordinator/base/status_macros.h"

namespace synod::server {
namespace {

std::string WithoutBrackets(const std::string& host) {
  const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  return brackets ? host.substr(1, host.size() - 2) : host;
}

// 0, or the error of the kernel.
int TryListen(const addrinfo& address) {
  const int fd = socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC, address.ai_protocol);
  if (fd < 0) return 0;  // no such family here: the listener will know
  const int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const bool listens = bind(fd, address.ai_addr, address.ai_addrlen) == 0 && listen(fd, 1) == 0;
  const int error = listens ? 0 : errno;
  close(fd);
  return error;
}

absl::Status CheckPort(absl::string_view door, const std::string& host, uint16_t port) {
  if (port == 0) return absl::OkStatus();
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(WithoutBrackets(host).c_str(), std::to_string(port).c_str(), &hints, &found) != 0) {
    return absl::OkStatus();
  }
  const int error = TryListen(*found);
  freeaddrinfo(found);
  if (error == 0) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(door, HostPort(host, port), ": ", std::generic_category().message(error)));
}

}  // namespace

std::string HostPort(const std::string& host, uint16_t port) {
  const bool bare_ipv6 = absl::StrContains(host, ":") && !absl::StartsWith(host, "[");
  return bare_ipv6 ? absl::StrCat("[", host, "]:", port) : absl::StrCat(host, ":", port);
}

absl::Status CheckPorts(const ServerConfig& config) {
  if (config.seeds.size() > 1) {
    SYNOD_RETURN_IF_ERROR(CheckPort("peer port: cannot listen at ", config.peer_listen_address, config.peer_port));
  }
  SYNOD_RETURN_IF_ERROR(CheckPort("clientPort: cannot listen on ", config.client_address, config.client_port));
  return CheckPort("gRPC: cannot listen on ", config.client_address, config.grpc_port);
}

}  // namespace synod::server

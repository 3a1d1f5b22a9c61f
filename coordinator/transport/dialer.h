// Connects to "host:port".
#pragma once

#include <asio/ip/tcp.hpp>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace synod::transport {

// "host:port" or "[ipv6]:port". InvalidArgument if it is neither.
absl::StatusOr<std::pair<std::string, std::string>> SplitAddress(const std::string& address);

// Resolves (only if it is a name) and connects, trying each address the name has. `done` runs on the loop, once, never
// inside the call: Unavailable or DeadlineExceeded after `timeout`, InvalidArgument for a malformed address.
void Dial(asio::io_context* context, const std::string& address, absl::Duration timeout,
          absl::AnyInvocable<void(absl::StatusOr<asio::ip::tcp::socket>)> done);

// An acceptor that listens at `address`, which may have port 0. Unavailable if it is taken or not ours.
absl::StatusOr<asio::ip::tcp::acceptor> Listen(asio::io_context* context, const std::string& address);

}  // namespace synod::transport

// Who is at the other end of a gRPC connection.
#pragma once

#include <string>
#include <string_view>

namespace synod::frontdoor {

// The address in what grpc::ServerContext::peer() gives, without port, brackets and zone: "10.0.0.7" of
// "ipv4:10.0.0.7:51234", "::1" of "ipv6:%5B::1%5D:51234". An IPv4 address that came over an IPv6 socket is the IPv4
// address. Empty: the connection has none (a Unix socket, or a text of another form).
std::string AddressOfPeer(std::string_view peer);

}  // namespace synod::frontdoor

#include "coordinator/server/server_line.h"

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "coordinator/base/status_macros.h"

namespace synod::server {
namespace {

// Splits at colons outside brackets.
std::vector<std::string> SplitAddress(absl::string_view text) {
  std::vector<std::string> parts(1);
  int depth = 0;
  for (char c : text) {
    if (c == '[') ++depth;
    if (c == ']') --depth;
    if (c == ':' && depth == 0) {
      parts.emplace_back();
    } else {
      parts.back().push_back(c);
    }
  }
  return parts;
}

absl::StatusOr<uint16_t> Port(const std::string& text, absl::string_view what) {
  uint32_t port = 0;
  if (!absl::SimpleAtoi(text, &port) || port < 1 || port > 65535) {
    return absl::InvalidArgumentError(absl::StrCat("the ", what, " \"", text, "\" is not a port"));
  }
  return static_cast<uint16_t>(port);
}

constexpr absl::string_view kForm = "must be host:peerPort[:electionPort[:participant|:observer]]";

// host:peerPort[:electionPort[:role]], into `line`; whether a role stands there, into `has_role`.
absl::Status ParsePeerAddress(absl::string_view text, ServerLine* line, bool* has_role) {
  std::vector<std::string> parts = SplitAddress(text);
  if (parts.size() < 2 || parts.size() > 4 || parts[0].empty()) return absl::InvalidArgumentError(kForm);
  line->host = parts[0];
  SYNOD_ASSIGN_OR_RETURN(line->peer_port, Port(parts[1], "peer port"));
  if (parts.size() > 2) {
    SYNOD_ASSIGN_OR_RETURN(line->election_port, Port(parts[2], "election port"));
  }
  *has_role = parts.size() > 3;
  if (*has_role) {
    const std::string role = absl::AsciiStrToLower(parts[3]);
    if (role != "participant" && role != "observer")
      return absl::InvalidArgumentError("the role must be participant or observer");
    line->observer = role == "observer";
  }
  return absl::OkStatus();
}

absl::Status ParseClientPart(absl::string_view text, absl::string_view what, std::string* host, uint16_t* port) {
  std::vector<std::string> parts = SplitAddress(text);
  if (parts.size() > 2 || (parts.size() == 2 && parts[0].empty()))
    return absl::InvalidArgumentError("the client part must be [address:]port");
  SYNOD_ASSIGN_OR_RETURN(*port, Port(parts.back(), what));
  if (parts.size() == 2) *host = parts[0];
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ServerLine> ParseServerLine(absl::string_view value) {
  std::vector<std::string> parts = absl::StrSplit(value, ';');
  if (parts.size() > 3) return absl::InvalidArgumentError("there are too many parts");
  std::vector<std::string> addresses = absl::StrSplit(parts[0], '|');
  ServerLine line;
  bool has_role = false;
  SYNOD_RETURN_IF_ERROR(ParsePeerAddress(addresses[0], &line, &has_role));
  for (size_t i = 1; i < addresses.size(); ++i) {
    ServerLine other;
    bool other_has_role = false;
    SYNOD_RETURN_IF_ERROR(ParsePeerAddress(addresses[i], &other, &other_has_role));
    // As in ZooKeeper, one address may name the role for all.
    if (other_has_role && !std::exchange(has_role, true)) line.observer = other.observer;
    if (other_has_role && line.observer != other.observer)
      return absl::InvalidArgumentError("the addresses differ in their roles");
    line.more_addresses = true;
  }
  if (parts.size() > 1 && !parts[1].empty()) {
    SYNOD_RETURN_IF_ERROR(ParseClientPart(parts[1], "client port", &line.client_host, &line.client_port));
  }
  if (parts.size() > 2 && !parts[2].empty()) {
    std::string host;
    uint16_t port = 0;
    SYNOD_RETURN_IF_ERROR(ParseClientPart(parts[2], "secure client port", &host, &port));
    line.secure_client = true;
  }
  return line;
}

std::string MembershipLine(uint32_t server, const ServerLine& line) {
  constexpr uint16_t kElectionPort = 3888, kOtherElectionPort = 2888;
  // Clients refuse a line without it, or with twice the same port.
  const uint16_t election_port = line.election_port != 0           ? line.election_port
                                 : line.peer_port != kElectionPort ? kElectionPort
                                                                   : kOtherElectionPort;
  std::string text = absl::StrCat("server.", server, "=", line.host, ":", line.peer_port, ":", election_port,
                                  line.observer ? ":observer" : ":participant");
  if (line.client_port != 0) {
    absl::StrAppend(&text, ";", line.client_host.empty() ? "0.0.0.0" : line.client_host, ":", line.client_port);
  }
  return text;
}

}  // namespace synod::server

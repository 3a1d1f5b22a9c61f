#include "coordinator/server/server_line.h"

#include <utility>
#include <vector>

#include "absl/strings/match.h"
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

}  // namespace

absl::StatusOr<ServerLine> ParseServerLine(absl::string_view value) {
  std::pair<std::string, std::string> halves = absl::StrSplit(value, absl::MaxSplits(';', 1));
  if (absl::StrContains(halves.first, "|"))
    return absl::InvalidArgumentError("several addresses for one server are not supported");
  std::vector<std::string> parts = SplitAddress(halves.first);
  if (parts.size() < 2 || parts.size() > 4 || parts[0].empty()) {
    return absl::InvalidArgumentError("must be host:peerPort[:electionPort[:participant|:observer]]");
  }
  ServerLine line;
  line.host = parts[0];
  SYNOD_ASSIGN_OR_RETURN(line.peer_port, Port(parts[1], "peer port"));
  if (parts.size() > 2) {
    SYNOD_ASSIGN_OR_RETURN(line.election_port, Port(parts[2], "election port"));
  }
  if (parts.size() > 3) {
    if (parts[3] != "participant" && parts[3] != "observer")
      return absl::InvalidArgumentError("the role must be participant or observer");
    line.observer = parts[3] == "observer";
  }
  if (!halves.second.empty()) {
    std::vector<std::string> client = SplitAddress(halves.second);
    if (client.size() > 2) return absl::InvalidArgumentError("the client part must be [address:]port");
    SYNOD_ASSIGN_OR_RETURN(line.client_port, Port(client.back(), "client port"));
    if (client.size() == 2) line.client_host = client[0];
  }
  return line;
}

}  // namespace synod::server

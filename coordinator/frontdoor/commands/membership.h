// The server lines of an ensemble as text and as parts (specs: ZooKeeper protocol, sections 17 and 22).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/frontdoor/commands/facts.h"

namespace synod::frontdoor::commands {

// The text of /zookeeper/config as this server has it applied; while that node is empty, the lines of this server's
// configuration and version 0. Empty: standalone. Loop only; counts as one local read.
std::string MembershipText(const CommandContext& context);

struct MemberLine {
  uint32_t server_id = 0;
  std::vector<std::string> quorum_addresses;    // host:port, several between "|"
  std::vector<std::string> election_addresses;  // the same hosts
  std::string client_address;                   // [host:]port; empty: not in the line
  bool participant = true;
};
// server.N=host:port:port[:role][;client]; other lines, and what cannot be read, are left out.
std::vector<MemberLine> ParseMembership(std::string_view text);
// Of host:port; an IPv6 host stands in brackets, which stay.
std::string_view HostOf(std::string_view address);
std::string_view PortOf(std::string_view address);

}  // namespace synod::frontdoor::commands

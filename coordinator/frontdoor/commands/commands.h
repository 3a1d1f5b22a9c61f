// ZooKeeper's AdminServer commands (specs: ZooKeeper protocol, section 21): /commands/NAME answers JSON.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "coordinator/frontdoor/commands/facts.h"

namespace synod::frontdoor::commands {

struct CommandAnswer {
  int status = 200;  // HTTP
  std::string body;  // JSON as ZooKeeper writes it: indented by two, " : " between key and value, no newline at the end
};

// `name` may be an alias ("srvr"). Loop only. The body always has "command" (the primary name) and "error" (null if all
// is well). Statuses: 200 (also, as in ZooKeeper, with the error that this server does not serve), 404 for a name that
// ZooKeeper does not know either, 501 for one of its commands that Synod does not have.
CommandAnswer RunCommand(std::string_view name, const CommandContext& context);
// When the loop cannot be asked: 503.
CommandAnswer CommandWithoutLoop(std::string_view name);
// The primary names of the commands that are offered, sorted: what GET /commands lists as links.
std::vector<std::string> CommandNames();

}  // namespace synod::frontdoor::commands

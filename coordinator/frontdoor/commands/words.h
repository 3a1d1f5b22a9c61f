// The four-letter words, in ZooKeeper's exact text (specs: ZooKeeper protocol, section 19).
#pragma once

#include <string>
#include <string_view>

#include "coordinator/frontdoor/commands/facts.h"

namespace synod::frontdoor::commands {

// The words that are recognised as the first four bytes of a connection, answered or not: ruok srvr stat mntr cons conf
// envi dump wchs wchc wchp isro dirs crst srst gtmk stmk hash and the telnet interrupt (ff f4 ff fd).
bool IsWord(std::string_view four_bytes);
// The default of 4lw.commands.whitelist: those that harm nobody (19.1).
inline constexpr std::string_view kDefaultWhitelist = "ruok,srvr,stat,isro,mntr,conf,envi,dirs,wchs";

// The answer, after which the connection is closed. Loop only. REQUIRES IsWord(word).
//
// A word that the whitelist lacks is told so; isro is answered also in a server that allows read-only mode. gtmk, stmk
// and hash have no meaning here (there are no trace masks, and digests are told by the Ensemble API): whatever the
// whitelist says, they are told that they are not in it. The interrupt is answered with nothing. Without a quorum only
// ruok, envi and isro say more than that this server is not serving.
std::string AnswerWord(std::string_view word, const CommandContext& context);

}  // namespace synod::frontdoor::commands

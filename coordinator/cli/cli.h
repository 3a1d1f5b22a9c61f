// The command line of `synod`.
#pragma once

#include <string>
#include <vector>

#include "coordinator/cli/environment.h"

namespace synod::cli {

// Runs one command line (without the program's name), or the shell if it has no verb; returns the exit code.
// `default_servers` is what holds without --servers. A terminal at `streams` is recognized by `interactive`.
int RunCommandLine(std::vector<std::string> arguments, const std::string& default_servers, bool interactive,
                   Streams streams);

// Runs one line's words as a verb in `env`. Used by the shell.
int RunVerb(Environment& env, std::vector<std::string> words);

// The names of the verbs, for help and completion.
std::vector<std::string> VerbNames();
// What may stand behind "acl", "quota", "ensemble"; empty for others.
std::vector<std::string> SubVerbNames(const std::string& verb);

}  // namespace synod::cli

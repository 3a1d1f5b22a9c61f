// The shell: one session, many commands.
#pragma once

#include "coordinator/cli/environment.h"

namespace synod::cli {

// Reads commands until the end of input, `quit` or `exit`. Interactive: a prompt with history (~/.synod_history) and
// completion of verbs and paths. Otherwise line by line from the input, so that it can be scripted. Returns the code of
// the first command that failed.
int RunShell(Environment& env, bool interactive);

// What may follow `start` (the line up to the cursor; `word` is its last word): verbs, or the paths that begin with
// `word`.
std::vector<std::string> Completions(Environment& env, const std::string& start, const std::string& word);

}  // namespace synod::cli

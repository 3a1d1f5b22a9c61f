// The outcome of several operations at once, for multi and txn.
#pragma once

#include <string>
#include <vector>

#include "coordinator/cli/environment.h"

namespace synod::cli {

// Prints the results, one row or JSON element per operation, and what went wrong. `what` names it all ("the multi").
// `succeeded`: of a transaction, whether its conditions held. Returns the exit code.
int PrintOutcome(Environment& env, const std::vector<client::Operation>& operations,
                 const client::MultiOutcome& outcome, const std::string& what,
                 std::optional<bool> succeeded = std::nullopt);

}  // namespace synod::cli

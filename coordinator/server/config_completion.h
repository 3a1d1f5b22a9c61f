// What a configuration means as a whole: defaults that follow from other keys, and what contradicts itself.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "coordinator/server/config_keys.h"

namespace synod::server {

// Completes raw->config once all lines are taken. InvalidArgument with the reason.
absl::Status CompleteConfig(std::string_view my_id, RawConfig* raw);

}  // namespace synod::server

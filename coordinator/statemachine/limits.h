// Sizes of one operation, judged alike on every server (L4).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "coordinator/statemachine/command.h"
#include "coordinator/statemachine/command_codec.h"

namespace synod::statemachine {

inline bool IsTooLarge(const std::string& path) { return path.size() > kMaxPathBytes; }

inline bool IsTooLarge(const std::string& path, const NodeData& data, uint32_t max_data_bytes) {
  return IsTooLarge(path) || (data && data->size() > max_data_bytes);
}

}  // namespace synod::statemachine

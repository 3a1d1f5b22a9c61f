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

// What operations together take of the two bounds of a multi: max_data_bytes + kMaxPathBytes, and kMaxAclBytes.
struct OperationBytes {
  size_t data = 0;  // paths too
  size_t acl = 0;

  void Add(const TreeOp& op);
  void Add(const Compare& compare);
  bool TooLarge(uint32_t max_data_bytes) const {
    return data > size_t{max_data_bytes} + kMaxPathBytes || acl > kMaxAclBytes;
  }
};

}  // namespace synod::statemachine

// The payload of a kCommands entry: what queued while the last sync ran (L2), with the leader's times (L4, L5).
//
//   batch   := u8 version (1) , varint log_clock_us , signed-varint wall_ms , varint count , command{count}
//   command := blob     (an encoded statemachine::Command)
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace synod::interfaces {

struct BatchTimes {
  uint64_t log_clock_us = 0;  // never less than an earlier batch's
  int64_t wall_ms = 0;        // since 1970, the leader's wall clock, for Stat only
};

struct CommandBatch {
  BatchTimes times;
  std::vector<std::string_view> commands;  // views into the payload
};

std::string EncodeBatch(const BatchTimes& times, absl::Span<const std::string> commands);
// DataLoss if malformed.
absl::StatusOr<CommandBatch> DecodeBatch(std::string_view payload);

}  // namespace synod::interfaces

// What the services of two servers tell each other about sessions (S6, S8).
//
//   message := u8 kind , body
//   report  := kind 1 , u64 incarnation , varint number , sessions heard , sessions disconnected
//   ack     := kind 2 , u64 incarnation , varint number , sessions refused
//   sessions := varint count , { varint (id - previous id) , varint generation }{count}     (ids ascending, none twice)
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/base/ids.h"

namespace synod::service {

struct OwnedSession {
  SessionId session;
  OwnerGeneration generation;
  auto operator<=>(const OwnedSession&) const = default;
};

enum class LivenessKind : uint8_t { kReport = 1, kAck = 2 };

// From a server to the leader.
struct LivenessReport {
  uint64_t incarnation = 0;                // of the sender's process
  uint64_t number = 0;                     // counts the sender's reports
  std::vector<OwnedSession> heard;         // ascending
  std::vector<OwnedSession> disconnected;  // ascending; S8: the other side closed the connection of this generation
};
// From the leader back. What is not refused is acknowledged.
struct LivenessAck {
  uint64_t incarnation = 0;           // of the report's sender
  uint64_t number = 0;                // of the report
  std::vector<OwnedSession> refused;  // ascending; unknown, of another generation, or being expired
};

std::string EncodeReport(const LivenessReport& report);
std::string EncodeAck(const LivenessAck& ack);
// InvalidArgument: neither kind. DataLoss: malformed.
absl::StatusOr<LivenessKind> PeekLivenessKind(std::string_view bytes);
absl::StatusOr<LivenessReport> DecodeReport(std::string_view bytes);
absl::StatusOr<LivenessAck> DecodeAck(std::string_view bytes);

}  // namespace synod::service

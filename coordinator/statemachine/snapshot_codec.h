// The small records of a snapshot: counters ('c') and settings ('t' + name). Grammar: docs/formats/session_record.md.
// Nodes ('n') are the tree's, sessions ('s') and replies ('r') the session table's, ACLs ('a') and identity sets ('i')
// their tables', past events ('w') the window's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "coordinator/base/ids.h"

namespace synod::statemachine {

struct Counters {
  Zxid zxid;                              // of the last command (L7)
  SessionId next_session = SessionId(1);  // never reused
  uint32_t version = 1;                   // in force (L6)
  uint64_t log_clock_us = 0;              // of the last batch (L5)
  uint32_t next_acl = 0;                  // where the ACL table looks for a free number
  uint32_t next_identities = 0;           // and the identity table
};

inline constexpr char kCountersKey = 'c';
inline constexpr char kSettingKey = 't';

std::string EncodeCounters(const Counters& counters);
// DataLoss if malformed. FailedPrecondition: written by a build before the first release.
absl::StatusOr<Counters> DecodeCounters(std::string_view value);
uint64_t CountersHash(const Counters& counters);
uint64_t SettingHash(std::string_view name, std::string_view value);

}  // namespace synod::statemachine

// Commands and outcomes as bytes: the log's payload and the reply tables. Grammar: docs/formats/command.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/base/bytes.h"
#include "coordinator/statemachine/command.h"
#include "coordinator/statemachine/outcome.h"

namespace synod::statemachine {

// The state-machine version this code knows (L6). A command carries the version it needs; a server that meets a newer
// one stops.
inline constexpr uint32_t kVersionKnown = 1;

// Limits of a command, part of state-machine version 1: judged alike on every server, they keep a turn of the loop
// short (L3). Beyond them: kTooLarge, under the command's number.
inline constexpr size_t kMaxPathBytes = 65535;  // of the path of one operation
inline constexpr size_t kMaxMultiOps = 5000;    // of a multi: about 5 ms of apply
// The paths and data of a multi (of the branch of a txn that runs, and of its compares) together may take
// max_data_bytes + kMaxPathBytes, so that what fits alone fits in a multi; its ACLs together kMaxAclBytes, which no
// list that is accepted alone exceeds.
inline constexpr size_t kMaxAclBytes = 1 << 20;  // of schemes and ids, and 4 per entry
inline constexpr size_t kMaxSettingNameBytes = 255;
inline constexpr size_t kMaxCompares = 1000;      // of a txn
inline constexpr uint32_t kMaxTreeDelete = 5000;  // nodes of all delete-trees of one command
// Of the paths of the nodes that these delete-trees take, and of those that one step of a closing session takes: each
// is in an event, and there may be 64 KB of it.
inline constexpr uint64_t kMaxDeletedPathBytes = 4 << 20;
inline constexpr size_t kEphemeralsPerCommand = 1000;           // that one command of a closing session deletes
inline constexpr uint64_t kMaxTtlMs = (uint64_t{1} << 40) - 1;  // protocol sheet 8.6
inline constexpr size_t kPasswordBytes = 16;

// REQUIRES values that the format can carry (no check of meaning).
std::string EncodeCommand(const Command& command);
// Unimplemented: a newer version or an operation this code does not know (L6); says which. DataLoss: malformed.
absl::StatusOr<Command> DecodeCommand(std::string_view bytes);
// The same into an old command, whose strings' memory is reused. On error `command` is anything.
absl::Status DecodeCommandInto(std::string_view bytes, Command* command);

// What the leader needs to know of a command before logging it.
enum class CommandGrowth : uint8_t { kNone, kGrows, kMalformed };
// Whether it adds data to the tree: create, set data, set ACL with a list, a multi or (either branch of) a txn with one
// of them. Looks only at what it must.
CommandGrowth PeekGrowth(std::string_view bytes);
// The refusal to log in place of `bytes`: the same session, generation, sequence, confirmed_below and origin (S2).
// nullopt if malformed.
std::optional<std::string> EncodeRefusalOf(std::string_view bytes, tree::Error error);

// For reply tables: error, zxid, results and succeeded. Grant, repeated and gap are not part of it.
void EncodeOutcome(const Outcome& outcome, ByteWriter* out);
absl::StatusOr<Outcome> DecodeOutcome(std::string_view bytes);

}  // namespace synod::statemachine

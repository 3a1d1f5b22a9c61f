// The operations of a multi or a transaction as lines of text.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/client/types.h"

namespace synod::cli {

// For the help texts.
inline constexpr char kOperationGrammar[] =
    "  create PATH [DATA] [-e] [-s] [--container | --ttl TIME] [--acl ACL] [--if-absent | --or-set]\n"
    "  set PATH DATA [-v N]\n"
    "  delete PATH [-v N] [--if-there]\n"
    "  rm PATH [-v N] [--max NODES]       (with all below it)\n"
    "  check PATH [-v N]\n"
    "  acl PATH ACL [-v N]\n"
    "DATA after --hex is hex; no DATA is null; quotes and backslashes as in a Unix shell.\n";

// One operation from the words of its line. InvalidArgument: what is wrong, without the line.
absl::StatusOr<client::Operation> ParseOperation(const std::vector<std::string>& words);
// "create", "delete", "set", "check", "acl", "rm".
std::string_view OperationName(client::Operation::Kind kind);

// Of the flags -e -s --container --ttl; nullopt: no such kind of node.
std::optional<client::CreateMode> ModeOf(bool ephemeral, bool sequential, bool container, bool ttl);
// "5" is seconds, as is "5s"; "500ms" and "1h30m" work too. nullopt: no time, or not above zero.
std::optional<absl::Duration> ParseTime(const std::string& text);

}  // namespace synod::cli

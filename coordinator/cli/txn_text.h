// A transaction as text, and as JSON: conditions, what to do if all hold, what to do otherwise.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/client/types.h"

namespace synod::cli {

struct Transaction {
  std::vector<client::Compare> compares;
  std::vector<client::Operation> then_operations;
  std::vector<client::Operation> else_operations;
};

// For the help text.
inline constexpr char kTxnGrammar[] =
    "One statement per line, or separated by semicolons; # begins a comment.\n"
    "  if CONDITION         all of them must hold; none: always\n"
    "  then [OPERATION]     what follows is done if they hold\n"
    "  else [OPERATION]     what follows is done if they do not\n"
    "Conditions (of a missing node only `missing` holds):\n"
    "  exists PATH\n"
    "  missing PATH\n"
    "  version|cversion|aversion|czxid|mzxid|owner PATH RELATION NUMBER\n"
    "  value PATH RELATION TEXT           (bytes, compared in order)\n"
    "  value PATH is [not] null\n"
    "RELATION is one of = != < <= > >=; NUMBER is decimal or 0x and hexadecimal digits; owner is the session of an\n"
    "ephemeral node, 0 of others.\n";

// The language above. InvalidArgument: what is wrong, and in which line.
absl::StatusOr<Transaction> ParseTransaction(std::string_view text);

// The same as JSON:
//   {"if":   [{"path":"/a","exists":true}, {"path":"/a","version":3}, {"path":"/a","mzxid":{">":17}},
//             {"path":"/a","value":"text"}, {"path":"/a","value":{"!=":null}}],
//    "then": [{"op":"set","path":"/a","data":"new","version":3}, ...],
//    "else": [...]}
// An operation has "op" (create, set, delete, rm, check, acl), "path", and as it needs "data" (text, null, or
// {"hex":"00ff"}), "version", "acl" (text), "mode" (persistent, ephemeral, persistent_sequential,
// ephemeral_sequential, container, ttl, ttl_sequential), "ttl_ms", "on_existing" (fail, keep, set), "if_there",
// "max_nodes". Unknown members are errors.
absl::StatusOr<Transaction> ParseTransactionJson(std::string_view text);

}  // namespace synod::cli

// A line of the shell, split into words.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace synod::cli {

// As a Unix shell does it: spaces separate, '...' is literal, "..." keeps spaces and takes \" and \\, a backslash
// outside quotes takes the next character as it is, # at the start of a word begins a comment. InvalidArgument: a quote
// that is not closed.
absl::StatusOr<std::vector<std::string>> SplitWords(std::string_view line);

// A text of statements, each on a line of its own or separated by semicolons outside quotes; quotes may span lines.
// Empty ones are left out.
struct Statement {
  int line = 0;  // where it begins, from 1
  std::string text;
  std::vector<std::string> words;
};
absl::StatusOr<std::vector<Statement>> SplitStatements(std::string_view text);

}  // namespace synod::cli

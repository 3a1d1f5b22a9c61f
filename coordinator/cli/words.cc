#include "coordinator/cli/words.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace synod::cli {

absl::StatusOr<std::vector<std::string>> SplitWords(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool more = i + 1 < line.size();
    if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else if (c == '\\' && quote == '"' && more && (line[i + 1] == '"' || line[i + 1] == '\\')) {
        word += line[++i];
      } else {
        word += c;
      }
    } else if (c == '\'' || c == '"') {
      quote = c;
      in_word = true;
    } else if (c == '\\' && more) {
      word += line[++i];
      in_word = true;
    } else if (c == ' ' || c == '\t' || c == '\r') {
      if (in_word) words.push_back(std::move(word));
      word.clear();
      in_word = false;
    } else if (c == '#' && !in_word) {
      break;
    } else {
      word += c;
      in_word = true;
    }
  }
  if (quote != 0) return absl::InvalidArgumentError("a quote is not closed");
  if (in_word) words.push_back(std::move(word));
  return words;
}

namespace {

// The length of the first statement of `text`, by the quoting rules of SplitWords.
size_t StatementLength(std::string_view text) {
  char quote = 0;
  bool in_word = false, comment = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (comment) {
      if (c == '\n') return i;
    } else if (quote != 0) {
      if (c == quote) quote = 0;
      if (c == '\\' && quote == '"') ++i;
    } else if (c == '\n' || c == ';') {
      return i;
    } else if (c == '\\') {
      ++i;
      in_word = true;
    } else {
      if (c == '\'' || c == '"') quote = c;
      comment = c == '#' && !in_word;
      in_word = c != ' ' && c != '\t' && c != '\r';
    }
  }
  return text.size();
}

}  // namespace

absl::StatusOr<std::vector<Statement>> SplitStatements(std::string_view text) {
  std::vector<Statement> out;
  for (int line = 1; !text.empty();) {
    const size_t length = std::min(StatementLength(text), text.size());
    const std::string_view statement = text.substr(0, length);
    auto words = SplitWords(statement);
    if (!words.ok()) return absl::InvalidArgumentError(absl::StrCat("line ", line, ": ", words.status().message()));
    const absl::string_view stripped = absl::StripAsciiWhitespace({statement.data(), statement.size()});
    if (!words->empty()) out.push_back({line, std::string(stripped), *std::move(words)});
    line += static_cast<int>(std::count(statement.begin(), statement.end(), '\n'));
    if (length == text.size()) break;
    if (text[length] == '\n') ++line;
    text.remove_prefix(length + 1);
  }
  return out;
}

}  // namespace synod::cli

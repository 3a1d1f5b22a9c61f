#include "coordinator/cli/txn_text.h"

#include <map>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "coordinator/cli/operation_text.h"
#include "coordinator/cli/words.h"

namespace synod::cli {
namespace {

using client::Compare;

absl::Status Wrong(absl::string_view why) { return absl::InvalidArgumentError(why); }

bool ParseNumber(const std::string& text, int64_t* out) {
  if (absl::StartsWith(text, "0x")) {
    uint64_t bits = 0;  // session ids use all 64
    if (!absl::SimpleHexAtoi(text, &bits)) return false;
    *out = static_cast<int64_t>(bits);
    return true;
  }
  return absl::SimpleAtoi(text, out);
}

absl::StatusOr<Compare::Relation> ParseRelation(const std::string& text) {
  static const auto* const kRelations = new std::map<std::string, Compare::Relation>{
      {"=", Compare::Relation::kEqual},          {"==", Compare::Relation::kEqual},
      {"!=", Compare::Relation::kNotEqual},      {"<", Compare::Relation::kLess},
      {"<=", Compare::Relation::kLessOrEqual},   {">", Compare::Relation::kGreater},
      {">=", Compare::Relation::kGreaterOrEqual}};
  auto found = kRelations->find(text);
  if (found == kRelations->end()) return Wrong(absl::StrCat("\"", text, "\" is none of = != < <= > >="));
  return found->second;
}

// The words behind "value".
absl::StatusOr<Compare> ParseValue(const std::vector<std::string>& words) {
  if (words.size() == 3 && words[1] == "is" && words[2] == "null")
    return Compare::Value(words[0], Compare::Relation::kEqual, std::nullopt);
  if (words.size() == 4 && words[1] == "is" && words[2] == "not" && words[3] == "null")
    return Compare::Value(words[0], Compare::Relation::kNotEqual, std::nullopt);
  if (words.size() != 3) return Wrong("a value condition is: value PATH RELATION TEXT, or value PATH is [not] null");
  auto relation = ParseRelation(words[1]);
  if (!relation.ok()) return relation.status();
  return Compare::Value(words[0], *relation, words[2]);
}

// The words behind "if".
absl::StatusOr<Compare> ParseCondition(const std::vector<std::string>& words) {
  static const auto* const kTargets = new std::map<std::string, Compare::Target>{
      {"version", Compare::Target::kVersion},   {"cversion", Compare::Target::kCversion},
      {"aversion", Compare::Target::kAversion}, {"czxid", Compare::Target::kCzxid},
      {"mzxid", Compare::Target::kMzxid},       {"owner", Compare::Target::kEphemeralOwner}};
  if (words.empty()) return Wrong("`if` needs a condition");
  if (words[0] == "exists" || words[0] == "missing") {
    if (words.size() != 2) return Wrong(absl::StrCat("a condition is: ", words[0], " PATH"));
    return words[0] == "exists" ? Compare::Exists(words[1]) : Compare::Missing(words[1]);
  }
  if (words[0] == "value") return ParseValue({words.begin() + 1, words.end()});
  auto target = kTargets->find(words[0]);
  if (target == kTargets->end())
    return Wrong(absl::StrCat("\"", words[0],
                              "\" is no condition: exists, missing, version, cversion, aversion, czxid, mzxid, owner, "
                              "value"));
  if (words.size() != 4) return Wrong(absl::StrCat("a condition is: ", words[0], " PATH RELATION NUMBER"));
  auto relation = ParseRelation(words[2]);
  if (!relation.ok()) return relation.status();
  int64_t number = 0;
  if (!ParseNumber(words[3], &number)) return Wrong(absl::StrCat("not a number: ", words[3]));
  return Compare::Number(words[1], target->second, *relation, number);
}

enum class Section { kIf, kThen, kElse };

absl::Status AddStatement(std::vector<std::string> words, Section* section, Transaction* out) {
  if (words[0] == "if") {
    if (*section != Section::kIf) return Wrong("conditions stand before `then`");
    words.erase(words.begin());
    auto condition = ParseCondition(words);
    if (condition.ok()) out->compares.push_back(*std::move(condition));
    return condition.status();
  }
  if (words[0] == "then" || words[0] == "else") {
    const Section wanted = words[0] == "then" ? Section::kThen : Section::kElse;
    if (wanted <= *section) return Wrong(absl::StrCat("`", words[0], "` comes once: if ..., then ..., else ..."));
    *section = wanted;
    words.erase(words.begin());
    if (words.empty()) return absl::OkStatus();
  }
  if (*section == Section::kIf) return Wrong("operations stand behind `then` or `else`");
  auto operation = ParseOperation(words);
  if (operation.ok())
    (*section == Section::kThen ? out->then_operations : out->else_operations).push_back(*std::move(operation));
  return operation.status();
}

}  // namespace

absl::StatusOr<Transaction> ParseTransaction(std::string_view text) {
  auto statements = SplitStatements(text);
  if (!statements.ok()) return statements.status();
  Transaction out;
  Section section = Section::kIf;
  for (Statement& statement : *statements) {
    const absl::Status added = AddStatement(std::move(statement.words), &section, &out);
    if (!added.ok())
      return Wrong(absl::StrCat("line ", statement.line, ": \"", statement.text, "\": ", added.message()));
  }
  if (section == Section::kIf) return Wrong("a transaction needs `then` or `else`");
  return out;
}

}  // namespace synod::cli

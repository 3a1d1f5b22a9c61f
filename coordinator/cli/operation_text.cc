#include "coordinator/cli/operation_text.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "coordinator/cli/acl_text.h"
#include "coordinator/cli/format.h"

namespace synod::cli {
namespace {

using client::Operation;
using Kind = Operation::Kind;

struct Grammar {
  Kind kind;
  size_t words;  // at most, without options, the verb included
  bool data;     // the third word is data; otherwise an ACL
  std::set<std::string> options;
};

const std::map<std::string, Grammar>& Grammars() {
  static const auto* const kGrammars = new std::map<std::string, Grammar>{
      {"create",
       {Kind::kCreate, 3, true, {"-e", "-s", "--container", "--ttl", "--acl", "--if-absent", "--or-set", "--hex"}}},
      {"set", {Kind::kSet, 3, true, {"-v", "--hex"}}},
      {"delete", {Kind::kDelete, 2, false, {"-v", "--if-there"}}},
      {"rm", {Kind::kDeleteTree, 2, false, {"-v", "--max", "-R"}}},
      {"check", {Kind::kCheck, 2, false, {"-v"}}},
      {"acl", {Kind::kSetAcl, 3, false, {"-v"}}},
  };
  return *kGrammars;
}

absl::Status Wrong(absl::string_view why) { return absl::InvalidArgumentError(why); }

// What was read, before it becomes an operation.
struct Parts {
  std::vector<std::string> plain;
  std::map<std::string, std::string> options;  // with the word that follows, if the option takes one
  bool has(const std::string& option) const { return options.count(option) > 0; }
};

// "--" is not needed: data that begins with a dash is only taken for an option if it is one of this operation's.
absl::StatusOr<Parts> Sort(const std::vector<std::string>& words, const Grammar& grammar) {
  static const std::set<std::string> kWithValue = {"-v", "--ttl", "--acl", "--max"};
  Parts out;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (grammar.options.count(word) == 0) {
      if (word.size() > 2 && word[0] == '-' && word[1] == '-') return Wrong("unknown option " + word);
      out.plain.push_back(word);
      continue;
    }
    std::string value;
    if (kWithValue.count(word) > 0) {
      if (i + 1 == words.size()) return Wrong(word + " needs a value");
      value = words[++i];
    }
    if (!out.options.emplace(word, value).second) return Wrong(word + " is given twice");
  }
  return out;
}

absl::Status FillCreate(const Parts& parts, Operation* out) {
  const auto mode = ModeOf(parts.has("-e"), parts.has("-s"), parts.has("--container"), parts.has("--ttl"));
  if (!mode.has_value()) return Wrong("these of -e, -s, --container and --ttl do not go together");
  out->mode = *mode;
  if (parts.has("--ttl")) {
    const auto ttl = ParseTime(parts.options.at("--ttl"));
    if (!ttl.has_value()) return Wrong("not a time: " + parts.options.at("--ttl"));
    out->ttl = *ttl;
  }
  if (parts.has("--acl")) {
    auto acl = ParseAcl(parts.options.at("--acl"));
    if (!acl.ok()) return acl.status();
    out->acl = *std::move(acl);
  }
  if (parts.has("--if-absent") && parts.has("--or-set")) return Wrong("--if-absent and --or-set do not go together");
  if (parts.has("--if-absent")) out->on_existing = client::OnExisting::kKeep;
  if (parts.has("--or-set")) out->on_existing = client::OnExisting::kSet;
  if (out->on_existing != client::OnExisting::kFail && parts.has("-s"))
    return Wrong("a sequential node is always a new one: no --if-absent and --or-set");
  return absl::OkStatus();
}

}  // namespace

std::string_view OperationName(Kind kind) {
  constexpr std::string_view kNames[] = {"create", "delete", "set", "check", "acl", "rm"};
  return kNames[static_cast<int>(kind)];
}

std::optional<client::CreateMode> ModeOf(bool ephemeral, bool sequential, bool container, bool ttl) {
  if (ephemeral && (container || ttl)) return std::nullopt;
  if (container && (sequential || ttl)) return std::nullopt;
  if (container) return client::CreateMode::kContainer;
  if (ttl) return sequential ? client::CreateMode::kPersistentSequentialTtl : client::CreateMode::kPersistentTtl;
  return static_cast<client::CreateMode>((ephemeral ? 1 : 0) + (sequential ? 2 : 0));
}

std::optional<absl::Duration> ParseTime(const std::string& text) {
  double seconds = 0;
  absl::Duration out;
  if (absl::SimpleAtod(text, &seconds)) {
    out = absl::Seconds(seconds);
  } else if (!absl::ParseDuration(text, &out)) {
    return std::nullopt;
  }
  if (out <= absl::ZeroDuration() || out == absl::InfiniteDuration()) return std::nullopt;
  return out;
}

absl::StatusOr<Operation> ParseOperation(const std::vector<std::string>& words) {
  const auto grammar = words.empty() ? Grammars().end() : Grammars().find(words[0]);
  if (grammar == Grammars().end()) return Wrong("an operation is create, set, delete, rm, check or acl");
  auto parts = Sort(words, grammar->second);
  if (!parts.ok()) return parts.status();
  const std::vector<std::string>& plain = parts->plain;
  if (plain.size() < 2) return Wrong("an operation needs a path");
  if (plain.size() > grammar->second.words) return Wrong("too many words; quote data with spaces");
  Operation out;
  out.kind = grammar->second.kind;
  out.path = plain[1];
  if (out.kind == Kind::kSet && plain.size() < 3) return Wrong("set needs data");
  if (out.kind == Kind::kSetAcl && plain.size() < 3) return Wrong("acl needs an ACL");
  if (parts->has("-v") && !absl::SimpleAtoi(parts->options.at("-v"), &out.version)) return Wrong("-v needs a number");
  if (parts->has("--max") && !absl::SimpleAtoi(parts->options.at("--max"), &out.max_nodes))
    return Wrong("--max needs a number");
  out.missing_ok = parts->has("--if-there");
  if (out.kind == Kind::kCreate) {
    if (absl::Status filled = FillCreate(*parts, &out); !filled.ok()) return filled;
  }
  if (plain.size() < 3) return out;
  if (grammar->second.data) {
    out.data = parts->has("--hex") ? FromHex(plain[2]) : plain[2];
    if (!out.data.has_value()) return Wrong("--hex needs an even number of hex digits");
  } else {
    auto acl = ParseAcl(plain[2]);
    if (!acl.ok()) return acl.status();
    out.acl = *std::move(acl);
  }
  return out;
}

}  // namespace synod::cli

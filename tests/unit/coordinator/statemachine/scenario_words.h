// The words of scenario files (scenario_test.cc) as operations.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/unit/coordinator/statemachine/harness.h"

namespace synod::statemachine {

inline absl::string_view View(std::string_view s) { return {s.data(), s.size()}; }

// One command line, split.
struct Line {
  std::vector<std::string> words;
  std::map<std::string, std::string> keys;

  explicit Line(absl::string_view text) {
    for (absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
      size_t equals = word.find('=');
      if (equals == absl::string_view::npos || word[0] == '/') {
        words.emplace_back(word);
      } else {
        keys[std::string(word.substr(0, equals))] = std::string(word.substr(equals + 1));
      }
    }
  }
  std::string Text(const std::string& key, const std::string& otherwise = "") const {
    auto it = keys.find(key);
    return it == keys.end() ? otherwise : it->second;
  }
  int64_t Number(const std::string& key, int64_t otherwise = 0) const {
    int64_t value = otherwise;
    if (keys.count(key) != 0) {
      EXPECT_TRUE(absl::SimpleAtoi(keys.at(key), &value)) << key;
    }
    return value;
  }
  std::string Word(size_t i) const { return i < words.size() ? words[i] : ""; }
  // What no line can hold: @long is one byte beyond the limit, @nul has a NUL in it.
  std::string Path(size_t i) const {
    std::string word = Word(i);
    if (word == "@long") return "/" + std::string(kMaxPathBytes, 'x');
    if (word == "@nul") return std::string("/a\0", 3);
    return word;
  }
};

inline tree::Error ErrorNamed(const std::string& name) {
  for (int e = 0; e <= static_cast<int>(tree::Error::kReplyLost); ++e) {
    if (tree::ErrorName(static_cast<tree::Error>(e)) == name) return static_cast<tree::Error>(e);
  }
  ADD_FAILURE() << "no error " << name;
  return tree::Error::kOk;
}

// "world:anyone:r,digest:bob:x:cdrwa"; absent: nullopt; "empty": no entry.
inline WantedAcl ParseAcl(const Line& line) {
  if (line.keys.count("acl") == 0) return std::nullopt;
  access::Acl acl;
  if (line.Text("acl") == "empty") return acl;
  for (absl::string_view text : absl::StrSplit(absl::string_view(line.keys.at("acl")), ',')) {
    access::AclEntry entry;
    size_t scheme = text.find(':'), id = text.rfind(':');
    entry.scheme = std::string(text.substr(0, scheme));
    if (id > scheme) entry.id = std::string(text.substr(scheme + 1, id - scheme - 1));
    for (char c : text.substr(id + 1)) entry.permissions |= 1u << absl::string_view("rwcda").find(c);
    acl.push_back(std::move(entry));
  }
  return acl;
}

inline std::string ShowAcl(const access::Acl& acl) {
  std::string out;
  for (const access::AclEntry& entry : acl) {
    absl::StrAppend(&out, out.empty() ? "" : ",", entry.scheme, ":", entry.id, ":");
    for (size_t bit = 0; bit < 5; ++bit) {
      if (entry.permissions & (1u << bit)) out += "rwcda"[bit];
    }
  }
  return out;
}

// ids=digest:bob:x,ip:10.0.0.1
inline access::IdentitySet ParseIdentities(const Line& line) {
  access::IdentitySet who;
  if (line.keys.count("ids") == 0) return who;
  for (absl::string_view text : absl::StrSplit(absl::string_view(line.keys.at("ids")), ',', absl::SkipEmpty())) {
    size_t colon = text.find(':');
    access::Insert({std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))}, &who);
  }
  return who;
}

inline std::optional<CreateOp> ParseCreate(const Line& line, NodeData data) {
  static const std::map<std::string, CreateMode> kModes = {{"", CreateMode::kPersistent},
                                                           {"ephemeral", CreateMode::kEphemeral},
                                                           {"sequential", CreateMode::kPersistentSequential},
                                                           {"ephemeral_sequential", CreateMode::kEphemeralSequential},
                                                           {"container", CreateMode::kContainer},
                                                           {"ttl", CreateMode::kPersistentTtl},
                                                           {"sequential_ttl", CreateMode::kPersistentSequentialTtl}};
  static const std::map<std::string, OnExisting> kOnExisting = {
      {"", OnExisting::kFail}, {"keep", OnExisting::kKeep}, {"set", OnExisting::kSet}};
  return CreateOp{line.Path(1),
                  std::move(data),
                  kModes.at(line.Text("mode")),
                  ParseAcl(line),
                  static_cast<uint64_t>(line.Number("ttl")),
                  kOnExisting.at(line.Text("existing"))};
}

inline std::optional<TreeOp> ParseTreeOp(const Line& line) {
  NodeData data;
  if (line.keys.count("data")) data = line.Text("data");
  int32_t version = static_cast<int32_t>(line.Number("version", -1));
  std::string kind = line.Word(0), path = line.Path(1);
  if (kind == "delete") return DeleteOp{path, version, line.Number("missing_ok") != 0};
  if (kind == "set") return SetDataOp{path, data, version};
  if (kind == "check") return CheckOp{path, version};
  if (kind == "set-acl") return SetAclOp{path, ParseAcl(line), version};
  if (kind == "delete-tree")
    return DeleteTreeOp{path, version, static_cast<uint32_t>(line.Number("max")), line.Number("partial") != 0};
  if (kind == "create") return ParseCreate(line, std::move(data));
  return std::nullopt;
}

inline std::vector<TreeOp> ParseOps(absl::string_view text) {
  std::vector<TreeOp> ops;
  for (absl::string_view part : absl::StrSplit(text, ';')) {
    if (std::optional<TreeOp> op = ParseTreeOp(Line(part))) ops.push_back(*op);
  }
  return ops;
}

// TARGET PATH RELATION [NUMBER or TEXT]
inline Compare ParseCompare(const Line& line) {
  static const std::map<std::string, Compare::Target> kTargets = {
      {"exists", Compare::Target::kExists},        {"version", Compare::Target::kVersion},
      {"cversion", Compare::Target::kCversion},    {"aversion", Compare::Target::kAversion},
      {"czxid", Compare::Target::kCzxid},          {"mzxid", Compare::Target::kMzxid},
      {"owner", Compare::Target::kEphemeralOwner}, {"value", Compare::Target::kValue}};
  static const std::map<std::string, Compare::Relation> kRelations = {
      {"eq", Compare::Relation::kEqual},   {"ne", Compare::Relation::kNotEqual},
      {"lt", Compare::Relation::kLess},    {"le", Compare::Relation::kLessOrEqual},
      {"gt", Compare::Relation::kGreater}, {"ge", Compare::Relation::kGreaterOrEqual}};
  Compare compare{line.Path(1), kTargets.at(line.Word(0)), kRelations.at(line.Word(2))};
  if (compare.target != Compare::Target::kValue) {
    EXPECT_TRUE(absl::SimpleAtoi(line.Word(3), &compare.number)) << line.Word(3);
  } else if (line.words.size() > 3) {
    compare.value = line.Word(3);
  }
  return compare;
}

// txn COMPARE ; ... ? OPERATION ; ... : OPERATION ; ...   (the colon stands alone)
inline TxnOp ParseTxn(absl::string_view text) {
  TxnOp txn;
  std::pair<absl::string_view, absl::string_view> at = absl::StrSplit(text, absl::MaxSplits('?', 1));
  for (absl::string_view part : absl::StrSplit(at.first, ';')) {
    if (Line line(part); !line.words.empty()) txn.compares.push_back(ParseCompare(line));
  }
  std::pair<absl::string_view, absl::string_view> branches = absl::StrSplit(at.second, absl::MaxSplits(" : ", 1));
  txn.then_ops = ParseOps(branches.first);
  txn.else_ops = ParseOps(branches.second);
  return txn;
}

inline std::optional<Operation> ParseSessionOperation(const Line& line) {
  SessionId session(line.Number("session"));
  OwnerGeneration seen(static_cast<uint64_t>(line.Number("seen")));
  uint32_t timeout = static_cast<uint32_t>(line.Number("timeout", 4000)),
           grace = static_cast<uint32_t>(line.Number("grace"));
  uint64_t connection = static_cast<uint64_t>(line.Number("connection", 1));
  std::string kind = line.Word(0), word = line.Text("password", "right");
  std::string password = word == "right" ? kPassword : word == "wrong" ? std::string(16, 'w') : word;
  if (kind == "create-session")
    return CreateSessionOp{timeout, grace, password, connection, true, ParseIdentities(line)};
  if (kind == "attach") {
    bool clear = line.Number("clear") != 0;
    return AttachSessionOp{session, seen, connection, password, timeout, grace, clear, ParseIdentities(line)};
  }
  if (kind == "authenticate") return AuthenticateOp{ParseIdentities(line)};
  if (kind == "close") return CloseSessionOp{};
  if (kind == "expire") return ExpireSessionOp{session, seen};
  if (kind == "continue-close") return ContinueCloseOp{session};
  return std::nullopt;
}

inline std::optional<Operation> ParseOperation(absl::string_view text, const Line& line) {
  std::string kind = line.Word(0);
  if (kind == "multi") return MultiOp{ParseOps(text.substr(5))};
  if (kind == "txn") return ParseTxn(text.substr(3));
  if (kind == "sync") return SyncOp{"/"};
  if (kind == "refused") return RefusedOp{ErrorNamed(line.Word(1))};
  if (kind == "remove-idle") return RemoveIdleOp{line.Path(1), Zxid(line.Number("czxid")), Zxid(line.Number("mzxid"))};
  if (kind == "raise-version") return RaiseVersionOp{static_cast<uint32_t>(std::stoul(line.Word(1)))};
  if (kind == "setting") return SetSettingOp{line.Path(1), line.Word(2)};
  if (std::optional<Operation> operation = ParseSessionOperation(line)) return operation;
  std::optional<TreeOp> op = ParseTreeOp(line);
  if (!op) return std::nullopt;
  return std::visit([](auto&& one) -> Operation { return one; }, *op);
}

}  // namespace synod::statemachine

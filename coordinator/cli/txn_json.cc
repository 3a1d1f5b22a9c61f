// ParseTransactionJson.
#include <initializer_list>
#include <map>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "coordinator/cli/acl_text.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/txn_text.h"

namespace synod::cli {
namespace {

// Only accessors that do not throw are used: a member's type is looked at before its value.
using Json = nlohmann::json;
using client::Compare;
using client::Operation;

absl::Status Wrong(absl::string_view why) { return absl::InvalidArgumentError(why); }

absl::Status OnlyMembers(const Json& object, std::initializer_list<const char*> known) {
  for (auto member = object.begin(); member != object.end(); ++member) {
    const bool found = std::any_of(known.begin(), known.end(), [&](const char* name) { return member.key() == name; });
    if (!found) return Wrong(absl::StrCat("unknown member \"", member.key(), "\""));
  }
  return absl::OkStatus();
}

const std::string* TextOf(const Json& object, const char* name) {
  auto member = object.find(name);
  return member == object.end() ? nullptr : member->get_ptr<const std::string*>();
}

// Numbers beyond int64 are taken as unsigned: session ids use all 64 bits.
bool IntegerOf(const Json& value, int64_t* out) {
  if (const auto* number = value.get_ptr<const Json::number_unsigned_t*>()) {
    *out = static_cast<int64_t>(*number);
  } else if (const auto* negative = value.get_ptr<const Json::number_integer_t*>()) {
    *out = *negative;
  } else {
    return false;
  }
  return true;
}

// Text, null or {"hex": "..."}.
bool DataOf(const Json& value, client::Data* out) {
  if (const auto* text = value.get_ptr<const std::string*>()) {
    *out = *text;
    return true;
  }
  if (value.is_null()) {
    *out = std::nullopt;
    return true;
  }
  const std::string* hex = value.is_object() && value.size() == 1 ? TextOf(value, "hex") : nullptr;
  if (hex != nullptr) *out = FromHex(*hex);
  return hex != nullptr && out->has_value();
}

// {"<": 3} or, for equal, the bare value. The relation's operand is in *value.
absl::StatusOr<Compare::Relation> RelationOf(const Json& condition, const Json** value) {
  static const auto* const kRelations = new std::map<std::string, Compare::Relation>{
      {"=", Compare::Relation::kEqual},          {"==", Compare::Relation::kEqual},
      {"!=", Compare::Relation::kNotEqual},      {"<", Compare::Relation::kLess},
      {"<=", Compare::Relation::kLessOrEqual},   {">", Compare::Relation::kGreater},
      {">=", Compare::Relation::kGreaterOrEqual}};
  *value = &condition;
  if (!condition.is_object() || condition.contains("hex")) return Compare::Relation::kEqual;
  auto found = condition.size() == 1 ? kRelations->find(condition.begin().key()) : kRelations->end();
  if (found == kRelations->end()) return Wrong("a relation is {\"<\": value}, with one of = != < <= > >=");
  *value = &condition.begin().value();
  return found->second;
}

absl::StatusOr<Compare> ConditionOf(const Json& json) {
  static const auto* const kTargets = new std::map<std::string, Compare::Target>{
      {"version", Compare::Target::kVersion},   {"cversion", Compare::Target::kCversion},
      {"aversion", Compare::Target::kAversion}, {"czxid", Compare::Target::kCzxid},
      {"mzxid", Compare::Target::kMzxid},       {"owner", Compare::Target::kEphemeralOwner}};
  const std::string* path = json.is_object() ? TextOf(json, "path") : nullptr;
  if (path == nullptr || json.size() != 2)
    return Wrong("a condition is an object with \"path\" and one of exists, version, ..., value");
  auto what = json.begin();
  if (what.key() == "path") ++what;
  if (what.key() == "exists") {
    const bool* exists = what->get_ptr<const bool*>();
    if (exists == nullptr) return Wrong("\"exists\" is true or false");
    return *exists ? Compare::Exists(*path) : Compare::Missing(*path);
  }
  const Json* value = nullptr;
  auto relation = RelationOf(*what, &value);
  if (!relation.ok()) return relation.status();
  if (what.key() == "value") {
    client::Data data;
    if (!DataOf(*value, &data)) return Wrong("a value is text, null or {\"hex\": \"00ff\"}");
    return Compare::Value(*path, *relation, std::move(data));
  }
  auto target = kTargets->find(what.key());
  if (target == kTargets->end()) return Wrong(absl::StrCat("unknown condition \"", what.key(), "\""));
  int64_t number = 0;
  if (!IntegerOf(*value, &number)) return Wrong(absl::StrCat("\"", what.key(), "\" needs an integer"));
  return Compare::Number(*path, target->second, *relation, number);
}

// A member that is one of the names; absent: *out stays.
template <typename Enum>
absl::Status NameOf(const Json& json, const char* member, const std::map<std::string, Enum>& names, Enum* out) {
  if (!json.contains(member)) return absl::OkStatus();
  const std::string* text = TextOf(json, member);
  auto found = text == nullptr ? names.end() : names.find(*text);
  if (found != names.end()) {
    *out = found->second;
    return absl::OkStatus();
  }
  std::string list;
  for (const auto& [name, value] : names) absl::StrAppend(&list, list.empty() ? "" : ", ", name);
  return Wrong(absl::StrCat("\"", member, "\" is one of ", list));
}

absl::Status FillNumbers(const Json& json, Operation* out) {
  const auto number = [&](const char* name, int64_t low, int64_t high, int64_t* value) {
    auto member = json.find(name);
    if (member == json.end()) return true;
    return IntegerOf(*member, value) && *value >= low && *value <= high;
  };
  int64_t version = -1, ttl_ms = 0, max_nodes = 0;
  if (!number("version", INT32_MIN, INT32_MAX, &version)) return Wrong("\"version\" is a 32-bit integer");
  if (!number("ttl_ms", 1, (int64_t{1} << 40) - 1, &ttl_ms)) return Wrong("\"ttl_ms\" is between 1 and 2^40 - 1");
  if (!number("max_nodes", 1, UINT32_MAX, &max_nodes)) return Wrong("\"max_nodes\" is a number above 0");
  out->version = static_cast<int32_t>(version);
  out->ttl = absl::Milliseconds(ttl_ms);
  out->max_nodes = static_cast<uint32_t>(max_nodes);
  return absl::OkStatus();
}

absl::StatusOr<Operation> OperationOf(const Json& json) {
  using Kind = Operation::Kind;
  using client::CreateMode;
  using client::OnExisting;
  static const auto* const kKinds =
      new std::map<std::string, Kind>{{"create", Kind::kCreate}, {"set", Kind::kSet},     {"delete", Kind::kDelete},
                                      {"rm", Kind::kDeleteTree}, {"check", Kind::kCheck}, {"acl", Kind::kSetAcl}};
  static const auto* const kModes =
      new std::map<std::string, CreateMode>{{"persistent", CreateMode::kPersistent},
                                            {"ephemeral", CreateMode::kEphemeral},
                                            {"persistent_sequential", CreateMode::kPersistentSequential},
                                            {"ephemeral_sequential", CreateMode::kEphemeralSequential},
                                            {"container", CreateMode::kContainer},
                                            {"ttl", CreateMode::kPersistentTtl},
                                            {"ttl_sequential", CreateMode::kPersistentSequentialTtl}};
  static const auto* const kOnExisting = new std::map<std::string, OnExisting>{
      {"fail", OnExisting::kFail}, {"keep", OnExisting::kKeep}, {"set", OnExisting::kSet}};
  if (!json.is_object()) return Wrong("an operation is an object with \"op\" and \"path\"");
  const std::string* path = TextOf(json, "path");
  if (path == nullptr || !json.contains("op")) return Wrong("an operation needs \"op\" and \"path\"");
  Operation out;
  out.path = *path;
  absl::Status ok = OnlyMembers(
      json, {"op", "path", "data", "version", "acl", "mode", "ttl_ms", "on_existing", "if_there", "max_nodes"});
  if (ok.ok()) ok = NameOf(json, "op", *kKinds, &out.kind);
  if (ok.ok()) ok = NameOf(json, "mode", *kModes, &out.mode);
  if (ok.ok()) ok = NameOf(json, "on_existing", *kOnExisting, &out.on_existing);
  if (ok.ok()) ok = FillNumbers(json, &out);
  if (!ok.ok()) return ok;
  if (auto data = json.find("data"); data != json.end() && !DataOf(*data, &out.data))
    return Wrong("\"data\" is text, null or {\"hex\": \"00ff\"}");
  if (json.contains("acl")) {
    const std::string* text = TextOf(json, "acl");
    auto acl = ParseAcl(text == nullptr ? "" : *text);
    if (!acl.ok()) return acl.status();
    out.acl = *std::move(acl);
  }
  if (out.kind == Kind::kSetAcl && !out.acl.has_value()) return Wrong("acl needs \"acl\"");
  if (auto there = json.find("if_there"); there != json.end()) {
    const bool* flag = there->get_ptr<const bool*>();
    if (flag == nullptr) return Wrong("\"if_there\" is true or false");
    out.missing_ok = *flag;
  }
  return out;
}

// Each element of the array `name`, by `parse`.
template <typename T>
absl::Status ArrayOf(const Json& json, const char* name, absl::StatusOr<T> (*parse)(const Json&), std::vector<T>* out) {
  auto array = json.find(name);
  if (array == json.end()) return absl::OkStatus();
  if (!array->is_array()) return Wrong(absl::StrCat("\"", name, "\" is an array"));
  for (size_t i = 0; i < array->size(); ++i) {
    auto element = parse((*array)[i]);
    if (!element.ok()) return Wrong(absl::StrCat("\"", name, "\"[", i, "]: ", element.status().message()));
    out->push_back(*std::move(element));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Transaction> ParseTransactionJson(std::string_view text) {
  const Json json = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Wrong("no JSON object: {\"if\": [...], \"then\": [...], \"else\": [...]}");
  Transaction out;
  absl::Status ok = OnlyMembers(json, {"if", "then", "else"});
  if (ok.ok()) ok = ArrayOf(json, "if", &ConditionOf, &out.compares);
  if (ok.ok()) ok = ArrayOf(json, "then", &OperationOf, &out.then_operations);
  if (ok.ok()) ok = ArrayOf(json, "else", &OperationOf, &out.else_operations);
  if (ok.ok() && !json.contains("then") && !json.contains("else"))
    ok = Wrong("a transaction needs \"then\" or \"else\"");
  if (!ok.ok()) return ok;
  return out;
}

}  // namespace synod::cli

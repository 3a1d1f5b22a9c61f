#include "coordinator/cli/export_record.h"

#include <map>
#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coordinator/cli/acl_text.h"
#include "coordinator/cli/format.h"
#include "coordinator/client/utf8.h"

namespace synod::cli {
namespace {

// Only accessors that do not throw are used: a member's type is looked at before its value.
using Json = nlohmann::json;
using client::CreateMode;

constexpr std::pair<CreateMode, const char*> kModes[] = {{CreateMode::kPersistent, "persistent"},
                                                         {CreateMode::kContainer, "container"},
                                                         {CreateMode::kPersistentTtl, "ttl"}};

absl::Status Wrong(absl::string_view why) { return absl::InvalidArgumentError(why); }

std::string NodeText(const ExportNode& node) {
  JsonObject object;
  object.Text("path", node.path);
  if (node.data.has_value() && !client::IsUtf8(*node.data)) {
    object.Text("base64", absl::Base64Escape(*node.data));
  } else {
    object.Data("data", node.data);
  }
  std::vector<std::string> entries;
  for (const client::AclEntry& entry : node.acl) entries.push_back(JsonString(AclEntryText(entry)));
  object.Raw("acl", JsonArray(entries));
  for (const auto& [mode, name] : kModes) {
    if (mode == node.mode) object.Text("mode", name);
  }
  if (node.mode == CreateMode::kPersistentTtl) object.Number("ttl_ms", absl::ToInt64Milliseconds(node.ttl));
  return object.Take();
}

template <typename T>
const T* Member(const Json& json, const char* name) {
  auto member = json.find(name);
  return member == json.end() ? nullptr : member->get_ptr<const T*>();
}

absl::Status FillData(const Json& json, client::Data* out) {
  if (const std::string* base64 = Member<std::string>(json, "base64")) {
    std::string bytes;
    if (!absl::Base64Unescape(*base64, &bytes)) return Wrong("\"base64\" is no base64");
    *out = std::move(bytes);
    return absl::OkStatus();
  }
  auto data = json.find("data");
  if (data == json.end()) return Wrong("neither \"data\" nor \"base64\"");
  if (data->is_null()) return absl::OkStatus();
  const std::string* text = data->get_ptr<const std::string*>();
  if (text == nullptr) return Wrong("\"data\" is neither text nor null");
  *out = *text;
  return absl::OkStatus();
}

absl::Status FillMode(const Json& json, ExportNode* out) {
  const std::string* wanted = Member<std::string>(json, "mode");
  bool found = false;
  for (const auto& [mode, name] : kModes) {
    if (wanted == nullptr || *wanted != name) continue;
    out->mode = mode;
    found = true;
  }
  if (!found) return Wrong("\"mode\" is one of persistent, container, ttl");
  if (out->mode != CreateMode::kPersistentTtl) return absl::OkStatus();
  const auto* ttl = Member<Json::number_unsigned_t>(json, "ttl_ms");
  if (ttl == nullptr || *ttl == 0 || *ttl >= (uint64_t{1} << 40)) return Wrong("\"ttl_ms\" is between 1 and 2^40 - 1");
  out->ttl = absl::Milliseconds(static_cast<int64_t>(*ttl));
  return absl::OkStatus();
}

absl::StatusOr<ExportLine> ParseNode(const Json& json) {
  ExportNode out;
  const std::string* path = Member<std::string>(json, "path");
  if (path == nullptr) return Wrong("no \"path\"");
  out.path = *path;
  if (const std::string problem = PathProblem(out.path); !problem.empty()) return Wrong(out.path + ": " + problem);
  absl::Status ok = FillData(json, &out.data);
  if (ok.ok()) ok = FillMode(json, &out);
  if (!ok.ok()) return ok;
  const auto* acl = Member<Json::array_t>(json, "acl");
  if (acl == nullptr || acl->empty()) return Wrong("\"acl\" is a list of entries");
  for (const Json& element : *acl) {
    const std::string* text = element.get_ptr<const std::string*>();
    auto entry = ParseAclEntry(text == nullptr ? "" : *text);
    if (!entry.ok()) return entry.status();
    out.acl.push_back(*std::move(entry));
  }
  if (IsMasked(out.acl))
    return Wrong(out.path + ": its ACL was hidden from who exported it; export as somebody with ADMIN on the node");
  return ExportLine(std::move(out));
}

}  // namespace

bool IsMasked(const client::Acl& acl) {
  return std::any_of(acl.begin(), acl.end(), [](const client::AclEntry& entry) {
    return entry.scheme == "digest" && absl::EndsWith(entry.id, ":x");
  });
}

std::string ExportText(const ExportLine& line) {
  JsonObject object;
  if (const auto* node = std::get_if<ExportNode>(&line)) return NodeText(*node);
  if (const auto* head = std::get_if<ExportHead>(&line))
    return object.Number("synod_export", kExportVersion).Text("root", head->root).Take();
  const auto& end = std::get<ExportEnd>(line);
  object.Bool("end", true).Number("nodes", static_cast<int64_t>(end.nodes));
  object.Number("ephemerals_left_out", static_cast<int64_t>(end.ephemerals));
  object.Number("masked_acls", static_cast<int64_t>(end.masked));
  return object.Bool("consistent", end.consistent).Take();
}

absl::StatusOr<ExportLine> ParseExport(std::string_view text) {
  const Json json = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Wrong("no JSON object");
  if (json.contains("synod_export")) {
    const auto* version = Member<Json::number_unsigned_t>(json, "synod_export");
    if (version == nullptr || *version != kExportVersion)
      return Wrong("an export of a version that this synod does not know");
    const std::string* root = Member<std::string>(json, "root");
    if (root == nullptr || !PathProblem(*root).empty()) return Wrong("the head names no root");
    return ExportLine(ExportHead{*root});
  }
  if (!json.contains("end")) return ParseNode(json);
  const auto* nodes = Member<Json::number_unsigned_t>(json, "nodes");
  if (nodes == nullptr) return Wrong("the end does not say how many nodes there are");
  ExportEnd end;
  end.nodes = *nodes;
  if (const auto* left = Member<Json::number_unsigned_t>(json, "ephemerals_left_out")) end.ephemerals = *left;
  if (const auto* masked = Member<Json::number_unsigned_t>(json, "masked_acls")) end.masked = *masked;
  if (const bool* consistent = Member<bool>(json, "consistent")) end.consistent = *consistent;
  return ExportLine(end);
}

}  // namespace synod::cli

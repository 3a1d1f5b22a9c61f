#include "coordinator/server/config.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/server/config_completion.h"
#include "coordinator/server/config_keys.h"
#include "coordinator/server/ineffective_keys.h"
#include "coordinator/server/properties.h"

namespace synod::server {
namespace {

constexpr char kDynamicFile[] = "dynamicConfigFile";

// The last of each key counts, as in Java's Properties; in the order of the lines.
std::vector<Property> InForce(std::vector<Property> all, RawConfig* raw) {
  std::map<std::string, int> last;
  for (const Property& property : all) last[CanonicalKey(property.key)] = property.line;
  std::vector<Property> in_force;
  for (Property& property : all) {
    const int counts = last[CanonicalKey(property.key)];
    if (property.line != counts) {
      Warn(property, absl::StrCat("stands in line ", counts, " again: the last one counts"), raw);
    } else {
      in_force.push_back(std::move(property));
    }
  }
  return in_force;
}

class Parser {
 public:
  absl::Status TakeFile(std::string_view text) {
    SYNOD_ASSIGN_OR_RETURN(std::vector<Property> properties, ParseProperties(text));
    for (const Property& property : InForce(std::move(properties), &raw_)) {
      const std::string key = CanonicalKey(property.key);
      raw_.given.emplace(key, property.line);
      SYNOD_RETURN_IF_ERROR(Take(key, property));
    }
    return absl::OkStatus();
  }

  // The server lines that ZooKeeper moved there at the first reconfig.
  absl::Status TakeDynamicFile(std::optional<std::string_view> text) {
    if (!raw_.given.contains(kDynamicFile)) return absl::OkStatus();
    if (!raw_.servers.empty())
      return absl::InvalidArgumentError("server lines stand in the dynamicConfigFile or here, not in both");
    if (!text) return absl::InvalidArgumentError("the dynamicConfigFile was not read");
    const size_t warned = raw_.config.warnings.size();
    absl::Status taken = TakeServersOf(*text);
    if (!taken.ok()) return absl::InvalidArgumentError(absl::StrCat(kDynamicFile, ": ", taken.message()));
    for (size_t i = warned; i < raw_.config.warnings.size(); ++i) {
      raw_.config.warnings[i] = absl::StrCat(kDynamicFile, ": ", raw_.config.warnings[i]);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<ServerConfig> Complete(std::string_view my_id) {
    SYNOD_RETURN_IF_ERROR(CompleteConfig(my_id, &raw_));
    return std::move(raw_.config);
  }

 private:
  absl::Status TakeServersOf(std::string_view text) {
    SYNOD_ASSIGN_OR_RETURN(std::vector<Property> properties, ParseProperties(text));
    for (const Property& property : InForce(std::move(properties), &raw_)) {
      const std::string key = CanonicalKey(property.key);
      const bool belongs =
          absl::StartsWith(key, "server.") || key == "version" || MustNotBeIgnored(key, property.value);
      if (!belongs) return Wrong(property, "does not belong there: server lines alone do");
      SYNOD_RETURN_IF_ERROR(Take(key, property));
    }
    return absl::OkStatus();
  }

  absl::Status Take(const std::string& key, const Property& property) {
    raw_.config.given.emplace_back(property.key, IsSecret(key) ? "(not shown)" : property.value);
    if (key == kDynamicFile) return absl::OkStatus();
    auto setter = setters_.find(key);
    if (setter != setters_.end()) return setter->second(property);
    const std::optional<std::string_view> why = WhyIneffective(key, property.value);
    if (!why && absl::StartsWith(key, "server.")) return TakeServerLine(property, &raw_);
    if (!why) {
      Warn(property,
           absl::StrCat("has no effect: it is taken as the system property zookeeper.", key,
                        ", which means nothing here"),
           &raw_);
      return absl::OkStatus();
    }
    const absl::string_view reason(why->data(), why->size());
    if (MustNotBeIgnored(key, property.value)) return Wrong(property, reason);
    if (!reason.empty()) Warn(property, absl::StrCat("has no effect: ", reason), &raw_);
    return absl::OkStatus();
  }

  RawConfig raw_;
  const std::map<std::string, Setter> setters_ = Setters(&raw_);
};

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// The value in force; empty if the key is not there.
std::string ValueOf(const std::vector<Property>& properties, const std::string& key) {
  std::string value;
  for (const Property& property : properties) {
    if (CanonicalKey(property.key) == key) value = property.value;
  }
  return value;
}

absl::StatusOr<ServerConfig> Load(const std::string& text) {
  SYNOD_ASSIGN_OR_RETURN(std::vector<Property> properties, ParseProperties(text));
  const std::string data_dir = ValueOf(properties, "dataDir"), dynamic_path = ValueOf(properties, kDynamicFile);
  if (data_dir.empty()) return absl::InvalidArgumentError("dataDir is missing");
  std::optional<std::string> dynamic;
  if (!dynamic_path.empty()) {
    SYNOD_ASSIGN_OR_RETURN(dynamic, ReadFile(dynamic_path));
  }
  const absl::StatusOr<std::string> my_id = ReadFile(data_dir + "/myid");
  return ParseConfig(text, my_id.value_or(""), dynamic ? std::optional<std::string_view>(*dynamic) : std::nullopt);
}

}  // namespace

absl::StatusOr<ServerConfig> ParseConfig(std::string_view text, std::string_view my_id,
                                         std::optional<std::string_view> dynamic) {
  Parser parser;
  SYNOD_RETURN_IF_ERROR(parser.TakeFile(text));
  SYNOD_RETURN_IF_ERROR(parser.TakeDynamicFile(dynamic));
  return parser.Complete(my_id);
}

absl::StatusOr<ServerConfig> LoadConfig(const std::string& path) {
  SYNOD_ASSIGN_OR_RETURN(std::string text, ReadFile(path));
  absl::StatusOr<ServerConfig> config = Load(text);
  if (!config.ok()) return absl::Status(config.status().code(), absl::StrCat(path, ": ", config.status().message()));
  return config;
}

}  // namespace synod::server

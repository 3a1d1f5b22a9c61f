// The keys that have an effect, and what each takes.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "coordinator/server/config.h"
#include "coordinator/server/properties.h"
#include "coordinator/server/server_line.h"

namespace synod::server {

// What the lines say, before it is completed (config_completion.h).
struct RawConfig {
  ServerConfig config;
  std::map<uint32_t, ServerLine> servers;
  std::map<std::string, int> given;  // canonical keys and their lines
  bool listen_on_all = false;
  bool standalone_enabled = true;
  std::string peer_type;
  std::string metrics_class;
  bool enforce_auth = false;
  std::string enforced_schemes;
};

// "skipACL" of "zookeeper.skipACL": ZooKeeper makes a system property zookeeper.X of a key X it does not know, and
// people write either; and the one name of a key that has several.
std::string CanonicalKey(const std::string& key);

// InvalidArgument with line, key, value and reason.
using Setter = std::function<absl::Status(const Property&)>;
// By canonical key, into *raw, which outlives them. server.N is not among them.
std::map<std::string, Setter> Setters(RawConfig* raw);

// A server.N line.
absl::Status TakeServerLine(const Property& property, RawConfig* raw);

void Warn(const Property& property, absl::string_view why, RawConfig* raw);

}  // namespace synod::server

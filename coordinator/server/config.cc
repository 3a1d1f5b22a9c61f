#include "coordinator/server/config.h"

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/server/server_line.h"

namespace synod::server {
namespace {

// A command and a batch of others go to the peers in one frame of 64 MB.
constexpr int64_t kMaxDataBytes = 32 << 20;

struct Line {
  int number = 0;
  std::string key;
  std::string value;
};

absl::Status Wrong(const Line& line, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("line ", line.number, ": ", line.key, "=", line.value, ": ", why));
}

// A Java properties file as far as zoo.cfg files use it: key=value, blanks around both dropped, # and ! comments,
// \ escapes.
std::vector<Line> ParseLines(std::string_view text) {
  std::vector<Line> lines;
  int number = 0;
  for (absl::string_view raw : absl::StrSplit(absl::string_view(text.data(), text.size()), '\n')) {
    ++number;
    raw = absl::StripAsciiWhitespace(raw);
    if (raw.empty() || raw[0] == '#' || raw[0] == '!') continue;
    std::pair<std::string, std::string> parts = absl::StrSplit(raw, absl::MaxSplits('=', 1));
    Line line;
    line.number = number;
    line.key = std::string(absl::StripAsciiWhitespace(parts.first));
    for (size_t i = 0; i < parts.second.size(); ++i) {
      if (parts.second[i] == '\\' && i + 1 < parts.second.size()) ++i;
      line.value.push_back(parts.second[i]);
    }
    line.value = std::string(absl::StripAsciiWhitespace(line.value));
    lines.push_back(std::move(line));
  }
  return lines;
}

absl::StatusOr<int64_t> Number(const Line& line, int64_t low, int64_t high) {
  int64_t value = 0;
  if (!absl::SimpleAtoi(line.value, &value)) return Wrong(line, "not a number");
  if (value < low || value > high) return Wrong(line, absl::StrCat("must be between ", low, " and ", high));
  return value;
}

absl::StatusOr<bool> YesOrNo(const Line& line) {
  std::string value = absl::AsciiStrToLower(line.value);
  if (value == "true" || value == "yes") return true;
  if (value == "false" || value == "no") return false;
  return Wrong(line, "must be true or false");
}

// "user:base64", the Base64 form of 20 bytes. A wrong one would silently match nobody.
bool IsDigest(const std::string& text) {
  const size_t colon = text.find(':');
  std::string bytes;
  return colon != std::string::npos && colon > 0 && absl::Base64Unescape(text.substr(colon + 1), &bytes) &&
         bytes.size() == 20;
}

// Keys of ZooKeeper that have no effect here, and why.
const std::map<std::string, std::string>& WithoutEffect() {
  static const auto* keys = new std::map<std::string, std::string>{
      {"initLimit", "a server catches up for as long as it takes; nothing times it out"},
      {"syncLimit", "electionTimeoutMin and electionTimeoutMax decide when a leader is given up"},
      {"autopurge.snapRetainCount", "there is one snapshot, kept up in place; nothing piles up"},
      {"autopurge.purgeInterval", "there is one snapshot, kept up in place; nothing piles up"},
      {"electionAlg", "there is one election algorithm"},
      {"forceSync", "every write is synced before it is acknowledged; this cannot be turned off"},
      {"standaloneEnabled", "one server line, or none, is a single server in any case"},
      {"syncEnabled", "observers always write to disk"},
      {"commitLogCount", "logRetainMb says how much log is kept"},
      {"znode.container.maxNeverUsedIntervalMs", "a container that never had a child stays"},
      {"cnxTimeout", "peers reconnect within milliseconds, for ever"},
      {"4lw.commands.whitelist",
       "four-letter words belong to ZooKeeper's own protocol, which this version does not serve"},
  };
  return *keys;
}

class Parser {
 public:
  absl::StatusOr<ServerConfig> Parse(std::string_view text, std::string_view my_id) {
    for (const Line& line : ParseLines(text)) {
      if (!seen_.insert(Plain(line.key)).second) return Wrong(line, "the key stands twice");
      SYNOD_RETURN_IF_ERROR(Take(line));
    }
    SYNOD_RETURN_IF_ERROR(TakeMyId(my_id));
    SYNOD_RETURN_IF_ERROR(Complete());
    return std::move(config_);
  }

 private:
  using Setter = std::function<absl::Status(const Line&)>;

  // ZooKeeper makes a system property zookeeper.X of a key X it does not know, and people write either.
  static std::string Plain(const std::string& key) { return std::string(absl::StripPrefix(key, "zookeeper.")); }

  template <typename T>
  Setter Num(T* out, int64_t low, int64_t high, int64_t unit = 1) {
    return [=](const Line& line) -> absl::Status {
      SYNOD_ASSIGN_OR_RETURN(int64_t value, Number(line, low, high));
      *out = static_cast<T>(value * unit);
      return absl::OkStatus();
    };
  }
  Setter Millis(absl::Duration* out, int64_t low, int64_t high) {
    return [=](const Line& line) -> absl::Status {
      SYNOD_ASSIGN_OR_RETURN(int64_t value, Number(line, low, high));
      if (value >= 0) *out = absl::Milliseconds(value);  // -1: the default
      return absl::OkStatus();
    };
  }
  Setter Flag(bool* out) {
    return [=](const Line& line) -> absl::Status {
      SYNOD_ASSIGN_OR_RETURN(*out, YesOrNo(line));
      return absl::OkStatus();
    };
  }
  Setter Flag(std::optional<bool>* out) {
    return [=](const Line& line) -> absl::Status {
      SYNOD_ASSIGN_OR_RETURN(*out, YesOrNo(line));
      return absl::OkStatus();
    };
  }
  Setter SuperDigest(std::string* out) {
    return [=](const Line& line) -> absl::Status {
      if (!IsDigest(line.value)) {
        return Wrong(line, "must be user:DIGEST, with DIGEST the Base64 form of the SHA-1 of \"user:password\"");
      }
      *out = line.value;
      return absl::OkStatus();
    };
  }
  Setter Text(std::string* out) {
    return [=](const Line& line) -> absl::Status {
      if (line.value.empty()) return Wrong(line, "must not be empty");
      *out = line.value;
      return absl::OkStatus();
    };
  }

  std::map<std::string, Setter> Setters() {
    constexpr int64_t kMb = 1 << 20, kPort = 65535, kDay = 86400000;
    ServerConfig& c = config_;
    return {
        {"tickTime", Millis(&c.tick_time, 1, kDay)},
        {"dataDir", Text(&c.data_dir)},
        {"dataLogDir", Text(&c.data_log_dir)},
        {"clientPort", Num(&c.client_port, 1, kPort)},
        {"clientPortAddress", Text(&c.client_address)},
        {"grpcPort", Num(&c.grpc_port, 1, kPort)},
        {"minSessionTimeout", Millis(&c.session_timeout_min, -1, kDay)},
        {"maxSessionTimeout", Millis(&c.session_timeout_max, -1, kDay)},
        {"maxClientCnxns", Num(&c.max_connections_per_address, 0, 1000000)},
        {"maxCnxns", Num(&c.max_connections, 0, 1000000)},
        {"jute.maxbuffer", Num(&c.max_data_bytes, 1024, kMaxDataBytes)},
        {"snapCount", Num(&c.snapshot_every_records, 2, int64_t{1} << 40)},
        {"snapSizeLimitInKb", Num(&c.snapshot_every_bytes, 1, int64_t{1} << 32, 1024)},
        {"preAllocSize", Num(&c.log_segment_bytes, 1024, int64_t{1} << 21, 1024)},
        {"admin.enableServer", Flag(&c.admin_enabled)},
        {"admin.serverAddress", Text(&c.admin_address)},
        {"admin.serverPort", Num(&c.admin_port, 1, kPort)},
        {"adminPort", Num(&c.admin_port, 1, kPort)},
        {"electionTimeoutMin", Millis(&c.election_timeout_min, 50, 60000)},
        {"electionTimeoutMax", Millis(&c.election_timeout_max, 50, 120000)},
        {"memoryLimitMb", Num(&c.memory_limit_bytes, 0, int64_t{1} << 30, kMb)},
        {"diskReserveMb", Num(&c.disk_reserve_bytes, 0, int64_t{1} << 30, kMb)},
        {"logRetainMb", Num(&c.log_retain_bytes, 1, int64_t{1} << 30, kMb)},
        {"watchWindowMb", Num(&c.watch_window_bytes, 1, int64_t{1} << 20, kMb)},
        {"znode.container.checkIntervalMs", Millis(&c.container_idle, 1, kDay)},
        {"znode.container.maxPerMinute", Num(&c.removals_per_minute, 1, 100'000'000)},
        {"DigestAuthenticationProvider.superDigest", SuperDigest(&c.super_digest)},
        {"skipACL", Flag(&c.skip_acl)},
        {"enforceQuota", Flag(&c.enforce_quota)},
        {"extendedTypesEnabled", Flag(&c.extended_types)},
        {"slowOperationMs", Millis(&c.slow_operation, 0, kDay)},
        {"formWithoutPeers", Flag(&c.form_without_peers)},
        {"logLevel", Text(&c.log_level)},
        {"logFile", Text(&c.log_file)},
        {"quorumListenOnAllIPs", Flag(&listen_on_all_)},
        {"peerType", Text(&peer_type_)},
    };
  }

  absl::Status Take(const Line& line) {
    if (absl::StartsWith(line.key, "server.")) return TakeServer(line);
    auto setter = setters_.find(Plain(line.key));
    if (setter != setters_.end()) return setter->second(line);
    auto without_effect = WithoutEffect().find(Plain(line.key));
    config_.warnings.push_back(absl::StrCat(
        "line ", line.number, ": ", line.key, " has no effect: ",
        without_effect != WithoutEffect().end() ? without_effect->second : "this version does not know the key"));
    return absl::OkStatus();
  }

  absl::Status TakeServer(const Line& line) {
    uint32_t id = 0;
    if (!absl::SimpleAtoi(line.key.substr(7), &id) || id < 1 || id > 255)
      return Wrong(line, "N of server.N must be 1..255");
    absl::StatusOr<ServerLine> parsed = ParseServerLine(line.value);
    if (!parsed.ok()) return Wrong(line, parsed.status().message());
    if (!servers_.emplace(id, *parsed).second) return Wrong(line, "the server stands twice");
    return absl::OkStatus();
  }

  absl::Status TakeMyId(std::string_view my_id) {
    std::string text(absl::StripAsciiWhitespace(absl::string_view(my_id.data(), my_id.size())));
    uint32_t id = 0;
    if (text.empty()) {
      if (servers_.size() > 1)
        return absl::InvalidArgumentError(absl::StrCat(config_.data_dir, "/myid is missing: it holds this server's N"));
      id = servers_.empty() ? 1 : servers_.begin()->first;
    } else if (!absl::SimpleAtoi(text, &id) || id < 1 || id > 255) {
      return absl::InvalidArgumentError(
          absl::StrCat(config_.data_dir, "/myid must hold one number, 1..255, not \"", text, "\""));
    }
    config_.id = ServerId(id);
    return absl::OkStatus();
  }

  absl::Status Complete() {
    ServerConfig& c = config_;
    if (c.data_dir.empty()) return absl::InvalidArgumentError("dataDir is missing");
    if (c.data_log_dir.empty()) c.data_log_dir = c.data_dir;
    SYNOD_RETURN_IF_ERROR(CompleteServers());
    if (c.grpc_port == 0) {
      if (c.client_port > 65535 - 100) return absl::InvalidArgumentError("clientPort + 100 is no port: set grpcPort");
      c.grpc_port = static_cast<uint16_t>(c.client_port + 100);
    }
    if (c.session_timeout_min == absl::ZeroDuration()) c.session_timeout_min = 2 * c.tick_time;
    if (c.session_timeout_max == absl::ZeroDuration()) c.session_timeout_max = 20 * c.tick_time;
    if (c.session_timeout_min > c.session_timeout_max)
      return absl::InvalidArgumentError("minSessionTimeout is above maxSessionTimeout");
    if (c.election_timeout_min >= c.election_timeout_max) {
      return absl::InvalidArgumentError("electionTimeoutMin must be below electionTimeoutMax");
    }
    if (c.grpc_port == c.client_port) return absl::InvalidArgumentError("grpcPort and clientPort are the same");
    if (c.grpc_port == c.peer_port) return absl::InvalidArgumentError("grpcPort and the peer port are the same");
    if (c.admin_enabled && c.admin_port == c.grpc_port)
      return absl::InvalidArgumentError("admin.serverPort and grpcPort are the same");
    static const std::set<std::string> kLevels = {"trace", "debug", "info", "warn", "error"};
    if (!kLevels.contains(c.log_level))
      return absl::InvalidArgumentError("logLevel must be trace, debug, info, warn or error");
    return absl::OkStatus();
  }

  absl::Status CompleteServers() {
    ServerConfig& c = config_;
    if (servers_.empty()) {
      c.seeds.push_back({c.id, consensus::MemberRole::kVoter, ""});
      return absl::OkStatus();
    }
    auto self = servers_.find(c.id.value());
    if (self == servers_.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("there is no line server.", c.id.value(), " for this server's myid"));
    }
    size_t voters = 0;
    std::set<std::string> addresses;
    for (const auto& [id, line] : servers_) {
      node::Seed seed;
      seed.server = ServerId(id);
      seed.role = line.observer ? consensus::MemberRole::kLearner : consensus::MemberRole::kVoter;
      seed.address = absl::StrCat(line.host, ":", line.peer_port);
      if (!addresses.insert(seed.address).second) {
        return absl::InvalidArgumentError(absl::StrCat("two server lines have the address ", seed.address));
      }
      voters += line.observer ? 0 : 1;
      c.seeds.push_back(std::move(seed));
    }
    if (voters == 0) return absl::InvalidArgumentError("all server lines are observers: nobody can vote");
    if (voters % 2 == 0) {
      c.warnings.push_back(
          absl::StrCat(voters, " voters survive no more failures than ", voters - 1, ": use an odd number"));
    }
    if (!peer_type_.empty() && (peer_type_ == "observer") != self->second.observer) {
      return absl::InvalidArgumentError("peerType contradicts this server's server line");
    }
    c.peer_port = self->second.peer_port;
    c.peer_listen_address = listen_on_all_ ? "0.0.0.0" : self->second.host;
    if (self->second.client_port != 0) {
      if (seen_.contains("clientPort") && c.client_port != self->second.client_port) {
        return absl::InvalidArgumentError("clientPort contradicts this server's server line");
      }
      c.client_port = self->second.client_port;
      if (!self->second.client_host.empty()) c.client_address = self->second.client_host;
    }
    return absl::OkStatus();
  }

  ServerConfig config_;
  std::set<std::string> seen_;
  std::map<uint32_t, ServerLine> servers_;
  bool listen_on_all_ = false;
  std::string peer_type_;
  const std::map<std::string, Setter> setters_ = Setters();
};

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

absl::StatusOr<ServerConfig> ParseConfig(std::string_view text, std::string_view my_id) {
  return Parser().Parse(text, my_id);
}

absl::StatusOr<std::string> ParseDataDir(std::string_view text) {
  for (const Line& line : ParseLines(text)) {
    if (line.key == "dataDir" && !line.value.empty()) return line.value;
  }
  return absl::InvalidArgumentError("dataDir is missing");
}

absl::StatusOr<ServerConfig> LoadConfig(const std::string& path) {
  SYNOD_ASSIGN_OR_RETURN(std::string text, ReadFile(path));
  absl::StatusOr<std::string> data_dir = ParseDataDir(text);
  if (!data_dir.ok()) return absl::InvalidArgumentError(absl::StrCat(path, ": ", data_dir.status().message()));
  absl::StatusOr<std::string> my_id = ReadFile(*data_dir + "/myid");
  absl::StatusOr<ServerConfig> config = ParseConfig(text, my_id.value_or(""));
  if (!config.ok()) return absl::InvalidArgumentError(absl::StrCat(path, ": ", config.status().message()));
  return config;
}

}  // namespace synod::server

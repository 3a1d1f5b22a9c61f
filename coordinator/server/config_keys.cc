#include "coordinator/server/config_keys.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/frontdoor/commands/words.h"

namespace synod::server {
namespace {

constexpr int64_t kMb = 1 << 20, kPort = 65535, kDay = 86400000;
constexpr int64_t kInt32Max = std::numeric_limits<int32_t>::max();  // what ZooKeeper reads most numbers as
// A command and a batch of others go to the peers in one frame of 64 MB.
constexpr int64_t kMaxDataBytes = 32 << 20;

// Decimal, or hexadecimal with 0x as Java's Integer.decode takes it (jute.maxbuffer=0x9fffff).
absl::StatusOr<int64_t> AnyNumber(const Property& property) {
  int64_t value = 0;
  const absl::string_view text = property.value;
  const bool hex = absl::StartsWithIgnoreCase(text, "0x");
  uint64_t bits = 0;
  if (hex && absl::SimpleHexAtoi(text, &bits) && bits <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return static_cast<int64_t>(bits);
  }
  if (hex || !absl::SimpleAtoi(text, &value)) return Wrong(property, "not a number");
  return value;
}

absl::StatusOr<int64_t> Number(const Property& property, int64_t low, int64_t high) {
  SYNOD_ASSIGN_OR_RETURN(int64_t value, AnyNumber(property));
  if (value < low || value > high) return Wrong(property, absl::StrCat("must be between ", low, " and ", high));
  return value;
}

absl::StatusOr<bool> YesOrNo(const Property& property) {
  const std::string value = absl::AsciiStrToLower(property.value);
  if (value == "true" || value == "yes") return true;
  if (value == "false" || value == "no") return false;
  return Wrong(property, "must be true or false");
}

template <typename T>
Setter Num(T* out, int64_t low, int64_t high, int64_t unit = 1) {
  return [=](const Property& property) -> absl::Status {
    SYNOD_ASSIGN_OR_RETURN(int64_t value, Number(property, low, high));
    *out = static_cast<T>(value * unit);
    return absl::OkStatus();
  };
}

// ZooKeeper knows no bounds for it: what lies outside of ours is brought inside, with a warning.
template <typename T>
Setter Clamped(RawConfig* raw, T* out, int64_t low, int64_t high, int64_t unit = 1) {
  return [=](const Property& property) -> absl::Status {
    SYNOD_ASSIGN_OR_RETURN(int64_t value, Number(property, 1, std::numeric_limits<int64_t>::max()));
    const int64_t taken = std::clamp(value, low, high);
    if (taken != value) Warn(property, absl::StrCat("is taken as ", taken, ": it must lie in ", low, "..", high), raw);
    *out = static_cast<T>(taken * unit);
    return absl::OkStatus();
  };
}

// A limit that ZooKeeper takes as none when it is not positive; `none` stands for that here.
template <typename T>
Setter Limit(T* out, T none, int64_t high, int64_t unit = 1) {
  return [=](const Property& property) -> absl::Status {
    SYNOD_ASSIGN_OR_RETURN(int64_t value, Number(property, -kInt32Max - 1, high));
    *out = value <= 0 ? none : static_cast<T>(value * unit);
    return absl::OkStatus();
  };
}

Setter Millis(absl::Duration* out, int64_t low, int64_t high) {
  return [=](const Property& property) -> absl::Status {
    SYNOD_ASSIGN_OR_RETURN(int64_t value, Number(property, low, high));
    if (value >= 0) *out = absl::Milliseconds(value);  // -1: the default
    return absl::OkStatus();
  };
}

template <typename T>  // bool or std::optional<bool>
Setter Flag(T* out) {
  return [=](const Property& property) -> absl::Status {
    SYNOD_ASSIGN_OR_RETURN(*out, YesOrNo(property));
    return absl::OkStatus();
  };
}

Setter Text(std::string* out) {
  return [=](const Property& property) -> absl::Status {
    if (property.value.empty()) return Wrong(property, "must not be empty");
    *out = property.value;
    return absl::OkStatus();
  };
}

// An address to listen at; ZooKeeper's AdminServer writes "*" for all.
Setter Address(std::string* out) {
  return [=](const Property& property) -> absl::Status {
    if (property.value.empty()) return Wrong(property, "must not be empty");
    *out = property.value == "*" ? "0.0.0.0" : property.value;
    return absl::OkStatus();
  };
}

// "user:base64", the Base64 form of 20 bytes. A wrong one would silently match nobody. Not printed: it is a secret.
Setter SuperDigest(std::string* out) {
  return [=](const Property& property) -> absl::Status {
    const size_t colon = property.value.find(':');
    std::string bytes;
    if (colon == std::string::npos || colon == 0 || !absl::Base64Unescape(property.value.substr(colon + 1), &bytes) ||
        bytes.size() != 20) {
      return absl::InvalidArgumentError(
          absl::StrCat("line ", property.line, ": ", property.key,
                       ": must be user:DIGEST, with DIGEST the Base64 form of the SHA-1 of \"user:password\""));
    }
    *out = property.value;
    return absl::OkStatus();
  };
}

// Where the admin door's commands stand.
Setter UrlPath(std::string* out) {
  return [=](const Property& property) -> absl::Status {
    std::string path(absl::StripSuffix(property.value, "/"));
    if (path.empty() || path[0] != '/') return Wrong(property, "must be a path that begins with /, and not / alone");
    *out = std::move(path);
    return absl::OkStatus();
  };
}

std::vector<std::string> Words(absl::string_view text) {
  std::vector<std::string> words;
  for (absl::string_view word : absl::StrSplit(text, ',')) {
    word = absl::StripAsciiWhitespace(word);
    if (!word.empty()) words.emplace_back(word);
  }
  return words;
}

Setter Whitelist(RawConfig* raw) {
  return [=](const Property& property) -> absl::Status {
    raw->config.four_letter_words.clear();
    for (std::string& word : Words(property.value)) {
      if (word == "*") {
        raw->config.all_four_letter_words = true;
      } else if (!frontdoor::commands::IsWord(word)) {
        Warn(property, absl::StrCat("\"", word, "\" is no four-letter word"), raw);
      } else {
        raw->config.four_letter_words.push_back(std::move(word));
      }
    }
    return absl::OkStatus();
  };
}

// Shown, and named in a warning all the same.
Setter ShownTicks(RawConfig* raw, uint32_t* out, absl::string_view why) {
  return [=](const Property& property) -> absl::Status {
    SYNOD_ASSIGN_OR_RETURN(int64_t value, Number(property, 0, kInt32Max));
    *out = static_cast<uint32_t>(value);
    Warn(property, absl::StrCat("has no effect, conf shows it: ", why), raw);
    return absl::OkStatus();
  };
}

// The admin door gives a connection up after a second at most: each holds one of few threads. 30000, ZooKeeper's
// default, is no wish of anybody's.
Setter AdminIdle(RawConfig* raw) {
  return [=](const Property& property) -> absl::Status {
    constexpr int64_t kLongest = 1000, kDefault = 30000;
    SYNOD_ASSIGN_OR_RETURN(int64_t value, Number(property, 1, kInt32Max));
    if (value > kLongest && value != kDefault) {
      Warn(property, absl::StrCat("is taken as ", kLongest, ": a silent connection holds one of few threads"), raw);
    }
    raw->config.admin_idle_timeout = absl::Milliseconds(std::min(value, kLongest));
    return absl::OkStatus();
  };
}

void AddDoors(RawConfig* raw, std::map<std::string, Setter>* setters) {
  ServerConfig& c = raw->config;
  setters->merge(std::map<std::string, Setter>{
      {"clientPort", Num(&c.client_port, 1, kPort)},
      {"clientPortAddress", Address(&c.client_address)},
      {"clientPortListenBacklog", Num(&c.listen_backlog, -1, kInt32Max)},
      {"grpcPort", Num(&c.grpc_port, 1, kPort)},
      {"minSessionTimeout", Millis(&c.session_timeout_min, -1, kInt32Max)},
      {"maxSessionTimeout", Millis(&c.session_timeout_max, -1, kInt32Max)},
      {"maxClientCnxns", Limit<uint32_t>(&c.max_connections_per_address, 0, kInt32Max)},
      {"maxCnxns", Limit<uint32_t>(&c.max_connections, 0, kInt32Max)},
      {"globalOutstandingLimit", Clamped(raw, &c.max_outstanding, 1, 1000000)},
      {"connection_throttle_tokens", Limit<uint32_t>(&c.connection_tokens, 0, kInt32Max)},
      {"connection_throttle_fill_count", Num(&c.connection_token_fill_count, 1, kInt32Max)},
      {"connection_throttle_fill_time", Millis(&c.connection_token_fill_time, 1, kDay)},
      {"nio.sessionlessCnxnTimeout", Millis(&c.sessionless_timeout, 1, kInt32Max)},
      {"clientTcpKeepAlive", Flag(&c.client_keep_alive)},
      {"readonlymode.enabled", Flag(&c.read_only_mode)},
      {"linearizableReads", Flag(&c.linearizable_reads)},
      {"enforce.auth.enabled", Flag(&raw->enforce_auth)},
      {"enforce.auth.schemes", Text(&raw->enforced_schemes)},
      {"4lw.commands.whitelist", Whitelist(raw)},
      {"admin.enableServer", Flag(&c.admin_enabled)},
      {"admin.serverAddress", Address(&c.admin_address)},
      {"admin.serverPort", Num(&c.admin_port, 1, kPort)},
      {"admin.commandURL", UrlPath(&c.admin_command_url)},
      {"admin.idleTimeout", AdminIdle(raw)},
      {"metricsProvider.className", Text(&raw->metrics_class)},
      {"metricsProvider.httpHost", Address(&c.metrics_address)},
      {"metricsProvider.httpPort", Num(&c.metrics_port, 1, kPort)},
  });
}

void AddEnsemble(RawConfig* raw, std::map<std::string, Setter>* setters) {
  ServerConfig& c = raw->config;
  setters->merge(std::map<std::string, Setter>{
      {"tickTime", Millis(&c.tick_time, 1, kDay)},
      {"initLimit",
       ShownTicks(raw, &c.init_limit, "a server catches up for as long as it takes; nothing times it out")},
      {"syncLimit",
       ShownTicks(raw, &c.sync_limit, "electionTimeoutMin and electionTimeoutMax decide when a leader is given up")},
      {"electionTimeoutMin", Millis(&c.election_timeout_min, 50, 60000)},
      {"electionTimeoutMax", Millis(&c.election_timeout_max, 50, 120000)},
      {"formWithoutPeers", Flag(&c.form_without_peers)},
      {"quorumListenOnAllIPs", Flag(&raw->listen_on_all)},
      {"standaloneEnabled", Flag(&raw->standalone_enabled)},
      {"peerType", Text(&raw->peer_type)},
      {"znode.container.checkIntervalMs", Millis(&c.container_idle, 1, kInt32Max)},
      {"znode.container.maxPerMinute", Num(&c.removals_per_minute, 1, 100'000'000)},
      {"DigestAuthenticationProvider.superDigest", SuperDigest(&c.super_digest)},
      {"skipACL", Flag(&c.skip_acl)},
      {"enforceQuota", Flag(&c.enforce_quota)},
      {"extendedTypesEnabled", Flag(&c.extended_types)},
  });
}

void AddData(RawConfig* raw, std::map<std::string, Setter>* setters) {
  ServerConfig& c = raw->config;
  setters->merge(std::map<std::string, Setter>{
      {"dataDir", Text(&c.data_dir)},
      {"dataLogDir", Text(&c.data_log_dir)},
      {"datadir.autocreate", Flag(&c.make_directories)},
      {"jute.maxbuffer", Clamped(raw, &c.max_data_bytes, 1024, kMaxDataBytes)},
      {"snapCount", Clamped(raw, &c.snapshot_every_records, 2, int64_t{1} << 40)},
      {"snapSizeLimitInKb",
       Limit<uint64_t>(&c.snapshot_every_bytes, std::numeric_limits<uint64_t>::max(), int64_t{1} << 32, 1024)},
      {"preAllocSize", Clamped(raw, &c.log_segment_bytes, 1024, int64_t{1} << 21, 1024)},
      {"memoryLimitMb", Num(&c.memory_limit_bytes, 0, int64_t{1} << 30, kMb)},
      {"diskReserveMb", Num(&c.disk_reserve_bytes, 0, int64_t{1} << 30, kMb)},
      {"logRetainMb", Num(&c.log_retain_bytes, 1, int64_t{1} << 30, kMb)},
      {"logCacheMb", Num(&c.log_cache_bytes, 1, int64_t{1} << 20, kMb)},
      {"watchWindowMb", Num(&c.watch_window_bytes, 1, int64_t{1} << 20, kMb)},
      {"slowOperationMs", Millis(&c.slow_operation, 0, kDay)},
      {"logLevel", Text(&c.log_level)},
      {"logFile", Text(&c.log_file)},
  });
}

}  // namespace

std::vector<std::string> DefaultFourLetterWords() {
  return Words(
      absl::string_view(frontdoor::commands::kDefaultWhitelist.data(), frontdoor::commands::kDefaultWhitelist.size()));
}

std::string CanonicalKey(const std::string& key) {
  // The documentation's name and that of the system property, where these differ.
  static const auto* names = new std::map<std::string, std::string>{
      {"adminPort", "admin.serverPort"},
      {"connectionMaxTokens", "connection_throttle_tokens"},
      {"connectionTokenFillTime", "connection_throttle_fill_time"},
      {"connectionTokenFillCount", "connection_throttle_fill_count"},
      {"sessionlessCnxnTimeout", "nio.sessionlessCnxnTimeout"},
      {"observer.syncEnabled", "syncEnabled"},
  };
  std::string plain(absl::StripPrefix(key, "zookeeper."));
  auto name = names->find(plain);
  return name == names->end() ? plain : name->second;
}

std::map<std::string, Setter> Setters(RawConfig* raw) {
  std::map<std::string, Setter> setters;
  AddDoors(raw, &setters);
  AddEnsemble(raw, &setters);
  AddData(raw, &setters);
  return setters;
}

absl::Status TakeServerLine(const Property& property, RawConfig* raw) {
  uint32_t id = 0;
  if (!absl::SimpleAtoi(absl::StripPrefix(property.key, "server."), &id) || id < 1 || id > 255)
    return Wrong(property, "N of server.N must be 1..255");
  absl::StatusOr<ServerLine> line = ParseServerLine(property.value);
  if (!line.ok()) return Wrong(property, line.status().message());
  if (line->more_addresses)
    Warn(property, "has several addresses: the first one is used, peers do not try the others", raw);
  if (line->secure_client) Warn(property, "has a client part for TLS, which is not offered: nobody listens there", raw);
  if (!raw->servers.emplace(id, *std::move(line)).second) return Wrong(property, "the server stands twice");
  return absl::OkStatus();
}

void Warn(const Property& property, absl::string_view why, RawConfig* raw) {
  raw->config.warnings.push_back(absl::StrCat("line ", property.line, ": ", property.key, " ", why));
}

}  // namespace synod::server

#include "coordinator/server/server_facts.h"

#include <pwd.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "coordinator/server/config_keys.h"
#include "coordinator/server/process_info.h"

namespace synod::server {
namespace {

namespace fs = std::filesystem;
using Pairs = std::vector<std::pair<std::string, std::string>>;

// The protocol's version that is spoken: clients and tools look at these numbers.
constexpr char kSpokenVersion[] = "3.9.3";

// Keys that ZooKeeper's own parser takes; of every other it makes a system property.
constexpr std::array kParserKeys = {"dataDir",
                                    "dataLogDir",
                                    "clientPort",
                                    "clientPortAddress",
                                    "clientPortListenBacklog",
                                    "secureClientPort",
                                    "secureClientPortAddress",
                                    "observerMasterPort",
                                    "tickTime",
                                    "maxClientCnxns",
                                    "minSessionTimeout",
                                    "maxSessionTimeout",
                                    "initLimit",
                                    "syncLimit",
                                    "connectToLearnerMasterLimit",
                                    "electionAlg",
                                    "quorumListenOnAllIPs",
                                    "peerType",
                                    "syncEnabled",
                                    "dynamicConfigFile",
                                    "standaloneEnabled",
                                    "reconfigEnabled",
                                    "localSessionsEnabled",
                                    "localSessionsUpgradingEnabled",
                                    "sslQuorum",
                                    "portUnification",
                                    "sslQuorumReloadCertFiles",
                                    "oraclePath"};
constexpr std::array kParserPrefixes = {"server.",          "group",         "weight",  "autopurge.",
                                        "metricsProvider.", "multiAddress.", "quorum.", "jvm.pause."};

bool IsSystemProperty(const std::string& key) {
  return std::find(kParserKeys.begin(), kParserKeys.end(), key) == kParserKeys.end() &&
         std::none_of(kParserPrefixes.begin(), kParserPrefixes.end(),
                      [&](const char* prefix) { return key.starts_with(prefix); });
}

Pairs SystemProperties(const Pairs& given) {
  Pairs properties;
  for (const auto& [key, value] : given) {
    const std::string plain(absl::StripPrefix(key, "zookeeper."));
    if (IsSystemProperty(plain)) properties.emplace_back("zookeeper." + plain, value);
  }
  return properties;
}

// The user without asking the environment, which a service manager may have emptied.
std::pair<std::string, std::string> UserNameAndHome() {
  std::array<char, 4096> buffer;
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(geteuid(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
    return {std::to_string(geteuid()), ""};
  }
  return {found->pw_name, found->pw_dir};
}

Pairs Environment(const std::string& version) {
  utsname system{};
  uname(&system);
  // Java's word for it.
  const std::string machine = std::string(system.machine) == "x86_64" ? "amd64" : system.machine;
  const auto [user, home] = UserNameAndHome();
  std::error_code ignored;
  return {{"zookeeper.version", version},
          {"host.name", system.nodename},
          {"os.name", system.sysname},
          {"os.arch", machine},
          {"os.version", system.release},
          {"user.name", user},
          {"user.home", home},
          {"user.dir", fs::current_path(ignored).string()}};
}

uint64_t BytesIn(const std::string& directory) {
  uint64_t bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator file(directory, error), end; !error && file != end; file.increment(error)) {
    struct stat status {};
    if (lstat(file->path().c_str(), &status) == 0 && S_ISREG(status.st_mode))
      bytes += static_cast<uint64_t>(status.st_size);
  }
  return bytes;
}

}  // namespace

std::string VersionText() {
  struct stat program {};
  const time_t built = stat("/proc/self/exe", &program) == 0 ? program.st_mtim.tv_sec : 0;
  return absl::StrCat(kSpokenVersion, "-synod-", kVersion, ", built on ",
                      absl::FormatTime("%Y-%m-%d %H:%M UTC", absl::FromTimeT(built), absl::UTCTimeZone()));
}

frontdoor::commands::ServerFacts ServerFactsOf(const ServerConfig& config, uint16_t client_port) {
  frontdoor::commands::ServerFacts facts;
  facts.version = VersionText();
  facts.server_id = config.id.value();
  facts.standalone = config.standalone;
  facts.observer = config.observer;
  facts.client_port = client_port;
  facts.client_address = config.client_address;
  facts.sessionless_timeout_ms = absl::ToInt64Milliseconds(config.sessionless_timeout);
  facts.election_port = config.election_port;
  facts.quorum_port = config.peer_port;
  facts.data_dir = config.data_dir;
  facts.data_log_dir = config.data_log_dir;
  facts.tick_time_ms = absl::ToInt64Milliseconds(config.tick_time);
  facts.session_timeout_min_ms = absl::ToInt64Milliseconds(config.session_timeout_min);
  facts.session_timeout_max_ms = absl::ToInt64Milliseconds(config.session_timeout_max);
  facts.max_client_cnxns = config.max_connections_per_address;
  facts.listen_backlog = config.listen_backlog;
  facts.init_limit = config.init_limit;
  facts.sync_limit = config.sync_limit;
  facts.membership = config.membership;
  facts.whitelist = config.four_letter_words;
  facts.all_words = config.all_four_letter_words;
  facts.read_only_mode = config.read_only_mode;
  facts.environment = Environment(facts.version);
  facts.initial_configuration = config.given;
  facts.system_properties = SystemProperties(config.given);
  return facts;
}

DiskUse ReadDiskUse(const std::string& snapshot_directory, const std::string& log_directory) {
  const ProcessUse process = ReadProcessUse();
  DiskUse use;
  use.data_dir_bytes = BytesIn(snapshot_directory);
  use.data_log_dir_bytes = BytesIn(log_directory);
  use.open_files = process.open_files;
  use.max_files = process.max_files;
  return use;
}

frontdoor::commands::ProcessFacts ProcessFactsOf(const DiskUse& use, uint64_t uptime_ms) {
  const ProcessUse process = ReadProcessTimes();
  struct sysinfo system {};
  sysinfo(&system);
  frontdoor::commands::ProcessFacts facts;
  facts.uptime_ms = uptime_ms;
  facts.cpu_us = process.cpu_us;
  facts.resident_bytes = process.resident_bytes;
  facts.open_files = use.open_files;
  facts.max_files = use.max_files;
  facts.data_dir_bytes = use.data_dir_bytes;
  facts.data_log_dir_bytes = use.data_log_dir_bytes;
  facts.max_memory_mb = uint64_t{system.totalram} * system.mem_unit >> 20;
  facts.total_memory_mb = std::min(process.resident_bytes >> 20, facts.max_memory_mb);
  facts.free_memory_mb = facts.max_memory_mb - facts.total_memory_mb;
  return facts;
}

}  // namespace synod::server

#include "coordinator/server/config_completion.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "coordinator/access/schemes.h"
#include "coordinator/base/status_macros.h"

namespace synod::server {
namespace {

class Completion {
 public:
  explicit Completion(RawConfig* raw) : raw_(*raw), c_(raw->config) {}

  absl::Status Run(std::string_view my_id) {
    if (c_.data_dir.empty()) return absl::InvalidArgumentError("dataDir is missing");
    if (c_.data_log_dir.empty()) c_.data_log_dir = c_.data_dir;
    SYNOD_RETURN_IF_ERROR(TakeMyId(my_id));
    SYNOD_RETURN_IF_ERROR(CompleteServers());
    SYNOD_RETURN_IF_ERROR(CompleteClientPort());
    SYNOD_RETURN_IF_ERROR(CompleteTimeouts());
    SYNOD_RETURN_IF_ERROR(CompleteAuthentication());
    CompleteMetrics();
    CompleteWords();
    SYNOD_RETURN_IF_ERROR(CheckPorts());
    static const std::set<std::string> kLevels = {"trace", "debug", "info", "warn", "error"};
    if (!kLevels.contains(c_.log_level))
      return absl::InvalidArgumentError("logLevel must be trace, debug, info, warn or error");
    return absl::OkStatus();
  }

 private:
  bool Given(const std::string& key) const { return raw_.given.contains(key); }
  void WarnOf(const std::string& key, absl::string_view why) {
    auto line = raw_.given.find(key);
    const std::string where = line == raw_.given.end() ? "" : absl::StrCat("line ", line->second, ": ");
    c_.warnings.push_back(absl::StrCat(where, key, " ", why));
  }

  absl::Status TakeMyId(std::string_view my_id) {
    const std::string text(absl::StripAsciiWhitespace(absl::string_view(my_id.data(), my_id.size())));
    uint32_t id = 0;
    if (text.empty()) {
      if (raw_.servers.size() > 1) {
        return absl::InvalidArgumentError(absl::StrCat(c_.data_dir, "/myid is missing: it holds this server's N"));
      }
      id = raw_.servers.empty() ? 1 : raw_.servers.begin()->first;
    } else if (!absl::SimpleAtoi(text, &id) || id < 1 || id > 255) {
      return absl::InvalidArgumentError(
          absl::StrCat(c_.data_dir, "/myid must hold one number, 1..255, not \"", text, "\""));
    }
    c_.id = ServerId(id);
    return absl::OkStatus();
  }

  absl::Status CompleteServers() {
    if (raw_.servers.empty()) {
      c_.seeds.push_back({c_.id, consensus::MemberRole::kVoter, ""});
      return absl::OkStatus();
    }
    auto self = raw_.servers.find(c_.id.value());
    if (self == raw_.servers.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("there is no line server.", c_.id.value(), " for this server's myid"));
    }
    SYNOD_RETURN_IF_ERROR(CompleteSeeds());
    c_.observer = self->second.observer;
    c_.standalone = raw_.servers.size() == 1 && raw_.standalone_enabled;
    if (!c_.standalone) {
      for (const auto& [id, line] : raw_.servers) {
        absl::StrAppend(&c_.membership, c_.membership.empty() ? "" : "\n", MembershipLine(id, line));
      }
    }
    c_.peer_port = self->second.peer_port;
    c_.election_port = self->second.election_port;
    c_.peer_listen_address = raw_.listen_on_all ? "0.0.0.0" : self->second.host;
    return CheckPeerType(self->second);
  }

  absl::Status CompleteSeeds() {
    size_t voters = 0;
    std::set<std::string> addresses;
    for (const auto& [id, line] : raw_.servers) {
      node::Seed seed;
      seed.server = ServerId(id);
      seed.role = line.observer ? consensus::MemberRole::kLearner : consensus::MemberRole::kVoter;
      seed.address = absl::StrCat(line.host, ":", line.peer_port);
      if (!addresses.insert(seed.address).second) {
        return absl::InvalidArgumentError(absl::StrCat("two server lines have the address ", seed.address));
      }
      voters += line.observer ? 0 : 1;
      c_.seeds.push_back(std::move(seed));
    }
    if (voters == 0) return absl::InvalidArgumentError("all server lines are observers: nobody can vote");
    if (voters % 2 == 0) {
      c_.warnings.push_back(
          absl::StrCat(voters, " voters survive no more failures than ", voters - 1, ": use an odd number"));
    }
    return absl::OkStatus();
  }

  // As in ZooKeeper, the server line decides.
  absl::Status CheckPeerType(const ServerLine& self) {
    if (raw_.peer_type.empty()) return absl::OkStatus();
    const std::string type = absl::AsciiStrToLower(raw_.peer_type);
    if (type != "observer" && type != "participant")
      return absl::InvalidArgumentError("peerType must be participant or observer");
    if ((type == "observer") != self.observer) {
      WarnOf("peerType",
             absl::StrCat("has no effect: the server line says ", self.observer ? "observer" : "participant"));
    }
    return absl::OkStatus();
  }

  static bool IsAnyAddress(const std::string& address) { return address == "0.0.0.0" || address == "::"; }
  static std::string WithoutBrackets(const std::string& address) {
    const bool brackets = address.size() > 2 && address.front() == '[' && address.back() == ']';
    return brackets ? address.substr(1, address.size() - 2) : address;
  }

  absl::Status CompleteClientPort() {
    auto self = raw_.servers.find(c_.id.value());
    const ServerLine line = self == raw_.servers.end() ? ServerLine() : self->second;
    c_.client_address = WithoutBrackets(c_.client_address);
    if (line.client_port != 0) {
      if (Given("clientPort") && c_.client_port != line.client_port)
        return absl::InvalidArgumentError("clientPort contradicts this server's server line");
      c_.client_port = line.client_port;
    }
    if (!line.client_host.empty()) {
      const std::string host = WithoutBrackets(line.client_host);
      if (Given("clientPortAddress") && !IsAnyAddress(c_.client_address) && c_.client_address != host)
        return absl::InvalidArgumentError("clientPortAddress contradicts this server's server line");
      c_.client_address = host;
    }
    const bool port_named = Given("clientPort") || line.client_port != 0;
    if (Given("secureClientPort") && !port_named) {
      return absl::InvalidArgumentError(
          "secureClientPort is the only client port, and TLS is not offered in this version: name a clientPort");
    }
    if (port_named && !Given("clientPortAddress") && line.client_host.empty()) {
      WarnOf("clientPortAddress",
             absl::StrCat("is not named: clients are served on 127.0.0.1:", c_.client_port,
                          " alone, where ZooKeeper would serve them on all addresses; clientPortAddress=0.0.0.0 does"));
    }
    if (c_.grpc_port == 0) {
      if (c_.client_port > 65535 - 100) return absl::InvalidArgumentError("clientPort + 100 is no port: set grpcPort");
      c_.grpc_port = static_cast<uint16_t>(c_.client_port + 100);
    }
    c_.admin_address = WithoutBrackets(c_.admin_address);
    c_.metrics_address = WithoutBrackets(c_.metrics_address);
    return absl::OkStatus();
  }

  absl::Status CompleteTimeouts() {
    if (c_.session_timeout_min == absl::ZeroDuration()) c_.session_timeout_min = 2 * c_.tick_time;
    if (c_.session_timeout_max == absl::ZeroDuration()) c_.session_timeout_max = 20 * c_.tick_time;
    if (c_.session_timeout_min > c_.session_timeout_max)
      return absl::InvalidArgumentError("minSessionTimeout is above maxSessionTimeout");
    if (c_.election_timeout_min >= c_.election_timeout_max)
      return absl::InvalidArgumentError("electionTimeoutMin must be below electionTimeoutMax");
    return absl::OkStatus();
  }

  // A scheme that nobody can prove would lock everybody out; one that is ignored would let everybody in.
  absl::Status CompleteAuthentication() {
    std::vector<std::string> schemes;
    for (absl::string_view scheme : absl::StrSplit(raw_.enforced_schemes, ',')) {
      scheme = absl::StripAsciiWhitespace(scheme);
      if (!scheme.empty()) schemes.emplace_back(scheme);
    }
    if (!raw_.enforce_auth) {
      if (Given("enforce.auth.schemes"))
        WarnOf("enforce.auth.schemes", "has no effect: enforce.auth.enabled is not true");
      return absl::OkStatus();
    }
    if (schemes.empty()) return absl::InvalidArgumentError("enforce.auth.enabled needs enforce.auth.schemes");
    for (const std::string& scheme : schemes) {
      if (scheme == "world" || access::FindScheme(scheme) == nullptr) {
        return absl::InvalidArgumentError(absl::StrCat("enforce.auth.schemes: \"", scheme,
                                                       "\" is no scheme that a client can prove here: there are digest "
                                                       "and ip"));
      }
    }
    c_.enforced_schemes = std::move(schemes);
    return absl::OkStatus();
  }

  void CompleteMetrics() {
    const std::string& name = raw_.metrics_class;
    c_.metrics_door = absl::StrContains(name, "Prometheus");
    if (!name.empty() && !c_.metrics_door && !absl::EndsWith(name, "DefaultMetricsProvider")) {
      WarnOf("metricsProvider.className",
             "has no effect: metrics are kept in any case, and classes of Java are not loaded");
    }
    for (const char* key : {"metricsProvider.httpHost", "metricsProvider.httpPort"}) {
      if (!c_.metrics_door && Given(key)) {
        WarnOf(key,
               "has no effect: metricsProvider.className does not name Prometheus; /metrics is at admin.serverPort");
      }
    }
    if (c_.metrics_door && !Given("metricsProvider.httpHost")) {
      WarnOf("metricsProvider.httpHost",
             absl::StrCat(
                 "is not named: /metrics is served on 127.0.0.1:", c_.metrics_port,
                 " alone, where ZooKeeper would serve it on all addresses; metricsProvider.httpHost=0.0.0.0 does"));
    }
  }

  // Two words that ZooKeeper does not allow to be taken away: its scripts live by them.
  void CompleteWords() {
    std::vector<std::string>& words = c_.four_letter_words;
    auto add = [&](const std::string& word) {
      if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
    };
    add("srvr");
    if (c_.read_only_mode) add("isro");
  }

  absl::Status CheckPorts() const {
    std::vector<std::pair<absl::string_view, uint16_t>> ports = {{"clientPort", c_.client_port},
                                                                 {"grpcPort", c_.grpc_port}};
    if (c_.peer_port != 0) ports.emplace_back("the peer port", c_.peer_port);
    if (c_.admin_enabled) ports.emplace_back("admin.serverPort", c_.admin_port);
    if (c_.metrics_door) ports.emplace_back("metricsProvider.httpPort", c_.metrics_port);
    for (size_t i = 0; i < ports.size(); ++i) {
      for (size_t j = i + 1; j < ports.size(); ++j) {
        if (ports[i].second == ports[j].second) {
          return absl::InvalidArgumentError(
              absl::StrCat(ports[i].first, " and ", ports[j].first, " are the same: ", ports[i].second));
        }
      }
    }
    return absl::OkStatus();
  }

  RawConfig& raw_;
  ServerConfig& c_;
};

}  // namespace

absl::Status CompleteConfig(std::string_view my_id, RawConfig* raw) { return Completion(raw).Run(my_id); }

}  // namespace synod::server

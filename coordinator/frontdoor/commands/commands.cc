#include "coordinator/frontdoor/commands/commands.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "coordinator/frontdoor/commands/json_text.h"
#include "coordinator/frontdoor/commands/membership.h"
#include "coordinator/frontdoor/commands/monitor.h"
#include "coordinator/frontdoor/commands/view.h"

namespace synod::frontdoor::commands {
namespace {

using Json = nlohmann::ordered_json;

// "error" in the object that a command gives stays; else it is null.
constexpr char kError[] = "error";
constexpr char kNotInitialized[] = "server is not initialized";

Json Configuration(const CommandContext& context) {
  const ServerFacts& facts = *context.facts;
  return {{"client_port", facts.client_port},
          {"data_dir", facts.data_dir},
          {"data_log_dir", facts.data_log_dir},
          {"tick_time", facts.tick_time_ms},
          {"max_client_cnxns", facts.max_client_cnxns},
          {"min_session_timeout", facts.session_timeout_min_ms},
          {"max_session_timeout", facts.session_timeout_max_ms},
          {"server_id", facts.server_id},
          {"client_port_listen_backlog", facts.listen_backlog}};
}

Json ConnectionStatReset(const CommandContext& context) {
  if (context.connections != nullptr) context.connections->ResetConnections();
  return Json::object();
}

Json ConnectionList(const CommandContext& context, bool brief) {
  Json list = Json::array();
  for (const ConnectionFacts& connection : ConnectionsOf(context)) {
    Json item = {{"remote_socket_address", HostPort(connection)},
                 {"interest_ops", (connection.wants_input ? 1 : 0) + (connection.wants_output ? 4 : 0)},
                 {"outstanding_requests", connection.outstanding},
                 {"packets_received", connection.received},
                 {"packets_sent", connection.sent}};
    if (!brief && connection.session != SessionId(0)) {
      int64_t count = static_cast<int64_t>(connection.latency_count);
      item.update({{"session_id", connection.session.value()},
                   {"last_operation", connection.last_operation},
                   {"established", connection.established_wall_ms},
                   {"session_timeout", absl::ToInt64Milliseconds(connection.session_timeout)},
                   {"last_cxid", connection.last_xid},
                   {"last_zxid", connection.last_zxid.value()},
                   {"last_response_time", absl::ToInt64Milliseconds(connection.last_response)},
                   {"last_latency", absl::ToInt64Milliseconds(connection.last_latency)},
                   {"min_latency", absl::ToInt64Milliseconds(connection.min_latency)},
                   {"avg_latency", count == 0 ? 0 : absl::ToInt64Milliseconds(connection.latency_sum / count)},
                   {"max_latency", absl::ToInt64Milliseconds(connection.max_latency)}});
    }
    list.push_back(std::move(item));
  }
  return list;
}

Json Connections(const CommandContext& context) {
  return {{"connections", ConnectionList(context, /*brief=*/false)}, {"secure_connections", Json::array()}};
}

Json Dirs(const CommandContext& context) {
  ProcessFacts process = context.process();
  return {{"datadir_size", process.data_dir_bytes}, {"logdir_size", process.data_log_dir_bytes}};
}

Json Dump(const CommandContext& context) {
  service::ServerStatus status = context.service->Status();
  Json expiry = Json::object();
  if (status.role == "leader" && !status.read_only) {
    for (const auto& set : SessionsByExpiry(context)) {
      Json sessions = Json::array();
      for (SessionId session : set.members) sessions.push_back(session.value());
      expiry[absl::StrCat(set.monotonic_ms)] = std::move(sessions);
    }
  }
  Json ephemerals = Json::object();
  for (const service::EphemeralsOfSession& owner : context.service->Ephemerals()) {
    ephemerals[absl::StrCat(owner.session.value())] = owner.paths;
  }
  return {{"expiry_time_to_session_ids", std::move(expiry)}, {"session_id_to_ephemeral_paths", std::move(ephemerals)}};
}

Json Environment(const CommandContext& context) {
  Json out = Json::object();
  for (const auto& [key, value] : EnvironmentOf(context)) out[key] = value;
  return out;
}

// A value that proves who somebody is stays here: the door asks nobody for a name.
std::string Shown(const std::string& key, const std::string& value) {
  std::string lower = absl::AsciiStrToLower(key);
  for (const char* secret : {"password", "passwd", "superdigest"}) {
    if (absl::StrContains(lower, secret)) return "***";
  }
  return value;
}

Json InitialConfiguration(const CommandContext& context) {
  std::string text;
  for (const auto& [key, value] : context.facts->initial_configuration) {
    absl::StrAppend(&text, key, "=", Shown(key, value), "\n");
  }
  return {{"initial_configuration", context.facts->initial_configuration.empty() ? Json(nullptr) : Json(text)}};
}

Json IsReadOnly(const CommandContext& context) { return {{"read_only", context.service->Status().read_only}}; }

Json LastSnapshot(const CommandContext& context) {
  ProcessFacts process = context.process();
  return {{"zxid", absl::StrFormat("%x", static_cast<uint64_t>(process.last_snapshot_zxid))},
          {"timestamp", process.last_snapshot_wall_s}};
}

Json Leader(const CommandContext& context) {
  service::ServerStatus status = context.service->Status();
  if (context.facts->standalone || status.read_only) return {{kError, kNotInitialized}};
  std::string ip;
  for (const service::MemberStatus& member : context.service->Members()) {
    if (member.leader) ip = std::string(HostOf(member.address));
  }
  return {{"is_leader", status.role == "leader"}, {"leader_id", status.leader.value()}, {"leader_ip", std::move(ip)}};
}

Json Monitor(const CommandContext& context) {
  Json out = Json::object();
  for (MonitorLine& line : MonitorLines(context)) {
    out[line.key] = std::visit([](auto& value) { return Json(std::move(value)); }, line.value);
  }
  return out;
}

Json Observers(const CommandContext& context) {
  service::ServerStatus status = context.service->Status();
  Json observers = Json::array();
  if (status.role == "leader") {
    for (const service::MemberStatus& member : context.service->Members()) {
      if (member.role == "voter" || !Synced(member, status)) continue;
      observers.push_back({{"sid", member.server.value()}, {"remote_socket_address", member.address}});
    }
  }
  return {{"synced_observers", observers.size()}, {"observers", observers}};
}

Json Ruok(const CommandContext&) { return Json::object(); }

Json JsonOf(const Sizes& sizes) {
  return {{"last_buffer_size", sizes.last}, {"min_buffer_size", sizes.min}, {"max_buffer_size", sizes.max}};
}

Json ServerStats(const CommandContext& context) {
  service::ServerStatus status = context.service->Status();
  service::ServiceStats stats = context.service->Stats();
  ProcessFacts process = context.process();
  Latency latency = LatencyOf(stats);
  Sizes responses = ResponseSizes(CountersOf(context));
  std::string mode(Mode(*context.facts, status));
  Json server = {{"packets_sent", stats.packets_sent},
                 {"packets_received", stats.packets_received},
                 {"client_response_stats", JsonOf(responses)},
                 {"provider_null", false},
                 {"server_state", mode},
                 {"outstanding_requests", stats.outstanding},
                 {"min_latency", latency.min_ms},
                 {"avg_latency", latency.average_ms},
                 {"max_latency", latency.max_ms},
                 {"data_dir_size", process.data_dir_bytes},
                 {"log_dir_size", process.data_log_dir_bytes},
                 {"last_processed_zxid", status.zxid.value()},
                 {"num_alive_client_connections", status.connections},
                 {"uptime", process.uptime_ms}};
  Json out = {{"version", context.facts->version},
              {"read_only", status.read_only},
              {"server_stats", std::move(server)},
              {"client_response", JsonOf(responses)}};
  if (mode == "leader") out["proposal_stats"] = JsonOf(ProposalSizes(stats));
  out["node_count"] = NodeCount(status);
  return out;
}

Json StatReset(const CommandContext& context) {
  context.service->ResetStats();
  if (context.connections != nullptr) context.connections->ResetCounters();
  return Json::object();
}

Json Stats(const CommandContext& context) {
  Json out = ServerStats(context);
  out["connections"] = ConnectionList(context, /*brief=*/true);
  out["secure_connections"] = Json::array();
  return out;
}

Json SystemProperties(const CommandContext& context) {
  std::map<std::string, std::string> sorted;
  for (const auto& [key, value] : context.facts->system_properties) sorted[key] = Shown(key, value);
  for (const auto& [key, value] : context.facts->environment) {
    if (key.starts_with("os.") || key.starts_with("user.")) sorted[key] = value;
  }
  return Json(sorted);
}

std::string ClientAddress(const ServerFacts& facts) {
  return absl::StrCat(facts.client_address, ":", facts.client_port);
}

Json VotingView(const CommandContext& context) {
  const ServerFacts& facts = *context.facts;
  Json config = Json::object();
  if (!context.service->Status().read_only) {
    for (MemberLine& line : ParseMembership(MembershipText(context))) {
      if (!line.participant) continue;
      // A server knows its own from its clientPort.
      if (line.client_address.empty() && line.server_id == facts.server_id) line.client_address = ClientAddress(facts);
      config[absl::StrCat(line.server_id)] = {{"server_addresses", line.quorum_addresses},
                                              {"election_addresses", line.election_addresses},
                                              {"client_address", line.client_address},
                                              {"learner_type", "participant"}};
    }
  }
  return {{"current_config", std::move(config)}};
}

Json WatchSummary(const CommandContext& context) {
  service::ServiceStats stats = context.service->Stats();
  return {{"num_connections", context.service->Watches().size()},
          {"num_paths", stats.watched_paths},
          {"num_total_watches", stats.watches}};
}

Json Watches(const CommandContext& context) {
  Json by_session = Json::object();
  for (const service::WatchesOfSession& watches : context.service->Watches()) {
    by_session[absl::StrCat(watches.session.value())] = watches.paths;
  }
  return {{"session_id_to_watched_paths", std::move(by_session)}};
}

Json WatchesByPath(const CommandContext& context) {
  std::map<std::string, std::vector<int64_t>> by_path;
  for (const service::WatchesOfSession& watches : context.service->Watches()) {
    for (const std::string& path : watches.paths) by_path[path].push_back(watches.session.value());
  }
  Json out = Json::object();
  for (const auto& [path, sessions] : by_path) out[path] = sessions;
  return {{"path_to_session_ids", std::move(out)}};
}

// What ZooKeeper shows of an address, but for what it would have to try out.
Json AddressJson(const std::vector<std::string>& addresses) {
  Json wildcards = Json::array(), ports = Json::array(), hosts = Json::array();
  for (const std::string& address : addresses) {
    std::string port(PortOf(address));
    int number = 0;
    if (absl::SimpleAtoi(port, &number)) ports.push_back(number);
    wildcards.push_back(absl::StrCat("0.0.0.0:", port));
    hosts.push_back(std::string(HostOf(address)));
  }
  return {{"empty", addresses.empty()},    {"wildcard_addresses", std::move(wildcards)},
          {"all_ports", std::move(ports)}, {"all_host_strings", std::move(hosts)},
          {"all_addresses", addresses},    {"one", addresses.empty() ? Json(nullptr) : Json(addresses.front())}};
}

// Where a Raft server is in the life of a ZooKeeper one.
std::string ZabState(const service::ServerStatus& status) {
  if (status.ready) return "broadcast";
  if (status.role == "starting" || status.role == "candidate" || status.leader == ServerId(0)) return "election";
  return "synchronization";
}

Json ZabStateCommand(const CommandContext& context) {
  service::ServerStatus status = context.service->Status();
  const ServerFacts& facts = *context.facts;
  if (facts.standalone || status.read_only) return {{"voting", false}, {"zabstate", ""}};
  Json out = {{"myid", facts.server_id}, {"is_leader", status.role == "leader"}};
  for (const MemberLine& line : ParseMembership(MembershipText(context))) {
    if (line.server_id != facts.server_id) continue;
    out["quorum_address"] = AddressJson(line.quorum_addresses);
    out["election_address"] = AddressJson(line.election_addresses);
  }
  out["client_address"] = ClientAddress(facts);
  out["voting"] = !facts.observer;
  out["last_zxid"] = absl::StrFormat("0x%x", status.zxid.value());
  out["zab_epoch"] = status.term.value();
  out["zab_counter"] = status.zxid.value();
  out["zabstate"] = ZabState(status);
  return out;
}

struct Command {
  std::string_view name;
  std::vector<std::string_view> aliases;
  // Null: ZooKeeper's, not offered.
  Json (*run)(const CommandContext& context) = nullptr;
  bool needs_service = true;  // else it says something without a quorum too
};

// By name.
const std::vector<Command>& Table() {
  static const auto* const kTable = new std::vector<Command>{
      {"configuration", {"conf", "config"}, Configuration},
      {"connection_stat_reset", {"crst"}, ConnectionStatReset},
      {"connections", {"cons"}, Connections},
      {"dirs", {}, Dirs},
      {"dump", {}, Dump},
      {"environment", {"env", "envi"}, Environment, false},
      {"get_trace_mask", {"gtmk"}},
      {"hash", {}},
      {"initial_configuration", {"icfg"}, InitialConfiguration},
      {"is_read_only", {"isro"}, IsReadOnly},
      {"last_snapshot", {"lsnp"}, LastSnapshot},
      {"leader", {"lead"}, Leader},
      {"monitor", {"mntr"}, Monitor},
      {"observer_connection_stat_reset", {"orst"}},
      {"observers", {"obsr"}, Observers},
      {"restore", {"rest"}},
      {"ruok", {}, Ruok},
      {"server_stats", {"srvr"}, ServerStats},
      {"set_trace_mask", {"stmk"}},
      {"snapshot", {"snap"}},
      {"stat_reset", {"srst"}, StatReset},
      {"stats", {"stat"}, Stats},
      {"system_properties", {"sysp"}, SystemProperties, false},
      {"voting_view", {}, VotingView},
      {"watch_summary", {"wchs"}, WatchSummary},
      {"watches", {"wchc"}, Watches},
      {"watches_by_path", {"wchp"}, WatchesByPath},
      {"zabstate", {}, ZabStateCommand, false},
  };
  return *kTable;
}

const Command* FindCommand(std::string_view name) {
  for (const Command& command : Table()) {
    if (command.name == name ||
        std::find(command.aliases.begin(), command.aliases.end(), name) != command.aliases.end()) {
      return &command;
    }
  }
  return nullptr;
}

CommandAnswer Answer(int status, std::string_view name, Json body) {
  Json error = body.contains(kError) ? body[kError] : Json(nullptr);
  body.erase(kError);
  body["command"] = name;
  body[kError] = std::move(error);
  return {status, JsonText(body)};
}

CommandAnswer Error(int status, std::string_view name, std::string error) {
  return Answer(status, name, {{kError, std::move(error)}});
}

}  // namespace

CommandAnswer RunCommand(std::string_view name, const CommandContext& context) {
  const Command* command = FindCommand(name);
  if (command == nullptr) return Error(404, name, absl::StrCat("Unknown command: ", std::string(name)));
  if (command->run == nullptr) {
    return Error(501, command->name, absl::StrCat("Not offered by Synod: ", std::string(command->name)));
  }
  if (command->needs_service && !Serving(context.service->Status())) {
    return Error(200, command->name, std::string(kNotServing));
  }
  return Answer(200, command->name, command->run(context));
}

CommandAnswer CommandWithoutLoop(std::string_view name) { return Error(503, name, "the loop does not answer"); }

std::vector<std::string> CommandNames() {
  std::vector<std::string> names;
  for (const Command& command : Table()) {
    if (command.run != nullptr) names.emplace_back(command.name);
  }
  return names;
}

}  // namespace synod::frontdoor::commands

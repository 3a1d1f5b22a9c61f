#include "coordinator/frontdoor/commands/words.h"

#include <algorithm>
#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "coordinator/base/check.h"
#include "coordinator/frontdoor/commands/membership.h"
#include "coordinator/frontdoor/commands/monitor.h"
#include "coordinator/frontdoor/commands/view.h"

namespace synod::frontdoor::commands {
namespace {

constexpr std::string_view kInterrupt = "\xff\xf4\xff\xfd";

std::string Hex(SessionId session) { return absl::StrFormat("0x%x", session.value()); }

// What cons and stat have in common; without the bracket at the end.
std::string BriefConnection(const ConnectionFacts& connection) {
  return absl::StrFormat(" /%s[%x](queued=%d,recved=%d,sent=%d", HostPort(connection),
                         (connection.wants_input ? 1 : 0) + (connection.wants_output ? 4 : 0), connection.outstanding,
                         connection.received, connection.sent);
}

std::string FullConnection(const ConnectionFacts& connection) {
  std::string text = BriefConnection(connection);
  if (connection.session != SessionId(0)) {
    absl::StrAppendFormat(&text, ",sid=%s,lop=%s,est=%d,to=%d", Hex(connection.session), connection.last_operation,
                          connection.established_wall_ms, absl::ToInt64Milliseconds(connection.session_timeout));
    if (connection.last_xid >= 0) absl::StrAppendFormat(&text, ",lcxid=0x%x", connection.last_xid);
    auto average = connection.latency_count == 0
                       ? absl::ZeroDuration()
                       : connection.latency_sum / static_cast<int64_t>(connection.latency_count);
    absl::StrAppendFormat(
        &text, ",lzxid=0x%x,lresp=%d,llat=%d,minlat=%d,avglat=%d,maxlat=%d",
        static_cast<uint64_t>(connection.last_zxid.value()), absl::ToInt64Milliseconds(connection.last_response),
        absl::ToInt64Milliseconds(connection.last_latency), absl::ToInt64Milliseconds(connection.min_latency),
        absl::ToInt64Milliseconds(average), absl::ToInt64Milliseconds(connection.max_latency));
  }
  return text;
}

std::string Conf(const CommandContext& context) {
  const ServerFacts& facts = *context.facts;
  ProcessFacts process = context.process();
  std::string text = absl::StrFormat(
      "clientPort=%d\nsecureClientPort=-1\ndataDir=%s\ndataDirSize=%d\ndataLogDir=%s\ndataLogSize=%d\ntickTime=%d\n"
      "maxClientCnxns=%d\nminSessionTimeout=%d\nmaxSessionTimeout=%d\nclientPortListenBacklog=%d\nserverId=%d\n",
      facts.client_port, facts.data_dir, process.data_dir_bytes, facts.data_log_dir, process.data_log_dir_bytes,
      facts.tick_time_ms, facts.max_client_cnxns, facts.session_timeout_min_ms, facts.session_timeout_max_ms,
      facts.listen_backlog, facts.server_id);
  if (facts.standalone) return text;
  absl::StrAppendFormat(&text,
                        "initLimit=%d\nsyncLimit=%d\nelectionAlg=3\nelectionPort=%d\nquorumPort=%d\npeerType=%d\n"
                        "membership: \n%s",
                        facts.init_limit, facts.sync_limit, facts.election_port, facts.quorum_port,
                        facts.observer ? 1 : 0, MembershipText(context));
  return text;
}

std::string Cons(const CommandContext& context) {
  std::string text;
  for (const ConnectionFacts& connection : ConnectionsOf(context)) {
    absl::StrAppend(&text, FullConnection(connection), ")\n");
  }
  return text + "\n";
}

std::string Dirs(const CommandContext& context) {
  ProcessFacts process = context.process();
  return absl::StrFormat("datadir_size: %d\nlogdir_size: %d\n", process.data_dir_bytes, process.data_log_dir_bytes);
}

std::string DumpSessions(const CommandContext& context) {
  std::string text = "SessionTracker dump:\n";
  service::ServerStatus status = context.service->Status();
  if (status.role == "leader" && !status.read_only) {
    std::vector<ExpirySet<SessionId>> sets = SessionsByExpiry(context);
    size_t sessions = 0;
    for (const auto& set : sets) sessions += set.members.size();
    absl::StrAppendFormat(&text, "Session Sets (%d)/(%d):\n", sets.size(), sessions);
    for (const auto& set : sets) {
      absl::StrAppendFormat(&text, "%d expire at %s:\n", set.members.size(), DateOf(context, set.monotonic_ms));
      for (SessionId session : set.members) absl::StrAppend(&text, "\t", Hex(session), "\n");
    }
  } else {
    std::vector<service::SessionStatus> sessions = context.service->Sessions();
    absl::StrAppendFormat(&text, "Global Sessions(%d):\n", sessions.size());
    for (const service::SessionStatus& session : sessions) {
      absl::StrAppendFormat(&text, "%s\t%dms\n", Hex(session.session), absl::ToInt64Milliseconds(session.timeout));
    }
  }
  return text;
}

std::string Dump(const CommandContext& context) {
  std::string text = DumpSessions(context);
  std::vector<service::EphemeralsOfSession> ephemerals = context.service->Ephemerals();
  absl::StrAppendFormat(&text, "ephemeral nodes dump:\nSessions with Ephemerals (%d):\n", ephemerals.size());
  for (const service::EphemeralsOfSession& owner : ephemerals) {
    absl::StrAppend(&text, Hex(owner.session), ":\n");
    for (const std::string& path : owner.paths) absl::StrAppend(&text, "\t", path, "\n");
  }
  std::vector<ExpirySet<ConnectionFacts>> sets = ConnectionsByExpiry(context);
  size_t connections = 0;
  for (const auto& set : sets) connections += set.members.size();
  absl::StrAppendFormat(&text, "Connections dump:\nConnections Sets (%d)/(%d):\n", sets.size(), connections);
  for (const auto& set : sets) {
    absl::StrAppendFormat(&text, "%d expire at %s:\n", set.members.size(), DateOf(context, set.monotonic_ms));
    for (const ConnectionFacts& connection : set.members) {
      absl::StrAppendFormat(&text, "\tip: /%s sessionId: %s\n", HostPort(connection), Hex(connection.session));
    }
  }
  return text;
}

std::string Envi(const CommandContext& context) {
  std::string text = "Environment:\n";
  for (const auto& [key, value] : EnvironmentOf(context)) absl::StrAppend(&text, key, "=", value, "\n");
  return text;
}

std::string Isro(const CommandContext& context) {
  service::ServerStatus status = context.service->Status();
  return !Serving(status) ? "null" : status.read_only ? "ro" : "rw";
}

std::string Mntr(const CommandContext& context) {
  std::string text;
  for (const MonitorLine& line : MonitorLines(context)) {
    absl::StrAppend(&text, "zk_", line.key, "\t");
    if (const auto* words = std::get_if<std::string>(&line.value)) {
      absl::StrAppend(&text, *words, "\n");
    } else if (const auto* whole = std::get_if<int64_t>(&line.value)) {
      absl::StrAppend(&text, *whole, "\n");
    } else {
      absl::StrAppend(&text, JavaDouble(std::get<double>(line.value)), "\n");
    }
  }
  return text;
}

// srvr, and stat with the clients in between.
std::string Server(const CommandContext& context, bool with_clients) {
  service::ServerStatus status = context.service->Status();
  service::ServiceStats stats = context.service->Stats();
  std::string text = absl::StrCat("Zookeeper version: ", context.facts->version, "\n");
  if (status.read_only) text += "READ-ONLY mode; serving only read-only clients\n";
  if (with_clients) {
    text += "Clients:\n";
    for (const ConnectionFacts& connection : ConnectionsOf(context)) {
      absl::StrAppend(&text, BriefConnection(connection), ")\n");
    }
    text += "\n";
  }
  Latency latency = LatencyOf(stats);
  std::string mode(Mode(*context.facts, status));
  absl::StrAppendFormat(&text,
                        "Latency min/avg/max: %d/%s/%d\nReceived: %d\nSent: %d\nConnections: %d\nOutstanding: %d\n"
                        "Zxid: 0x%x\nMode: %s\nNode count: %d\n",
                        latency.min_ms, JavaDouble(latency.average_ms), latency.max_ms, stats.packets_received,
                        stats.packets_sent, status.connections, stats.outstanding, status.zxid.value(), mode,
                        NodeCount(status));
  if (mode == "leader") {
    Sizes sizes = ProposalSizes(stats);
    absl::StrAppendFormat(&text, "Proposal sizes last/min/max: %d/%d/%d\n", sizes.last, sizes.min, sizes.max);
  }
  return text;
}

std::string Wchs(const CommandContext& context) {
  service::ServiceStats stats = context.service->Stats();
  return absl::StrFormat("%d connections watching %d paths\nTotal watches:%d\n", context.service->Watches().size(),
                         stats.watched_paths, stats.watches);
}

std::string Wchc(const CommandContext& context) {
  std::string text;
  for (const service::WatchesOfSession& watches : context.service->Watches()) {
    absl::StrAppend(&text, Hex(watches.session), "\n");
    for (const std::string& path : watches.paths) absl::StrAppend(&text, "\t", path, "\n");
  }
  return text + "\n";
}

std::string Wchp(const CommandContext& context) {
  std::map<std::string, std::vector<SessionId>> by_path;
  for (const service::WatchesOfSession& watches : context.service->Watches()) {
    for (const std::string& path : watches.paths) by_path[path].push_back(watches.session);
  }
  std::string text;
  for (const auto& [path, sessions] : by_path) {
    absl::StrAppend(&text, path, "\n");
    for (SessionId session : sessions) absl::StrAppend(&text, "\t", Hex(session), "\n");
  }
  return text + "\n";
}

struct Word {
  std::string_view name;
  // Null: known and never answered.
  std::string (*answer)(const CommandContext& context) = nullptr;
  bool needs_service = true;  // else it says something without a quorum too
};

constexpr Word kWords[] = {
    {"ruok", [](const CommandContext&) { return std::string("imok"); }, false},
    {"srvr", [](const CommandContext& context) { return Server(context, /*with_clients=*/false); }},
    {"stat", [](const CommandContext& context) { return Server(context, /*with_clients=*/true); }},
    {"mntr", Mntr},
    {"cons", Cons},
    {"conf", Conf},
    {"envi", Envi, false},
    {"dump", Dump},
    {"wchs", Wchs},
    {"wchc", Wchc},
    {"wchp", Wchp},
    {"isro", Isro, false},
    {"dirs", Dirs},
    {"crst",
     [](const CommandContext& context) {
       if (context.connections != nullptr) context.connections->ResetConnections();
       return std::string("Connection stats reset.\n");
     }},
    {"srst",
     [](const CommandContext& context) {
       context.service->ResetStats();
       if (context.connections != nullptr) context.connections->ResetCounters();
       return std::string("Server stats reset.\n");
     }},
    {"gtmk"},
    {"stmk"},
    {"hash"},
};

const Word* FindWord(std::string_view name) {
  const Word* word =
      std::find_if(std::begin(kWords), std::end(kWords), [&](const Word& word) { return word.name == name; });
  return word == std::end(kWords) ? nullptr : word;
}

// srvr always is: zkServer.sh asks it.
bool InWhitelist(std::string_view word, const ServerFacts& facts) {
  return facts.all_words || std::find(facts.whitelist.begin(), facts.whitelist.end(), word) != facts.whitelist.end() ||
         word == "srvr" || (word == "isro" && facts.read_only_mode);
}

}  // namespace

bool IsWord(std::string_view four_bytes) { return four_bytes == kInterrupt || FindWord(four_bytes) != nullptr; }

std::string AnswerWord(std::string_view word, const CommandContext& context) {
  if (word == kInterrupt) return "";
  const Word* found = FindWord(word);
  SYNOD_CHECK(found != nullptr);
  if (found->answer == nullptr || !InWhitelist(word, *context.facts)) {
    return absl::StrCat(std::string(word), " is not executed because it is not in the whitelist.\n");
  }
  if (found->needs_service && !Serving(context.service->Status())) {
    return absl::StrCat(std::string(kNotServing), "\n");
  }
  return found->answer(context);
}

}  // namespace synod::frontdoor::commands

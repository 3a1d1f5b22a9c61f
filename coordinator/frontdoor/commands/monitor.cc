#include "coordinator/frontdoor/commands/monitor.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "coordinator/frontdoor/commands/view.h"

namespace synod::frontdoor::commands {
namespace {

constexpr char kResponseBytes[] = "bytes, -1: none yet";
constexpr char kProposalBytes[] = "Bytes of a command proposed by this leader, -1: none yet";

// Estimated: evenly spread within its bucket.
double Quantile(const service::LatencyStats& stats, double quantile) {
  if (stats.count == 0) return 0;
  const double rank = quantile * static_cast<double>(stats.count);
  double below = 0;
  double us = static_cast<double>(stats.max_us);
  for (size_t i = 0; i + 1 < service::LatencyStats::kBuckets; ++i) {
    double in_bucket = static_cast<double>(stats.buckets[i]);
    if (in_bucket > 0 && below + in_bucket >= rank) {
      double low = i == 0 ? 0 : static_cast<double>(uint64_t{1} << (i - 1));
      double high = static_cast<double>(uint64_t{1} << i);
      us = low + (high - low) * (rank - below) / in_bucket;
      break;
    }
    below += in_bucket;
  }
  return std::clamp(us, static_cast<double>(stats.min_us), static_cast<double>(stats.max_us)) / 1000;
}

class List {
 public:
  void Text(std::string_view name, std::string_view value) { Add(name, std::string(value), Figure::Type::kText, ""); }
  void Gauge(std::string_view name, std::string_view help, int64_t value) {
    Add(name, value, Figure::Type::kGauge, help);
  }
  void Gauge(std::string_view name, std::string_view help, uint64_t value) {
    Gauge(name, help, static_cast<int64_t>(value));
  }
  void Average(std::string_view name, std::string_view help, double value) {
    Add(name, value, Figure::Type::kGauge, help);
  }
  void Counter(std::string_view name, std::string_view help, uint64_t value) {
    Add(name, static_cast<int64_t>(value), Figure::Type::kCounter, help);
  }
  void Distribution(std::string_view name, std::string_view help, const service::LatencyStats& stats) {
    Add(name, Summarize(stats), Figure::Type::kSummary, help);
  }
  std::vector<Figure> Take() { return std::move(figures_); }

 private:
  template <typename Value>
  void Add(std::string_view name, Value value, Figure::Type type, std::string_view help) {
    figures_.push_back({std::string(name), std::move(value), type, std::string(help)});
  }
  std::vector<Figure> figures_;
};

struct Look {
  const ServerFacts& facts;
  service::ServerStatus status;
  service::ServiceStats stats;
  bool ensemble() const { return !facts.standalone && !status.read_only; }
  bool leads() const { return ensemble() && status.role == "leader"; }
};

void AddState(const Look& look, List* out) {
  std::string_view mode = Mode(look.facts, look.status);
  out->Text("version", look.facts.version);
  out->Text("server_state", mode);
  if (!look.ensemble()) return;
  std::string_view peer = mode == "leader" ? "leading" : mode == "observer" ? "observing" : "following";
  out->Text("peer_state", absl::StrCat(std::string(peer), " - broadcast"));
}

void AddServer(const Look& look, const ProcessFacts& process, List* out) {
  const service::ServiceStats& stats = look.stats;
  const service::ServerStatus& status = look.status;
  Latency latency = LatencyOf(stats);
  out->Average("avg_latency", "Mean time of a request, ms", latency.average_ms);
  out->Gauge("max_latency", "Longest time of a request, ms", latency.max_ms);
  out->Gauge("min_latency", "Shortest time of a request, ms", latency.min_ms);
  out->Counter("packets_received", "Requests, connects and pings received", stats.packets_received);
  out->Counter("packets_sent", "Replies, events, pongs and connect answers sent", stats.packets_sent);
  out->Gauge("num_alive_connections", "Client connections of this server", status.connections);
  out->Gauge("outstanding_requests", "Requests received and not answered", stats.outstanding);
  out->Gauge("uptime", "Time since the start of the process, ms", process.uptime_ms);
  out->Gauge("znode_count", "Znodes, the root twice", NodeCount(status));
  out->Gauge("watch_count", "Watches of this server's connections", status.watches);
  out->Gauge("ephemerals_count", "Ephemeral znodes", status.ephemerals);
  out->Gauge("approximate_data_size", "Bytes of all paths and data", status.approximate_data_bytes);
  out->Gauge("global_sessions", "Sessions of the ensemble", status.sessions);
  out->Gauge("open_file_descriptor_count", "Open file descriptors", process.open_files);
  out->Gauge("max_file_descriptor_count", "Limit of open file descriptors", process.max_files);
}

void AddMembers(const Look& look, const std::vector<service::MemberStatus>& members, List* out) {
  int64_t voters = 0, learners = 0, followers = 0, synced_followers = 0, synced_observers = 0;
  for (const service::MemberStatus& member : members) {
    const bool voter = member.role == "voter";
    voters += voter ? 1 : 0;
    if (member.server == look.status.server || !member.active) continue;
    const bool synced = Synced(member, look.status);
    ++learners;
    followers += voter ? 1 : 0;
    synced_followers += voter && synced ? 1 : 0;
    synced_observers += !voter && synced ? 1 : 0;
  }
  out->Gauge("quorum_size", "Voters of the ensemble", voters);
  if (!look.leads()) return;
  out->Gauge("learners", "Other servers that follow this leader", learners);
  out->Gauge("followers", "Of these the voters", followers);
  out->Gauge("synced_followers", "Of these the ones that keep up", synced_followers);
  out->Gauge("synced_observers", "Servers without a vote that keep up", synced_observers);
  out->Gauge("leader_uptime", "Time since this leader was elected, ms",
             absl::ToInt64Milliseconds(look.status.leader_uptime));
  Sizes sizes = ProposalSizes(look.stats);
  out->Gauge("last_proposal_size", kProposalBytes, sizes.last);
  out->Gauge("max_proposal_size", kProposalBytes, sizes.max);
  out->Gauge("min_proposal_size", kProposalBytes, sizes.min);
}

void AddDoor(const DoorCounters& counters, List* out) {
  Sizes sizes = ResponseSizes(counters);
  out->Gauge("last_client_response_size", absl::StrCat("Last response, ", kResponseBytes), sizes.last);
  out->Gauge("max_client_response_size", absl::StrCat("Largest response, ", kResponseBytes), sizes.max);
  out->Gauge("min_client_response_size", absl::StrCat("Smallest response, ", kResponseBytes), sizes.min);
  out->Counter("connection_rejected", "Connections over maxClientCnxns or maxCnxns", counters.rejected);
  out->Counter("sessionless_connections_expired", "Connections closed for want of a connect request",
               counters.sessionless_expired);
  out->Counter("bytes_received_count", "Bytes from clients", counters.bytes_received);
  out->Counter("large_requests_rejected", "Requests over a limit of size", counters.large_requests_rejected);
}

void AddCounters(const service::ServiceStats& stats, const ProcessFacts& process, List* out) {
  constexpr auto kNoQuorum = static_cast<size_t>(service::CloseReason::kNoQuorum);
  out->Gauge("pending_syncs", "Syncs and linearizable reads of this server that wait for a quorum",
             stats.pending_syncs);
  out->Counter("connection_drop_count", "Connections that clients closed or that broke", stats.connections_dropped);
  out->Counter("connection_revalidate_count", "Sessions that came back over a new connection", stats.revalidations);
  out->Counter("cnxn_closed_without_zk_server_running", "Connections closed for want of a quorum",
               stats.connections_closed[kNoQuorum]);
  out->Counter("stale_sessions_expired", "Sessions expired by this server as leader", stats.sessions_expired);
  // In Prometheus the sums of ZooKeeper's summaries of the same names; how many events are behind them nobody counts.
  out->Counter("node_created_watch_count_sum", "Watches fired by a creation", stats.created_notifications);
  out->Counter("node_deleted_watch_count_sum", "Watches fired by a deletion", stats.deleted_notifications);
  out->Counter("node_changed_watch_count_sum", "Watches fired by a change of data", stats.changed_notifications);
  out->Counter("node_children_watch_count_sum", "Watches fired by a change of children", stats.children_notifications);
  out->Distribution("readlatency", "Time of a read, ms", stats.read_latency);
  out->Distribution("updatelatency", "Time of a write, ms", stats.write_latency);
  out->Distribution("fsynctime", "Time of a sync of the log, ms", process.sync_times);
}

void AddSummaryLines(const std::string& name, const Summary& summary, std::vector<MonitorLine>* out) {
  auto whole = [](double ms) { return static_cast<int64_t>(ms); };
  double average = summary.count == 0 ? 0 : summary.sum / static_cast<double>(summary.count);
  out->push_back({absl::StrCat("avg_", name), average});
  out->push_back({absl::StrCat("min_", name), whole(summary.min)});
  out->push_back({absl::StrCat("max_", name), whole(summary.max)});
  out->push_back({absl::StrCat("cnt_", name), static_cast<int64_t>(summary.count)});
  out->push_back({absl::StrCat("sum_", name), whole(summary.sum)});
  out->push_back({absl::StrCat("p50_", name), whole(summary.p50)});
  out->push_back({absl::StrCat("p95_", name), whole(summary.p95)});
  out->push_back({absl::StrCat("p99_", name), whole(summary.p99)});
  out->push_back({absl::StrCat("p999_", name), whole(summary.p999)});
}

}  // namespace

Summary Summarize(const service::LatencyStats& stats) {
  Summary out;
  out.count = stats.count;
  out.sum = static_cast<double>(stats.sum_us) / 1000;
  out.min = static_cast<double>(stats.min_us) / 1000;
  out.max = static_cast<double>(stats.max_us) / 1000;
  out.p50 = Quantile(stats, 0.5);
  out.p90 = Quantile(stats, 0.9);
  out.p95 = Quantile(stats, 0.95);
  out.p99 = Quantile(stats, 0.99);
  out.p999 = Quantile(stats, 0.999);
  return out;
}

std::vector<Figure> Figures(const CommandContext& context) {
  Look look{*context.facts, context.service->Status(), context.service->Stats()};
  List out;
  AddState(look, &out);
  const ProcessFacts process = context.process();
  AddServer(look, process, &out);
  if (look.ensemble()) AddMembers(look, context.service->Members(), &out);
  if (context.connections != nullptr) AddDoor(context.connections->Counters(), &out);
  AddCounters(look.stats, process, &out);
  return out.Take();
}

std::vector<MonitorLine> MonitorLines(const CommandContext& context) {
  constexpr std::string_view kSum = "_sum";
  std::vector<MonitorLine> lines;
  for (Figure& figure : Figures(context)) {
    if (const auto* summary = std::get_if<Summary>(&figure.value)) {
      AddSummaryLines(figure.name, *summary, &lines);
    } else if (const auto* text = std::get_if<std::string>(&figure.value)) {
      lines.push_back({std::move(figure.name), *text});
    } else if (const auto* real = std::get_if<double>(&figure.value)) {
      lines.push_back({std::move(figure.name), *real});
    } else {
      // mntr has the part of a summary in front.
      if (figure.name.ends_with(kSum)) {
        figure.name = absl::StrCat("sum_", figure.name.substr(0, figure.name.size() - kSum.size()));
      }
      lines.push_back({std::move(figure.name), std::get<int64_t>(figure.value)});
    }
  }
  return lines;
}

std::string JavaDouble(double value) {
  std::string text = absl::StrFormat("%.4f", value);
  while (text.ends_with('0') && !text.ends_with(".0")) text.pop_back();
  return text;
}

}  // namespace synod::frontdoor::commands

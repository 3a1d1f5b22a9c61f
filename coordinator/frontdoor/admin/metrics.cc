#include "coordinator/frontdoor/admin/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <limits>
#include <utility>
#include <vector>

namespace synod::frontdoor {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

class Builder {
 public:
  void Gauge(const std::string& name, const std::string& help, double value) {
    ClientMetric metric;
    metric.gauge.value = value;
    Add(name, help, MetricType::Gauge, std::move(metric));
  }
  void Counter(const std::string& name, const std::string& help, double value) {
    ClientMetric metric;
    metric.counter.value = value;
    Add(name, help, MetricType::Counter, std::move(metric));
  }
  // Milliseconds and quantiles, as ZooKeeper's own provider has them.
  void Summary(const std::string& name, const std::string& help, const commands::Summary& summary) {
    ClientMetric metric;
    metric.summary.sample_count = summary.count;
    metric.summary.sample_sum = summary.sum;
    metric.summary.quantile = {{0.5, summary.p50}, {0.9, summary.p90}, {0.99, summary.p99}};
    Add(name, help, MetricType::Summary, std::move(metric));
  }
  // Seconds, as Prometheus wants them.
  void Latency(const std::string& name, const std::string& help, const service::LatencyStats& stats) {
    ClientMetric metric;
    metric.histogram.sample_count = stats.count;
    metric.histogram.sample_sum = static_cast<double>(stats.sum_us) / 1e6;
    uint64_t cumulative = 0;
    for (size_t i = 0; i < service::LatencyStats::kBuckets; ++i) {
      cumulative += stats.buckets[i];
      ClientMetric::Bucket bucket;
      bucket.cumulative_count = cumulative;
      bucket.upper_bound = static_cast<double>(uint64_t{1} << i) / 1e6;
      metric.histogram.bucket.push_back(bucket);
    }
    Add(name, help, MetricType::Histogram, std::move(metric));
  }
  void Labelled(const std::string& name, const std::string& help, const std::string& label, const std::string& value,
                double number) {
    ClientMetric metric;
    metric.label.push_back({label, value});
    metric.gauge.value = number;
    Add(name, help, MetricType::Gauge, std::move(metric));
  }
  std::string Text() const { return prometheus::TextSerializer().Serialize(families_); }

 private:
  void Add(const std::string& name, const std::string& help, MetricType type, ClientMetric metric) {
    MetricFamily family;
    family.name = name;
    family.help = help;
    family.type = type;
    family.metric.push_back(std::move(metric));
    families_.push_back(std::move(family));
  }
  std::vector<MetricFamily> families_;
};

// The names ZooKeeper's dashboards know.
void ZooKeeperNames(const std::vector<commands::Figure>& figures, Builder* out) {
  for (const commands::Figure& figure : figures) {
    if (const auto* summary = std::get_if<commands::Summary>(&figure.value)) {
      out->Summary(figure.name, figure.help, *summary);
    } else if (figure.type != commands::Figure::Type::kText) {
      const auto* whole = std::get_if<int64_t>(&figure.value);
      double value = whole != nullptr ? static_cast<double>(*whole) : std::get<double>(figure.value);
      if (figure.type == commands::Figure::Type::kCounter) {
        out->Counter(figure.name, figure.help, value);
      } else {
        out->Gauge(figure.name, figure.help, value);
      }
    }
  }
}

void DoorNames(const commands::DoorCounters& door, Builder* out) {
  out->Counter("synod_connections_throttled", "ZooKeeper connections refused for want of a token",
               static_cast<double>(door.throttled));
  out->Counter("synod_bytes_sent", "Bytes sent to ZooKeeper clients", static_cast<double>(door.bytes_sent));
}

void OwnNames(const service::ServerStatus& status, const service::ServiceStats& stats, Builder* out) {
  out->Labelled("synod_role", "1 for the server's role", "role", status.role, 1);
  out->Gauge("synod_ready", "1 if ready", status.ready ? 1 : 0);
  out->Gauge("synod_leader_id", "Id of the leader, 0 if unknown", static_cast<double>(status.leader.value()));
  out->Gauge("synod_term", "Raft term", static_cast<double>(status.term.value()));
  out->Gauge("synod_commit_index", "Committed log index", static_cast<double>(status.commit.value()));
  out->Gauge("synod_applied_index", "Applied log index", static_cast<double>(status.applied.value()));
  out->Gauge("synod_last_index", "Last log index", static_cast<double>(status.last.value()));
  out->Gauge("synod_snapshot_index", "Log index of the newest snapshot", static_cast<double>(status.snapshot.value()));
  out->Gauge("synod_zxid", "Zxid of the last applied command", static_cast<double>(status.zxid.value()));
  out->Gauge("synod_state_bytes", "Memory held by the state", static_cast<double>(status.memory_bytes));
  out->Gauge("synod_log_bytes", "Log on disk", static_cast<double>(status.log_bytes));
  out->Gauge("synod_snapshot_bytes", "Snapshot on disk", static_cast<double>(status.snapshot_bytes));
  out->Gauge("synod_damaged_records", "Log records waiting for repair", static_cast<double>(status.damaged_records));
  out->Gauge("synod_writes_stopped", "1 if no majority agrees on the state", status.writes_stopped ? 1 : 0);
  out->Gauge("synod_refusing_growth", "1 near the memory limit or the disk reserve", status.refusing_growth ? 1 : 0);
  out->Gauge("synod_paused_connections", "Connections not read for back-pressure",
             static_cast<double>(stats.paused_connections));
  out->Counter("synod_resubmitted_commands", "Commands sent again after a change of leader or connection",
               static_cast<double>(stats.resubmitted));
  out->Counter("synod_refused_writes", "Writes this server refused", static_cast<double>(stats.refused_writes));
  out->Counter("synod_sessions_expired", "Sessions expired by this server as leader",
               static_cast<double>(stats.sessions_expired));
  out->Counter("synod_idle_nodes_removed", "Containers and TTL nodes that went while this server led",
               static_cast<double>(stats.idle_removed));
  out->Counter("synod_close_steps", "Further steps of closing sessions with many ephemerals, as leader",
               static_cast<double>(stats.close_steps));
  out->Counter("synod_settings_proposed", "Settings of the ensemble that this server changed as leader",
               static_cast<double>(stats.settings_proposed));
  out->Counter("synod_quota_exceeded", "Changes that left a quota exceeded", static_cast<double>(stats.quota_exceeded));
  out->Counter("synod_auth_failed", "Credentials and session passwords refused",
               static_cast<double>(stats.auth_failed));
  out->Counter("synod_connections_refused", "Connections refused", static_cast<double>(stats.connections_refused));
  out->Counter("synod_commands_proposed", "Commands handed to the leader by this server, or proposed by it",
               static_cast<double>(stats.commands_proposed));
  out->Counter("synod_commands_applied", "Commands applied here", static_cast<double>(stats.commands_applied));
  out->Latency("synod_read_seconds", "Time of a read, s", stats.read_latency);
  out->Latency("synod_write_seconds", "Time of a write, s", stats.write_latency);
}

void WatchNames(const service::ServerStatus& status, const service::ServiceStats& stats, Builder* out) {
  out->Counter("synod_notifications", "Watch events sent", static_cast<double>(stats.notifications));
  out->Counter("synod_notifications_denied", "Watch events not sent for want of READ",
               static_cast<double>(stats.notifications_denied));
  out->Counter("synod_watches_replayed", "Connections whose persistent watches were told of the past",
               static_cast<double>(stats.replayed_watches));
  out->Counter("synod_watch_events_lost", "Persistent watches set again with a cursor older than the window",
               static_cast<double>(stats.events_lost));
  out->Gauge("synod_watch_streams", "Watch streams open", static_cast<double>(stats.watch_streams));
  out->Counter("synod_watch_streams_opened", "Watch streams opened", static_cast<double>(stats.watch_streams_opened));
  out->Counter("synod_watch_streams_lost", "Watch streams refused or ended for a cursor older than the window",
               static_cast<double>(stats.watch_streams_lost));
  out->Counter("synod_watch_stream_events", "Events sent on Watch streams",
               static_cast<double>(stats.watch_stream_events));
  out->Counter("synod_watch_stream_pauses", "Times a Watch stream's reader was full",
               static_cast<double>(stats.watch_stream_pauses));
  out->Gauge("synod_watch_window_bytes", "Memory of the window of past events",
             static_cast<double>(status.window_bytes));
  out->Gauge("synod_watch_window_begin", "Zxid after which every event is in the window",
             static_cast<double>(status.window_begin.value()));
}

void ProcessNames(const AdminProcess& process, Builder* out) {
  out->Counter("process_cpu_seconds_total", "User and system time", static_cast<double>(process.cpu_us) / 1e6);
  out->Gauge("process_resident_memory_bytes", "Resident memory", static_cast<double>(process.resident_bytes));
}

}  // namespace

void SetRecentQuantiles(const service::LatencyStats& reads, const service::LatencyStats& writes,
                        std::vector<commands::Figure>* figures) {
  for (commands::Figure& figure : *figures) {
    auto* summary = std::get_if<commands::Summary>(&figure.value);
    if (summary == nullptr) continue;
    if (figure.name != "readlatency" && figure.name != "updatelatency") continue;
    commands::Summary recent = commands::Summarize(figure.name == "readlatency" ? reads : writes);
    // As ZooKeeper: nothing recent, no number.
    auto value = [&](double ms) { return recent.count == 0 ? std::numeric_limits<double>::quiet_NaN() : ms; };
    summary->p50 = value(recent.p50);
    summary->p90 = value(recent.p90);
    summary->p99 = value(recent.p99);
  }
}

std::string MetricsText(const Measured& measured, const AdminProcess& process) {
  Builder out;
  ZooKeeperNames(measured.figures, &out);
  OwnNames(measured.status, measured.stats, &out);
  DoorNames(measured.door, &out);
  WatchNames(measured.status, measured.stats, &out);
  ProcessNames(process, &out);
  return out.Text();
}

}  // namespace synod::frontdoor

// What Prometheus reads.
#include "coordinator/frontdoor/admin/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace synod::frontdoor {
namespace {

using commands::Figure;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Text(const Measured& measured) { return MetricsText(measured, AdminProcess()); }

TEST(MetricsTest, FiguresKeepTheirNamesAndTypes) {
  Measured measured;
  measured.figures = {{"version", std::string("3.9.3"), Figure::Type::kText, ""},
                      {"znode_count", int64_t{5}, Figure::Type::kGauge, "Znodes"},
                      {"avg_latency", 0.5, Figure::Type::kGauge, "Mean"},
                      {"packets_sent", int64_t{7}, Figure::Type::kCounter, "Sent"}};
  std::string text = Text(measured);
  EXPECT_THAT(text, HasSubstr("# HELP znode_count Znodes\n# TYPE znode_count gauge\nznode_count 5\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE avg_latency gauge\navg_latency 0.5\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE packets_sent counter\npackets_sent 7\n"));
  EXPECT_THAT(text, Not(HasSubstr("3.9.3")));
}

// As ZooKeeper's own provider has them.
TEST(MetricsTest, LatenciesAreSummariesInMilliseconds) {
  service::LatencyStats stats;
  for (int i = 0; i < 10; ++i) stats.Add(absl::Milliseconds(2));
  Measured measured;
  measured.figures = {{"updatelatency", commands::Summarize(stats), Figure::Type::kSummary, "Time of a write, ms"},
                      {"readlatency", commands::Summary(), Figure::Type::kSummary, "Time of a read, ms"}};
  SetRecentQuantiles(service::LatencyStats(), stats, &measured.figures);
  std::string text = Text(measured);
  EXPECT_THAT(text, HasSubstr("# TYPE updatelatency summary\nupdatelatency_count 10\nupdatelatency_sum 20\n"));
  for (const char* quantile : {"0.5", "0.9", "0.99"}) {
    EXPECT_THAT(text, HasSubstr(absl::StrCat("updatelatency{quantile=\"", quantile, "\"} 2\n")));
    EXPECT_THAT(text, HasSubstr(absl::StrCat("readlatency{quantile=\"", quantile, "\"} Nan\n")));
  }
  EXPECT_THAT(text, HasSubstr("readlatency_count 0\n"));
}

TEST(MetricsTest, QuantilesAreThoseOfWhatIsRecent) {
  service::LatencyStats all, recent;
  for (int i = 0; i < 100; ++i) all.Add(absl::Milliseconds(500));
  all.Add(absl::Milliseconds(2));
  recent.Add(absl::Milliseconds(2));
  Measured measured;
  measured.figures = {{"readlatency", commands::Summarize(all), Figure::Type::kSummary, "Time of a read, ms"}};
  SetRecentQuantiles(recent, all, &measured.figures);
  EXPECT_THAT(Text(measured), HasSubstr("readlatency_count 101\nreadlatency_sum 50002\n"
                                        "readlatency{quantile=\"0.5\"} 2\n"));
}

TEST(MetricsTest, OwnLatenciesAreCumulativeHistogramsInSeconds) {
  Measured measured;
  measured.stats.write_latency.Add(absl::Microseconds(3));
  measured.stats.write_latency.Add(absl::Milliseconds(2));
  measured.stats.read_latency.Add(absl::Milliseconds(2));
  std::string text = Text(measured);
  EXPECT_THAT(text, HasSubstr("# TYPE synod_write_seconds histogram\n"));
  EXPECT_THAT(text, HasSubstr("synod_write_seconds_count 2\n"));
  EXPECT_THAT(text, HasSubstr("synod_write_seconds_bucket{le=\"+Inf\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("synod_write_seconds_bucket{le=\"4e-06\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("synod_read_seconds_count 1\n"));
}

// Each has a value of its own, so that none stands in for another.
TEST(MetricsTest, WhatIsCountedIsShown) {
  Measured measured;
  service::ServiceStats& stats = measured.stats;
  stats.notifications = 101;
  stats.notifications_denied = 102;
  stats.replayed_watches = 103;
  stats.events_lost = 104;
  stats.watch_streams = 105;
  stats.watch_streams_opened = 106;
  stats.watch_streams_lost = 107;
  stats.watch_stream_events = 108;
  stats.watch_stream_pauses = 109;
  stats.idle_removed = 110;
  stats.close_steps = 111;
  stats.settings_proposed = 112;
  stats.quota_exceeded = 113;
  stats.auth_failed = 114;
  measured.status.window_bytes = 115;
  measured.status.window_begin = Zxid(116);
  stats.commands_proposed = 117;
  stats.commands_applied = 118;
  measured.door.throttled = 119;
  measured.door.bytes_sent = 120;
  std::string text = Text(measured);
  for (const char* line : {"synod_notifications 101",         "synod_notifications_denied 102",
                           "synod_watches_replayed 103",      "synod_watch_events_lost 104",
                           "synod_watch_streams 105",         "synod_watch_streams_opened 106",
                           "synod_watch_streams_lost 107",    "synod_watch_stream_events 108",
                           "synod_watch_stream_pauses 109",   "synod_idle_nodes_removed 110",
                           "synod_close_steps 111",           "synod_settings_proposed 112",
                           "synod_quota_exceeded 113",        "synod_auth_failed 114",
                           "synod_watch_window_bytes 115",    "synod_watch_window_begin 116",
                           "synod_commands_proposed 117",     "synod_commands_applied 118",
                           "synod_connections_throttled 119", "synod_bytes_sent 120"}) {
    EXPECT_THAT(text, HasSubstr(absl::StrCat("\n", line, "\n")));
  }
}

}  // namespace
}  // namespace synod::frontdoor

// The admin door, over a service without an ensemble.
#include "coordinator/frontdoor/admin/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/frontdoor/admin/metrics.h"
#include "tests/support/lone_service.h"

namespace synod::frontdoor {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

class AdminTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = AdminServer::Start({"127.0.0.1", 0}, &lone_.loop(), lone_.service(), &slow_, [] {
      AdminProcess process;
      process.version = "1.2.3";
      process.resident_bytes = 4096;
      return process;
    });
    ASSERT_TRUE(started.ok()) << started.status();
    admin_ = *std::move(started);
    client_ = std::make_unique<httplib::Client>("127.0.0.1", admin_->port());
  }
  void TearDown() override {
    if (admin_ != nullptr) admin_->Stop();
  }
  Json Get(const std::string& path, int code = 200) {
    auto answer = client_->Get(path.c_str());
    EXPECT_TRUE(answer);
    if (!answer) return {};
    EXPECT_EQ(answer->status, code) << answer->body;
    return Json::parse(answer->body, nullptr, /*allow_exceptions=*/false);
  }

  testing::LoneService lone_;
  SlowLog slow_;
  std::unique_ptr<AdminServer> admin_;
  std::unique_ptr<httplib::Client> client_;
};

TEST_F(AdminTest, LiveAnswersWhileTheLoopWorks) { EXPECT_EQ(Get("/live")["live"], true); }

TEST_F(AdminTest, LiveIsApartFromReady) {
  lone_.loop().Ask([this] {
    lone_.service()->OnRoleChange({consensus::Role::kPreCandidate, Term(1), ServerId(0)});
    return 0;
  });
  EXPECT_EQ(Get("/live")["live"], true);
  Json ready = Get("/ready", 503);
  EXPECT_EQ(ready["ready"], false);
  EXPECT_NE(ready["reason"], "");
}

TEST_F(AdminTest, LiveSaysSoWhenTheLoopHangs) {
  std::promise<void> go;
  lone_.loop().Post([&] { go.get_future().wait(); });
  EXPECT_EQ(Get("/live", 503)["live"], false);
  EXPECT_EQ(Get("/ready", 503)["reason"], "the loop does not answer");
  go.set_value();
  EXPECT_EQ(Get("/live")["live"], true);
}

TEST_F(AdminTest, StatusNamesThingsAsTheApiDoes) {
  Json status = Get("/status");
  EXPECT_EQ(status["server_id"], 1);
  EXPECT_EQ(status["leader_id"], 1);
  EXPECT_EQ(status["role"], "leader");
  EXPECT_EQ(status["version"], "1.2.3");
  ASSERT_EQ(status["members"].size(), 1u);
  EXPECT_EQ(status["members"][0]["server_id"], 1);
  EXPECT_EQ(status["members"][0]["storage"], "0000000000000abc");
  EXPECT_EQ(status["members"][0]["connected"], true);
}

TEST_F(AdminTest, MetricsAreInPrometheusForm) {
  auto answer = client_->Get("/metrics");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_THAT(answer->get_header_value("Content-Type"), HasSubstr("version=0.0.4"));
  EXPECT_THAT(answer->body, HasSubstr("# TYPE znode_count gauge\n"));
  EXPECT_THAT(answer->body, HasSubstr("synod_role{role=\"leader\"} 1\n"));
  EXPECT_THAT(answer->body, HasSubstr("\nprocess_resident_memory_bytes 4096\n"));
}

TEST_F(AdminTest, SlowOperationsComeNewestFirst) {
  slow_.Add(1000, {"create", "/a", absl::Milliseconds(700), SessionId(0x10)});
  slow_.Add(2000, {"multi", "/b", absl::Milliseconds(900), SessionId(0)});
  Json lines = Get("/slow");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0]["operation"], "multi");
  EXPECT_EQ(lines[1]["path"], "/a");
  EXPECT_EQ(lines[1]["duration_us"], 700000);
  EXPECT_EQ(lines[1]["session"], "10");
}

TEST_F(AdminTest, AnUnknownPageIsNotFound) {
  auto answer = client_->Get("/commands/ruok");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 404);
}

TEST_F(AdminTest, ATakenPortIsUnavailable) {
  absl::Status taken = AdminServer::Start({"127.0.0.1", admin_->port()}, &lone_.loop(), lone_.service(), &slow_, [] {
                         return AdminProcess();
                       }).status();
  EXPECT_EQ(taken.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(taken.message()), HasSubstr("cannot listen on 127.0.0.1"));
}

TEST(SlowLogTest, OnlyTheLatestAreKept) {
  SlowLog log;
  for (int i = 0; i < 1000; ++i) log.Add(i, {"get", "/", absl::Seconds(1), SessionId(1)});
  EXPECT_EQ(log.Lines().size(), 200u);
  EXPECT_EQ(log.Lines().front().wall_ms, 999);
}

TEST(MetricsTest, LatenciesAreCumulativeHistogramsInSeconds) {
  service::ServiceStats stats;
  stats.write_latency.Add(absl::Microseconds(3));
  stats.write_latency.Add(absl::Milliseconds(2));
  std::string text = MetricsText(service::ServerStatus(), stats, AdminProcess());
  EXPECT_THAT(text, HasSubstr("updatelatency_count 2\n"));
  EXPECT_THAT(text, HasSubstr("updatelatency_bucket{le=\"+Inf\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("updatelatency_bucket{le=\"4e-06\"} 1\n"));
}

// Each has a value of its own, so that none stands in for another.
TEST(MetricsTest, WhatTheServiceCountsIsShown) {
  service::ServiceStats stats;
  service::ServerStatus status;
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
  status.window_bytes = 115;
  status.window_begin = Zxid(116);
  std::string text = MetricsText(status, stats, AdminProcess());
  for (const char* line : {"synod_notifications 101", "synod_notifications_denied 102", "synod_watches_replayed 103",
                           "synod_watch_events_lost 104", "synod_watch_streams 105", "synod_watch_streams_opened 106",
                           "synod_watch_streams_lost 107", "synod_watch_stream_events 108",
                           "synod_watch_stream_pauses 109", "synod_idle_nodes_removed 110", "synod_close_steps 111",
                           "synod_settings_proposed 112", "synod_quota_exceeded 113", "synod_auth_failed 114",
                           "synod_watch_window_bytes 115", "synod_watch_window_begin 116"}) {
    EXPECT_THAT(text, HasSubstr(absl::StrCat("\n", line, "\n")));
  }
}

}  // namespace
}  // namespace synod::frontdoor

// The admin door, over a service without an ensemble.
#include "coordinator/frontdoor/admin/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/lone_service.h"

namespace synod::frontdoor {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using Json = nlohmann::json;

class FakeConnections final : public commands::ConnectionSource {
 public:
  std::vector<commands::ConnectionFacts> Connections() const override { return {}; }
  commands::DoorCounters Counters() const override { return counters; }
  void ResetConnections() override { ++resets; }
  void ResetCounters() override {}
  commands::DoorCounters counters;
  int resets = 0;
};

class AdminTest : public ::testing::Test {
 protected:
  AdminTest() {
    facts_.version = "3.9.3-synod-1.2.3, built on 2026-11-23 03:00 UTC";
    facts_.client_port = 2181;
    context_.facts = &facts_;
    context_.service = lone_.service();
    context_.connections = &connections_;
    context_.clock = &clock_;
    context_.process = [] {
      commands::ProcessFacts process;
      process.uptime_ms = 77;
      return process;
    };
  }
  void SetUp() override { Restart({}); }
  void Restart(AdminConfig config) {
    if (admin_ != nullptr) admin_->Stop();
    config.port = 0;
    auto started = AdminServer::Start(config, &lone_.loop(), &context_, &slow_, [] {
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
  std::string Page(const std::string& path, int code = 200) {
    auto answer = client_->Get(path.c_str());
    EXPECT_TRUE(answer);
    if (!answer) return "";
    EXPECT_EQ(answer->status, code) << answer->body;
    return answer->body;
  }
  Json Get(const std::string& path, int code = 200) {
    return Json::parse(Page(path, code), nullptr, /*allow_exceptions=*/false);
  }

  testing::LoneService lone_;
  testing::SteadyClock clock_;
  commands::ServerFacts facts_;
  FakeConnections connections_;
  commands::CommandContext context_;
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
  Page("/nosuch", 404);
  Page("/commands/ruok/more", 404);
  Page("/commandsruok", 404);
}

TEST_F(AdminTest, CommandsAreListedAsLinks) {
  std::string links = Page("/commands");
  EXPECT_THAT(links, StartsWith("<a href=\"/commands/configuration\">configuration</a>\n<br/>\n"
                                "<a href=\"/commands/connection_stat_reset\">connection_stat_reset</a>\n<br/>\n"));
  EXPECT_EQ(Page("/commands/"), links);
}

TEST_F(AdminTest, CommandsAnswerJson) {
  auto answer = client_->Get("/commands/ruok");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->get_header_value("Content-Type"), "application/json");
  EXPECT_EQ(answer->body, "{\n  \"command\" : \"ruok\",\n  \"error\" : null\n}");
  EXPECT_EQ(Get("/commands/conf")["client_port"], 2181);
  EXPECT_EQ(Get("/commands/srvr")["server_stats"]["server_state"], "leader");
  EXPECT_EQ(Get("/commands/nosuch", 404)["error"], "Unknown command: nosuch");
  EXPECT_EQ(Get("/commands/snapshot", 501)["command"], "snapshot");
}

TEST_F(AdminTest, CommandsMayChangeCounts) {
  Get("/commands/crst");
  EXPECT_EQ(lone_.loop().Ask([this] { return connections_.resets; }), 1);
}

TEST_F(AdminTest, CommandsAreForGet) {
  auto answer = client_->Post("/commands/ruok", "", "text/plain");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 405);
  answer = client_->Post("/commands/crst", "", "text/plain");
  ASSERT_TRUE(answer);
  EXPECT_EQ(lone_.loop().Ask([this] { return connections_.resets; }), 0);
  answer = client_->Post("/commands/%ff", "", "text/plain");  // no UTF-8
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 405);
}

TEST_F(AdminTest, CommandsSaySoWhenTheLoopHangs) {
  std::promise<void> go;
  lone_.loop().Post([&] { go.get_future().wait(); });
  EXPECT_EQ(Get("/commands/ruok", 503)["error"], "the loop does not answer");
  go.set_value();
}

// admin.commandURL
TEST_F(AdminTest, TheUrlOfCommandsIsTheOperators) {
  AdminConfig config;
  config.command_url = "/zk.admin(v2)/";
  Restart(config);
  EXPECT_THAT(Page("/zk.admin(v2)"), StartsWith("<a href=\"/zk.admin(v2)/configuration\">"));
  EXPECT_EQ(Get("/zk.admin(v2)/ruok")["command"], "ruok");
  Page("/commands/ruok", 404);
  EXPECT_EQ(Get("/live")["live"], true);
}

TEST_F(AdminTest, CommandsMayStandAtTheRoot) {
  AdminConfig config;
  config.command_url = "/";
  Restart(config);
  EXPECT_THAT(Page("/"), StartsWith("<a href=\"/configuration\">"));
  EXPECT_EQ(Get("/ruok")["command"], "ruok");
  EXPECT_EQ(Get("/live")["live"], true);
  Page("/nosuch", 404);
}

// metricsProvider.httpPort
TEST_F(AdminTest, APortOfItsOwnHasTheMetricsOnly) {
  AdminConfig config;
  config.metrics_only = true;
  Restart(config);
  EXPECT_THAT(Page("/metrics"), HasSubstr("\nznode_count 5\n"));
  Page("/commands/ruok", 404);
  Page("/live", 404);
}

// admin.idleTimeout
TEST_F(AdminTest, AConnectionThatStopsInItsRequestIsClosed) {
  AdminConfig config;
  config.idle_timeout = absl::Milliseconds(50);
  Restart(config);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(admin_->port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(send(fd, "GET /live", 9, 0), 9);
  auto start = std::chrono::steady_clock::now();
  char byte;
  while (recv(fd, &byte, 1, 0) > 0) {
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(900));
  close(fd);
}

TEST_F(AdminTest, ATakenPortIsUnavailable) {
  absl::Status taken = AdminServer::Start({"127.0.0.1", admin_->port()}, &lone_.loop(), &context_, &slow_, [] {
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

}  // namespace
}  // namespace synod::frontdoor

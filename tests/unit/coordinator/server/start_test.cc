// A single server, and starts that are refused.
#include <filesystem>
#include <memory>
#include <set>
#include <string>

#include "coordinator/server/server.h"
#include "coordinator/server/verify.h"
#include "tests/unit/coordinator/server/ensemble.h"

namespace synod::server {
namespace {

using testing::CreateRequest;
using testing::Eventually;
using testing::GetRequest;
using ::testing::HasSubstr;
using testing::Port;
using testing::Running;
using testing::SmallConfig;
using testing::Stream;
using testing::TakeSnapshot;
using testing::TempDirectory;

std::string StartError(const ServerConfig& config, absl::StatusCode code) {
  absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(config);
  EXPECT_EQ(server.status().code(), code) << server.status();
  return std::string(server.status().message());
}

class OneServer : public ::testing::Test {
 protected:
  ServerConfig Config() const { return SmallConfig(directory_.path()); }
  TempDirectory directory_;
};

TEST_F(OneServer, ServesWithoutPeers) {
  Running server(Config());
  ASSERT_TRUE(server.status().ok()) << server.status();
  ASSERT_TRUE(Eventually([&] { return server.Status().ready(); }));
  EXPECT_TRUE(server.Call(CreateRequest("/a", "1")).ok());
  EXPECT_THAT(server.server().Summary(), HasSubstr(absl::StrCat("server 1 serves clients on ", server.address(),
                                                                " (gRPC) and 127.0.0.1:", server.server().client_port(),
                                                                " (ZooKeeper), admin http://127.0.0.1:")));
}

TEST_F(OneServer, MoreStreamsOfOneAddressThanAllowedAreRefused) {  // maxClientCnxns
  ServerConfig config = Config();
  config.max_connections_per_address = 2;
  Running server(config);
  ASSERT_TRUE(server.status().ok()) << server.status();
  auto first = std::make_unique<Stream>(server);
  ASSERT_TRUE(first->Connect());
  Stream second(server);
  ASSERT_TRUE(second.Connect());
  {
    Stream third(server);
    EXPECT_FALSE(third.Connect());
    grpc::Status status = third.Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_THAT(status.error_message(), HasSubstr("no more than 2 connections from 127.0.0.1 (maxClientCnxns)"));
  }
  first.reset();
  EXPECT_TRUE(Eventually([&] {
    Stream again(server);
    return again.Connect();
  }));
}

TEST_F(OneServer, ATakenGrpcPortIsAnErrorAndFormsNoEnsemble) {
  Port port;
  port.Listen();
  ServerConfig config = Config();
  config.grpc_port = port.number();
  EXPECT_THAT(StartError(config, absl::StatusCode::kUnavailable),
              HasSubstr(absl::StrCat("gRPC: cannot listen on 127.0.0.1:", port.number())));
  EXPECT_FALSE(std::filesystem::exists(config.data_dir + "/synod"));
  { Running server(Config()); }
  EXPECT_NE(testing::EnsembleOf(config.data_dir), EnsembleId(0));
}

TEST_F(OneServer, ATakenClientPortIsAnErrorAndFormsNoDataDirectory) {
  Port port;
  port.Listen();
  ServerConfig config = Config();
  config.client_port = port.number();
  EXPECT_THAT(StartError(config, absl::StatusCode::kUnavailable),
              HasSubstr(absl::StrCat("clientPort: cannot listen on 127.0.0.1:", port.number(), ": Address already")));
  EXPECT_FALSE(std::filesystem::exists(config.data_dir + "/synod"));
}

TEST_F(OneServer, WithoutAutocreateNoDirectoryIsMade) {  // datadir.autocreate
  ServerConfig config = Config();
  config.make_directories = false;
  config.data_log_dir += "/log";
  EXPECT_THAT(StartError(config, absl::StatusCode::kFailedPrecondition), HasSubstr("/log is no directory"));
  EXPECT_FALSE(std::filesystem::exists(config.data_log_dir));
  config.make_directories = true;
  EXPECT_TRUE(Running(config).status().ok());
}

TEST_F(OneServer, ATakenPeerPortIsAnError) {
  Port port, other;
  port.Listen();
  ServerConfig config = Config();
  config.seeds = {{ServerId(1), consensus::MemberRole::kVoter, absl::StrCat("127.0.0.1:", port.number())},
                  {ServerId(2), consensus::MemberRole::kVoter, absl::StrCat("127.0.0.1:", other.number())}};
  config.peer_listen_address = "127.0.0.1";
  config.peer_port = port.number();
  EXPECT_THAT(StartError(config, absl::StatusCode::kUnavailable), HasSubstr("peer port: cannot listen at 127.0.0.1"));
}

TEST_F(OneServer, ATakenAdminPortIsOnlyAWarning) {
  Port port;
  port.Listen();
  ServerConfig config = Config();
  config.admin_port = port.number();
  Running server(config);
  ASSERT_TRUE(server.status().ok()) << server.status();
  EXPECT_EQ(server.server().admin_port(), 0);
  EXPECT_TRUE(Eventually([&] { return server.Status().ready(); }));
}

TEST_F(OneServer, TwoServersOnOneDirectoryAreRefused) {
  Running server(Config());
  ASSERT_TRUE(server.status().ok()) << server.status();
  EXPECT_THAT(StartError(Config(), absl::StatusCode::kFailedPrecondition),
              HasSubstr("another process is using the data directory"));
  EXPECT_THAT(VerifyData(directory_.path(), "").text, HasSubstr("a server runs on"));
}

TEST_F(OneServer, AnothersDirectoryIsRefused) {
  { Running server(Config()); }
  ServerConfig config = Config();
  config.id = ServerId(2);
  config.seeds[0].server = ServerId(2);
  EXPECT_THAT(StartError(config, absl::StatusCode::kFailedPrecondition),
              HasSubstr("belongs to server 1, but this is server 2: check dataDir and myid"));
}

TEST_F(OneServer, ZooKeepersDirectoryIsRefused) {
  std::filesystem::create_directories(directory_.path() + "/version-2");
  EXPECT_THAT(StartError(Config(), absl::StatusCode::kFailedPrecondition), HasSubstr("holds ZooKeeper's data"));
}

TEST_F(OneServer, OtherServerLinesThanTheEnsemblesAreRefusedWithBothLists) {  // D11
  {
    Running server(Config());
    ASSERT_TRUE(Eventually([&] { return server.Status().ready(); }));
  }
  ServerConfig config = Config();
  config.seeds.push_back({ServerId(2), consensus::MemberRole::kVoter, "127.0.0.1:2"});
  config.seeds.push_back({ServerId(3), consensus::MemberRole::kVoter, "127.0.0.1:3"});
  std::string error = StartError(config, absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(error, HasSubstr("server lines: 1 (voter), 2 (voter), 3 (voter)"));
  EXPECT_THAT(error, HasSubstr("ensemble:     1 (voter)\n"));
}

TEST_F(OneServer, ALostDirectoryOfALoneServerIsNotReplacedByAnEmptyOne) {  // D10: nobody else has the data
  {
    Running server(Config());
    ASSERT_TRUE(Eventually([&] { return server.Status().ready(); }));
    ASSERT_TRUE(server.Call(CreateRequest("/a", "1")).ok());
    TakeSnapshot(server);
  }
  std::filesystem::remove_all(directory_.path() + "/synod/snapshot");
  std::string error = StartError(Config(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(error, HasSubstr("There is no other server to get it from"));
  EXPECT_FALSE(VerifyData(directory_.path(), "").ok);
  ServerConfig config = Config();
  config.form_without_peers = true;
  Running server(config);
  ASSERT_TRUE(server.status().ok()) << server.status();
  ASSERT_TRUE(Eventually([&] { return server.Status().ready(); }));
  EXPECT_EQ(server.Call(GetRequest("/a")).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(OneServer, VerifyLeavesTheDirectoryAsItWas) {
  {
    Running server(Config());
    ASSERT_TRUE(Eventually([&] { return server.Status().ready(); }));
    TakeSnapshot(server);
  }
  auto listing = [&] {
    std::set<std::string> names;
    for (const auto& file : std::filesystem::recursive_directory_iterator(directory_.path())) {
      names.insert(absl::StrCat(file.path().string(), " ", file.is_regular_file() ? file.file_size() : 0));
    }
    return names;
  };
  std::set<std::string> before = listing();
  VerifyResult result = VerifyData(directory_.path(), "");
  EXPECT_TRUE(result.ok) << result.text;
  EXPECT_THAT(result.text, HasSubstr("digest"));
  EXPECT_EQ(listing(), before);
  EXPECT_THAT(VerifyData("/nowhere", "").text, HasSubstr("/nowhere is not a data directory of Synod's"));
}

}  // namespace
}  // namespace synod::server

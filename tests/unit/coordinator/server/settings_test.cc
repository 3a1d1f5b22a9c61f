// Keys of the configuration file that change what clients see: each with its effect, and without it.
#include <memory>
#include <string>
#include <vector>

#include "coordinator/server/config.h"
#include "coordinator/server/server.h"
#include "tests/unit/coordinator/server/ensemble.h"

namespace synod::server {
namespace {

using testing::CreateRequest;
using testing::Ensemble;
using testing::Eventually;
using testing::GetRequest;
using testing::Running;
using testing::SmallConfig;
using testing::Stream;
using testing::TempDirectory;

// A small server's configuration with the file's `lines` besides.
ServerConfig WithLines(const std::string& data_dir, const std::string& lines) {
  absl::StatusOr<ServerConfig> parsed = ParseConfig(absl::StrCat("dataDir=", data_dir, "\n", lines), "");
  SYNOD_CHECK(parsed.ok()) << parsed.status();
  const ServerConfig small = SmallConfig(data_dir);
  ServerConfig config = *parsed;
  config.grpc_port = config.admin_port = 0;
  config.session_timeout_min = small.session_timeout_min;
  config.session_timeout_max = small.session_timeout_max;
  config.disk_reserve_bytes = small.disk_reserve_bytes;
  config.log_segment_bytes = small.log_segment_bytes;
  config.election_timeout_min = small.election_timeout_min;
  config.election_timeout_max = small.election_timeout_max;
  return config;
}

class SettingsTest : public ::testing::Test {
 protected:
  // Ends the server that runs and starts one with these lines on the same data.
  void Start(const std::string& lines) {
    server_.reset();
    server_ = std::make_unique<Running>(WithLines(directory_.path(), lines));
    ASSERT_TRUE(server_->status().ok()) << server_->status();
    ASSERT_TRUE(Eventually([&] { return server_->Status().ready(); }));
  }
  grpc::StatusCode Call(const v1::Request& request) { return server_->Call(request).error_code(); }
  // As the digest identity of "user:password".
  grpc::StatusCode CallAs(const std::string& credential, const v1::Request& request) {
    grpc::ClientContext context;
    Running::Limit(&context);
    v1::CallRequest call;
    *call.mutable_request() = request;
    call.add_credentials()->set_scheme("digest");
    call.mutable_credentials(0)->set_credential(credential);
    v1::CallReply reply;
    return server_->coordination().Call(&context, call, &reply).error_code();
  }
  // Settings come with the leader's first commands, soon after it is ready.
  bool Becomes(const std::function<grpc::StatusCode()>& call, grpc::StatusCode code) {
    return Eventually([&] { return call() == code; });
  }
  // Readable to nobody who is around.
  void MakeSecret() {
    v1::Request create = CreateRequest("/secret", "s");
    v1::AclEntry* entry = create.mutable_create()->mutable_acl()->add_entries();
    entry->set_permissions(31);
    entry->set_scheme("ip");
    entry->set_id("10.0.0.1");
    ASSERT_EQ(Call(create), grpc::StatusCode::OK);
  }
  TempDirectory directory_;
  std::unique_ptr<Running> server_;
};

TEST_F(SettingsTest, TheSuperDigestPassesEveryAclWhileTheLeadersFileNamesIt) {
  Start("DigestAuthenticationProvider.superDigest=super:lK75jTNcA+U9vtVEw5vB51mj/w4=\n");
  MakeSecret();
  auto as_super = [&] { return CallAs("super:secret", GetRequest("/secret")); };
  EXPECT_TRUE(Becomes(as_super, grpc::StatusCode::OK));
  EXPECT_EQ(CallAs("super:other", GetRequest("/secret")), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Call(GetRequest("/secret")), grpc::StatusCode::PERMISSION_DENIED);
  Start("");
  EXPECT_TRUE(Becomes(as_super, grpc::StatusCode::PERMISSION_DENIED));
}

TEST_F(SettingsTest, SkipAclOpensEverythingWhileTheLeadersFileSaysSo) {
  Start("");
  MakeSecret();
  auto get = [&] { return Call(GetRequest("/secret")); };
  EXPECT_EQ(get(), grpc::StatusCode::PERMISSION_DENIED);
  Start("zookeeper.skipACL=yes\n");
  EXPECT_TRUE(Becomes(get, grpc::StatusCode::OK));
  Start("");
  EXPECT_TRUE(Becomes(get, grpc::StatusCode::PERMISSION_DENIED));
}

TEST_F(SettingsTest, EnforceQuotaTurnsHardLimitsOff) {
  Start("enforceQuota=true\n");
  for (const char* path : {"/q", "/zookeeper/quota/q"}) ASSERT_EQ(Call(CreateRequest(path, "")), grpc::StatusCode::OK);
  ASSERT_EQ(Call(CreateRequest("/zookeeper/quota/q/zookeeper_limits",
                               "count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=1")),
            grpc::StatusCode::OK);
  ASSERT_EQ(Call(CreateRequest("/zookeeper/quota/q/zookeeper_stats", "")), grpc::StatusCode::OK);
  EXPECT_EQ(Call(CreateRequest("/q/over", "")), grpc::StatusCode::RESOURCE_EXHAUSTED);
  Start("enforceQuota=false\n");
  EXPECT_TRUE(Becomes([&] { return Call(CreateRequest("/q/over", "")); }, grpc::StatusCode::OK));
}

TEST_F(SettingsTest, ExtendedTypesEnabledTurnsTtlNodesOff) {
  Start("");
  v1::Request create = CreateRequest("/ttl", "");
  create.mutable_create()->set_mode(v1::PERSISTENT_SEQUENTIAL_TTL);
  create.mutable_create()->set_ttl_ms(600000);
  EXPECT_EQ(Call(create), grpc::StatusCode::OK);
  Start("extendedTypesEnabled=false\n");
  EXPECT_TRUE(Becomes([&] { return Call(create); }, grpc::StatusCode::UNIMPLEMENTED));
}

class ContainersTest : public SettingsTest {
 protected:
  void MakeIdleContainer(const std::string& path) {
    v1::Request create = CreateRequest(path, "");
    create.mutable_create()->set_mode(v1::CONTAINER);
    ASSERT_EQ(Call(create), grpc::StatusCode::OK);
    ASSERT_EQ(Call(CreateRequest(path + "/child", "")), grpc::StatusCode::OK);
    v1::Request remove;
    remove.mutable_delete_()->set_path(path + "/child");
    remove.mutable_delete_()->set_version(-1);
    ASSERT_EQ(Call(remove), grpc::StatusCode::OK);
  }
  bool There(const std::string& path) { return Call(GetRequest(path)) == grpc::StatusCode::OK; }
};

TEST_F(ContainersTest, CheckIntervalIsHowLongAContainerStaysEmpty) {
  Start("znode.container.checkIntervalMs=3600000\n");
  MakeIdleContainer("/c");
  EXPECT_TRUE(There("/c"));
  Start("znode.container.checkIntervalMs=20\n");
  EXPECT_TRUE(Eventually([&] { return !There("/c"); }));
}

TEST_F(ContainersTest, MaxPerMinuteIsHowFastTheyGo) {
  Start("znode.container.checkIntervalMs=3600000\n");
  for (const char* path : {"/c1", "/c2", "/c3"}) MakeIdleContainer(path);
  Start("znode.container.checkIntervalMs=1\nznode.container.maxPerMinute=20\n");  // one in three seconds
  auto left = [&] { return There("/c1") + There("/c2") + There("/c3"); };
  int seen = 3;
  ASSERT_TRUE(Eventually([&] { return (seen = left()) < 3; }));
  EXPECT_EQ(seen, 2);
}

TEST_F(SettingsTest, JuteMaxbufferBoundsWhatANodeHolds) {
  Start("jute.maxbuffer=2000\n");
  EXPECT_EQ(Call(CreateRequest("/fits", std::string(1900, 'x'))), grpc::StatusCode::OK);
  EXPECT_EQ(Call(CreateRequest("/large", std::string(2100, 'x'))), grpc::StatusCode::INVALID_ARGUMENT);
  Stream stream(*server_);
  ASSERT_TRUE(stream.Connect());
  EXPECT_EQ(stream.connected().max_data_bytes(), 2000u);
}

// The largest that the configuration takes. The thread sanitizer needs ten times as long for it: there a part will do.
#ifdef __SANITIZE_THREAD__
constexpr uint32_t kLargest = 8 << 20;
#else
constexpr uint32_t kLargest = 32 << 20;
#endif

// Through gRPC's bounds of a message, the log, and from a follower to the leader and back.
TEST(LargeDataTest, TheLargestJuteMaxbufferHoldsEndToEnd) {
  // Such a node takes a good part of a second of a loop's time, sanitized more: nobody shall take that for a dead
  // leader.
  Ensemble ensemble(3, [](ServerConfig* config) {
    config->max_data_bytes = kLargest;
    config->election_timeout_min = absl::Seconds(4);
    config->election_timeout_max = absl::Seconds(5);
  });
  ASSERT_TRUE(ensemble.WaitReady());
  const std::string large(kLargest, 'x');
  Running& follower = ensemble.at(ensemble.Follower());
  grpc::Status made = follower.Call(CreateRequest("/large", large));
  ASSERT_TRUE(made.ok()) << made.error_message();
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(64 << 20);
  for (int i = 0; i < 3; ++i) {
    auto stub = v1::Coordination::NewStub(
        grpc::CreateCustomChannel(ensemble.at(i).address(), grpc::InsecureChannelCredentials(), arguments));
    v1::CallRequest call;
    *call.mutable_request() = GetRequest("/large");
    v1::CallReply reply;
    grpc::Status got;
    const bool answered = Eventually([&] {
      grpc::ClientContext context;
      Running::Limit(&context);
      got = stub->Call(&context, call, &reply);
      return got.ok();
    });
    ASSERT_TRUE(answered) << got.error_message();
    EXPECT_EQ(reply.reply().data().value().size(), large.size());
  }
}

TEST_F(SettingsTest, WatchWindowIsHowFarBackAWatchMayGo) {  // W3
  auto from_the_start = [&] {
    grpc::ClientContext context;
    Running::Limit(&context);
    v1::WatchRequest request;
    request.set_path("/");
    request.set_recursive(true);
    request.mutable_after()->set_zxid(1);
    auto reader = server_->coordination().Watch(&context, request);
    v1::WatchResponse first;
    const bool offered = reader->Read(&first) && !first.has_oldest();
    context.TryCancel();
    while (reader->Read(&first)) {
    }
    reader->Finish();
    return offered;
  };
  Start("watchWindowMb=1\n");
  const std::string path = "/" + std::string(60'000, 'p');
  for (int i = 0; i < 10; ++i) ASSERT_EQ(Call(CreateRequest(path + std::to_string(i), "")), grpc::StatusCode::OK);
  EXPECT_TRUE(from_the_start());
  for (int i = 10; i < 30; ++i) ASSERT_EQ(Call(CreateRequest(path + std::to_string(i), "")), grpc::StatusCode::OK);
  EXPECT_FALSE(from_the_start());
}

}  // namespace
}  // namespace synod::server

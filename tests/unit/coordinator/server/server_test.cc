// Whole servers on real sockets: what they answer, and what refuses to start.
#include "coordinator/server/server.h"

#include <grpcpp/impl/client_unary_call.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "coordinator/server/verify.h"
#include "tests/unit/coordinator/server/ensemble.h"

namespace synod::server {
namespace {

using testing::CreateRequest;
using testing::Ensemble;
using testing::Eventually;
using testing::GetRequest;
using testing::HttpGet;
using testing::Port;
using testing::RawClient;
using testing::Running;
using testing::SmallConfig;
using testing::TempDirectory;
using ::testing::HasSubstr;
using Json = nlohmann::json;

std::string StartError(const ServerConfig& config, absl::StatusCode code) {
  absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(config);
  EXPECT_EQ(server.status().code(), code) << server.status();
  return std::string(server.status().message());
}

// A unary call with bytes for messages, for services whose code Debian does not package.
grpc::Status RawCall(Running& server, const char* method, const std::string& request, std::string* reply) {
  grpc::ClientContext context;
  Running::Limit(&context);
  grpc::Slice slice(request);
  grpc::ByteBuffer in(&slice, 1), out;
  grpc::internal::RpcMethod rpc(method, grpc::internal::RpcMethod::NORMAL_RPC);
  grpc::Status status = grpc::internal::BlockingUnaryCall<grpc::ByteBuffer, grpc::ByteBuffer>(server.channel().get(), rpc, &context, in, &out);
  std::vector<grpc::Slice> slices;
  if (status.ok() && out.Dump(&slices).ok()) {
    for (const grpc::Slice& s : slices) reply->append(reinterpret_cast<const char*>(s.begin()), s.size());
  }
  return status;
}

// A Session stream, one message at a time.
class Stream {
 public:
  explicit Stream(Running& server) {
    Running::Limit(&context_);
    stream_ = server.coordination().Session(&context_);
  }
  ~Stream() {
    context_.TryCancel();
    if (!finished_) Finish();
  }
  bool Connect(uint32_t timeout_ms = 60000) {
    v1::ClientMessage message;
    message.mutable_connect()->set_timeout_ms(timeout_ms);
    v1::ServerMessage answer;
    if (!stream_->Write(message) || !stream_->Read(&answer) || !answer.has_connected()) return false;
    connected_ = answer.connected();
    return true;
  }
  const v1::Connected& connected() const { return connected_; }
  bool Write(const v1::ClientMessage& message) { return stream_->Write(message); }
  // The next item, or nothing when the stream has ended.
  std::optional<v1::Item> Next() {
    while (items_.empty()) {
      v1::ServerMessage message;
      if (!stream_->Read(&message)) return std::nullopt;
      for (const v1::Item& item : message.items()) items_.push_back(item);
    }
    v1::Item item = items_.front();
    items_.erase(items_.begin());
    return item;
  }
  void HalfClose() { stream_->WritesDone(); }
  grpc::Status Finish() {
    v1::ServerMessage rest;
    while (stream_->Read(&rest)) {
    }
    finished_ = true;
    return stream_->Finish();
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::ClientMessage, v1::ServerMessage>> stream_;
  std::vector<v1::Item> items_;
  v1::Connected connected_;
  bool finished_ = false;
};

// One ensemble for all tests that leave it as they found it.
class ThreeServers : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    ensemble_ = new Ensemble;
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(ensemble_->at(i).status().ok()) << ensemble_->at(i).status();
    ASSERT_TRUE(ensemble_->WaitReady());
  }
  static void TearDownTestSuite() {
    delete ensemble_;
    ensemble_ = nullptr;
  }
  static Running& follower() { return ensemble_->at(ensemble_->Follower()); }
  static Running& leader() { return ensemble_->at(ensemble_->Leader()); }
  static Ensemble* ensemble_;
};
Ensemble* ThreeServers::ensemble_ = nullptr;

TEST_F(ThreeServers, ACallThroughAFollowerIsSeenByEveryServer) {
  ASSERT_TRUE(follower().Call(CreateRequest("/call", "data")).ok());
  for (int i = 0; i < 3; ++i) {
    v1::Reply reply;
    grpc::Status status = ensemble_->at(i).Call(GetRequest("/call"), &reply);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(reply.data().value(), "data");
  }
}

TEST_F(ThreeServers, AFailedCallCarriesTheErrorInItsDetails) {
  grpc::Status status = follower().Call(GetRequest("/none"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_details(), HasSubstr("type.googleapis.com/synod.v1.Error"));
}

TEST_F(ThreeServers, ASessionStreamCreatesWatchesAndPings) {
  Stream stream(follower());
  ASSERT_TRUE(stream.Connect());
  v1::ClientMessage message;
  v1::Request* create = message.add_requests();
  *create = CreateRequest("/watched", "1");
  create->set_id(1);
  create->set_sequence(1);
  v1::Request* get = message.add_requests();
  get->set_id(2);
  get->mutable_get_data()->set_path("/watched");
  get->mutable_get_data()->set_watch(true);
  v1::Request* set = message.add_requests();
  set->set_id(3);
  set->set_sequence(2);
  set->mutable_set_data()->set_path("/watched");
  set->mutable_set_data()->mutable_data()->set_value("2");
  set->mutable_set_data()->set_version(0);
  message.set_ping(77);
  ASSERT_TRUE(stream.Write(message));
  std::vector<std::string> seen;
  bool pong = false;
  while (seen.size() < 4 || !pong) {
    std::optional<v1::Item> item = stream.Next();
    ASSERT_TRUE(item.has_value());
    if (item->has_reply()) seen.push_back(absl::StrCat("reply ", item->reply().id(), " ", v1::ErrorCode_Name(item->reply().error())));
    if (item->has_event()) seen.push_back(absl::StrCat("event ", item->event().path()));
    if (item->has_pong()) pong = item->pong().ping() == 77;
  }
  // W2: the event stands before the reply that shows its change.
  EXPECT_THAT(seen, ::testing::ElementsAre("reply 1 OK", "reply 2 OK", "event /watched", "reply 3 OK"));
}

TEST_F(ThreeServers, OperatorsSeeTheMembersAndTheirConnections) {
  ASSERT_TRUE(Eventually([] {
    grpc::ClientContext context;
    Running::Limit(&context);
    v1::MembersReply reply;
    if (!leader().ensemble().Members(&context, v1::MembersRequest(), &reply).ok() || reply.members_size() != 3) return false;
    int good = 0;
    for (const v1::MemberInfo& member : reply.members()) good += member.connected() && member.active() && member.role() == "voter";
    return good == 3;
  }));
  v1::StatusReply status = leader().Status();
  EXPECT_EQ(status.role(), "leader");
  EXPECT_EQ(status.leader_id(), status.server_id());
  EXPECT_NE(status.storage_id(), "");
  EXPECT_EQ(status.version(), "0.1.0");
  EXPECT_GT(status.resident_bytes(), 0u);
}

TEST_F(ThreeServers, LeadershipIsHandedOverOnDemand) {
  int target = ensemble_->Follower();
  grpc::ClientContext context;
  Running::Limit(&context);
  v1::TransferRequest request;
  request.set_target(static_cast<uint32_t>(target + 1));
  v1::TransferReply reply;
  grpc::Status status = leader().ensemble().Transfer(&context, request, &reply);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(reply.leader_id(), static_cast<uint32_t>(target + 1));
  ASSERT_TRUE(ensemble_->WaitReady());
  grpc::ClientContext other;
  Running::Limit(&other);
  status = follower().ensemble().Transfer(&other, v1::TransferRequest(), &reply);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(ThreeServers, ASnapshotIsWrittenOnDemandAndDigestsAgree) {
  ASSERT_TRUE(leader().Call(CreateRequest("/snap", "x")).ok());
  for (int i = 0; i < 3; ++i) {
    grpc::ClientContext context;
    Running::Limit(&context);
    v1::SnapshotReply reply;
    grpc::Status status = ensemble_->at(i).ensemble().Snapshot(&context, v1::SnapshotRequest(), &reply);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_GT(reply.index(), 0u);
  }
  EXPECT_TRUE(Eventually([] {
    std::set<std::string> seen;
    for (int i = 0; i < 3; ++i) {
      grpc::ClientContext context;
      Running::Limit(&context);
      v1::DigestReply reply;
      if (!ensemble_->at(i).ensemble().Digest(&context, v1::DigestRequest(), &reply).ok()) return false;
      seen.insert(absl::StrCat(reply.applied_index(), " ", reply.digest()));
    }
    return seen.size() == 1;
  }));
}

TEST_F(ThreeServers, HealthTellsReadyApartFromLive) {
  std::string reply;
  ASSERT_TRUE(Eventually([&] {
    reply.clear();
    return RawCall(leader(), "/grpc.health.v1.Health/Check", "", &reply).ok() && reply == "\x08\x01";  // SERVING
  }));
  reply.clear();
  ASSERT_TRUE(RawCall(leader(), "/grpc.health.v1.Health/Check", std::string("\x0a\x04live"), &reply).ok());
  EXPECT_EQ(reply, "\x08\x01");
}

TEST_F(ThreeServers, ReflectionNamesTheServices) {
  grpc::ClientContext context;
  Running::Limit(&context);
  grpc::internal::RpcMethod rpc("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", grpc::internal::RpcMethod::BIDI_STREAMING);
  std::unique_ptr<grpc::ClientReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>> stream(
      grpc::internal::ClientReaderWriterFactory<grpc::ByteBuffer, grpc::ByteBuffer>::Create(leader().channel().get(), rpc, &context));
  grpc::Slice list(std::string("\x3a\x01*", 3));  // list_services
  ASSERT_TRUE(stream->Write(grpc::ByteBuffer(&list, 1)));
  stream->WritesDone();
  grpc::ByteBuffer answer;
  ASSERT_TRUE(stream->Read(&answer));
  grpc::Slice bytes;
  ASSERT_TRUE(answer.DumpToSingleSlice(&bytes).ok());
  std::string text(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
  EXPECT_THAT(text, HasSubstr("synod.v1.Coordination"));
  EXPECT_THAT(text, HasSubstr("synod.v1.Ensemble"));
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(ThreeServers, TheAdminDoorAnswersAllItsPages) {
  uint16_t port = leader().server().admin_port();
  ASSERT_NE(port, 0);
  EXPECT_EQ(HttpGet(port, "/live").code, 200);
  EXPECT_EQ(HttpGet(port, "/ready").code, 200);
  testing::HttpAnswer status = HttpGet(port, "/status");
  ASSERT_EQ(status.code, 200);
  Json json = Json::parse(status.body, nullptr, /*allow_exceptions=*/false);
  EXPECT_EQ(json["role"], "leader");
  EXPECT_EQ(json["leader_id"], json["server_id"]);
  EXPECT_EQ(json["members"].size(), 3u);
  EXPECT_THAT(HttpGet(port, "/metrics").body, HasSubstr("\nsynod_ready 1\n"));
  EXPECT_EQ(HttpGet(port, "/slow").code, 200);
  EXPECT_EQ(HttpGet(port, "/nothing").code, 404);
}

TEST_F(ThreeServers, DataThatIsTooLargeIsRefusedAndTheServerGoesOn) {
  grpc::Status status = follower().Call(CreateRequest("/large", std::string((1 << 20) + 1, 'x')));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
  // No request at all is as large as this.
  status = follower().Call(CreateRequest("/larger", std::string(9 << 20, 'x')));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
  EXPECT_EQ(follower().Call(GetRequest("/large")).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(ThreeServers, GarbageAtThePortsHarmsNobody) {
  uint64_t term = leader().Status().term();
  for (int i = 0; i < 3; ++i) {
    for (uint16_t port : {ensemble_->peer_port(i), ensemble_->at(i).server().grpc_port(), ensemble_->at(i).server().admin_port()}) {
      RawClient noise(port);
      ASSERT_TRUE(noise.connected());
      std::string bytes;
      for (int b = 0; b < 4096; ++b) bytes.push_back(static_cast<char>(b * 37 + b / 7));
      noise.Send(bytes);
      RawClient silent(port);
      EXPECT_TRUE(silent.connected());
    }
  }
  ASSERT_TRUE(follower().Call(CreateRequest("/after-noise", "")).ok());
  ASSERT_TRUE(ensemble_->WaitReady());
  EXPECT_EQ(leader().Status().term(), term);
}

TEST_F(ThreeServers, AStreamThatDoesNotBeginWithConnectEndsWithInvalidArgument) {
  Stream stream(leader());
  v1::ClientMessage message;
  message.set_ping(1);
  ASSERT_TRUE(stream.Write(message));
  EXPECT_EQ(stream.Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST(ServerTest, AllServersStoppedAndStartedAgainHaveTheirState) {
  Ensemble ensemble;
  ASSERT_TRUE(ensemble.WaitReady());
  ASSERT_TRUE(ensemble.at(0).Call(CreateRequest("/kept", "1")).ok());
  grpc::ClientContext context;
  Running::Limit(&context);
  v1::SnapshotReply snapshot;
  ASSERT_TRUE(ensemble.at(0).ensemble().Snapshot(&context, v1::SnapshotRequest(), &snapshot).ok());
  ASSERT_TRUE(ensemble.at(1).Call(CreateRequest("/kept/behind-the-snapshot", "2")).ok());
  std::string id = ensemble.at(0).Status().ensemble_id();
  ensemble.StopAll();
  for (int i = 0; i < 3; ++i) {
    VerifyResult whole = VerifyData(ensemble.Config(i).data_dir, "");
    EXPECT_TRUE(whole.ok) << whole.text;
  }
  for (int i = 0; i < 3; ++i) ensemble.Start(i);
  ASSERT_TRUE(ensemble.WaitReady());
  v1::Reply reply;
  ASSERT_TRUE(ensemble.at(2).Call(GetRequest("/kept/behind-the-snapshot"), &reply).ok());
  EXPECT_EQ(reply.data().value(), "2");
  EXPECT_EQ(ensemble.at(0).Status().ensemble_id(), id);
}

TEST(ServerTest, ALeaderThatLeavesHandsOverAndClosesItsStreams) {
  Ensemble ensemble;
  ASSERT_TRUE(ensemble.WaitReady());
  int leader = ensemble.Leader();
  ASSERT_GE(leader, 0);
  Stream stream(ensemble.at(leader));
  ASSERT_TRUE(stream.Connect());
  std::thread stop([&] { ensemble.at(leader).Stop(); });
  grpc::Status status = stream.Finish();
  stop.join();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
  EXPECT_THAT(status.error_message(), HasSubstr("server stopping"));
  ensemble.Stop(leader);
  ASSERT_TRUE(ensemble.WaitReady());
  EXPECT_NE(ensemble.Leader(), leader);
}

TEST(ServerTest, AWipedServerIsGivenEverythingAgainAndVotes) {  // D10
  Ensemble ensemble;
  ASSERT_TRUE(ensemble.WaitReady());
  ASSERT_TRUE(ensemble.at(0).Call(CreateRequest("/mine", "1")).ok());
  int wiped = ensemble.Follower();
  std::string storage = ensemble.at(wiped).Status().storage_id();
  ensemble.Stop(wiped);
  std::filesystem::remove_all(ensemble.Config(wiped).data_dir + "/synod/log");
  ensemble.Start(wiped);
  ASSERT_TRUE(ensemble.at(wiped).status().ok()) << ensemble.at(wiped).status();
  EXPECT_TRUE(std::filesystem::exists(ensemble.Config(wiped).data_dir + "/synod.wiped-1"));
  ASSERT_TRUE(Eventually([&] { return ensemble.at(wiped).Status().role() == "follower" && ensemble.Ready(); }));
  v1::Reply reply;
  ASSERT_TRUE(ensemble.at(wiped).Call(GetRequest("/mine", v1::LOCAL), &reply).ok());
  EXPECT_EQ(reply.data().value(), "1");
  EXPECT_NE(ensemble.at(wiped).Status().storage_id(), storage);
}

void SpoilSnapshot(const std::string& data_dir) {
  bool spoiled = false;
  for (const auto& file : std::filesystem::recursive_directory_iterator(data_dir + "/synod/snapshot")) {
    if (file.path().extension() != ".sst") continue;
    std::fstream bytes(file.path(), std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(20);
    bytes.write("spoiled!", 8);
    spoiled = true;
  }
  ASSERT_TRUE(spoiled);
}

void TakeSnapshot(Running& server) {
  grpc::ClientContext context;
  Running::Limit(&context);
  v1::SnapshotReply reply;
  grpc::Status status = server.ensemble().Snapshot(&context, v1::SnapshotRequest(), &reply);
  ASSERT_TRUE(status.ok()) << status.error_message();
}

TEST(ServerTest, ADamagedSnapshotIsFetchedAgainFromAPeer) {  // D6, D8
  Ensemble ensemble;
  ASSERT_TRUE(ensemble.WaitReady());
  ASSERT_TRUE(ensemble.at(0).Call(CreateRequest("/mine", "1")).ok());
  int damaged = ensemble.Follower();
  TakeSnapshot(ensemble.at(damaged));
  ensemble.Stop(damaged);
  ASSERT_NO_FATAL_FAILURE(SpoilSnapshot(ensemble.Config(damaged).data_dir));
  EXPECT_FALSE(VerifyData(ensemble.Config(damaged).data_dir, "").ok);
  ensemble.Start(damaged);
  ASSERT_TRUE(ensemble.at(damaged).status().ok()) << ensemble.at(damaged).status();
  ASSERT_TRUE(Eventually([&] { return ensemble.at(damaged).Status().role() == "follower" && ensemble.Ready(); }));
  v1::Reply reply;
  ASSERT_TRUE(ensemble.at(damaged).Call(GetRequest("/mine", v1::LOCAL), &reply).ok());
}

// ---- a single server, and starts that are refused ----

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
  EXPECT_THAT(server.server().Summary(), HasSubstr(absl::StrCat("server 1 serves clients on ", server.address(), " (gRPC), admin http://127.0.0.1:")));
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

TEST_F(OneServer, ATakenGrpcPortIsAnError) {
  Port port;
  port.Listen();
  ServerConfig config = Config();
  config.grpc_port = port.number();
  EXPECT_THAT(StartError(config, absl::StatusCode::kUnavailable), HasSubstr(absl::StrCat("gRPC: cannot listen on 127.0.0.1:", port.number())));
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
  EXPECT_THAT(StartError(Config(), absl::StatusCode::kFailedPrecondition), HasSubstr("another process is using the data directory"));
  EXPECT_THAT(VerifyData(directory_.path(), "").text, HasSubstr("a server runs on"));
}

TEST_F(OneServer, AnothersDirectoryIsRefused) {
  { Running server(Config()); }
  ServerConfig config = Config();
  config.id = ServerId(2);
  config.seeds[0].server = ServerId(2);
  EXPECT_THAT(StartError(config, absl::StatusCode::kFailedPrecondition), HasSubstr("belongs to server 1, but this is server 2: check dataDir and myid"));
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

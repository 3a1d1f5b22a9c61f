// Three servers on real sockets: what they answer.
#include "coordinator/server/server.h"

#include <grpcpp/impl/client_unary_call.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/coordinator/server/ensemble.h"

namespace synod::server {
namespace {

using testing::CreateRequest;
using testing::Ensemble;
using testing::Eventually;
using testing::GetRequest;
using ::testing::HasSubstr;
using testing::HttpGet;
using testing::RawClient;
using testing::Running;
using testing::Stream;
using Json = nlohmann::json;

// A unary call with bytes for messages, for services whose code Debian does not package.
grpc::Status RawCall(Running& server, const char* method, const std::string& request, std::string* reply) {
  grpc::ClientContext context;
  Running::Limit(&context);
  grpc::Slice slice(request);
  grpc::ByteBuffer in(&slice, 1), out;
  grpc::internal::RpcMethod rpc(method, grpc::internal::RpcMethod::NORMAL_RPC);
  grpc::Status status = grpc::internal::BlockingUnaryCall<grpc::ByteBuffer, grpc::ByteBuffer>(server.channel().get(),
                                                                                              rpc, &context, in, &out);
  std::vector<grpc::Slice> slices;
  if (status.ok() && out.Dump(&slices).ok()) {
    for (const grpc::Slice& s : slices) reply->append(reinterpret_cast<const char*>(s.begin()), s.size());
  }
  return status;
}

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
    if (item->has_reply())
      seen.push_back(absl::StrCat("reply ", item->reply().id(), " ", v1::ErrorCode_Name(item->reply().error())));
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
    if (!leader().ensemble().Members(&context, v1::MembersRequest(), &reply).ok() || reply.members_size() != 3)
      return false;
    int good = 0;
    for (const v1::MemberInfo& member : reply.members())
      good += member.connected() && member.active() && member.role() == "voter";
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
  grpc::internal::RpcMethod rpc("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                                grpc::internal::RpcMethod::BIDI_STREAMING);
  std::unique_ptr<grpc::ClientReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>> stream(
      grpc::internal::ClientReaderWriterFactory<grpc::ByteBuffer, grpc::ByteBuffer>::Create(leader().channel().get(),
                                                                                            rpc, &context));
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
    for (uint16_t port :
         {ensemble_->peer_port(i), ensemble_->at(i).server().grpc_port(), ensemble_->at(i).server().admin_port()}) {
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

}  // namespace
}  // namespace synod::server

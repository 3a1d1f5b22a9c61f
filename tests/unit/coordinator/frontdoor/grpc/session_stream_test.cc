// The door's own rules, over a service without an ensemble.
#include "coordinator/frontdoor/grpc/session_stream.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/unit/coordinator/frontdoor/grpc/door.h"

namespace synod::frontdoor {
namespace {

using ::testing::HasSubstr;

class SessionStreamTest : public testing::DoorTest {
 protected:
  struct Client {
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReaderWriter<v1::ClientMessage, v1::ServerMessage>> stream;
    // The end of the stream, whatever still comes before it.
    grpc::Status End() {
      v1::ServerMessage rest;
      while (stream->Read(&rest)) {
      }
      return stream->Finish();
    }
  };

  std::unique_ptr<Client> Open() {
    auto client = std::make_unique<Client>();
    testing::Limit(&client->context);
    client->stream = stub_->Session(&client->context);
    return client;
  }
  std::unique_ptr<Client> Connect() {
    auto client = Open();
    v1::ClientMessage message;
    message.mutable_connect()->set_timeout_ms(30000);
    v1::ServerMessage answer;
    EXPECT_TRUE(client->stream->Write(message));
    EXPECT_TRUE(client->stream->Read(&answer));
    EXPECT_TRUE(answer.has_connected());
    return client;
  }
};

TEST_F(SessionStreamTest, RequestsOfOneMessageAreAnsweredInOrder) {
  Serve();
  auto client = Connect();
  v1::ClientMessage message;
  for (uint64_t i = 1; i <= 100; ++i) {
    v1::Request* request = message.add_requests();
    request->set_id(i);
    request->set_sequence(i);
    request->mutable_create()->set_path(absl::StrCat("/n", i));
  }
  ASSERT_TRUE(client->stream->Write(message));
  uint64_t seen = 0;
  v1::ServerMessage answer;
  while (seen < 100 && client->stream->Read(&answer)) {
    for (const v1::Item& item : answer.items()) {
      EXPECT_EQ(item.reply().id(), ++seen);
      EXPECT_EQ(item.reply().error(), v1::OK);
    }
  }
  EXPECT_EQ(seen, 100u);
}

TEST_F(SessionStreamTest, AClosedSessionEndsTheStreamWithOk) {
  Serve();
  auto client = Connect();
  v1::ClientMessage message;
  message.add_requests()->set_sequence(1);
  message.mutable_requests(0)->mutable_close_session();
  ASSERT_TRUE(client->stream->Write(message));
  EXPECT_TRUE(client->End().ok());
}

TEST_F(SessionStreamTest, AnythingBeforeConnectEndsTheStream) {
  Serve();
  auto client = Open();
  v1::ClientMessage message;
  message.add_requests()->mutable_exists()->set_path("/");
  ASSERT_TRUE(client->stream->Write(message));
  EXPECT_EQ(client->End().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  client = Open();
  message.mutable_connect();
  ASSERT_TRUE(client->stream->Write(message));
  EXPECT_EQ(client->End().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(SessionStreamTest, AWatchOfAnUnknownKindCannotBeSetAgain) {  // to leave it out would lose its events
  Serve();
  auto client = Open();
  v1::ClientMessage message;
  message.mutable_connect()->set_timeout_ms(30000);
  message.mutable_connect()->add_rearm()->set_kind(static_cast<v1::WatchKind>(99));
  ASSERT_TRUE(client->stream->Write(message));
  EXPECT_EQ(client->End().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(SessionStreamTest, AMessageThatIsTooLargeEndsItsStreamOnly) {
  GrpcServerConfig config;
  config.message_bytes_max = 10000;
  Serve(config);
  auto other = Connect();
  auto client = Connect();
  v1::ClientMessage message;
  message.add_requests()->mutable_create()->mutable_data()->set_value(std::string(20000, 'x'));
  client->stream->Write(message);
  EXPECT_EQ(client->End().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  v1::ClientMessage ping;
  ping.set_ping(1);
  v1::ServerMessage answer;
  ASSERT_TRUE(other->stream->Write(ping));
  ASSERT_TRUE(other->stream->Read(&answer));
  EXPECT_EQ(answer.items(0).pong().ping(), 1u);
}

TEST_F(SessionStreamTest, AReaderThatIsTooSlowIsCutOff) {
  GrpcServerConfig config;
  config.unsent_bytes_max = 1 << 20;
  Serve(config);
  auto client = Connect();
  v1::ClientMessage create;
  create.add_requests()->set_sequence(1);
  create.mutable_requests(0)->mutable_create()->set_path("/big");
  create.mutable_requests(0)->mutable_create()->mutable_data()->set_value(std::string(500000, 'x'));
  ASSERT_TRUE(client->stream->Write(create));
  // Reads whose answers nobody takes: beyond what the kernel and gRPC hold for it, the server keeps no more than its
  // bound.
  v1::ClientMessage reads;
  for (int i = 0; i < 40; ++i) reads.add_requests()->mutable_get_data()->set_path("/big");
  for (int i = 0; i < 10; ++i) {
    if (!client->stream->Write(reads)) break;
  }
  EXPECT_TRUE(WaitStreams(1));
  EXPECT_EQ(client->End().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(SessionStreamTest, StreamsOfOneAddressAreCounted) {  // maxClientCnxns
  GrpcServerConfig config;
  config.streams_per_address_max = 2;
  Serve(config);
  auto first = Connect();
  auto second = Connect();
  auto third = Open();
  grpc::Status refused = third->End();
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused.error_message(), HasSubstr("no more than 2 connections from 127.0.0.1 (maxClientCnxns)"));
  first->stream->WritesDone();
  EXPECT_TRUE(first->End().ok());
  EXPECT_TRUE(WaitStreams(1));
  EXPECT_NE(Connect(), nullptr);
}

TEST_F(SessionStreamTest, AStopOfTheServiceEndsStreamsWithUnavailable) {  // S8
  Serve();
  auto client = Connect();
  StopService();
  EXPECT_EQ(client->End().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(SessionStreamTest, AClientThatVanishesLeavesNothingBehind) {
  Serve();
  auto client = Connect();
  ASSERT_TRUE(WaitStreams(1));
  client->context.TryCancel();
  client->End();
  EXPECT_TRUE(WaitStreams(0));
}

TEST_F(SessionStreamTest, ATakenPortIsAnError) {
  Serve();
  GrpcServerConfig config;
  config.address = absl::StrCat("127.0.0.1:", server_->port());
  absl::Status taken = GrpcServer::Start(config, &lone_.loop(), lone_.service(), [] { return ProcessInfo(); }).status();
  EXPECT_EQ(taken.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(taken.message()), HasSubstr(config.address));
}

}  // namespace
}  // namespace synod::frontdoor

// The gRPC door on loopback, over a service without an ensemble.
#pragma once

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/frontdoor/grpc/grpc_server.h"
#include "synod/v1/coordination.grpc.pb.h"
#include "tests/support/eventually.h"
#include "tests/support/lone_service.h"

namespace synod::frontdoor::testing {

inline constexpr std::chrono::seconds kPatience{60};

inline void Limit(grpc::ClientContext* context) { context->set_deadline(std::chrono::system_clock::now() + kPatience); }

// A Session stream, one request at a time.
class SessionClient {
 public:
  explicit SessionClient(v1::Coordination::Stub* stub) {
    Limit(&context_);
    stream_ = stub->Session(&context_);
  }
  ~SessionClient() {
    context_.TryCancel();
    End();
  }
  bool Connect(const v1::Connect& connect) {
    v1::ClientMessage message;
    *message.mutable_connect() = connect;
    v1::ServerMessage answer;
    if (!stream_->Write(message) || !stream_->Read(&answer) || !answer.has_connected()) return false;
    connected_ = answer.connected();
    for (v1::Item& item : *answer.mutable_items()) items_.push_back(std::move(item));
    return true;
  }
  const v1::Connected& connected() const { return connected_; }

  // The reply to `request`, which gets the next id and, if it is a write, the next sequence. An empty one: the stream
  // ended.
  v1::Reply Write(v1::Request request) {
    request.set_sequence(++sequence_);
    return Do(std::move(request));
  }
  v1::Reply Do(v1::Request request) {
    request.set_id(++id_);
    v1::ClientMessage message;
    *message.add_requests() = std::move(request);
    stream_->Write(message);
    while (std::optional<v1::Item> item = Next()) {
      if (item->has_event()) events_.push_back(item->event());
      if (item->has_reply()) {
        EXPECT_EQ(item->reply().id(), id_);
        return item->reply();
      }
    }
    ADD_FAILURE() << "the stream ended";
    return {};
  }
  // The oldest event not taken yet; waits for one.
  v1::WatchEvent Event() {
    while (events_.empty()) {
      std::optional<v1::Item> item = Next();
      if (!item) {
        ADD_FAILURE() << "the stream ended";
        return {};
      }
      if (item->has_event()) events_.push_back(item->event());
    }
    v1::WatchEvent event = events_.front();
    events_.pop_front();
    return event;
  }
  size_t events() const { return events_.size(); }
  // The end of the stream, whatever still comes before it.
  grpc::Status End() {
    if (ended_) return *ended_;
    v1::ServerMessage rest;
    while (stream_->Read(&rest)) {
    }
    ended_ = stream_->Finish();
    return *ended_;
  }

 private:
  std::optional<v1::Item> Next() {
    while (items_.empty()) {
      v1::ServerMessage message;
      if (!stream_->Read(&message)) return std::nullopt;
      for (v1::Item& item : *message.mutable_items()) items_.push_back(std::move(item));
    }
    v1::Item item = std::move(items_.front());
    items_.pop_front();
    return item;
  }

  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::ClientMessage, v1::ServerMessage>> stream_;
  v1::Connected connected_;
  std::deque<v1::Item> items_;
  std::deque<v1::WatchEvent> events_;
  uint64_t id_ = 0;
  uint64_t sequence_ = 0;
  std::optional<grpc::Status> ended_;
};

class DoorTest : public ::testing::Test {
 protected:
  explicit DoorTest(service::ServiceConfig config = {}, statemachine::StateMachineOptions machine = {})
      : lone_(std::move(config), std::move(machine)) {}

  void Serve(GrpcServerConfig config = {}) {
    config.address = "127.0.0.1:0";
    absl::StatusOr<std::unique_ptr<GrpcServer>> server =
        GrpcServer::Start(config, &lone_.loop(), lone_.service(), [] { return ProcessInfo(); });
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    stub_ = NewStub();
  }
  std::unique_ptr<v1::Coordination::Stub> NewStub() {
    grpc::ChannelArguments own;
    own.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return v1::Coordination::NewStub(grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", server_->port()),
                                                               grpc::InsecureChannelCredentials(), own));
  }
  // A session.
  std::unique_ptr<SessionClient> Session(v1::Connect connect = {}) {
    auto client = std::make_unique<SessionClient>(stub_.get());
    if (connect.timeout_ms() == 0) connect.set_timeout_ms(30000);
    EXPECT_TRUE(client->Connect(connect));
    return client;
  }
  grpc::Status Call(const v1::CallRequest& request, v1::Reply* reply = nullptr) {
    grpc::ClientContext context;
    Limit(&context);
    v1::CallReply answer;
    grpc::Status status = stub_->Call(&context, request, &answer);
    if (reply != nullptr) *reply = answer.reply();
    return status;
  }
  grpc::Status Create(const std::string& path, const std::string& data = "") {
    v1::CallRequest call;
    call.mutable_request()->mutable_create()->set_path(path);
    call.mutable_request()->mutable_create()->mutable_data()->set_value(data);
    return Call(call);
  }
  void StopService() {
    lone_.loop().Ask([this] {
      lone_.service()->Stop();
      return 0;
    });
  }
  bool WaitStreams(size_t count) {
    return ::synod::testing::Eventually(
        [&] { return lone_.loop().Ask([this] { return server_->open_streams(); }) == count; });
  }
  void TearDown() override {
    StopService();
    if (server_ == nullptr) return;
    server_->Stop();
    EXPECT_TRUE(WaitStreams(0));
    server_.reset();
  }

  ::synod::testing::LoneService lone_;
  std::unique_ptr<GrpcServer> server_;
  std::unique_ptr<v1::Coordination::Stub> stub_;
};

}  // namespace synod::frontdoor::testing

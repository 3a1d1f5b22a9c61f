// Whole servers in this process, on loopback, with data in a directory of the test's.
#pragma once

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "coordinator/base/check.h"
#include "coordinator/base/random.h"
#include "coordinator/server/server.h"
#include "coordinator/storage/data_directory.h"
#include "coordinator/storage/posix_file.h"
#include "synod/v1/coordination.grpc.pb.h"
#include "synod/v1/ensemble.grpc.pb.h"
#include "tests/support/eventually.h"

namespace synod::server::testing {

using ::synod::testing::Eventually;

inline constexpr absl::Duration kPatience = ::synod::testing::kEventuallyPatience;

// A directory that goes with the test.
class TempDirectory {
 public:
  TempDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "synod-server-XXXXXX").string();
    SYNOD_CHECK(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TempDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A port of loopback that no other process is given while this lives: bound and not listened at, which lets a listener
// with SO_REUSEADDR in.
class Port {
 public:
  Port() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    int yes = 1;
    setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    SYNOD_CHECK(bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    socklen_t size = sizeof address;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    number_ = ntohs(address.sin_port);
  }
  ~Port() { close(fd_); }
  Port(const Port&) = delete;
  uint16_t number() const { return number_; }
  // From now on it is taken.
  void Listen() { SYNOD_CHECK(listen(fd_, 1) == 0); }

 private:
  int fd_;
  uint16_t number_ = 0;
};

// A connected TCP socket to a port of loopback.
class RawClient {
 public:
  explicit RawClient(uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    timeval limit{20, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~RawClient() { close(fd_); }
  bool connected() const { return connected_; }
  void Send(const std::string& bytes) { (void)!send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  // So many bytes; fewer if the other side closes before.
  std::string Read(size_t bytes) {
    std::string all(bytes, '\0');
    const ssize_t n = recv(fd_, all.data(), bytes, MSG_WAITALL);
    all.resize(n > 0 ? static_cast<size_t>(n) : 0);
    return all;
  }
  // Everything until the other side closes.
  std::string ReadAll() {
    std::string all;
    char buffer[4096];
    for (ssize_t n; (n = recv(fd_, buffer, sizeof buffer, 0)) > 0;) all.append(buffer, static_cast<size_t>(n));
    return all;
  }

 private:
  int fd_;
  bool connected_ = false;
};

struct HttpAnswer {
  int code = 0;
  std::string body;
};
inline HttpAnswer HttpGet(uint16_t port, const std::string& path) {
  RawClient client(port);
  client.Send(absl::StrCat("GET ", path, " HTTP/1.0\r\nHost: localhost\r\n\r\n"));
  std::string answer = client.ReadAll();
  HttpAnswer out;
  if (answer.size() > 12) out.code = atoi(answer.c_str() + 9);
  size_t body = answer.find("\r\n\r\n");
  if (body != std::string::npos) out.body = answer.substr(body + 4);
  return out;
}

inline ServerConfig SmallConfig(const std::string& data_dir) {
  ServerConfig config;
  config.id = ServerId(1);
  config.data_dir = config.data_log_dir = data_dir;
  config.seeds = {{ServerId(1), consensus::MemberRole::kVoter, ""}};
  config.client_port = 0;
  config.grpc_port = 0;
  config.admin_port = 0;
  config.session_timeout_min = absl::Milliseconds(200);
  config.session_timeout_max = absl::Minutes(5);
  config.disk_reserve_bytes = 0;
  config.log_segment_bytes = 4 << 20;
  config.election_timeout_min = absl::Milliseconds(50);
  config.election_timeout_max = absl::Milliseconds(100);
  return config;
}

// What a data directory of server 1 belongs to; 0: nothing yet. REQUIRES nobody runs on it.
inline EnsembleId EnsembleOf(const std::string& data_dir) {
  storage::PosixFileSystem fs;
  Random random(1);
  storage::DataDirectoryOptions options;
  options.data_dir = options.data_log_dir = data_dir;
  options.server = ServerId(1);
  options.reserve_bytes = 0;
  auto directory = storage::DataDirectory::Open(&fs, options, &random);
  SYNOD_CHECK(directory.ok()) << directory.status();
  return (*directory)->ensemble();
}

// A server that runs.
class Running {
 public:
  explicit Running(const ServerConfig& config) {
    absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(config, {.fatal = [](absl::Status why) {
                                                                     ADD_FAILURE() << "fatal: " << why;
                                                                     abort();
                                                                   }});
    status_ = server.status();
    if (!server.ok()) return;
    server_ = *std::move(server);
    thread_ = std::thread([this] { server_->Run(); });
    address_ = absl::StrCat("127.0.0.1:", server_->grpc_port());
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    channel_ = grpc::CreateCustomChannel(address_, grpc::InsecureChannelCredentials(), arguments);
    coordination_ = v1::Coordination::NewStub(channel_);
    ensemble_ = v1::Ensemble::NewStub(channel_);
  }
  ~Running() { Stop(); }

  void Stop() {
    if (!thread_.joinable()) return;
    server_->Stop();
    thread_.join();
    server_.reset();
  }

  const absl::Status& status() const { return status_; }
  Server& server() { return *server_; }
  const std::string& address() const { return address_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  v1::Coordination::Stub& coordination() { return *coordination_; }
  v1::Ensemble::Stub& ensemble() { return *ensemble_; }

  static void Limit(grpc::ClientContext* context) {
    context->set_deadline(std::chrono::system_clock::now() + absl::ToChronoSeconds(kPatience));
    context->set_wait_for_ready(true);
  }
  v1::StatusReply Status() {
    grpc::ClientContext context;
    Limit(&context);
    v1::StatusReply reply;
    grpc::Status status = ensemble_->Status(&context, v1::StatusRequest(), &reply);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return reply;
  }
  grpc::Status Call(const v1::Request& request, v1::Reply* out = nullptr) {
    grpc::ClientContext context;
    Limit(&context);
    v1::CallRequest call;
    *call.mutable_request() = request;
    v1::CallReply reply;
    grpc::Status status = coordination_->Call(&context, call, &reply);
    if (out != nullptr) *out = reply.reply();
    return status;
  }

 private:
  absl::Status status_;
  std::unique_ptr<Server> server_;
  std::thread thread_;
  std::string address_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Coordination::Stub> coordination_;
  std::unique_ptr<v1::Ensemble::Stub> ensemble_;
};

inline v1::Request CreateRequest(const std::string& path, const std::string& data) {
  v1::Request request;
  request.mutable_create()->set_path(path);
  request.mutable_create()->mutable_data()->set_value(data);
  return request;
}
inline v1::Request GetRequest(const std::string& path, v1::ReadStrength strength = v1::LINEARIZABLE) {
  v1::Request request;
  request.set_strength(strength);
  request.mutable_get_data()->set_path(path);
  return request;
}

inline void TakeSnapshot(Running& server) {
  grpc::ClientContext context;
  Running::Limit(&context);
  v1::SnapshotReply reply;
  grpc::Status status = server.ensemble().Snapshot(&context, v1::SnapshotRequest(), &reply);
  ASSERT_TRUE(status.ok()) << status.error_message();
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

// Three servers, or what is left of them.
class Ensemble {
 public:
  // `adapt` may change what Config gives.
  explicit Ensemble(int servers = 3, std::function<void(ServerConfig*)> adapt = {}) : adapt_(std::move(adapt)) {
    for (int i = 0; i < servers; ++i) ports_.push_back(std::make_unique<Port>());
    for (int i = 0; i < servers; ++i) running_.push_back(std::make_unique<Running>(Config(i)));
  }
  ServerConfig Config(int i) const {
    ServerConfig config = SmallConfig(absl::StrCat(directory_.path(), "/", i + 1));
    config.id = ServerId(static_cast<uint32_t>(i + 1));
    // Wide: a sanitized build on a busy machine must not lose its leader for want of time.
    config.election_timeout_min = absl::Milliseconds(1000);
    config.election_timeout_max = absl::Milliseconds(2000);
    config.seeds.clear();
    for (size_t s = 0; s < ports_.size(); ++s) {
      config.seeds.push_back({ServerId(static_cast<uint32_t>(s + 1)), consensus::MemberRole::kVoter,
                              absl::StrCat("127.0.0.1:", ports_[s]->number())});
    }
    config.peer_listen_address = "127.0.0.1";
    config.peer_port = ports_[i]->number();
    if (adapt_) adapt_(&config);
    return config;
  }
  Running& at(int i) { return *running_[i]; }
  int size() const { return static_cast<int>(ports_.size()); }
  uint16_t peer_port(int i) const { return ports_[i]->number(); }
  void Stop(int i) { running_[i].reset(); }
  void StopAll() {
    for (auto& server : running_) server.reset();
  }
  void Start(int i) { running_[i] = std::make_unique<Running>(Config(i)); }
  void Start(int i, const ServerConfig& config) { running_[i] = std::make_unique<Running>(config); }
  bool Ready() {
    for (auto& server : running_) {
      if (server && (!server->status().ok() || !server->Status().ready())) return false;
    }
    return true;
  }
  bool WaitReady() {
    return Eventually([this] { return Ready(); });
  }
  // The index of the leader, or -1.
  int Leader() {
    for (int i = 0; i < size(); ++i) {
      if (running_[i] && running_[i]->Status().role() == "leader") return i;
    }
    return -1;
  }
  int Follower() { return (Leader() + 1) % size(); }

 private:
  const std::function<void(ServerConfig*)> adapt_;
  TempDirectory directory_;
  std::vector<std::unique_ptr<Port>> ports_;
  std::vector<std::unique_ptr<Running>> running_;
};

}  // namespace synod::server::testing

// A door on a loop that a test turns, and clients with real sockets in the same thread.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coordinator/frontdoor/zookeeper/door.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/coordinator/frontdoor/zookeeper/client_session_world.h"

namespace synod::frontdoor::zookeeper::testing {

// A client's end of a connection. Connects at once: the kernel answers for the door.
class TcpClient {
 public:
  // `receive_buffer` 0: the system's.
  explicit TcpClient(uint16_t port, int receive_buffer = 0) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    SYNOD_CHECK_GE(fd_, 0);
    if (receive_buffer > 0) setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
    SYNOD_CHECK_EQ(fcntl(fd_, F_SETFL, O_NONBLOCK), 0);
  }
  TcpClient(TcpClient&& other) noexcept : fd_(std::exchange(other.fd_, -1)), connected_(other.connected_) {}
  ~TcpClient() { Leave(); }

  bool connected() const { return connected_; }
  void Send(std::string_view bytes) {
    SYNOD_CHECK_EQ(send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  // What fits into the kernel.
  size_t SendSome(std::string_view bytes) {
    ssize_t n = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    return n < 0 ? 0 : static_cast<size_t>(n);
  }
  // Reads what is there, at most `max`; returns how much.
  size_t Pull(size_t max = SIZE_MAX) {
    char buffer[65536];
    size_t got = 0;
    while (got < max) {
      ssize_t n = recv(fd_, buffer, std::min(sizeof buffer, max - got), 0);
      if (n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)) closed_ = true;
      if (n <= 0) break;
      received_.append(buffer, static_cast<size_t>(n));
      got += static_cast<size_t>(n);
    }
    return got;
  }
  // The door closed it.
  bool closed() {
    Pull();
    return closed_;
  }
  std::string& received() {
    Pull();
    return received_;
  }
  std::vector<std::string> Frames() { return TakeFrames(&received()); }
  void Leave() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

 private:
  int fd_;
  bool connected_ = false;
  bool closed_ = false;
  std::string received_;
};

struct DoorWorld {
  explicit DoorWorld(DoorConfig config = {}, const service::ServiceConfig& service = {})
      : server(&loop, &clock, service) {
    config.port = 0;
    auto started = Door::Start(config, &loop, server.service(), &clock,
                               [](std::string_view word) { return "answer to " + std::string(word); });
    SYNOD_CHECK(started.ok()) << started.status();
    door = *std::move(started);
    port = door->port();
  }
  ~DoorWorld() {
    server.service()->Stop();
    door->Stop();
  }

  // Turns the loop until `done`; false if that does not come.
  template <typename Done>
  bool RunUntil(Done done) {
    for (int i = 0; i < 20000; ++i) {
      if (done()) return true;
      loop.RunOneTurn(absl::Milliseconds(1));
    }
    return done();
  }
  // Until nothing is left to do but timers.
  void Settle() {
    for (int quiet = 0; quiet < 3;) quiet = loop.RunOneTurn(absl::ZeroDuration()) ? 0 : quiet + 1;
  }
  bool IsClosed(TcpClient* client) {
    return RunUntil([client] { return client->closed(); });
  }
  // Waits for so many frames.
  std::vector<std::string> Frames(TcpClient* client, size_t count) {
    std::vector<std::string> frames;
    EXPECT_TRUE(RunUntil([&] {
      for (std::string& frame : client->Frames()) frames.push_back(std::move(frame));
      return frames.size() >= count || client->closed();
    }));
    EXPECT_EQ(frames.size(), count);
    return frames;
  }
  Granted Connect(TcpClient* client, const ConnectBytes& connect = {}) {
    client->Send(connect.Frame());
    std::vector<std::string> frames = Frames(client, 1);
    return frames.empty() ? Granted{} : ParseGranted(frames[0]);
  }
  // Sends one request and waits for its answer.
  Answer Ask(TcpClient* client, const std::string& request) {
    client->Send(request);
    std::vector<std::string> frames = Frames(client, 1);
    return frames.empty() ? Answer{} : Parse(frames[0]);
  }

  transport::Loop loop;
  SteppedClock clock;
  LoneServer server;
  std::unique_ptr<Door> door;
  uint16_t port = 0;
};

}  // namespace synod::frontdoor::zookeeper::testing

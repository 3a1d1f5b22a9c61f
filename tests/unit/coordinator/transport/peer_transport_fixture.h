// Peer transports on loopback, all servers on one loop. Nothing sleeps: the loop runs until something has happened.
#pragma once

#include <gtest/gtest.h>

#include <asio/read.hpp>
#include <asio/write.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/base/system_clock.h"
#include "coordinator/transport/peer_transport.h"

namespace synod::transport {

struct Recorder : interfaces::TransportListener {
  void OnPeerUp(const interfaces::PeerHello& hello) override {
    events += "U" + std::to_string(hello.identity.server.value());
    up[hello.identity.server] = hello;
  }
  void OnPeerDown(ServerId peer) override {
    events += "D" + std::to_string(peer.value());
    up.erase(peer);
  }
  void OnPeerMessage(const consensus::Identity& from, interfaces::PeerMessage message) override {
    senders.push_back(from);
    messages.push_back(std::move(message));
  }
  std::string events;
  std::map<ServerId, interfaces::PeerHello> up;
  std::vector<consensus::Identity> senders;
  std::vector<interfaces::PeerMessage> messages;
};

inline interfaces::PeerHello MakeHello(uint32_t server, uint64_t ensemble, uint64_t storage = 0) {
  interfaces::PeerHello hello;
  hello.identity = {ServerId(server), StorageId(storage == 0 ? server * 11 : storage)};
  hello.ensemble = EnsembleId(ensemble);
  hello.empty = ensemble == 0;
  hello.address = "server" + std::to_string(server);
  return hello;
}

struct Server {
  Recorder recorder;
  std::unique_ptr<PeerTransport> transport;
  uint16_t port = 0;
};

class PeerTransportTest : public testing::Test {
 protected:
  // Starts server `id` (again, at its old port, if it ran before).
  void Start(uint32_t id, uint64_t ensemble = 5, uint64_t storage = 0) {
    Server& server = servers_[id];
    server.recorder = Recorder();
    PeerTransportOptions options = options_;
    options.listen_address = "127.0.0.1:" + std::to_string(server.port);
    server.transport =
        std::make_unique<PeerTransport>(&loop_, &clock_, Random(++seed_), options, MakeHello(id, ensemble, storage));
    absl::Status status = server.transport->Start(&server.recorder);
    ASSERT_TRUE(status.ok()) << status;
    server.port = server.transport->port();
  }
  void Stop(uint32_t id) { servers_[id].transport.reset(); }
  std::string Address(uint32_t id) { return "127.0.0.1:" + std::to_string(servers_[id].port); }
  // Tells every server of all.
  void Introduce() {
    for (auto& [id, server] : servers_) {
      std::vector<std::pair<ServerId, std::string>> all;
      for (auto& [other, unused] : servers_) all.emplace_back(ServerId(other), Address(other));
      if (server.transport) server.transport->SetPeers(all);
    }
  }
  bool RunUntil(const std::function<bool()>& done) {
    absl::Duration deadline = clock_.Monotonic() + absl::Seconds(20);
    while (!done()) {
      if (clock_.Monotonic() > deadline) return false;
      loop_.RunOneTurn(absl::Milliseconds(100));
    }
    return true;
  }
  bool RunUntilUp(uint32_t a, uint32_t b) {
    return RunUntil([&] { return recorder(a).up.contains(ServerId(b)) && recorder(b).up.contains(ServerId(a)); });
  }
  void Pair() {
    Start(1);
    Start(2);
    // Only one dials, so that no crossing dial replaces the connection under the test.
    transport(1).SetPeers({{ServerId(2), "127.0.0.1:1"}});
    transport(2).SetPeers({{ServerId(1), Address(1)}});
    ASSERT_TRUE(RunUntilUp(1, 2));
  }
  Recorder& recorder(uint32_t id) { return servers_[id].recorder; }
  PeerTransport& transport(uint32_t id) { return *servers_[id].transport; }

  // A peer made by hand: server 2 as far as it says. Blocking calls with the loop run in between.
  struct RawPeer {
    explicit RawPeer(PeerTransportTest* test) : test(test), socket(test->loop_.context()) {
      asio::ip::tcp::endpoint to(asio::ip::make_address("127.0.0.1"), test->servers_[1].port);
      socket.connect(to);
      socket.non_blocking(true);
    }
    void Write(const std::string& bytes) {
      asio::error_code error;
      asio::write(socket, asio::buffer(bytes), error);
    }
    void Say(FrameQueue* queue) {
      std::vector<FrameQueue::Piece> pieces;
      while (!queue->empty()) queue->TakeInto(&pieces, 1 << 20);
      for (const FrameQueue::Piece& piece : pieces) Write(std::string(piece.view()));
    }
    void Hello(const Handshake& handshake) {
      FrameQueue queue;
      EncodeHandshake(handshake, &queue);
      Say(&queue);
    }
    // Runs the loop until a whole frame has come; nullopt: closed instead.
    std::optional<std::pair<FrameKind, std::string>> Read() {
      std::optional<std::pair<FrameKind, std::string>> result;
      bool ended = test->RunUntil([&] {
        auto frame = ReadFrame(in, kMaxFrameBytes);
        if (frame.ok() && frame->bytes > 0) {
          result.emplace(frame->kind, frame->payload);
          in.erase(0, frame->bytes);
          return true;
        }
        char buffer[4096];
        asio::error_code error;
        size_t n = socket.read_some(asio::buffer(buffer), error);
        in.append(buffer, n);
        return error && error != asio::error::would_block;
      });
      EXPECT_TRUE(ended);
      return result;
    }
    bool ClosedWithout(FrameKind kind) {
      while (auto frame = Read()) {
        if (frame->first == kind) return false;
      }
      return true;
    }
    void Meet(uint32_t id = 2) {
      Hello({MakeHello(id, 5), ServerId(1), 99});
      auto hello = Read();
      ASSERT_TRUE(hello.has_value());
      ASSERT_EQ(hello->first, FrameKind::kHello);
      FrameQueue queue;
      EncodeEmpty(FrameKind::kReady, &queue);
      Say(&queue);
      ASSERT_TRUE(test->RunUntil([&] { return test->recorder(1).up.contains(ServerId(id)); }));
    }
    PeerTransportTest* test;
    asio::ip::tcp::socket socket;
    std::string in;
  };
  // Server 1 alone, which knows 2 and 3 at an address where nobody is.
  void Alone() {
    Start(1);
    transport(1).SetPeers({{ServerId(2), "127.0.0.1:1"}, {ServerId(3), "127.0.0.1:1"}});
  }

  Loop loop_;
  SystemClock clock_;
  PeerTransportOptions options_;
  uint64_t seed_ = 0;
  std::map<uint32_t, Server> servers_;
};

inline consensus::Message Vote(uint64_t term) {
  consensus::Message m;
  m.type = consensus::MessageType::kVote;
  m.term = Term(term);
  return m;
}

}  // namespace synod::transport

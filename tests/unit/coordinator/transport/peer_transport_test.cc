// Real sockets on loopback, all servers on one loop. Nothing sleeps: the loop runs until something has happened.
#include "coordinator/transport/peer_transport.h"

#include <asio/read.hpp>
#include <asio/write.hpp>
#include <gtest/gtest.h>

#include "coordinator/base/system_clock.h"

namespace synod::transport {
namespace {

using consensus::Message;
using interfaces::PeerHello;
using interfaces::PeerMessage;

struct Recorder : interfaces::TransportListener {
  void OnPeerUp(const PeerHello& hello) override {
    events += "U" + std::to_string(hello.identity.server.value());
    up[hello.identity.server] = hello;
  }
  void OnPeerDown(ServerId peer) override {
    events += "D" + std::to_string(peer.value());
    up.erase(peer);
  }
  void OnPeerMessage(const consensus::Identity& from, PeerMessage message) override {
    senders.push_back(from);
    messages.push_back(std::move(message));
  }
  std::string events;
  std::map<ServerId, PeerHello> up;
  std::vector<consensus::Identity> senders;
  std::vector<PeerMessage> messages;
};

PeerHello MakeHello(uint32_t server, uint64_t ensemble, uint64_t storage = 0) {
  PeerHello hello;
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

Message Vote(uint64_t term) {
  Message m;
  m.type = consensus::MessageType::kVote;
  m.term = Term(term);
  return m;
}

TEST_F(PeerTransportTest, ServersThatKnowEachOtherMeetAndHearWhatTheOtherSays) {
  Pair();
  EXPECT_EQ(recorder(1).up[ServerId(2)].identity, MakeHello(2, 5).identity);
  EXPECT_EQ(recorder(1).up[ServerId(2)].address, "server2");
  EXPECT_EQ(recorder(1).up[ServerId(2)].ensemble, EnsembleId(5));
  for (uint64_t i = 0; i < 100; ++i) transport(1).Send(ServerId(2), Vote(i));
  transport(2).Send(ServerId(1), interfaces::ServiceMessage{"hi"});
  ASSERT_TRUE(RunUntil([&] { return recorder(2).messages.size() == 100 && recorder(1).messages.size() == 1; }));
  for (uint64_t i = 0; i < 100; ++i) EXPECT_EQ(std::get<Message>(recorder(2).messages[i]).term, Term(i));
  EXPECT_EQ(recorder(2).senders[0], MakeHello(1, 5).identity);
  EXPECT_EQ(std::get<interfaces::ServiceMessage>(recorder(1).messages[0]).bytes, "hi");
  EXPECT_EQ(transport(1).QueuedBytes(ServerId(2)), 0u);
}

TEST_F(PeerTransportTest, ThreeServersMeetInPairs) {
  for (uint32_t id : {1, 2, 3}) Start(id);
  Introduce();
  ASSERT_TRUE(RunUntilUp(1, 2) && RunUntilUp(1, 3) && RunUntilUp(2, 3));
  // Dials that crossed may still replace a connection, and a message is lost with it: so they go on speaking.
  auto heard_others = [this](uint32_t id) {
    std::set<uint32_t> heard;
    for (const consensus::Identity& sender : recorder(id).senders) heard.insert(sender.server.value());
    return heard.size() == 2 && !heard.contains(id);
  };
  ASSERT_TRUE(RunUntil([&] {
    for (uint32_t from : {1, 2, 3}) {
      for (uint32_t to : {1, 2, 3}) {
        if (from != to) transport(from).Send(ServerId(to), Vote(from * 10 + to));
      }
    }
    return heard_others(1) && heard_others(2) && heard_others(3);
  }));
  for (uint32_t id : {1, 2, 3}) {
    for (size_t i = 0; i < recorder(id).messages.size(); ++i) {
      EXPECT_EQ(std::get<Message>(recorder(id).messages[i]).term, Term(recorder(id).senders[i].server.value() * 10 + id));
    }
  }
  EXPECT_EQ(transport(1).Up(), (std::vector<ServerId>{ServerId(2), ServerId(3)}));
}

TEST_F(PeerTransportTest, DialsThatCrossEndWithOneConnectionOnBothSides) {
  options_.lower_id_delay = absl::ZeroDuration();  // makes them cross
  for (int round = 0; round < 60; ++round) {
    servers_.clear();
    Start(1);
    Start(2);
    Introduce();
    ASSERT_TRUE(RunUntilUp(1, 2));
    // Whatever crossed has settled when both ends carry a message and its answer.
    size_t tries = 0;
    ASSERT_TRUE(RunUntil([&] {
      ++tries;
      transport(1).Send(ServerId(2), Vote(tries));
      transport(2).Send(ServerId(1), Vote(tries));
      return recorder(1).messages.size() > 5 && recorder(2).messages.size() > 5;
    }));
    EXPECT_EQ(transport(1).Up().size(), 1u);
    EXPECT_EQ(transport(2).Up().size(), 1u);
  }
}

TEST_F(PeerTransportTest, AClosedConnectionIsReportedAtOnce) {  // L10
  Pair();
  absl::Duration begin = clock_.Monotonic();
  Stop(2);
  ASSERT_TRUE(RunUntil([&] { return !recorder(1).up.contains(ServerId(2)); }));
  EXPECT_LT(clock_.Monotonic() - begin, absl::Seconds(1));  // and not when keep-alives were missed, at 3 s
  EXPECT_EQ(recorder(1).events, "U2D2");
  transport(1).Send(ServerId(2), Vote(1));  // dropped
  EXPECT_EQ(transport(1).QueuedBytes(ServerId(2)), 0u);
}

TEST_F(PeerTransportTest, ARestartedPeerIsBackSoonWhicheverSideItIs) {
  Pair();
  for (uint32_t id : {1, 2, 1, 2}) {
    uint32_t other = 3 - id;
    Stop(id);
    ASSERT_TRUE(RunUntil([&] { return !recorder(other).up.contains(ServerId(id)); }));
    absl::Duration begin = clock_.Monotonic();
    while (clock_.Monotonic() - begin < absl::Milliseconds(300)) loop_.RunOneTurn(absl::Milliseconds(10));  // backoff is at its longest
    Start(id);
    Introduce();
    begin = clock_.Monotonic();
    ASSERT_TRUE(RunUntilUp(1, 2));
    EXPECT_LT(clock_.Monotonic() - begin, absl::Seconds(1));
    recorder(other).messages.clear();
    ASSERT_TRUE(RunUntil([&] {
      transport(id).Send(ServerId(other), Vote(id));
      return !recorder(other).messages.empty();
    }));
  }
}

TEST_F(PeerTransportTest, APeerThatRestartedBehindADeadConnectionReplacesItAndCountsAsDownFirst) {
  Alone();
  RawPeer first(this);
  first.Meet();
  RawPeer second(this);
  second.Hello({MakeHello(2, 5), ServerId(1), 100});  // another incarnation
  ASSERT_EQ(second.Read()->first, FrameKind::kHello);
  FrameQueue queue;
  EncodeEmpty(FrameKind::kReady, &queue);
  second.Say(&queue);
  ASSERT_TRUE(RunUntil([&] { return recorder(1).events == "U2D2U2"; })) << recorder(1).events;
  EXPECT_TRUE(first.ClosedWithout(FrameKind::kRefused));
}

TEST_F(PeerTransportTest, TwoEnsemblesRefuseEachOtherAndGoOnTrying) {  // R25, D10
  Start(1, 5);
  Start(2, 6);
  Introduce();
  RawPeer stranger(this);
  stranger.Hello({MakeHello(2, 7), ServerId(1), 1});
  auto answer = stranger.Read();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->first, FrameKind::kRefused);
  EXPECT_NE(answer->second.find("ensemble"), std::string::npos);
  EXPECT_EQ(recorder(1).events + recorder(2).events, "");
  transport(2).SetHello(MakeHello(2, 5));
  EXPECT_TRUE(RunUntilUp(1, 2));
}

TEST_F(PeerTransportTest, AServerWithoutEnsembleMeetsBothKinds) {  // D10
  Start(1, 5);
  Start(2, 0);
  Start(3, 0);
  Introduce();
  ASSERT_TRUE(RunUntilUp(1, 2) && RunUntilUp(2, 3) && RunUntilUp(1, 3));
  EXPECT_TRUE(recorder(1).up[ServerId(2)].empty);
  EXPECT_EQ(recorder(2).up[ServerId(1)].ensemble, EnsembleId(5));
}

TEST_F(PeerTransportTest, JoiningAnEnsembleMakesConnectionsAnewAndTellsEverybody) {  // D10
  Start(1, 0);
  Start(2, 0);
  Introduce();
  ASSERT_TRUE(RunUntilUp(1, 2));
  transport(1).SetHello(MakeHello(1, 9));
  ASSERT_TRUE(RunUntil([&] {
    auto& up = recorder(2).up;
    return up.contains(ServerId(1)) && up[ServerId(1)].ensemble == EnsembleId(9) && recorder(1).up.contains(ServerId(2));
  }));
  EXPECT_NE(recorder(2).events.find("D1"), std::string::npos);
}

TEST_F(PeerTransportTest, WhileThereIsNoEnsembleNewsOfAHelloComesOverTheOpenConnection) {  // D10
  Start(1, 0);
  Start(2, 0);
  transport(1).SetPeers({{ServerId(2), "127.0.0.1:1"}});
  transport(2).SetPeers({{ServerId(1), Address(1)}});
  ASSERT_TRUE(RunUntilUp(1, 2));
  PeerHello changed = MakeHello(1, 0);
  changed.seed_hash = 4711;
  transport(1).SetHello(changed);
  ASSERT_TRUE(RunUntil([&] { return recorder(2).up[ServerId(1)].seed_hash == 4711; }));
  EXPECT_EQ(recorder(2).events.find('D'), std::string::npos);
}

TEST_F(PeerTransportTest, StrangersTwinsAndMisdirectedConnectionsAreRefusedWithAReason) {
  Alone();
  struct Case {
    Handshake handshake;
    const char* reason;
  };
  for (const Case& c : {Case{{MakeHello(4, 5), ServerId(1), 1}, "knows no server 4"},
                        Case{{MakeHello(1, 5), ServerId(1), 1}, "itself"},
                        Case{{MakeHello(1, 5, 999), ServerId(1), 1}, "two servers"},
                        Case{{MakeHello(2, 5), ServerId(3), 1}, "looked for server 3"}}) {
    RawPeer peer(this);
    peer.Hello(c.handshake);
    auto answer = peer.Read();
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->first, FrameKind::kRefused);
    EXPECT_NE(answer->second.find(c.reason), std::string::npos) << answer->second;
  }
  EXPECT_EQ(recorder(1).events, "");
}

TEST_F(PeerTransportTest, WhateverElseIsSentInsteadOfAHandshakeClosesTheConnection) {
  Alone();
  FrameQueue vote;
  ASSERT_TRUE(EncodeMessage(Vote(1), &vote));
  std::vector<FrameQueue::Piece> pieces;
  vote.TakeInto(&pieces, 1);
  ByteWriter huge;
  huge.U32(1 << 20);  // beyond what a stranger may claim
  huge.U32(0);
  for (const std::string& bytes : {std::string("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), std::string(pieces[0].view()), huge.bytes()}) {
    RawPeer peer(this);
    peer.Write(bytes);
    EXPECT_TRUE(peer.ClosedWithout(FrameKind::kHello));
  }
  EXPECT_EQ(recorder(1).events, "");
}

TEST_F(PeerTransportTest, AStrangerThatSaysNothingIsClosedAtTheDeadline) {
  options_.limits.handshake_timeout = absl::Milliseconds(30);
  Alone();
  RawPeer peer(this);
  EXPECT_TRUE(peer.ClosedWithout(FrameKind::kHello));
}

TEST_F(PeerTransportTest, AHandshakeAndMessagesComingByteByByteAreUnderstood) {
  Alone();
  FrameQueue queue;
  EncodeHandshake({MakeHello(2, 5), ServerId(1), 1}, &queue);
  EncodeEmpty(FrameKind::kReady, &queue);
  ASSERT_TRUE(EncodeMessage(Vote(3), &queue));
  std::vector<FrameQueue::Piece> pieces;
  while (!queue.empty()) queue.TakeInto(&pieces, 1 << 20);
  RawPeer peer(this);
  for (const FrameQueue::Piece& piece : pieces) {
    for (char c : piece.view()) {
      peer.Write(std::string(1, c));
      loop_.RunOneTurn(absl::ZeroDuration());
    }
  }
  ASSERT_TRUE(RunUntil([&] { return recorder(1).messages.size() == 1; }));
  EXPECT_EQ(recorder(1).events, "U2");
}

TEST_F(PeerTransportTest, AMalformedFrameClosesOnlyItsOwnConnection) {
  Alone();
  RawPeer two(this);
  two.Meet(2);
  RawPeer three(this);
  three.Meet(3);
  FrameQueue queue;
  ASSERT_TRUE(EncodeMessage(Vote(1), &queue));
  std::vector<FrameQueue::Piece> pieces;
  queue.TakeInto(&pieces, 1);
  std::string bad(pieces[0].view());
  bad.back() ^= 1;
  two.Write(bad);
  ASSERT_TRUE(RunUntil([&] { return !recorder(1).up.contains(ServerId(2)); }));
  EXPECT_TRUE(two.ClosedWithout(FrameKind::kRefused));
  three.Write(std::string(pieces[0].view()));
  ASSERT_TRUE(RunUntil([&] { return recorder(1).messages.size() == 1; }));
  EXPECT_EQ(recorder(1).senders[0].server, ServerId(3));
  EXPECT_TRUE(recorder(1).up.contains(ServerId(3)));
}

TEST_F(PeerTransportTest, ASilentPeerIsGivenUpAndAnIdleOneKeptAliveIsNot) {
  options_.limits.keep_alive_interval = absl::Milliseconds(10);
  options_.limits.silent_intervals_max = 20;
  Pair();  // kept alive by each other
  servers_[1].transport->SetPeers({{ServerId(2), Address(2)}, {ServerId(3), "127.0.0.1:1"}});
  RawPeer silent(this);
  silent.Meet(3);
  ASSERT_TRUE(RunUntil([&] { return !recorder(1).up.contains(ServerId(3)); }));
  EXPECT_EQ(silent.Read()->first, FrameKind::kKeepAlive);
  EXPECT_TRUE(recorder(1).up.contains(ServerId(2)));
  EXPECT_EQ(recorder(2).events, "U1");
}

TEST_F(PeerTransportTest, ConsensusOvertakesForwardsAndForwardsOvertakeSnapshots) {  // L11
  Pair();
  loop_.Post([this] {
    for (uint64_t i = 0; i < 20; ++i) transport(1).Send(ServerId(2), interfaces::SnapshotData{1, {i, std::string(1 << 20, 's'), 0, false}});
    for (int i = 0; i < 20; ++i) transport(1).Send(ServerId(2), interfaces::Forward{Term(1), {std::string(10000, 'f')}});
    transport(1).Send(ServerId(2), Vote(1));
  });
  ASSERT_TRUE(RunUntil([&] { return recorder(2).messages.size() == 41; }));
  EXPECT_TRUE(std::holds_alternative<Message>(recorder(2).messages[0]));
  for (size_t i = 1; i <= 20; ++i) EXPECT_TRUE(std::holds_alternative<interfaces::Forward>(recorder(2).messages[i])) << i;
  // And while the snapshot is on its way, the next urgent message passes what still waits.
  recorder(2).messages.clear();
  for (uint64_t i = 0; i < 40; ++i) transport(1).Send(ServerId(2), interfaces::SnapshotData{1, {i, std::string(1 << 20, 's'), 0, false}});
  ASSERT_TRUE(RunUntil([&] { return !recorder(2).messages.empty(); }));
  transport(1).Send(ServerId(2), Vote(2));
  ASSERT_TRUE(RunUntil([&] { return recorder(2).messages.size() == 41; }));
  size_t place = 0;
  while (!std::holds_alternative<Message>(recorder(2).messages[place])) ++place;
  EXPECT_LT(place, 35u);
}

TEST_F(PeerTransportTest, LargeEntriesArriveWhole) {  // L2
  Pair();
  Message m;
  m.type = consensus::MessageType::kAppend;
  Random random(3);
  for (uint64_t i = 1; i <= 30; ++i) {
    std::string payload(random.Below(600000), '\0');
    for (char& c : payload) c = static_cast<char>(random.Next());
    m.entries.push_back({Term(1), LogIndex(i), consensus::EntryType::kCommands, MakeSharedBytes(std::move(payload))});
  }
  transport(1).Send(ServerId(2), m);
  ASSERT_TRUE(RunUntil([&] { return recorder(2).messages.size() == 1; }));
  const Message& got = std::get<Message>(recorder(2).messages[0]);
  ASSERT_EQ(got.entries.size(), 30u);
  for (size_t i = 0; i < 30; ++i) EXPECT_EQ(*got.entries[i].payload, *m.entries[i].payload);
}

TEST_F(PeerTransportTest, APeerThatDoesNotReadIsCutOffAtTheBoundAndNotBefore) {  // L11
  options_.limits.max_queue_bytes = 8 << 20;
  Alone();
  RawPeer peer(this);
  peer.Meet();
  size_t highest = 0;
  ASSERT_TRUE(RunUntil([&] {
    transport(1).Send(ServerId(2), interfaces::SnapshotData{1, {1, std::string(1 << 20, 's'), 0, false}});
    highest = std::max(highest, transport(1).QueuedBytes(ServerId(2)));
    loop_.RunOneTurn(absl::ZeroDuration());
    return recorder(1).events == "U2D2";
  }));
  EXPECT_GT(highest, size_t{7} << 20);
  EXPECT_LT(highest, size_t{10} << 20);
  EXPECT_EQ(transport(1).QueuedBytes(ServerId(2)), 0u);
}

TEST_F(PeerTransportTest, APeerTakenOffTheListIsDisconnectedAndRefused) {
  Pair();
  transport(1).SetPeers({});
  ASSERT_TRUE(RunUntil([&] { return !recorder(1).up.contains(ServerId(2)) && !recorder(2).up.contains(ServerId(1)); }));
  RawPeer peer(this);
  peer.Hello({MakeHello(2, 5), ServerId(1), 1});
  EXPECT_EQ(peer.Read()->first, FrameKind::kRefused);
  transport(1).SetPeers({{ServerId(2), "127.0.0.1:1"}});
  EXPECT_TRUE(RunUntilUp(1, 2));
}

TEST_F(PeerTransportTest, AnAddressThatIsTakenOrMalformedIsAClearError) {
  Start(1);
  PeerTransportOptions options;
  Recorder recorder;
  for (const std::string& address : {Address(1), std::string("nonsense"), std::string("127.0.0.1:"), std::string("127.0.0.1:99999")}) {
    options.listen_address = address;
    PeerTransport second(&loop_, &clock_, Random(1), options, MakeHello(2, 5));
    absl::Status status = second.Start(&recorder);
    EXPECT_FALSE(status.ok());
    EXPECT_NE(status.ToString().find(address == "127.0.0.1:99999" ? "99999" : address), std::string::npos) << status;
  }
}

TEST_F(PeerTransportTest, PeersAreFoundByNameToo) {
  Start(1);
  Start(2);
  std::string port = std::to_string(servers_[1].port);
  transport(1).SetPeers({{ServerId(2), "127.0.0.1:1"}});
  transport(2).SetPeers({{ServerId(1), "localhost:" + port}});
  EXPECT_TRUE(RunUntilUp(1, 2));
}

}  // namespace
}  // namespace synod::transport

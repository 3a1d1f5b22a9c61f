// Who is let in, what happens to others, and how news of an ensemble spreads.
#include <gtest/gtest.h>

#include "tests/unit/coordinator/transport/peer_transport_fixture.h"

namespace synod::transport {
namespace {

using consensus::Message;
using interfaces::PeerHello;

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
    return up.contains(ServerId(1)) && up[ServerId(1)].ensemble == EnsembleId(9) &&
           recorder(1).up.contains(ServerId(2));
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
  for (const Case& c :
       {Case{{MakeHello(4, 5), ServerId(1), 1}, "knows no server 4"}, Case{{MakeHello(1, 5), ServerId(1), 1}, "itself"},
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
  for (const std::string& bytes :
       {std::string("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), std::string(pieces[0].view()), huge.bytes()}) {
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
  for (const std::string& address :
       {Address(1), std::string("nonsense"), std::string("127.0.0.1:"), std::string("127.0.0.1:99999")}) {
    options.listen_address = address;
    PeerTransport second(&loop_, &clock_, Random(1), options, MakeHello(2, 5));
    absl::Status status = second.Start(&recorder);
    EXPECT_FALSE(status.ok());
    EXPECT_NE(status.ToString().find(address == "127.0.0.1:99999" ? "99999" : address), std::string::npos) << status;
  }
}

}  // namespace
}  // namespace synod::transport

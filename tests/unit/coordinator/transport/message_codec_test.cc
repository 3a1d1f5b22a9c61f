// docs/formats/peer_protocol.md: every message reads back, nothing spoiled is accepted.
#include "coordinator/transport/message_codec.h"

#include <gtest/gtest.h>

#include "coordinator/base/random.h"

namespace synod::transport {
namespace {

using consensus::Entry;
using consensus::EntryType;
using consensus::Message;
using interfaces::PeerMessage;

const consensus::Identity kFrom{ServerId(2), StorageId(22)};
const ServerId kTo(1);

std::string Bytes(FrameQueue* queue) {
  std::vector<FrameQueue::Piece> pieces;
  while (!queue->empty()) queue->TakeInto(&pieces, 1 << 20);
  std::string out;
  for (const FrameQueue::Piece& piece : pieces) out.append(piece.view());
  return out;
}

std::string FrameOf(const PeerMessage& message) {
  FrameQueue queue;
  EXPECT_TRUE(EncodeMessage(message, &queue));
  return Bytes(&queue);
}

Entry MakeEntry(uint64_t index, size_t size) {
  Entry entry;
  entry.term = Term(7);
  entry.index = LogIndex(index);
  entry.type = size == 0 ? EntryType::kNoop : EntryType::kCommands;
  entry.payload = MakeSharedBytes(std::string(size, static_cast<char>('a' + index % 26)));
  return entry;
}

Message MakeAppend(const std::vector<size_t>& sizes) {
  Message m;
  m.type = consensus::MessageType::kAppend;
  m.from = kFrom;
  m.to = kTo;
  m.term = Term(1ull << 60);
  m.log_end = {Term(6), LogIndex(99)};
  m.commit = LogIndex(98);
  m.match = LogIndex(97);
  m.read_round = 12345678901234ull;
  m.read_index = LogIndex(96);
  for (size_t i = 0; i < sizes.size(); ++i) m.entries.push_back(MakeEntry(100 + i, sizes[i]));
  return m;
}

// At least one of every alternative, with every field set.
std::vector<PeerMessage> Samples() {
  std::vector<PeerMessage> out;
  out.push_back(MakeAppend({}));
  out.push_back(MakeAppend({0, 1, 511, 512, 5000}));
  Message reply = MakeAppend({});
  reply.type = consensus::MessageType::kVoteReply;
  reply.reject = true;
  out.push_back(reply);
  reply.type = consensus::MessageType::kVote;
  reply.reject = false;
  reply.transfer = true;
  out.push_back(reply);
  out.push_back(interfaces::Forward{Term(5), {"", "one", std::string(3000, 'x')}});
  out.push_back(interfaces::Forward{Term(5), {}});
  out.push_back(interfaces::ForwardCredit{Term(5), 1ull << 40});
  out.push_back(interfaces::ServiceMessage{std::string("\0liveness", 9)});
  out.push_back(interfaces::RepairRequest{LogIndex(50), Term(3)});
  out.push_back(interfaces::RepairReply{LogIndex(50), true, MakeEntry(50, 700), LogIndex(40)});
  out.push_back(interfaces::RepairReply{LogIndex(50), false, {}, LogIndex(60)});
  interfaces::SnapshotMeta meta;
  meta.index = LogIndex(80);
  meta.term = Term(4);
  meta.digest = 0xdeadbeef;
  meta.digest_version = 2;
  meta.state_machine_version = 3;
  meta.log_clock_us = 99;
  meta.configuration.members = {{kFrom, consensus::MemberRole::kLearner, "host:1"}};
  out.push_back(interfaces::SnapshotOffer{77, Term(5), meta});
  out.push_back(interfaces::SnapshotData{77, {3, std::string(2000, 'r'), 0x12345678, true}});
  out.push_back(interfaces::SnapshotProgress{77, 4, interfaces::SnapshotProgress::State::kRefused});
  out.push_back(interfaces::SnapshotRequest{LogIndex(81)});
  out.push_back(interfaces::DigestReport{LogIndex(90), 0xfeedface, 2, 9});
  return out;
}

TEST(MessageCodec, EveryMessageReadsBackAsItself) {
  std::set<size_t> seen;
  for (const PeerMessage& message : Samples()) {
    seen.insert(message.index());
    std::string bytes = FrameOf(message);
    auto frame = ReadFrame(bytes, kMaxFrameBytes);
    ASSERT_TRUE(frame.ok()) << frame.status();
    ASSERT_EQ(frame->bytes, bytes.size());
    auto back = DecodeMessage(frame->kind, frame->payload, kFrom, kTo);
    ASSERT_TRUE(back.ok()) << back.status();
    ASSERT_EQ(back->index(), message.index());
    EXPECT_EQ(FrameOf(*back), bytes);  // equal bytes from both: no field is lost
  }
  EXPECT_EQ(seen.size(), std::variant_size_v<PeerMessage>);
}

TEST(MessageCodec, ConsensusFieldsReadBackOneByOne) {
  Message m = MakeAppend({0, 3, 600});
  m.reject = true;
  m.transfer = true;
  std::string bytes = FrameOf(m);
  auto frame = ReadFrame(bytes, kMaxFrameBytes);
  Message back = std::get<Message>(*DecodeMessage(frame->kind, frame->payload, kFrom, kTo));
  EXPECT_EQ(back.type, m.type);
  EXPECT_EQ(back.from, kFrom);
  EXPECT_EQ(back.to, kTo);
  EXPECT_EQ(back.term, m.term);
  EXPECT_EQ(back.log_end, m.log_end);
  EXPECT_EQ(back.commit, m.commit);
  EXPECT_EQ(back.match, m.match);
  EXPECT_EQ(back.read_round, m.read_round);
  EXPECT_EQ(back.read_index, m.read_index);
  EXPECT_TRUE(back.reject);
  EXPECT_TRUE(back.transfer);
  ASSERT_EQ(back.entries.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(back.entries[i].term, m.entries[i].term);
    EXPECT_EQ(back.entries[i].index, m.entries[i].index);
    EXPECT_EQ(back.entries[i].type, m.entries[i].type);
    EXPECT_EQ(*back.entries[i].payload, *m.entries[i].payload);
  }
}

TEST(MessageCodec, TheSenderIsTheConnectionsAndNotTheMessages) {  // transport.h: never of the payload
  Message m = MakeAppend({});
  m.from = {ServerId(9), StorageId(99)};
  std::string bytes = FrameOf(m);
  auto frame = ReadFrame(bytes, kMaxFrameBytes);
  EXPECT_EQ(std::get<Message>(*DecodeMessage(frame->kind, frame->payload, kFrom, kTo)).from, kFrom);
}

TEST(MessageCodec, AnEntrysPayloadIsSentWithoutACopy) {  // L2
  Message m = MakeAppend({100000, 5000});
  FrameQueue queue;
  ASSERT_TRUE(EncodeMessage(m, &queue));
  std::vector<FrameQueue::Piece> pieces;
  queue.TakeInto(&pieces, 1);
  for (const Entry& entry : m.entries) {
    EXPECT_TRUE(
        std::any_of(pieces.begin(), pieces.end(), [&](const auto& piece) { return piece.shared == entry.payload; }));
  }
}

TEST(MessageCodec, AFrameCutAnywhereIsIncompleteAndSaysHowMuchItNeeds) {
  for (const PeerMessage& message : Samples()) {
    std::string bytes = FrameOf(message);
    for (size_t n = 0; n < bytes.size(); ++n) {
      auto frame = ReadFrame(std::string_view(bytes).substr(0, n), kMaxFrameBytes);
      ASSERT_TRUE(frame.ok());
      ASSERT_EQ(frame->bytes, 0u);
      ASSERT_GT(frame->needed, n);
      ASSERT_LE(frame->needed, bytes.size());
    }
  }
}

TEST(MessageCodec, AFlippedBitIsNeverAccepted) {
  for (const PeerMessage& message : Samples()) {
    std::string bytes = FrameOf(message);
    for (size_t bit = 0; bit<bytes.size() * 8; bit += bytes.size()> 600 ? 37 : 1) {
      std::string bad = bytes;
      bad[bit / 8] ^= static_cast<char>(1 << (bit % 8));
      auto frame = ReadFrame(bad, kMaxFrameBytes);
      ASSERT_TRUE(!frame.ok() || frame->bytes == 0) << bit;
    }
  }
}

TEST(MessageCodec, APayloadCutOrPaddedIsDataLoss) {
  for (const PeerMessage& message : Samples()) {
    std::string bytes = FrameOf(message);
    auto frame = ReadFrame(bytes, kMaxFrameBytes);
    for (size_t n = 0; n < frame->payload.size(); ++n) {
      auto cut = DecodeMessage(frame->kind, frame->payload.substr(0, n), kFrom, kTo);
      ASSERT_TRUE(absl::IsDataLoss(cut.status())) << message.index() << " at " << n;
    }
    EXPECT_TRUE(absl::IsDataLoss(DecodeMessage(frame->kind, std::string(frame->payload) + "x", kFrom, kTo).status()));
  }
}

TEST(MessageCodec, RandomBytesBehindAGoodChecksumNeverCrash) {
  Random random(11);
  int refused = 0;
  std::vector<PeerMessage> samples = Samples();
  for (int i = 0; i < 60000; ++i) {
    std::string bytes = FrameOf(samples[random.Below(samples.size())]);
    auto frame = ReadFrame(bytes, kMaxFrameBytes);
    std::string payload(frame->payload);
    for (uint64_t changes = random.Between(1, 8); changes > 0 && !payload.empty(); --changes) {
      payload[random.Below(std::min<size_t>(payload.size(), 60))] = static_cast<char>(random.Next());
    }
    if (random.OneIn(4)) payload.resize(random.Below(payload.size() + 1));
    FrameKind kind = random.OneIn(5) ? static_cast<FrameKind>(random.Below(256)) : frame->kind;
    auto message = DecodeMessage(kind, payload, kFrom, kTo);
    if (!message.ok()) {
      ASSERT_TRUE(absl::IsDataLoss(message.status())) << message.status();
      ++refused;
    }
    (void)DecodeHandshake(payload);
    (void)DecodeRefused(payload);
  }
  EXPECT_GT(refused, 10000);
}

TEST(MessageCodec, CountsAreBoundedByTheBytesThatAreThere) {
  ByteWriter out;
  out.U8(static_cast<uint8_t>(consensus::MessageType::kAppend));
  out.U8(0);
  for (int i = 0; i < 7; ++i) out.Varint(1);
  out.Varint(1ull << 62);  // entries
  EXPECT_TRUE(absl::IsDataLoss(DecodeMessage(FrameKind::kConsensus, out.bytes(), kFrom, kTo).status()));
  ByteWriter forward;
  forward.Varint(1);
  forward.Varint(UINT64_MAX);
  EXPECT_TRUE(absl::IsDataLoss(DecodeMessage(FrameKind::kForward, forward.bytes(), kFrom, kTo).status()));
}

TEST(MessageCodec, AFrameLongerThanTheLimitIsRefusedAtItsHeader) {
  ByteWriter out;
  out.U32(70000);
  out.U32(0);
  EXPECT_FALSE(ReadFrame(out.bytes(), kMaxHandshakeFrameBytes).ok());
  EXPECT_TRUE(ReadFrame(out.bytes(), kMaxFrameBytes).ok());
  ByteWriter empty;
  empty.U64(0);
  EXPECT_FALSE(ReadFrame(empty.bytes(), kMaxFrameBytes).ok());
}

TEST(MessageCodec, AMessageTooLongForAFrameIsNotSent) {
  FrameQueue queue;
  EXPECT_FALSE(EncodeMessage(interfaces::ServiceMessage{std::string(kMaxFrameBytes, 'x')}, &queue));
  EXPECT_TRUE(queue.empty());
}

TEST(MessageCodec, TheHandshakeReadsBack) {
  Handshake handshake;
  handshake.hello.identity = kFrom;
  handshake.hello.ensemble = EnsembleId(77);
  handshake.hello.empty = false;
  handshake.hello.seed_hash = 0xabcdef;
  handshake.hello.address = "host:2888";
  handshake.hello.configuration.members = {{kFrom, consensus::MemberRole::kVoter, "host:2888"}};
  handshake.to = kTo;
  handshake.incarnation = 4711;
  FrameQueue queue;
  EncodeHandshake(handshake, &queue);
  std::string bytes = Bytes(&queue);
  auto frame = ReadFrame(bytes, kMaxHandshakeFrameBytes);
  ASSERT_TRUE(frame.ok());
  EXPECT_EQ(frame->kind, FrameKind::kHello);
  auto back = DecodeHandshake(frame->payload);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->hello.identity, kFrom);
  EXPECT_EQ(back->hello.ensemble, EnsembleId(77));
  EXPECT_FALSE(back->hello.empty);
  EXPECT_EQ(back->hello.seed_hash, 0xabcdefu);
  EXPECT_EQ(back->hello.address, "host:2888");
  EXPECT_EQ(back->hello.configuration, handshake.hello.configuration);
  EXPECT_EQ(back->to, kTo);
  EXPECT_EQ(back->incarnation, 4711u);
  for (size_t n = 0; n < frame->payload.size(); ++n) EXPECT_FALSE(DecodeHandshake(frame->payload.substr(0, n)).ok());
  std::string other(frame->payload);
  other[4] = 2;  // the version
  EXPECT_TRUE(absl::IsInvalidArgument(DecodeHandshake(other).status()));
}

TEST(FrameQueue, SmallFramesLeaveAsOnePieceAndFramesAreNeverSplitBetweenWrites) {
  FrameQueue queue;
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(EncodeMessage(interfaces::SnapshotRequest{LogIndex(1)}, &queue));
  std::vector<FrameQueue::Piece> pieces;
  queue.TakeInto(&pieces, 1 << 20);
  EXPECT_EQ(pieces.size(), 1u);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.bytes(), 0u);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(EncodeMessage(MakeAppend({3000, 3000}), &queue));
  size_t whole = queue.bytes() / 5;
  while (!queue.empty()) {
    pieces.clear();
    EXPECT_EQ(queue.TakeInto(&pieces, 100), whole);
    EXPECT_TRUE(pieces.back().closes);
  }
}

TEST(LaneOf, VotesAndAcknowledgementsGoBeforeForwardsAndThoseBeforeSnapshots) {  // L11
  EXPECT_EQ(LaneOf(MakeAppend({1})), Lane::kUrgent);
  EXPECT_EQ(LaneOf(interfaces::ForwardCredit{}), Lane::kUrgent);
  EXPECT_EQ(LaneOf(interfaces::ServiceMessage{}), Lane::kUrgent);
  EXPECT_EQ(LaneOf(interfaces::Forward{}), Lane::kForward);
  EXPECT_EQ(LaneOf(interfaces::SnapshotData{}), Lane::kSnapshot);
}

}  // namespace
}  // namespace synod::transport

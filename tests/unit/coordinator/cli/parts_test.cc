// The small parts: histogram, the hand-made wire format, words, text and JSON.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/base/random.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/histogram.h"
#include "coordinator/cli/wire.h"
#include "coordinator/cli/words.h"
#include "coordinator/client/utf8.h"
#include "synod/v1/coordination.pb.h"

namespace synod::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(PathProblem, NamesWhatNoServerWouldTake) {
  for (const char* good : {"/", "/a", "/a/b.c", "/\u20ac"}) EXPECT_EQ(PathProblem(good), "") << good;
  for (const char* bad : {"", "a", "/a/", "//", "/a//b", "/a/./b", "/a/..", "/a\n", "/\xff"})
    EXPECT_NE(PathProblem(bad), "") << bad;
  EXPECT_EQ(ParentOf("/a"), "/");
  EXPECT_EQ(ParentOf("/a/b"), "/a");
}

TEST(Histogram, IsExactToOneMicrosecondBelowTwoMilliseconds) {
  Histogram h;
  for (uint64_t us = 1; us <= 2000; ++us) h.Add(us);
  EXPECT_EQ(h.Percentile(0.5), 1000u);
  EXPECT_EQ(h.Percentile(0.999), 1998u);
  EXPECT_EQ(h.Percentile(1), 2000u);
}

TEST(Histogram, ErrsByLessThanAThousandthAbove) {
  for (uint64_t us = 2047; us < (uint64_t{1} << 35); us += us / 7 + 1) {
    Histogram h;
    h.Add(us);
    h.Add(uint64_t{1} << 36);  // so that max does not cap what is asked
    EXPECT_GE(h.Percentile(0.5), us);
    EXPECT_LE(h.Percentile(0.5), us + us / 1000 + 1);
  }
}

TEST(Histogram, MergesAndKeepsTheMaximum) {
  Histogram a, b;
  a.Add(5);
  b.Add(~uint64_t{0});
  a.Merge(b);
  EXPECT_EQ(a.count(), 2u);
  EXPECT_EQ(a.max(), ~uint64_t{0});
  EXPECT_EQ(a.Percentile(1), ~uint64_t{0});
  EXPECT_EQ(Histogram().Percentile(0.5), 0u);
}

TEST(Wire, RequestsAreWhatTheGeneratedCodeReads) {
  v1::SetData set;
  set.set_path("/a");
  set.mutable_data()->set_value(std::string(300, 'x'));
  set.set_version(-1);
  std::string bytes;
  AppendRequest(300, 129, 0, OperationField(v1::Request::kSetDataFieldNumber, set.SerializeAsString()), &bytes);
  v1::GetData get;
  get.set_path("/b");
  AppendRequest(301, 0, v1::LINEARIZABLE, OperationField(v1::Request::kGetDataFieldNumber, get.SerializeAsString()),
                &bytes);
  AppendConfirmed(128, 9, &bytes);
  v1::ClientMessage message;
  ASSERT_TRUE(message.ParseFromString(bytes));
  ASSERT_EQ(message.requests_size(), 2);
  EXPECT_EQ(message.requests(0).id(), 300u);
  EXPECT_EQ(message.requests(0).sequence(), 129u);
  EXPECT_EQ(message.requests(0).set_data().SerializeAsString(), set.SerializeAsString());
  EXPECT_EQ(message.requests(1).strength(), v1::LINEARIZABLE);
  EXPECT_EQ(message.requests(1).get_data().path(), "/b");
  EXPECT_EQ(message.confirmed_below(), 128u);
  EXPECT_EQ(message.ping(), 9u);
}

v1::ServerMessage SomeReplies() {
  v1::ServerMessage message;
  v1::Reply* first = message.add_items()->mutable_reply();
  first->set_id(1000);
  first->set_sequence(7);
  first->set_zxid(-1);
  first->mutable_result()->set_path("/a");
  message.add_items()->mutable_event()->set_path("/e");
  message.add_items()->mutable_pong()->set_ping(3);
  v1::Reply* second = message.add_items()->mutable_reply();
  second->set_id(1001);
  second->set_error(v1::BAD_VERSION);
  second->set_message("changed");
  return message;
}

TEST(Wire, RepliesAreFoundAmongOtherItems) {
  const std::string bytes = SomeReplies().SerializeAsString();
  ReplyReader reader(bytes);
  LightReply reply;
  EXPECT_FALSE(reader.connected());
  ASSERT_TRUE(reader.Next(&reply));
  EXPECT_EQ(reply.id, 1000u);
  EXPECT_EQ(reply.error, 0u);
  ASSERT_TRUE(reader.Next(&reply));
  EXPECT_EQ(reply.id, 1001u);
  EXPECT_EQ(reply.error, static_cast<uint64_t>(v1::BAD_VERSION));
  EXPECT_FALSE(reader.Next(&reply));
  EXPECT_TRUE(reader.ok());
  v1::ServerMessage hello;
  hello.mutable_connected()->set_session_id(1);
  EXPECT_TRUE(ReplyReader(hello.SerializeAsString()).connected());
}

TEST(Wire, CutAndSpoiledBytesEndTheReaderWithinThem) {
  const std::string bytes = SomeReplies().SerializeAsString();
  Random random(1);
  for (int i = 0; i < 20'000; ++i) {
    std::string bad = bytes.substr(0, random.Below(bytes.size() + 1));
    for (uint64_t n = random.Below(4); n > 0 && !bad.empty(); --n)
      bad[random.Below(bad.size())] = static_cast<char>(random.Next());
    ReplyReader reader(bad);
    LightReply reply;
    int replies = 0;
    while (reader.Next(&reply)) ASSERT_LT(++replies, 100);
  }
}

TEST(Words, SplitAsAShellDoes) {
  EXPECT_THAT(*SplitWords("  set /a  'two words' "), ElementsAre("set", "/a", "two words"));
  EXPECT_THAT(*SplitWords(R"(a "b \"c\" \\ \d" e\ f '')"), ElementsAre("a", R"(b "c" \ \d)", "e f", ""));
  EXPECT_THAT(*SplitWords("get /a#b # comment"), ElementsAre("get", "/a#b"));
  EXPECT_TRUE(SplitWords("")->empty());
  EXPECT_FALSE(SplitWords("get 'open").ok());
}

TEST(Format, JsonStringsEscapeAndReplaceWhatIsNoText) {
  EXPECT_EQ(JsonString("a\"\\\n\x01ü"), "\"a\\\"\\\\\\n\\u0001ü\"");
  EXPECT_EQ(JsonString("\xff\xc3"), "\"\\ufffd\\ufffd\"");
  EXPECT_FALSE(client::IsUtf8("\xed\xa0\x80"));  // a surrogate
  EXPECT_FALSE(client::IsUtf8("\xc0\xaf"));      // overlong
  EXPECT_TRUE(client::IsUtf8("€𝄞"));
}

TEST(Format, HexGoesBothWays) {
  EXPECT_EQ(FromHex(ToHex("\x01\xfe")), "\x01\xfe");
  EXPECT_EQ(FromHex("abc"), std::nullopt);
  EXPECT_EQ(FromHex("zz"), std::nullopt);
}

TEST(Format, TablesAlignNumbersToTheRight) {
  EXPECT_EQ(AlignedTable({{"NAME", "N"}, {"ü", "5"}, {"long", "1234"}}), "NAME     N\nü        5\nlong  1234\n");
}

TEST(Format, AnUnknownOutcomeIsSpelledOut) {
  EXPECT_THAT(ErrorText({client::ErrorCode::kTimeout, client::Effect::kMayHaveBeenDone, "m"}, "/a"),
              HasSubstr("may have been done"));
}

}  // namespace
}  // namespace synod::cli

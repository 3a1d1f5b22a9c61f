#include "coordinator/frontdoor/zookeeper/jute.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

#include "tests/support/zookeeper_records.h"

namespace synod::frontdoor::zookeeper {
namespace {

using synod::testing::ExactBytes;
using synod::testing::FromHex;
using synod::testing::Record;

TEST(JuteReader, ReadsBigEndianTwosComplement) {
  const std::string bytes = FromHex("01 00 7f fffffffe 00000102 fffffffffffffffe 0102030405060708");
  JuteReader in(bytes);
  EXPECT_TRUE(in.Bool());
  EXPECT_FALSE(in.Bool());
  EXPECT_TRUE(in.Bool()) << "anything but 0 is true";
  EXPECT_EQ(in.Int(), -2);
  EXPECT_EQ(in.Int(), 0x102);
  EXPECT_EQ(in.Long(), -2);
  EXPECT_EQ(in.Long(), 0x0102030405060708);
  EXPECT_TRUE(in.ok());
  EXPECT_TRUE(in.rest().empty());
}

TEST(JuteReader, NullAndEmptyBuffersDiffer) {
  const std::string bytes = FromHex("ffffffff 00000000 00000003 616200");
  JuteReader in(bytes);
  EXPECT_EQ(in.Buffer(), std::nullopt);
  EXPECT_EQ(in.Buffer(), "");
  EXPECT_EQ(in.Buffer(), std::string("ab\0", 3));
  EXPECT_TRUE(in.ok());
}

TEST(JuteReader, ANullStringReadsAsEmptyAndIsToldApart) {
  const std::string bytes = FromHex("ffffffff 00000000 ffffffff");
  JuteReader in(bytes);
  bool null = false;
  EXPECT_EQ(in.String(&null), "");
  EXPECT_TRUE(null);
  EXPECT_EQ(in.String(&null), "");
  EXPECT_FALSE(null);
  EXPECT_EQ(in.String(), "");
  EXPECT_TRUE(in.ok());
}

TEST(JuteReader, ALengthThatCannotBeFails) {
  for (const char* hex : {"fffffffe 61", "80000000 61", "00000002 61", "7fffffff 61", "000000", ""}) {
    const ExactBytes bytes(FromHex(hex));
    JuteReader in(bytes.view());
    EXPECT_EQ(in.Buffer(), std::nullopt) << hex;
    EXPECT_FALSE(in.ok()) << hex;
  }
}

TEST(JuteReader, AfterAFailureEverythingIsEmpty) {
  const std::string bytes = FromHex("00000009 0000000000000001 01 00000001 61");
  JuteReader in(bytes);
  in.Fail();
  bool null = true;
  EXPECT_EQ(in.Int(), 0);
  EXPECT_EQ(in.Long(), 0);
  EXPECT_FALSE(in.Bool());
  EXPECT_EQ(in.String(&null), "");
  EXPECT_FALSE(null) << "what is not there is not null";
  EXPECT_EQ(in.Count(1), 0);
  EXPECT_EQ(in.rest(), "");
  EXPECT_FALSE(in.ok());
}

TEST(JuteReader, ACountIsAtMostWhatTheRestCanHold) {
  const struct {
    const char* hex;
    size_t element_bytes;
    int32_t count;
    bool ok;
  } kCases[] = {
      {"ffffffff", 4, -1, true},
      {"00000000", 4, 0, true},
      {"00000002 00000000 00000000", 4, 2, true},
      {"00000002 00000000 000000", 4, 0, false},
      {"00000003 00000000 00000000", 4, 0, false},
      {"7fffffff 00000000 00000000", 1, 0, false},
      {"fffffffe 00000000", 1, 0, false},
      {"80000000 00000000", 1, 0, false},
  };
  for (const auto& c : kCases) {
    const ExactBytes bytes(FromHex(c.hex));
    JuteReader in(bytes.view());
    EXPECT_EQ(in.Count(c.element_bytes), c.count) << c.hex;
    EXPECT_EQ(in.ok(), c.ok) << c.hex;
  }
}

TEST(JuteWriter, WritesWhatTheFormatSays) {
  std::string out = "before";
  JuteWriter writer(&out);
  const size_t frame = writer.BeginFrame();
  writer.Int(-2);
  writer.Long(0x100);
  writer.Bool(true);
  writer.Buffer(std::nullopt);
  writer.Buffer(std::string());
  writer.String("/a");
  writer.EndFrame(frame);
  EXPECT_EQ(out, "before" + FromHex("0000001b fffffffe 0000000000000100 01 ffffffff 00000000 00000002 2f61"));
}

TEST(JuteWriter, FramesStandBehindEachOther) {
  std::string out;
  JuteWriter writer(&out);
  writer.EndFrame(writer.BeginFrame());
  const size_t second = writer.BeginFrame();
  writer.Bool(false);
  writer.EndFrame(second);
  EXPECT_EQ(out, FromHex("00000000 00000001 00"));
}

RC_GTEST_PROP(Jute, WhatIsWrittenIsReadBack, (int32_t number, int64_t longer, bool flag, const std::string& text)) {
  const bool null = *rc::gen::arbitrary<bool>();
  const std::optional<std::string> data = null ? std::nullopt : std::optional(text);
  std::string out;
  JuteWriter writer(&out);
  writer.Int(number);
  writer.Buffer(data);
  writer.Long(longer);
  writer.Bool(flag);
  writer.String(text);
  RC_ASSERT(out == (null ? Record().Int(number).Null() : Record().Int(number).Text(text))
                       .Long(longer)
                       .Bool(flag)
                       .Text(text)
                       .bytes());

  JuteReader in(out);
  RC_ASSERT(in.Int() == number);
  const std::optional<std::string_view> read = in.Buffer();
  RC_ASSERT(read.has_value() == data.has_value());
  if (read) RC_ASSERT(*read == *data);
  RC_ASSERT(in.Long() == longer);
  RC_ASSERT(in.Bool() == flag);
  RC_ASSERT(in.String() == text);
  RC_ASSERT(in.ok() && in.rest().empty());
}

// Whatever is asked of whatever bytes: nothing beyond them is read, and a failure stays.
RC_GTEST_PROP(Jute, NothingIsReadBeyondTheEnd, (const std::string& text)) {
  const ExactBytes bytes(text);
  JuteReader in(bytes.view());
  size_t taken = 0;
  for (const int step : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 5))) {
    const bool was_ok = in.ok();
    const size_t before = in.rest().size();
    if (step == 0) in.Int();
    if (step == 1) in.Long();
    if (step == 2) in.Bool();
    if (step == 3) taken += in.Buffer().value_or("").size();
    if (step == 4) in.Count(3);
    RC_ASSERT(in.rest().size() <= before);
    RC_ASSERT(was_ok || !in.ok());
  }
  RC_ASSERT(taken <= text.size());
}

}  // namespace
}  // namespace synod::frontdoor::zookeeper

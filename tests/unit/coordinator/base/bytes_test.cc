#include "coordinator/base/bytes.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>
#include <utility>

namespace synod {
namespace {

TEST(Bytes, AreReadBackAsWritten) {
  ByteWriter out;
  out.U8(0xab);
  out.U32(0x01020304);
  out.U64(0x0102030405060708);
  out.Varint(300);
  out.SignedVarint(-5);
  out.Bool(true);
  out.Blob(std::string("with\0zero", 9));
  const std::string bytes = out.Take();
  ByteReader in(bytes);
  EXPECT_EQ(in.U8(), 0xab);
  EXPECT_EQ(in.U32(), 0x01020304u);
  EXPECT_EQ(in.U64(), 0x0102030405060708u);
  EXPECT_EQ(in.Varint(), 300u);
  EXPECT_EQ(in.SignedVarint(), -5);
  EXPECT_TRUE(in.Bool());
  EXPECT_EQ(in.Blob(), std::string_view("with\0zero", 9));
  EXPECT_TRUE(in.Finish("test").ok());
}

TEST(Bytes, IntegersAreLittleEndian) {
  ByteWriter out;
  out.U32(0x01020304);
  EXPECT_EQ(out.bytes(), "\x04\x03\x02\x01");
}

RC_GTEST_PROP(Bytes, EveryIntegerSurvivesAsVarint, (uint64_t u, int64_t s)) {
  ByteWriter out;
  out.Varint(u);
  out.SignedVarint(s);
  ByteReader in(out.bytes());
  RC_ASSERT(in.Varint() == u);
  RC_ASSERT(in.SignedVarint() == s);
  RC_ASSERT(in.Finish("test").ok());
}

TEST(Bytes, TheLargestVarintsSurvive) {
  ByteWriter out;
  out.Varint(std::numeric_limits<uint64_t>::max());
  out.SignedVarint(std::numeric_limits<int64_t>::min());
  EXPECT_EQ(out.size(), 20u);
  ByteReader in(out.bytes());
  EXPECT_EQ(in.Varint(), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(in.SignedVarint(), std::numeric_limits<int64_t>::min());
}

TEST(Bytes, AVarintOfMoreThan64BitsFails) {
  for (const std::string& bytes : {std::string(10, '\xff'), std::string(9, '\xff') + '\x02', std::string(11, '\x80')}) {
    ByteReader in(bytes);
    in.Varint();
    EXPECT_FALSE(in.ok());
  }
}

TEST(Bytes, AReadBeyondTheEndFailsForGood) {
  ByteReader in("abc");
  EXPECT_EQ(in.U32(), 0u);
  EXPECT_EQ(in.U8(), 0u) << "nothing is read after a failure";
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.Finish("thing").code(), absl::StatusCode::kDataLoss);
}

TEST(Bytes, ABlobLongerThanItsInputFailsWithoutAllocating) {
  ByteWriter out;
  out.Varint(uint64_t{1} << 60);
  ByteReader in(out.bytes());
  EXPECT_TRUE(in.Blob().empty());
  EXPECT_FALSE(in.ok());
}

TEST(Bytes, EveryPrefixOfAMessageIsRefused) {
  ByteWriter out;
  out.U32(7);
  out.Blob("some text");
  out.Varint(1 << 20);
  const std::string whole = out.Take();
  for (size_t n = 0; n < whole.size(); ++n) {
    ByteReader in(std::string_view(whole).substr(0, n));
    in.U32();
    in.Blob();
    in.Varint();
    EXPECT_FALSE(in.Finish("prefix").ok()) << n;
  }
}

TEST(Bytes, BytesLeftOverAreRefused) {
  ByteReader in("ab");
  in.U8();
  const absl::Status status = in.Finish("thing");
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(std::string(status.message()).find("thing"), std::string::npos);
}

}  // namespace
}  // namespace synod

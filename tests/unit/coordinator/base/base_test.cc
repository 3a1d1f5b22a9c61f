// The small pieces of base: checksums, random numbers, ids, CHECK.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "coordinator/base/check.h"
#include "coordinator/base/crc32c.h"
#include "coordinator/base/ids.h"
#include "coordinator/base/random.h"
#include "coordinator/base/secrets.h"
#include "coordinator/base/status_macros.h"

namespace synod {
namespace {

TEST(Crc32c, MatchesThePublishedVectors) {  // RFC 3720, B.4
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  std::string up, down;
  for (int i = 0; i < 32; ++i) {
    up.push_back(static_cast<char>(i));
    down.push_back(static_cast<char>(31 - i));
  }
  EXPECT_EQ(Crc32c(up), 0x46dd794eu);
  EXPECT_EQ(Crc32c(down), 0x113fdb5cu);
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283u);
}

TEST(Crc32c, ContinuesFromWhatStoodBefore) {
  const std::string text = "the quick brown fox";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    EXPECT_EQ(Crc32c(text.substr(cut), Crc32c(text.substr(0, cut))), Crc32c(text)) << cut;
  }
}

TEST(Crc32c, SeesEveryFlippedBit) {
  const std::string text = "sixteen bytes...";
  for (size_t bit = 0; bit < text.size() * 8; ++bit) {
    std::string flipped = text;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_NE(Crc32c(flipped), Crc32c(text)) << bit;
  }
}

TEST(Random, OneSeedGivesOneSequence) {
  // SplitMix64 from seed 0, as published with the generator.
  Random random(0);
  EXPECT_EQ(random.Next(), 0xe220a8397b1dcdafu);
  EXPECT_EQ(random.Next(), 0x6e789e6aa1b965f4u);
  Random a(42), b(42);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a.Next(), b.Next());
}

TEST(Random, StaysWithinItsBounds) {
  Random random(1);
  std::set<uint64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_LT(random.Below(7), 7u);
    const uint64_t between = random.Between(3, 5);
    EXPECT_TRUE(between >= 3 && between <= 5);
    seen.insert(between);
  }
  EXPECT_EQ(seen.size(), 3u);
}

TEST(Random, AForkDoesNotShiftItsParent) {
  Random a(9), b(9);
  Random fork = a.Fork();
  b.Fork();
  for (int i = 0; i < 10; ++i) fork.Next();
  EXPECT_EQ(a.Next(), b.Next());
}

template <typename A, typename B>
concept Comparable = requires(A a, B b) {
  a == b;
};

TEST(Ids, DoNotMixAndCountUp) {
  static_assert(!Comparable<Term, LogIndex>);
  static_assert(!std::is_convertible_v<uint64_t, Term>);
  LogIndex index(41);
  EXPECT_EQ(++index, LogIndex(42));
  EXPECT_EQ(index - LogIndex(40), 2u);
  EXPECT_LT(index, index + 1);
}

TEST(Check, EndsTheProcessWithItsMessage) {
  EXPECT_DEATH(SYNOD_CHECK(1 + 1 == 3) << "seven " << 7, "1 \\+ 1 == 3 seven 7");
  EXPECT_DEATH(SYNOD_CHECK_EQ(1, 2) << "no", "1 vs 2.*no");
}

TEST(Check, EvaluatesItsConditionOnce) {
  int calls = 0;
  SYNOD_CHECK(++calls > 0) << "unused";
  EXPECT_EQ(calls, 1);
}

absl::StatusOr<int> Half(int n) {
  if (n % 2 != 0) return absl::InvalidArgumentError("odd");
  return n / 2;
}
absl::StatusOr<int> Quarter(int n) {
  SYNOD_ASSIGN_OR_RETURN(const int half, Half(n));
  SYNOD_RETURN_IF_ERROR(Half(half).status());
  return Half(half);
}

TEST(StatusMacros, ReturnTheFirstError) {
  EXPECT_EQ(*Quarter(8), 2);
  EXPECT_EQ(Quarter(7).status().message(), "odd");
  EXPECT_EQ(Quarter(6).status().message(), "odd");
}

TEST(Secrets, SameMeansEveryByteAndTheLength) {
  EXPECT_TRUE(SameSecret("", ""));
  EXPECT_TRUE(SameSecret("secret", "secret"));
  EXPECT_FALSE(SameSecret("secret", "Secret"));
  EXPECT_FALSE(SameSecret("secret", "secreT"));
  EXPECT_FALSE(SameSecret("secret", "secret1"));
  EXPECT_FALSE(SameSecret("secret", ""));
}

}  // namespace
}  // namespace synod

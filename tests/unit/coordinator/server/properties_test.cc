// Java's properties, case by case of java.util.Properties.load.
#include "coordinator/server/properties.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace synod::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

std::vector<std::pair<std::string, std::string>> Pairs(const std::string& text) {
  absl::StatusOr<std::vector<Property>> properties = ParseProperties(text);
  EXPECT_TRUE(properties.ok()) << properties.status();
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const Property& property : properties.value_or(std::vector<Property>())) {
    pairs.emplace_back(property.key, property.value);
  }
  return pairs;
}

TEST(PropertiesTest, EqualsColonAndBlankPartKeyAndValue) {
  EXPECT_THAT(
      Pairs("a=1\nb:2\nc 3\nd = 4\ne\t:\t5\nf   6 7\n"),
      ElementsAre(Pair("a", "1"), Pair("b", "2"), Pair("c", "3"), Pair("d", "4"), Pair("e", "5"), Pair("f", "6 7")));
}

TEST(PropertiesTest, OnlyTheFirstSeparatorCounts) {
  EXPECT_THAT(Pairs("a==1\nserver.1=h:2888:3888;2181\nb:=2\nc = :3\n"),
              ElementsAre(Pair("a", "=1"), Pair("server.1", "h:2888:3888;2181"), Pair("b", "=2"), Pair("c", ":3")));
}

TEST(PropertiesTest, AKeyAloneHasAnEmptyValue) {
  EXPECT_THAT(Pairs("a\nb=\n=c\n"), ElementsAre(Pair("a", ""), Pair("b", ""), Pair("", "c")));
}

TEST(PropertiesTest, CommentsAndBlankLinesAreSkipped) {
  EXPECT_THAT(Pairs("# a=1\n! b=2\n   # c=3\n\n \t \nd=4#5\n"), ElementsAre(Pair("d", "4#5")));
  EXPECT_THAT(Pairs(""), IsEmpty());
}

TEST(PropertiesTest, AnOddNumberOfBackslashesContinuesTheLine) {
  EXPECT_THAT(Pairs("a=1,\\\n   2,\\\r\n\t3\nb=4\n"), ElementsAre(Pair("a", "1,2,3"), Pair("b", "4")));
  EXPECT_THAT(Pairs("a=1\\\\\nb=2\n"), ElementsAre(Pair("a", "1\\"), Pair("b", "2")));
  EXPECT_THAT(Pairs("a=1\\\\\\\nb=2\n"), ElementsAre(Pair("a", "1\\b=2")));
  EXPECT_THAT(Pairs("a=1\\"), ElementsAre(Pair("a", "1")));
}

TEST(PropertiesTest, NoCommentBeginsInAContinuationAndNoneGoesOn) {
  EXPECT_THAT(Pairs("a=1\\\n# 2\n# c\\\nb=3\n"), ElementsAre(Pair("a", "1# 2"), Pair("b", "3")));
}

TEST(PropertiesTest, LinesEndInAllThreeWays) {
  EXPECT_THAT(Pairs("a=1\rb=2\r\nc=3\nd=4"),
              ElementsAre(Pair("a", "1"), Pair("b", "2"), Pair("c", "3"), Pair("d", "4")));
}

TEST(PropertiesTest, EscapesStandForCharacters) {
  EXPECT_THAT(Pairs("a\\=b\\:c\\ d=e\n"), ElementsAre(Pair("a=b:c d", "e")));
  EXPECT_THAT(Pairs("a=x\\ty\\nz\\qw\\:v\n"), ElementsAre(Pair("a", "x\ty\nzqw:v")));
  EXPECT_THAT(Pairs("a=\\u0041\\u00fc\\u20ac\\ud83d\\ude00\n"),
              ElementsAre(Pair("a", "A\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80")));
}

TEST(PropertiesTest, AnEscapeWithoutItsDigitsIsRefusedWithItsLine) {
  for (const char* text : {"a=1\nb=\\u12\n", "a=1\nb=\\u12g4\n", "a=1\nb\\u=1\n"}) {
    EXPECT_EQ(ParseProperties(text).status().message(), "line 2: \\u needs four hexadecimal digits") << text;
  }
}

TEST(PropertiesTest, ALineIsThatOfItsBeginning) {
  absl::StatusOr<std::vector<Property>> properties = ParseProperties("# x\na=1\\\n2\n\nb=3\n");
  ASSERT_TRUE(properties.ok());
  EXPECT_EQ(properties->at(0).line, 2);
  EXPECT_EQ(properties->at(1).line, 5);
}

TEST(PropertiesTest, BlanksAtTheEndsAreDroppedAsZooKeeperTrimsThem) {
  EXPECT_THAT(Pairs("  a = 1 2  \r\n"), ElementsAre(Pair("a", "1 2")));
}

}  // namespace
}  // namespace synod::server

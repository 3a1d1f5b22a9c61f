#include "coordinator/tree/path.h"

#include <gtest/gtest.h>

#include <string>

namespace synod::tree {
namespace {

TEST(Path, OrdinaryPathsAreValid) {
  for (const char* path :
       {"/", "/a", "/a/b", "/...", "/a.", "/.a", "/a b", "/\xc3\xa9", "/\xe4\xb8\xad/x", "/\xc2\xa0", "/a/..b"}) {
    EXPECT_TRUE(IsValidPath(path)) << path;
  }
  EXPECT_TRUE(IsValidPath("/\xed\x9f\xbf"));  // U+D7FF, the last before the surrogates
  EXPECT_TRUE(IsValidPath("/\xef\xa4\x80"));  // U+F900, the first behind private use
  EXPECT_TRUE(IsValidPath("/\xef\xbf\xaf"));  // U+FFEF
}

TEST(Path, MalformedStructureIsInvalid) {
  for (const char* path :
       {"", "a", "a/b", "/a/", "//", "//a", "/a//b", "/.", "/..", "/a/./b", "/a/../b", "/a/.", "/a/.."}) {
    EXPECT_FALSE(IsValidPath(path)) << path;
  }
}

TEST(Path, RefusedCharactersAreInvalid) {
  using std::string_literals::operator""s;
  for (const std::string& path :
       {"/a\0b"s, "/\x01"s, "/\x1f"s, "/\x7f"s, "/\xc2\x80"s, "/\xc2\x9f"s, "/\xed\xa0\x80"s, "/\xee\x80\x80"s,
        "/\xef\xa3\xbf"s, "/\xef\xbf\xb0"s, "/\xef\xbf\xbd"s, "/\xef\xbf\xbf"s, "/\xf0\x9f\x98\x80"s}) {
    EXPECT_FALSE(IsValidPath(path)) << path;
  }
}

TEST(Path, MalformedUtf8IsInvalid) {
  for (const char* path : {"/\x80", "/\xc0\xaf", "/\xc1\xbf", "/\xc3", "/\xc3(", "/\xe0\x80\x80", "/\xe4\xb8",
                           "/\xe4/a", "/\xff", "/\xc3/\xa9"}) {
    EXPECT_FALSE(IsValidPath(path)) << path;
  }
}

TEST(Path, ParentAndBaseSplitAtTheLastSlash) {
  EXPECT_EQ(ParentPath("/a/b"), "/a");
  EXPECT_EQ(ParentPath("/a"), "/");
  EXPECT_EQ(ParentPath("/"), "/");
  EXPECT_EQ(ParentPath("/a/"), "/a");
  EXPECT_EQ(BaseName("/a/b"), "b");
  EXPECT_EQ(BaseName("/a/"), "");
  EXPECT_EQ(BaseName("/"), "");
}

}  // namespace
}  // namespace synod::tree

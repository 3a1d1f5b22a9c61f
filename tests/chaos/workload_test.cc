// The accounting finds what it is there to find.
#include "tests/chaos/workload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace synod::testing {
namespace {

using ::testing::HasSubstr;

std::string Account(std::string_view text) { return AccountForWrites(ParseHistory(text).value(), {"/r0"}); }

TEST(AccountForWrites, AcceptsAcknowledgedAndUnknownSets) {
  EXPECT_EQ(Account(R"(
      1 0 1 create /r0 a -> ok
      1 2 3 set /r0 b 0 -> ok 1
      1 4 - set /r0 c 1 -> unknown
      1 6 7 get /r0 -> ok c 2)"),
            "");
}

TEST(AccountForWrites, FindsALostSet) {
  EXPECT_THAT(Account("1 2 3 set /r0 b 0 -> ok 1\n1 6 7 get /r0 -> ok a 0"), HasSubstr("is gone"));
}

TEST(AccountForWrites, FindsASetDoneTwice) {
  EXPECT_THAT(Account("1 2 3 set /r0 b 0 -> ok 1\n1 6 7 get /r0 -> ok b 2"), HasSubstr("nobody made version 2"));
}

TEST(AccountForWrites, FindsTwoAcknowledgedSetsOfOneVersion) {
  EXPECT_THAT(Account("1 2 3 set /r0 b 0 -> ok 1\n2 2 3 set /r0 c 0 -> ok 1\n1 6 7 get /r0 -> ok c 1"),
              HasSubstr("two acknowledged"));
}

TEST(AccountForWrites, FindsAForeignValue) {
  EXPECT_THAT(Account("1 2 3 set /r0 b 0 -> ok 1\n1 6 7 get /r0 -> ok z 1"), HasSubstr("holds z"));
}

}  // namespace
}  // namespace synod::testing

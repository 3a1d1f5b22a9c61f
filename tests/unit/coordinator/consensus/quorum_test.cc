#include "coordinator/consensus/quorum.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "coordinator/base/random.h"

namespace synod::consensus {
namespace {

std::vector<LogIndex> Indexes(std::initializer_list<uint64_t> values) {
  std::vector<LogIndex> out;
  for (uint64_t value : values) out.push_back(LogIndex(value));
  return out;
}

TEST(Quorum, MajorityIndexIsWhatMoreThanHalfHave) {
  EXPECT_EQ(MajorityIndex({}), LogIndex(0));
  EXPECT_EQ(MajorityIndex(Indexes({7})), LogIndex(7));
  EXPECT_EQ(MajorityIndex(Indexes({7, 3})), LogIndex(3));
  EXPECT_EQ(MajorityIndex(Indexes({7, 3, 5})), LogIndex(5));
  EXPECT_EQ(MajorityIndex(Indexes({9, 9, 1, 1})), LogIndex(1));
  EXPECT_EQ(MajorityIndex(Indexes({9, 9, 9, 1, 1})), LogIndex(9));
}

TEST(Quorum, MajorityIndexAgreesWithCounting) {
  Random random(1);
  for (int i = 0; i < 5000; ++i) {
    std::vector<LogIndex> matches;
    for (uint64_t n = random.Between(1, 9); n > 0; --n) matches.push_back(LogIndex(random.Below(6)));
    auto have = [&](LogIndex index) {
      return static_cast<size_t>(std::count_if(matches.begin(), matches.end(), [&](LogIndex m) { return m >= index; }));
    };
    LogIndex index = MajorityIndex(matches);
    EXPECT_GE(have(index), Majority(matches.size()));
    EXPECT_LT(have(index + 1), Majority(matches.size()));
  }
}

TEST(Quorum, AnyTwoMajoritiesMeet) {
  for (size_t n = 1; n < 10; ++n) EXPECT_GT(2 * Majority(n), n);
}

TEST(Quorum, VotesAreWonLostOrOpen) {
  EXPECT_EQ(CountVotes(3, 2, 0), VoteOutcome::kWon);
  EXPECT_EQ(CountVotes(3, 1, 1), VoteOutcome::kPending);
  EXPECT_EQ(CountVotes(3, 1, 2), VoteOutcome::kLost);
  EXPECT_EQ(CountVotes(4, 2, 2), VoteOutcome::kLost);
  EXPECT_EQ(CountVotes(4, 2, 1), VoteOutcome::kPending);
  EXPECT_EQ(CountVotes(1, 1, 0), VoteOutcome::kWon);
  EXPECT_NE(CountVotes(0, 0, 0), VoteOutcome::kWon);
}

}  // namespace
}  // namespace synod::consensus

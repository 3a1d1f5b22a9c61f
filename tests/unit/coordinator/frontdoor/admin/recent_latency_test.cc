#include "coordinator/frontdoor/admin/recent_latency.h"

#include <gtest/gtest.h>

namespace synod::frontdoor {
namespace {

class RecentLatencyTest : public ::testing::Test {
 protected:
  service::LatencyStats At(absl::Duration now) { return recent_.Since(now, total_); }

  service::LatencyStats total_;
  RecentLatency recent_;
};

TEST_F(RecentLatencyTest, TheFirstTimeAllOfItIsRecent) {
  total_.Add(absl::Milliseconds(3));
  EXPECT_EQ(At(absl::Hours(5)).count, 1u);
  EXPECT_EQ(At(absl::Hours(5) + absl::Seconds(1)).count, 0u);
}

TEST_F(RecentLatencyTest, WhatIsOlderThanTheWindowIsForgotten) {
  // One request each minute, looked at just before it.
  for (int minute = 0; minute < 60; ++minute) {
    service::LatencyStats recent = At(absl::Minutes(minute));
    EXPECT_EQ(recent.count, std::min(minute, 10)) << minute;
    EXPECT_EQ(recent.sum_us, recent.count * 3000);
    EXPECT_EQ(recent.buckets[12], recent.count);
    total_.Add(absl::Milliseconds(3));
  }
}

TEST_F(RecentLatencyTest, FrequentLooksKeepTheWindow) {
  for (int second = 0; second < 1800; ++second) {
    total_.Add(absl::Milliseconds(3));
    uint64_t count = At(absl::Seconds(second)).count;
    if (second > 700) {
      EXPECT_GE(count, 600u);
      EXPECT_LE(count, 611u);
    }
  }
}

TEST_F(RecentLatencyTest, AResetBeginsAnew) {
  for (int i = 0; i < 5; ++i) total_.Add(absl::Milliseconds(3));
  At(absl::Minutes(1));
  total_ = {};
  total_.Add(absl::Milliseconds(7));
  EXPECT_EQ(At(absl::Minutes(2)).count, 1u);
}

}  // namespace
}  // namespace synod::frontdoor

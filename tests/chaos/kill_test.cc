// Servers killed, paused and restarted under load: no acknowledged write is lost, none is done twice, no read is stale.
#include <gtest/gtest.h>

#include "absl/time/clock.h"
#include "tests/chaos/chaos_fixture.h"

namespace synod::testing {
namespace {

TEST_F(Chaos, KilledLeaderCostsNothing) {  // L1, L10, S2
  ASSERT_NO_FATAL_FAILURE(StartCluster(3));
  ASSERT_NO_FATAL_FAILURE(StartLoad());
  for (int round = 0; round < 5; ++round) {
    const int leader = Leader();
    ASSERT_NE(leader, 0);
    load_->Fault([&] { cluster_->Kill(leader); });
    ASSERT_NO_FATAL_FAILURE(Breathe());
    ASSERT_TRUE(cluster_->StartServer(leader).ok());
    ASSERT_TRUE(cluster_->WaitReady({leader}, kPatience).ok());
    ASSERT_NO_FATAL_FAILURE(Breathe());
  }
  FinishAndJudge();
}

TEST_F(Chaos, KilledFollowerCostsNothing) {  // L8, S2
  ASSERT_NO_FATAL_FAILURE(StartCluster(3));
  ASSERT_NO_FATAL_FAILURE(StartLoad());
  for (int round = 0; round < 5; ++round) {
    const int follower = Follower();
    ASSERT_NE(follower, 0);
    load_->Fault([&] { cluster_->Kill(follower); });
    ASSERT_NO_FATAL_FAILURE(Breathe());
    ASSERT_TRUE(cluster_->StartServer(follower).ok());
    ASSERT_TRUE(cluster_->WaitReady({follower}, kPatience).ok());
  }
  FinishAndJudge();
}

TEST_F(Chaos, TwoOfFiveKilledCostNothing) {  // L1
  ASSERT_NO_FATAL_FAILURE(StartCluster(5));
  ASSERT_NO_FATAL_FAILURE(StartLoad());
  for (int round = 0; round < 3; ++round) {
    // The leader and a follower at one moment: any minority.
    const std::vector<int> victims = {Leader(), Follower()};
    ASSERT_NE(victims[0], victims[1]);
    load_->Fault([&] { cluster_->KillTogether(victims); });
    ASSERT_NO_FATAL_FAILURE(Breathe());
    for (int id : victims) ASSERT_TRUE(cluster_->StartServer(id).ok());
    ASSERT_TRUE(cluster_->WaitReady(kPatience).ok());
  }
  FinishAndJudge();
}

TEST_F(Chaos, PausedLeaderServesNothingStaleWhenItResumes) {  // L9
  ASSERT_NO_FATAL_FAILURE(StartCluster(3));
  ASSERT_NO_FATAL_FAILURE(StartLoad());
  for (int round = 0; round < 3; ++round) {
    const int leader = Leader();
    ASSERT_NE(leader, 0);
    load_->Fault([&] { cluster_->Pause(leader); });
    // The others elect a leader among them and go on.
    ASSERT_NO_FATAL_FAILURE(Breathe());
    cluster_->Resume(leader);
    ASSERT_NO_FATAL_FAILURE(Breathe());
  }
  FinishAndJudge();
}

TEST_F(Chaos, AllKilledAtOnceAndRestartedLoseNothing) {  // L8, D2
  ASSERT_NO_FATAL_FAILURE(StartCluster(3));
  ASSERT_NO_FATAL_FAILURE(StartLoad());
  for (int round = 0; round < 3; ++round) {
    load_->Fault([&] { cluster_->KillTogether(cluster_->ids()); });
    for (int id : cluster_->ids()) ASSERT_TRUE(cluster_->StartServer(id).ok());
    ASSERT_TRUE(cluster_->WaitReady(kPatience).ok());
    ASSERT_NO_FATAL_FAILURE(Breathe());
  }
  FinishAndJudge();
}

TEST_F(Chaos, RollingRestartIsHardlyFelt) {  // L1: leadership is handed over on SIGTERM
  ASSERT_NO_FATAL_FAILURE(StartCluster(3));
  ASSERT_NO_FATAL_FAILURE(StartLoad());
  for (int id : cluster_->ids()) {
    absl::Status ended;
    load_->Fault([&] { ended = cluster_->Terminate(id); });
    ASSERT_TRUE(ended.ok()) << ended;
    ASSERT_NO_FATAL_FAILURE(Breathe(50));
    ASSERT_TRUE(cluster_->StartServer(id).ok());
    ASSERT_TRUE(cluster_->WaitReady({id}, kPatience).ok());
    ASSERT_NO_FATAL_FAILURE(Breathe(50));
  }
  FinishAndJudge();
  EXPECT_LT(load_->LongestWriteGap(), absl::Seconds(2));  // what a server would hold a request for (S6)
}

}  // namespace
}  // namespace synod::testing

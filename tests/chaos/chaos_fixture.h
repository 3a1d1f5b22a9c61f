// What every test here begins and ends with: a cluster, load on it, and the judgement over what the load saw.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "tests/chaos/workload.h"
#include "tests/support/real_cluster.h"

namespace synod::testing {

// How long anything may take before a test calls it stuck. Generous: the machine may be shared, and what is measured
// here is that nothing is lost, not how fast it goes (scripts/failover.sh measures that).
constexpr absl::Duration kPatience = absl::Seconds(60);

class Chaos : public ::testing::Test {
 protected:
  // Starts the ensemble and waits until all of it serves.
  void StartCluster(int servers, std::vector<std::string> config = {});
  void StartLoad();
  // The leader now; a test failure and 0 if there is none within kPatience.
  int Leader();
  // Any server that does not lead.
  int Follower();
  // The load goes on: that many more writes are acknowledged.
  void Breathe(int writes = 200);
  // Starts what does not run, waits until all serve, ends the load, and judges: history linearizable, every
  // acknowledged write there exactly once, digests equal, and enough faults hit writes in flight to have meant
  // anything.
  void FinishAndJudge();
  // Keeps the servers' directory and the history of a failed test.
  void TearDown() override;

  // Fails, not silently.
  template <typename T>
  static bool Check(const absl::StatusOr<T>& result) {
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok();
  }

  std::unique_ptr<RealCluster> cluster_;
  std::unique_ptr<RegisterWorkload> load_;
  std::vector<std::string> set_only_keys_;
};

}  // namespace synod::testing

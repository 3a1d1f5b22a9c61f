// The seeds of every CI run. A failure prints the line that replays it.
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/sim/sim_run.h"

namespace synod::sim {
namespace {

// SYNOD_SIM_SEEDS: seeds in all (sanitized builds run fewer).
uint64_t SeedsPerShard() {
  const char* seeds = std::getenv("SYNOD_SIM_SEEDS");
  uint64_t all = seeds == nullptr ? 1000 : std::strtoull(seeds, nullptr, 10);
  return std::max<uint64_t>(all / 10, 1);
}

class Seeds : public ::testing::TestWithParam<uint64_t> {
 protected:
  void SetUp() override { spdlog::set_level(spdlog::level::off); }
};

TEST_P(Seeds, KeepEveryPromiseUnderFaultsAndComeToRest) {
  RunStats total;
  uint64_t count = SeedsPerShard();
  for (uint64_t i = 0; i < count; ++i) {
    RunOptions options;
    options.seed = GetParam() * 1000 + i;
    RunResult result = sim::Run(options);
    total.Add(result.stats);
    EXPECT_EQ(result.failure, "") << "replay: scripts/sim.sh --seed " << options.seed;
  }
  std::printf("%s\n", total.ToString().c_str());
  if (count < 20) return;
  // A run whose faults miss is no proof.
  EXPECT_GT(total.acknowledged_writes, 200 * count);
  EXPECT_GT(total.resent, count);
  EXPECT_GT(total.repeated, count / 2) << "no re-sent write had been applied: exactly-once was not tried (S2)";
  EXPECT_GT(total.crashes, 5 * count);
  EXPECT_GT(total.elections, 2 * count);
  EXPECT_GT(total.watch_events, 10 * count);
  if (count < 100) return;
  EXPECT_GT(total.installs, 0u) << "no snapshot was installed (D9)";
  EXPECT_GT(total.wipes, 0u) << "no disk was wiped (D10)";
  EXPECT_GT(total.repairs, 0u) << "no damaged record was met (D5, D6)";
}

INSTANTIATE_TEST_SUITE_P(Ensemble, Seeds, ::testing::Range<uint64_t>(1, 11));

TEST(Determinism, OneSeedGivesOneTrace) {
  spdlog::set_level(spdlog::level::off);
  for (uint64_t seed : {3, 14, 15}) {
    RunOptions options;
    options.seed = seed;
    RunResult first = sim::Run(options);
    RunResult second = sim::Run(options);
    EXPECT_EQ(first.stats.trace, second.stats.trace) << "seed " << seed;
    EXPECT_EQ(first.stats.events, second.stats.events) << "seed " << seed;
  }
}

}  // namespace
}  // namespace synod::sim

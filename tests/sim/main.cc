// synod-sim: runs seeds of the simulator; a failure prints the line that replays it.
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "tests/sim/sim_run.h"

int main(int argc, char** argv) {
  CLI::App app("Runs an ensemble in one process from one seed, with faults, and checks that its promises hold.");
  uint64_t seed = 1, seeds = 1;
  synod::sim::RunOptions options;
  app.add_option("--seed", seed, "The (first) seed");
  app.add_option("--seeds", seeds, "How many seeds, from --seed on");
  app.add_option("--servers", options.servers, "3 or 5; drawn from the seed if not given");
  app.add_flag("--verbose", options.verbose, "Tell what happens");
  CLI11_PARSE(app, argc, argv);
  spdlog::set_level(options.verbose ? spdlog::level::info : spdlog::level::off);
  synod::sim::RunStats total;
  uint64_t failed = 0;
  for (uint64_t i = seed; i < seed + seeds; ++i) {
    options.seed = i;
    synod::sim::RunResult result = synod::sim::Run(options);
    total.Add(result.stats);
    if (result.failure.empty()) continue;
    ++failed;
    std::printf("seed %lu: %s\n  replay: scripts/sim.sh --seed %lu%s\n", i, result.failure.c_str(), i,
                options.servers != 0 ? (" --servers " + std::to_string(options.servers)).c_str() : "");
    std::fflush(stdout);
  }
  std::printf("%lu seeds, %lu failed; %s\n", seeds, failed, total.ToString().c_str());
  return failed == 0 ? 0 : 1;
}

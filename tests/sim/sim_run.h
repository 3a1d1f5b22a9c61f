// One simulated life of an ensemble: clients work while faults strike; then the faults stop, and everything must come
// right again.
#pragma once

#include <cstdint>
#include <string>

namespace synod::sim {

struct RunOptions {
  uint64_t seed = 1;
  int servers = 0;       // 0: drawn, 3 or 5
  bool verbose = false;  // tells what happens, with times
};

// What a run met; summed over seeds it shows that the faults strike where it hurts.
struct RunStats {
  uint64_t events = 0, trace = 0;
  uint64_t acknowledged_writes = 0, unknown_writes = 0, resent = 0, repeated = 0, lost = 0, watch_events = 0,
           sessions = 0;
  uint64_t crashes = 0, power_cuts = 0, pauses = 0, partitions = 0, resets = 0, wipes = 0, flips = 0, repairs = 0,
           transfers = 0, away = 0, dropped = 0;
  uint64_t snapshots = 0, installs = 0, elections = 0;
  uint64_t followed = 0, resumed = 0, cursors_lost = 0;  // Watch streams: events, openings, cursors too old
  void Add(const RunStats& other);
  std::string ToString() const;
};

struct RunResult {
  std::string failure;  // empty: everything held
  RunStats stats;
};

// Deterministic: the same options give the same result and trace.
RunResult Run(const RunOptions& options);

}  // namespace synod::sim

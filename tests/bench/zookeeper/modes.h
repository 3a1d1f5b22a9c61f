// The modes of zookeeper_load. Each prints one line of JSON, or fails.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "tests/bench/zookeeper/pump.h"

namespace synod::bench {

struct ThroughputOptions {
  std::string operation;  // write, read, create, ephemeral
  size_t sessions = 12;
  size_t outstanding = 64;
  double warm_up = 2;  // seconds
  double seconds = 8;
  size_t data_bytes = 100;
  size_t znodes = 1'000;  // that are read or written
};
void RunThroughput(const Target& target, const ThroughputOptions& options);
// One session, one write at a time, for a third of the time at each server.
void RunLatency(const Target& target, double seconds, size_t data_bytes);
void RunFill(const Target& target, uint64_t znodes, size_t sessions, size_t outstanding, size_t data_bytes);

// `sessions` sessions that watch one znode; from sending a write until the last of them has its event, `rounds` times.
void RunFanOut(const Target& target, size_t sessions, size_t rounds);
// Opens `sessions` sessions, at most `concurrent` of them under way, `rounds` times.
void RunConnect(const Target& target, size_t sessions, size_t concurrent, size_t rounds);
// Tries every 5 ms to open a session at target's first server and to read `path`; prints when (CLOCK_MONOTONIC) it
// could.
void RunServes(const Target& target, const std::string& path, double patience);

struct GapOptions {
  size_t victim = 0;   // which of the servers the signal goes to: target.processes names them
  bool pause = false;  // SIGSTOP instead of SIGKILL
  double steady = 1;   // seconds of writing before the signal
  size_t writes_after = 500;
};
void RunGap(const Target& target, const GapOptions& options);

}  // namespace synod::bench

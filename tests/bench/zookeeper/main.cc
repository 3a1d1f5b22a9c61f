// zookeeper_load: load by ZooKeeper's client protocol against any server that speaks it, from one thread, by raw
// sockets.
//
// What it counts as an operation was answered, in order, with the expected reply; anything else ends the run with an
// error. One line of JSON per run; scripts/bench.sh makes tables of them.
#include <sys/resource.h>

#include <CLI/CLI.hpp>

#include "tests/bench/zookeeper/modes.h"

namespace synod::bench {
namespace {

// Thousands of sessions need as many descriptors.
void RaiseDescriptorLimit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int Main(int argc, char** argv) {
  CLI::App app{"Load by ZooKeeper's client protocol; prints one line of JSON."};
  app.require_subcommand(1);
  Target target;
  app.add_option("--ports", target.ports, "Client ports of the servers, on 127.0.0.1")->delimiter(',')->required();
  app.add_option("--pids", target.processes, "Their processes, whose processor time is measured")->delimiter(',');
  app.add_option("--session-timeout", target.session_timeout_ms, "Milliseconds")->capture_default_str();
  app.fallthrough();

  ThroughputOptions throughput;
  for (const char* operation : {"write", "read", "create", "ephemeral"}) {
    CLI::App* const mode = app.add_subcommand(operation, "Throughput of one kind of operation");
    mode->add_option("--sessions", throughput.sessions)->check(CLI::PositiveNumber)->capture_default_str();
    mode->add_option("--outstanding", throughput.outstanding, "Per session")->check(CLI::PositiveNumber);
    mode->add_option("--warm-up", throughput.warm_up, "Seconds")->capture_default_str();
    mode->add_option("--seconds", throughput.seconds)->capture_default_str();
    mode->add_option("--data", throughput.data_bytes, "Bytes")->capture_default_str();
    mode->add_option("--znodes", throughput.znodes, "That are read or written")->check(CLI::PositiveNumber);
    mode->callback([&, operation] {
      throughput.operation = operation;
      RunThroughput(target, throughput);
    });
  }

  double seconds = 6;
  CLI::App* const latency = app.add_subcommand("latency", "One session, one write at a time");
  latency->add_option("--seconds", seconds)->capture_default_str();
  latency->add_option("--data", throughput.data_bytes, "Bytes")->capture_default_str();
  latency->callback([&] { RunLatency(target, seconds, throughput.data_bytes); });

  uint64_t znodes = 1'000'000;
  CLI::App* const fill = app.add_subcommand("fill", "Creates znodes and leaves them there");
  fill->add_option("--znodes", znodes)->check(CLI::PositiveNumber)->capture_default_str();
  fill->add_option("--sessions", throughput.sessions)->check(CLI::PositiveNumber)->capture_default_str();
  fill->add_option("--outstanding", throughput.outstanding, "Per session")->check(CLI::PositiveNumber);
  fill->add_option("--data", throughput.data_bytes, "Bytes")->capture_default_str();
  fill->callback([&] { RunFill(target, znodes, throughput.sessions, throughput.outstanding, throughput.data_bytes); });

  size_t watchers = 3'000, events = 7;
  CLI::App* const watch = app.add_subcommand("watch", "Time from a write to the last event");
  watch->add_option("--sessions", watchers)->check(CLI::PositiveNumber)->capture_default_str();
  watch->add_option("--rounds", events)->check(CLI::PositiveNumber)->capture_default_str();
  watch->callback([&] { RunFanOut(target, watchers, events); });

  size_t connections = 2'000, concurrent = 100, rounds = 3;
  CLI::App* const connect = app.add_subcommand("connect", "Sessions opened per second");
  connect->add_option("--sessions", connections)->check(CLI::PositiveNumber)->capture_default_str();
  connect->add_option("--concurrent", concurrent, "Under way at a time")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  connect->add_option("--rounds", rounds)->check(CLI::PositiveNumber)->capture_default_str();
  connect->callback([&] { RunConnect(target, connections, concurrent, rounds); });

  std::string path = "/";
  double patience = 120;
  CLI::App* const serves = app.add_subcommand("serves", "When the first of the servers answers a read");
  serves->add_option("--path", path)->capture_default_str();
  serves->add_option("--patience", patience, "Seconds")->capture_default_str();
  serves->callback([&] { RunServes(target, path, patience); });

  GapOptions gap;
  CLI::App* const gaps = app.add_subcommand("gap", "Longest time without an acknowledged write around a signal");
  gaps->add_option("--victim", gap.victim, "Which of the servers, from 0")->required();
  gaps->add_flag("--pause", gap.pause, "SIGSTOP instead of SIGKILL; nobody resumes it");
  gaps->add_option("--steady", gap.steady, "Seconds of writing before it")->capture_default_str();
  gaps->callback([&] { RunGap(target, gap); });

  RaiseDescriptorLimit();
  CLI11_PARSE(app, argc, argv);
  return 0;
}

}  // namespace
}  // namespace synod::bench

int main(int argc, char** argv) { return synod::bench::Main(argc, argv); }

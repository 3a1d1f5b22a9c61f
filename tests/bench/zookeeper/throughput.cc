// Throughput, latency of a lone client, and filling.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/bench/zookeeper/modes.h"
#include "tests/bench/zookeeper/work.h"

namespace synod::bench {
namespace {

// Parents before children, so one request at a time for them.
void Prepare(Pump& pump, std::vector<std::string> parents, std::vector<std::string> leaves, Payload& payload) {
  Ensure tops(std::move(parents), payload);
  pump.Run(tops, 1, 0, Pump::kUntilDone);
  Ensure rest(std::move(leaves), payload);
  pump.Run(rest, 32, 0, Pump::kUntilDone);
}

std::vector<std::string> Leaves(size_t count) {
  std::vector<std::string> paths;
  for (size_t i = 0; i < count; ++i) paths.push_back(absl::StrFormat("/bench/node-%06d", i));
  return paths;
}

void PrepareLeaves(Loop& loop, const Target& target, const std::vector<std::string>& leaves, Payload& payload) {
  Pump pump(loop, target, 1);
  Prepare(pump, {"/bench", "/bench/create", "/bench/ephemeral"}, leaves, payload);
  pump.CloseSessions();
}

void Print(Pump::Result& result, std::string_view mode) {
  const auto operations = static_cast<double>(result.operations);
  JsonLine()
      .Add("mode", mode)
      .Add("operations", operations)
      .Add("seconds", result.seconds)
      .Add("per_second", operations / result.seconds)
      .Add("server_us_per_operation", result.server_cpu * 1e6 / operations)
      .Add("server_cpu", result.server_cpu / result.seconds)
      .Add("generator_us_per_operation", result.own_cpu * 1e6 / operations)
      .Add("generator_cpu", result.own_cpu / result.seconds)
      .Add("p50_us", result.latencies.Microseconds(0.5))
      .Add("p99_us", result.latencies.Microseconds(0.99))
      .Print();
}

}  // namespace

void RunThroughput(const Target& target, const ThroughputOptions& options) {
  Loop loop;
  Payload payload(options.data_bytes);
  const std::vector<std::string> leaves = Leaves(options.znodes);
  PrepareLeaves(loop, target, leaves, payload);

  Pump pump(loop, target, options.sessions);
  CatchUp catch_up(options.sessions);
  pump.Run(catch_up, 1, 0, Pump::kUntilDone);
  Pump::Result result;
  const auto access = [&](Access::Kind kind) {
    Access work(kind, leaves, options.sessions, options.data_bytes, payload);
    return pump.Run(work, options.outstanding, options.warm_up, options.seconds);
  };
  const auto create = [&](std::string_view parent, int32_t flags) {
    Creation work(std::string(parent), flags, options.sessions, payload);
    Pump::Result measured = pump.Run(work, options.outstanding, options.warm_up, options.seconds);
    work.Undo();
    pump.Run(work, options.outstanding, 0, Pump::kUntilDone);
    return measured;
  };
  if (options.operation == "write") {
    result = access(Access::Kind::kWrite);
  } else if (options.operation == "read") {
    result = access(Access::Kind::kRead);
  } else if (options.operation == "create") {
    result = create("/bench/create", 0);
  } else {
    result = create("/bench/ephemeral", kEphemeralSequential);
  }
  pump.CloseSessions();
  if (result.operations == 0) Fail("nothing was answered in the measured time");
  Print(result, options.operation);
}

void RunLatency(const Target& target, double seconds, size_t data_bytes) {
  Loop loop;
  Payload payload(data_bytes);
  const std::vector<std::string> leaves = Leaves(100);
  PrepareLeaves(loop, target, leaves, payload);
  const auto parts = static_cast<double>(target.ports.size());
  Latencies all;
  JsonLine line;
  line.Add("mode", "latency");
  std::vector<double> medians;
  for (size_t server = 0; server < target.ports.size(); ++server) {
    Pump pump(loop, target, 1, server);
    Access work(Access::Kind::kWrite, leaves, 1, data_bytes, payload);
    Pump::Result result = pump.Run(work, 1, 0.1 * seconds / parts, 0.9 * seconds / parts);
    pump.CloseSessions();
    medians.push_back(result.latencies.Microseconds(0.5));
    all.Append(result.latencies);
  }
  if (all.count() == 0) Fail("nothing was answered in the measured time");
  line.Add("operations", static_cast<double>(all.count())).Add("p50_us_per_server", medians);
  line.Add("p50_us", all.Microseconds(0.5)).Add("p99_us", all.Microseconds(0.99)).Print();
}

void RunFill(const Target& target, uint64_t znodes, size_t sessions, size_t outstanding, size_t data_bytes) {
  Loop loop;
  Payload payload(data_bytes);
  {
    Pump pump(loop, target, 1);
    Prepare(pump, Fill::Parents(0), Fill::Parents(znodes), payload);
    pump.CloseSessions();
  }
  Pump pump(loop, target, sessions);
  Fill work(znodes, payload);
  Pump::Result result = pump.Run(work, outstanding, 0, Pump::kUntilDone);
  pump.CloseSessions();
  if (result.operations != znodes) Fail(absl::StrCat(result.operations, " of ", znodes, " creates were answered"));
  Print(result, "fill");
}

}  // namespace synod::bench

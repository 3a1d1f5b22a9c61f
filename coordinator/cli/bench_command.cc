#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <ostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/time/clock.h"
#include "coordinator/cli/bench_worker.h"
#include "coordinator/cli/commands.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/interrupts.h"

namespace synod::cli {
namespace {

// Of data in one multi of the preparation.
constexpr size_t kPrepareBytes = 512 * 1024;

struct BenchOptions {
  BenchPlan plan;
  double seconds = 10;
  double warmup_seconds = 1;
  bool keep = false;
};

struct ServerCpu {
  std::string address;
  uint32_t id = 0;
  std::string role;
  uint64_t cpu_us = 0;
};

std::map<std::string, ServerCpu> CpuOfAll(client::EnsembleClient& ensemble) {
  std::map<std::string, ServerCpu> out;
  const auto answers = ensemble.StatusOfAll();
  for (size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i].ok()) continue;
    const v1::StatusReply& s = *answers[i];
    out[ensemble.addresses()[i]] = {ensemble.addresses()[i], s.server_id(), s.role(), s.cpu_us()};
  }
  return out;
}

uint64_t OwnCpuMicros() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto us = [](const timeval& t) {
    return static_cast<uint64_t>(t.tv_sec) * 1'000'000 + static_cast<uint64_t>(t.tv_usec);
  };
  return us(usage.ru_utime) + us(usage.ru_stime);
}

// Makes the nodes the sessions work on.
int Prepare(Environment& env, client::BlockingClient& client, const BenchPlan& plan) {
  auto root = client.Create(plan.root, std::nullopt);
  if (!root.ok()) return env.Fail(root.error(), plan.root);
  const std::string data = BenchData(plan);
  for (size_t s = 0; s < plan.sessions; ++s) {
    const size_t nodes = plan.operation == BenchOperation::kCreate ? 0 : plan.nodes;
    std::vector<client::Operation> operations = {client::Operation::Create(BenchSessionNode(plan, s), std::nullopt)};
    size_t bytes = 0;
    for (size_t n = 0; n <= nodes; ++n) {
      if (n == nodes || bytes + data.size() > kPrepareBytes) {
        auto made = client.Multi(std::exchange(operations, {}));
        if (!made.ok()) return env.Fail(made.error(), BenchSessionNode(plan, s));
        if (!made->error.ok()) return env.Fail(made->error, BenchSessionNode(plan, s));
        bytes = 0;
      }
      if (n < nodes) operations.push_back(client::Operation::Create(BenchNode(plan, s, n), data));
      bytes += data.size();
    }
  }
  return kExitOk;
}

// Deletes the children of `parent`, many at a time, and then it. What fails stays; the delete of the root tells.
void DeleteWithChildren(client::BlockingClient& client, const std::string& parent) {
  auto children = client.GetChildren(parent, false, client::ReadStrength::kLinearizable);
  if (!children.ok()) return;
  constexpr size_t kBatch = 1'000;
  for (size_t begin = 0; begin < children->names.size(); begin += kBatch) {
    const size_t end = std::min(begin + kBatch, children->names.size());
    absl::BlockingCounter left(static_cast<int>(end - begin));
    for (size_t i = begin; i < end; ++i) {
      client.async().Delete(parent + "/" + children->names[i], -1,
                            [&left](client::Result<client::Written>) { left.DecrementCount(); });
    }
    left.Wait();
  }
  (void)client.Delete(parent);
}

// Deletes the root and all below it. A create that was in flight when the load ended may be done after we listed its
// parent: so it is done again until nothing is left.
int CleanUp(Environment& env, client::BlockingClient& client, const BenchPlan& plan) {
  const absl::Time until = absl::Now() + absl::Seconds(30);
  for (;;) {
    for (size_t s = 0; s < plan.sessions; ++s) DeleteWithChildren(client, BenchSessionNode(plan, s));
    auto gone = client.Delete(plan.root);
    if (gone.ok() || gone.error().code == client::ErrorCode::kNoNode) return kExitOk;
    if (gone.error().code != client::ErrorCode::kNotEmpty || absl::Now() > until)
      return env.Fail(gone.error(), plan.root);
    absl::SleepFor(absl::Milliseconds(100));
  }
}

// Sleeps, unless Ctrl-C comes. False: it came.
bool Pause(Interrupts& interrupts, double seconds) {
  const absl::Time until = absl::Now() + absl::Seconds(seconds);
  while (!interrupts.interrupted() && absl::Now() < until)
    absl::SleepFor(std::min(absl::Milliseconds(50), until - absl::Now()));
  return !interrupts.interrupted();
}

struct Measured {
  BenchCounts counts;
  double seconds = 0;
  uint64_t own_cpu_us = 0;
  std::vector<ServerCpu> servers;  // cpu_us: used meanwhile
};

// Puts the load on, lets it settle, and measures.
Measured RunLoad(const BenchOptions& o, client::EnsembleClient& ensemble, Interrupts& interrupts) {
  std::atomic<bool> measuring = false;
  std::vector<std::unique_ptr<BenchWorker>> workers;
  for (size_t t = 0; t < o.plan.threads; ++t)
    workers.push_back(std::make_unique<BenchWorker>(o.plan, t, o.plan.threads, &measuring));
  const auto attached = [&] {
    size_t n = 0;
    for (const auto& worker : workers) n += worker->attached();
    return n;
  };
  for (int i = 0; i < 200 && attached() < o.plan.sessions && Pause(interrupts, 0.05); ++i) {
  }
  (void)Pause(interrupts, o.warmup_seconds);
  Measured out;
  const auto before = CpuOfAll(ensemble);
  const uint64_t own_before = OwnCpuMicros();
  const absl::Duration begin = client::MonotonicNow();
  measuring = true;
  (void)Pause(interrupts, o.seconds);
  measuring = false;
  out.seconds = absl::ToDoubleSeconds(client::MonotonicNow() - begin);
  out.own_cpu_us = OwnCpuMicros() - own_before;
  for (auto& [address, after] : CpuOfAll(ensemble)) {
    auto it = before.find(address);
    if (it == before.end() || after.cpu_us < it->second.cpu_us)
      continue;  // it was not there, or is another process now
    after.cpu_us -= it->second.cpu_us;
    out.servers.push_back(after);
  }
  for (auto& worker : workers) {
    BenchCounts counts = worker->Finish();
    out.counts.latency.Merge(counts.latency);
    out.counts.operations += counts.operations;
    out.counts.refused += counts.refused;
    out.counts.broken_streams += counts.broken_streams;
    out.counts.unanswered += counts.unanswered;
    if (out.counts.first_error.empty()) out.counts.first_error = counts.first_error;
  }
  return out;
}

constexpr const char* kOperationNames[] = {"set", "get", "create", "mixed"};

double PerOperation(uint64_t us, const Measured& m) {
  return m.counts.operations == 0 ? 0 : static_cast<double>(us) / static_cast<double>(m.counts.operations);
}

void PrintJson(Environment& env, const BenchOptions& o, const Measured& m) {
  const Histogram& h = m.counts.latency;
  JsonObject out;
  out.Text("operation", kOperationNames[static_cast<int>(o.plan.operation)])
      .Number("sessions", static_cast<int64_t>(o.plan.sessions));
  out.Number("outstanding", static_cast<int64_t>(o.plan.outstanding)).Number("size", static_cast<int64_t>(o.plan.size));
  out.Real("seconds", m.seconds).Number("operations", static_cast<int64_t>(m.counts.operations));
  out.Real("operations_per_second", static_cast<double>(m.counts.operations) / m.seconds);
  out.Number("p50_us", static_cast<int64_t>(h.Percentile(0.5)))
      .Number("p99_us", static_cast<int64_t>(h.Percentile(0.99)));
  out.Number("p999_us", static_cast<int64_t>(h.Percentile(0.999))).Number("max_us", static_cast<int64_t>(h.max()));
  out.Number("errors", static_cast<int64_t>(m.counts.refused))
      .Number("broken_streams", static_cast<int64_t>(m.counts.broken_streams));
  out.Number("unanswered", static_cast<int64_t>(m.counts.unanswered)).Text("first_error", m.counts.first_error);
  uint64_t total = 0;
  std::vector<std::string> servers;
  for (const ServerCpu& s : m.servers) {
    total += s.cpu_us;
    JsonObject server;
    server.Number("id", s.id)
        .Text("server", s.address)
        .Text("role", s.role)
        .Number("cpu_us", static_cast<int64_t>(s.cpu_us));
    servers.push_back(server.Real("cpu_us_per_operation", PerOperation(s.cpu_us, m)).Take());
  }
  out.Raw("servers", JsonArray(servers)).Real("servers_cpu_us_per_operation", PerOperation(total, m));
  env.io.out << out.Real("client_cpu_us_per_operation", PerOperation(m.own_cpu_us, m)).Take() << std::endl;
}

void PrintText(Environment& env, const BenchOptions& o, const Measured& m) {
  const Histogram& h = m.counts.latency;
  env.io.out << absl::StrFormat("%s: %d sessions x %d outstanding, %d bytes, %.1f s\n",
                                kOperationNames[static_cast<int>(o.plan.operation)], o.plan.sessions,
                                o.plan.outstanding, o.plan.size, m.seconds);
  env.io.out << absl::StrFormat("operations/s  %.0f  (%d in all)\n",
                                static_cast<double>(m.counts.operations) / m.seconds, m.counts.operations);
  env.io.out << absl::StrFormat("latency       p50 %.2f ms, p99 %.2f ms, p99.9 %.2f ms, max %.2f ms\n",
                                static_cast<double>(h.Percentile(0.5)) / 1e3,
                                static_cast<double>(h.Percentile(0.99)) / 1e3,
                                static_cast<double>(h.Percentile(0.999)) / 1e3, static_cast<double>(h.max()) / 1e3);
  env.io.out << absl::StrFormat("errors        %d refused, %d broken streams, %d unanswered", m.counts.refused,
                                m.counts.broken_streams, m.counts.unanswered);
  if (!m.counts.first_error.empty()) env.io.out << "; the first: " << m.counts.first_error;
  env.io.out << "\nserver CPU per operation:\n";
  std::vector<std::vector<std::string>> rows = {{"ID", "SERVER", "ROLE", "US/OP"}};
  uint64_t total = 0;
  for (const ServerCpu& s : m.servers) {
    total += s.cpu_us;
    rows.push_back({absl::StrCat(s.id), s.address, s.role, absl::StrFormat("%.2f", PerOperation(s.cpu_us, m))});
  }
  rows.push_back({"", "all servers", "", absl::StrFormat("%.2f", PerOperation(total, m))});
  rows.push_back({"", "this load generator", "", absl::StrFormat("%.2f", PerOperation(m.own_cpu_us, m))});
  env.io.out << AlignedTable(rows) << std::flush;
}

int Bench(Environment& env, BenchOptions o) {
  o.plan.addresses = env.Addresses();
  if (o.plan.addresses.empty()) return kExitUsage;
  // The sessions see their own writes: the API's default holds here.
  const auto strength = env.settings.strength_given ? env.settings.strength : client::ReadStrength::kSession;
  o.plan.strength = static_cast<uint32_t>(strength);
  o.plan.threads = std::min(o.plan.threads, o.plan.sessions);
  // The load works on bare paths: a chroot of the list is left out for preparing too.
  std::string list;
  for (const std::string& address : o.plan.addresses) list += (list.empty() ? "" : ",") + address;
  env.settings.servers = list;
  o.plan.root = absl::StrCat("/synod-bench-", absl::ToUnixMicros(absl::Now()));
  client::BlockingClient* client = env.Session();
  if (client == nullptr) return kExitUsage;
  if (const int code = Prepare(env, *client, o.plan); code != kExitOk) return code;
  client::EnsembleClient ensemble(o.plan.addresses, absl::Seconds(2));
  Interrupts interrupts;
  const Measured measured = RunLoad(o, ensemble, interrupts);
  if (env.settings.json) {
    PrintJson(env, o, measured);
  } else {
    PrintText(env, o, measured);
  }
  const int cleaned = o.keep ? kExitOk : CleanUp(env, *client, o.plan);
  if (measured.counts.operations == 0) {
    return env.Fail(absl::UnavailableError("nothing was answered: " + measured.counts.first_error));
  }
  return cleaned;
}

}  // namespace

void AddBench(CLI::App& app, Environment& env, Run& run) {
  auto o = std::make_shared<BenchOptions>();
  CLI::App* verb = app.add_subcommand("bench", "Put load on session streams and measure");
  verb->add_option("--op", o->plan.operation, "set, get, create or mixed (7 get : 3 set); default set")
      ->transform(OneOf<BenchOperation>({{"set", BenchOperation::kSet},
                                         {"get", BenchOperation::kGet},
                                         {"create", BenchOperation::kCreate},
                                         {"mixed", BenchOperation::kMixed}}));
  verb->add_option("--sessions", o->plan.sessions, "Spread over the servers; default 12")->check(CLI::Range(1, 10000));
  verb->add_option("--outstanding", o->plan.outstanding, "Requests in flight per session; default 64")
      ->check(CLI::Range(1, 100000));
  verb->add_option("--size", o->plan.size, "Bytes of data; default 100")->check(CLI::Range(0, 1000000));
  verb->add_option("--nodes", o->plan.nodes, "Nodes per session; default 64")->check(CLI::Range(1, 1000));
  verb->add_option("--seconds", o->seconds, "How long to measure; default 10")->check(CLI::Range(0.1, 86400.0));
  verb->add_option("--warmup", o->warmup_seconds, "Seconds of load before that; default 1")
      ->check(CLI::Range(0.0, 3600.0));
  verb->add_option("--threads", o->plan.threads, "Of this load generator; default 1")->check(CLI::Range(1, 64));
  verb->add_flag("--keep", o->keep, "Leave its nodes under /synod-bench-... in place");
  verb->footer(
      "Prints operations/s, latencies, errors, and microseconds of server CPU per operation.\n"
      "Examples:\n  synod bench\n  synod bench --op get --strength linearizable\n  synod --json bench --op create "
      "--seconds 30");
  verb->callback([o, &env, &run] { run = [o, &env] { return Bench(env, *o); }; });
}

}  // namespace synod::cli

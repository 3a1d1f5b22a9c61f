// How long writes stop when the leader is killed, and when it is paused.
//
// Starts an ensemble of its own (default configuration, sync on) and two clients, each with one write in flight at a
// time, about a thousand a second: one connected to a server that survives, one to the leader. In every trial the
// leader gets SIGKILL (or SIGSTOP); the figure is the longest time between two acknowledged writes of a client around
// that moment. A write that was in flight is sent again under its number by the client library, as for any application.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "coordinator/base/random.h"
#include "coordinator/client/blocking.h"
#include "coordinator/client/server_list.h"
#include "tests/support/real_cluster.h"

namespace synod::testing {
namespace {

using Clock = std::chrono::steady_clock;
using client::BlockingClient;
using client::ClientOptions;

constexpr auto kPeriod = std::chrono::milliseconds(1);
constexpr absl::Duration kPatience = absl::Seconds(60);

double Milliseconds(Clock::duration d) { return std::chrono::duration<double, std::milli>(d).count(); }

// A seed with which the client library tries server `first` before the others.
uint64_t SeedForFirst(size_t servers, size_t first) {
  for (uint64_t seed = 1;; ++seed) {
    Random random(seed);
    if (client::ServerRotation(servers, random).Next() == first) return seed;
  }
}

// Writes one node, one write at a time, and remembers when each was acknowledged. Its own thread.
class Writer {
 public:
  Writer(const RealCluster& cluster, int server, std::string path) : path_(std::move(path)) {
    ClientOptions options;
    options.servers = absl::StrJoin(cluster.grpc_addresses(), ",");
    options.seed = SeedForFirst(static_cast<size_t>(cluster.size()), static_cast<size_t>(server - 1));
    auto made = BlockingClient::Create(std::move(options));
    SYNOD_CHECK(made.ok()) << made.status();
    client_ = *std::move(made);
    thread_ = std::thread([this] { Run(); });
  }
  ~Writer() {
    stop_ = true;
    thread_.join();
    client_->Close();
  }

  // Waits for `n` more acknowledged writes; false: not within kPatience.
  bool WaitForWrites(size_t n) {
    const size_t wanted = count() + n;
    const absl::Time deadline = absl::Now() + kPatience;
    while (count() < wanted && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(1));
    return count() >= wanted;
  }
  // The longest time between neighbouring acknowledgements of which the later one came after `from`.
  Clock::duration LongestGapSince(Clock::time_point from) {
    std::lock_guard lock(mutex_);
    Clock::duration longest{};
    for (size_t i = 1; i < acknowledged_.size(); ++i) {
      if (acknowledged_[i] > from) longest = std::max(longest, acknowledged_[i] - acknowledged_[i - 1]);
    }
    return longest;
  }

 private:
  size_t count() {
    std::lock_guard lock(mutex_);
    return acknowledged_.size();
  }
  void Run() {
    const std::string data(100, 'x');
    client_->Create(path_, data);  // there already from an earlier trial, or made now
    while (!stop_) {
      const auto started = Clock::now();
      const auto set = client_->Set(path_, data);
      if (set.ok()) {
        std::lock_guard lock(mutex_);
        acknowledged_.push_back(Clock::now());
      } else {
        std::fprintf(stderr, "a write failed: %s\n", set.error().ToString().c_str());
        absl::SleepFor(absl::Milliseconds(10));
      }
      std::this_thread::sleep_until(started + kPeriod);
    }
  }

  const std::string path_;
  std::unique_ptr<BlockingClient> client_;
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::vector<Clock::time_point> acknowledged_;  // guarded by mutex_
  std::thread thread_;
};

struct Gaps {
  std::vector<double> survivor;  // ms, one per trial
  std::vector<double> victim;
};

// One trial; false: the ensemble did not come back.
bool RunTrial(RealCluster& cluster, bool pause, Gaps& gaps) {
  const auto leader = cluster.WaitLeader(kPatience);
  if (!leader.ok() || !cluster.WaitReady(kPatience).ok()) return false;
  const int survivor = *leader == 1 ? 2 : 1;
  Writer at_survivor(cluster, survivor, "/survivor");
  Writer at_victim(cluster, *leader, "/victim");
  if (!at_survivor.WaitForWrites(200) || !at_victim.WaitForWrites(200)) return false;

  const auto fault = Clock::now();
  if (pause) {
    cluster.Pause(*leader);
  } else {
    cluster.Kill(*leader);
  }
  const bool back = at_survivor.WaitForWrites(300) && at_victim.WaitForWrites(300);
  gaps.survivor.push_back(Milliseconds(at_survivor.LongestGapSince(fault)));
  gaps.victim.push_back(Milliseconds(at_victim.LongestGapSince(fault)));
  const auto next = cluster.WaitLeader(kPatience);
  std::printf("  server %d %s, server %d leads next: %7.1f ms at server %d, %7.1f ms at the leader's client\n", *leader,
              pause ? "paused" : "killed", next.value_or(0), gaps.survivor.back(), survivor, gaps.victim.back());
  std::fflush(stdout);
  if (pause) {
    cluster.Resume(*leader);
    return back;
  }
  return back && cluster.StartServer(*leader).ok();
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return n == 0 ? 0 : (values[(n - 1) / 2] + values[n / 2]) / 2;
}

bool RunTrials(RealCluster& cluster, bool pause, int trials) {
  if (trials == 0) return true;
  std::printf("%s of the leader, %d times:\n", pause ? "SIGSTOP" : "kill -9", trials);
  Gaps gaps;
  for (int i = 0; i < trials; ++i) {
    if (!RunTrial(cluster, pause, gaps)) {
      cluster.Keep();
      std::fprintf(stderr, "the ensemble does not serve; see %s\n", cluster.directory().c_str());
      return false;
    }
  }
  std::printf("median longest write gap after %s: %.1f ms at a survivor's client, %.1f ms at the leader's client\n",
              pause ? "SIGSTOP" : "kill -9", Median(gaps.survivor), Median(gaps.victim));
  return true;
}

int Main(int argc, char** argv) {
  CLI::App app{"The longest write gap after the leader is killed and after it is paused."};
  int servers = 3, kills = 10, stops = 10;
  app.add_option("--servers", servers, "Size of the ensemble")->check(CLI::Range(3, 9))->capture_default_str();
  app.add_option("--kills", kills, "Trials with SIGKILL")->check(CLI::NonNegativeNumber)->capture_default_str();
  app.add_option("--stops", stops, "Trials with SIGSTOP")->check(CLI::NonNegativeNumber)->capture_default_str();
  std::vector<std::string> config;
  app.add_option("--config", config, "A line for every zoo.cfg");
  CLI11_PARSE(app, argc, argv);
  auto cluster = RealCluster::Start({.servers = servers, .config = config});
  if (!cluster.ok()) {
    std::fprintf(stderr, "%s\n", cluster.status().ToString().c_str());
    return 1;
  }
  return RunTrials(**cluster, false, kills) && RunTrials(**cluster, true, stops) ? 0 : 1;
}

}  // namespace
}  // namespace synod::testing

int main(int argc, char** argv) { return synod::testing::Main(argc, argv); }

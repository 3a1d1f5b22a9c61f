#include "tests/chaos/chaos_fixture.h"

#include <fstream>
#include <iostream>

#include "absl/strings/str_cat.h"

namespace synod::testing {

void Chaos::StartCluster(int servers, std::vector<std::string> config) {
  auto cluster = RealCluster::Start({.servers = servers, .config = std::move(config)});
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  cluster_ = *std::move(cluster);
  ASSERT_TRUE(cluster_->WaitReady(kPatience).ok());
}

void Chaos::StartLoad() {
  WorkloadOptions options;
  options.servers = cluster_->grpc_addresses();
  load_ = std::make_unique<RegisterWorkload>(options);
  for (int i = 0; i < options.registers; ++i) set_only_keys_.push_back(absl::StrCat("/chaos/r", i));
  const absl::Status started = load_->Start();
  ASSERT_TRUE(started.ok()) << started;
  Breathe();
}

int Chaos::Leader() {
  const absl::StatusOr<int> leader = cluster_->WaitLeader(kPatience);
  EXPECT_TRUE(leader.ok()) << leader.status();
  return leader.value_or(0);
}

int Chaos::Follower() {
  const int leader = Leader();
  for (int id : cluster_->ids()) {
    if (id != leader && cluster_->Running(id)) return id;
  }
  return 0;
}

void Chaos::Breathe(int writes) {
  const absl::Status served = load_->WaitForWrites(writes, kPatience);
  ASSERT_TRUE(served.ok()) << served;
}

void Chaos::FinishAndJudge() {
  for (int id : cluster_->ids()) {
    cluster_->Resume(id);
    if (cluster_->Running(id)) continue;
    const absl::Status started = cluster_->StartServer(id);
    ASSERT_TRUE(started.ok()) << started;
  }
  const absl::Status ready = cluster_->WaitReady(kPatience);
  ASSERT_TRUE(ready.ok()) << ready;
  Breathe();
  const absl::Status stopped = load_->Stop();
  ASSERT_TRUE(stopped.ok()) << stopped;

  const LinearizabilityResult result = CheckLinearizable(load_->history());
  EXPECT_EQ(result.verdict, LinearizabilityResult::Verdict::kLinearizable) << result.explanation;
  EXPECT_EQ(AccountForWrites(load_->history(), set_only_keys_), "");
  const auto digest = cluster_->WaitEqualDigests(cluster_->ids(), kPatience);
  EXPECT_TRUE(digest.ok()) << digest.status();
  // A fault between two writes shows nothing.
  EXPECT_GE(load_->hits() * 2, load_->faults()) << "too few faults hit a write in flight";
  std::cout << "operations " << load_->history().size() << ", faults " << load_->faults()
            << ", of them with writes in flight " << load_->hits() << ", longest write gap " << load_->LongestWriteGap()
            << std::endl;
}

void Chaos::TearDown() {
  if (HasFailure() && cluster_ != nullptr) {
    cluster_->Keep();
    if (load_ != nullptr) std::ofstream(cluster_->directory() + "/history.txt") << FormatHistory(load_->history());
    std::cout << "servers' logs, data and the history are kept in " << cluster_->directory() << std::endl;
  }
  // Clients first: their threads wait for servers that end.
  load_.reset();
  cluster_.reset();
}

}  // namespace synod::testing

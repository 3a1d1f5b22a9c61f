// A minority knows that it is one.
#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>

#include "absl/time/clock.h"
#include "tests/chaos/chaos_fixture.h"

namespace synod::testing {
namespace {

using client::ReadStrength;
using client::SessionState;

// What a session went through; written by the client's thread.
class States {
 public:
  void Add(SessionState state) {
    std::lock_guard lock(mutex_);
    states_.push_back(state);
  }
  bool Contains(SessionState state) const {
    std::lock_guard lock(mutex_);
    return std::find(states_.begin(), states_.end(), state) != states_.end();
  }

 private:
  mutable std::mutex mutex_;
  std::vector<SessionState> states_;
};

TEST_F(Chaos, MinorityRefusesWritesAndLinearizableReadsAndStopsAnsweringPings) {  // S6, S7, L9, W1
  ASSERT_NO_FATAL_FAILURE(StartCluster(3, {"minSessionTimeout=1000"}));
  const int leader = Leader();
  ASSERT_NE(leader, 0);
  const int left = Follower();

  States states;
  client::ClientOptions session;
  session.servers = cluster_->grpc_address(left);
  session.session_timeout = absl::Seconds(3);
  session.request_timeout = absl::Seconds(10);
  session.on_session = [&states](SessionState state) { states.Add(state); };
  auto holder = client::BlockingClient::Create(std::move(session));
  ASSERT_TRUE(holder.ok());
  ASSERT_TRUE((*holder)->Create("/kept", std::string("before")).ok());
  ASSERT_TRUE((*holder)->async().HoldsSession());

  std::vector<int> others = cluster_->ids();
  others.erase(std::remove(others.begin(), others.end(), left), others.end());
  cluster_->KillTogether(others);
  const absl::Time cut = absl::Now();

  client::ClientOptions unary;
  unary.servers = cluster_->grpc_address(left);
  unary.session = false;
  unary.request_timeout = absl::Seconds(3);
  auto probe = client::BlockingClient::Create(std::move(unary));
  ASSERT_TRUE(probe.ok());
  const auto set = (*probe)->Set("/kept", std::string("after"));
  EXPECT_FALSE(set.ok()) << "a minority acknowledged a write";
  const auto linearizable = (*probe)->Get("/kept", ReadStrength::kLinearizable);
  EXPECT_FALSE(linearizable.ok()) << "a minority answered a linearizable read";
  const auto local = (*probe)->Get("/kept", ReadStrength::kLocal);
  ASSERT_TRUE(local.ok()) << local.error().ToString();
  EXPECT_EQ(local->data, "before");
  EXPECT_GT(local->age_ms, 0u);

  // No ping is answered any more, so the holder knows in time that the others may soon give its place to somebody else.
  while (!states.Contains(SessionState::kLost) && absl::Now() < cut + absl::Seconds(6))
    absl::SleepFor(absl::Milliseconds(10));
  EXPECT_TRUE(states.Contains(SessionState::kLost));
  EXPECT_FALSE((*holder)->async().HoldsSession());
  EXPECT_FALSE(cluster_->Ready(left));

  // With the others back it serves again.
  for (int id : others) ASSERT_TRUE(cluster_->StartServer(id).ok());
  ASSERT_TRUE(cluster_->WaitReady(kPatience).ok());
  const auto again = (*probe)->Set("/kept", std::string("again"));
  EXPECT_TRUE(again.ok()) << again.error().ToString();
}

}  // namespace
}  // namespace synod::testing

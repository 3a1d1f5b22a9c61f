// Semaphore, barrier, counter.
#include <atomic>
#include <future>
#include <thread>

#include "coordinator/recipes/barrier.h"
#include "coordinator/recipes/counter.h"
#include "coordinator/recipes/semaphore.h"
#include "tests/unit/coordinator/recipes/recipes_fixture.h"

namespace synod::recipes {
namespace {

using client::ErrorCode;
using client::Result;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SharingTest : public Recipes {};

TEST_F(SharingTest, ASemaphoreNeverHasMoreThanNLeasesAndItsTokensRise) {
  auto session = MakeSession();
  constexpr int kThreads = 6, kRounds = 5, kLeases = 2;
  std::atomic<int> holding = 0, most = 0;
  Heard<int64_t> tokens;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      Semaphore lease(session.get(), "/sem", kLeases);
      for (int round = 0; round < kRounds; ++round) {
        const auto token = lease.Acquire(kPatience);
        ASSERT_TRUE(token.ok()) << token.error().ToString();
        EXPECT_TRUE(lease.held());
        const int now = ++holding;
        for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
        }
        tokens.Add(*token);
        EXPECT_LE(Children("/sem/leases").size(), static_cast<size_t>(kLeases));
        --holding;
        lease.Release();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_LE(most, kLeases);
  std::vector<int64_t> all = tokens.all();
  EXPECT_THAT(all, SizeIs(kThreads * kRounds));
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end()) << "two leases with one token";
}

TEST_F(SharingTest, ALeaseTakenEarlierHasTheSmallerToken) {
  auto session = MakeSession();
  Semaphore a(session.get(), "/sem", 2), b(session.get(), "/sem", 2), c(session.get(), "/sem", 2);
  const auto first = a.Acquire(kPatience), second = b.Acquire(kPatience);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_LT(*first, *second);
  EXPECT_EQ(c.Acquire(absl::Milliseconds(20)).error().code, ErrorCode::kTimeout);
  Settle(session.get());
  EXPECT_THAT(Children("/sem/queue"), IsEmpty());
  a.Release();
  EXPECT_GT(*c.Acquire(kPatience), *second);
}

TEST_F(SharingTest, ASemaphoreAskedForWithAnotherNumberIsRefused) {
  auto session = MakeSession();
  Semaphore two(session.get(), "/sem", 2), three(session.get(), "/sem", 3);
  ASSERT_TRUE(two.Acquire(kPatience).ok());
  EXPECT_EQ(three.Acquire(kPatience).error().code, ErrorCode::kBadArguments);
  Settle(session.get());
  EXPECT_THAT(Children("/sem/queue"), IsEmpty());
}

TEST_F(SharingTest, ALeaseThatSomebodyDeletesIsALoss) {
  auto session = MakeSession();
  Heard<Loss> losses;
  Semaphore lease(session.get(), "/sem", 1, {.on_loss = [&](Loss loss) { losses.Add(loss); }});
  ASSERT_TRUE(lease.Acquire(kPatience).ok());
  DeleteNode("/sem/leases/" + Children("/sem/leases")[0]);
  ASSERT_TRUE(losses.WaitForCount(1));
  EXPECT_FALSE(lease.held());
  EXPECT_TRUE(lease.Acquire(kPatience).ok());
}

TEST_F(SharingTest, ASemaphoreIsGivenUpByTheClientsClockAndGoesOnAfterAnExpiry) {  // S7
  auto session = MakeSession(absl::Milliseconds(600));
  Heard<Loss> losses;
  Semaphore lease(session.get(), "/sem", 1, {.on_loss = [&](Loss loss) { losses.Add(loss); }});
  ASSERT_TRUE(lease.Acquire(kPatience).ok());
  for (auto& server : servers_) server->Refuse({grpc::StatusCode::UNAVAILABLE, "no quorum"});
  RestartServers();
  ASSERT_TRUE(losses.WaitForCount(1));
  EXPECT_FALSE(lease.held());
  EXPECT_THAT(losses.all(), ElementsAre(Loss::kSessionLost));
  for (auto& server : servers_) server->Refuse(grpc::Status::OK);
  EXPECT_TRUE(lease.Acquire(kPatience).ok());
}

TEST_F(SharingTest, NobodyPassesABarrierBeforeAllEnteredNorLeavesBeforeAllLeaveRoundAfterRound) {
  auto session = MakeSession();
  constexpr int kMembers = 3, kRounds = 4;
  std::atomic<int> entered[kRounds] = {}, leaving[kRounds] = {};
  std::vector<std::thread> threads;
  for (int i = 0; i < kMembers; ++i) {
    threads.emplace_back([&] {
      Barrier barrier(session.get(), "/barrier", kMembers);
      for (int round = 0; round < kRounds; ++round) {
        ++entered[round];
        const auto in = barrier.Enter(kPatience);
        ASSERT_TRUE(in.ok()) << in.error().ToString();
        EXPECT_EQ(entered[round], kMembers);
        ++leaving[round];
        const auto out = barrier.Leave(kPatience);
        ASSERT_TRUE(out.ok()) << out.error().ToString();
        EXPECT_EQ(leaving[round], kMembers);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  Settle(session.get());
  EXPECT_THAT(Children("/barrier/members"), IsEmpty());
}

TEST_F(SharingTest, AMemberThatGivesUpOrDiesBeforeTheRoundIsNotCounted) {
  auto session = MakeSession();
  Barrier late(session.get(), "/barrier", 2);
  EXPECT_EQ(late.Enter(absl::Milliseconds(20)).error().code, ErrorCode::kTimeout);
  {
    Barrier dying(session.get(), "/barrier", 2);
    EXPECT_EQ(dying.Enter(absl::Milliseconds(20)).error().code, ErrorCode::kTimeout);
  }
  EXPECT_EQ(late.Enter(absl::Milliseconds(20)).error().code, ErrorCode::kTimeout);
  Settle(session.get());
  EXPECT_THAT(Children("/barrier/members"), IsEmpty());
  EXPECT_EQ(late.Leave().error().code, ErrorCode::kBadArguments);
}

TEST_F(SharingTest, AMemberWhoseNodeIsDeletedOrWhoseSessionExpiresIsToldSo) {
  auto session = MakeSession();
  for (const bool expire : {false, true}) {
    std::promise<Result<int64_t>> answer;
    std::thread thread([&] {
      Barrier barrier(session.get(), "/barrier", 2);
      answer.set_value(barrier.Enter(kPatience));
    });
    {
      std::unique_lock lock(state_->mutex);
      state_->watch_set.wait(lock, [&] { return !state_->ChildrenOf("/barrier/members").empty(); });
    }
    if (expire) {
      ExpireAllSessions();
    } else {
      DeleteNode("/barrier/members/" + Children("/barrier/members")[0]);
    }
    const auto result = answer.get_future().get();
    thread.join();
    ASSERT_FALSE(result.ok());
    // At an expiry the end of the node may be heard of first.
    if (!expire) {
      EXPECT_EQ(result.error().code, ErrorCode::kNoNode);
    }
  }
}

TEST_F(SharingTest, EachAdditionCountsOnceAlsoWhileConnectionsBreak) {  // S2
  auto session = MakeSession();
  constexpr int kThreads = 4, kAdds = 25;
  std::vector<std::thread> threads;
  Heard<int64_t> sums;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      Counter counter(session.get(), "/made/counter");
      for (int n = 0; n < kAdds; ++n) {
        const auto sum = counter.Add(1, kPatience);
        ASSERT_TRUE(sum.ok()) << sum.error().ToString();
        sums.Add(*sum);
      }
    });
  }
  for (size_t count : {20u, 50u, 80u}) {
    ASSERT_TRUE(sums.WaitForCount(count));
    RestartServers();
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(*Counter(session.get(), "/made/counter").Get(), kThreads * kAdds);
  std::vector<int64_t> all = sums.all();
  std::sort(all.begin(), all.end());
  for (int i = 0; i < kThreads * kAdds; ++i) ASSERT_EQ(all[static_cast<size_t>(i)], i + 1);
}

TEST_F(SharingTest, ACounterRefusesWhatIsNoNumberAndWhatDoesNotFit) {
  auto session = MakeSession();
  Counter counter(session.get(), "/c");
  EXPECT_EQ(*counter.Get(), 0);
  EXPECT_EQ(*counter.Add(INT64_MAX), INT64_MAX);
  EXPECT_EQ(counter.Add(1).error().code, ErrorCode::kBadArguments);
  EXPECT_EQ(*counter.Add(-5), INT64_MAX - 5);
  std::promise<void> set;
  session->client()->Set("/c", "x", -1, [&](const auto&) { set.set_value(); });
  set.get_future().get();
  EXPECT_EQ(counter.Add(1).error().code, ErrorCode::kBadArguments);
  EXPECT_EQ(counter.Get().error().code, ErrorCode::kBadArguments);
}

}  // namespace
}  // namespace synod::recipes

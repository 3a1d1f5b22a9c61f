// The recipes' rules over real servers that are killed, and holders that die, stop, or are cut off.
#include <gmock/gmock.h>
#include <signal.h>

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "coordinator/recipes/barrier.h"
#include "coordinator/recipes/counter.h"
#include "coordinator/recipes/leader_latch.h"
#include "coordinator/recipes/lock.h"
#include "coordinator/recipes/persistent_ephemeral.h"
#include "coordinator/recipes/queue.h"
#include "coordinator/recipes/read_write_lock.h"
#include "coordinator/recipes/semaphore.h"
#include "coordinator/recipes/tree_cache.h"
#include "tests/chaos/recipes_fixture.h"
#include "tests/support/eventually.h"

namespace synod::testing {
namespace {

using client::Result;
using recipes::Loss;
using recipes::Session;

// Threads that go on until told to stop, and are waited for.
class Crew {
 public:
  ~Crew() { Stop(); }
  void Add(std::function<void()> step) {
    threads_.emplace_back([this, step = std::move(step)] {
      while (!stop_) step();
    });
  }
  void Stop() {
    stop_ = true;
    for (auto& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  std::atomic<bool> stop_ = false;
  std::vector<std::thread> threads_;
};

TEST_F(RecipeChaos, OneHolderAtATimeAndRisingTokensWhileServersAndTheLeaderAreKilled) {  // S7, L7
  ASSERT_NO_FATAL_FAILURE(StartServers());
  constexpr int kHolders = 4;
  std::vector<std::unique_ptr<Session>> sessions;
  std::vector<std::unique_ptr<Believer>> believers;
  std::vector<const Believer*> watched;
  for (int i = 0; i < kHolders; ++i) {
    sessions.push_back(Connect());
    believers.push_back(std::make_unique<Believer>(std::make_unique<recipes::Lock>(sessions.back().get(), "/lock")));
    watched.push_back(believers.back().get());
  }
  BeliefSampler sampler(watched);
  GrantOrder order;
  Crew crew;
  for (auto& believer : believers) {
    crew.Add([&order, holder = believer.get()] {
      const Result<int64_t> token = holder->Acquire();
      if (!token.ok()) return;  // the session was lost: again
      order.Add(*holder, *token);
      absl::SleepFor(absl::Milliseconds(2));
      holder->Release();
    });
  }
  KillServersInTurn([&] { return static_cast<int>(order.size()); });
  crew.Stop();
  sampler.Stop();
  EXPECT_GT(order.ExpectRising(), 10u);
  EXPECT_EQ(sampler.most(), 1);
}

TEST_F(RecipeChaos, AWriterIsAloneAndReadersAreNotWhileServersAreKilled) {
  ASSERT_NO_FATAL_FAILURE(StartServers());
  std::vector<std::unique_ptr<Session>> sessions;
  std::vector<std::unique_ptr<Believer>> believers;
  std::vector<const Believer*> readers, writers;
  for (int i = 0; i < 5; ++i) {
    sessions.push_back(Connect());
    std::unique_ptr<recipes::Holder> lock;
    if (i < 3) {
      lock = std::make_unique<recipes::ReadLock>(sessions.back().get(), "/rw");
    } else {
      lock = std::make_unique<recipes::WriteLock>(sessions.back().get(), "/rw");
    }
    believers.push_back(std::make_unique<Believer>(std::move(lock)));
    (i < 3 ? readers : writers).push_back(believers.back().get());
  }
  // Each reader together with all writers: no two of those ever.
  std::vector<std::unique_ptr<BeliefSampler>> samplers;
  for (const Believer* reader : readers) {
    std::vector<const Believer*> exclusive = writers;
    exclusive.push_back(reader);
    samplers.push_back(std::make_unique<BeliefSampler>(exclusive));
  }
  BeliefSampler reading(readers);
  std::atomic<int> grants = 0;
  Crew crew;
  for (auto& believer : believers) {
    crew.Add([&grants, holder = believer.get()] {
      if (!holder->Acquire().ok()) return;
      ++grants;
      absl::SleepFor(absl::Milliseconds(5));
      holder->Release();
    });
  }
  KillServersInTurn([&] { return grants.load(); });
  crew.Stop();
  for (auto& sampler : samplers) {
    sampler->Stop();
    EXPECT_EQ(sampler->most(), 1);
  }
  EXPECT_GT(reading.most(), 1);
}

TEST_F(RecipeChaos, TheLockOfAKilledProcessPassesOnWithAHigherToken) {
  ASSERT_NO_FATAL_FAILURE(StartServers());
  auto session = Connect();
  recipes::Lock next(session.get(), "/lock");
  int64_t highest = 0;
  for (int round = 0; round < 2; ++round) {
    HolderProcess holder(Servers(), "/lock", absl::Milliseconds(1000));
    const int64_t token = holder.WaitForToken();
    ASSERT_GT(token, highest);
    EXPECT_TRUE(holder.Believes());
    EXPECT_FALSE(next.Acquire(absl::Milliseconds(50)).ok());
    holder.Signal(SIGKILL);
    const Result<int64_t> mine = next.Acquire(kPatience);
    ASSERT_TRUE(mine.ok()) << mine.error().ToString();
    EXPECT_GT(*mine, token);
    highest = *mine;
    next.Release();
  }
}

TEST_F(RecipeChaos, AStoppedProcessThatWakesDoesNotBelieveInTheLockThatAnotherHas) {  // S7
  ASSERT_NO_FATAL_FAILURE(StartServers());
  HolderProcess holder(Servers(), "/lock", absl::Milliseconds(1000));
  const int64_t token = holder.WaitForToken();
  ASSERT_GT(token, 0);
  ASSERT_TRUE(holder.Believes());
  auto session = Connect();
  recipes::Lock next(session.get(), "/lock");
  holder.Signal(SIGSTOP);
  const Result<int64_t> mine = next.Acquire(kPatience);
  holder.Signal(SIGCONT);
  ASSERT_TRUE(mine.ok()) << mine.error().ToString();
  EXPECT_FALSE(holder.Believes());
  EXPECT_TRUE(next.held());
  EXPECT_GT(*mine, token);
}

TEST_F(RecipeChaos, WithoutAQuorumTheHolderStopsByItsOwnClockAndHoldsAgainWithAHigherToken) {  // S6, S7
  ASSERT_NO_FATAL_FAILURE(StartServers());
  auto session = Connect(absl::Milliseconds(1500));
  std::atomic<int> losses = 0;
  recipes::Lock lock(session.get(), "/lock", {.on_loss = [&](Loss loss) {
                       EXPECT_EQ(loss, Loss::kSessionLost);
                       ++losses;
                     }});
  const Result<int64_t> before = lock.Acquire(kPatience);
  ASSERT_TRUE(before.ok());
  const int leader = Leader();
  const int follower = Follower();
  const absl::Time cut = absl::Now();
  cluster_->KillTogether({leader, follower});
  ASSERT_TRUE(Eventually([&] { return !lock.held(); }));
  EXPECT_LT(absl::Now() - cut, absl::Milliseconds(1500)) << "held beyond two thirds of the timeout";
  ASSERT_TRUE(Eventually([&] { return losses == 1; }));
  ASSERT_TRUE(cluster_->StartServer(leader).ok());
  ASSERT_NO_FATAL_FAILURE(Restart(follower));
  Result<int64_t> after = lock.Acquire(kPatience);
  if (!after.ok()) after = lock.Acquire(kPatience);  // the old session's end came in between
  ASSERT_TRUE(after.ok()) << after.error().ToString();
  EXPECT_GT(*after, *before);
}

TEST_F(RecipeChaos, LeadershipSurvivesTheEnsemblesLeaderAndPassesOnWithAHigherEpoch) {
  ASSERT_NO_FATAL_FAILURE(StartServers());
  struct Candidate {
    std::unique_ptr<Session> session;
    std::atomic<int> losses = 0;
    std::unique_ptr<recipes::LeaderLatch> latch;
  };
  Candidate candidates[3];
  for (Candidate& c : candidates) {
    c.session = Connect(absl::Milliseconds(2000));
    c.latch = std::make_unique<recipes::LeaderLatch>(
        c.session.get(), "/election", recipes::LatchOptions{.data = "", .on_loss = [&c](Loss) { ++c.losses; }});
    c.latch->Campaign();
    if (&c == &candidates[0]) {
      ASSERT_TRUE(c.latch->WaitUntilLeading(kPatience).ok());
    }
  }
  const int64_t first = candidates[0].latch->epoch();
  const int leader = Leader();
  cluster_->Kill(leader);
  ASSERT_TRUE(cluster_->WaitLeader(kPatience).ok());
  ASSERT_NO_FATAL_FAILURE(Restart(leader));
  // Unless the machine was too slow for the session, and then it was told.
  EXPECT_EQ(candidates[0].latch->epoch() == first, candidates[0].losses == 0);
  int64_t highest = 0;
  for (int i = 0; i < 2; ++i) {
    auto leading = [&]() -> Candidate* {
      for (Candidate& c : candidates) {
        if (c.latch != nullptr && c.latch->leading()) return &c;
      }
      return nullptr;
    };
    Candidate* now = nullptr;
    ASSERT_TRUE(Eventually([&] { return (now = leading()) != nullptr; }));
    const int64_t epoch = now->latch->epoch();
    EXPECT_GT(epoch, highest);
    highest = epoch;
    now->session->Close([](const auto&) {});
    ASSERT_TRUE(Eventually([&] { return !now->latch->leading(); }));
    now->latch.reset();
  }
  ASSERT_TRUE(Eventually([&] {
    return std::any_of(std::begin(candidates), std::end(candidates), [&](const Candidate& c) {
      return c.latch != nullptr && c.latch->leading() && c.latch->epoch() > highest;
    });
  }));
}

TEST_F(RecipeChaos, NeverMoreThanNLeasesAreHeldWhileServersAreKilled) {
  ASSERT_NO_FATAL_FAILURE(StartServers());
  constexpr int kHolders = 5, kLeases = 2;
  std::vector<std::unique_ptr<Session>> sessions;
  std::vector<std::unique_ptr<Believer>> believers;
  std::vector<const Believer*> watched;
  for (int i = 0; i < kHolders; ++i) {
    sessions.push_back(Connect());
    believers.push_back(
        std::make_unique<Believer>(std::make_unique<recipes::Semaphore>(sessions.back().get(), "/sem", kLeases)));
    watched.push_back(believers.back().get());
  }
  BeliefSampler sampler(watched);
  std::mutex mutex;
  std::set<int64_t> tokens;
  std::atomic<int> grants = 0;
  Crew crew;
  for (auto& believer : believers) {
    crew.Add([&, holder = believer.get()] {
      const Result<int64_t> token = holder->Acquire();
      if (!token.ok()) return;
      ++grants;
      {
        std::lock_guard lock(mutex);
        EXPECT_TRUE(tokens.insert(*token).second) << "two leases with one token";
      }
      absl::SleepFor(absl::Milliseconds(5));
      holder->Release();
    });
  }
  KillServersInTurn([&] { return grants.load(); });
  crew.Stop();
  sampler.Stop();
  EXPECT_EQ(sampler.most(), kLeases);
}

TEST_F(RecipeChaos, EveryAdditionCountsOnceWhileServersAreKilled) {  // S2
  ASSERT_NO_FATAL_FAILURE(StartServers());
  std::vector<std::unique_ptr<Session>> sessions;
  std::mutex mutex;
  std::set<int64_t> sums;
  std::atomic<int> added = 0, unknown = 0;
  Crew crew;
  for (int i = 0; i < 3; ++i) {
    sessions.push_back(Connect(absl::Seconds(20)));
    crew.Add([&, session = sessions.back().get()] {
      const Result<int64_t> sum = recipes::Counter(session, "/counter").Add(1);
      if (!sum.ok()) {
        if (sum.error().effect == client::Effect::kMayHaveBeenDone) ++unknown;
        return;
      }
      ++added;
      std::lock_guard lock(mutex);
      EXPECT_TRUE(sums.insert(*sum).second) << "one value for two additions";
    });
  }
  KillServersInTurn([&] { return added.load(); });
  crew.Stop();
  EXPECT_EQ(unknown, 0);
  EXPECT_EQ(*recipes::Counter(sessions[0].get(), "/counter").Get(), added);
}

TEST_F(RecipeChaos, QueueItemsAreNeitherLostNorCompletedTwiceWhileServersAndTakersDie) {  // S2
  ASSERT_NO_FATAL_FAILURE(StartServers());
  auto session = Connect(absl::Seconds(20));
  std::mutex mutex;
  std::map<std::string, int> completed;
  std::atomic<int> done = 0, put = 0, unknown = 0;
  std::set<std::string> ids;
  std::unique_ptr<Session> sessions[3];
  Crew takers, putters;
  for (auto& own : sessions) {
    own = Connect(absl::Seconds(3));
    takers.Add([&, own = &own, turn = 0]() mutable {
      recipes::Queue queue(own->get(), "/queue");
      const auto item = queue.Take(absl::Seconds(1));
      if (!item.ok()) return;
      if (++turn % 7 == 0) {
        *own = Connect(absl::Seconds(3));  // dies with the item in its hands
        return;
      }
      const auto result = queue.Complete(*item);
      if (!result.ok()) {
        if (result.error().effect == client::Effect::kMayHaveBeenDone) ++unknown;
        return;
      }
      ++done;
      std::lock_guard lock(mutex);
      ++completed[item->id];
    });
  }
  putters.Add([&] {
    const auto id = recipes::Queue(session.get(), "/queue").Put("work");
    ASSERT_TRUE(id.ok()) << id.error().ToString();
    ids.insert(*id);
    ++put;
    // Not much faster than the takers.
    Eventually([&] { return put - done - unknown < 30; });
  });
  KillServersInTurn([&] { return done.load(); });
  putters.Stop();
  ASSERT_TRUE(Eventually([&] { return done + unknown >= put; })) << done << " of " << put;
  takers.Stop();
  EXPECT_GE(completed.size() + static_cast<size_t>(unknown), ids.size());
  for (const auto& [id, times] : completed) {
    EXPECT_EQ(times, 1) << id;
    EXPECT_EQ(ids.count(id), 1u) << id;
  }
}

TEST_F(RecipeChaos, RoundsOfABarrierStayTogetherWhileServersAreKilled) {
  ASSERT_NO_FATAL_FAILURE(StartServers());
  constexpr int kMembers = 3, kRounds = 60;
  std::vector<std::unique_ptr<Session>> sessions;
  for (int i = 0; i < kMembers; ++i) sessions.push_back(Connect(absl::Seconds(20)));
  std::vector<std::atomic<int>> entered(kRounds), leaving(kRounds);
  std::atomic<int> rounds = 0;
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (auto& session : sessions) {
    threads.emplace_back([&, session = session.get()] {
      recipes::Barrier barrier(session, "/barrier", kMembers);
      for (int round = 0; round < kRounds; ++round) {
        ++entered[round];
        const auto in = barrier.Enter(kPatience);
        ASSERT_TRUE(in.ok()) << in.error().ToString();
        ASSERT_EQ(entered[round], kMembers);
        ++leaving[round];
        const auto out = barrier.Leave(kPatience);
        ASSERT_TRUE(out.ok()) << out.error().ToString();
        ASSERT_EQ(leaving[round], kMembers);
        ++rounds;
        if (!stop) absl::SleepFor(absl::Milliseconds(20));
      }
    });
  }
  AwaitProgress([&] { return rounds.load(); }, 5);
  const int leader = Leader();
  cluster_->Kill(leader);
  AwaitProgress([&] { return rounds.load(); }, 5);
  Restart(leader);
  stop = true;
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(rounds, kMembers * kRounds);
}

TEST_F(RecipeChaos, ACacheConvergesAfterItsServerWasKilled) {  // W3
  ASSERT_NO_FATAL_FAILURE(StartServers());
  auto session = Connect(absl::Seconds(20));
  auto writing = Connect(absl::Seconds(20));
  std::atomic<int> written = 0;
  std::atomic<int> failed = 0;
  const auto count = [&](const auto& result) {
    if (!result.ok()) ++failed;
    ++written;
  };
  writing->client()->Create("/tree", "", client::CreateMode::kPersistent, count);
  recipes::TreeCache cache(session.get(), "/tree");
  ASSERT_TRUE(cache.WaitUntilInitialised(kPatience));
  // Keeps making, changing and deleting until every server has been killed once.
  Crew crew;
  crew.Add([&, n = 0]() mutable {
    const std::string path = absl::StrCat("/tree/", n % 10);
    const auto client = writing->client();
    const int before = written;
    if (n / 10 % 3 == 0) client->Create(path, absl::StrCat(n), client::CreateMode::kPersistent, count);
    if (n / 10 % 3 == 1) client->Set(path, absl::StrCat(n), -1, count);
    if (n / 10 % 3 == 2) client->Delete(path, -1, count);
    ++n;
    Eventually([&] { return written > before; });
  });
  KillServersInTurn([&] { return written.load(); });
  crew.Stop();
  EXPECT_EQ(failed, 0);
  // What another session reads is what the cache comes to.
  auto reading = Connect();
  recipes::TreeCache fresh(reading.get(), "/tree");
  ASSERT_TRUE(fresh.WaitUntilInitialised(kPatience));
  const auto same = [&] {
    const auto a = cache.All(), b = fresh.All();
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
      return x.first == y.first && x.second.data == y.second.data && x.second.stat.mzxid == y.second.stat.mzxid;
    });
  };
  EXPECT_TRUE(Eventually(same));
}

TEST_F(RecipeChaos, ARegistrationComesBackAfterAnExpiryAndReplacesItsStalePredecessor) {
  ASSERT_NO_FATAL_FAILURE(StartServers());
  const int follower = Follower();
  // Knows one server only: while that is down, the others end its session.
  auto session = Connect(absl::Milliseconds(600), cluster_->grpc_address(follower));
  recipes::PersistentEphemeral here(session.get(), "/ids/7", {.identity = "seven", .data = "first"});
  const auto first = here.WaitUntilPresent(kPatience);
  ASSERT_TRUE(first.ok()) << first.error().ToString();
  auto observer = Connect(absl::Seconds(20), cluster_->grpc_address(Leader()));
  recipes::NodeCache node(observer.get(), "/ids/7");
  ASSERT_TRUE(node.WaitUntilKnown(kPatience));
  cluster_->Kill(follower);
  ASSERT_TRUE(Eventually([&] { return !node.Get().has_value(); }));
  ASSERT_NO_FATAL_FAILURE(Restart(follower));
  ASSERT_TRUE(Eventually([&] { return node.Get().has_value(); }));
  EXPECT_GT(node.Get()->stat.czxid, *first);
  // A successor of the same identity does not wait for the end of the old session.
  auto successor_session = Connect(absl::Seconds(20));
  recipes::PersistentEphemeral successor(successor_session.get(), "/ids/7", {.identity = "seven", .data = "second"});
  ASSERT_TRUE(successor.WaitUntilPresent(kPatience).ok());
  ASSERT_TRUE(Eventually([&] { return here.presence() == recipes::Presence::kReplaced; }));
  ASSERT_TRUE(Eventually([&] { return node.Get() && node.Get()->data == "seven\nsecond"; }));
}

}  // namespace
}  // namespace synod::testing

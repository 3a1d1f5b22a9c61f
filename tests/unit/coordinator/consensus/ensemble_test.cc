// Rules that show only among several servers and over time.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>

#include "tests/unit/coordinator/consensus/test_server.h"

namespace synod::consensus {
namespace {

// A network that delivers at once, but for cut links, and disks that sync at once.
class Ensemble {
 public:
  explicit Ensemble(uint32_t count) {
    std::vector<uint32_t> ids;
    for (uint32_t id = 1; id <= count; ++id) ids.push_back(id);
    for (uint32_t id : ids) {
      CoreConfig config;
      config.self = MakeIdentity(id);
      servers_[id] = std::make_unique<TestServer>(config, &invariants_, id);
      servers_[id]->Found(MakeConfiguration(ids));
      servers_[id]->Start();
    }
  }
  void Cut(uint32_t a, uint32_t b) { cut_.insert({a, b}), cut_.insert({b, a}); }
  void Tick(uint64_t ticks) {
    for (; ticks > 0; --ticks) {
      for (auto& [id, server] : servers_) {
        if (server->running()) server->core().Tick();
        Settle();
      }
    }
  }
  void Settle() {
    for (bool any = true; any;) {
      any = false;
      std::vector<Message> messages;
      for (auto& [id, server] : servers_) {
        while (server->running() && server->core().HasOutput()) {
          Output out = server->Drain();
          any = true;
          if (out.role_change && out.role_change->role == Role::kLeader) ++elections;
          messages.insert(messages.end(), out.messages.begin(), out.messages.end());
        }
        if (server->running() && server->NeedsSync()) server->StartSync(), server->FinishSync(), any = true;
      }
      for (Message& message : messages) {
        uint32_t to = message.to.value();
        if (cut_.contains({message.from.server.value(), to}) || !servers_.contains(to) || !servers_[to]->running())
          continue;
        servers_[to]->core().Step(std::move(message));
      }
    }
    EXPECT_FALSE(invariants_.violation()) << *invariants_.violation();
  }
  TestServer& At(uint32_t id) { return *servers_[id]; }
  uint32_t Leader() {
    for (auto& [id, server] : servers_) {
      if (server->running() && server->core().role() == Role::kLeader) return id;
    }
    return 0;
  }
  uint64_t elections = 0;

 private:
  Invariants invariants_;
  std::map<uint32_t, std::unique_ptr<TestServer>> servers_;
  std::set<std::pair<uint32_t, uint32_t>> cut_;
};

// R15: one link is dead between the leader and a follower; both reach the third. No flapping.
TEST(Ensemble, OneDeadLinkChangesTheLeaderAtMostOnce) {
  Ensemble ensemble(3);
  ensemble.Tick(100);
  uint32_t leader = ensemble.Leader();
  ASSERT_NE(leader, 0u);
  uint64_t before = ensemble.elections;
  ensemble.Cut(leader, leader % 3 + 1);
  ensemble.Tick(2000);
  EXPECT_LE(ensemble.elections, before + 1);
  ASSERT_NE(ensemble.Leader(), 0u);
  EXPECT_EQ(ensemble.At(ensemble.Leader()).core().Propose(EntryType::kCommands, Payload("a")),
            ProposeResult::kAccepted);
  LogIndex last = ensemble.At(ensemble.Leader()).core().last_index();
  ensemble.Tick(10);
  EXPECT_GE(ensemble.At(ensemble.Leader()).core().commit(), last);
}

// R16: a removed server that never learned of it does not disturb the others, however long it tries.
TEST(Ensemble, ARemovedServerDoesNotDisturb) {
  Ensemble ensemble(3);
  ensemble.Tick(100);
  uint32_t leader = ensemble.Leader();
  uint32_t removed = leader % 3 + 1;
  Ensemble& e = ensemble;
  e.Cut(leader, removed);
  MembershipChange change{.kind = MembershipChange::Kind::kRemove, .member = {.identity = MakeIdentity(removed)}};
  ASSERT_EQ(e.At(leader).core().ProposeMembership(change), ProposeResult::kAccepted);
  Term term = e.At(leader).core().term();
  e.Tick(2000);
  EXPECT_EQ(e.At(leader).core().term(), term);
  EXPECT_EQ(e.Leader(), leader);
}

// L10: from the closed connection to a new leader in less than the minimum election timeout, though one follower
// notices late.
TEST(Ensemble, ALeaderLostByDisconnectIsReplacedWithinFewTicks) {
  for (uint32_t count : {3u, 5u}) {
    Ensemble ensemble(count);
    ensemble.Tick(100);
    uint32_t old = ensemble.Leader();
    ensemble.At(old).Crash(0);
    uint64_t ticks = 0;
    uint32_t told = 0;
    while (ensemble.Leader() == 0 && ticks < 1000) {
      // One server a tick notices.
      if (++told == old) ++told;
      if (told <= count) ensemble.At(told).core().PeerDisconnected(ServerId(old));
      ensemble.Tick(1);
      ++ticks;
    }
    EXPECT_LE(ticks, 12u) << count << " servers";
  }
}

// The minority of a partition leads no more, the majority goes on, and afterwards all agree.
TEST(Ensemble, APartitionHealsIntoOneHistory) {
  Ensemble ensemble(5);
  ensemble.Tick(100);
  uint32_t old = ensemble.Leader();
  uint32_t with = old % 5 + 1;
  for (uint32_t other = 1; other <= 5; ++other) {
    if (other == old || other == with) continue;
    ensemble.Cut(old, other);
    ensemble.Cut(with, other);
  }
  for (int i = 0; i < 5; ++i) ensemble.At(old).core().Propose(EntryType::kCommands, Payload("lost"));
  ensemble.Tick(200);
  EXPECT_NE(ensemble.At(old).core().role(), Role::kLeader);
  uint32_t leader = ensemble.Leader();
  ASSERT_NE(leader, 0u);
  EXPECT_EQ(ensemble.At(leader).core().Propose(EntryType::kCommands, Payload("kept")), ProposeResult::kAccepted);
  ensemble.Tick(10);
  for (const Entry& entry : ensemble.At(leader).applied_entries()) EXPECT_NE(*entry.payload, "lost");
}

}  // namespace
}  // namespace synod::consensus

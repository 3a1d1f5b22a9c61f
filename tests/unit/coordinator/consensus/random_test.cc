// Random ensembles: loss, duplication, reordering, partitions, crashes that lose what was not synced, damaged records,
// wiped disks, snapshots, transfers, reads. The invariants are checked after every event; in the end, with faults over,
// everything must work again.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/unit/coordinator/consensus/test_server.h"

namespace synod::consensus {
namespace {

class RandomEnsemble {
 public:
  RandomEnsemble(uint64_t seed, uint32_t count) : random_(seed) {
    std::vector<uint32_t> ids;
    for (uint32_t id = 1; id <= count; ++id) ids.push_back(id);
    for (uint32_t id : ids) {
      CoreConfig config;
      config.self = MakeIdentity(id);
      config.election_ticks_min = 10;
      config.election_ticks_max = 20;
      config.heartbeat_ticks = 3;
      config.append_message_bytes = 200;
      config.append_window_bytes = 600;
      config.log_cache_bytes = 300;
      config.apply_batch_bytes = 200;
      servers_[id] = std::make_unique<TestServer>(config, &invariants_, random_.Next());
      servers_[id]->Found(MakeConfiguration(ids));
      servers_[id]->Start();
    }
  }

  // One random event.
  void Step() {
    uint64_t dice = random_.Below(1000);
    TestServer& server = Any();
    if (dice < 450) {
      DeliverOne();
    } else if (dice < 700) {
      if (server.running()) server.core().Tick();
    } else if (dice < 850) {
      SyncStep(server);
    } else if (dice < 920) {
      Propose(server);
    } else if (dice < 950) {
      Read(server);
    } else {
      Fault(server, random_.Below(100));
    }
    Settle();
  }

  // Faults are over: everybody runs, everything arrives, damage is repaired, the wiped come back. Returns what is
  // wrong, or nothing.
  std::string Recover() {
    cut_.clear();
    for (int round = 0; round < 600; ++round) {
      for (auto& [id, server] : servers_) {
        if (!server->running()) server->Start();
        server->core().Tick();
        Repair(*server);
        SyncStep(*server);
        Settle();
      }
      for (size_t n = network_.size() * 3; n > 0 && !network_.empty(); --n) DeliverOne(true);
      Replace();
      if (round % 20 == 19 && Whole()) return "";
    }
    return "the ensemble did not recover: " + Describe();
  }

  const Invariants& invariants() const { return invariants_; }
  const std::string& broken_read() const { return broken_read_; }
  size_t reads_served() const { return reads_served_; }
  size_t elections() const { return elections_; }

 private:
  TestServer& Any() { return *servers_[1 + static_cast<uint32_t>(random_.Below(servers_.size()))]; }

  void Settle() {
    for (auto& [id, server] : servers_) {
      while (server->running() && server->core().HasOutput()) Take(*server);
      if (server->running()) invariants_.Observe(server->identity(), server->core());
    }
  }

  void Take(TestServer& server) {
    Output output = server.Drain();
    if (output.role_change && output.role_change->role == Role::kLeader) ++elections_;
    for (Message& message : output.messages) network_.push_back(std::move(message));
    for (const ReadReady& read : output.reads) {
      auto asked = reads_.find({server.identity(), read.id});
      if (asked == reads_.end()) {
        broken_read_ = "a read was answered that nobody asked";
        continue;
      }
      // L9: at least everything anybody had applied when the read came.
      if (!read.failed && read.index < asked->second) broken_read_ = "stale read";
      if (!read.failed) ++reads_served_;
      reads_.erase(asked);
    }
    for (ServerId peer : output.need_snapshot) wants_snapshot_.push_back({server.identity().server, peer});
  }

  void DeliverOne(bool reliable = false) {
    if (!wants_snapshot_.empty() && random_.OneIn(3)) return SendSnapshot();
    if (network_.empty()) return;
    size_t pick = random_.OneIn(2) ? 0 : random_.Below(std::min<size_t>(network_.size(), 20));
    Message message = network_[pick];
    bool again = !reliable && random_.OneIn(20);
    if (!again) network_.erase(network_.begin() + static_cast<ptrdiff_t>(pick));
    if (network_.size() > 400) network_.erase(network_.begin(), network_.begin() + 200);
    bool lost = !reliable && random_.OneIn(20);
    if (lost || cut_.contains(message.from.server) || cut_.contains(message.to)) return;
    TestServer& to = *servers_[message.to.value()];
    if (!to.running()) return;
    to.core().Step(std::move(message));
    Settle();
  }

  void SendSnapshot() {
    auto [from, to] = wants_snapshot_.front();
    wants_snapshot_.erase(wants_snapshot_.begin());
    TestServer& sender = *servers_[from.value()];
    TestServer& receiver = *servers_[to.value()];
    bool ok = sender.running() && receiver.running() && !cut_.contains(from) && !cut_.contains(to) &&
              !random_.OneIn(5) && sender.snapshot().index > LogIndex(0);
    if (ok) receiver.Install(sender.snapshot());
    if (sender.running()) sender.core().SnapshotSendEnded(to, ok);
    if (sender.running() && sender.snapshot().index == LogIndex(0)) sender.TakeSnapshot(5);
  }

  void SyncStep(TestServer& server) {
    if (!server.running()) return;
    if (server.SyncInFlight()) {
      server.FinishSync();
    } else if (server.NeedsSync()) {
      server.StartSync();
    }
  }

  void Propose(TestServer& server) {
    if (server.running()) server.core().Propose(EntryType::kCommands, Payload("c" + std::to_string(++proposals_)));
  }

  void Read(TestServer& server) {
    if (server.running()) reads_[{server.identity(), server.core().RequestRead()}] = invariants_.committed();
  }

  void Fault(TestServer& server, uint64_t dice) {
    uint32_t id = server.identity().server.value();
    if (dice < 20) {
      if (server.running()) {
        CrashServer(server);
      } else {
        server.Start();
      }
    } else if (dice < 45) {
      if (!server.running()) server.Start();
    } else if (dice < 55) {
      cut_.insert(ServerId(id));
    } else if (dice < 75) {
      cut_.clear();
    } else if (dice < 80) {
      if (server.running()) server.core().TransferLeadership(ServerId(random_.Below(servers_.size() + 1)));
    } else if (dice < 85) {
      if (server.running()) server.TakeSnapshot(random_.Below(10));
    } else if (dice < 90) {
      DisconnectFrom(server.identity().server);
    } else if (dice < 92) {
      if (server.running()) server.core().OwnDiskStalled();
    } else if (dice < 96) {
      LoseData(server);
    } else {
      Repair(server);
      Replace();
    }
  }

  void CrashServer(TestServer& server) {
    server.Crash(random_.Below(4));
    for (auto it = reads_.begin(); it != reads_.end();)
      it = it->first.first == server.identity() ? reads_.erase(it) : std::next(it);
    if (random_.OneIn(2)) DisconnectFrom(server.identity().server);
  }

  void DisconnectFrom(ServerId gone) {
    for (auto& [id, other] : servers_) {
      if (ServerId(id) == gone || !other->running()) continue;
      other->core().PeerDisconnected(gone);
      Settle();
    }
  }

  // At most one server has lost something it promised to keep: more than the ensemble is built for is not its fault.
  void LoseData(TestServer& server) {
    if (servers_.size() < 3) return;
    for (auto& [id, other] : servers_) {
      bool whole =
          other->running() && other->core().Status().damaged.empty() && other->damaged().empty() && AtEnd(*other);
      if (!whole || !other->core().configuration().IsMember(other->identity())) return;
    }
    CrashServer(server);
    if (random_.OneIn(3)) {
      server.Wipe(StorageId(next_storage_++));
      DisconnectFrom(server.identity().server);
    } else if (server.last() > server.snapshot().index) {
      uint64_t span = server.last() - server.snapshot().index;
      server.Damage(server.snapshot().index + 1 + random_.Below(span));
    }
    server.Start();
  }

  static bool AtEnd(TestServer& server) { return server.core().Status().vote_end.index <= server.core().last_index(); }

  void Repair(TestServer& server) {
    if (!server.running() || server.damaged().empty()) return;
    LogIndex index = *server.damaged().begin();
    for (auto& [id, peer] : servers_) {
      if (peer.get() == &server) continue;
      if (server.RepairFrom(*peer, index)) return;
      if (peer->snapshot().index >= index) return server.Install(peer->snapshot());
    }
  }

  // What the node does for a wiped server (D10): guest, then the old identity out, then the new one in.
  void Replace() {
    for (auto& [id, server] : servers_) {
      if (!server->running() || server->core().role() != Role::kLeader) continue;
      Core& leader = server->core();
      for (auto& [other_id, other] : servers_) {
        if (other->running() && !leader.configuration().IsMember(other->identity())) leader.AddGuest(other->identity());
      }
      for (const PeerProgress& peer : leader.Status().peers) {
        if (!peer.guest || peer.match + 3 < leader.commit() || peer.match == LogIndex(0)) continue;
        const Member* old = leader.configuration().Find(peer.identity.server);
        MembershipChange change{.kind = MembershipChange::Kind::kAddVoter, .member = {.identity = peer.identity}};
        if (old != nullptr) change = {.kind = MembershipChange::Kind::kRemove, .member = *old};
        leader.ProposeMembership(change);
      }
    }
    Settle();
  }

  bool Whole() {
    TestServer* leader = nullptr;
    for (auto& [id, server] : servers_) {
      if (server->core().role() == Role::kLeader) leader = server.get();
    }
    if (leader == nullptr || !leader->core().OwnTermCommitted()) return false;
    if (!proposed_last_) {
      proposed_last_ = leader->core().Propose(EntryType::kCommands, Payload("last")) == ProposeResult::kAccepted;
      return false;
    }
    for (auto& [id, server] : servers_) {
      bool same = server->core().commit() == leader->core().last_index() && server->applied() == leader->applied() &&
                  server->core().configuration().IsVoter(server->identity()) && server->damaged().empty();
      if (!same) return false;
    }
    return true;
  }

  std::string Describe() {
    std::string text;
    for (auto& [id, server] : servers_) {
      CoreStatus s = server->core().Status();
      text += "\n  " + std::to_string(id) + ": role " + std::to_string(static_cast<int>(s.role)) + " term " +
              std::to_string(s.term.value()) + " leader " + std::to_string(s.leader.value()) + " first " +
              std::to_string(s.first.value()) + " last " + std::to_string(s.last.value()) + " synced " +
              std::to_string(s.synced.value()) + " commit " + std::to_string(s.commit.value()) + " damaged " +
              std::to_string(s.damaged.size()) + " vote end " + std::to_string(s.vote_end.term.value()) + "/" +
              std::to_string(s.vote_end.index.value()) + " member " +
              std::to_string(server->core().configuration().IsMember(server->identity()));
      for (const PeerProgress& p : s.peers) {
        text += "\n     peer " + std::to_string(p.identity.server.value()) + "." +
                std::to_string(p.identity.storage.value()) + " guest " + std::to_string(p.guest) + " match " +
                std::to_string(p.match.value()) + " next " + std::to_string(p.next.value()) + " snapshot " +
                std::to_string(p.needs_snapshot);
      }
    }
    return text;
  }

  Random random_;
  Invariants invariants_;
  std::map<uint32_t, std::unique_ptr<TestServer>> servers_;
  std::vector<Message> network_;
  std::vector<std::pair<ServerId, ServerId>> wants_snapshot_;
  std::set<ServerId> cut_;
  std::map<std::pair<Identity, uint64_t>, LogIndex> reads_;
  std::string broken_read_;
  size_t reads_served_ = 0;
  size_t elections_ = 0;
  uint64_t proposals_ = 0;
  uint64_t next_storage_ = 1000;
  bool proposed_last_ = false;
};

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// A failed CHECK ends the process: it prints the seed all the same.
char running_seed[64];
extern "C" void PrintSeed(int) {
  if (write(STDERR_FILENO, running_seed, sizeof running_seed) < 0) _exit(1);
  std::signal(SIGABRT, SIG_DFL);
}

// SYNOD_SEED replays one seed, SYNOD_SEEDS runs so many.
TEST(RandomEnsemble, InvariantsHoldUnderFaultsAndItRecovers) {
  uint64_t first = FromEnvironment("SYNOD_SEED", 1);
  uint64_t last = std::getenv("SYNOD_SEED") ? first : FromEnvironment("SYNOD_SEEDS", 300);
  std::signal(SIGABRT, PrintSeed);
  size_t elections = 0;
  size_t reads = 0;
  uint64_t committed = 0;
  for (uint64_t seed = first; seed <= last; ++seed) {
    std::snprintf(running_seed, sizeof running_seed, "replay: SYNOD_SEED=%llu\n",
                  static_cast<unsigned long long>(seed));
    RandomEnsemble ensemble(seed, seed % 4 == 0 ? 5 : (seed % 7 == 0 ? 1 : 3));
    for (int step = 0; step < 3000; ++step) {
      ensemble.Step();
      ASSERT_FALSE(ensemble.invariants().violation())
          << *ensemble.invariants().violation() << "\n  at step " << step << "; replay: SYNOD_SEED=" << seed;
      ASSERT_EQ(ensemble.broken_read(), "") << "at step " << step << "; replay: SYNOD_SEED=" << seed;
    }
    ASSERT_EQ(ensemble.Recover(), "") << "replay: SYNOD_SEED=" << seed;
    ASSERT_FALSE(ensemble.invariants().violation())
        << *ensemble.invariants().violation() << "; replay: SYNOD_SEED=" << seed;
    elections += ensemble.elections();
    reads += ensemble.reads_served();
    committed += ensemble.invariants().committed().value();
  }
  // The run must have met what it is for.
  if (last - first > 50) {
    EXPECT_GT(elections, (last - first) * 3);
    EXPECT_GT(reads, (last - first) * 5);
    EXPECT_GT(committed, (last - first) * 20);
  }
  std::printf("elections %zu, reads served %zu, committed %llu\n", elections, reads,
              static_cast<unsigned long long>(committed));
}

}  // namespace
}  // namespace synod::consensus

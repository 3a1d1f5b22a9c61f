#include "tests/sim/sim_run.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/sim/sim_follower.h"
#include "tests/sim/sim_judge.h"
#include "tests/sim/sim_server.h"

namespace synod::sim {
namespace {

constexpr absl::Duration kSafetyPhase = absl::Seconds(12);
constexpr absl::Duration kLivenessPhase = absl::Seconds(40);
constexpr int kClients = 5;

class Ensemble {
 public:
  explicit Ensemble(const RunOptions& options)
      : options_(options), world_(options.seed), random_(world_.random().Fork()), network_(&world_), truth_(&world_) {
    voters_ = options.servers != 0 ? options.servers : (random_.OneIn(3) ? 5 : 3);
    int servers = voters_ + (random_.OneIn(4) ? 1 : 0);  // some have an observer
    ServerOptions server;
    for (int i = 1; i <= servers; ++i) {
      auto role = i <= voters_ ? consensus::MemberRole::kVoter : consensus::MemberRole::kLearner;
      server.seeds.push_back({ServerId(i), role, absl::StrCat("h", i, ":1")});
    }
    server.snapshot_every_records = random_.Between(20, 200);
    server.digest_every = random_.Between(8, 64);
    server.watch_window_bytes =
        random_.OneIn(3) ? random_.Between(1'000, 20'000) : 1 << 20;  // a small one loses cursors
    server.sync_delay_max = absl::Microseconds(random_.Between(200, 5000));
    for (int i = 1; i <= servers; ++i) {
      servers_.push_back(std::make_unique<SimServer>(&world_, &network_, &invariants_, &truth_, ServerId(i), server));
    }
    for (int i = 0; i < kClients; ++i) {
      ClientOptions client;
      client.think = absl::Milliseconds(random_.Between(2, 30));
      client.outstanding = static_cast<int>(random_.Between(1, 6));
      client.timeout = absl::Milliseconds(random_.Between(4000, 6000));
      client.zookeeper = random_.OneIn(3);
      if (!client.zookeeper && random_.OneIn(4)) client.grace = absl::Milliseconds(500);
      clients_.push_back(std::make_unique<SimClient>(&world_, &truth_, i, client, [this] { return PickServer(); }));
    }
    for (auto [path, recursive] : {std::pair("/", true), std::pair("/seq", true), std::pair("/k1", false),
                                   std::pair("/eph", false), std::pair("/ttl", true)}) {
      followers_.push_back(
          std::make_unique<SimFollower>(&world_, &truth_, path, recursive, [this] { return PickServer(); }));
    }
  }

  ~Ensemble() {
    for (auto& server : servers_) {
      for (auto& client : clients_) client->Broken(server->incarnation());
      for (auto& follower : followers_) follower->Broken(server->incarnation());
    }
    servers_.clear();
  }

  RunResult Run() {
    for (auto& server : servers_) server->Start();
    MakeParents();
    for (auto& client : clients_) client->Start();
    for (auto& follower : followers_) follower->Start();
    ScheduleFault();
    StepUntil(world_.now() + kSafetyPhase, nullptr);
    if (!failure_.empty()) return Result();
    Heal();
    StepUntil(world_.now() + kLivenessPhase, [this] { return Quiet(); });
    if (failure_.empty() && !Quiet()) Fail(WhyNotQuiet());
    if (failure_.empty()) Judge();
    return Result();
  }

 private:
  // ---- driving ----

  void StepUntil(absl::Duration end, const std::function<bool()>& done) {
    int since_check = 0;
    while (failure_.empty() && world_.now() < end && world_.Step()) {
      if (invariants_.violation()) return Fail(*invariants_.violation());
      if (truth_.violation()) return Fail(*truth_.violation());
      for (auto& client : clients_) {
        if (client->violation()) return Fail(*client->violation());
      }
      for (auto& follower : followers_) {
        if (follower->violation()) return Fail(*follower->violation());
      }
      for (auto& server : servers_) {
        if (server->fatal()) return Fail(*server->fatal());
        if (server->vanished()) CrashOne(*server, random_.Between(20, 800));
      }
      if (done != nullptr && ++since_check >= 200) {
        since_check = 0;
        if (done()) return;
      }
    }
  }

  void Fail(const std::string& why) {
    if (failure_.empty()) failure_ = absl::StrCat("at ", absl::FormatDuration(world_.now()), ": ", why);
  }

  void Say(const std::string& what) {
    if (options_.verbose) std::fprintf(stderr, "%10.6f %s\n", absl::ToDoubleSeconds(world_.now()), what.c_str());
  }

  std::optional<Endpoint> PickServer() { return servers_[world_.random().Below(servers_.size())]->endpoint(); }

  // The parents of what the clients create, by unary calls that are repeated until they are there.
  void MakeParents() {
    world_.At(absl::Milliseconds(300), [this] {
      std::optional<Endpoint> server = PickServer();
      if (!server) return MakeParents();
      server->loop->Post([service = server->service] {
        for (const char* path : {"/seq", "/eph", "/ttl"}) {
          service::CallRequest call;
          service::CreateOp create;
          create.path = path;
          create.on_existing = service::OnExisting::kKeep;
          call.request.operation = std::move(create);
          service->Call(std::move(call), [](service::Reply) {});
        }
      });
      // The server may die with the calls.
      world_.At(absl::Seconds(3), [this] {
        for (auto& s : servers_) {
          if (s->up() && s->state_machine()->tree().Has("/seq") && s->state_machine()->tree().Has("/ttl")) return;
        }
        MakeParents();
      });
    });
  }

  // ---- faults ----

  void ScheduleFault() {
    world_.At(absl::Milliseconds(random_.Between(30, 900)), [this] {
      if (healed_) return;
      InjectFault();
      ScheduleFault();
    });
  }

  SimServer& Any() { return *servers_[random_.Below(servers_.size())]; }

  void InjectFault() {
    switch (random_.Below(14)) {
      case 0:
      case 1:
      case 2:
        return CrashOne(Any(), random_.Between(50, 2500));
      case 3:
        return CrashLeader();
      case 12:
        return VanishOne();
      case 13:
        return SendClientAway();
      case 4:
        return PowerCut();
      case 5:
        return PauseOne();
      case 6:
      case 7:
        return Partition();
      case 8:
        return ResetOne();
      case 9:
        return ChangeWeather();
      case 10:
        return random_.OneIn(3) ? WipeOne() : TransferAway();
      default:
        return JumpOrSpoil();
    }
  }

  void CrashOne(SimServer& server, uint64_t down_ms, CrashKind kind = CrashKind::kAny) {
    if (!server.up()) return;
    Say(absl::StrCat("crash server ", server.id().value(), " for ", down_ms, " ms"));
    ++stats_.crashes;
    std::weak_ptr<void> incarnation = server.incarnation();
    // The clients hear nothing of what the dying process does.
    for (auto& client : clients_) client->Broken(incarnation);
    for (auto& follower : followers_) follower->Broken(incarnation);
    server.SetPaused(false);
    server.Crash(kind);
    world_.At(absl::Milliseconds(down_ms), [this, &server] {
      if (!server.up()) Say(absl::StrCat("start server ", server.id().value()));
      server.Start();
    });
  }

  // Between the steps of a vote, a cut, a reset or a start, not only between two turns of the loop.
  void VanishOne() {
    SimServer& server = Any();
    Say(absl::StrCat("server ", server.id().value(), " will vanish"));
    if (random_.OneIn(2)) CrashOne(server, random_.Between(50, 1000));  // then it vanishes while it starts
    server.VanishAtSync(random_.Below(random_.OneIn(2) ? 4 : 40));
  }

  SimServer* Leader() {
    for (auto& server : servers_) {
      if (server->up() && server->node()->leading()) return server.get();
    }
    return nullptr;
  }

  // Long enough, sometimes, for its session to expire.
  void SendClientAway() {
    ++stats_.away;
    clients_[random_.Below(clients_.size())]->GoAway(absl::Milliseconds(random_.Between(100, 9000)));
  }

  void CrashLeader() {
    if (SimServer* leader = Leader()) CrashOne(*leader, random_.Between(50, 2000));
  }

  void PowerCut() {
    Say("power cut");
    ++stats_.power_cuts;
    for (auto& server : servers_) CrashOne(*server, random_.Between(50, 1500));
  }

  void PauseOne() {
    SimServer& server = random_.OneIn(2) && Leader() != nullptr ? *Leader() : Any();
    if (!server.up() || server.paused()) return;
    ++stats_.pauses;
    Say(absl::StrCat("pause server ", server.id().value()));
    server.SetPaused(true);
    world_.At(absl::Milliseconds(random_.Between(10, 4000)), [&server] { server.SetPaused(false); });
  }

  void Partition() {
    ++stats_.partitions;
    int shape = static_cast<int>(random_.Below(4));
    std::string told;
    for (auto& a : servers_) {
      for (auto& b : servers_) {
        if (a->id() == b->id()) continue;
        bool block = false;
        if (shape == 0) block = (a->id().value() % 2) != (b->id().value() % 2);         // halves
        if (shape == 1) block = a->id().value() == 1 + random_.Below(servers_.size());  // one-way, drawn
        if (shape == 2) block = (a->id().value() == 1) != (b->id().value() == 1);       // one alone
        if (shape == 3) block = random_.OneIn(4);                                       // any mask
        if (!block) continue;
        network_.Block(a->id(), b->id());
        absl::StrAppend(&told, " ", a->id().value(), ">", b->id().value());
      }
    }
    Say(absl::StrCat("partition", told));
    world_.At(absl::Milliseconds(random_.Between(50, 3000)), [this] { network_.HealAll(); });
  }

  void ResetOne() {
    ++stats_.resets;
    network_.Reset(Any().id(), Any().id());
  }

  void ChangeWeather() {
    network_.faults.loss_per_mille = random_.OneIn(2) ? 0 : static_cast<uint32_t>(random_.Below(200));
    network_.faults.duplicate_per_mille = random_.OneIn(2) ? 0 : static_cast<uint32_t>(random_.Below(200));
    network_.faults.reorder_per_mille = random_.OneIn(2) ? 0 : static_cast<uint32_t>(random_.Below(300));
  }

  // One server at a time loses its disk, and only while all members are voters and up: a minority, as the design
  // promises to survive.
  void WipeOne() {
    if (!EveryoneHealthy()) return;
    SimServer& server = Any();
    Say(absl::StrCat("wipe server ", server.id().value()));
    ++stats_.wipes;
    fragile_ = &server;
    CrashOne(server, random_.Between(50, 500));
    server.Wipe();
  }

  bool EveryoneHealthy() {
    for (auto& server : servers_) {
      if (!server->up() || server->paused() || !server->node()->Status().started) return false;
      node::NodeStatus status = server->node()->Status();
      if (!status.core.damaged.empty() || !Complete(status)) return false;
    }
    return Leader() != nullptr && EqualLogs();
  }

  // Everyone is a member, under the storage it has now or, right after a wipe, had before.
  bool Complete(const node::NodeStatus& status) {
    return status.configuration.VoterCount() == static_cast<size_t>(voters_) &&
           status.configuration.members.size() == servers_.size();
  }

  bool EqualLogs() {
    for (auto& server : servers_) {
      if (server->node()->Status().core.synced < Leader()->node()->Status().core.commit) return false;
    }
    return true;
  }

  void TransferAway() {
    SimServer* leader = Leader();
    if (leader == nullptr || leader->paused()) return;
    ++stats_.transfers;
    leader->node()->TransferLeadership(ServerId(0));
  }

  void JumpOrSpoil() {
    if (random_.OneIn(2)) {
      Any().JumpWallClock(static_cast<int64_t>(random_.Below(7200000)) - 3600000);
      return;
    }
    // Rot on one server at a time, while no other one has lost anything: what it acknowledged stands in another log,
    // whoever is up (D5, D6).
    if (EveryoneHealthy()) fragile_ = nullptr;
    if (fragile_ != nullptr) return;
    SimServer& server = Any();
    if (!server.up()) return;
    uint64_t down_ms = random_.Between(20, 300);
    CrashOne(server, down_ms, CrashKind::kKeepAll);
    if (!server.FlipLogBit()) return;
    Say(absl::StrCat("flip a bit of server ", server.id().value()));
    ++stats_.flips;
    fragile_ = &server;
    // Does it help somebody to lead who lacks what it had?
    if (random_.OneIn(2)) world_.At(absl::Milliseconds(down_ms + random_.Below(20)), [this] { CrashLeader(); });
  }

  void Heal() {
    Say("heal");
    healed_ = true;
    network_.HealAll();
    network_.faults = NetworkFaults();
    for (auto& server : servers_) {
      server->SetPaused(false);
      server->Start();
    }
    for (auto& client : clients_) client->Drain();
  }

  // ---- the end ----

  bool Quiet() {
    for (auto& client : clients_) {
      if (!client->Idle()) return false;
    }
    for (auto& follower : followers_) {
      if (!follower->CaughtUp()) return false;
    }
    // A leader whose own entry is committed: what an earlier one acknowledged is committed too, and everywhere the same
    // is applied.
    SimServer* leader = Leader();
    if (leader == nullptr || !leader->node()->LeadingAndCaughtUp()) return false;
    if (HasChildren(*leader->state_machine(), "/ttl")) return false;  // their time is over soon
    LogIndex applied = leader->node()->Status().core.last;
    for (auto& server : servers_) {
      if (!server->up()) return false;
      node::NodeStatus status = server->node()->Status();
      if (!status.started || !status.core.damaged.empty()) return false;
      if (!Complete(status)) return false;
      if (status.applied != applied) return false;
    }
    return true;
  }

  std::string WhyNotQuiet() {
    std::string why = "not quiet long after the faults stopped:";
    for (auto& server : servers_) {
      if (!server->up()) {
        absl::StrAppend(&why, " [", server->id().value(), " down]");
        continue;
      }
      node::NodeStatus s = server->node()->Status();
      absl::StrAppend(&why, " [", server->id().value(), s.started ? "" : " not started", " role ",
                      static_cast<int>(s.core.role), " term ", s.core.term.value(), " leader ", s.core.leader.value(),
                      " last ", s.core.last.value(), " commit ");
      absl::StrAppend(&why, s.core.commit.value(), " applied ", s.applied.value(), " damaged ", s.core.damaged.size(),
                      " voters ", s.configuration.VoterCount(), "]");
    }
    for (size_t i = 0; i < clients_.size(); ++i) {
      if (!clients_[i]->Idle()) absl::StrAppend(&why, " [client ", i, " waits]");
    }
    return why;
  }

  void Judge() {
    statemachine::StateMachine& state = *servers_[0]->state_machine();
    for (auto& server : servers_) {
      statemachine::StateMachine& other = *server->state_machine();
      if (other.digest() != state.digest())
        return Fail(absl::StrCat("the digest of server ", server->id().value(), " differs (D13)"));
      if (other.digest() != other.ComputeDigest()) return Fail("an incremental digest is not the computed one (D13)");
    }
    testing::RegisterHistory history;
    for (auto& client : clients_) {
      testing::RegisterHistory part = client->TakeHistory();
      history.insert(history.end(), part.begin(), part.end());
    }
    for (const testing::RegisterOp& op : history)
      stats_.unknown_writes += op.outcome == testing::RegisterOutcome::kUnknown ? 1 : 0;
    for (std::optional<std::string> wrong : {JudgeSequential(state, clients_), JudgeEphemerals(state),
                                             JudgeTtl(truth_, clients_), JudgeHistory(history, options_.verbose)}) {
      if (wrong) return Fail(*wrong);
    }
  }

  RunResult Result() {
    RunResult result;
    result.failure = failure_;
    result.stats = stats_;
    for (auto& client : clients_) {
      result.stats.acknowledged_writes += client->acknowledged_writes();
      result.stats.resent += client->resent();
      result.stats.repeated += client->repeated();
      result.stats.lost += client->lost();
      result.stats.watch_events += client->events();
      result.stats.sessions += client->sessions();
      result.stats.cursors_lost += client->events_lost();
    }
    for (auto& follower : followers_) {
      result.stats.followed += follower->events();
      result.stats.resumed += follower->resumed();
      result.stats.cursors_lost += follower->lost();
    }
    for (auto& server : servers_) {
      result.stats.repairs += server->repairs_needed();
      result.stats.installs += server->installs();
      if (server->up() && server->node()->Status().snapshot_index.value() > 0) ++result.stats.snapshots;
    }
    if (SimServer* leader = Leader()) result.stats.elections = leader->node()->term().value();
    result.stats.dropped = network_.messages_dropped();
    result.stats.events = world_.events();
    result.stats.trace = world_.trace();
    return result;
  }

  const RunOptions options_;
  World world_;
  Random random_;
  SimNetwork network_;
  consensus::Invariants invariants_;
  EventTruth truth_;
  int voters_ = 0;
  std::vector<std::unique_ptr<SimServer>> servers_;
  std::vector<std::unique_ptr<SimClient>> clients_;
  std::vector<std::unique_ptr<SimFollower>> followers_;
  SimServer* fragile_ = nullptr;  // lost something and has not been seen whole again
  bool healed_ = false;
  std::string failure_;
  RunStats stats_;
};

}  // namespace

RunResult Run(const RunOptions& options) { return Ensemble(options).Run(); }

}  // namespace synod::sim

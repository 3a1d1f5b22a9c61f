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
#include "tests/sim/sim_server.h"

namespace synod::sim {
namespace {

constexpr absl::Duration kSafetyPhase = absl::Seconds(12);
constexpr absl::Duration kLivenessPhase = absl::Seconds(40);
constexpr int kClients = 5;

class Ensemble {
 public:
  explicit Ensemble(const RunOptions& options)
      : options_(options), world_(options.seed), random_(world_.random().Fork()), network_(&world_) {
    voters_ = options.servers != 0 ? options.servers : (random_.OneIn(3) ? 5 : 3);
    int servers = voters_ + (random_.OneIn(4) ? 1 : 0);  // some have an observer
    ServerOptions server;
    for (int i = 1; i <= servers; ++i) {
      auto role = i <= voters_ ? consensus::MemberRole::kVoter : consensus::MemberRole::kLearner;
      server.seeds.push_back({ServerId(i), role, absl::StrCat("h", i, ":1")});
    }
    server.snapshot_every_records = random_.Between(20, 200);
    server.digest_every = random_.Between(8, 64);
    server.sync_delay_max = absl::Microseconds(random_.Between(200, 5000));
    for (int i = 1; i <= servers; ++i) {
      servers_.push_back(std::make_unique<SimServer>(&world_, &network_, &invariants_, ServerId(i), server));
    }
    for (int i = 0; i < kClients; ++i) {
      ClientOptions client;
      client.think = absl::Milliseconds(random_.Between(2, 30));
      client.outstanding = static_cast<int>(random_.Between(1, 6));
      client.timeout = absl::Milliseconds(random_.Between(4000, 6000));
      if (random_.OneIn(4)) client.grace = absl::Milliseconds(500);
      clients_.push_back(std::make_unique<SimClient>(&world_, i, client, [this] { return PickServer(); }));
    }
  }

  ~Ensemble() {
    for (auto& server : servers_) {
      for (auto& client : clients_) client->Broken(server->incarnation());
    }
    servers_.clear();
  }

  RunResult Run() {
    for (auto& server : servers_) server->Start();
    MakeQueue();
    for (auto& client : clients_) client->Start();
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
      for (auto& client : clients_) {
        if (client->violation()) return Fail(*client->violation());
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

  // The parent of the sequential znodes, by a unary call that is repeated until it is there.
  void MakeQueue() {
    world_.At(absl::Milliseconds(300), [this] {
      std::optional<Endpoint> server = PickServer();
      if (!server) return MakeQueue();
      service::CallRequest call;
      call.request.operation = service::CreateOp{"/seq", std::nullopt};
      server->loop->Post([this, service = server->service, call = std::move(call)]() mutable {
        service->Call(std::move(call), [this](service::Reply reply) {
          auto error = static_cast<tree::Error>(reply.error);
          if (error != tree::Error::kOk && error != tree::Error::kNodeExists) MakeQueue();
        });
      });
      // The server may die with the call.
      world_.At(absl::Seconds(3), [this] {
        for (auto& s : servers_) {
          tree::Stat stat;
          if (s->up() && s->state_machine()->tree().Exists("/seq", &stat) == tree::Error::kOk) return;
        }
        MakeQueue();
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
    switch (random_.Below(13)) {
      case 0:
      case 1:
      case 2:
        return CrashOne(Any(), random_.Between(50, 2500));
      case 3:
        return CrashLeader();
      case 12:
        return VanishOne();
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
    // A leader whose own entry is committed: what an earlier one acknowledged is committed too, and everywhere the same
    // is applied.
    SimServer* leader = Leader();
    if (leader == nullptr || !leader->node()->LeadingAndCaughtUp()) return false;
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
    uint64_t digest = servers_[0]->state_machine()->digest();
    for (auto& server : servers_) {
      statemachine::StateMachine& state = *server->state_machine();
      if (state.digest() != digest)
        return Fail(absl::StrCat("the digest of server ", server->id().value(), " differs (D13)"));
      if (state.digest() != state.ComputeDigest()) return Fail("an incremental digest is not the computed one (D13)");
    }
    JudgeSequential();
    testing::RegisterHistory history;
    for (auto& client : clients_) {
      testing::RegisterHistory part = client->TakeHistory();
      history.insert(history.end(), part.begin(), part.end());
    }
    for (const testing::RegisterOp& op : history)
      stats_.unknown_writes += op.outcome == testing::RegisterOutcome::kUnknown ? 1 : 0;
    testing::LinearizabilityResult result = testing::CheckLinearizable(history);
    if (result.verdict == testing::LinearizabilityResult::Verdict::kLinearizable) return;
    if (options_.verbose) std::fprintf(stderr, "%s", testing::FormatHistory(history).c_str());
    Fail(absl::StrCat("not linearizable at ", result.key, ": ", result.explanation));
  }

  // Exactly once (S2): every acknowledged sequential create is there, and there are no more than were asked for.
  void JudgeSequential() {
    std::vector<std::string> names;
    tree::Error error = servers_[0]->state_machine()->tree().GetChildren("/seq", &names, nullptr);
    std::set<std::string> there;
    if (error == tree::Error::kOk) there.insert(names.begin(), names.end());
    for (size_t i = 0; i < clients_.size(); ++i) {
      std::string prefix = absl::StrCat("c", i, "-");
      auto mine = static_cast<size_t>(
          std::count_if(there.begin(), there.end(), [&](const std::string& n) { return absl::StartsWith(n, prefix); }));
      for (const std::string& path : clients_[i]->created()) {
        if (!there.contains(path.substr(5))) return Fail(absl::StrCat("the acknowledged ", path, " is lost"));
      }
      size_t most = clients_[i]->created().size() + clients_[i]->created_unknown();
      if (mine > most)
        return Fail(absl::StrCat("client ", i, " asked for ", most, " sequential znodes at most, and there are ", mine,
                                 " (S2)"));
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
      result.stats.watch_events += client->events();
      result.stats.sessions += client->sessions();
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
  int voters_ = 0;
  std::vector<std::unique_ptr<SimServer>> servers_;
  std::vector<std::unique_ptr<SimClient>> clients_;
  SimServer* fragile_ = nullptr;  // lost something and has not been seen whole again
  bool healed_ = false;
  std::string failure_;
  RunStats stats_;
};

}  // namespace

void RunStats::Add(const RunStats& o) {
  events += o.events;
  trace ^= o.trace;
  acknowledged_writes += o.acknowledged_writes;
  unknown_writes += o.unknown_writes;
  resent += o.resent;
  repeated += o.repeated;
  watch_events += o.watch_events;
  sessions += o.sessions;
  crashes += o.crashes;
  power_cuts += o.power_cuts;
  pauses += o.pauses;
  partitions += o.partitions;
  resets += o.resets;
  wipes += o.wipes;
  flips += o.flips;
  repairs += o.repairs;
  transfers += o.transfers;
  dropped += o.dropped;
  snapshots += o.snapshots;
  installs += o.installs;
  elections += o.elections;
}

std::string RunStats::ToString() const {
  std::string text = absl::StrCat("events ", events, ", writes acknowledged ", acknowledged_writes, " unknown ",
                                  unknown_writes, " re-sent ", resent, " repeated ", repeated, ", watch events ",
                                  watch_events, ", sessions ", sessions);
  absl::StrAppend(&text, ", crashes ", crashes, ", power cuts ", power_cuts, ", pauses ", pauses, ", partitions ",
                  partitions, ", resets ", resets);
  absl::StrAppend(&text, ", wipes ", wipes, ", flips ", flips, ", records to repair ", repairs, ", transfers ",
                  transfers, ", messages dropped ", dropped, ", with snapshot ", snapshots, ", installs ", installs,
                  ", terms ", elections);
  return text;
}

RunResult Run(const RunOptions& options) { return Ensemble(options).Run(); }

}  // namespace synod::sim

#include "coordinator/node/node.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/base/check.h"
#include "coordinator/base/log.h"

namespace synod::node {
namespace {

using consensus::Role;

// Ticks made up for after the loop slept: more would let a server that was stopped run through its timeouts before it
// has read what its peers said meanwhile.
constexpr int kTicksAtOnce = 3;
constexpr absl::Duration kMarkAfter = absl::Milliseconds(10);  // D3

char RoleLetter(Role role) {
  switch (role) {
    case Role::kLeader:
      return 'L';
    case Role::kLearner:
      return 'O';
    case Role::kPreCandidate:
    case Role::kCandidate:
      return 'C';
    case Role::kFollower:
      break;
  }
  return 'F';
}

}  // namespace

Node::Node(const NodeConfig& config, NodeDependencies dependencies, NodeStart start)
    : config_(config),
      deps_(std::move(dependencies)),
      start_(std::move(start)),
      ensemble_(start_.ensemble),
      formation_(config.core.self, config.address, config.seeds, config.form_without_peers, start_.wiped),
      proposals_(config.queue_bytes_max),
      snapshotter_(deps_.loop, deps_.state_machine, deps_.snapshots),
      sender_({deps_.loop, deps_.worker, deps_.snapshots, deps_.transport, config.snapshot_chunk_bytes,
               config.core.self.storage, [this] { return term(); },
               [this](ServerId peer, bool ok) {
                 if (core_) core_->SnapshotSendEnded(peer, ok);
                 ScheduleDrain();
               },
               [this](absl::Status status) { Fatal(std::move(status)); }}),
      receiver_({deps_.loop, deps_.worker, deps_.snapshots, deps_.state_machine, deps_.transport,
                 [this](LogIndex index) { return MayGoLive(index); },
                 [this](const interfaces::SnapshotMeta& meta, std::unique_ptr<interfaces::StateLoader> state) {
                   OnInstalled(meta, std::move(state));
                 },
                 [this](absl::Status status) { Fatal(std::move(status)); }}),
      members_(config.seeds) {
  snapshot_index_ = start_.recovered.snapshot_index;
}

Node::~Node() { Stop(); }

void Node::Start() {
  last_tick_ = last_append_ = leader_heard_ = Now();
  SetLogPrefix(self().value(), '-', 0);
  if (ensemble_.value() != 0) MakeCore();
  UpdateHello();
  std::vector<std::pair<ServerId, std::string>> addresses;
  for (const Seed& seed : config_.seeds) {
    if (seed.server != self()) addresses.emplace_back(seed.server, seed.address);
  }
  deps_.transport->SetPeers(addresses);
  TryForm();
  ScheduleTick();
  ScheduleDrain();
}

void Node::Stop() {
  alive_.reset();
  snapshotter_.Stop();
  sender_.Stop();
  receiver_.Stop();
}

void Node::PrepareStop(absl::AnyInvocable<void()> done) {
  if (!leading() || fatal_) {
    deps_.loop->Post(std::move(done));
    return;
  }
  stop_done_ = std::move(done);
  stop_deadline_ = Now() + config_.tick * config_.core.election_ticks_max;
  core_->TransferLeadership(ServerId(0));
  ScheduleDrain();
}

void Node::ScheduleTick() {
  deps_.loop->PostAfter(config_.tick, [this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.lock() || fatal_) return;
    OnTick();
    ScheduleTick();
  });
}

void Node::OnTick() {
  absl::Duration now = Now();
  if (!core_) {
    last_tick_ = now;
    TryForm();
    return;
  }
  int ticks = 0;
  while (last_tick_ + config_.tick <= now && ticks < kTicksAtOnce) {
    core_->Tick();
    last_tick_ += config_.tick;
    ++ticks;
  }
  if (ticks == kTicksAtOnce) last_tick_ = now;

  if (deps_.log->SyncInFlight()) {
    // L8: a leader whose disk hangs hands over, and so does one that came to lead while it hung.
    if (now - sync_began_ > config_.tick * config_.core.election_ticks_min) {
      if (!stall_told_) SLOG_WARN("the log's sync hangs for {}", absl::FormatDuration(now - sync_began_));
      stall_told_ = true;
      core_->OwnDiskStalled();
    }
  } else if (!mark_written_ && now - last_append_ >= kMarkAfter) {
    mark_written_ = true;
    if (!Durable(deps_.log->WriteMark(core_->commit()))) return;
  }
  if (std::optional<interfaces::RepairRequest> request = repairer_.Tick(now, *core_, core_->Status())) {
    for (const auto& [peer, hello] : peers_) deps_.transport->Send(peer, *request);
  }
  sender_.Tick(now);
  KeepMembership();
  MaybeSnapshot();
  if (stop_done_ && (!leading() || now >= stop_deadline_)) deps_.loop->Post(std::exchange(stop_done_, nullptr));
  if (stopping_for_digest_ && (!leading() || now >= stop_deadline_)) {
    Fatal(absl::DataLossError("this server's state differs from the majority's"));
    return;
  }
  Drain();
}

void Node::ScheduleDrain() {
  if (draining_) drain_again_ = true;
  if (drain_scheduled_ || draining_) return;
  drain_scheduled_ = true;
  deps_.loop->Post([this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.lock()) return;
    drain_scheduled_ = false;
    Drain();
  });
}

void Node::Drain() {
  if (draining_ || fatal_ || !core_) return;
  draining_ = true;
  while (!fatal_) {
    MaybePropose();
    if (!core_->HasOutput()) break;
    consensus::Output output = core_->TakeOutput();
    CarryOut(std::move(output));
  }
  if (!fatal_) {
    FlushForwards();
    GrantCredits();
    ReleaseBarriers();
    MaybeSync();
    if (full_told_ && proposals_.bytes() * 2 < config_.queue_bytes_max) {
      full_told_ = false;
      deps_.observer->OnQueueDrained();
    }
  }
  draining_ = false;
  // An observer may have submitted while this ran: a write held back behind a linearizable read must not wait for the
  // next tick.
  if (std::exchange(drain_again_, false) || core_->HasOutput()) ScheduleDrain();
}

// The order is the Output's contract (consensus/output.h).
void Node::CarryOut(consensus::Output output) {
  if (output.hard_state && !Durable(deps_.log->SaveHardState(*output.hard_state))) return;
  if (output.cut_from && !Durable(deps_.log->CutSuffix(*output.cut_from))) return;
  if (deps_.on_output) deps_.on_output(*core_, output);
  // Queued now and flushed at the end of the turn, so an entry is on its way to the peers while it is synced here (L8).
  for (consensus::Message& message : output.messages) {
    ServerId to = message.to;
    deps_.transport->Send(to, std::move(message));
  }
  if (!output.append.empty()) {
    if (!Durable(deps_.log->Append(output.append, core_->commit()))) return;
    last_append_ = Now();
    mark_written_ = false;
    MaybeSync();
  }
  if (output.configuration) UpdateHello();
  if (output.role_change) OnRoleChange(*output.role_change);
  for (const consensus::Entry& entry : output.committed) {
    Apply(entry);
    if (fatal_) return;
  }
  for (const consensus::ReadReady& ready : output.reads) OnRead(ready);
  for (ServerId peer : output.need_snapshot) {
    sender_.Begin(peer, LogIndex(core_->Status().first.value() - 1), true, Now());
  }
  if (output.removed) Fatal(absl::FailedPreconditionError("this server's storage was removed from the ensemble"));
}

void Node::OnRoleChange(const consensus::RoleChange& change) {
  SetLogPrefix(self().value(), RoleLetter(change.role), change.term.value());
  if (change.role == Role::kLeader) {
    SLOG_INFO("leading in term {}", change.term.value());
  } else if (change.leader != role_.leader || change.role != role_.role) {
    SLOG_INFO("{}, leader is {}", change.role == Role::kFollower ? "following" : "not leading",
              change.leader.value() == 0 ? "unknown" : absl::StrCat("server ", change.leader.value()));
  }
  bool was_leader = role_.role == Role::kLeader;
  role_ = change;
  raise_proposed_ = 0;
  if (change.role == Role::kLeader) {
    own_term_applied_ = false;
    for (const auto& [peer, hello] : peers_) MeetPeer(hello);
  } else if (was_leader) {
    own_term_applied_ = false;
    proposals_.Clear();  // the service submits them again to whoever leads next (S2)
    FailBarriers();
  }
  if (change.leader.value() != 0 && change.leader != self()) leader_heard_ = Now();
  deps_.observer->OnRoleChange(change);
  MaybeResubmit();
}

// L2: what queued while the last sync ran becomes the next entry; a lonely command goes at once.
void Node::MaybePropose() {
  if (!LeadingAndCaughtUp() || writes_stopped_ || proposals_.empty()) return;
  bool disk_busy = deps_.log->SyncInFlight() || deps_.log->NeedsSync();
  if (disk_busy && proposals_.bytes() < config_.entry_bytes_max) return;
  std::vector<std::string> commands = proposals_.Pop(config_.entry_bytes_max);
  SharedBytes payload = MakeSharedBytes(interfaces::EncodeBatch(Times(), commands));
  if (core_->Propose(consensus::EntryType::kCommands, std::move(payload)) != consensus::ProposeResult::kAccepted) {
    proposals_.PutBack(std::move(commands));  // leadership is being handed over
  }
}

void Node::MaybeSync() {
  if (fatal_ || deps_.log->SyncInFlight() || !deps_.log->NeedsSync()) return;
  sync_began_ = Now();
  stall_told_ = false;
  deps_.log->StartSync([this, alive = std::weak_ptr<bool>(alive_)](absl::StatusOr<interfaces::SyncDone> done) {
    if (alive.lock()) OnSynced(std::move(done));
  });
}

void Node::OnSynced(absl::StatusOr<interfaces::SyncDone> done) {
  if (fatal_ || !Durable(done.status())) return;
  core_->LogSynced(done->through, done->cut_counter);
  MaybeSync();
  Drain();
}

void Node::MaybeSnapshot() {
  if (snapshotter_.running() || receiver_.finishing() || deps_.state_machine->applied_index() <= snapshot_index_)
    return;
  if (bytes_since_snapshot_ < config_.snapshot_every_bytes &&
      deps_.state_machine->changed_records() < config_.snapshot_every_records) {
    return;
  }
  BeginSnapshot([](absl::StatusOr<uint64_t>) {});
}

void Node::TakeSnapshot(absl::AnyInvocable<void(absl::StatusOr<uint64_t>)> done) {
  if (!core_ || fatal_) return done(absl::UnavailableError("this server belongs to no ensemble yet"));
  if (snapshotter_.running() || receiver_.finishing())
    return done(absl::UnavailableError("a snapshot is being written already"));
  BeginSnapshot(std::move(done));
}

void Node::BeginSnapshot(absl::AnyInvocable<void(absl::StatusOr<uint64_t>)> done) {
  bytes_since_snapshot_ = 0;
  snapshotter_.Start(core_->ConfigurationAt(deps_.state_machine->applied_index()),
                     [this, done = std::move(done)](absl::StatusOr<Snapshotter::Done> result) mutable {
                       if (!Durable(result.status())) return done(result.status());
                       snapshot_index_ = result->meta.index;
                       SLOG_INFO("snapshot of index {} written, {} records", snapshot_index_.value(), result->records);
                       CompactLog();
                       done(result->records);
                     });
}

void Node::CompactLog() {
  absl::StatusOr<LogIndex> first =
      deps_.log->CompactTo(snapshot_index_, sender_.KeepFrom().value_or(snapshot_index_ + 1));
  if (!Durable(first.status())) return;
  if (first->value() > 1) core_->Compacted(*first - 1);
}

bool Node::Durable(const absl::Status& status) {
  if (status.ok()) return true;
  Fatal(status);
  return false;
}

void Node::Fatal(absl::Status status) {
  if (fatal_) return;
  fatal_ = true;
  SLOG_ERROR("stopping: {}", status.ToString());
  deps_.fatal(std::move(status));
}

consensus::ProposeResult Node::TransferLeadership(ServerId target) {
  if (!core_) return consensus::ProposeResult::kNotLeader;
  consensus::ProposeResult result = core_->TransferLeadership(target);
  ScheduleDrain();
  return result;
}

void Node::SetDiskLow(bool low) { disk_low_ = low; }

NodeStatus Node::Status() const {
  NodeStatus status;
  status.started = core_ != nullptr;
  status.ensemble = ensemble_;
  status.applied = deps_.state_machine->applied_index();
  status.snapshot_index = snapshot_index_;
  status.log_bytes = deps_.log->bytes_on_disk();
  status.snapshot_bytes = deps_.snapshots->bytes_on_disk();
  status.writes_stopped = writes_stopped_;
  status.refusing_growth = RefusingGrowth();
  status.since_leader_heard = leading() ? absl::ZeroDuration() : Now() - leader_heard_;
  if (core_) {
    status.core = core_->Status();
    status.configuration = core_->configuration();
    for (const auto& [peer, hello] : peers_) {
      if (hello.ensemble == ensemble_) status.connected.push_back(peer);
    }
  }
  return status;
}

}  // namespace synod::node

// What operators see and ask for.
#include <algorithm>
#include <bit>
#include <utility>

#include "coordinator/service/service_impl.h"

namespace synod::service {
namespace {

constexpr absl::Duration kReadyFor = absl::Seconds(2);  // after the last confirmation
constexpr absl::Duration kTransferWithin = absl::Seconds(2);

std::string_view RoleName(const node::NodeStatus& status) {
  if (!status.started) return "starting";
  switch (status.core.role) {
    case consensus::Role::kLeader:
      return "leader";
    case consensus::Role::kFollower:
      return "follower";
    case consensus::Role::kLearner:
      return "learner";
    case consensus::Role::kPreCandidate:
    case consensus::Role::kCandidate:
      return "candidate";
  }
  return "starting";
}

}  // namespace

void LatencyStats::Add(absl::Duration d) {
  uint64_t us = static_cast<uint64_t>(std::max<int64_t>(absl::ToInt64Microseconds(d), 0));
  min_us = count == 0 ? us : std::min(min_us, us);
  max_us = std::max(max_us, us);
  ++count;
  sum_us += us;
  ++buckets[std::min<size_t>(static_cast<size_t>(std::bit_width(us)), kBuckets - 1)];
}

void Service::Impl::ReportIfSlow(absl::Duration took, uint8_t operation, std::string_view path, SessionId session) {
  if (!deps.on_slow_operation) return;
  deps.on_slow_operation({OperationName(operation), path, took, session});
}

ServiceStats Service::Impl::Stats() const {
  ServiceStats out = stats;
  out.liveness_reports_sent = liveness.reports_sent();
  out.liveness_reports_acknowledged = liveness.reports_acknowledged();
  out.connections = links.size();
  out.sessions_served = serving.size();
  out.outstanding = outstanding;
  out.outstanding_bytes = outstanding_bytes;
  out.paused_connections = paused_links;
  out.watches = watch_table.watch_count();
  out.watched_paths = watch_table.path_count();
  out.watch_streams = streams.count();
  out.pending_syncs = barriers_running;
  return out;
}

void Service::Impl::CountProposal(size_t bytes) {
  ++stats.commands_proposed;
  if (!node->leading()) return;
  stats.last_proposal_bytes = bytes;
  stats.max_proposal_bytes = std::max<uint64_t>(stats.max_proposal_bytes, bytes);
  stats.min_proposal_bytes = stats.proposals == 0 ? bytes : std::min<uint64_t>(stats.min_proposal_bytes, bytes);
  ++stats.proposals;
}

ServerStatus Service::Impl::Status() const {
  ServerStatus out;
  if (node == nullptr) return out;
  node::NodeStatus status = node->Status();
  const statemachine::StateMachine& state = *deps.state_machine;
  out.server = node->self();
  out.role = std::string(RoleName(status));
  out.term = status.core.term;
  out.leader = status.core.leader;
  out.ready = can_submit && !stopping && !status.writes_stopped && Now() - confirmed_at <= kReadyFor;
  out.commit = status.core.commit;
  out.applied = status.applied;
  out.last = status.core.last;
  out.snapshot = status.snapshot_index;
  out.zxid = state.last_zxid();
  out.znodes = state.tree().node_count();
  out.sessions = state.sessions().count();
  out.ephemerals = state.tree().ephemeral_count();
  out.watches = watch_table.watch_count();
  out.connections = links.size();
  out.memory_bytes = state.memory_bytes();
  out.window_bytes = deps.state_machine->window().bytes();
  out.window_begin = deps.state_machine->window().begin().zxid;
  out.log_bytes = status.log_bytes;
  out.snapshot_bytes = status.snapshot_bytes;
  out.ensemble = status.ensemble;
  out.state_machine_version = state.version_in_force();
  out.damaged_records = status.core.damaged.size();
  out.writes_stopped = status.writes_stopped;
  out.refusing_growth = status.refusing_growth;
  out.read_only = read_only;
  out.approximate_data_bytes = state.tree().data_bytes();
  if (node->leading()) out.leader_uptime = Now() - leading_since;
  return out;
}

void Service::ResetStats() {
  ServiceStats& stats = impl_->stats;
  stats.packets_received = stats.packets_sent = 0;
  stats.read_latency = stats.write_latency = {};
  stats.proposals = stats.last_proposal_bytes = stats.min_proposal_bytes = stats.max_proposal_bytes = 0;
}

std::vector<SessionStatus> Service::Sessions() const {
  const sessions::SessionTable& table = impl_->deps.state_machine->sessions();
  const absl::Duration now = impl_->Now();
  std::vector<SessionStatus> out;
  out.reserve(table.count());
  table.ForEach([&](const sessions::Session& session) {
    SessionStatus& one = out.emplace_back();
    one.session = session.id();
    one.timeout = absl::Milliseconds(session.timeout_ms());
    one.expires_in = impl_->expirer.Remaining(session.id(), now).value_or(absl::InfiniteDuration());
  });
  return out;
}

std::vector<EphemeralsOfSession> Service::Ephemerals() const {
  const statemachine::StateMachine& state = *impl_->deps.state_machine;
  std::vector<EphemeralsOfSession> out;
  state.sessions().ForEach([&](const sessions::Session& session) {
    std::vector<std::string> paths = state.tree().Ephemerals(session.id());
    if (!paths.empty()) out.push_back({session.id(), std::move(paths)});
  });
  return out;
}

std::vector<WatchesOfSession> Service::Watches() const {
  std::vector<WatchesOfSession> out;
  for (const auto& [id, link] : impl_->links) {
    if (!link->has_watches) continue;
    std::vector<std::string> paths = impl_->watch_table.PathsOf(watches::WatcherId(id.value()));
    if (!paths.empty()) out.push_back({link->session, std::move(paths)});
  }
  std::sort(out.begin(), out.end(),
            [](const WatchesOfSession& a, const WatchesOfSession& b) { return a.session < b.session; });
  return out;
}

std::vector<MemberStatus> Service::Members() const {
  std::vector<MemberStatus> members;
  if (impl_->node == nullptr) return members;
  node::NodeStatus status = impl_->node->Status();
  auto progress = [&](ServerId server) -> const consensus::PeerProgress* {
    for (const consensus::PeerProgress& p : status.core.peers) {
      if (p.identity.server == server) return &p;
    }
    return nullptr;
  };
  auto connected = [&](ServerId server) {
    return server == impl_->node->self() ||
           std::binary_search(status.connected.begin(), status.connected.end(), server);
  };
  for (const consensus::Member& member : status.configuration.members) {
    MemberStatus out;
    out.server = member.identity.server;
    out.storage = member.identity.storage;
    out.role = member.role == consensus::MemberRole::kVoter ? "voter" : "learner";
    out.address = member.address;
    out.leader = member.identity.server == status.core.leader;
    out.connected = connected(out.server);
    if (status.core.role == consensus::Role::kLeader && member.identity.server == impl_->node->self()) {
      out.active = true;
      out.match = status.core.synced;
    } else if (const consensus::PeerProgress* p = progress(out.server)) {
      out.active = p->recently_active;
      out.match = p->match;
    }
    members.push_back(std::move(out));
  }
  for (const consensus::PeerProgress& p : status.core.peers) {
    if (!p.guest) continue;
    MemberStatus out;
    out.server = p.identity.server;
    out.storage = p.identity.storage;
    out.role = "guest";
    out.connected = connected(out.server);
    out.active = p.recently_active;
    out.match = p.match;
    members.push_back(std::move(out));
  }
  return members;
}

DigestStatus Service::Digest() const {
  const statemachine::StateMachine& state = *impl_->deps.state_machine;
  return {state.applied_index(), state.last_zxid(), state.digest(), state.digest_version()};
}

void Service::Impl::TransferLeadership(ServerId target, absl::AnyInvocable<void(absl::StatusOr<ServerId>)> done) {
  if (stopping || node == nullptr) return done(absl::UnavailableError("the server is not serving"));
  switch (node->TransferLeadership(target)) {
    case consensus::ProposeResult::kAccepted:
      transfers.push_back({Now() + kTransferWithin, std::move(done)});
      return;
    case consensus::ProposeResult::kNotLeader:
      return done(absl::FailedPreconditionError("this server does not lead; ask the leader"));
    case consensus::ProposeResult::kTransferring:
      return done(absl::FailedPreconditionError("leadership is being handed over already"));
    case consensus::ProposeResult::kChangePending:
    case consensus::ProposeResult::kTermNotStarted:
    case consensus::ProposeResult::kInvalid:
      return done(absl::FailedPreconditionError("the target is no voter that could lead"));
  }
}

void Service::Impl::TakeSnapshot(absl::AnyInvocable<void(absl::StatusOr<SnapshotDone>)> done) {
  if (stopping || node == nullptr) return done(absl::UnavailableError("the server is not serving"));
  node->TakeSnapshot([this, began = Now(), done = std::move(done),
                      watch = std::weak_ptr<bool>(alive)](absl::StatusOr<uint64_t> records) mutable {
    if (!records.ok()) return done(records.status());
    if (!watch.lock()) return done(absl::UnavailableError("the server stops"));
    done(SnapshotDone{node->Status().snapshot_index, *records, Now() - began});
  });
}

ServiceStats Service::Stats() const { return impl_->Stats(); }
ServerStatus Service::Status() const { return impl_->Status(); }
void Service::TransferLeadership(ServerId target, absl::AnyInvocable<void(absl::StatusOr<ServerId>)> done) {
  impl_->TransferLeadership(target, std::move(done));
}
void Service::TakeSnapshot(absl::AnyInvocable<void(absl::StatusOr<SnapshotDone>)> done) {
  impl_->TakeSnapshot(std::move(done));
}

}  // namespace synod::service

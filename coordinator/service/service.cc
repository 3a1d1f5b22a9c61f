#include "coordinator/service/service.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "coordinator/base/check.h"
#include "coordinator/base/log.h"
#include "coordinator/service/service_impl.h"

namespace synod::service {
namespace {

uint64_t NumberFrom(const std::string& bytes) {
  SYNOD_CHECK_EQ(bytes.size(), sizeof(uint64_t));
  uint64_t number;
  std::memcpy(&number, bytes.data(), sizeof number);
  return number;
}

Liveness::Options LivenessOptions(const ServiceConfig& config, uint64_t incarnation) {
  Liveness::Options options;
  options.incarnation = incarnation;
  options.report_interval = config.report_interval;
  options.ping_report_interval = config.ping_report_interval;
  options.report_lost_after = 3 * config.report_interval;
  return options;
}

WatchStreams::Options StreamOptions(const ServiceConfig& config) {
  WatchStreams::Options options;
  options.max_streams = config.max_watch_streams;
  options.table_bytes_max = config.watch_bytes_max;
  return options;
}

LeaderDuties::Options DutyOptions(const ServiceConfig& config) {
  return {{config.container_idle, config.removals_per_minute}, config.settings};
}

}  // namespace

Service::Impl::Impl(const ServiceConfig& c, ServiceDependencies dependencies)
    : config(c),
      deps(std::move(dependencies)),
      incarnation(NumberFrom(deps.secure_bytes(sizeof(uint64_t)))),
      liveness(LivenessOptions(c, incarnation)),
      expirer(c.expiry_tick),
      streams(StreamOptions(c), deps.loop, deps.clock, deps.state_machine, &stats),
      duties(DutyOptions(c), deps.state_machine, &stats) {}

void Service::Impl::Start(NodePort* port) {
  node = port;
  leader_lost_at = last_sweep = last_expiry = leader_age_at = Now();
  leader_age = absl::InfiniteDuration();
  ScheduleTick();
}

void Service::Impl::Stop() {
  if (stopping) return;
  stopping = true;
  for (ConnectionId id : LinkIds()) {
    if (Link* link = FindLink(id)) Close(link, CloseReason::kShutdown);
  }
  while (!calls.empty()) {
    const UnaryCall& call = *calls.begin()->second;
    FailUnary(call.number, ErrorCode::kNoQuorum,
              call.waiting == UnaryCall::Waiting::kOutcome ? Effect::kMayHaveBeenDone : Effect::kNotDone,
              "the server stops");
  }
  streams.EndAll(WatchEnd::kShutdown);
  for (Transfer& transfer : transfers) transfer.done(absl::UnavailableError("the server stops"));
  transfers.clear();
  alive.reset();
}

uint64_t Service::Impl::RandomNumber() { return NumberFrom(deps.secure_bytes(sizeof(uint64_t))); }

ConnectionId Service::Impl::Open(Connection* connection, const ConnectionOptions& options) {
  if (stopping || node == nullptr || links.size() >= config.max_connections || over_budget) {
    ++stats.connections_refused;
    return ConnectionId(0);
  }
  ConnectionId id(RandomNumber() >> 4 | 1);  // the watch table packs it with four bits of its own
  auto [it, inserted] = links.try_emplace(id, std::make_unique<Link>());
  SYNOD_CHECK(inserted) << "a random id came twice";
  Link* link = it->second.get();
  link->id = id;
  link->door = connection;
  link->options = options;
  link->since = Now();
  ++stats.connections_opened;
  return id;
}

Link* Service::Impl::FindLink(ConnectionId id) {
  auto it = links.find(id);
  return it == links.end() ? nullptr : it->second.get();
}

Link* Service::Impl::ServingLink(SessionId session) {
  auto it = serving.find(session);
  return it == serving.end() ? nullptr : it->second;
}

std::vector<ConnectionId> Service::Impl::LinkIds() const {
  std::vector<ConnectionId> ids;
  ids.reserve(links.size());
  for (const auto& [id, link] : links) ids.push_back(id);
  return ids;
}

void Service::Impl::ConnectionClosed(ConnectionId id, bool by_peer) {
  Link* link = FindLink(id);
  if (link == nullptr) return;
  ++stats.connections_dropped;
  // S8: only what the other side closed is reported, under the generation of this connection.
  bool report = by_peer && link->phase == Link::Phase::kServing && !link->closing && link->grace > absl::ZeroDuration();
  Forget(link);
  if (!report) return;
  absl::Duration now = Now();
  liveness.Disconnected(link->session, link->generation, link->timeout, now);
  MaybeReport(now);
}

void Service::Impl::Close(Link* link, CloseReason reason, std::string_view message) {
  if (link->phase == Link::Phase::kClosed) return;
  ++stats.connections_closed[static_cast<size_t>(reason)];
  SLOG_DEBUG("connection of session {} closed: {}", link->session.value(), CloseReasonName(reason));
  Connection* door = link->door;
  Forget(link);
  door->OnClose(reason, message.empty() ? CloseReasonName(reason) : message);
}

// What it had submitted may still be applied; nobody sends it again (S2).
void Service::Impl::Forget(Link* link) {
  if (link->phase == Link::Phase::kServing) {
    if (!link->read_only) {
      serving.erase(link->session);
      liveness.Detach(link->session);
      link->liveness = nullptr;
    }
    if (link->has_watches) watch_table.RemoveWatcher(watches::WatcherId(link->id.value()));
  }
  if (link->grant_number != 0) grants.erase(link->grant_number);
  if (link->phase == Link::Phase::kBehind) std::erase(behind, link->id);
  link->rearming.reset();
  outstanding -= link->counted_items;
  outstanding_bytes -= link->counted_bytes;
  link->counted_items = link->counted_bytes = 0;
  if (link->paused) --paused_links;
  link->phase = Link::Phase::kClosed;
  auto it = links.find(link->id);
  SYNOD_CHECK(it != links.end());
  graveyard.push_back(std::move(it->second));
  links.erase(it);
  if (over_budget && !OverBudget()) UpdateAllFlow();
}

// Lifts only well below the limit, so that it does not flutter.
bool Service::Impl::OverBudget() {
  over_budget = outstanding_bytes > (over_budget ? config.total_bytes_max / 4 * 3 : config.total_bytes_max);
  return over_budget;
}

void Service::Impl::UpdateFlow(Link* link) {
  if (link->phase != Link::Phase::kServing || link->read_only) return;
  outstanding += link->queue.size() - link->counted_items;
  outstanding_bytes += link->queue.bytes() - link->counted_bytes;
  link->counted_items = link->queue.size();
  link->counted_bytes = link->queue.bytes();
  bool was_over = over_budget;
  if (OverBudget() != was_over) return UpdateAllFlow();
  uint64_t scale = link->paused ? 2 : 1;
  bool own =
      link->queue.size() > config.max_outstanding / scale || link->queue.bytes() > config.connection_bytes_max / scale;
  bool pause = own || node_full || over_budget;
  if (pause == link->paused) return;
  link->paused = pause;
  liveness.SetStanding(link->liveness, pause);  // L11: counts as heard while its connection stands
  if (pause) {
    ++paused_links;
    ++stats.flow_pauses;
    link->door->OnFlowPause();
  } else {
    --paused_links;
    link->door->OnFlowResume();
  }
}

void Service::Impl::UpdateAllFlow() {
  for (auto& [id, link] : links) UpdateFlow(link.get());
}

// ---- the face ----

Service::Service(const ServiceConfig& config, ServiceDependencies dependencies)
    : impl_(std::make_unique<Impl>(config, std::move(dependencies))) {}
Service::~Service() { impl_->Stop(); }
void Service::Start(NodePort* node) { impl_->Start(node); }
void Service::Stop() { impl_->Stop(); }
ConnectionId Service::Open(Connection* connection, const ConnectionOptions& options) {
  return impl_->Open(connection, options);
}
void Service::Connect(ConnectionId id, ConnectRequest request) { impl_->Connect(id, std::move(request)); }
void Service::Submit(ConnectionId id, absl::Span<Request> requests, Sequence confirmed_below) {
  impl_->Submit(id, requests, confirmed_below);
}
void Service::Ping(ConnectionId id, uint64_t ping) { impl_->Ping(id, ping); }
void Service::ConnectionClosed(ConnectionId id, bool by_peer) { impl_->ConnectionClosed(id, by_peer); }
void Service::Call(CallRequest call, CallDone done) { impl_->Call(std::move(call), std::move(done)); }
WatchStreamId Service::OpenWatch(WatchStream* stream, WatchStreamRequest request) {
  return impl_->OpenWatch(stream, std::move(request));
}
void Service::ResumeWatch(WatchStreamId id) { impl_->streams.Resume(id); }
void Service::CloseWatch(WatchStreamId id) { impl_->streams.Close(id); }
void Service::OnRoleChange(const consensus::RoleChange& change) { impl_->OnRoleChange(change); }
void Service::OnResubmit() { impl_->OnResubmit(); }
void Service::OnServiceMessage(ServerId from, const std::string& bytes) { impl_->OnServiceMessage(from, bytes); }
void Service::OnPeerUp(ServerId) {}  // OnResubmit comes when it matters
void Service::OnPeerDown(ServerId peer) { impl_->OnPeerDown(peer); }
void Service::OnQueueDrained() { impl_->OnQueueDrained(); }
void Service::OnCommand(const statemachine::Command& command, const statemachine::Outcome& outcome,
                        const std::vector<tree::Event>& events) {
  impl_->OnCommand(command, outcome, events);
}
void Service::OnSessionGranted(const statemachine::SessionGrant& grant, uint64_t connection) {
  impl_->OnSessionGranted(grant, connection);
}
void Service::OnSessionClosing(SessionId session, bool expired) { impl_->OnSessionClosing(session, expired); }
void Service::OnQuotaExceeded(const tree::QuotaExcess& excess) { impl_->OnQuotaExceeded(excess); }
void Service::OnSessionEnded(SessionId session, bool expired) { impl_->OnSessionEnded(session, expired); }
void Service::OnInstalled() { impl_->OnInstalled(); }

}  // namespace synod::service

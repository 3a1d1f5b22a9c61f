// Forming, joining and keeping the ensemble together.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/base/log.h"
#include "coordinator/node/node.h"

namespace synod::node {
namespace {

constexpr absl::Duration kMembershipInterval = absl::Milliseconds(50);

}  // namespace

void Node::TryForm() {
  if (core_ || fatal_) return;
  FormationDecision decision = formation_.Decide();
  switch (decision.kind) {
    case FormationDecision::Kind::kWait:
      if (decision.reason != waiting_for_) {
        waiting_for_ = decision.reason;
        SLOG_INFO("no ensemble yet: {}", waiting_for_);
      }
      return;
    case FormationDecision::Kind::kForm:
      SLOG_INFO("forming ensemble {:016x} of {} voters", decision.ensemble.value(),
                decision.configuration.VoterCount());
      break;
    case FormationDecision::Kind::kMember:
      SLOG_INFO("taking the own place in ensemble {:016x}", decision.ensemble.value());
      break;
    case FormationDecision::Kind::kGuest:
      SLOG_INFO("joining ensemble {:016x} with an empty storage: catching up first", decision.ensemble.value());
      break;
  }
  BeginEnsemble(decision.ensemble, decision.configuration);
}

void Node::BeginEnsemble(EnsembleId ensemble, const consensus::Configuration& configuration) {
  if (!Durable(deps_.save_founding(ensemble, configuration))) return;
  ensemble_ = ensemble;
  start_.recovered.snapshot_configuration = configuration;
  MakeCore();
  UpdateHello();
  ScheduleDrain();
}

void Node::MakeCore() {
  core_ = std::make_unique<consensus::Core>(config_.core, start_.recovered, deps_.log, deps_.random.Fork());
  start_.empty = false;
  last_tick_ = Now();
  for (const auto& [peer, hello] : peers_) MeetPeer(hello);
}

void Node::UpdateHello() {
  interfaces::PeerHello hello;
  hello.identity = config_.core.self;
  hello.ensemble = ensemble_;
  hello.empty = start_.empty && !start_.wiped;
  hello.seed_hash = SeedHash(config_.seeds);
  hello.address = config_.address;
  if (core_) hello.configuration = core_->configuration();
  deps_.transport->SetHello(hello);
}

void Node::OnPeerUp(const interfaces::PeerHello& hello) {
  ServerId peer = hello.identity.server;
  peers_[peer] = hello;
  ++connections_made_[peer];
  formation_.Heard(hello);
  if (!core_) {
    TryForm();
    return;
  }
  MeetPeer(hello);
  if (hello.ensemble != ensemble_) return;
  ReportDigest(peer);
  if (LeadingAndCaughtUp()) {
    deps_.transport->Send(peer, interfaces::ForwardCredit{core_->term(), config_.forward_credit_bytes});
  }
  deps_.observer->OnPeerUp(peer);
  MaybeResubmit();
  ScheduleDrain();
}

void Node::MeetPeer(const interfaces::PeerHello& hello) {
  if (hello.ensemble != ensemble_) return;
  core_->PeerConnected(hello.identity);
  if (leading() && !core_->configuration().IsMember(hello.identity)) core_->AddGuest(hello.identity);
}

void Node::OnPeerDown(ServerId peer) {
  if (peers_.erase(peer) == 0) return;
  formation_.Lost(peer);
  if (!core_) return;
  if (peer == leader()) credit_.Clear();
  sender_.OnPeerDown(peer);
  core_->PeerDisconnected(peer);
  deps_.observer->OnPeerDown(peer);
  ScheduleDrain();
}

void Node::KeepMembership() {
  if (!LeadingAndCaughtUp() || Now() < next_membership_check_) return;
  next_membership_check_ = Now() + kMembershipInterval;
  // A configuration change may have turned a connected peer into a guest.
  for (const auto& [peer, hello] : peers_) {
    if (hello.ensemble == ensemble_ && !core_->configuration().IsMember(hello.identity))
      core_->AddGuest(hello.identity);
  }
  RaiseVersion();
  std::optional<consensus::MembershipChange> change = members_.Next(core_->Status(), core_->configuration());
  if (!change) return;
  if (core_->ProposeMembership(*change) == consensus::ProposeResult::kAccepted) {
    SLOG_INFO("membership: {} server {} storage {:016x}",
              change->kind == consensus::MembershipChange::Kind::kRemove ? "removing" : "adding",
              change->member.identity.server.value(), change->member.identity.storage.value());
  }
}

void Node::ReportDigest(ServerId to) {
  interfaces::DigestReport report = digests_.latest().value_or(interfaces::DigestReport{});
  report.state_machine_version_known = deps_.state_machine->version_known();
  deps_.transport->Send(to, report);
}

void Node::JudgeDigests() {
  if (stopping_for_digest_ || !core_) return;
  switch (digests_.Judge(config_.core.self, core_->configuration())) {
    case DigestVerdict::kNothing:
      return;
    case DigestVerdict::kNoMajority:
      if (!writes_stopped_) SLOG_ERROR("no majority of servers agrees on the state: writes stop");
      writes_stopped_ = true;
      return;
    case DigestVerdict::kOddOneOut:
      // A leader steps down first, so that clients hardly feel it; then the process ends (OnTick).
      SLOG_ERROR("this server's state differs from the majority's");
      stopping_for_digest_ = true;
      stop_deadline_ = Now() + config_.tick * config_.core.election_ticks_max;
      if (leading()) core_->TransferLeadership(ServerId(0));
      return;
  }
}

// L6: only when every voter and learner has reported that it knows the version.
void Node::RaiseVersion() {
  uint32_t version = deps_.state_machine->version_known();
  for (const consensus::Member& member : core_->configuration().members) {
    if (member.identity.server == self()) continue;
    auto known = versions_known_.find(member.identity.server);
    if (known == versions_known_.end()) return;
    version = std::min(version, known->second);
  }
  if (version <= deps_.state_machine->version_in_force() || version == raise_proposed_) return;
  raise_proposed_ = version;
  SLOG_INFO("raising the state-machine version to {}", version);
  proposals_.Push(ServerId(0), deps_.make_raise_version(version));
}

}  // namespace synod::node

// What peers say, and what is forwarded to them.
#include <algorithm>
#include <utility>

#include "coordinator/base/log.h"
#include "coordinator/node/node.h"

namespace synod::node {

void Node::OnPeerMessage(const consensus::Identity& from, interfaces::PeerMessage message) {
  if (!core_ || fatal_) return;
  std::visit([&](auto&& m) { Handle(from, std::move(m)); }, std::move(message));
}

void Node::Handle(const consensus::Identity& from, consensus::Message message) {
  if (message.from != from) return;  // who speaks is who shook hands
  if (message.type == consensus::MessageType::kAppend && message.term >= core_->term()) leader_heard_ = Now();
  core_->Step(std::move(message));
  ScheduleDrain();
}

void Node::Handle(const consensus::Identity& from, interfaces::Forward forward) {
  // Meant for a leader of another time: its sender hears of the new one and submits again.
  if (!LeadingAndCaughtUp() || forward.term != core_->term()) return;
  bool refuse_growth = RefusingGrowth();
  for (std::string& command : forward.commands) {
    proposals_.Push(from.server, deps_.state_machine->AdmitCommand(std::move(command), refuse_growth));
  }
  ScheduleDrain();
}

void Node::Handle(const consensus::Identity& from, interfaces::ForwardCredit credit) {
  if (from.server != leader() && credit.term < core_->term()) return;
  credit_.Grant(credit.term, credit.bytes);
  ScheduleDrain();
}

void Node::Handle(const consensus::Identity& from, interfaces::ServiceMessage message) {
  deps_.observer->OnServiceMessage(from.server, message.bytes);
}

void Node::SendService(ServerId to, std::string bytes) {
  if (to != self()) {
    deps_.transport->Send(to, interfaces::ServiceMessage{std::move(bytes)});
    return;
  }
  deps_.loop->Post([this, bytes = std::move(bytes), alive = std::weak_ptr<bool>(alive_)] {
    if (alive.lock()) deps_.observer->OnServiceMessage(self(), bytes);
  });
}

void Node::FlushForwards() {
  ServerId leader = core_->leader();
  if (leader.value() == 0 || leader == self()) return;
  Term term = core_->term();
  while (!proposals_.empty() && credit_.Available(term) > 0) {
    interfaces::Forward forward;
    forward.term = term;
    forward.commands = proposals_.Pop(std::min(credit_.Available(term), config_.entry_bytes_max));
    uint64_t bytes = 0;
    for (const std::string& command : forward.commands) bytes += command.size();
    credit_.Spend(bytes);
    deps_.transport->Send(leader, std::move(forward));
  }
}

void Node::GrantCredits() {
  if (!leading()) return;
  for (const auto& [peer, bytes] : proposals_.TakeFreed()) {
    deps_.transport->Send(peer, interfaces::ForwardCredit{core_->term(), bytes});
  }
}

// S2: once per leader and connection to it, everything unanswered goes again.
void Node::MaybeResubmit() {
  ServerId to = leader();
  if (to.value() == 0) return;
  if (to == self() ? !own_term_applied_ : !peers_.contains(to)) return;
  auto target = std::make_tuple(core_->term(), to, to == self() ? 0 : connections_made_[to]);
  if (target == resubmitted_to_) return;
  resubmitted_to_ = target;
  if (to != self()) proposals_.Clear();
  deps_.observer->OnResubmit();
  ScheduleDrain();
}

void Node::Handle(const consensus::Identity& from, interfaces::RepairRequest request) {
  interfaces::RepairReply reply;
  reply.index = request.index;
  reply.snapshot_index = snapshot_index_;
  absl::StatusOr<consensus::Entry> entry = deps_.log->ReadRecord(request.index, request.term);
  if (entry.ok()) {
    reply.found = true;
    reply.entry = *std::move(entry);
  }
  deps_.transport->Send(from.server, std::move(reply));
}

void Node::Handle(const consensus::Identity& from, interfaces::RepairReply reply) {
  if (repairer_.Wanted(reply)) {
    absl::Status status = deps_.log->Repair(reply.entry);
    if (absl::IsInvalidArgument(status)) {
      SLOG_WARN("repair of record {} refused: {}", reply.index.value(), status.ToString());
      return;
    }
    if (!Durable(status)) return;
    SLOG_INFO("record {} repaired from server {}", reply.index.value(), from.server.value());
    core_->EntryRepaired(reply.entry);
    repairer_.Mended();
    ScheduleDrain();
  } else if (repairer_.CoveredBySnapshot(reply) && !receiver_.active(Now())) {
    deps_.transport->Send(from.server, interfaces::SnapshotRequest{repairer_.wanted_index()});
  }
}

void Node::Handle(const consensus::Identity& from, interfaces::SnapshotRequest request) {
  if (request.index <= snapshot_index_) sender_.Begin(from.server, request.index, false, Now());
}

void Node::Handle(const consensus::Identity& from, interfaces::SnapshotOffer offer) {
  // A snapshot holds committed commands only, so any peer's will do (D6).
  receiver_.OnOffer(from, offer, offer.meta.index > deps_.state_machine->applied_index(), Now());
}

void Node::Handle(const consensus::Identity& from, interfaces::SnapshotData data) {
  receiver_.OnData(from, std::move(data), Now());
}

void Node::Handle(const consensus::Identity& from, interfaces::SnapshotProgress progress) {
  sender_.OnProgress(from.server, progress, Now());
}

void Node::Handle(const consensus::Identity& from, interfaces::DigestReport report) {
  versions_known_[from.server] = report.state_machine_version_known;
  digests_.Report(from, report);
  JudgeDigests();
}

SnapshotReceiver::Dependencies::Go Node::MayGoLive(LogIndex index) const {
  using Go = SnapshotReceiver::Dependencies::Go;
  if (index <= deps_.state_machine->applied_index()) return Go::kNever;
  return snapshotter_.running() ? Go::kNotNow : Go::kYes;
}

void Node::OnInstalled(const interfaces::SnapshotMeta& meta, std::unique_ptr<interfaces::StateLoader> state) {
  if (fatal_) return;
  Drain();  // nothing of the log as it was may be left to write
  if (fatal_) return;
  if (deps_.state_machine->applied_index() >= meta.index) {
    // The log overtook the transfer while it was made durable. The live state is newer, and everything it changed since
    // its own last snapshot counts as changed, so the next own snapshot makes the store whole.
    snapshot_index_ = std::max(snapshot_index_, meta.index);
    CompactLog();
    return;
  }
  SLOG_INFO("snapshot of index {} installed", meta.index.value());
  bool keep_tail = core_->SnapshotInstalled({meta.index, meta.term, meta.configuration});
  if (!keep_tail && !Durable(deps_.log->ResetTo(meta.index, meta.term))) return;
  snapshot_index_ = meta.index;
  bytes_since_snapshot_ = 0;
  deps_.state_machine->Install(std::move(state), meta);
  if (keep_tail) CompactLog();
  repairer_.Mended();
  ScheduleDrain();
}

}  // namespace synod::node

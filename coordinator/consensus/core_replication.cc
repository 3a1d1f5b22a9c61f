// Replication: who is sent what, and what the answers mean (thesis 3.5, 10.2.1).
#include <algorithm>
#include <utility>

#include "coordinator/consensus/core.h"

namespace synod::consensus {
namespace {

// A probe looks for the point of agreement; it carries entries, because mostly it is right at once, but not many.
constexpr uint64_t kProbeBytesMax = 64 << 10;

}  // namespace

// Makes the tracked peers those of the configuration and the guests. Who stays keeps its progress; so does a guest that
// becomes a member. Who comes back after a removal starts anew (R24).
void Core::TrackPeers() {
  Leader& leader = std::get<Leader>(state_);
  const Configuration& configuration = membership_.current();
  for (auto it = leader.peers.begin(); it != leader.peers.end();) {
    bool stays = configuration.IsMember(it->first) || guests_.contains(it->first);
    it = stays ? std::next(it) : leader.peers.erase(it);
  }
  for (const Member& member : configuration.members) {
    if (!IsSelf(member.identity)) leader.peers.try_emplace(member.identity, log_.last(), now_);
  }
  for (const Identity& guest : guests_) leader.peers.try_emplace(guest, log_.last(), now_);
  for (auto& [identity, peer] : leader.peers) peer.guest = !configuration.IsMember(identity);
  if (leader.transfer && !configuration.IsVoter(leader.transfer->target)) leader.transfer.reset();
  leader_work_ = true;
}

// Messages are addressed by server id: while another storage answers there, the one we mean does not get them (D10).
bool Core::Reachable(const Identity& identity) const {
  auto at = connected_.find(identity.server);
  return at == connected_.end() || at->second == identity;
}

void Core::SendDue() {
  own_record_damaged_ = false;
  for (auto& [identity, peer] : std::get<Leader>(state_).peers) {
    if (!Reachable(identity)) {
      peer.heartbeat_due = false;
      peer.last_sent = now_;
      continue;
    }
    if (!SendDueTo(identity, peer)) break;
  }
  // D5: who cannot read its own log must not lead.
  if (own_record_damaged_) BecomeFollower(term_, Identity{});
}

bool Core::SendDueTo(const Identity& identity, Progress& peer) {
  bool sent = false;
  // What was sent ahead may all be acknowledged late, or be lost together with what would be needed to send it again.
  bool behind = peer.next < log_.first() || !log_.TermAt(peer.next - 1);
  if (behind && peer.state() == Progress::State::kReplicate) NeedSnapshot(identity, peer);
  while (peer.MaySend(config_.append_window_bytes) && peer.next <= log_.last()) {
    if (!SendEntries(identity, peer)) break;
    sent = true;
  }
  if (own_record_damaged_) return false;
  bool news = peer.sent_round < std::get<Leader>(state_).reads.current() ||
              (peer.state() == Progress::State::kReplicate && peer.sent_commit < log_.commit());
  if (!sent && (news || peer.heartbeat_due)) SendEmpty(identity, peer);
  return true;
}

bool Core::SendEntries(const Identity& identity, Progress& peer) {
  std::optional<Term> before = log_.TermAt(peer.next - 1);
  if (!before || peer.next < log_.first()) {
    NeedSnapshot(identity, peer);
    return false;
  }
  bool probing = peer.state() == Progress::State::kProbe;
  uint64_t bytes_max = probing ? std::min(kProbeBytesMax, config_.append_message_bytes) : config_.append_message_bytes;
  auto entries = log_.Read(peer.next, log_.last() + 1, bytes_max);
  if (!entries.ok()) {
    if (absl::IsNotFound(entries.status())) {
      NeedSnapshot(identity, peer);
    } else if (absl::IsDataLoss(entries.status())) {
      // Records at or below the own snapshot need no repair; a peer that wants them gets the snapshot (D6).
      log_.MarkDamaged(peer.next);
      own_record_damaged_ = !log_.Whole();
      if (!own_record_damaged_) NeedSnapshot(identity, peer);
    }
    return false;
  }
  uint64_t bytes = 0;
  for (const Entry& entry : *entries) bytes += CostOf(entry);
  LogEnd end{*before, peer.next - 1};
  peer.Sent(entries->back().index, bytes);
  peer.last_sent = now_;
  peer.heartbeat_due = false;
  peer.sent_commit = log_.commit();
  peer.sent_round = std::get<Leader>(state_).reads.current();
  Send({.type = MessageType::kAppend,
        .to = identity.server,
        .log_end = end,
        .commit = log_.commit(),
        .read_round = peer.sent_round,
        .entries = *std::move(entries)});
  return true;
}

// A heartbeat, the news of a commit, or a read round. It asks for the entry before the next one, so that a lost append
// shows.
void Core::SendEmpty(const Identity& identity, Progress& peer) {
  LogIndex before = peer.next - 1;
  // Without that entry here (the peer needs a snapshot) any committed one will do.
  if (peer.state() == Progress::State::kSnapshot || !log_.TermAt(before)) before = log_.commit();
  peer.last_sent = now_;
  peer.heartbeat_due = false;
  peer.sent_commit = log_.commit();
  peer.sent_round = std::get<Leader>(state_).reads.current();
  Send({.type = MessageType::kAppend,
        .to = identity.server,
        .log_end = LogEnd{log_.TermAt(before).value_or(Term(0)), before},
        .commit = log_.commit(),
        .read_round = peer.sent_round});
}

void Core::NeedSnapshot(const Identity& identity, Progress& peer) {
  if (!peer.heard || log_.handed_out() == LogIndex(0)) return;
  peer.BecomeSnapshot();
  out_.need_snapshot.push_back(identity.server);
}

void Core::SnapshotSendEnded(ServerId peer, bool ok) {
  auto* leader = std::get_if<Leader>(&state_);
  if (leader == nullptr) return;
  for (auto& [identity, progress] : leader->peers) {
    if (identity.server == peer) progress.SnapshotEnded(ok);
  }
  leader_work_ = true;
}

void Core::HandleAppendReply(const Message& message) {
  auto* leader = std::get_if<Leader>(&state_);
  if (leader == nullptr) return;
  auto at = leader->peers.find(message.from);
  if (at == leader->peers.end() || message.match > log_.last() || message.read_round > last_read_id_) return;
  Progress& peer = at->second;
  peer.last_heard = now_;
  peer.heard = true;
  peer.echoed_round = std::max(peer.echoed_round, message.read_round);
  leader_work_ = true;
  bool advanced = false;
  if (message.reject) {
    // Skip what of our log has a later term than the peer has there: it cannot agree (thesis 3.3, end).
    peer.Rejected(message.log_end.index, log_.LastWithTermAtMost(message.match, message.log_end.term));
  } else {
    advanced = peer.Accepted(message.match);
  }
  FinishReadRound();
  if (leader->transfer && leader->transfer->target == message.from) SendTimeoutNowIfCaughtUp();
  if (advanced) AdvanceCommit();  // last: it may end the leadership
}

}  // namespace synod::consensus

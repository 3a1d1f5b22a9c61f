#include "coordinator/node/snapshot_sender.h"

#include <algorithm>
#include <utility>

#include "coordinator/base/log.h"

namespace synod::node {

void SnapshotSender::Begin(ServerId peer, LogIndex at_least, bool for_core, absl::Duration now) {
  auto it = transfers_.find(peer);
  if (it != transfers_.end() && it->second.reader->meta().index >= at_least) {
    // Resume: the same reader gives the same bytes under the same id.
    it->second.connected = true;
    it->second.for_core |= for_core;
    it->second.heard = now;
    Offer(peer, it->second, now);
    return;
  }
  if (it != transfers_.end()) transfers_.erase(it);
  absl::StatusOr<std::unique_ptr<interfaces::SnapshotReader>> reader = deps_.store->OpenReader();
  if (!reader.ok() || (*reader)->meta().index < at_least) {
    if (!reader.ok()) SLOG_WARN("no snapshot to send to server {}: {}", peer.value(), reader.status().ToString());
    if (for_core) deps_.ended(peer, false);
    return;
  }
  Transfer transfer;
  transfer.reader = *std::move(reader);
  transfer.id = deps_.own_storage.value() * 0x9e3779b97f4a7c15u ^ transfer.reader->meta().index.value();
  transfer.for_core = for_core;
  transfer.heard = now;
  SLOG_INFO("sending the snapshot of index {} to server {}", transfer.reader->meta().index.value(), peer.value());
  Offer(peer, transfers_[peer] = std::move(transfer), now);
}

void SnapshotSender::Offer(ServerId peer, Transfer& transfer, absl::Duration now) {
  transfer.offered = now;
  transfer.receiving = false;
  interfaces::SnapshotOffer offer;
  offer.id = transfer.id;
  offer.term = deps_.term();
  offer.meta = transfer.reader->meta();
  deps_.transport->Send(peer, std::move(offer));
}

void SnapshotSender::OnProgress(ServerId peer, const interfaces::SnapshotProgress& progress, absl::Duration now) {
  auto it = transfers_.find(peer);
  if (it == transfers_.end() || it->second.id != progress.id) return;
  Transfer& transfer = it->second;
  transfer.heard = now;
  switch (progress.state) {
    case interfaces::SnapshotProgress::State::kInstalled:
      End(peer, true);
      return;
    case interfaces::SnapshotProgress::State::kRefused:
      End(peer, false);
      return;
    case interfaces::SnapshotProgress::State::kReceiving:
      break;
  }
  transfer.acknowledged = progress.next_chunk;
  if (!transfer.receiving) {  // the answer to an offer: go on from where the receiver is
    transfer.receiving = true;
    transfer.next = progress.next_chunk;
  }
  Pump(peer, transfer);
}

void SnapshotSender::Pump(ServerId peer, Transfer& transfer) {
  if (!transfer.connected || !transfer.receiving || transfer.reading || transfer.AllSent()) return;
  if (transfer.next >= transfer.acknowledged + kWindowChunks || deps_.transport->QueuedBytes(peer) > kQueuedBytesMax)
    return;
  transfer.reading = true;
  // A sender that was restarted reads its way to where the receiver is.
  deps_.worker->Post([this, peer, id = transfer.id, number = std::min(transfer.next, transfer.read),
                      reader = transfer.reader, loop = deps_.loop, bytes = deps_.chunk_bytes,
                      alive = std::weak_ptr<bool>(alive_)]() mutable {
    auto chunk = std::make_shared<absl::StatusOr<interfaces::SnapshotChunk>>(reader->ReadChunk(number, bytes));
    reader.reset();
    loop->Post([this, peer, id, number, chunk, alive] {
      if (!alive.lock()) return;
      auto it = transfers_.find(peer);
      if (it == transfers_.end() || it->second.id != id) return;
      Transfer& transfer = it->second;
      transfer.reading = false;
      if (!chunk->ok()) {
        deps_.failed(chunk->status());
        End(peer, false);
        return;
      }
      transfer.read = std::max(transfer.read, number + 1);
      if ((*chunk)->last) transfer.count = number + 1;
      // A new offer may have moved the position meanwhile.
      if (transfer.connected && transfer.receiving && transfer.next == number) {
        ++transfer.next;
        interfaces::SnapshotData data;
        data.id = id;
        data.chunk = *std::move(*chunk);
        deps_.transport->Send(peer, std::move(data));
      }
      Pump(peer, transfer);
    });
  });
}

void SnapshotSender::OnPeerDown(ServerId peer) {
  auto it = transfers_.find(peer);
  if (it == transfers_.end()) return;
  it->second.connected = false;
  it->second.receiving = false;
  // Consensus asks again once the peer is back; the same transfer then goes on where the receiver is.
  if (std::exchange(it->second.for_core, false)) deps_.ended(peer, false);
}

void SnapshotSender::Tick(absl::Duration now) {
  std::vector<ServerId> dead;
  for (auto& [peer, transfer] : transfers_) {
    if (now - transfer.heard > kGiveUp) {
      dead.push_back(peer);
    } else if (transfer.connected && now - std::max(transfer.heard, transfer.offered) > kOfferAgain) {
      Offer(peer, transfer, now);  // an offer, a chunk or an answer was lost
    } else {
      Pump(peer, transfer);
    }
  }
  for (ServerId peer : dead) End(peer, false);
}

void SnapshotSender::End(ServerId peer, bool ok) {
  auto it = transfers_.find(peer);
  bool for_core = it->second.for_core;
  SLOG_INFO("sending the snapshot to server {} {}", peer.value(), ok ? "is done" : "was given up");
  transfers_.erase(it);
  if (for_core) deps_.ended(peer, ok);
}

std::optional<LogIndex> SnapshotSender::KeepFrom() const {
  std::optional<LogIndex> keep;
  for (const auto& [peer, transfer] : transfers_) {
    LogIndex needed = transfer.reader->meta().index + 1;
    if (!keep || needed < *keep) keep = needed;
  }
  return keep;
}

}  // namespace synod::node

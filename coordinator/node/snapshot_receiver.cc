#include "coordinator/node/snapshot_receiver.h"

#include <utility>

#include "coordinator/base/bytes.h"
#include "coordinator/base/crc32c.h"
#include "coordinator/base/log.h"
#include "coordinator/base/status_macros.h"

namespace synod::node {
namespace {

using State = interfaces::SnapshotProgress::State;

absl::Status AddRecords(const std::string& records, interfaces::SnapshotInstaller& installer,
                        interfaces::StateLoader& loader) {
  ByteReader in(records);
  while (in.remaining() > 0) {
    std::string_view key = in.Blob();
    std::string_view value = in.Blob();
    if (!in.ok()) return absl::DataLossError("snapshot chunk: malformed records");
    SYNOD_RETURN_IF_ERROR(installer.Add(key, value));
    SYNOD_RETURN_IF_ERROR(loader.Add(key, value));
  }
  return absl::OkStatus();
}

}  // namespace

void SnapshotReceiver::Report(const consensus::Identity& to, uint64_t id, uint64_t next, State state) {
  interfaces::SnapshotProgress progress;
  progress.id = id;
  progress.next_chunk = next;
  progress.state = state;
  deps_.transport->Send(to.server, progress);
}

void SnapshotReceiver::OnOffer(const consensus::Identity& from, const interfaces::SnapshotOffer& offer, bool useful,
                               absl::Duration now) {
  if (!useful) {
    Report(from, offer.id, 0, State::kInstalled);  // everything in it is here already
    return;
  }
  if (build_ != nullptr) {
    if (build_->from == from && build_->offer.id == offer.id) {
      build_->heard = now;
      Report(from, offer.id, build_->next, State::kReceiving);
      return;
    }
    bool newer_leader = offer.term > build_->offer.term;
    if (build_->finishing || (!newer_leader && now - build_->heard < kStale)) return;  // the other sender asks again
    build_.reset();
  }
  absl::StatusOr<std::unique_ptr<interfaces::SnapshotInstaller>> installer = deps_.store->BeginInstall(offer.meta);
  if (!installer.ok()) {
    deps_.failed(installer.status());
    return;
  }
  SLOG_INFO("receiving the snapshot of index {} from server {}", offer.meta.index.value(), from.server.value());
  build_ = std::make_shared<Build>();
  build_->from = from;
  build_->offer = offer;
  build_->installer = *std::move(installer);
  build_->loader = deps_.state_machine->NewLoader();
  build_->heard = now;
  Report(from, offer.id, 0, State::kReceiving);
}

void SnapshotReceiver::OnData(const consensus::Identity& from, interfaces::SnapshotData data, absl::Duration now) {
  if (build_ == nullptr || build_->from != from || build_->offer.id != data.id || build_->finishing) return;
  build_->heard = now;
  // A repeated, skipped or damaged chunk changes nothing: the sender offers again and goes on from `next`.
  if (data.chunk.number != build_->next || Crc32c(data.chunk.records) != data.chunk.checksum) return;
  ++build_->next;
  WorkIn(build_, std::move(data.chunk));
}

void SnapshotReceiver::OnWorker(std::shared_ptr<Build> build, absl::AnyInvocable<absl::Status(Build&)> work,
                                absl::AnyInvocable<void(absl::Status)> then) {
  deps_.worker->Post([this, build, work = std::move(work), then = std::move(then), loop = deps_.loop,
                      alive = std::weak_ptr<bool>(alive_)]() mutable {
    absl::Status status = work(*build);
    loop->Post([this, build, status, then = std::move(then), alive]() mutable {
      if (alive.lock() && build_ == build) then(std::move(status));
    });
  });
}

void SnapshotReceiver::WorkIn(std::shared_ptr<Build> build, interfaces::SnapshotChunk chunk) {
  bool last = chunk.last;
  OnWorker(
      build, [records = std::move(chunk.records)](Build& b) { return AddRecords(records, *b.installer, *b.loader); },
      [this, build, last](absl::Status status) {
        if (!status.ok()) return Drop(build, status);
        ++build->built;
        // What waits to be worked in counts against the sender's window, or it would pile up here (L11).
        Report(build->from, build->offer.id, build->built, State::kReceiving);
        if (last) Finish(build);
      });
}

void SnapshotReceiver::Finish(std::shared_ptr<Build> build) {
  OnWorker(
      build, [](Build& b) { return b.loader->Finish(b.offer.meta); },
      [this, build](absl::Status status) {
        if (!status.ok()) return Drop(build, status);  // D9: the digest does not match
        GoLive(build);
      });
}

void SnapshotReceiver::GoLive(std::shared_ptr<Build> build) {
  switch (deps_.may_go_live(build->offer.meta.index)) {
    case Dependencies::Go::kNever:
      Report(build->from, build->offer.id, build->next, State::kInstalled);
      build_.reset();
      return;
    case Dependencies::Go::kNotNow:
      deps_.loop->PostAfter(kAskAgain, [this, build, alive = std::weak_ptr<bool>(alive_)] {
        if (alive.lock() && build_ == build) GoLive(build);
      });
      return;
    case Dependencies::Go::kYes:
      break;
  }
  build->finishing = true;
  OnWorker(
      build, [](Build& b) { return b.installer->Finish(); },
      [this, build](absl::Status status) {
        if (!status.ok()) {
          deps_.failed(std::move(status));
          return;
        }
        deps_.installed(build->offer.meta, std::move(build->loader));
        Report(build->from, build->offer.id, build->next, State::kInstalled);
        build_.reset();
      });
}

void SnapshotReceiver::Drop(const std::shared_ptr<Build>& build, const absl::Status& why) {
  SLOG_WARN("the snapshot from server {} is not usable: {}", build->from.server.value(), why.ToString());
  Report(build->from, build->offer.id, 0, State::kRefused);
  build_.reset();
}

}  // namespace synod::node

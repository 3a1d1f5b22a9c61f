// Receives a snapshot and builds it beside the live state, off the loop (D9). Nothing of it is seen until all of it is
// here, its digest matches, and it is durable.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/time/time.h"
#include "coordinator/base/executor.h"
#include "coordinator/interfaces/snapshot_store.h"
#include "coordinator/interfaces/state_machine.h"
#include "coordinator/interfaces/transport.h"

namespace synod::node {

// Loop only. One install at a time.
class SnapshotReceiver {
 public:
  struct Dependencies {
    Executor* loop = nullptr;
    Executor* worker = nullptr;
    interfaces::SnapshotStore* store = nullptr;
    interfaces::StateMachine* state_machine = nullptr;
    interfaces::Transport* transport = nullptr;
    // Whether a snapshot of `index` may go live now: asked on the loop right before it is made durable. kNotNow: ask
    // again soon (an own snapshot is being written); kNever: the server has got past it meanwhile.
    enum class Go { kYes, kNotNow, kNever };
    std::function<Go(LogIndex index)> may_go_live;
    // It is durable: take it over.
    std::function<void(const interfaces::SnapshotMeta& meta, std::unique_ptr<interfaces::StateLoader> state)> installed;
    // Making it durable failed (D12).
    std::function<void(absl::Status)> failed;
  };

  explicit SnapshotReceiver(Dependencies dependencies) : deps_(std::move(dependencies)) {}

  // `useful`: the snapshot reaches beyond what this server has.
  void OnOffer(const consensus::Identity& from, const interfaces::SnapshotOffer& offer, bool useful,
               absl::Duration now);
  void OnData(const consensus::Identity& from, interfaces::SnapshotData data, absl::Duration now);
  // From being asked for permission until it is live: no own snapshot may begin.
  bool finishing() const { return build_ != nullptr && build_->finishing; }
  // Whether a snapshot is on its way. Not when its sender fell silent: then another one's is welcome, and may have to
  // be asked for (D6).
  bool active(absl::Duration now) const {
    return build_ != nullptr && (build_->finishing || now - build_->heard < kStale);
  }
  void Stop() { alive_.reset(); }

 private:
  // A sender silent for this long may be replaced by another one's offer.
  static constexpr absl::Duration kStale = absl::Seconds(2);
  static constexpr absl::Duration kAskAgain = absl::Milliseconds(5);

  // Installer and loader are touched by the worker only; the rest by the loop only.
  struct Build {
    consensus::Identity from;
    interfaces::SnapshotOffer offer;
    std::unique_ptr<interfaces::SnapshotInstaller> installer;
    std::unique_ptr<interfaces::StateLoader> loader;
    uint64_t next = 0;   // the chunk expected next
    uint64_t built = 0;  // chunks worked in
    bool finishing = false;
    absl::Duration heard;
  };

  void Report(const consensus::Identity& to, uint64_t id, uint64_t next, interfaces::SnapshotProgress::State state);
  void WorkIn(std::shared_ptr<Build> build, interfaces::SnapshotChunk chunk);
  void Finish(std::shared_ptr<Build> build);
  void GoLive(std::shared_ptr<Build> build);
  void Drop(const std::shared_ptr<Build>& build, const absl::Status& why);
  // Runs `work` on the worker and `then` on the loop with its status, unless the receiver stopped or dropped the build
  // meanwhile.
  void OnWorker(std::shared_ptr<Build> build, absl::AnyInvocable<absl::Status(Build&)> work,
                absl::AnyInvocable<void(absl::Status)> then);

  Dependencies deps_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::shared_ptr<Build> build_;
};

}  // namespace synod::node

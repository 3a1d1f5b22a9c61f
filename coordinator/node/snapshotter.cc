#include "coordinator/node/snapshotter.h"

#include <utility>

#include "coordinator/base/check.h"

namespace synod::node {

void Snapshotter::Start(const consensus::Configuration& configuration,
                        absl::AnyInvocable<void(absl::StatusOr<Done>)> done) {
  SYNOD_CHECK(!running_) << "two snapshots at once";
  running_ = true;
  done_ = std::move(done);
  records_.clear();
  meta_ = state_machine_->CloseSnapshot();
  meta_.configuration = configuration;
  Step();
}

void Snapshotter::Step() {
  if (!state_machine_->WriteClosed(kSlice, &records_)) {
    loop_->PostAfter(kPause, [this, alive = std::weak_ptr<bool>(alive_)] {
      if (alive.lock()) Step();
    });
    return;
  }
  uint64_t count = records_.size();
  store_->Write(std::exchange(records_, {}), meta_,
                [this, count, alive = std::weak_ptr<bool>(alive_)](absl::Status status) {
                  if (!alive.lock()) return;
                  running_ = false;
                  auto done = std::move(done_);
                  if (!status.ok()) {
                    state_machine_->AbandonSnapshot();
                    done(std::move(status));
                    return;
                  }
                  done(Done{meta_, count});
                });
}

}  // namespace synod::node

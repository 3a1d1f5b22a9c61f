// Applying committed entries, and the reads that wait for them.
#include <utility>

#include "coordinator/base/log.h"
#include "coordinator/node/node.h"

namespace synod::node {

void Node::Apply(const consensus::Entry& entry) {
  interfaces::StateMachine& state_machine = *deps_.state_machine;
  bytes_since_snapshot_ += entry.payload->size();
  switch (entry.type) {
    case consensus::EntryType::kCommands: {
      absl::StatusOr<interfaces::CommandBatch> batch = interfaces::DecodeBatch(*entry.payload);
      // L6: what cannot be read is never skipped.
      absl::Status status = batch.ok() ? state_machine.Apply(entry.index, entry.term, *batch) : batch.status();
      if (!status.ok()) return Fatal(std::move(status));
      break;
    }
    case consensus::EntryType::kConfiguration:  // the core keeps it
    case consensus::EntryType::kNoop:
      state_machine.Skip(entry.index, entry.term);
      break;
  }
  if (leading() && !own_term_applied_ && entry.term == core_->term()) OnOwnTermApplied();
  if (entry.index.value() % config_.digest_every == 0) {
    digests_.Record(entry.index, state_machine.digest(), state_machine.digest_version());
    for (const auto& [peer, hello] : peers_) ReportDigest(peer);
    JudgeDigests();
  }
}

// From here on the log holds everything that earlier leaders acknowledged, applied: the clock can go on from it, and
// commands be taken.
void Node::OnOwnTermApplied() {
  own_term_applied_ = true;
  log_clock_base_us_ = deps_.state_machine->log_clock_us();
  log_clock_since_ = Now();
  proposals_.Clear();
  for (const auto& [peer, hello] : peers_) {
    deps_.transport->Send(peer, interfaces::ForwardCredit{core_->term(), config_.forward_credit_bytes});
  }
  MaybeResubmit();
}

// L5. Monotonic, so a wall clock that jumps makes nothing fall due.
interfaces::BatchTimes Node::Times() const {
  interfaces::BatchTimes times;
  times.log_clock_us = log_clock_base_us_ + static_cast<uint64_t>(absl::ToInt64Microseconds(Now() - log_clock_since_));
  times.wall_ms = deps_.clock->WallMillis();
  return times;
}

bool Node::RefusingGrowth() const {
  return disk_low_ ||
         (config_.memory_limit_bytes != 0 && deps_.state_machine->memory_bytes() > config_.memory_limit_bytes);
}

SubmitResult Node::Submit(std::string command) {
  if (fatal_ || !proposals_.HasRoom(command.size())) {
    full_told_ = true;
    return SubmitResult::kFull;
  }
  if (LeadingAndCaughtUp()) command = deps_.state_machine->AdmitCommand(std::move(command), RefusingGrowth());
  proposals_.Push(ServerId(0), std::move(command));
  ScheduleDrain();
  return SubmitResult::kQueued;
}

void Node::ReadBarrier(absl::AnyInvocable<void(bool)> done) {
  if (!core_ || fatal_) {
    deps_.loop->Post([done = std::move(done)]() mutable { done(false); });
    return;
  }
  reads_.emplace(core_->RequestRead(), std::move(done));
  ScheduleDrain();
}

void Node::OnRead(const consensus::ReadReady& ready) {
  auto it = reads_.find(ready.id);
  if (it == reads_.end()) return;
  absl::AnyInvocable<void(bool)> done = std::move(it->second);
  reads_.erase(it);
  if (ready.failed) {
    done(false);
  } else {
    barriers_.emplace(ready.index, std::move(done));
  }
}

void Node::ReleaseBarriers() {
  LogIndex applied = deps_.state_machine->applied_index();
  while (!barriers_.empty() && barriers_.begin()->first <= applied) {
    absl::AnyInvocable<void(bool)> done = std::move(barriers_.begin()->second);
    barriers_.erase(barriers_.begin());
    done(true);
  }
}

// The rounds of a lost leadership answer themselves (the core fails them); barriers whose index was confirmed stay
// valid.
void Node::FailBarriers() {
  std::map<uint64_t, absl::AnyInvocable<void(bool)>> reads = std::exchange(reads_, {});
  for (auto& [id, done] : reads) done(false);
}

}  // namespace synod::node

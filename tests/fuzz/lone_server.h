// A server of one without disk, network, peers or threads: the real service and state machine over a node that applies
// whatever it is given, in time that the fuzzer steps. The same input does the same.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "coordinator/base/check.h"
#include "coordinator/interfaces/command_batch.h"
#include "coordinator/service/service.h"
#include "coordinator/statemachine/state_machine.h"

namespace synod::fuzz {

class SteppedClock final : public Clock {
 public:
  absl::Duration Monotonic() const override { return now; }
  int64_t WallMillis() const override { return 1700000000000 + absl::ToInt64Milliseconds(now); }
  absl::Duration now = absl::Hours(1);
};

class SteppedLoop final : public Executor {
 public:
  explicit SteppedLoop(SteppedClock* clock) : clock_(clock) {}
  void Post(Task task) override { ready_.push_back(std::move(task)); }
  void PostAfter(absl::Duration delay, Task task) override { timed_.emplace(clock_->now + delay, std::move(task)); }
  void Run() {
    while (!ready_.empty()) {
      Task task = std::move(ready_.front());
      ready_.pop_front();
      task();
    }
  }
  void Advance(absl::Duration by) {
    const absl::Duration end = clock_->now + by;
    for (Run(); !timed_.empty() && timed_.begin()->first <= end; Run()) {
      clock_->now = std::max(clock_->now, timed_.begin()->first);
      Task task = std::move(timed_.begin()->second);
      timed_.erase(timed_.begin());
      task();
    }
    clock_->now = end;
  }

 private:
  SteppedClock* const clock_;
  std::deque<Task> ready_;
  std::multimap<absl::Duration, Task> timed_;
};

class LoneServer {
 public:
  LoneServer() : loop_(&clock_), machine_(statemachine::StateMachineOptions()), node_(this) {
    service::ServiceDependencies dependencies;
    dependencies.loop = &loop_;
    dependencies.clock = &clock_;
    dependencies.state_machine = &machine_;
    dependencies.secure_bytes = [this](size_t bytes) { return std::string(bytes, static_cast<char>(++drawn_)); };
    service::ServiceConfig config;
    config.tick = absl::Milliseconds(500);  // fewer turns of the loop for the same time
    config.expiry_tick = absl::Milliseconds(500);
    config.report_interval = absl::Milliseconds(500);
    service_ = std::make_unique<service::Service>(config, std::move(dependencies));
    machine_.SetObserver(service_.get());
    service_->Start(&node_);
    service_->OnRoleChange({consensus::Role::kLeader, Term(1), ServerId(1)});
    service_->OnResubmit();
    loop_.Run();
  }
  ~LoneServer() { service_->Stop(); }

  SteppedLoop* loop() { return &loop_; }
  const Clock* clock() const { return &clock_; }
  service::Service* service() { return service_.get(); }

 private:
  class Node final : public service::NodePort {
   public:
    explicit Node(LoneServer* owner) : owner_(owner) {}
    node::SubmitResult Submit(std::string command) override {
      owner_->loop_.Post([owner = owner_, command = std::move(command)] {
        interfaces::CommandBatch batch;
        batch.times.wall_ms = owner->clock_.WallMillis();
        batch.times.log_clock_us = owner->node_.LogClockUs();
        batch.commands = {command};
        const absl::Status applied = owner->machine_.Apply(owner->machine_.applied_index() + 1, Term(1), batch);
        SYNOD_CHECK(applied.ok()) << "no server can apply it: " << applied.ToString();
      });
      return node::SubmitResult::kQueued;
    }
    void ReadBarrier(absl::AnyInvocable<void(bool)> done) override {
      owner_->loop_.Post([done = std::move(done)]() mutable { done(true); });
    }
    void SendService(ServerId to, std::string bytes) override {
      owner_->loop_.Post(
          [owner = owner_, to, bytes = std::move(bytes)] { owner->service_->OnServiceMessage(to, bytes); });
    }
    bool leading() const override { return true; }
    bool LeadingAndCaughtUp() const override { return true; }
    uint64_t LogClockUs() const override {
      return static_cast<uint64_t>(absl::ToInt64Microseconds(owner_->clock_.Monotonic()));
    }
    ServerId leader() const override { return ServerId(1); }
    Term term() const override { return Term(1); }
    ServerId self() const override { return ServerId(1); }
    node::NodeStatus Status() const override {
      node::NodeStatus status;
      status.started = true;
      status.core.leader = ServerId(1);
      status.core.term = Term(1);
      status.core.role = consensus::Role::kLeader;
      return status;
    }
    consensus::ProposeResult TransferLeadership(ServerId) override { return consensus::ProposeResult::kInvalid; }
    void TakeSnapshot(absl::AnyInvocable<void(absl::StatusOr<uint64_t>)> done) override { done(uint64_t{7}); }

   private:
    LoneServer* const owner_;
  };

  SteppedClock clock_;
  SteppedLoop loop_;
  statemachine::StateMachine machine_;
  uint8_t drawn_ = 0;
  Node node_;
  std::unique_ptr<service::Service> service_;
};

}  // namespace synod::fuzz

// A single server without disk, network or peers for tests of the doors: the real service and state machine on a loop
// thread of their own, over a node that applies whatever is submitted at once.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <future>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "coordinator/base/check.h"
#include "coordinator/interfaces/command_batch.h"
#include "coordinator/service/service.h"
#include "coordinator/statemachine/state_machine.h"

namespace synod::testing {

class ThreadLoop final : public Executor {
 public:
  ThreadLoop() : thread_([this] { Run(); }) {}
  ~ThreadLoop() override { Stop(); }
  void Post(Task task) override { PostAfter(absl::ZeroDuration(), std::move(task)); }
  void PostAfter(absl::Duration delay, Task task) override {
    Time due;
    if (delay > absl::ZeroDuration()) due = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(delay);
    std::lock_guard lock(mutex_);
    tasks_.emplace(std::pair(due, next_++), std::move(task));
    wake_.notify_one();
  }
  // Runs `function` on the loop and waits for what it returns.
  template <typename Function>
  auto Ask(Function function) {
    std::promise<decltype(function())> answer;
    Post([&] { answer.set_value(function()); });
    return answer.get_future().get();
  }
  void Stop() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
  }

 private:
  using Time = std::chrono::steady_clock::time_point;
  void Run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      if (tasks_.empty()) {
        wake_.wait(lock);
      } else if (Time due = tasks_.begin()->first.first; due > std::chrono::steady_clock::now()) {
        wake_.wait_until(lock, due);
      } else {
        Task task = std::move(tasks_.begin()->second);
        tasks_.erase(tasks_.begin());
        lock.unlock();
        task();
        task = nullptr;
        lock.lock();
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::map<std::pair<Time, uint64_t>, Task> tasks_;
  uint64_t next_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

class SteadyClock final : public Clock {
 public:
  absl::Duration Monotonic() const override {
    return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
  }
  int64_t WallMillis() const override { return 1700000000000; }
};

// Any thread may use loop(); the service belongs to it.
class LoneService {
 public:
  explicit LoneService(service::ServiceConfig config = {}, statemachine::StateMachineOptions machine = {})
      : machine_(std::move(machine)), node_(this) {
    service::ServiceDependencies deps;
    deps.loop = &loop_;
    deps.clock = &clock_;
    deps.state_machine = &machine_;
    deps.secure_bytes = [this](size_t n) {
      std::string bytes(n, '\0');
      for (char& byte : bytes) byte = static_cast<char>(++drawn_ * 37);
      return bytes;
    };
    service_ = std::make_unique<service::Service>(config, std::move(deps));
    machine_.SetObserver(service_.get());
    loop_.Ask([this] {
      service_->Start(&node_);
      service_->OnRoleChange({consensus::Role::kLeader, Term(1), ServerId(1)});
      service_->OnResubmit();
      return 0;
    });
  }
  ~LoneService() {
    loop_.Ask([this] {
      service_->Stop();
      return 0;
    });
    loop_.Stop();
  }

  ThreadLoop& loop() { return loop_; }
  service::Service* service() { return service_.get(); }

 private:
  class Node final : public service::NodePort {
   public:
    explicit Node(LoneService* owner) : owner_(owner) {}
    node::SubmitResult Submit(std::string command) override {
      owner_->loop_.Post([owner = owner_, command = std::move(command)] {
        interfaces::CommandBatch batch;
        batch.times.wall_ms = owner->clock_.WallMillis();
        batch.times.log_clock_us = owner->node_.LogClockUs();
        batch.commands = {command};
        SYNOD_CHECK(owner->machine_.Apply(owner->machine_.applied_index() + 1, Term(1), batch).ok());
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
      status.configuration.members = {{{ServerId(1), StorageId(0xabc)}, consensus::MemberRole::kVoter, "host1:2888"}};
      return status;
    }
    consensus::ProposeResult TransferLeadership(ServerId) override { return consensus::ProposeResult::kInvalid; }
    void TakeSnapshot(absl::AnyInvocable<void(absl::StatusOr<uint64_t>)> done) override { done(uint64_t{7}); }

   private:
    LoneService* owner_;
  };

  SteadyClock clock_;
  statemachine::StateMachine machine_;
  uint64_t drawn_ = 0;
  Node node_;
  std::unique_ptr<service::Service> service_;
  ThreadLoop loop_;  // last: its thread uses all of the above
};

}  // namespace synod::testing

// What tests of the door stand on: the real service and state machine over a node that applies what is submitted, and a
// client's frames.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coordinator/base/check.h"
#include "coordinator/base/executor.h"
#include "coordinator/frontdoor/zookeeper/client_session.h"
#include "coordinator/frontdoor/zookeeper/jute.h"
#include "coordinator/interfaces/command_batch.h"
#include "coordinator/service/service.h"
#include "coordinator/statemachine/state_machine.h"
#include "tests/unit/coordinator/service/fakes.h"

namespace synod::frontdoor::zookeeper::testing {

using service::testing::SteppedClock;
using service::testing::SteppedLoop;

// A server alone. What is submitted is applied by a task of the loop each, or by Release while `holding`.
class LoneServer {
 public:
  LoneServer(Executor* loop, const Clock* clock, service::ServiceConfig config = {})
      : loop_(loop), clock_(clock), node_(this) {
    service::ServiceDependencies deps;
    deps.loop = loop;
    deps.clock = clock;
    deps.state_machine = &machine_;
    deps.secure_bytes = [this](size_t n) {
      std::string bytes(n, '\0');
      for (size_t i = 0; i < n; ++i) bytes[i] = static_cast<char>(++drawn_ >> (i % 2 * 8));
      return bytes;
    };
    service_ = std::make_unique<service::Service>(config, std::move(deps));
    machine_.SetObserver(service_.get());
    service_->Start(&node_);
    service_->OnRoleChange({consensus::Role::kLeader, Term(1), ServerId(1)});
    service_->OnResubmit();
  }

  service::Service* service() { return service_.get(); }
  const statemachine::StateMachine& machine() const { return machine_; }
  void Release() {
    holding = false;
    for (; !held_.empty(); held_.pop_front()) Apply(held_.front());
  }

  bool holding = false;
  int barriers = 0;

 private:
  class Node final : public service::NodePort {
   public:
    explicit Node(LoneServer* owner) : owner_(owner) {}
    node::SubmitResult Submit(std::string command) override {
      owner_->held_.push_back(std::move(command));
      if (!owner_->holding) owner_->loop_->Post([owner = owner_] { owner->ApplyOne(); });
      return node::SubmitResult::kQueued;
    }
    void ReadBarrier(absl::AnyInvocable<void(bool)> done) override {
      ++owner_->barriers;
      owner_->loop_->Post([done = std::move(done)]() mutable { done(true); });
    }
    void SendService(ServerId to, std::string bytes) override {
      owner_->loop_->Post(
          [owner = owner_, to, bytes = std::move(bytes)] { owner->service_->OnServiceMessage(to, bytes); });
    }
    bool leading() const override { return true; }
    bool LeadingAndCaughtUp() const override { return true; }
    uint64_t LogClockUs() const override {
      return static_cast<uint64_t>(absl::ToInt64Microseconds(owner_->clock_->Monotonic()));
    }
    ServerId leader() const override { return ServerId(1); }
    Term term() const override { return Term(1); }
    ServerId self() const override { return ServerId(1); }
    node::NodeStatus Status() const override { return {}; }
    consensus::ProposeResult TransferLeadership(ServerId) override { return consensus::ProposeResult::kInvalid; }
    void TakeSnapshot(absl::AnyInvocable<void(absl::StatusOr<uint64_t>)> done) override { done(uint64_t{0}); }

   private:
    LoneServer* owner_;
  };

  void ApplyOne() {
    if (holding || held_.empty()) return;
    std::string command = std::move(held_.front());
    held_.pop_front();
    Apply(command);
  }
  void Apply(const std::string& command) {
    interfaces::CommandBatch batch;
    batch.times.wall_ms = clock_->WallMillis();
    batch.times.log_clock_us = node_.LogClockUs();
    batch.commands = {command};
    SYNOD_CHECK(machine_.Apply(machine_.applied_index() + 1, Term(1), batch).ok());
  }

  Executor* loop_;
  const Clock* clock_;
  statemachine::StateMachine machine_;
  uint64_t drawn_ = 0;
  std::deque<std::string> held_;
  Node node_;
  std::unique_ptr<service::Service> service_;
};

// ---- what a client sends ----

template <typename Fill>
std::string Framed(Fill fill) {
  std::string out;
  JuteWriter writer(&out);
  size_t frame = writer.BeginFrame();
  fill(&writer);
  writer.EndFrame(frame);
  return out;
}

struct ConnectBytes {
  int64_t last_zxid = 0;
  int32_t timeout_ms = 10000;
  int64_t session = 0;
  std::string password = std::string(16, '\0');
  bool old_client = false;  // no byte for read-only
  std::string Frame() const {
    return Framed([this](JuteWriter* writer) {
      writer->Int(0);
      writer->Long(last_zxid);
      writer->Int(timeout_ms);
      writer->Long(session);
      writer->String(password);
      if (!old_client) writer->Bool(false);
    });
  }
};

inline std::string Request(int32_t xid, OpCode op, const std::string& body = {}) {
  std::string out;
  JuteWriter writer(&out);
  size_t frame = writer.BeginFrame();
  writer.Int(xid);
  writer.Int(static_cast<int32_t>(op));
  out += body;
  writer.EndFrame(frame);
  return out;
}

template <typename Fill>
std::string Record(Fill fill) {
  std::string out;
  JuteWriter writer(&out);
  fill(&writer);
  return out;
}

inline std::string Create(int32_t xid, std::string_view path, const std::string& data = "x", int32_t flags = 0) {
  return Request(xid, OpCode::kCreate, Record([&](JuteWriter* writer) {
                   writer->String(path);
                   writer->Buffer(data);
                   writer->Int(1);
                   writer->Int(31);
                   writer->String("world");
                   writer->String("anyone");
                   writer->Int(flags);
                 }));
}
inline std::string GetData(int32_t xid, std::string_view path, bool watch = false) {
  return Request(xid, OpCode::kGetData, Record([&](JuteWriter* writer) {
                   writer->String(path);
                   writer->Bool(watch);
                 }));
}
inline std::string SetData(int32_t xid, std::string_view path, const std::string& data) {
  return Request(xid, OpCode::kSetData, Record([&](JuteWriter* writer) {
                   writer->String(path);
                   writer->Buffer(data);
                   writer->Int(-1);
                 }));
}
inline std::string Auth(std::string_view scheme, std::string_view credential) {
  return Request(-4, OpCode::kAuth, Record([&](JuteWriter* writer) {
    writer->Int(0);
    writer->String(scheme);
    writer->String(credential);
  }));
}
inline std::string Ping() { return Request(-2, OpCode::kPing); }
inline std::string Close(int32_t xid) { return Request(xid, OpCode::kCloseSession); }

// ---- what it gets ----

struct Answer {
  int32_t xid = 0;
  int64_t zxid = 0;
  int32_t error = 0;
  std::string body;
};

// Takes whole frames off the front of `bytes`.
inline std::vector<std::string> TakeFrames(std::string* bytes) {
  std::vector<std::string> frames;
  while (bytes->size() >= 4) {
    int32_t length = JuteReader(*bytes).Int();
    SYNOD_CHECK_GE(length, 0);
    if (bytes->size() < 4 + static_cast<size_t>(length)) break;
    frames.push_back(bytes->substr(4, static_cast<size_t>(length)));
    bytes->erase(0, 4 + static_cast<size_t>(length));
  }
  return frames;
}
inline Answer Parse(const std::string& frame) {
  JuteReader reader(frame);
  Answer answer;
  answer.xid = reader.Int();
  answer.zxid = reader.Long();
  answer.error = reader.Int();
  SYNOD_CHECK(reader.ok()) << "a frame of " << frame.size() << " bytes";
  answer.body = reader.rest();
  return answer;
}
struct Granted {
  int32_t timeout_ms = 0;
  int64_t session = 0;
  std::string password;
};
inline Granted ParseGranted(const std::string& frame) {
  JuteReader reader(frame);
  reader.Int();
  Granted granted;
  granted.timeout_ms = reader.Int();
  granted.session = reader.Long();
  granted.password = reader.String();
  SYNOD_CHECK(reader.ok());
  return granted;
}

}  // namespace synod::frontdoor::zookeeper::testing

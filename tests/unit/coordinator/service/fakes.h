// A server without disk, network or peers: the real service and state machine over a node that does what a test says.
#pragma once

#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/base/check.h"
#include "coordinator/base/random.h"
#include "coordinator/interfaces/command_batch.h"
#include "coordinator/service/liveness_codec.h"
#include "coordinator/service/service.h"
#include "coordinator/statemachine/command_codec.h"
#include "coordinator/statemachine/state_machine.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace synod::service::testing {

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
  void Advance(absl::Duration d) {
    absl::Duration end = clock_->now + d;
    Run();
    while (!timed_.empty() && timed_.begin()->first <= end) {
      clock_->now = std::max(clock_->now, timed_.begin()->first);
      Task task = std::move(timed_.begin()->second);
      timed_.erase(timed_.begin());
      task();
      Run();
    }
    clock_->now = end;
  }
  absl::Duration now() const { return clock_->now; }
  // One posted task, if there is one; whether there was.
  bool RunOne() {
    if (ready_.empty()) return false;
    Task task = std::move(ready_.front());
    ready_.pop_front();
    task();
    return true;
  }
  // The loop hangs: time passes and nothing runs.
  void Stall(absl::Duration d) { clock_->now += d; }

 private:
  SteppedClock* clock_;
  std::deque<Task> ready_;
  std::multimap<absl::Duration, Task> timed_;
};

class FakeNode final : public NodePort {
 public:
  explicit FakeNode(SteppedLoop* loop) : loop_(loop) {}
  node::SubmitResult Submit(std::string command) override {
    if (submitted.size() >= room) return node::SubmitResult::kFull;
    submitted.push_back(std::move(command));
    return node::SubmitResult::kQueued;
  }
  void ReadBarrier(absl::AnyInvocable<void(bool)> done) override {
    ++barriers_asked;
    if (answer_barriers) {
      loop_->Post([done = std::move(done), ok = leader_.value() != 0]() mutable { done(ok); });
    } else {
      barriers.push_back(std::move(done));
    }
  }
  void AnswerBarriers(bool ok) {
    for (auto& done : std::exchange(barriers, {})) done(ok);
  }
  void SendService(ServerId to, std::string bytes) override { sent.emplace_back(to, std::move(bytes)); }
  bool leading() const override { return leader_ == self(); }
  bool LeadingAndCaughtUp() const override { return leading() && caught_up; }
  ServerId leader() const override { return leader_; }
  Term term() const override { return term_; }
  uint64_t LogClockUs() const override { return static_cast<uint64_t>(absl::ToInt64Microseconds(loop_->now())); }
  ServerId self() const override { return ServerId(1); }
  node::NodeStatus Status() const override {
    node::NodeStatus status = rest;
    status.started = true;
    status.core.leader = leader_;
    status.core.term = term_;
    status.core.role = leading() ? consensus::Role::kLeader : consensus::Role::kFollower;
    status.since_leader_heard = since_leader_heard;
    return status;
  }
  consensus::ProposeResult TransferLeadership(ServerId) override {
    return leading() ? consensus::ProposeResult::kAccepted : consensus::ProposeResult::kNotLeader;
  }
  void TakeSnapshot(absl::AnyInvocable<void(absl::StatusOr<uint64_t>)> done) override { done(uint64_t{7}); }

  std::vector<statemachine::Command> Submitted() const {
    std::vector<statemachine::Command> out;
    for (const std::string& bytes : submitted) out.push_back(*statemachine::DecodeCommand(bytes));
    return out;
  }
  std::vector<uint64_t> SubmittedNumbers() const {
    std::vector<uint64_t> out;
    for (const statemachine::Command& c : Submitted()) out.push_back(c.sequence.value());
    return out;
  }

  std::vector<std::string> submitted;
  size_t room = SIZE_MAX;  // commands
  bool answer_barriers = true;
  std::vector<absl::AnyInvocable<void(bool)>> barriers;
  int barriers_asked = 0;
  std::vector<std::pair<ServerId, std::string>> sent;
  bool caught_up = true;
  ServerId leader_;
  Term term_;
  absl::Duration since_leader_heard;
  node::NodeStatus rest;  // what Status() says besides: members, peers

 private:
  SteppedLoop* loop_;
};

inline std::string CodeName(ErrorCode code) { return std::string(ErrorCodeName(code)); }

inline std::string TypeName(NotificationType type) {
  static const char* const kTypes[] = {"?", "created", "deleted", "changed", "children", "lost"};
  return kTypes[static_cast<int>(type)];
}

// Writes down what it is told, as text and as it came.
class FakeDoor final : public Connection {
 public:
  void OnConnected(const ConnectResult& r) override {
    connected = r;
    Log(absl::StrCat("connected g", r.generation.value(), " last", r.last_applied.value()));
  }
  void OnReply(Reply reply) override {
    std::string text = absl::StrCat("reply ", reply.id, " ", CodeName(reply.error));
    if (reply.data) absl::StrAppend(&text, " ", *reply.data);
    if (reply.repeated) text += " repeated";
    Log(text);
    replies.push_back(std::move(reply));
  }
  void OnNotification(const Notification& n) override {
    Log(absl::StrCat(TypeName(n.type), " ", n.path));
    notifications.push_back(n);
  }
  void OnPong(uint64_t ping, Zxid) override { Log(absl::StrCat("pong ", ping)); }
  void OnClose(CloseReason reason, std::string_view) override {
    SYNOD_CHECK(!closed) << "closed twice";
    Log(absl::StrCat("close: ", std::string(CloseReasonName(reason))));
    closed = reason;
  }
  void OnFlowPause() override {
    SYNOD_CHECK(!paused);
    paused = true;
  }
  void OnFlowResume() override {
    SYNOD_CHECK(paused);
    paused = false;
  }
  // What came since last asked.
  std::vector<std::string> Take() { return std::exchange(log, {}); }

  ConnectionId id;
  ConnectResult connected;
  std::vector<Reply> replies;
  std::vector<Notification> notifications;
  std::optional<CloseReason> closed;
  bool paused = false;
  std::vector<std::string> log;

 private:
  void Log(std::string text) {
    SYNOD_CHECK(!closed) << "called after OnClose: " << text;
    log.push_back(std::move(text));
  }
};

inline Request Write(uint64_t sequence, Operation operation) {
  return {sequence, Sequence(sequence), {}, std::move(operation)};
}
inline Request Read(uint64_t id, Operation operation, ReadStrength strength = ReadStrength::kSession) {
  return {id, Sequence(0), strength, std::move(operation)};
}
inline CreateOp Create(std::string path, std::string data = "") {
  CreateOp op;
  op.path = std::move(path);
  op.data = std::move(data);
  return op;
}
inline CreateOp Ephemeral(std::string path) {
  CreateOp op = Create(std::move(path));
  op.mode = CreateMode::kEphemeral;
  return op;
}
inline DeleteOp Delete(std::string path, int32_t version = -1) {
  DeleteOp op;
  op.path = std::move(path);
  op.version = version;
  return op;
}
inline SetDataOp Set(std::string path, std::string data) { return {std::move(path), std::move(data), -1}; }

inline ServiceConfig TestConfig() {
  ServiceConfig config;
  config.session_timeout_min = absl::Milliseconds(100);
  config.session_timeout_max = absl::Seconds(60);
  return config;
}

class World {
 public:
  explicit World(ServiceConfig config = TestConfig(), statemachine::StateMachineOptions options = {})
      : loop(&clock), machine(std::move(options)), node(&loop), service(config, Dependencies()) {
    machine.SetObserver(&service);
    service.Start(&node);
  }

  // ---- leadership ----
  void Follow(uint32_t leader, uint64_t term = 0) {
    SetLeader(leader, term);
    service.OnResubmit();
  }
  void Lead() { Follow(1); }
  void SetLeader(uint32_t leader, uint64_t term = 0) {
    node.leader_ = ServerId(leader);
    node.term_ = term != 0 ? Term(term) : node.term_ + 1;
    service.OnRoleChange(
        {leader == 1 ? consensus::Role::kLeader : consensus::Role::kFollower, node.term_, node.leader_});
  }
  void LoseLeader() {
    node.leader_ = ServerId(0);
    service.OnRoleChange({consensus::Role::kPreCandidate, node.term_, ServerId(0)});
  }

  // ---- the log ----
  void Apply(const std::string& command) { ApplyBatch({command}); }
  void Apply(statemachine::Command command) { Apply(statemachine::EncodeCommand(command)); }
  void ApplyBatch(const std::vector<std::string>& commands) {
    interfaces::CommandBatch batch;
    batch.times.wall_ms = clock.WallMillis();
    batch.times.log_clock_us = node.LogClockUs();
    batch.commands.assign(commands.begin(), commands.end());
    SYNOD_CHECK(machine.Apply(machine.applied_index() + 1, Term(1), batch).ok());
  }
  // All that was submitted, in one batch.
  void ApplyAll() {
    while (!node.submitted.empty()) {
      std::vector<std::string> commands = std::exchange(node.submitted, {});
      ApplyBatch(commands);
    }
    loop.Run();
  }
  void Lose() { node.submitted.clear(); }
  // Somebody else's write.
  void ApplyOther(statemachine::Operation operation) {
    statemachine::Command command;
    command.operation = std::move(operation);
    Apply(command);
  }
  // As it was sent, before anything that was posted runs.
  void ApplySubmitted() {
    for (const std::string& command : std::exchange(node.submitted, {})) Apply(command);
  }
  statemachine::Cursor Now() const { return {machine.last_zxid()}; }
  // Another server attaches the session.
  void AttachElsewhere(SessionId session, uint64_t connection = 4711) {
    const sessions::Session* s = machine.sessions().Find(session);
    statemachine::AttachSessionOp op;
    op.session = session;
    op.seen = s->generation();
    op.connection = connection;
    op.password = s->password();
    op.timeout_ms = s->timeout_ms();
    op.disconnect_grace_ms = s->disconnect_grace_ms();
    ApplyOther(op);
  }

  // ---- doors ----
  FakeDoor& Open(bool native = true, std::string address = "") {
    doors.push_back(std::make_unique<FakeDoor>());
    FakeDoor& door = *doors.back();
    door.id = service.Open(&door, {native, address});
    return door;
  }
  static ConnectRequest NewSession(absl::Duration timeout = absl::Seconds(6)) {
    ConnectRequest request;
    request.timeout = timeout;
    return request;
  }
  static ConnectRequest Resume(const FakeDoor& door) {
    ConnectRequest request;
    request.session = door.connected.session;
    request.password = door.connected.password;
    request.timeout = door.connected.timeout;
    request.disconnect_grace = door.connected.disconnect_grace;
    return request;
  }
  FakeDoor& Connect(ConnectRequest request = NewSession(), bool native = true) {
    FakeDoor& door = Open(native);
    service.Connect(door.id, std::move(request));
    ApplyAll();
    door.Take();
    return door;
  }
  void Submit(FakeDoor& door, std::vector<Request> requests, uint64_t confirmed_below = 0) {
    service.Submit(door.id, absl::MakeSpan(requests), Sequence(confirmed_below));
  }

  // ---- liveness, with another server leading ----
  // The reports sent since last asked.
  std::vector<LivenessReport> Reports() {
    std::vector<LivenessReport> reports;
    for (const auto& [to, bytes] : std::exchange(node.sent, {})) {
      if (*PeekLivenessKind(bytes) == LivenessKind::kReport) reports.push_back(*DecodeReport(bytes));
    }
    return reports;
  }
  void Acknowledge(const LivenessReport& report, std::vector<OwnedSession> refused = {}) {
    service.OnServiceMessage(node.leader_, EncodeAck({report.incarnation, report.number, std::move(refused)}));
  }
  // Time passes while the leader acknowledges everything.
  void AdvanceAcknowledged(absl::Duration d) {
    for (absl::Duration passed; passed < d; passed += absl::Milliseconds(50)) {
      loop.Advance(absl::Milliseconds(50));
      for (const LivenessReport& report : Reports()) Acknowledge(report);
    }
  }
  // What this server says to itself while it leads.
  void DeliverToSelf() {
    for (int i = 0; i < 4; ++i) {
      for (const auto& [to, bytes] : std::exchange(node.sent, {})) {
        if (to == node.self()) service.OnServiceMessage(to, bytes);
      }
      loop.Run();
    }
  }

  ServiceDependencies Dependencies() {
    ServiceDependencies deps;
    deps.loop = &loop;
    deps.clock = &clock;
    deps.state_machine = &machine;
    deps.secure_bytes = [this](size_t n) {
      std::string bytes;
      for (size_t i = 0; i < n; ++i) bytes.push_back(static_cast<char>(random.Next()));
      return bytes;
    };
    deps.on_slow_operation = [this](const SlowOperation& op) {
      slow.push_back(absl::StrCat(std::string(op.operation), " ", std::string(op.path), " ",
                                  absl::ToInt64Milliseconds(op.duration)));
    };
    return deps;
  }

  SteppedClock clock;
  SteppedLoop loop;
  Random random{1};
  std::vector<std::string> slow;
  statemachine::StateMachine machine;
  std::vector<std::unique_ptr<FakeDoor>> doors;
  FakeNode node;
  Service service;
};

// Brings `world` to the state of `source` by an install, as a server that fell behind.
inline void Install(World* world, World* source) {
  interfaces::SnapshotMeta meta = source->machine.CloseSnapshot();
  std::vector<interfaces::SnapshotRecord> records;
  while (!source->machine.WriteClosed(absl::Seconds(1), &records)) {
  }
  std::map<std::string, std::string> sorted;
  for (const interfaces::SnapshotRecord& r : records) {
    if (r.value) sorted[r.key] = *r.value;
  }
  std::unique_ptr<interfaces::StateLoader> loader = world->machine.NewLoader();
  for (const auto& [key, value] : sorted) ASSERT_TRUE(loader->Add(key, value).ok());
  ASSERT_TRUE(loader->Finish(meta).ok());
  world->machine.Install(std::move(loader), meta);
}

}  // namespace synod::service::testing

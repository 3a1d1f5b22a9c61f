// The loop itself, with a toy below and above it: one node of three, its peers played by the test.
#include "coordinator/node/node.h"

#include <gtest/gtest.h>

#include <deque>
#include <utility>

#include "tests/support/test_executor.h"

namespace synod::node {
namespace {

using consensus::Identity;
using consensus::MessageType;

Identity Id(uint32_t server) { return {ServerId(server), StorageId(server * 11)}; }

// A log in memory whose syncs end when the test says so.
class ToyLog final : public interfaces::LogStorage {
 public:
  absl::Status SaveHardState(const consensus::HardState&) override { return absl::OkStatus(); }
  absl::Status CutSuffix(LogIndex from) override {
    while (last_index() >= from) entries.pop_back();
    ++cut_counter;
    return absl::OkStatus();
  }
  absl::Status Append(absl::Span<const consensus::Entry> added, LogIndex) override {
    entries.insert(entries.end(), added.begin(), added.end());
    needs_sync_ = true;
    return absl::OkStatus();
  }
  void StartSync(absl::AnyInvocable<void(absl::StatusOr<interfaces::SyncDone>)> done) override {
    done_ = std::move(done);
    covers_ = {last_index(), cut_counter};
    needs_sync_ = false;
  }
  void FinishSync() {
    if (done_) std::exchange(done_, nullptr)(covers_);
  }
  bool SyncInFlight() const override { return done_ != nullptr; }
  bool NeedsSync() const override { return needs_sync_; }
  absl::Status WriteMark(LogIndex) override { return absl::OkStatus(); }
  absl::StatusOr<LogIndex> CompactTo(LogIndex, LogIndex) override { return LogIndex(1); }
  absl::Status ResetTo(LogIndex, Term) override { return absl::OkStatus(); }
  absl::Status Repair(const consensus::Entry&) override { return absl::OkStatus(); }
  absl::StatusOr<consensus::Entry> ReadRecord(LogIndex, Term) override { return absl::NotFoundError("toy"); }
  absl::StatusOr<std::vector<consensus::Entry>> ReadEntries(LogIndex low, LogIndex high, uint64_t) override {
    std::vector<consensus::Entry> out;
    for (const consensus::Entry& entry : entries) {
      if (entry.index >= low && entry.index < high) out.push_back(entry);
    }
    return out;
  }
  LogIndex last_index() const override { return LogIndex(entries.size()); }
  uint64_t bytes_on_disk() const override { return 0; }

  std::vector<consensus::Entry> entries;
  uint64_t cut_counter = 0;

 private:
  bool needs_sync_ = false;
  interfaces::SyncDone covers_;
  absl::AnyInvocable<void(absl::StatusOr<interfaces::SyncDone>)> done_;
};

class ToySnapshots final : public interfaces::SnapshotStore {
 public:
  std::optional<interfaces::SnapshotMeta> meta() const override { return std::nullopt; }
  absl::Status Load(interfaces::RecordSink*) override { return absl::OkStatus(); }
  void Write(std::vector<interfaces::SnapshotRecord>, interfaces::SnapshotMeta,
             absl::AnyInvocable<void(absl::Status)>) override {}
  absl::StatusOr<std::unique_ptr<interfaces::SnapshotReader>> OpenReader() override {
    return absl::NotFoundError("toy");
  }
  absl::StatusOr<std::unique_ptr<interfaces::SnapshotInstaller>> BeginInstall(
      const interfaces::SnapshotMeta&) override {
    return absl::NotFoundError("toy");
  }
  uint64_t bytes_on_disk() const override { return 0; }
};

class ToyTransport final : public interfaces::Transport {
 public:
  void Send(ServerId to, interfaces::PeerMessage message) override { sent.emplace_back(to, std::move(message)); }
  void SetHello(const interfaces::PeerHello&) override {}
  void SetPeers(const std::vector<std::pair<ServerId, std::string>>&) override {}
  size_t QueuedBytes(ServerId) const override { return 0; }
  // Those of one kind since the last call of it.
  template <typename Kind>
  std::vector<std::pair<ServerId, Kind>> Take() {
    std::vector<std::pair<ServerId, Kind>> out;
    std::deque<std::pair<ServerId, interfaces::PeerMessage>> rest;
    for (auto& [to, message] : sent) {
      if (Kind* kind = std::get_if<Kind>(&message)) {
        out.emplace_back(to, std::move(*kind));
      } else {
        rest.emplace_back(to, std::move(message));
      }
    }
    sent = std::move(rest);
    return out;
  }
  std::deque<std::pair<ServerId, interfaces::PeerMessage>> sent;
};

class ToyState final : public interfaces::StateMachine {
 public:
  absl::Status Apply(LogIndex index, Term, const interfaces::CommandBatch& batch) override {
    applied = index;
    for (std::string_view command : batch.commands) commands.emplace_back(command);
    return absl::OkStatus();
  }
  void Skip(LogIndex index, Term) override { applied = index; }
  LogIndex applied_index() const override { return applied; }
  Term applied_term() const override { return Term(0); }
  uint64_t log_clock_us() const override { return 0; }
  uint64_t digest() const override { return 0; }
  uint32_t digest_version() const override { return 1; }
  uint32_t version_in_force() const override { return 1; }
  uint32_t version_known() const override { return known; }
  interfaces::SnapshotMeta CloseSnapshot() override { return {}; }
  bool WriteClosed(absl::Duration, std::vector<interfaces::SnapshotRecord>*) override { return true; }
  void AbandonSnapshot() override {}
  size_t changed_records() const override { return 0; }
  std::unique_ptr<interfaces::StateLoader> NewLoader() override { return nullptr; }
  void Install(std::unique_ptr<interfaces::StateLoader>, const interfaces::SnapshotMeta&) override {}
  size_t memory_bytes() const override { return 0; }
  std::string AdmitCommand(std::string command, bool) override { return command; }

  LogIndex applied;
  uint32_t known = 1;
  std::vector<std::string> commands;
};

class Observer final : public NodeObserver {
 public:
  void OnRoleChange(const consensus::RoleChange&) override {}
  void OnResubmit() override { ++resubmits; }
  void OnServiceMessage(ServerId, const std::string&) override {}
  void OnPeerUp(ServerId) override {}
  void OnPeerDown(ServerId) override {}
  void OnQueueDrained() override {}
  int resubmits = 0;
};

class ExecutorClock final : public Clock {
 public:
  explicit ExecutorClock(const sim::TestExecutor* executor) : executor_(executor) {}
  absl::Duration Monotonic() const override { return executor_->now(); }
  int64_t WallMillis() const override { return 0; }

 private:
  const sim::TestExecutor* const executor_;
};

class NodeTest : public ::testing::Test {
 protected:
  NodeTest() : clock_(&executor_) {
    NodeConfig config;
    config.core.self = Id(1);
    NodeStart start;
    start.ensemble = EnsembleId(7);
    start.empty = false;
    for (uint32_t i = 1; i <= 3; ++i) {
      config.seeds.push_back({ServerId(i), consensus::MemberRole::kVoter, "h"});
      start.recovered.snapshot_configuration.members.push_back({Id(i), consensus::MemberRole::kVoter, "h"});
    }
    NodeDependencies deps;
    deps.loop = &executor_;
    deps.worker = &executor_;
    deps.clock = &clock_;
    deps.random = Random(1);
    deps.log = &log_;
    deps.snapshots = &snapshots_;
    deps.transport = &transport_;
    deps.state_machine = &state_;
    deps.observer = &observer_;
    deps.save_founding = [](EnsembleId, const consensus::Configuration&) { return absl::OkStatus(); };
    deps.make_raise_version = [](uint32_t version) { return "raise " + std::to_string(version); };
    deps.fatal = [](absl::Status status) { FAIL() << status; };
    node_ = std::make_unique<Node>(config, std::move(deps), std::move(start));
    node_->Start();
  }

  void Run(absl::Duration time) {
    absl::Duration end = executor_.now() + time;
    while (executor_.now() < end && executor_.RunOne()) {
    }
  }
  void Up(uint32_t server) {
    interfaces::PeerHello hello;
    hello.identity = Id(server);
    hello.ensemble = EnsembleId(7);
    hello.empty = false;
    node_->OnPeerUp(hello);
    Run(absl::Milliseconds(20));
  }
  void Say(uint32_t server, interfaces::PeerMessage message) {
    node_->OnPeerMessage(Id(server), std::move(message));
    Run(absl::Milliseconds(20));
  }
  consensus::Message From(uint32_t server, MessageType type, Term term) {
    consensus::Message message;
    message.type = type;
    message.from = Id(server);
    message.to = ServerId(1);
    message.term = term;
    return message;
  }
  // Server 2 leads in `term` and says so.
  void Follow(Term term) { Say(2, From(2, MessageType::kAppend, term)); }

  // Until this node leads, with an entry of its term applied: server 2 grants every vote and acknowledges every append.
  void Lead() {
    for (int round = 0; round < 300 && !node_->LeadingAndCaughtUp(); ++round) {
      Run(absl::Milliseconds(10));
      log_.FinishSync();
      for (auto& [to, message] : transport_.Take<consensus::Message>()) {
        if (to == ServerId(2)) Answer(message);
      }
    }
    ASSERT_TRUE(node_->LeadingAndCaughtUp());
  }
  void Answer(const consensus::Message& message) {
    consensus::Message reply = From(2, MessageType::kAppendReply, message.term);
    if (message.type == MessageType::kPreVote) reply.type = MessageType::kPreVoteReply;
    if (message.type == MessageType::kVote) reply.type = MessageType::kVoteReply;
    if (message.type == MessageType::kAppend) {
      reply.match = message.entries.empty() ? message.log_end.index : message.entries.back().index;
      reply.read_round = message.read_round;
    }
    node_->OnPeerMessage(Id(2), std::move(reply));
  }

  sim::TestExecutor executor_;
  ExecutorClock clock_;
  ToyLog log_;
  ToySnapshots snapshots_;
  ToyTransport transport_;
  ToyState state_;
  Observer observer_;
  std::unique_ptr<Node> node_;
};

// S2
TEST_F(NodeTest, UnansweredCommandsAreAskedForOncePerLeaderAndConnectionToIt) {
  Up(2);
  EXPECT_EQ(observer_.resubmits, 0) << "without a leader there is nobody to submit to";
  Follow(Term(1));
  EXPECT_EQ(observer_.resubmits, 1);
  Follow(Term(1));
  EXPECT_EQ(observer_.resubmits, 1);
  node_->OnPeerDown(ServerId(2));
  Up(2);
  Follow(Term(1));
  EXPECT_EQ(observer_.resubmits, 2) << "what was forwarded over the old connection may be lost";
  Up(3);
  Say(3, From(3, MessageType::kAppend, Term(2)));
  EXPECT_EQ(observer_.resubmits, 3) << "another leader";
}

// L11
TEST_F(NodeTest, ForwardsOnlyOnTheLeadersCreditAndForgetsItWithTheConnection) {
  Up(2);
  Follow(Term(1));
  EXPECT_EQ(node_->Submit("first"), SubmitResult::kQueued);
  Run(absl::Milliseconds(20));
  EXPECT_TRUE(transport_.Take<interfaces::Forward>().empty());
  Say(2, interfaces::ForwardCredit{Term(1), 1000});
  auto forwards = transport_.Take<interfaces::Forward>();
  ASSERT_EQ(forwards.size(), 1u);
  EXPECT_EQ(forwards[0].first, ServerId(2));
  EXPECT_EQ(forwards[0].second.term, Term(1));
  EXPECT_EQ(forwards[0].second.commands, std::vector<std::string>{"first"});
  node_->OnPeerDown(ServerId(2));
  Up(2);
  Follow(Term(1));
  EXPECT_EQ(node_->Submit("second"), SubmitResult::kQueued);
  Run(absl::Milliseconds(20));
  EXPECT_TRUE(transport_.Take<interfaces::Forward>().empty()) << "credit of a connection that is gone";
  Say(2, interfaces::ForwardCredit{Term(1), 1000});
  EXPECT_EQ(transport_.Take<interfaces::Forward>().size(), 1u);
}

// S2, L11
TEST_F(NodeTest, ALeaderTakesForwardsOfItsOwnTermOnly) {
  Up(2);
  Up(3);
  Lead();
  EXPECT_GE(observer_.resubmits, 1) << "the own clients' commands too";
  EXPECT_FALSE(transport_.Take<interfaces::ForwardCredit>().empty());
  LogIndex before = log_.last_index();
  Say(2, interfaces::Forward{node_->term() - 1, {"of another time"}});
  EXPECT_EQ(log_.last_index(), before);
  Say(2, interfaces::Forward{node_->term(), {"now"}});
  EXPECT_EQ(log_.last_index(), before + 1);
}

// L2
TEST_F(NodeTest, WhatQueuesDuringASyncBecomesTheNextEntry) {
  Up(2);
  Up(3);
  Lead();
  log_.FinishSync();
  Run(absl::Milliseconds(20));
  log_.FinishSync();
  LogIndex before = log_.last_index();
  node_->Submit("a");
  Run(absl::Milliseconds(20));
  EXPECT_EQ(log_.last_index(), before + 1) << "a lonely command goes at once";
  node_->Submit("b");
  node_->Submit("c");
  Run(absl::Milliseconds(20));
  EXPECT_EQ(log_.last_index(), before + 1) << "the sync of the first has not ended";
  log_.FinishSync();
  Run(absl::Milliseconds(20));
  EXPECT_EQ(log_.last_index(), before + 2) << "both in one entry";
}

// L6
TEST_F(NodeTest, TheVersionRisesOnlyWhenEveryMemberKnowsIt) {
  state_.known = 2;
  Up(2);
  Up(3);
  Lead();
  LogIndex before = log_.last_index();
  interfaces::DigestReport report;
  report.state_machine_version_known = 2;
  Say(2, report);
  Run(absl::Milliseconds(200));
  EXPECT_EQ(log_.last_index(), before);
  Say(3, report);
  for (int i = 0; i < 20; ++i) {
    Run(absl::Milliseconds(10));
    log_.FinishSync();
    for (auto& [to, message] : transport_.Take<consensus::Message>()) {
      if (to == ServerId(2)) Answer(message);
    }
  }
  EXPECT_EQ(state_.commands, std::vector<std::string>{"raise 2"});
}

}  // namespace
}  // namespace synod::node

#include "coordinator/node/snapshot_receiver.h"

#include <gtest/gtest.h>

#include <deque>
#include <utility>
#include <vector>

#include "coordinator/base/bytes.h"
#include "coordinator/base/crc32c.h"

namespace synod::node {
namespace {

using consensus::Identity;
using interfaces::SnapshotProgress;

// Runs what was posted when the test says so.
class StepExecutor final : public Executor {
 public:
  void Post(Task task) override { tasks_.push_back(std::move(task)); }
  void PostAfter(absl::Duration, Task task) override { tasks_.push_back(std::move(task)); }
  bool RunOne() {
    if (tasks_.empty()) return false;
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    std::move(task)();
    return true;
  }
  void RunAll() {
    while (RunOne()) continue;
  }

 private:
  std::deque<Task> tasks_;
};

class FakeLoader final : public interfaces::StateLoader {
 public:
  explicit FakeLoader(absl::Status verdict) : verdict_(std::move(verdict)) {}
  absl::Status Add(std::string_view, std::string_view) override { return absl::OkStatus(); }
  absl::Status Finish(const interfaces::SnapshotMeta&) override { return verdict_; }

 private:
  absl::Status verdict_;
};

class FakeInstaller final : public interfaces::SnapshotInstaller {
 public:
  explicit FakeInstaller(int* finished) : finished_(finished) {}
  absl::Status Add(std::string_view, std::string_view) override { return absl::OkStatus(); }
  absl::Status Finish() override {
    ++*finished_;
    return absl::OkStatus();
  }

 private:
  int* finished_;
};

class FakeStore final : public interfaces::SnapshotStore {
 public:
  std::optional<interfaces::SnapshotMeta> meta() const override { return std::nullopt; }
  absl::Status Load(interfaces::RecordSink*) override { return absl::OkStatus(); }
  void Write(std::vector<interfaces::SnapshotRecord>, interfaces::SnapshotMeta,
             absl::AnyInvocable<void(absl::Status)>) override {}
  absl::StatusOr<std::unique_ptr<interfaces::SnapshotReader>> OpenReader() override { return absl::NotFoundError(""); }
  absl::StatusOr<std::unique_ptr<interfaces::SnapshotInstaller>> BeginInstall(
      const interfaces::SnapshotMeta&) override {
    return std::make_unique<FakeInstaller>(&finished);
  }
  uint64_t bytes_on_disk() const override { return 0; }
  int finished = 0;
};

class FakeStateMachine final : public interfaces::StateMachine {
 public:
  absl::Status Apply(LogIndex, Term, const interfaces::CommandBatch&) override { return absl::OkStatus(); }
  void Skip(LogIndex, Term) override {}
  LogIndex applied_index() const override { return LogIndex(0); }
  Term applied_term() const override { return Term(0); }
  uint64_t log_clock_us() const override { return 0; }
  uint64_t digest() const override { return 0; }
  uint32_t digest_version() const override { return 1; }
  uint32_t version_in_force() const override { return 1; }
  uint32_t version_known() const override { return 1; }
  interfaces::SnapshotMeta CloseSnapshot() override { return {}; }
  bool WriteClosed(absl::Duration, std::vector<interfaces::SnapshotRecord>*) override { return true; }
  void AbandonSnapshot() override {}
  size_t changed_records() const override { return 0; }
  std::unique_ptr<interfaces::StateLoader> NewLoader() override { return std::make_unique<FakeLoader>(verdict); }
  void Install(std::unique_ptr<interfaces::StateLoader>, const interfaces::SnapshotMeta&) override {}
  size_t memory_bytes() const override { return 0; }
  std::string AdmitCommand(std::string command, bool) override { return command; }
  absl::Status verdict;
};

class FakeTransport final : public interfaces::Transport {
 public:
  void Send(ServerId to, interfaces::PeerMessage message) override {
    sent.emplace_back(to, std::get<SnapshotProgress>(std::move(message)));
  }
  void SetHello(const interfaces::PeerHello&) override {}
  void SetPeers(const std::vector<std::pair<ServerId, std::string>>&) override {}
  size_t QueuedBytes(ServerId) const override { return 0; }
  std::vector<std::pair<ServerId, SnapshotProgress>> sent;
};

constexpr absl::Duration kStart = absl::Seconds(100);
const Identity kLeader{ServerId(1), StorageId(11)};
const Identity kOther{ServerId(3), StorageId(33)};

struct Receiving {
  StepExecutor loop, worker;
  FakeStore store;
  FakeStateMachine state_machine;
  FakeTransport transport;
  int installed = 0;
  SnapshotReceiver receiver{
      {&loop, &worker, &store, &state_machine, &transport,
       [](LogIndex) { return SnapshotReceiver::Dependencies::Go::kYes; },
       [this](const interfaces::SnapshotMeta&, std::unique_ptr<interfaces::StateLoader>) { ++installed; },
       [](absl::Status) { ADD_FAILURE() << "nothing durable failed"; }}};

  void Offer(const Identity& from, uint64_t id, absl::Duration now, uint64_t term = 1) {
    interfaces::SnapshotOffer offer;
    offer.id = id;
    offer.term = Term(term);
    offer.meta.index = LogIndex(50);
    receiver.OnOffer(from, offer, true, now);
  }
  void Chunk(const Identity& from, uint64_t id, uint64_t number, bool last, absl::Duration now) {
    ByteWriter records;
    records.Blob("key");
    records.Blob("value");
    interfaces::SnapshotData data;
    data.id = id;
    data.chunk.number = number;
    data.chunk.records = records.Take();
    data.chunk.checksum = Crc32c(data.chunk.records);
    data.chunk.last = last;
    receiver.OnData(from, std::move(data), now);
  }
  void RunAll() {
    for (int i = 0; i < 10; ++i) {
      worker.RunAll();
      loop.RunAll();
    }
  }
};

// L11: the sender's window is 8 chunks beyond what it is told; told what merely arrived, it would send the whole
// snapshot into memory.
TEST(SnapshotReceiver, ChunksThatWaitToBeWorkedInAreNotAcknowledged) {
  Receiving r;
  r.Offer(kLeader, 7, kStart);
  for (uint64_t i = 0; i < 3; ++i) r.Chunk(kLeader, 7, i, false, kStart);
  r.transport.sent.clear();
  r.worker.RunOne();
  r.loop.RunAll();
  ASSERT_EQ(r.transport.sent.size(), 1u);
  EXPECT_EQ(r.transport.sent[0].second.next_chunk, 1u);
}

// D9
TEST(SnapshotReceiver, ATransferGoesOnWhereItIsWhenTheSameSenderOffersItAgain) {
  Receiving r;
  r.Offer(kLeader, 7, kStart);
  r.Chunk(kLeader, 7, 0, false, kStart);
  r.Chunk(kLeader, 7, 2, false, kStart);  // one was lost
  r.RunAll();
  r.transport.sent.clear();
  r.Offer(kLeader, 7, kStart);
  ASSERT_EQ(r.transport.sent.size(), 1u);
  EXPECT_EQ(r.transport.sent[0].second.next_chunk, 1u);
  r.Chunk(kLeader, 7, 1, true, kStart);
  r.RunAll();
  EXPECT_EQ(r.installed, 1);
  EXPECT_EQ(r.transport.sent.back().second.state, SnapshotProgress::State::kInstalled);
}

// D9
TEST(SnapshotReceiver, NothingBecomesDurableWhoseDigestDoesNotMatch) {
  Receiving r;
  r.state_machine.verdict = absl::DataLossError("digest");
  r.Offer(kLeader, 7, kStart);
  r.Chunk(kLeader, 7, 0, true, kStart);
  r.RunAll();
  EXPECT_EQ(r.store.finished, 0);
  EXPECT_EQ(r.installed, 0);
  EXPECT_EQ(r.transport.sent.back().second.state, SnapshotProgress::State::kRefused);
}

// D6: a server that can't lead for its damage, and without whose vote nobody else can, must be able to turn to another
// peer when the sender dies.
TEST(SnapshotReceiver, ASilentSenderMakesRoomForAnother) {
  Receiving r;
  r.Offer(kLeader, 7, kStart);
  r.Chunk(kLeader, 7, 0, false, kStart);
  EXPECT_TRUE(r.receiver.active(kStart + absl::Seconds(1)));
  r.transport.sent.clear();
  r.Offer(kOther, 8, kStart + absl::Seconds(1));
  EXPECT_TRUE(r.transport.sent.empty()) << "of two senders that are alive the first goes on";
  EXPECT_FALSE(r.receiver.active(kStart + absl::Seconds(3)));
  r.Offer(kOther, 8, kStart + absl::Seconds(3));
  EXPECT_TRUE(r.receiver.active(kStart + absl::Seconds(3)));
  r.Chunk(kOther, 8, 0, true, kStart + absl::Seconds(3));
  r.RunAll();
  EXPECT_EQ(r.installed, 1);
}

}  // namespace
}  // namespace synod::node

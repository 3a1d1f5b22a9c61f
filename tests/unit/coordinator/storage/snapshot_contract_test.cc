// The contract of interfaces::SnapshotStore, on every implementation of it.
#include <gtest/gtest.h>

#include "coordinator/base/crc32c.h"
#include "tests/support/memory_snapshot_store.h"
#include "tests/support/rocksdb_snapshot_harness.h"

namespace synod::sim {
namespace {

using interfaces::SnapshotChunk;
using interfaces::SnapshotRecord;

class MemorySnapshotHarness : public SnapshotHarness {
 public:
  void Restart() override {
    store_.reset();
    executor.DropAll();
    store_ = std::make_unique<MemorySnapshotStore>(&disk_, &executor, Random(++boots_), absl::Milliseconds(20));
  }
  interfaces::SnapshotStore& store() override { return *store_; }
  void Damage() override { disk_.damaged = true; }

 private:
  MemorySnapshotDisk disk_;
  uint64_t boots_ = 0;
  std::unique_ptr<MemorySnapshotStore> store_;
};

class SnapshotContract : public testing::TestWithParam<std::string> {
 protected:
  SnapshotContract() {
    if (GetParam() == "RocksDb") {
      harness_ = std::make_unique<RocksDbSnapshotHarness>();
    } else {
      harness_ = std::make_unique<MemorySnapshotHarness>();
    }
    harness_->Restart();
  }
  SnapshotHarness& h() { return *harness_; }
  std::vector<SnapshotRecord> Many(int count) {
    std::vector<SnapshotRecord> records;
    for (int i = count - 1; i >= 0; --i) {
      records.push_back({"key" + std::to_string(1000 + i),
                         std::string(static_cast<size_t>(20 + i % 7), static_cast<char>('a' + i % 26))});
    }
    return records;
  }
  std::unique_ptr<interfaces::SnapshotReader> Reader() {
    auto reader = h().store().OpenReader();
    EXPECT_TRUE(reader.ok()) << reader.status();
    return reader.ok() ? *std::move(reader) : nullptr;
  }

  std::unique_ptr<SnapshotHarness> harness_;
};

TEST_P(SnapshotContract, AnEmptyStoreHasNoMetaAndLoadsNothing) {
  EXPECT_FALSE(h().store().meta().has_value());
  auto loaded = h().Load();
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_TRUE(loaded->empty());
  EXPECT_TRUE(absl::IsNotFound(h().store().OpenReader().status()));
}

TEST_P(SnapshotContract, AWriteChangesReplacesAndRemovesRecordsWithItsMeta) {  // D7
  ASSERT_TRUE(h().Write({{"b", "1"}, {"a", "2"}, {"c", "3"}, {std::string("\0x", 2), "zero"}}, 5).ok());
  ASSERT_TRUE(h().Write({{"c", std::nullopt}, {"b", ""}, {"d", "4"}, {"never", std::nullopt}}, 9).ok());
  for (int restarts = 0; restarts < 2; ++restarts) {
    auto loaded = h().Load();
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    EXPECT_EQ(*loaded, (RecordMap{{std::string("\0x", 2), "zero"}, {"a", "2"}, {"b", ""}, {"d", "4"}}));
    ASSERT_TRUE(h().store().meta().has_value());
    EXPECT_EQ(h().store().meta()->Encode(), MakeMeta(9).Encode());
    h().Restart();
  }
}

TEST_P(SnapshotContract, LoadDeliversInKeyOrderAndPassesOnTheSinksError) {  // D8
  ASSERT_TRUE(h().Write(Many(300), 1).ok());
  auto loaded = h().Load();  // the collector refuses any other order
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->size(), 300u);
  class Refuser : public interfaces::RecordSink {
   public:
    absl::Status Add(std::string_view, std::string_view) override {
      return ++calls == 3 ? absl::OutOfRangeError("enough") : absl::OkStatus();
    }
    int calls = 0;
  } refuser;
  EXPECT_TRUE(absl::IsOutOfRange(h().store().Load(&refuser)));
  EXPECT_EQ(refuser.calls, 3);
}

TEST_P(SnapshotContract, ASinkThatRefusesEarlyIsNotWaitedForByWhatWasReadAhead) {
  std::vector<interfaces::SnapshotRecord> records = Many(300);
  for (interfaces::SnapshotRecord& record : records) record.value->append(20'000, 'x');
  ASSERT_TRUE(h().Write(std::move(records), 1).ok());
  auto loaded = h().Load();
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->size(), 300u);
  class Refuser : public interfaces::RecordSink {
   public:
    absl::Status Add(std::string_view, std::string_view) override { return absl::OutOfRangeError("enough"); }
  } refuser;
  EXPECT_TRUE(absl::IsOutOfRange(h().store().Load(&refuser)));
}

TEST_P(SnapshotContract, AWriteThatWouldGoBackIsRefused) {
  ASSERT_TRUE(h().Write({{"a", "1"}}, 9).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(h().Write({{"a", "2"}}, 8)));
  EXPECT_EQ(h().Load()->at("a"), "1");
}

TEST_P(SnapshotContract, ACrashBeforeTheCompletionLeavesTheOldOrTheNewSnapshotWhole) {  // R31
  ASSERT_TRUE(h().Write(Many(50), 5).ok());
  for (uint64_t round = 0; round < 20; ++round) {
    RecordMap before = *h().Load();
    uint64_t old_index = h().store().meta()->index.value();
    uint64_t new_index = old_index + 1;
    std::string value = "round" + std::to_string(round);
    bool completed = false;
    h().store().Write({{"key1000", value}, {"key1049", value}}, MakeMeta(new_index),
                      [&](absl::Status) { completed = true; });
    if (round % 3 != 0) h().executor.RunOne();  // the memory store takes effect, or not, before it completes
    ASSERT_FALSE(round % 3 == 0 && completed);
    h().Restart();
    RecordMap after = *h().Load();
    if (h().store().meta()->index.value() == old_index) {
      EXPECT_FALSE(completed);
      EXPECT_EQ(after, before);
    } else {
      EXPECT_EQ(h().store().meta()->index.value(), new_index);
      before["key1000"] = before["key1049"] = value;
      EXPECT_EQ(after, before);
    }
  }
}

TEST_P(SnapshotContract, AReaderKeepsItsViewWhileTheStoreMovesOn) {  // D9
  ASSERT_TRUE(h().Write({{"a", "1"}, {"b", "1"}}, 5).ok());
  auto reader = Reader();
  ASSERT_TRUE(h().Write({{"a", "2"}, {"b", std::nullopt}, {"c", "2"}}, 6).ok());
  EXPECT_EQ(reader->meta().index, LogIndex(5));
  auto chunk = reader->ReadChunk(0, 1 << 20);
  ASSERT_TRUE(chunk.ok()) << chunk.status();
  EXPECT_EQ(*DecodeChunk(*chunk), (RecordMap{{"a", "1"}, {"b", "1"}}));
  EXPECT_TRUE(chunk->last);
}

TEST_P(SnapshotContract, ChunksCoverEveryRecordOnceAndReadAgainAsTheSameBytes) {  // D9
  ASSERT_TRUE(h().Write(Many(200), 5).ok());
  auto reader = Reader();
  std::vector<SnapshotChunk> chunks;
  RecordMap all;
  do {
    auto chunk = reader->ReadChunk(chunks.size(), 500);
    ASSERT_TRUE(chunk.ok()) << chunk.status();
    EXPECT_EQ(chunk->number, chunks.size());
    EXPECT_EQ(chunk->checksum, Crc32c(chunk->records));
    RecordMap part = *DecodeChunk(*chunk);
    EXPECT_FALSE(part.empty());
    if (!all.empty()) {
      EXPECT_GT(part.begin()->first, all.rbegin()->first);
    }
    all.merge(part);
    chunks.push_back(*std::move(chunk));
    ASSERT_LT(chunks.size(), 100u);
  } while (!chunks.back().last);
  EXPECT_GT(chunks.size(), 5u);
  EXPECT_EQ(all, *h().Load());
  ASSERT_TRUE(h().Write({{"key0", "in front"}, {"key1100", std::nullopt}}, 6).ok());
  for (size_t i : {size_t{3}, size_t{0}, chunks.size() - 1}) {
    auto again = reader->ReadChunk(i, 999);  // the size of a chunk once read is settled
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(again->records, chunks[i].records);
    EXPECT_EQ(again->last, chunks[i].last);
  }
  EXPECT_TRUE(absl::IsInvalidArgument(reader->ReadChunk(chunks.size(), 500).status()));
  // A new reader of the same snapshot resumes in the middle with the same bytes.
  h().Restart();
}

TEST_P(SnapshotContract, AResumedTransferGetsTheSameChunksFromANewReader) {  // D9
  ASSERT_TRUE(h().Write(Many(200), 5).ok());
  auto first = Reader();
  std::string third;
  for (uint64_t i = 0; i < 4; ++i) third = first->ReadChunk(i, 400)->records;
  first.reset();
  h().Restart();
  auto second = Reader();
  EXPECT_EQ(second->ReadChunk(3, 400)->records, third);
}

TEST_P(SnapshotContract, ASnapshotWithoutRecordsIsOneEmptyLastChunk) {
  ASSERT_TRUE(h().Write({}, 5).ok());
  auto chunk = Reader()->ReadChunk(0, 100);
  ASSERT_TRUE(chunk.ok());
  EXPECT_TRUE(chunk->last);
  EXPECT_TRUE(chunk->records.empty());
}

TEST_P(SnapshotContract, AnInstallReplacesEverythingAtFinishAndNothingBefore) {  // D9
  ASSERT_TRUE(h().Write(Many(20), 5).ok());
  auto pinned = Reader();
  auto installer = h().store().BeginInstall(MakeMeta(100));
  ASSERT_TRUE(installer.ok()) << installer.status();
  ASSERT_TRUE((*installer)->Add("a", "1").ok());
  ASSERT_TRUE((*installer)->Add("b", "2").ok());
  EXPECT_EQ(h().Load()->size(), 20u);
  EXPECT_EQ(h().store().meta()->index, LogIndex(5));
  ASSERT_TRUE((*installer)->Finish().ok());
  EXPECT_FALSE((*installer)->Finish().ok());
  EXPECT_EQ(*h().Load(), (RecordMap{{"a", "1"}, {"b", "2"}}));
  EXPECT_EQ(h().store().meta()->index, LogIndex(100));
  EXPECT_EQ(DecodeChunk(*pinned->ReadChunk(0, 1 << 20))->size(), 20u);
  pinned.reset();
  installer->reset();
  h().Restart();
  EXPECT_EQ(*h().Load(), (RecordMap{{"a", "1"}, {"b", "2"}}));
  ASSERT_TRUE(h().Write({{"c", "3"}}, 101).ok());
  EXPECT_EQ(h().Load()->size(), 3u);
}

TEST_P(SnapshotContract, AnInstallThatIsDroppedLeavesTheOldSnapshot) {  // R20
  ASSERT_TRUE(h().Write({{"old", "1"}}, 5).ok());
  for (int i = 0; i < 3; ++i) {
    auto installer = h().store().BeginInstall(MakeMeta(100));
    ASSERT_TRUE(installer.ok());
    ASSERT_TRUE((*installer)->Add("new", "2").ok());
    installer->reset();
    if (i == 1) h().Restart();
    EXPECT_EQ(*h().Load(), (RecordMap{{"old", "1"}}));
    EXPECT_EQ(h().store().meta()->index, LogIndex(5));
  }
}

TEST_P(SnapshotContract, AnInstallTakesKeysInAscendingOrderOnly) {
  auto installer = h().store().BeginInstall(MakeMeta(100));
  ASSERT_TRUE(installer.ok());
  ASSERT_TRUE((*installer)->Add("b", "1").ok());
  EXPECT_TRUE(absl::IsInvalidArgument((*installer)->Add("b", "2")));
  EXPECT_TRUE(absl::IsInvalidArgument((*installer)->Add("a", "2")));
  ASSERT_TRUE((*installer)->Add("c", "3").ok());
  ASSERT_TRUE((*installer)->Finish().ok());
  EXPECT_EQ(*h().Load(), (RecordMap{{"b", "1"}, {"c", "3"}}));
}

TEST_P(SnapshotContract, AWriteOvertakenByAnInstallChangesNothing) {
  ASSERT_TRUE(h().Write({{"a", "1"}}, 5).ok());
  absl::Status result;
  bool done = false;
  auto installer = h().store().BeginInstall(MakeMeta(100));
  ASSERT_TRUE((*installer)->Add("z", "installed").ok());
  h().store().Write({{"a", "2"}}, MakeMeta(6), [&](absl::Status status) {
    result = status;
    done = true;
  });
  ASSERT_TRUE((*installer)->Finish().ok());
  ASSERT_TRUE(h().executor.RunUntil([&] { return done; }));
  EXPECT_TRUE(result.ok() || absl::IsAborted(result)) << result;
  EXPECT_EQ(*h().Load(), (RecordMap{{"z", "installed"}}));
  EXPECT_EQ(h().store().meta()->index, LogIndex(100));
}

TEST_P(SnapshotContract, ADamagedStoreServesNothingUntilAnInstallHealsIt) {  // D6
  ASSERT_TRUE(h().Write(Many(100), 5).ok());
  h().Damage();
  h().Restart();
  EXPECT_TRUE(absl::IsDataLoss(h().Load().status()));
  EXPECT_FALSE(h().store().meta().has_value());
  EXPECT_TRUE(absl::IsDataLoss(h().store().OpenReader().status()));
  EXPECT_TRUE(absl::IsDataLoss(h().Write({{"a", "1"}}, 6)));
  auto installer = h().store().BeginInstall(MakeMeta(7));
  ASSERT_TRUE(installer.ok()) << installer.status();
  ASSERT_TRUE((*installer)->Add("a", "healed").ok());
  ASSERT_TRUE((*installer)->Finish().ok());
  installer->reset();
  EXPECT_EQ(*h().Load(), (RecordMap{{"a", "healed"}}));
  h().Restart();
  EXPECT_EQ(*h().Load(), (RecordMap{{"a", "healed"}}));
  EXPECT_EQ(h().store().meta()->index, LogIndex(7));
}

INSTANTIATE_TEST_SUITE_P(All, SnapshotContract, testing::Values("RocksDb", "Memory"),
                         [](const testing::TestParamInfo<std::string>& info) { return info.param; });

}  // namespace
}  // namespace synod::sim

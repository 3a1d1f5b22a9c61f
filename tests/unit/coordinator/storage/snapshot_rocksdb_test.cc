// What only the RocksDB store can show: crashes at every operation, failing writes and syncs, flipped bits, whose store
// it is.
#include <gtest/gtest.h>

#include "tests/support/rocksdb_snapshot_harness.h"

namespace synod::sim {
namespace {

using Fault = FaultFileSystem::Fault;
using interfaces::SnapshotRecord;

std::vector<SnapshotRecord> Round(int round, int count) {
  std::vector<SnapshotRecord> records;
  for (int i = 0; i < count; ++i) {
    std::string key = "key" + std::to_string(1000 + i);
    if ((i + round) % 5 == 0) {
      records.push_back({key, std::nullopt});
    } else {
      records.push_back({key, "round" + std::to_string(round) + std::string(static_cast<size_t>(i % 50), 'x')});
    }
  }
  return records;
}

RecordMap Applied(RecordMap map, const std::vector<SnapshotRecord>& changes) {
  for (const SnapshotRecord& change : changes) {
    if (change.value) {
      map[change.key] = *change.value;
    } else {
      map.erase(change.key);
    }
  }
  return map;
}

// A disk with a snapshot at index 10, and what it holds.
struct Base {
  std::shared_ptr<FaultFileSystem> disk;
  RecordMap records;
};
Base MakeBase() {
  RocksDbSnapshotHarness h;
  absl::Status opened = h.Open();
  EXPECT_TRUE(opened.ok()) << opened;
  Base base;
  for (int round = 0; round < 2; ++round) {
    std::vector<SnapshotRecord> changes = Round(round, 60);
    base.records = Applied(std::move(base.records), changes);
    EXPECT_TRUE(h.Write(changes, static_cast<uint64_t>(9 + round)).ok());
  }
  h.Crash(nullptr);
  base.disk = h.fs;
  return base;
}

// Runs `step` with a power cut after each number of operations, then restarts and checks that the old or the new
// snapshot is there.
template <typename Step>
void CutEverywhere(const Base& base, const RecordMap& next, uint64_t next_index, const Step& step) {
  bool cut = true;
  int olds = 0;
  int news = 0;
  for (uint64_t operations = 0; cut; ++operations) {
    ASSERT_LT(operations, 400u);
    for (uint64_t seed = 0; seed < 3; ++seed) {
      RocksDbSnapshotHarness h(base.disk->Clone());
      ASSERT_TRUE(h.Open().ok());
      h.fs->Arm(Fault::kPowerCut, operations);
      absl::Status status = step(&h);
      cut = h.fs->fired();
      ASSERT_TRUE(cut || status.ok()) << status;
      Random random(operations * 3 + seed);
      h.Crash(seed == 0 ? nullptr : &random);
      absl::Status opened = h.Open();
      ASSERT_TRUE(opened.ok()) << opened << " after " << operations;
      ASSERT_TRUE(h.store().damage().ok()) << h.store().damage() << " after " << operations << " seed " << seed;
      auto loaded = h.Load();
      ASSERT_TRUE(loaded.ok()) << loaded.status() << " after " << operations;
      if (h.store().meta()->index == LogIndex(next_index)) {
        ASSERT_EQ(*loaded, next) << operations;
        ++news;
      } else {
        ASSERT_FALSE(status.ok()) << "reported done and lost, after " << operations;
        ASSERT_EQ(h.store().meta()->index, LogIndex(10));
        ASSERT_EQ(*loaded, base.records) << operations;
        ++olds;
      }
      ASSERT_TRUE(h.Write({{"alive", "yes"}}, next_index + 1).ok());
    }
  }
  EXPECT_GT(olds, 10);  // the cuts really fell before and after the step that counts
  EXPECT_GT(news, 3);
}

TEST(RocksDbSnapshot, APowerCutAnywhereInAWriteLeavesTheOldOrTheNewSnapshot) {  // R31, R59-R64
  Base base = MakeBase();
  std::vector<SnapshotRecord> changes = Round(2, 80);
  CutEverywhere(base, Applied(base.records, changes), 20,
                [&](RocksDbSnapshotHarness* h) { return h->Write(changes, 20); });
}

TEST(RocksDbSnapshot, APowerCutAnywhereInAnInstallLeavesTheOldOrTheNewSnapshot) {  // D9, R19, R20
  Base base = MakeBase();
  RecordMap next = {{"a", "1"}, {"b", "2"}, {"c", std::string(10000, 'c')}};
  CutEverywhere(base, next, 30, [&](RocksDbSnapshotHarness* h) -> absl::Status {
    auto installer = h->store().BeginInstall(MakeMeta(30));
    if (!installer.ok()) return installer.status();
    for (const auto& [key, value] : next) {
      if (absl::Status status = (*installer)->Add(key, value); !status.ok()) return status;
    }
    return (*installer)->Finish();
  });
}

TEST(RocksDbSnapshot, APowerCutAnywhereInTheFirstStartLeavesAStoreThatCanBeMadeOrOpened) {
  bool cut = true;
  for (uint64_t operations = 0; cut; ++operations) {
    RocksDbSnapshotHarness h;
    h.fs->Arm(Fault::kPowerCut, operations);
    absl::Status status = h.Open();
    cut = h.fs->fired();
    ASSERT_TRUE(cut || status.ok()) << status;
    Random random(operations);
    h.Crash(&random);
    ASSERT_TRUE(h.Open().ok());
    ASSERT_TRUE(h.store().damage().ok()) << h.store().damage();
    ASSERT_TRUE(h.Write({{"a", "1"}}, 1).ok());
  }
}

TEST(RocksDbSnapshot, AFailedWriteOrSyncIsReportedAndNothingMoreIsWritten) {  // D12
  Base base = MakeBase();
  std::vector<SnapshotRecord> changes = Round(2, 80);
  for (Fault fault : {Fault::kWriteOnce, Fault::kSyncOnce, Fault::kSpaceOnce}) {
    uint64_t failures = 0;
    bool fired = true;
    for (uint64_t operations = 0; fired; ++operations) {
      ASSERT_LT(operations, 100u);
      RocksDbSnapshotHarness h(base.disk->Clone());
      ASSERT_TRUE(h.Open().ok());
      h.fs->Arm(fault, operations);
      absl::Status status = h.Write(changes, 20);
      fired = h.fs->fired();
      ASSERT_EQ(status.ok(), !fired) << status << " after " << operations;
      if (!fired) break;
      ++failures;
      EXPECT_FALSE(h.Write({{"later", "1"}}, 21).ok());
      h.Crash(nullptr);
      ASSERT_TRUE(h.Open().ok());
      auto loaded = h.Load();
      ASSERT_TRUE(loaded.ok()) << loaded.status();
      ASSERT_EQ(*loaded, h.store().meta()->index == LogIndex(20) ? Applied(base.records, changes) : base.records);
    }
    EXPECT_GE(failures, 2u);
  }
}

TEST(RocksDbSnapshot, AFlippedBitIsReportedAndNeverServed) {  // R62-R64, D6
  Base base = MakeBase();
  int reported = 0;
  int tried = 0;
  Random random(7);
  for (const std::string& file : base.disk->Files()) {
    size_t size = base.disk->Size(file);
    for (size_t byte = 0; byte < size; byte += 1 + random.Below(size / 40 + 1)) {
      RocksDbSnapshotHarness h(base.disk->Clone());
      h.create = false;
      h.fs->FlipBit(file, byte, static_cast<int>(random.Below(8)));
      ++tried;
      absl::Status opened = h.Open();
      if (!opened.ok() || !h.store().damage().ok()) {
        ++reported;
        continue;
      }
      auto meta = h.store().meta();
      auto loaded = h.Load();
      if (!loaded.ok()) {
        ASSERT_TRUE(absl::IsDataLoss(loaded.status())) << loaded.status();
        ++reported;
        continue;
      }
      ASSERT_TRUE(meta.has_value()) << file << " byte " << byte;
      ASSERT_EQ(meta->Encode(), MakeMeta(10).Encode()) << file << " byte " << byte;
      ASSERT_EQ(*loaded, base.records) << file << " byte " << byte;
    }
  }
  EXPECT_GT(tried, 200);
  EXPECT_GT(reported, tried / 3);
}

TEST(RocksDbSnapshot, AFileThatCannotBeReadIsDamageThatAnInstallHeals) {  // D6
  Base base = MakeBase();
  int damaged = 0;
  for (const std::string& file : base.disk->Files()) {
    RocksDbSnapshotHarness h(base.disk->Clone());
    h.create = false;
    h.fs->MakeUnreadable(file);
    absl::Status opened = h.Open();
    ASSERT_TRUE(opened.ok()) << file << ": " << opened;
    auto loaded = h.Load();
    if (loaded.ok()) {
      EXPECT_EQ(*loaded, base.records) << file;
      continue;
    }
    EXPECT_TRUE(absl::IsDataLoss(loaded.status())) << loaded.status();
    ++damaged;
    auto installer = h.store().BeginInstall(MakeMeta(50));
    ASSERT_TRUE(installer.ok()) << installer.status();
    ASSERT_TRUE((*installer)->Add("a", "healed").ok());
    ASSERT_TRUE((*installer)->Finish().ok());
    EXPECT_EQ(*h.Load(), (RecordMap{{"a", "healed"}}));
  }
  EXPECT_GE(damaged, 3);  // CURRENT, manifest, tables
}

TEST(RocksDbSnapshot, ADatabaseThatLostAWriteKnownDurableCountsAsDamaged) {  // R62-R64: never silent
  RocksDbSnapshotHarness h;
  ASSERT_TRUE(h.Open().ok());
  ASSERT_TRUE(h.Write({{"a", "1"}}, 5).ok());
  h.Crash(nullptr);
  auto old_disk = h.fs->Clone();
  ASSERT_TRUE(h.Open().ok());
  ASSERT_TRUE(h.Write({{"a", "2"}}, 6).ok());
  h.Close();
  // The old database under the new CURRENT, as if its manifest had lost its tail.
  std::string current(h.fs->Size("/data/snapshot/CURRENT"), '\0');
  std::unique_ptr<rocksdb::FSSequentialFile> from;
  ASSERT_TRUE(h.fs->NewSequentialFile("/data/snapshot/CURRENT", {}, &from, nullptr).ok());
  rocksdb::Slice bytes;
  ASSERT_TRUE(from->Read(current.size(), {}, &bytes, current.data(), nullptr).ok());
  std::unique_ptr<rocksdb::FSWritableFile> to;
  ASSERT_TRUE(old_disk->NewWritableFile("/data/snapshot/CURRENT", {}, &to, nullptr).ok());
  ASSERT_TRUE(to->Append(bytes, {}, nullptr).ok());
  RocksDbSnapshotHarness back(old_disk);
  ASSERT_TRUE(back.Open().ok());
  EXPECT_TRUE(absl::IsDataLoss(back.store().damage())) << back.store().damage();
  EXPECT_FALSE(back.store().meta().has_value());
  EXPECT_TRUE(absl::IsDataLoss(back.Load().status()));
}

TEST(RocksDbSnapshot, AMissingOrForeignStoreIsNotOpened) {  // D10, R46
  RocksDbSnapshotHarness h;
  h.create = false;
  EXPECT_TRUE(absl::IsNotFound(h.Open()));
  h.create = true;
  ASSERT_TRUE(h.Open().ok());
  h.create = false;
  h.identity.storage = StorageId(12);
  EXPECT_TRUE(absl::IsFailedPrecondition(h.Open()));
}

TEST(RocksDbSnapshot, TheEnsembleIsKeptAndAnotherOneIsRefused) {  // D10, R25
  RocksDbSnapshotHarness h;
  ASSERT_TRUE(h.Open().ok());
  ASSERT_TRUE(h.store().SetEnsemble(EnsembleId(77)).ok());
  h.Crash(nullptr);
  EXPECT_TRUE(absl::IsFailedPrecondition(h.Open())) << "the hard state says: joined none";
  h.identity.ensemble = EnsembleId(78);
  EXPECT_TRUE(absl::IsFailedPrecondition(h.Open()));
  h.identity.ensemble = EnsembleId(77);
  absl::Status opened = h.Open();
  EXPECT_TRUE(opened.ok()) << opened;
}

TEST(RocksDbSnapshot, AStoreWithoutEnsembleTakesOverTheHardStates) {  // a crash between the two writes of joining
  RocksDbSnapshotHarness h;
  ASSERT_TRUE(h.Open().ok());
  h.identity.ensemble = EnsembleId(77);
  ASSERT_TRUE(h.Open().ok());
  h.Crash(nullptr);
  h.identity.ensemble = EnsembleId(78);
  EXPECT_TRUE(absl::IsFailedPrecondition(h.Open()));
}

TEST(RocksDbSnapshot, WhatIncompleteInstallsLeftIsDeletedAtTheNextStart) {  // D9
  RocksDbSnapshotHarness h;
  ASSERT_TRUE(h.Open().ok());
  ASSERT_TRUE(h.Write({{"a", "1"}}, 5).ok());
  h.Close();
  for (const char* name : {"/data/snapshot/ingest-9-0.sst", "/data/snapshot/CURRENT.tmp", "/data/snapshot/db-7/x"}) {
    ASSERT_TRUE(h.fs->CreateDirIfMissing("/data/snapshot/db-7", {}, nullptr).ok());
    std::unique_ptr<rocksdb::FSWritableFile> file;
    ASSERT_TRUE(h.fs->NewWritableFile(name, {}, &file, nullptr).ok());
  }
  ASSERT_TRUE(h.Open().ok());
  for (const std::string& file : h.fs->Files()) {
    EXPECT_TRUE(file.starts_with("/data/snapshot/db-1/") || file == "/data/snapshot/CURRENT") << file;
  }
}

TEST(RocksDbSnapshot, AReplacedDatabaseIsRemovedWhenItsLastReaderIsGone) {
  RocksDbSnapshotHarness h;
  ASSERT_TRUE(h.Open().ok());
  ASSERT_TRUE(h.Write({{"a", "1"}}, 5).ok());
  auto reader = *h.store().OpenReader();
  auto installer = *h.store().BeginInstall(MakeMeta(9));
  ASSERT_TRUE(installer->Finish().ok());
  installer.reset();
  auto count = [&](const char* prefix) {
    size_t files = 0;
    for (const std::string& file : h.fs->Files()) files += file.starts_with(prefix) ? 1 : 0;
    return files;
  };
  EXPECT_GT(count("/data/snapshot/db-1/"), 0u);
  EXPECT_TRUE(reader->ReadChunk(0, 100).ok());
  reader.reset();
  EXPECT_EQ(count("/data/snapshot/db-1/"), 0u);
  EXPECT_GT(count("/data/snapshot/db-2/"), 0u);
}

TEST(RocksDbSnapshot, ManyWritesAreCompactedAndStayWhole) {
  RocksDbSnapshotHarness h;
  ASSERT_TRUE(h.Open().ok());
  RecordMap expected;
  for (int round = 0; round < 40; ++round) {
    std::vector<SnapshotRecord> changes = Round(round, 100);
    expected = Applied(std::move(expected), changes);
    ASSERT_TRUE(h.Write(changes, static_cast<uint64_t>(round + 1)).ok());
    if (round % 13 == 12) h.Restart();
  }
  EXPECT_EQ(*h.Load(), expected);
  EXPECT_GT(h.store().bytes_on_disk(), 0u);
}

}  // namespace
}  // namespace synod::sim

#include "coordinator/storage/hard_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/sim_file.h"

namespace synod::storage {
namespace {

constexpr char kA[] = "/d/hard_state.a";
constexpr char kB[] = "/d/hard_state.b";

StoredState Example(uint64_t term) {
  StoredState s;
  s.ensemble = EnsembleId(77);
  s.identity = {ServerId(3), StorageId(0xabcdef)};
  s.vote = {Term(term), ServerId(term % 5)};
  s.founding.members.push_back({{ServerId(3), StorageId(0xabcdef)}, consensus::MemberRole::kVoter, "localhost:2888"});
  s.was_wiped = true;
  s.cut_counter = 5;
  s.cut_from = LogIndex(100);
  s.base = {Term(2), LogIndex(50)};
  s.base_segment = 9;
  s.base_cut_counter = 4;
  s.remembered_end = consensus::LogEnd{Term(3), LogIndex(120)};
  s.log_starts = 12;
  return s;
}

struct HardState : testing::Test {
  sim::SimDisk disk;
  std::unique_ptr<HardStateStore> store;
  void SetUp() override {
    ASSERT_TRUE(disk.CreateDirectories("/d").ok());
    store = *HardStateStore::Create(&disk, "/d", Example(0));
  }
  absl::Status Reload() {
    auto loaded = HardStateStore::Load(&disk, "/d");
    if (loaded.ok()) store = *std::move(loaded);
    return loaded.status();
  }
};

TEST_F(HardState, EveryFieldComesBack) {
  auto decoded = StoredState::Decode(Example(6).Encode());
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(*decoded, Example(6));
  StoredState other;
  other.snapshot_created = true;
  EXPECT_EQ(*StoredState::Decode(other.Encode()), other);
  EXPECT_FALSE(StoredState::Decode(Example(6).Encode().substr(1)).ok());
}

TEST_F(HardState, EachGenerationStandsInBothSlots) {  // D1
  ASSERT_TRUE(store->Save(Example(6)).ok());
  uint64_t generation = store->generation();
  for (const char* lost : {kA, kB}) {
    sim::SimDisk copy;
    ASSERT_TRUE(copy.CreateDirectories("/d").ok());
    for (const char* path : {kA, kB}) {
      if (path != lost) copy.Put(path, disk.Contents(path));
    }
    auto loaded = HardStateStore::Load(&copy, "/d");
    ASSERT_TRUE(loaded.ok());
    EXPECT_EQ((*loaded)->state(), Example(6));
    EXPECT_EQ((*loaded)->generation(), generation);
  }
}

TEST_F(HardState, RottenSlotNeverBringsAnOlderVoteBack) {  // D1, counterexample 2
  ASSERT_TRUE(store->Save(Example(5)).ok());
  ASSERT_TRUE(store->Save(Example(6)).ok());  // acted on
  for (const char* path : {kA, kB}) {
    disk.FlipBit(path, 40, 3);
    ASSERT_TRUE(Reload().ok());
    EXPECT_TRUE(store->one_copy_was_bad());
    EXPECT_EQ(store->state().vote, Example(6).vote);
    // It was mended: the other one may rot now.
    ASSERT_TRUE(Reload().ok());
    EXPECT_FALSE(store->one_copy_was_bad());
  }
}

TEST_F(HardState, ACopyOneGenerationBehindIsNoDamage) {  // D1: the process ended between its two writes
  const std::string behind = disk.Contents(kB);
  ASSERT_TRUE(store->Save(Example(6)).ok());
  disk.Put(kB, behind);
  ASSERT_TRUE(Reload().ok());
  EXPECT_TRUE(store->one_copy_was_behind());
  EXPECT_EQ(store->state(), Example(6));
  disk.FlipBit(kB, 40, 3);
  ASSERT_TRUE(Reload().ok());
  EXPECT_FALSE(store->one_copy_was_behind());
  EXPECT_TRUE(store->one_copy_was_bad());
}

TEST_F(HardState, TwoBadSlotsAreDataLossAndNoFileIsNotFound) {  // D1
  disk.FlipBit(kA, 30, 0);
  disk.FlipBit(kB, 30, 0);
  EXPECT_TRUE(absl::IsDataLoss(Reload()));
  ASSERT_TRUE(disk.Remove(kA).ok());
  EXPECT_TRUE(absl::IsDataLoss(Reload()));
  ASSERT_TRUE(disk.Remove(kB).ok());
  EXPECT_TRUE(absl::IsNotFound(Reload()));
}

TEST_F(HardState, AnyFlippedBitOfASlotIsNoticedOrMeaningless) {
  ASSERT_TRUE(store->Save(Example(6)).ok());
  size_t used = 24 + Example(6).Encode().size();
  for (size_t byte = 0; byte < used; ++byte) {
    disk.FlipBit(kA, byte, static_cast<int>(byte % 8));
    ASSERT_TRUE(Reload().ok()) << byte;
    EXPECT_TRUE(store->one_copy_was_bad()) << byte;
    EXPECT_EQ(store->state(), Example(6)) << byte;
  }
}

TEST_F(HardState, CrashAtEachSyncLeavesTheOldStateOrTheNewAndNeverLosesASavedOne) {  // D1
  for (uint64_t seed = 0; seed < 600; ++seed) {
    Random random(seed);
    sim::SimDisk d;
    ASSERT_TRUE(d.CreateDirectories("/d").ok());
    auto s = *HardStateStore::Create(&d, "/d", Example(1));
    uint64_t saved = 1;
    uint64_t tried = 1;
    random.OneIn(2) ? d.StopAfterSyncs(random.Below(8)) : d.StopAfterWrites(random.Below(8));
    while (true) {
      ++tried;
      if (!s->Save(Example(tried)).ok()) break;
      saved = tried;
    }
    d.Crash(&random);
    auto loaded = HardStateStore::Load(&d, "/d");
    ASSERT_TRUE(loaded.ok()) << "seed " << seed << ": " << loaded.status();
    uint64_t term = (*loaded)->state().vote.term.value();
    EXPECT_TRUE(term == saved || term == tried)
        << "seed " << seed << ": saved " << saved << " tried " << tried << " found " << term;
    // What a start has seen stays, even if that start's own mending was cut short.
    d.Crash(&random, sim::CrashKind::kLoseAll);
    loaded = HardStateStore::Load(&d, "/d");
    ASSERT_TRUE(loaded.ok());
    EXPECT_EQ((*loaded)->state().vote.term.value(), term) << "seed " << seed;
  }
}

TEST_F(HardState, CrashWhileCreatingLeavesNothingOrAWholeOne) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    sim::SimDisk d;
    ASSERT_TRUE(d.CreateDirectories("/d").ok());
    random.OneIn(2) ? d.StopAfterSyncs(random.Below(5)) : d.StopAfterWrites(random.Below(9));
    bool created = HardStateStore::Create(&d, "/d", Example(1)).ok();
    d.Crash(&random);
    auto loaded = HardStateStore::Load(&d, "/d");
    EXPECT_TRUE(loaded.ok() || (!created && absl::IsNotFound(loaded.status())))
        << "seed " << seed << ": " << loaded.status();
  }
}

TEST_F(HardState, FailedSaveSurfacesAndSticks) {  // D12
  disk.FailSync(sim::Fault::kIo, 1);
  EXPECT_TRUE(absl::IsDataLoss(store->Save(Example(6))));
  EXPECT_FALSE(store->Save(Example(7)).ok());
}

TEST_F(HardState, SavesOnAFullDisk) {  // L11: it can still vote and step down
  disk.SetCapacity(disk.used_bytes());
  EXPECT_TRUE(store->Save(Example(6)).ok());
}

TEST_F(HardState, SlotOfANewerFormatIsRefusedNotMended) {
  std::string bytes = disk.Contents(kA);
  SlotPair::Name name{"/d", "hard_state", 0x53485953};
  EXPECT_TRUE(SlotPair::Load(&disk, name, false).ok());
  EXPECT_TRUE(absl::IsDataLoss(SlotPair::Load(&disk, {"/d", "hard_state", 1}, false).status()));
}

}  // namespace
}  // namespace synod::storage

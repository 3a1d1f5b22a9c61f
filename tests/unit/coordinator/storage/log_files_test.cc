#include "coordinator/storage/log_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/coordinator/storage/log_harness.h"

namespace synod::storage {
namespace {

using consensus::Entry;
using consensus::LogEnd;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(LogFiles, EntriesComeBackEqualAfterReopening) {
  LogHarness h;
  h.Open();
  h.AppendMany(200, 3, 300);  // many segments
  ASSERT_TRUE(h.Sync().ok());
  EXPECT_GT(h.log->segment_count(), 5u);
  h.Open();
  EXPECT_EQ(h.log->recovered().first, LogIndex(1));
  EXPECT_EQ(h.log->recovered().last, LogIndex(200));
  EXPECT_EQ(h.log->recovered().vote_end, (LogEnd{Term(3), LogIndex(200)}));
  EXPECT_THAT(h.log->recovered().damaged, IsEmpty());
  auto entries = h.log->ReadEntries(LogIndex(1), LogIndex(201), 1 << 20);
  ASSERT_TRUE(entries.ok()) << entries.status();
  ASSERT_EQ(entries->size(), 200u);
  for (const Entry& entry : *entries) EXPECT_TRUE(SameEntry(entry, h.written[entry.index.value()]));
}

TEST(LogFiles, AppendsSeveralEntriesOfAllSizesInOneCall) {
  LogHarness h;
  h.Open();
  std::vector<Entry> entries;
  for (uint64_t i = 1; i <= 120; ++i) {
    entries.push_back({Term(1), LogIndex(i), i % 7 == 0 ? consensus::EntryType::kNoop : consensus::EntryType::kCommands,
                       MakeSharedBytes(i % 7 == 0 ? "" : std::string(i * 11 % 257, 'a' + i % 26))});
  }
  ASSERT_TRUE(h.log->Append(entries, LogIndex(0)).ok());
  ASSERT_TRUE(h.Sync().ok());
  h.Open();
  auto read = h.log->ReadEntries(LogIndex(1), LogIndex(121), 1 << 20);
  ASSERT_TRUE(read.ok());
  ASSERT_EQ(read->size(), 120u);
  for (size_t i = 0; i < 120; ++i) EXPECT_TRUE(SameEntry((*read)[i], entries[i])) << i;
}

TEST(LogFiles, EntryLargerThanASegmentGetsOneOfItsOwn) {
  LogHarness h;
  h.Open();
  h.AppendMany(1, 1);
  h.AppendMany(1, 1, 5 * kTestSegment);
  h.AppendMany(1, 1);
  ASSERT_TRUE(h.Sync().ok());
  h.Open();
  auto entries = h.log->ReadEntries(LogIndex(1), LogIndex(4), 1 << 20);
  ASSERT_TRUE(entries.ok());
  for (const Entry& entry : *entries) EXPECT_TRUE(SameEntry(entry, h.written[entry.index.value()]));
}

TEST(LogFiles, AppendOfOneEntryIsOneWrite) {
  LogHarness h;
  h.Open();
  h.AppendMany(1, 1);
  uint64_t before = h.disk.writes();
  h.AppendMany(1, 1, 1001);
  EXPECT_EQ(h.disk.writes(), before + 1);
}

TEST(LogFiles, ReadEntriesStopsAtMaxBytesButGivesOne) {
  LogHarness h;
  h.Open();
  h.AppendMany(10, 1, 100);
  EXPECT_EQ(h.log->ReadEntries(LogIndex(1), LogIndex(11), 1)->size(), 1u);
  EXPECT_EQ(h.log->ReadEntries(LogIndex(1), LogIndex(11), 250)->size(), 2u);
  EXPECT_EQ(h.log->ReadEntries(LogIndex(9), LogIndex(11), 1 << 20)->size(), 2u);
}

TEST(LogFiles, SyncCoversOnlyWhatWasAppendedBeforeItBegan) {  // L8
  LogHarness h;
  h.Open();
  h.AppendMany(3, 1);
  h.StartSync();
  EXPECT_TRUE(h.log->SyncInFlight());
  EXPECT_FALSE(h.log->NeedsSync());
  h.AppendMany(1, 1);
  EXPECT_TRUE(h.log->NeedsSync());
  h.runner.Work();
  h.runner.Complete();
  ASSERT_TRUE(h.last_sync.ok());
  EXPECT_EQ(h.last_sync->through, LogIndex(3));
  EXPECT_EQ(h.log->synced_index(), LogIndex(3));
}

TEST(LogFiles, SyncCoversTheSegmentsRolledOverSinceTheLastOne) {
  LogHarness h;
  h.Open();
  h.AppendMany(60, 1, 500);
  ASSERT_GT(h.log->segment_count(), 3u);
  ASSERT_TRUE(h.Sync().ok());
  Random random(1);
  h.Crash(&random, sim::CrashKind::kLoseAll);
  h.Open();
  EXPECT_EQ(h.log->last_index(), LogIndex(60));
  EXPECT_THAT(h.log->recovered().damaged, IsEmpty());
}

TEST(LogFiles, CompletionBegunBeforeACutCountsForNothingThatWasCut) {  // L8, counterexample 4, second half
  LogHarness h;
  h.Open();
  h.AppendMany(90, 5, 20);
  ASSERT_TRUE(h.Sync().ok());
  h.AppendMany(10, 5, 20);
  h.StartSync();  // stuck
  uint64_t old_counter = h.state->state().cut_counter;
  ASSERT_TRUE(h.log->CutSuffix(LogIndex(91)).ok());
  h.AppendMany(10, 6, 20);
  EXPECT_TRUE(h.log->NeedsSync());
  h.runner.Work();
  h.runner.Complete();
  ASSERT_TRUE(h.last_sync.ok());
  EXPECT_EQ(h.last_sync->cut_counter, old_counter);
  EXPECT_LT(h.last_sync->cut_counter, h.state->state().cut_counter);
  EXPECT_EQ(h.log->synced_index(), LogIndex(90));
}

TEST(LogFiles, ReadRecordGivesOnlyTheAskedTerm) {  // D6
  LogHarness h;
  h.Open();
  h.AppendMany(3, 4);
  EXPECT_TRUE(h.log->ReadRecord(LogIndex(2), Term(4)).ok());
  EXPECT_TRUE(absl::IsNotFound(h.log->ReadRecord(LogIndex(2), Term(5)).status()));
  EXPECT_TRUE(absl::IsNotFound(h.log->ReadRecord(LogIndex(4), Term(4)).status()));
}

TEST(LogFiles, RottenRecordIsDataLossWhenReadAndNotServedToPeers) {
  LogHarness h;
  h.Open();
  h.AppendMany(5, 1);
  h.FlipPayload(LogIndex(3));
  EXPECT_TRUE(absl::IsDataLoss(h.log->ReadEntries(LogIndex(1), LogIndex(6), 1 << 20).status()));
  EXPECT_TRUE(absl::IsNotFound(h.log->ReadRecord(LogIndex(3), Term(1)).status()));
  EXPECT_EQ(h.log->ReadEntries(LogIndex(4), LogIndex(6), 1 << 20)->size(), 2u);
}

TEST(LogFiles, CommitIsKnownAgainAsFarAsRecordsTellIt) {  // D8
  LogHarness h;
  h.Open();
  h.AppendMany(5, 1);
  ASSERT_TRUE(h.Append(1, 10, LogIndex(4)).ok());
  ASSERT_TRUE(h.Sync().ok());
  h.Open();
  EXPECT_EQ(h.log->recovered().commit, LogIndex(4));
  ASSERT_TRUE(h.Append(1, 10, LogIndex(4)).ok());
  ASSERT_TRUE(h.Sync().ok());
  ASSERT_TRUE(h.log->WriteMark(LogIndex(7)).ok());
  h.Open();
  EXPECT_EQ(h.log->recovered().commit, LogIndex(7));
}

TEST(LogFiles, MarkIsWrittenOnceUntilTheSyncedIndexMoves) {  // D3
  LogHarness h;
  h.Open();
  h.AppendMany(2, 1);
  ASSERT_TRUE(h.Sync().ok());
  uint64_t writes = h.disk.writes();
  ASSERT_TRUE(h.log->WriteMark(LogIndex(0)).ok());
  EXPECT_EQ(h.disk.writes(), writes + 1);
  EXPECT_TRUE(h.log->NeedsSync());
  ASSERT_TRUE(h.Sync().ok());
  ASSERT_TRUE(h.log->WriteMark(LogIndex(0)).ok());
  EXPECT_EQ(h.disk.writes(), writes + 1);
  EXPECT_FALSE(h.log->NeedsSync());
}

TEST(LogFiles, TermRunsAndConfigurationsAreRecovered) {
  LogHarness h;
  h.Open();
  h.AppendMany(3, 1);
  consensus::Configuration c;
  c.members.push_back({{ServerId(1), StorageId(9)}, consensus::MemberRole::kVoter, "a:1"});
  Entry entry{Term(2), LogIndex(4), consensus::EntryType::kConfiguration, MakeSharedBytes(c.Encode())};
  ASSERT_TRUE(h.log->Append(absl::MakeConstSpan(&entry, 1), LogIndex(0)).ok());
  h.written.push_back(entry);
  h.AppendMany(2, 5);
  ASSERT_TRUE(h.Sync().ok());
  h.Open();
  EXPECT_THAT(h.log->recovered().term_runs,
              ElementsAre(LogEnd{Term(1), LogIndex(1)}, LogEnd{Term(2), LogIndex(4)}, LogEnd{Term(5), LogIndex(5)}));
  ASSERT_EQ(h.log->recovered().configurations.size(), 1u);
  EXPECT_EQ(h.log->recovered().configurations[0].first, LogIndex(4));
  EXPECT_EQ(h.log->recovered().configurations[0].second, c);
}

TEST(LogFiles, CompactionKeepsTheRetainedBytesAndKeepFromAndRecycles) {  // D7
  LogHarness h;
  h.Open();
  h.AppendMany(200, 1, 400);
  h.SyncAndMark();
  h.snapshot = {LogIndex(200), Term(1), {}};
  auto first = h.log->CompactTo(LogIndex(200), LogIndex(50));
  ASSERT_TRUE(first.ok());
  EXPECT_GT(*first, LogIndex(1));
  EXPECT_LE(*first, LogIndex(50));
  first = h.log->CompactTo(LogIndex(200), LogIndex(1000));
  ASSERT_TRUE(first.ok());
  EXPECT_GT(*first, LogIndex(100));
  EXPECT_GE((200 - first->value()) * 500, h.options.retain_bytes);
  EXPECT_TRUE(absl::IsNotFound(h.log->ReadEntries(*first - 1, LogIndex(200), 100).status()));
  EXPECT_TRUE(h.log->ReadEntries(*first, LogIndex(201), 1 << 20).ok());
  int spares = 0;
  for (const std::string& path : h.disk.Files("/d/log/spare-")) spares += !path.empty();
  EXPECT_EQ(spares, 2);
  // The spares come back as segments, and what they held does not come back as records.
  h.AppendMany(30, 2, 400);
  ASSERT_TRUE(h.Sync().ok());
  h.Open();
  EXPECT_EQ(h.log->last_index(), LogIndex(230));
  EXPECT_EQ(h.log->recovered().first, *first);
  EXPECT_THAT(h.log->recovered().damaged, IsEmpty());
  for (uint64_t i = first->value(); i <= 230; ++i) {
    auto entry = h.log->ReadRecord(LogIndex(i), h.written[i].term);
    ASSERT_TRUE(entry.ok()) << entry.status();
    EXPECT_TRUE(SameEntry(*entry, h.written[i]));
  }
}

TEST(LogFiles, ResetDropsEverythingDurably) {  // D9
  LogHarness h;
  h.Open();
  h.AppendMany(100, 1, 300);
  ASSERT_TRUE(h.Sync().ok());
  h.snapshot = {LogIndex(500), Term(7), {}};
  ASSERT_TRUE(h.log->ResetTo(LogIndex(500), Term(7)).ok());
  Random random(3);
  h.Crash(&random, sim::CrashKind::kLoseAll);
  h.Open();
  EXPECT_EQ(h.log->recovered().first, LogIndex(501));
  EXPECT_EQ(h.log->recovered().last, LogIndex(500));
  EXPECT_EQ(h.log->recovered().vote_end, (LogEnd{Term(7), LogIndex(500)}));
  h.written.resize(501);
  h.AppendMany(3, 7);
  ASSERT_TRUE(h.Sync().ok());
  h.Open();
  EXPECT_EQ(h.log->last_index(), LogIndex(503));
}

TEST(LogFiles, LogBelowTheSnapshotStartsAnewBehindIt) {  // D9, a crash between install and reset
  LogHarness h;
  h.Open();
  h.AppendMany(10, 1);
  h.SyncAndMark();
  h.snapshot = {LogIndex(40), Term(2), {}};
  h.Open();
  EXPECT_EQ(h.log->recovered().first, LogIndex(41));
  EXPECT_EQ(h.log->last_index(), LogIndex(40));
  h.written.resize(41);
  h.AppendMany(2, 2);
  ASSERT_TRUE(h.Sync().ok());
  h.Open();
  EXPECT_EQ(h.log->last_index(), LogIndex(42));
}

TEST(LogFiles, OwnRecordsBehindTheSnapshotStayWhenTheyAgree) {  // D9
  LogHarness h;
  h.Open();
  h.AppendMany(10, 1);
  h.SyncAndMark();
  h.snapshot = {LogIndex(5), Term(1), {}};
  h.Open();
  EXPECT_EQ(h.log->last_index(), LogIndex(10));
  h.snapshot = {LogIndex(5), Term(2), {}};  // another history
  h.Open();
  EXPECT_EQ(h.log->last_index(), LogIndex(5));
  EXPECT_EQ(h.log->recovered().first, LogIndex(6));
}

TEST(LogFiles, FailedWriteAndSyncSurfaceAndStick) {  // D12
  for (bool write : {true, false}) {
    for (sim::Fault fault : {sim::Fault::kIo, sim::Fault::kNoSpace}) {
      LogHarness h;
      h.Open();
      h.AppendMany(2, 1);
      write ? h.disk.FailWrite(fault) : h.disk.FailSync(fault);
      absl::Status status = write ? h.Append(1) : h.Sync();
      EXPECT_EQ(status.code(),
                fault == sim::Fault::kIo ? absl::StatusCode::kDataLoss : absl::StatusCode::kResourceExhausted);
      h.disk.ClearFaults();
      EXPECT_FALSE(h.Append(1).ok());
      EXPECT_FALSE(h.log->CutSuffix(LogIndex(1)).ok());
    }
  }
}

TEST(LogFiles, FullDiskReleasesTheReserveOnceAndGoesOn) {  // L11
  LogHarness h;
  int released = 0;
  h.disk.SetCapacity(h.disk.used_bytes() + kTestSegment + 1000);
  h.options.on_disk_full = [&] {
    ++released;
    h.disk.SetCapacity(sim::SimDisk::kUnlimited);
    return true;
  };
  h.Open();
  h.AppendMany(30, 1, 400);
  EXPECT_EQ(released, 1);
  h.options.on_disk_full = nullptr;
  h.Open();
  h.disk.SetCapacity(h.disk.used_bytes());
  absl::Status status;
  for (int i = 0; i < 30 && status.ok(); ++i) status = h.Append(1, 400);
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
}

TEST(LogFiles, MissingLastSegmentStopsTheStart) {  // D6: what cannot be repaired stops the server with a clear message
  LogHarness h;
  h.Open();
  h.AppendMany(60, 1, 400);
  h.SyncAndMark();
  std::string last;
  for (const std::string& path : h.disk.Files("/d/log/0")) last = path;
  h.log.reset();
  ASSERT_TRUE(h.disk.Remove(last).ok());
  absl::Status status = h.TryOpen();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("missing"));
}

TEST(LogFiles,
     SegmentNumbersAreNotUsedAgainAfterACrashTookTheirNames) {  // D4: recycled bytes are bound to a number that is gone
  LogHarness h;
  h.Open();
  std::set<std::string> seen;
  Random random(1);
  for (int life = 0; life < 3; ++life) {
    std::vector<std::string> before = h.disk.Files("/d/log/0");
    h.AppendMany(40, 1, 400);  // new segments, never synced
    for (const std::string& path : h.disk.Files("/d/log/0")) {
      if (std::find(before.begin(), before.end(), path) != before.end()) continue;
      EXPECT_TRUE(seen.insert(path).second) << path;
    }
    h.Crash(&random, sim::CrashKind::kLoseAll);
    h.Open();
    h.written.resize(1);
    ASSERT_EQ(h.log->last_index(), LogIndex(0));
  }
  EXPECT_GT(seen.size(), 6u);
}

TEST(LogFiles, HardStateGoesBesideTheLog) {
  LogHarness h;
  h.Open();
  ASSERT_TRUE(h.log->SaveHardState({Term(9), ServerId(2)}).ok());
  Random random(1);
  h.Crash(&random, sim::CrashKind::kLoseAll);
  h.Open();
  EXPECT_EQ(h.log->recovered().hard_state, (consensus::HardState{Term(9), ServerId(2)}));
}

}  // namespace
}  // namespace synod::storage

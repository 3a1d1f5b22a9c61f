// Torn or damaged? (D5, D6, and counterexamples 3 and 4)
#include "coordinator/storage/log_recovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/coordinator/storage/log_harness.h"

namespace synod::storage {
namespace {

using consensus::LogEnd;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(LogRecovery, RottenLastRecordBelowTheMarkIsDamageAndStillVotedBy) {  // D3, D5, counterexample 3a
  for (bool header : {false, true}) {
    LogHarness h;
    h.Open();
    h.AppendMany(100, 4);
    h.SyncAndMark();
    header ? h.FlipHeader(LogIndex(100)) : h.FlipPayload(LogIndex(100));
    h.Open();
    EXPECT_THAT(h.log->recovered().damaged, ElementsAre(LogIndex(100)));
    EXPECT_EQ(h.log->recovered().last, LogIndex(100));
    EXPECT_EQ(h.log->recovered().vote_end, (LogEnd{Term(4), LogIndex(100)}));
    EXPECT_EQ(h.state->state().remembered_end, (LogEnd{Term(4), LogIndex(100)}));
  }
}

TEST(LogRecovery, EmptiedSegmentIsDamageUpToTheRememberedMark) {  // counterexample 3b, as far as it is not a wiped log
  LogHarness h;
  h.Open();
  h.AppendMany(40, 4, 400);
  h.SyncAndMark();
  h.AppendMany(1, 4, 10);  // states that 40 are synced
  auto [path, offset] = h.Locate(LogIndex(20));
  h.disk.Put(path, std::string(kTestSegment, '\0'));
  h.Open();
  EXPECT_FALSE(h.log->recovered().damaged.empty());
  EXPECT_EQ(h.log->recovered().last, LogIndex(41));
  EXPECT_THAT(h.log->recovered().damaged, testing::Contains(LogIndex(20)));
}

TEST(LogRecovery, TheRememberedEndOutlivesItsMarks) {  // D5
  LogHarness h;
  h.Open();
  h.AppendMany(50, 4, 40);
  h.SyncAndMark();
  h.FlipHeader(LogIndex(50));
  h.Open();
  ASSERT_EQ(h.state->state().remembered_end, (LogEnd{Term(4), LogIndex(50)}));
  // Everything that says so in the log rots too: the hard state still knows.
  auto [path, offset] = h.Locate(LogIndex(50));
  std::string bytes = h.disk.Contents(path);
  std::fill(bytes.begin() + static_cast<ptrdiff_t>(offset), bytes.end(), '\0');
  h.disk.Put(path, bytes);
  h.Open();
  EXPECT_EQ(h.log->recovered().last, LogIndex(50));
  EXPECT_EQ(h.log->recovered().vote_end, (LogEnd{Term(4), LogIndex(50)}));
  EXPECT_THAT(h.log->recovered().damaged, ElementsAre(LogIndex(50)));
}

TEST(LogRecovery, LostMiddleOfAnUnsyncedWriteIsTornNotDamaged) {  // D5, counterexample 3c
  LogHarness h;
  h.Open();
  h.AppendMany(9, 1);
  h.SyncAndMark();
  h.AppendMany(3, 1);  // 10 to 12, never synced; 10 is lost, 12 is on the disk
  h.Blank(LogIndex(10), 0, kRecordHeaderBytes + 100);
  h.Open();
  EXPECT_THAT(h.log->recovered().damaged, IsEmpty());
  EXPECT_EQ(h.log->last_index(), LogIndex(9));
  EXPECT_EQ(h.log->recovered().vote_end, (LogEnd{Term(1), LogIndex(9)}));
  EXPECT_EQ(h.state->state().cut_counter, 1u);
  // 12 does not come back when 10 and 11 are written again with the same sizes (D4).
  h.AppendMany(2, 2);
  ASSERT_TRUE(h.Sync().ok());
  h.Open();
  EXPECT_EQ(h.log->last_index(), LogIndex(11));
}

TEST(LogRecovery, EveryByteTearOfTheLastRecordCutsJustThat) {  // D5
  constexpr uint64_t kBytes = kRecordHeaderBytes + 40;
  for (uint64_t kept = 0; kept <= kBytes; ++kept) {
    LogHarness h;
    h.Open();
    h.AppendMany(5, 1, 40);
    h.SyncAndMark();
    h.AppendMany(1, 1, 40);
    h.Blank(LogIndex(6), kept, kBytes);
    h.Open();
    EXPECT_THAT(h.log->recovered().damaged, IsEmpty()) << kept;
    EXPECT_EQ(h.log->last_index(), LogIndex(kept == kBytes ? 6 : 5)) << kept;
  }
}

TEST(LogRecovery, OverwrittenSuffixDoesNotComeBack) {  // D4, counterexample 4
  LogHarness h;
  h.Open();
  h.AppendMany(14, 2);
  h.SyncAndMark();
  ASSERT_TRUE(h.log->CutSuffix(LogIndex(11)).ok());
  h.AppendMany(1, 3);  // of equal size; 12 to 14 of term 2 stood behind it
  ASSERT_TRUE(h.Sync().ok());
  Random random(1);
  h.Crash(&random, sim::CrashKind::kLoseAll);
  h.Open();
  EXPECT_EQ(h.log->last_index(), LogIndex(11));
  EXPECT_EQ(h.log->recovered().vote_end, (LogEnd{Term(3), LogIndex(11)}));
}

TEST(LogRecovery, CutBytesThatSurvivedTheCutAreNoRecords) {  // D4: the counter in the hard state alone is enough
  LogHarness h;
  h.Open();
  h.AppendMany(14, 2);
  h.SyncAndMark();
  auto [path, offset] = h.Locate(LogIndex(11));
  std::string before = h.disk.Contents(path);
  ASSERT_TRUE(h.log->CutSuffix(LogIndex(11)).ok());
  h.log.reset();
  h.disk.Put(path, before);  // as if the crash came right after the hard state was written
  h.Open();
  EXPECT_EQ(h.log->last_index(), LogIndex(10));
  EXPECT_THAT(h.log->recovered().damaged, IsEmpty());
  EXPECT_EQ(h.disk.Contents(path).find("2/12 "), std::string::npos);
}

TEST(LogRecovery, TornOverwriteOfACutSuffixIsNotDamage) {  // D4, counterexample 4: "bad before good"
  LogHarness h;
  h.Open();
  h.AppendMany(14, 2);
  h.SyncAndMark();
  ASSERT_TRUE(h.log->CutSuffix(LogIndex(11)).ok());
  h.AppendMany(1, 3);
  h.Blank(LogIndex(11), 30, 60);
  h.Open();
  EXPECT_EQ(h.log->last_index(), LogIndex(10));
  EXPECT_THAT(h.log->recovered().damaged, IsEmpty());
  EXPECT_EQ(h.log->recovered().vote_end, (LogEnd{Term(2), LogIndex(10)}));
}

TEST(LogRecovery, BadRecordAtOrBelowTheSnapshotShortensTheLog) {  // D6
  LogHarness h;
  h.Open();
  h.AppendMany(50, 1);
  h.SyncAndMark();
  h.FlipPayload(LogIndex(30));
  h.snapshot = {LogIndex(40), Term(1), {}};
  h.Open();
  EXPECT_EQ(h.log->recovered().first, LogIndex(31));
  EXPECT_EQ(h.log->last_index(), LogIndex(50));
  EXPECT_THAT(h.log->recovered().damaged, IsEmpty());
  EXPECT_FALSE(h.state->state().remembered_end.has_value());
}

TEST(LogRecovery, RepairBringsTheDamagedRecordsBackAndForgetsTheEnd) {  // D6
  LogHarness h;
  h.Open();
  h.AppendMany(50, 1);
  h.SyncAndMark();
  h.FlipPayload(LogIndex(20));
  h.FlipHeader(LogIndex(21));
  h.FlipHeader(LogIndex(50));
  h.Open();
  ASSERT_THAT(h.log->recovered().damaged, ElementsAre(LogIndex(20), LogIndex(21), LogIndex(50)));
  EXPECT_EQ(h.log->recovered().commit, LogIndex(0));
  EXPECT_TRUE(absl::IsDataLoss(h.log->ReadEntries(LogIndex(20), LogIndex(22), 1 << 20).status()));
  for (uint64_t i : {50, 20, 21}) {
    EXPECT_TRUE(h.state->state().remembered_end.has_value());
    ASSERT_TRUE(h.log->Repair(h.written[i]).ok());
  }
  EXPECT_FALSE(h.state->state().remembered_end.has_value());
  Random random(1);
  h.Crash(&random, sim::CrashKind::kLoseAll);
  h.Open();
  EXPECT_THAT(h.log->recovered().damaged, IsEmpty());
  EXPECT_EQ(h.log->last_index(), LogIndex(50));
  auto entries = h.log->ReadEntries(LogIndex(1), LogIndex(51), 1 << 20);
  ASSERT_TRUE(entries.ok()) << entries.status();
  for (const auto& entry : *entries) EXPECT_TRUE(SameEntry(entry, h.written[entry.index.value()]));
}

TEST(LogRecovery, RepairRefusesWhatDisagreesWithTheNeighbours) {  // D6
  LogHarness h;
  h.Open();
  h.AppendMany(10, 3);
  h.SyncAndMark();
  h.FlipHeader(LogIndex(5));
  h.Open();
  consensus::Entry wrong = h.written[5];
  wrong.term = Term(2);
  EXPECT_TRUE(absl::IsInvalidArgument(h.log->Repair(wrong)));
  wrong = h.written[5];
  wrong.payload = MakeSharedBytes("something else");
  EXPECT_TRUE(absl::IsInvalidArgument(h.log->Repair(wrong)));
  EXPECT_TRUE(absl::IsInvalidArgument(h.log->Repair(h.written[6])));
  EXPECT_TRUE(h.log->Repair(h.written[5]).ok());
}

TEST(LogRecovery, DamageIsForgottenOnlyWhenALaterTermOverwritesIt) {  // D6
  LogHarness h;
  h.Open();
  h.AppendMany(20, 3);
  h.SyncAndMark();
  h.FlipHeader(LogIndex(10));
  h.FlipHeader(LogIndex(18));
  h.Open();
  ASSERT_TRUE(h.log->CutSuffix(LogIndex(15)).ok());
  h.AppendMany(3, 4);
  ASSERT_TRUE(h.Sync().ok());
  h.Open();
  EXPECT_THAT(h.log->recovered().damaged, ElementsAre(LogIndex(10)));
  EXPECT_EQ(h.log->last_index(), LogIndex(17));
  EXPECT_EQ(h.log->recovered().vote_end, (LogEnd{Term(4), LogIndex(17)}));
  ASSERT_TRUE(h.log->CutSuffix(LogIndex(10)).ok());
  h.AppendMany(1, 5);
  EXPECT_TRUE(h.state->state().remembered_end.has_value());
  ASSERT_TRUE(h.Sync().ok());
  EXPECT_FALSE(h.state->state().remembered_end.has_value());
  h.Open();
  EXPECT_THAT(h.log->recovered().damaged, IsEmpty());
  EXPECT_EQ(h.log->last_index(), LogIndex(10));
}

// Two damaged headers side by side leave the term of the first to a guess. A leader whose entry there has the right one
// makes the server cut what it acknowledged; until that is back it must not vote for less.
TEST(LogRecovery, ACutAtADamagedEntryDoesNotLowerTheVotedEnd) {  // D5, D6
  LogHarness h;
  h.Open();
  h.AppendMany(49, 4);
  h.AppendMany(11, 5);
  h.SyncAndMark();
  h.FlipHeader(LogIndex(50));
  h.FlipHeader(LogIndex(51));
  h.Open();
  ASSERT_THAT(h.log->recovered().damaged, ElementsAre(LogIndex(50), LogIndex(51)));
  ASSERT_TRUE(h.log->CutSuffix(LogIndex(50)).ok());
  Random random(1);
  h.Crash(&random, sim::CrashKind::kLoseAll);
  h.Open();
  EXPECT_EQ(h.log->recovered().vote_end, (LogEnd{Term(5), LogIndex(60)}));
  // Without a crash: forgotten when all of it is back and synced, or when a later term stands in its place.
  for (uint64_t term : {5, 6}) {
    ASSERT_TRUE(h.log->CutSuffix(LogIndex(50)).ok());
    h.AppendMany(term == 5 ? 10 : 3, term);
    ASSERT_TRUE(h.Sync().ok());
    EXPECT_EQ(h.state->state().remembered_end.has_value(), term == 5);
    if (term == 6) break;
    h.Open();
    EXPECT_THAT(h.log->recovered().damaged, ElementsAre(LogIndex(60)));
  }
  h.Open();
  EXPECT_THAT(h.log->recovered().damaged, IsEmpty());
  EXPECT_EQ(h.log->recovered().vote_end, (LogEnd{Term(6), LogIndex(52)}));
}

// A repaired record outlives a later cut of entries that were synced when it came back. Its word for them would make
// them damage after a restart, and the end of a lost branch the end the server votes by.
TEST(LogRecovery, ARepairedRecordDoesNotVouchForWhatWasCutSince) {  // D4, D5, D6
  LogHarness h;
  h.Open();
  h.AppendMany(50, 5);
  h.SyncAndMark();
  h.FlipPayload(LogIndex(20));
  h.Open();
  ASSERT_TRUE(h.log->Repair(h.written[20]).ok());
  ASSERT_TRUE(h.log->CutSuffix(LogIndex(41)).ok());
  h.AppendMany(3, 6);
  h.SyncAndMark();
  h.Open();
  EXPECT_THAT(h.log->recovered().damaged, IsEmpty());
  EXPECT_EQ(h.log->recovered().last, LogIndex(43));
  EXPECT_EQ(h.log->recovered().vote_end, (LogEnd{Term(6), LogIndex(43)}));
}

TEST(LogRecovery, AResetDoesNotLowerTheVotedEnd) {  // D9, counterexample 7, second half
  LogHarness h;
  h.Open();
  h.AppendMany(100, 5);
  h.SyncAndMark();
  h.snapshot.index = LogIndex(90);
  h.snapshot.term = Term(5);
  ASSERT_TRUE(h.log->ResetTo(LogIndex(90), Term(5)).ok());
  h.Open();
  EXPECT_EQ(h.log->recovered().vote_end, (LogEnd{Term(5), LogIndex(100)}));
  EXPECT_FALSE(h.log->recovered().damaged.empty());
}

TEST(LogRecovery, ARecordThatRottedWhileRunningIsRepaired) {  // D6
  LogHarness h;
  h.Open();
  h.AppendMany(10, 3);
  h.SyncAndMark();
  for (uint64_t i : {4, 7}) {
    i == 4 ? h.FlipPayload(LogIndex(i)) : h.FlipHeader(LogIndex(i));
    ASSERT_TRUE(absl::IsDataLoss(h.log->ReadEntries(LogIndex(i), LogIndex(i + 1), 1 << 20).status()));
    ASSERT_TRUE(h.log->Repair(h.written[i]).ok());
    auto entries = h.log->ReadEntries(LogIndex(i), LogIndex(i + 1), 1 << 20);
    ASSERT_TRUE(entries.ok()) << entries.status();
    EXPECT_TRUE(SameEntry(entries->front(), h.written[i]));
  }
  h.Open();
  EXPECT_THAT(h.log->recovered().damaged, IsEmpty());
}

TEST(LogRecovery, MissingMiddleSegmentIsDamageThatRepairFills) {  // D6
  LogHarness h;
  h.Open();
  h.AppendMany(60, 2, 400);
  h.SyncAndMark();
  std::string path = h.Locate(LogIndex(30)).first;
  h.log.reset();
  ASSERT_TRUE(h.disk.Remove(path).ok());
  h.Open();
  std::vector<LogIndex> damaged = h.log->recovered().damaged;
  ASSERT_GT(damaged.size(), 3u);
  EXPECT_EQ(h.log->last_index(), LogIndex(60));
  for (auto i = damaged.rbegin(); i != damaged.rend(); ++i) ASSERT_TRUE(h.log->Repair(h.written[i->value()]).ok());
  h.Open();
  EXPECT_THAT(h.log->recovered().damaged, IsEmpty());
  EXPECT_EQ(h.log->ReadEntries(LogIndex(1), LogIndex(61), 1 << 20)->size(), 60u);
}

TEST(LogRecovery, UnreadableSectorIsDamageOfItsRecordsOnly) {
  LogHarness h;
  h.Open();
  h.AppendMany(30, 2, 400);
  h.SyncAndMark();
  auto [path, offset] = h.Locate(LogIndex(7));
  h.disk.BreakSector(path, offset + 200);
  h.Open();
  EXPECT_THAT(h.log->recovered().damaged, testing::Contains(LogIndex(7)));
  EXPECT_EQ(h.log->last_index(), LogIndex(30));
}

TEST(LogRecovery, RecordsStoredAsDataAreNoRecords) {
  LogHarness h;
  h.Open();
  h.AppendMany(2, 1);
  ASSERT_TRUE(h.Sync().ok());
  auto [path, offset] = h.Locate(LogIndex(2));
  std::string copy = h.disk.Contents(path).substr(kSegmentHeaderBytes, 600);
  consensus::Entry entry{Term(1), LogIndex(3), consensus::EntryType::kCommands, MakeSharedBytes(copy)};
  ASSERT_TRUE(h.log->Append(absl::MakeConstSpan(&entry, 1), LogIndex(0)).ok());
  h.written.push_back(entry);
  h.SyncAndMark();
  h.log.reset();
  h.disk.FlipBit(path, offset + 17 + RecordBytes(100), 1);  // the scan must search inside the payload of 3
  h.Open();
  EXPECT_THAT(h.log->recovered().damaged, ElementsAre(LogIndex(3)));
  EXPECT_EQ(h.log->ReadEntries(LogIndex(1), LogIndex(3), 1 << 20)->size(), 2u);
}

}  // namespace
}  // namespace synod::storage

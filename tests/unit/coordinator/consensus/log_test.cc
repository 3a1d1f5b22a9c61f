#include "coordinator/consensus/log.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/unit/coordinator/consensus/test_server.h"

namespace synod::consensus {
namespace {

class FakeReader : public EntryReader {
 public:
  absl::StatusOr<std::vector<Entry>> ReadEntries(LogIndex low, LogIndex high, uint64_t max_bytes) override {
    ++reads;
    std::vector<Entry> out;
    uint64_t bytes = 0;
    for (LogIndex i = low; i < high; ++i) {
      auto at = entries.find(i);
      if (at == entries.end()) return absl::DataLossError("gone");
      bytes += CostOf(at->second);
      if (bytes > max_bytes && !out.empty()) break;
      out.push_back(at->second);
    }
    return out;
  }
  std::map<LogIndex, Entry> entries;
  int reads = 0;
};

// The terms of entries 1.. as given, all synced.
RecoveredLog Recovered(const std::vector<uint64_t>& terms) {
  RecoveredLog out;
  out.last = LogIndex(terms.size());
  for (size_t i = 0; i < terms.size(); ++i) {
    if (i == 0 || terms[i] != terms[i - 1]) out.term_runs.push_back({Term(terms[i]), LogIndex(i + 1)});
  }
  out.vote_end = terms.empty() ? LogEnd{} : LogEnd{Term(terms.back()), out.last};
  return out;
}

TEST(Log, KnowsTheTermOfEveryEntry) {
  FakeReader reader;
  Log log(Recovered({1, 1, 3, 3, 3, 4}), &reader, 1000);
  EXPECT_EQ(log.TermAt(LogIndex(0)), Term(0));
  EXPECT_EQ(log.TermAt(LogIndex(2)), Term(1));
  EXPECT_EQ(log.TermAt(LogIndex(3)), Term(3));
  EXPECT_EQ(log.TermAt(LogIndex(6)), Term(4));
  EXPECT_EQ(log.TermAt(LogIndex(7)), std::nullopt);
  EXPECT_EQ(log.LastWithTermAtMost(LogIndex(6), Term(3)), LogIndex(5));
  EXPECT_EQ(log.LastWithTermAtMost(LogIndex(9), Term(2)), LogIndex(2));
  EXPECT_EQ(log.LastWithTermAtMost(LogIndex(4), Term(9)), LogIndex(4));
  EXPECT_EQ(log.LastWithTermAtMost(LogIndex(4), Term(0)), LogIndex(0));
}

TEST(Log, EvictedEntriesAreReadBackAndUnwrittenOnesStay) {
  FakeReader reader;
  Log log(Recovered({}), &reader, 100);
  for (uint64_t i = 1; i <= 10; ++i) log.Append(MakeEntry(1, i));
  EXPECT_EQ(log.Read(LogIndex(1), LogIndex(11), 10000)->size(), 10u) << "nothing is evicted before it was written";
  EXPECT_EQ(reader.reads, 0);
  for (const Entry& entry : log.TakeUnwritten()) reader.entries[entry.index] = entry;
  log.Append(MakeEntry(1, 11));
  auto all = log.Read(LogIndex(1), LogIndex(12), 10000);
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(all->size(), 11u);
  EXPECT_EQ(reader.reads, 1);
  EXPECT_EQ(log.Read(LogIndex(1), LogIndex(12), 70)->size(), 2u) << "bounded in bytes";
  EXPECT_EQ(log.Read(LogIndex(1), LogIndex(12), 1)->size(), 1u) << "but never nothing";
}

TEST(Log, AnEntryOnDiskThatIsNotTheOneWrittenIsDamage) {
  FakeReader reader;
  reader.entries[LogIndex(1)] = MakeEntry(1, 1);
  reader.entries[LogIndex(2)] = MakeEntry(9, 2);
  Log log(Recovered({1, 2}), &reader, 100);
  EXPECT_EQ(log.Read(LogIndex(1), LogIndex(3), 1000)->size(), 1u) << "what is sound before it is delivered";
  EXPECT_TRUE(absl::IsDataLoss(log.Read(LogIndex(2), LogIndex(3), 1000).status()));
  reader.entries.erase(LogIndex(2));
  EXPECT_EQ(log.Read(LogIndex(1), LogIndex(3), 1000)->size(), 1u) << "damage further on is not damage here";
}

// L8, counterexample 4.
TEST(Log, ACompletionCountsOnlyForWhatItCovered) {
  FakeReader reader;
  Log log(Recovered({}), &reader, 1000);
  for (uint64_t i = 1; i <= 5; ++i) log.Append(MakeEntry(1, i));
  log.Synced(LogIndex(5), 0);
  EXPECT_EQ(log.synced(), LogIndex(0)) << "nothing was written yet";
  log.TakeUnwritten();
  uint64_t before = log.cut_counter();
  log.CutFrom(LogIndex(3));
  EXPECT_EQ(log.cut_counter(), before + 1);
  EXPECT_EQ(log.TakeCut(), LogIndex(3));
  for (uint64_t i = 3; i <= 5; ++i) log.Append(MakeEntry(2, i));
  log.TakeUnwritten();
  log.Synced(LogIndex(5), before);
  EXPECT_EQ(log.synced(), LogIndex(2)) << "3 to 5 were written again since";
  log.Synced(LogIndex(5), before + 1);
  EXPECT_EQ(log.synced(), LogIndex(5));
  log.CutFrom(LogIndex(4));
  log.TakeCut();
  log.CutFrom(LogIndex(2));
  log.Append(MakeEntry(3, 2));
  log.TakeUnwritten();
  log.Synced(LogIndex(5), before + 1);
  EXPECT_EQ(log.synced(), LogIndex(1)) << "two cuts ago";
}

TEST(Log, CutsBeforeOneOutputAreOneCut) {
  FakeReader reader;
  Log log(Recovered({1, 1, 1, 1}), &reader, 1000);
  uint64_t before = log.cut_counter();
  log.CutFrom(LogIndex(4));
  log.Append(MakeEntry(2, 4));
  log.CutFrom(LogIndex(2));
  EXPECT_EQ(log.cut_counter(), before + 1);
  EXPECT_EQ(log.TakeCut(), LogIndex(2));
  EXPECT_EQ(log.TakeCut(), std::nullopt);
  log.Append(MakeEntry(3, 2));
  log.CutFrom(LogIndex(2));
  EXPECT_EQ(log.TakeCut(), std::nullopt) << "the disk never saw it";
}

// D5
TEST(Log, DamageLimitsAcknowledgementAndHandingOutButNotTheVote) {
  FakeReader reader;
  for (uint64_t i = 1; i <= 6; ++i) reader.entries[LogIndex(i)] = MakeEntry(1, i);
  RecoveredLog recovered = Recovered({1, 1, 1, 1, 1, 1});
  recovered.damaged = {LogIndex(4)};
  recovered.commit = LogIndex(6);
  Log log(recovered, &reader, 1000);
  EXPECT_FALSE(log.Whole());
  EXPECT_EQ(log.AcknowledgeLimit(), LogIndex(3));
  EXPECT_EQ(log.vote_end(), (LogEnd{Term(1), LogIndex(6)}));
  EXPECT_EQ(log.TakeCommitted(10000)->size(), 3u);
  EXPECT_FALSE(log.Repaired(MakeEntry(2, 4))) << "another term";
  EXPECT_FALSE(log.Repaired(MakeEntry(1, 5))) << "not damaged";
  EXPECT_TRUE(log.Repaired(MakeEntry(1, 4)));
  EXPECT_TRUE(log.Whole());
  EXPECT_EQ(log.AcknowledgeLimit(), LogIndex(6));
  EXPECT_EQ(log.TakeCommitted(10000)->size(), 3u);
}

// D5: the end remembered outlives the records.
TEST(Log, VotesByTheRememberedEndUntilItIsThereAgain) {
  FakeReader reader;
  RecoveredLog recovered = Recovered({1, 1});
  recovered.vote_end = {Term(2), LogIndex(4)};
  recovered.damaged = {LogIndex(3), LogIndex(4)};
  Log log(recovered, &reader, 1000);
  EXPECT_EQ(log.vote_end(), (LogEnd{Term(2), LogIndex(4)}));
  EXPECT_FALSE(log.Whole());
  log.Append(MakeEntry(1, 3));
  EXPECT_FALSE(log.Whole());
  log.Append(MakeEntry(2, 4));
  EXPECT_TRUE(log.Whole());
}

// D6: a later term at the end shows that the missing entries were overwritten.
TEST(Log, ALaterTermsEntryEndsTheMemory) {
  FakeReader reader;
  RecoveredLog recovered = Recovered({1, 1});
  recovered.vote_end = {Term(2), LogIndex(9)};
  Log log(recovered, &reader, 1000);
  EXPECT_FALSE(log.Whole());
  log.Append(MakeEntry(3, 3));
  EXPECT_TRUE(log.Whole());
  EXPECT_EQ(log.vote_end(), (LogEnd{Term(3), LogIndex(3)}));
}

// D9, counterexample 7.
TEST(Log, AnInstallKeepsTheTailThatAgreesAndNeverLowersTheVote) {
  FakeReader reader;
  Log agrees(Recovered({1, 1, 2, 2, 2}), &reader, 1000);
  EXPECT_TRUE(agrees.Install(LogIndex(3), Term(2)));
  EXPECT_EQ(agrees.last(), LogIndex(5));
  EXPECT_EQ(agrees.vote_end(), (LogEnd{Term(2), LogIndex(5)}));

  Log differs(Recovered({1, 1, 2, 2, 2}), &reader, 1000);
  uint64_t counter = differs.cut_counter();
  EXPECT_FALSE(differs.Install(LogIndex(3), Term(1)));
  EXPECT_EQ(differs.last(), LogIndex(3));
  EXPECT_EQ(differs.first(), LogIndex(4));
  EXPECT_EQ(differs.vote_end(), (LogEnd{Term(2), LogIndex(5)})) << "never lowered";
  EXPECT_FALSE(differs.Whole());
  EXPECT_EQ(differs.cut_counter(), counter + 1) << "completions of syncs of the old log count for nothing";
  differs.Append(MakeEntry(3, 4));
  EXPECT_TRUE(differs.Whole());

  Log behind(Recovered({1, 1}), &reader, 1000);
  EXPECT_FALSE(behind.Install(LogIndex(9), Term(4)));
  EXPECT_EQ(behind.synced(), LogIndex(9));
  EXPECT_EQ(behind.TermAt(LogIndex(9)), Term(4));
  EXPECT_TRUE(behind.Whole());
}

// D6: covered by a snapshot.
TEST(Log, AnInstallCoversDamage) {
  FakeReader reader;
  RecoveredLog recovered = Recovered({1, 1, 1, 1});
  recovered.damaged = {LogIndex(2)};
  Log log(recovered, &reader, 1000);
  EXPECT_TRUE(log.Install(LogIndex(3), Term(1)));
  EXPECT_TRUE(log.Whole());
  EXPECT_EQ(log.last(), LogIndex(4));
}

TEST(Log, CompactionForgetsEntriesButNotTheTermBeforeTheFirst) {
  FakeReader reader;
  for (uint64_t i = 1; i <= 4; ++i) reader.entries[LogIndex(i)] = MakeEntry(i < 3 ? 1 : 2, i);
  RecoveredLog recovered = Recovered({1, 1, 2, 2});
  recovered.commit = LogIndex(4);
  Log log(recovered, &reader, 1000);
  log.TakeCommitted(10000).value();
  log.Compacted(LogIndex(3));
  EXPECT_EQ(log.first(), LogIndex(4));
  EXPECT_EQ(log.TermAt(LogIndex(3)), Term(2));
  EXPECT_EQ(log.TermAt(LogIndex(2)), std::nullopt);
  EXPECT_EQ(log.LastWithTermAtMost(LogIndex(4), Term(1)), LogIndex(2)) << "unknown: before what we can tell";
}

// D8, D9: a crash between an install and the log's reset.
TEST(Log, ALogThatEndsBelowTheSnapshotStartsAnewBehindIt) {
  FakeReader reader;
  RecoveredLog recovered = Recovered({1, 1});
  recovered.snapshot_index = LogIndex(7);
  recovered.snapshot_term = Term(3);
  recovered.vote_end = {Term(3), LogIndex(7)};
  Log log(recovered, &reader, 1000);
  EXPECT_EQ(log.first(), LogIndex(8));
  EXPECT_EQ(log.end(), (LogEnd{Term(3), LogIndex(7)}));
  EXPECT_EQ(log.commit(), LogIndex(7));
  EXPECT_TRUE(log.Whole());
}

}  // namespace
}  // namespace synod::consensus

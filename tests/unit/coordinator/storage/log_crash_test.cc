// Random histories, crashes and rot, each from one seed, against a model that remembers what must and what may be
// there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/unit/coordinator/storage/log_harness.h"

namespace synod::storage {
namespace {

using consensus::Entry;

// Drives a LogHarness and knows: the entries as last appended, how far completed syncs covered them, and which contents
// may stand where after an operation that a crash cut short.
class Model {
 public:
  explicit Model(uint64_t seed) : random_(seed), seed_(seed) {
    h_.options.segment_bytes = random_.OneIn(2) ? kTestSegment : 2 * kTestSegment;
    h_.options.retain_bytes = kTestSegment;
    h_.Open();
  }

  void Run() {
    for (int life = 0; life < 4 && !testing::Test::HasFailure(); ++life) {
      if (random_.OneIn(2)) {
        random_.OneIn(2) ? h_.disk.StopAfterSyncs(random_.Below(40)) : h_.disk.StopAfterWrites(random_.Below(120));
      }
      int steps = static_cast<int>(random_.Between(1, 60));
      for (int i = 0; i < steps && alive_; ++i) Step();
      h_.Crash(&random_);
      alive_ = true;
      Reopen();
    }
  }

 private:
  uint64_t last() const { return h_.written.size() - 1; }

  void Step() {
    switch (random_.Below(12)) {
      case 0:
        return Cut();
      case 1:
        return Compact();
      case 2:
        return random_.OneIn(6) ? Reset() : Append();
      case 3:
        return Expect(h_.log->WriteMark(LogIndex(0)));
      case 4:
        return Expect(h_.log->SaveHardState(vote_ = {Term(++vote_term_), ServerId(1)}));
      case 5:
      case 6:
        if (!h_.runner.busy()) StartSync();
        return;
      case 7:
      case 8:
        h_.runner.Work();
        if (h_.runner.Complete()) Synced();
        return;
      default:
        return Append();
    }
  }

  void Expect(const absl::Status& status) {
    if (!status.ok()) alive_ = false;  // the only way to fail here is that the process is gone
  }

  void Append() {
    if (random_.OneIn(5)) ++term_;
    size_t bytes = random_.OneIn(20) ? random_.Below(6000) : random_.Below(700);
    Expect(h_.Append(term_, bytes));
  }

  void StartSync() {
    covers_ = last();
    h_.StartSync();
  }
  void Synced() {
    if (!h_.last_sync.ok()) {
      alive_ = false;
      return;
    }
    ASSERT_EQ(h_.last_sync->through.value(), covers_raw());
    durable_ = std::max(durable_, covers_);
  }
  uint64_t covers_raw() const { return h_.last_sync->through.value(); }

  void Cut() {
    uint64_t first = std::max(h_.log->first_index().value(), h_.snapshot.index.value() + 1);
    if (last() < first) return;
    uint64_t from = random_.Between(first, last());
    old_ = h_.written;
    cut_from_ = from;
    Expect(h_.log->CutSuffix(LogIndex(from)));
    durable_ = std::min(durable_, from - 1);
    covers_ = std::min(covers_, from - 1);
    if (!alive_) return;
    old_.clear();
    h_.written.resize(from);
    ++term_;
  }

  void Compact() {
    if (durable_ <= h_.snapshot.index.value()) return;
    uint64_t through = random_.Between(h_.snapshot.index.value() + 1, durable_);
    h_.snapshot = {LogIndex(through), h_.written[through].term, {}};
    auto first = h_.log->CompactTo(LogIndex(through), LogIndex(random_.Between(1, last() + 10)));
    Expect(first.status());
    if (!first.ok()) return;
    ASSERT_LE(first->value(), through + 1);
  }

  void Reset() {
    uint64_t index = last() + random_.Between(1, 20);
    ++term_;
    h_.snapshot = {LogIndex(index), Term(term_), {}};
    h_.written.resize(index + 1);
    h_.written[index].term = Term(term_);
    durable_ = covers_ = index;
    Expect(h_.log->ResetTo(LogIndex(index), Term(term_)));
  }

  void Reopen() {
    absl::Status opened = h_.TryOpen();
    ASSERT_TRUE(opened.ok()) << "seed " << seed_ << ": " << opened;
    const consensus::RecoveredLog& r = h_.log->recovered();
    uint64_t found = r.last.value();
    // D5, counterexample 3c: no crash is ever reported as damage.
    ASSERT_TRUE(r.damaged.empty()) << "seed " << seed_ << ": entry " << r.damaged[0] << " durable " << durable_;
    // L8, D5: everything that a completed sync covered is there.
    ASSERT_GE(found, durable_) << "seed " << seed_;
    ASSERT_LE(found, old_.empty() ? last() : old_.size() - 1) << "seed " << seed_;
    ASSERT_LE(r.first.value(), h_.snapshot.index.value() + 1) << "seed " << seed_;
    ASSERT_EQ(r.vote_end.index.value(), found);
    ASSERT_LE(r.hard_state.term.value(), vote_term_);
    for (uint64_t i = r.first.value(); i <= found; ++i) {
      auto entries = h_.log->ReadEntries(LogIndex(i), LogIndex(i + 1), 1);
      ASSERT_TRUE(entries.ok()) << "seed " << seed_ << ": " << entries.status();
      // D4: nothing cut comes back, unless the cut itself was cut short.
      const Entry& expected = old_.empty() ? h_.written[i] : old_[i];
      ASSERT_TRUE(SameEntry((*entries)[0], expected))
          << "seed " << seed_ << " entry " << i << " of term " << (*entries)[0].term << " instead of " << expected.term
          << ", last " << found << ", snapshot " << h_.snapshot.index;
    }
    if (!old_.empty()) h_.written = old_;
    old_.clear();
    h_.written.resize(found + 1);
    durable_ = covers_ = found;  // what a start found is durable
    ++term_;
  }

  LogHarness h_;
  Random random_;
  const uint64_t seed_;
  bool alive_ = true;
  uint64_t term_ = 1;
  uint64_t vote_term_ = 0;
  consensus::HardState vote_;
  uint64_t durable_ = 0;
  uint64_t covers_ = 0;     // by the sync in flight, as far as not cut since
  std::vector<Entry> old_;  // as before a cut that was cut short
  uint64_t cut_from_ = 0;
};

TEST(LogCrash, SyncedEntriesSurviveCutOnesDoNotAndNoCrashIsDamage) {  // D2, D4, D5, L8
  for (uint64_t seed = 1; seed <= 4000; ++seed) {
    Model(seed).Run();
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
  }
}

// A log of several segments, synced, with a mark that says so.
void MakeSyncedLog(LogHarness* h, Random* random) {
  h->Open();
  uint64_t term = 1;
  int batches = static_cast<int>(random->Between(2, 6));
  for (int b = 0; b < batches; ++b) {
    int n = static_cast<int>(random->Between(3, 25));
    for (int i = 0; i < n; ++i) SYNOD_CHECK(h->Append(term, random->Below(800)).ok());
    h->SyncAndMark();
    term += random->Below(2);
    if (random->OneIn(3)) {
      uint64_t from = random->Between(1, h->log->last_index().value());
      SYNOD_CHECK(h->log->CutSuffix(LogIndex(from)).ok());
      h->written.resize(from);
      ++term;
    }
  }
  for (int i = 0; i < 3; ++i) SYNOD_CHECK(h->Append(term, random->Below(800)).ok());
  h->SyncAndMark();
  h->log.reset();
}

TEST(LogCrash, RotInSyncedRecordsIsDamageNeverTornAndRepairs) {  // D5, D6
  int damage = 0;
  for (uint64_t seed = 1; seed <= 1500; ++seed) {
    Random random(seed);
    LogHarness h;
    MakeSyncedLog(&h, &random);
    uint64_t last = h.written.size() - 1;
    std::vector<std::string> paths = h.disk.Files("/d/log/0");
    std::string path = paths[random.Below(paths.size())];
    h.disk.FlipBit(path, random.Below(h.disk.Contents(path).size()), static_cast<int>(random.Below(8)));
    h.Open();
    const consensus::RecoveredLog r = h.log->recovered();
    ASSERT_EQ(r.last.value(), last) << "seed " << seed;
    ASSERT_EQ(r.vote_end.index.value(), last) << "seed " << seed;
    ASSERT_EQ(r.vote_end.term, h.written[last].term) << "seed " << seed;
    ASSERT_LE(r.damaged.size(), 1u) << "seed " << seed;
    if (!r.damaged.empty()) {
      ++damage;
      ASSERT_TRUE(h.log->Repair(h.written[r.damaged[0].value()]).ok()) << "seed " << seed;
      Random crash(seed);
      h.Crash(&crash);
      h.Open();
      ASSERT_TRUE(h.log->recovered().damaged.empty()) << "seed " << seed;
    }
    auto entries = h.log->ReadEntries(LogIndex(1), LogIndex(last + 1), 1 << 30);
    ASSERT_TRUE(entries.ok()) << "seed " << seed << entries.status();
    for (const Entry& entry : *entries)
      ASSERT_TRUE(SameEntry(entry, h.written[entry.index.value()])) << "seed " << seed;
  }
  EXPECT_GT(damage, 300);  // the test met what it is for
}

TEST(LogCrash, RotBesideACrashKeepsWhatBothLeave) {  // D5: an unsynced tail torn while a synced record rots
  for (uint64_t seed = 1; seed <= 1000; ++seed) {
    Random random(seed);
    LogHarness h;
    MakeSyncedLog(&h, &random);
    h.Open();
    uint64_t synced = h.written.size() - 1;
    h.AppendMany(static_cast<int>(random.Between(1, 8)), 99, 300);
    uint64_t victim = random.Between(1, synced);
    if (h.written[victim].payload->size() < 5) continue;
    h.FlipPayload(LogIndex(victim));
    h.Crash(&random);
    h.Open();
    ASSERT_THAT(h.log->recovered().damaged, testing::ElementsAre(LogIndex(victim))) << "seed " << seed;
    ASSERT_GE(h.log->last_index().value(), synced) << "seed " << seed;
    // And once more, from what that start wrote.
    uint64_t last = h.log->last_index().value();
    h.Crash(&random);
    h.Open();
    ASSERT_THAT(h.log->recovered().damaged, testing::ElementsAre(LogIndex(victim))) << "seed " << seed;
    ASSERT_EQ(h.log->last_index().value(), last) << "seed " << seed;
  }
}

TEST(LogCrash, DiskErrorsAreReportedByWhatMetThem) {  // D12
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    Random random(seed);
    LogHarness h;
    h.Open();
    bool on_sync = random.OneIn(2);
    sim::Fault fault = random.OneIn(2) ? sim::Fault::kIo : sim::Fault::kNoSpace;
    on_sync ? h.disk.FailSync(fault, random.Below(10)) : h.disk.FailWrite(fault, random.Below(20));
    uint64_t durable = 0;
    absl::Status status;
    for (int i = 0; i < 60 && status.ok(); ++i) {
      status = h.Append(1, random.Below(1500));
      if (!status.ok() || i % 4 != 3) continue;
      status = h.Sync();
      if (status.ok()) durable = h.log->last_index().value();
    }
    if (status.ok()) continue;  // met by the making of a spare, which may fail
    EXPECT_FALSE(h.Sync().ok()) << "seed " << seed;
    h.Crash(&random);
    h.Open();
    ASSERT_GE(h.log->last_index().value(), durable) << "seed " << seed;
    ASSERT_TRUE(h.log->recovered().damaged.empty()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace synod::storage

// D7, D8, D9, D13: snapshots, loading, digests; and that the same log gives the same state.
#include "tests/unit/coordinator/statemachine/generator.h"

namespace synod::statemachine {
namespace {

using tree::Error;

Outcome Step(Generator* generator, Harness* onto, Command* command = nullptr) {
  onto->now_ms += 1;
  Command next = generator->Next(onto->machine);
  if (command != nullptr) *command = next;
  return onto->Apply(next);
}

void Replay(const std::vector<std::string>& log, LogIndex from, Harness* onto) {
  for (size_t i = static_cast<size_t>(from.value()); i < log.size(); ++i) {
    auto batch = interfaces::DecodeBatch(log[i]);
    ASSERT_TRUE(batch.ok());
    ASSERT_TRUE(onto->machine.Apply(LogIndex(i + 1), Term(1), *batch).ok());
  }
}

// The outcomes of the last commands, as many as `other` saw.
void ExpectSameOutcomes(const Harness& all, const Harness& other) {
  size_t skipped = all.seen.outcomes.size() - other.seen.outcomes.size();
  for (size_t i = 0; i < other.seen.outcomes.size(); ++i) {
    ASSERT_EQ(Show(all.seen.outcomes[skipped + i]), Show(other.seen.outcomes[i])) << "outcome " << skipped + i;
    const auto& here = all.seen.events_of[skipped + i];
    const auto& there = other.seen.events_of[i];
    ASSERT_EQ(here.size(), there.size());
    for (size_t k = 0; k < here.size(); ++k) {
      ASSERT_EQ(here[k].path, there[k].path);
      ASSERT_EQ(here[k].type, there[k].type);
      ASSERT_EQ(here[k].zxid, there[k].zxid);
    }
  }
}

TEST(Determinism, TheSameLogGivesTheSameDigestsOutcomesAndEvents) {  // D13, L4
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    Generator generator(seed);
    Harness a(SmallCloses());
    StateMachineOptions short_window = SmallCloses();
    short_window.watch_window_bytes = 2000;  // W3: nothing replicated depends on it
    Harness b(short_window);
    for (int i = 0; i < 400; ++i) {
      Step(&generator, &a);
      Replay(a.log, LogIndex(a.log.size() - 1), &b);
      ASSERT_EQ(a.machine.digest(), b.machine.digest()) << "seed " << seed << " step " << i;
    }
    ASSERT_EQ(a.machine.digest(), a.machine.ComputeDigest());
    ExpectSameOutcomes(a, b);
  }
}

TEST(Determinism, TheRandomCommandsReachEveryOutcome) {
  std::map<Error, int> errors;
  std::map<std::string, int> reached;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Generator generator(seed);
    Harness a(SmallCloses());
    for (int i = 0; i < 400; ++i) {
      Command command;
      Outcome outcome = Step(&generator, &a, &command);
      ++errors[outcome.error];
      reached["repeated"] += outcome.repeated;
      reached["gap"] += outcome.gap;
      reached["then"] += outcome.succeeded && outcome.error == Error::kOk;
      reached["found by keep or set"] += outcome.error == Error::kOk && !outcome.result.path.empty() &&
                                         !outcome.result.created && std::holds_alternative<CreateOp>(command.operation);
      reached["tree deleted"] += outcome.result.deleted > 1;
      reached["tree deleted in part"] += outcome.result.remaining > 0;
      reached["idle removed"] += outcome.error == Error::kOk && std::holds_alternative<RemoveIdleOp>(command.operation);
    }
    for (const std::string& call : a.seen.calls) ++reached[call.substr(0, call.find(' '))];
  }
  for (Error error : {Error::kOk, Error::kNoNode, Error::kNodeExists, Error::kBadVersion, Error::kNotEmpty,
                      Error::kNoChildrenForEphemerals, Error::kBadArguments, Error::kSessionMoved, Error::kTooLarge,
                      Error::kReplyLost, Error::kRefusedDisk, Error::kNoAuth, Error::kInvalidAcl, Error::kQuotaExceeded,
                      Error::kUnimplemented, Error::kSessionExpired}) {
    EXPECT_GT(errors[error], 0) << tree::ErrorName(error);
  }
  for (const char* what : {"repeated", "gap", "then", "found by keep or set", "tree deleted", "tree deleted in part",
                           "idle removed", "quota", "closing", "closed", "expired", "granted"}) {
    EXPECT_GT(reached[what], 0) << what;
  }
}

TEST(Snapshot, AFreshStateComesBack) {  // D8
  Harness a, b;
  Store store;
  interfaces::SnapshotMeta meta = a.Snapshot(&store);
  absl::Status status = Load(store, meta, &b.machine);
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(a.machine.digest(), b.machine.digest());
  EXPECT_TRUE(b.Exists("/zookeeper/quota"));
}

TEST(Snapshot, MetaSaysWhatItIs) {
  Harness a({.version_known = 3});
  a.Unary(RaiseVersionOp{3});
  Store store;
  interfaces::SnapshotMeta meta = a.Snapshot(&store);
  EXPECT_EQ(meta.index, a.machine.applied_index());
  EXPECT_EQ(meta.term, Term(1));
  EXPECT_EQ(meta.digest, a.machine.digest());
  EXPECT_EQ(meta.digest_version, a.machine.digest_version());
  EXPECT_EQ(meta.state_machine_version, 3u);
  EXPECT_EQ(meta.log_clock_us, a.machine.log_clock_us());

  Harness older;  // L6: a server that does not know version 3 cannot run this state
  absl::Status status = Load(store, meta, &older.machine);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find("version 3"), std::string::npos);
}

TEST(Snapshot, RestoredAtAnyPointTheStateGoesOnAlike) {  // D8, counterexample 5
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Generator generator(seed);
    Harness a(SmallCloses());
    Store store;
    for (int cut = 0; cut < 6; ++cut) {
      for (uint64_t n = generator.Random() % 120; n > 0; --n) Step(&generator, &a);
      interfaces::SnapshotMeta meta = a.Snapshot(&store);
      Harness b(SmallCloses());
      absl::Status status = Load(store, meta, &b.machine);
      ASSERT_TRUE(status.ok()) << status.ToString() << " seed " << seed;
      ASSERT_EQ(b.machine.ComputeDigest(), a.machine.digest());
      ASSERT_EQ(b.machine.applied_index(), a.machine.applied_index());
      for (int n = 0; n < 30; ++n) {
        Step(&generator, &a);
        Replay(a.log, LogIndex(a.log.size() - 1), &b);
        ASSERT_EQ(a.machine.digest(), b.machine.digest()) << "seed " << seed;
      }
      ExpectSameOutcomes(a, b);
      ASSERT_EQ(a.Window(), b.Window());  // W3
      // What was loaded counts as stored: its next cut holds the changes only.
      ASSERT_LT(b.machine.changed_records(), 100u);
    }
  }
}

TEST(Snapshot, WrittenWhileCommandsRunItIsStillOfOneMoment) {  // D7, counterexample 5
  int interleaved = 0;
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    Generator generator(seed);
    Harness a(SmallCloses());
    Store store;
    for (int n = 0; n < 900; ++n) Step(&generator, &a);
    for (int cut = 0; cut < 5; ++cut) {
      for (uint64_t n = generator.Random() % 200; n > 0; --n) Step(&generator, &a);
      interfaces::SnapshotMeta meta = a.machine.CloseSnapshot();
      std::vector<interfaces::SnapshotRecord> records;
      bool lost = generator.Random() % 4 == 0;
      for (uint64_t n = generator.Random() % 30; n > 0; --n) Step(&generator, &a);
      while (!a.machine.WriteClosed(absl::Nanoseconds(100), &records)) {
        ++interleaved;
        for (uint64_t n = generator.Random() % 30; n > 0; --n) Step(&generator, &a);
        if (lost && generator.Random() % 2 == 0) break;
      }
      if (lost) {
        a.machine.AbandonSnapshot();
        continue;
      }
      ApplyCut(records, &store);
      Harness b(SmallCloses());
      absl::Status status = Load(store, meta, &b.machine);
      ASSERT_TRUE(status.ok()) << status.ToString() << " seed " << seed << " cut " << cut;
      ASSERT_EQ(b.machine.digest(), meta.digest);
      Replay(a.log, meta.index, &b);
      ASSERT_EQ(a.machine.digest(), b.machine.digest()) << "seed " << seed << " cut " << cut;
      ASSERT_EQ(b.machine.ComputeDigest(), b.machine.digest());
      ExpectSameOutcomes(a, b);
      ASSERT_EQ(a.Window(), b.Window());  // W3
    }
  }
  EXPECT_GT(interleaved, 50);
}

TEST(Snapshot, ItsCostGrowsWithTheChangeNotWithTheTree) {  // D7
  Harness a;
  Store store;
  for (int i = 0; i < 2000; ++i) a.Unary(CreateOp{"/n" + std::to_string(i), "x"});
  a.Snapshot(&store);
  a.Unary(SetDataOp{"/n7", "y"});
  a.Unary(SetDataOp{"/n8", "y"});
  a.machine.CloseSnapshot();
  std::vector<interfaces::SnapshotRecord> cut;
  EXPECT_TRUE(a.machine.WriteClosed(absl::Seconds(1), &cut));
  std::erase_if(cut, [](const auto& record) { return EventWindow::IsKey(record.key); });
  EXPECT_EQ(cut.size(), 3u);  // two nodes and the counters
}

TEST(Snapshot, KeysKeepToTheirLetters) {
  Generator generator(5);
  Harness a;
  Store store;
  for (int n = 0; n < 500; ++n) Step(&generator, &a);
  a.Unary(SetSettingOp{"s", "v"});
  a.NewSession(1000, {Digest("carol")});
  a.Unary(CreateOp{"/of-dave", "", CreateMode::kPersistent, access::Acl{ForDigest("dave")}});
  a.Snapshot(&store);
  std::map<char, int> letters;
  for (const auto& [key, value] : store) ++letters[key[0]];
  EXPECT_EQ(letters['c'], 1);
  for (char letter : std::string("ainrstw")) {
    EXPECT_GT(letters[letter], 0) << letter;
    letters.erase(letter);
  }
  letters.erase('c');
  EXPECT_TRUE(letters.empty());
}

class DamagedSnapshot : public ::testing::Test {
 protected:
  DamagedSnapshot() {
    Generator generator(3);
    for (int n = 0; n < 300; ++n) Step(&generator, &a_);
    a_.Unary(SetSettingOp{"s", "v"});
    a_.NewSession(1000, {Digest("carol")});
    a_.Unary(CreateOp{"/of-dave", "", CreateMode::kPersistent, access::Acl{ForDigest("dave")}});
    meta_ = a_.Snapshot(&store_);
  }
  absl::StatusCode LoadCode(const Store& store, const interfaces::SnapshotMeta& meta) {
    Harness b;
    b.Unary(CreateOp{"/old"});
    uint64_t digest = b.machine.digest();
    absl::StatusCode code = Load(store, meta, &b.machine).code();
    if (code != absl::StatusCode::kOk) {
      EXPECT_EQ(b.machine.digest(), digest);  // the old state stands
    }
    return code;
  }
  Harness a_;
  Store store_;
  interfaces::SnapshotMeta meta_;
};

TEST_F(DamagedSnapshot, AMissingOrChangedRecordIsDataLoss) {  // D13
  EXPECT_EQ(LoadCode(store_, meta_), absl::StatusCode::kOk);
  for (const auto& [key, value] : store_) {
    if (EventWindow::IsKey(key)) continue;  // outside the digest
    Store missing = store_;
    missing.erase(key);
    EXPECT_EQ(LoadCode(missing, meta_), absl::StatusCode::kDataLoss) << key;
    Store changed = store_;
    if (value.empty()) {
      changed[key] = "x";
    } else {
      changed[key][value.size() / 2] ^= 1;
    }
    EXPECT_NE(LoadCode(changed, meta_), absl::StatusCode::kOk) << key;
  }
  Store more = store_;
  more["x"] = "unknown";
  EXPECT_EQ(LoadCode(more, meta_), absl::StatusCode::kDataLoss);
  more = store_;
  more["tnew"] = "setting";
  EXPECT_EQ(LoadCode(more, meta_), absl::StatusCode::kDataLoss);
}

TEST_F(DamagedSnapshot, TheWindowMayBeMissingButNotHalf) {  // W3
  Store without = store_;
  std::erase_if(without, [](const auto& record) { return EventWindow::IsKey(record.first); });
  EXPECT_EQ(LoadCode(without, meta_), absl::StatusCode::kOk);
  Store headless = store_;
  headless.erase("w");
  EXPECT_EQ(LoadCode(headless, meta_), absl::StatusCode::kDataLoss);
}

TEST_F(DamagedSnapshot, OneOfAnEarlierBuildSaysSo) {
  Store earlier = store_;
  std::erase_if(earlier, [](const auto& record) { return record.first < "c"; });
  earlier["c"][0] = 1;
  Harness b;
  absl::Status status = Load(earlier, meta_, &b.machine);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find("empty data directory"), std::string::npos);
}

TEST(Snapshot, BringsTheWindowOfPastEventsAlong) {  // W3, D7
  Harness a;
  a.Unary(CreateOp{"/a"});
  a.Unary(CreateOp{"/b", "", CreateMode::kPersistent, access::Acl{ForDigest("bob")}});
  Store store;
  interfaces::SnapshotMeta meta = a.machine.CloseSnapshot();
  a.Unary(DeleteOp{"/a"});  // after the cut
  std::vector<interfaces::SnapshotRecord> cut;
  while (!a.machine.WriteClosed(absl::Milliseconds(1), &cut)) {
  }
  ApplyCut(cut, &store);
  Harness b;
  ASSERT_TRUE(Load(store, meta, &b.machine).ok());
  auto paths = [](const StateMachine& machine) {
    std::vector<std::string> out;
    machine.window().Read(machine.window().begin(), SIZE_MAX, [&](const PastEvent& event) {
      out.push_back(std::to_string(event.zxid.value()) + std::string(event.path) + (event.acl ? " closed" : ""));
      return true;
    });
    return out;
  };
  EXPECT_EQ(paths(b.machine), (std::vector<std::string>{"1/a", "2/b closed"}));
  EXPECT_EQ(b.Unary(DeleteOp{"/a"}).error, Error::kOk);
  EXPECT_EQ(paths(b.machine), paths(a.machine));

  std::erase_if(store, [](const auto& record) { return EventWindow::IsKey(record.first); });
  Harness c;
  ASSERT_TRUE(Load(store, meta, &c.machine).ok());
  EXPECT_TRUE(paths(c.machine).empty());
  EXPECT_EQ(c.machine.window().begin(), Cursor{Zxid(2)});
}

TEST_F(DamagedSnapshot, AMetaThatSaysOtherwiseIsRefused) {
  interfaces::SnapshotMeta meta = meta_;
  ++meta.digest;
  EXPECT_EQ(LoadCode(store_, meta), absl::StatusCode::kDataLoss);
  meta = meta_;
  ++meta.log_clock_us;
  EXPECT_EQ(LoadCode(store_, meta), absl::StatusCode::kDataLoss);
  meta = meta_;
  ++meta.digest_version;
  EXPECT_EQ(LoadCode(store_, meta), absl::StatusCode::kFailedPrecondition);
}

TEST(Install, TheOldStateIsHandedOutAndTheObserverTold) {  // D9, S10
  Harness a;
  a.Unary(CreateOp{"/new"});
  Store store;
  interfaces::SnapshotMeta meta = a.Snapshot(&store);

  std::vector<DiscardedState> discarded;
  Harness b({.dispose = [&](DiscardedState old) { discarded.push_back(std::move(old)); }});
  b.Unary(CreateOp{"/old"});
  b.machine.CloseSnapshot();  // a cut of the old state is open: it goes with it
  b.seen.calls.clear();
  ASSERT_TRUE(Load(store, meta, &b.machine).ok());
  EXPECT_EQ(discarded.size(), 1u);
  EXPECT_EQ(b.seen.calls, std::vector<std::string>{"installed"});
  EXPECT_FALSE(b.Exists("/old"));
  EXPECT_TRUE(b.Exists("/new"));
  EXPECT_EQ(b.machine.applied_index(), meta.index);
  std::vector<interfaces::SnapshotRecord> records;
  EXPECT_TRUE(b.machine.WriteClosed(absl::Milliseconds(1), &records));
  EXPECT_TRUE(records.empty());
  b.machine.AbandonSnapshot();
  EXPECT_EQ(b.machine.changed_records(), 0u);
  EXPECT_EQ(b.Unary(CreateOp{"/more"}).error, Error::kOk);
}

}  // namespace
}  // namespace synod::statemachine

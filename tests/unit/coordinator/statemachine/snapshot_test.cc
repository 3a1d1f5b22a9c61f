// D7, D8, D9, D13: snapshots, loading, digests; and that the same log gives the same state.
#include <random>

#include "tests/unit/coordinator/statemachine/harness.h"

namespace synod::statemachine {
namespace {

using tree::Error;

// Random commands that hit, miss, repeat and collide.
class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  Command Next(const StateMachine& machine) {
    Command command{.max_data_bytes = 60, .origin = {ServerId(1), 2, ++requests_}};
    uint64_t dice = random_() % 100;
    if (dice < 3 || machine.sessions().count() == 0) {
      command.operation = CreateSessionOp{4000, 0, kPassword, random_() % 5 + 1, random_() % 2 == 0};
      return command;
    }
    const sessions::Session* session = PickSession(machine);
    uint64_t generation = session->generation().value();
    if (dice < 5) {
      command.operation = ExpireSessionOp{session->id(), OwnerGeneration(generation - random_() % 2)};
    } else if (dice < 9) {
      command.operation =
          AttachSessionOp{session->id(),     OwnerGeneration(generation - random_() % 2),     random_() % 5 + 1,
                          kPassword,         static_cast<uint32_t>(random_() % 3 + 1) * 1000, 0,
                          random_() % 2 == 0};
    } else if (dice < 10) {
      command.operation = SetSettingOp{"s" + std::to_string(random_() % 3), Data().value_or("")};
    } else {
      if (random_() % 8 != 0) Number(*session, &command);
      command.operation = SessionOperation();
    }
    return command;
  }
  uint64_t Random() { return random_(); }

 private:
  const sessions::Session* PickSession(const StateMachine& machine) {
    std::vector<SessionId> ids;
    machine.sessions().ForEach([&](const sessions::Session& s) { ids.push_back(s.id()); });
    return machine.sessions().Find(ids[random_() % ids.size()]);
  }
  void Number(const sessions::Session& session, Command* command) {
    command->session = session.id();
    command->generation = OwnerGeneration(session.generation().value() - (random_() % 20 == 0));
    if (random_() % 10 == 0) return;  // unnumbered
    uint64_t next = session.last_applied().value() + 1;
    uint64_t dice = random_() % 20;
    command->sequence = Sequence(dice == 0  ? next + 1
                                 : dice < 3 ? next - std::min<uint64_t>(next - 1, random_() % 4)
                                            : next);
    command->confirmed_below = Sequence(next - std::min<uint64_t>(next, random_() % 6));
  }
  std::string Path() {
    std::string path;
    for (uint64_t depth = random_() % 3 + 1; depth > 0; --depth)
      path += "/" + std::string(1, static_cast<char>('a' + random_() % 6));
    if (random_() % 40 == 0) path += "/";
    return path;
  }
  NodeData Data() {
    if (random_() % 10 == 0) return std::nullopt;
    return std::string(random_() % 64, static_cast<char>('a' + random_() % 26));
  }
  int32_t Version() { return random_() % 3 != 0 ? -1 : static_cast<int32_t>(random_() % 3); }
  TreeOp OneTreeOp() {
    switch (random_() % 8) {
      case 0:
        return DeleteOp{Path(), Version()};
      case 1:
      case 2:
        return SetDataOp{Path(), Data(), Version()};
      case 3:
        return CheckOp{Path(), Version()};
      default:
        return CreateOp{Path(), Data(), static_cast<CreateMode>(random_() % 4), AclId(0)};
    }
  }
  Operation SessionOperation() {
    uint64_t dice = random_() % 40;
    if (dice == 0) return CloseSessionOp{};
    if (dice == 1) return SyncOp{"/"};
    if (dice == 2) return RefusedOp{Error::kRefusedDisk};
    if (dice < 10) {
      MultiOp multi;
      for (uint64_t n = random_() % 5; n > 0; --n) multi.ops.push_back(OneTreeOp());
      return multi;
    }
    return std::visit([](auto&& op) -> Operation { return std::move(op); }, OneTreeOp());
  }

  std::mt19937_64 random_;
  uint64_t requests_ = 0;
};

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
    Harness a, b;
    for (int i = 0; i < 400; ++i) {
      a.now_ms += 1;
      a.Apply(generator.Next(a.machine));
      Replay(a.log, LogIndex(a.log.size() - 1), &b);
      ASSERT_EQ(a.machine.digest(), b.machine.digest()) << "seed " << seed << " step " << i;
    }
    ASSERT_EQ(a.machine.digest(), a.machine.ComputeDigest());
    ExpectSameOutcomes(a, b);
  }
}

TEST(Determinism, TheRandomCommandsReachEveryOutcome) {
  std::map<Error, int> errors;
  int repeated = 0, gaps = 0;
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    Generator generator(seed);
    Harness a;
    for (int i = 0; i < 400; ++i) {
      Outcome outcome = a.Apply(generator.Next(a.machine));
      ++errors[outcome.error];
      repeated += outcome.repeated;
      gaps += outcome.gap;
    }
  }
  for (Error error : {Error::kOk, Error::kNoNode, Error::kNodeExists, Error::kBadVersion, Error::kNotEmpty,
                      Error::kNoChildrenForEphemerals, Error::kBadArguments, Error::kSessionMoved, Error::kTooLarge,
                      Error::kReplyLost, Error::kRefusedDisk}) {
    EXPECT_GT(errors[error], 0) << tree::ErrorName(error);
  }
  EXPECT_GT(repeated, 0);
  EXPECT_GT(gaps, 0);
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
    Harness a;
    Store store;
    for (int cut = 0; cut < 6; ++cut) {
      for (uint64_t n = generator.Random() % 120; n > 0; --n) a.Apply(generator.Next(a.machine));
      interfaces::SnapshotMeta meta = a.Snapshot(&store);
      Harness b;
      absl::Status status = Load(store, meta, &b.machine);
      ASSERT_TRUE(status.ok()) << status.ToString() << " seed " << seed;
      ASSERT_EQ(b.machine.ComputeDigest(), a.machine.digest());
      ASSERT_EQ(b.machine.applied_index(), a.machine.applied_index());
      for (int n = 0; n < 30; ++n) {
        a.Apply(generator.Next(a.machine));
        Replay(a.log, LogIndex(a.log.size() - 1), &b);
        ASSERT_EQ(a.machine.digest(), b.machine.digest()) << "seed " << seed;
      }
      ExpectSameOutcomes(a, b);
      Store again;  // what was loaded counts as stored: its next cut holds the changes only
      ASSERT_LT(b.machine.changed_records(), 100u);
    }
  }
}

TEST(Snapshot, WrittenWhileCommandsRunItIsStillOfOneMoment) {  // D7, counterexample 5
  int interleaved = 0;
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    Generator generator(seed);
    Harness a;
    Store store;
    for (int n = 0; n < 900; ++n) a.Apply(generator.Next(a.machine));
    for (int cut = 0; cut < 5; ++cut) {
      for (uint64_t n = generator.Random() % 200; n > 0; --n) a.Apply(generator.Next(a.machine));
      interfaces::SnapshotMeta meta = a.machine.CloseSnapshot();
      std::vector<interfaces::SnapshotRecord> records;
      bool lost = generator.Random() % 4 == 0;
      for (uint64_t n = generator.Random() % 30; n > 0; --n) a.Apply(generator.Next(a.machine));
      while (!a.machine.WriteClosed(absl::Nanoseconds(100), &records)) {
        ++interleaved;
        for (uint64_t n = generator.Random() % 30; n > 0; --n) a.Apply(generator.Next(a.machine));
        if (lost && generator.Random() % 2 == 0) break;
      }
      if (lost) {
        a.machine.AbandonSnapshot();
        continue;
      }
      ApplyCut(records, &store);
      Harness b;
      absl::Status status = Load(store, meta, &b.machine);
      ASSERT_TRUE(status.ok()) << status.ToString() << " seed " << seed << " cut " << cut;
      ASSERT_EQ(b.machine.digest(), meta.digest);
      Replay(a.log, meta.index, &b);
      ASSERT_EQ(a.machine.digest(), b.machine.digest()) << "seed " << seed << " cut " << cut;
      ASSERT_EQ(b.machine.ComputeDigest(), b.machine.digest());
      ExpectSameOutcomes(a, b);
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
  EXPECT_EQ(cut.size(), 3u);  // two nodes and the counters
}

TEST(Snapshot, KeysKeepToTheirLetters) {
  Generator generator(5);
  Harness a;
  Store store;
  for (int n = 0; n < 500; ++n) a.Apply(generator.Next(a.machine));
  a.Unary(SetSettingOp{"s", "v"});
  a.Snapshot(&store);
  std::map<char, int> letters;
  for (const auto& [key, value] : store) ++letters[key[0]];
  EXPECT_EQ(letters['c'], 1);
  for (char letter : std::string("nrst")) {
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
    for (int n = 0; n < 300; ++n) a_.Apply(generator.Next(a_.machine));
    a_.Unary(SetSettingOp{"s", "v"});
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
    Store missing = store_;
    missing.erase(key);
    EXPECT_EQ(LoadCode(missing, meta_), absl::StatusCode::kDataLoss) << key;
    Store changed = store_;
    changed[key][value.size() / 2] ^= 1;
    EXPECT_NE(LoadCode(changed, meta_), absl::StatusCode::kOk) << key;
  }
  Store more = store_;
  more["x"] = "unknown";
  EXPECT_EQ(LoadCode(more, meta_), absl::StatusCode::kDataLoss);
  more = store_;
  more["tnew"] = "setting";
  EXPECT_EQ(LoadCode(more, meta_), absl::StatusCode::kDataLoss);
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

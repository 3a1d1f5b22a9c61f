#include "coordinator/sessions/session_table.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>

namespace synod::sessions {
namespace {

const std::string kPassword(16, 'p');

Ownership Owner(uint64_t generation, uint64_t connection = 1) {
  return {OwnerGeneration(generation), connection, 4000, 200, IdentitySetId(0)};
}

// What the snapshot store does with a cut's records; refuses a key that comes twice.
class Store {
 public:
  // Writes the table's open cut to the end and applies it.
  void Finish(SessionTable* table) {
    while (!Step(table, 1000)) {
    }
    for (auto& [key, value] : cut_) {
      if (value) {
        records_[key] = *value;
      } else {
        records_.erase(key);
      }
    }
    cut_.clear();
  }
  // At most `asks` questions whether to go on.
  bool Step(SessionTable* table, int asks) {
    return table->WriteClosed(
        [this](std::string key, std::optional<std::string> value) {
          EXPECT_TRUE(cut_.emplace(std::move(key), std::move(value)).second) << "a key twice in one cut";
        },
        [&asks] { return --asks > 0; });
  }
  void Lose() { cut_.clear(); }
  std::unique_ptr<SessionTable> Load() const {
    auto table = std::make_unique<SessionTable>();
    for (const auto& [key, value] : records_) EXPECT_TRUE(table->LoadRecord(key, value).ok());
    EXPECT_TRUE(table->FinishLoading().ok());
    EXPECT_EQ(table->digest(), table->ComputeDigest());
    return table;
  }
  const std::map<std::string, std::string>& records() const { return records_; }
  size_t cut_size() const { return cut_.size(); }

 private:
  std::map<std::string, std::string> records_;
  std::map<std::string, std::optional<std::string>> cut_;
};

TEST(SessionTable, HoldsWhatASessionIs) {  // S1
  SessionTable table;
  Session* s = table.Add(SessionId(7), kPassword, false, {OwnerGeneration(1), 42, 4000, 200, IdentitySetId(3)});
  table.Record(s, "one");
  EXPECT_EQ(table.Find(SessionId(7)), s);
  EXPECT_EQ(table.Find(SessionId(8)), nullptr);
  EXPECT_EQ(s->password(), kPassword);
  EXPECT_EQ(s->timeout_ms(), 4000u);
  EXPECT_EQ(s->disconnect_grace_ms(), 200u);
  EXPECT_FALSE(s->native());
  EXPECT_EQ(s->generation(), OwnerGeneration(1));
  EXPECT_EQ(s->connection(), 42u);
  EXPECT_EQ(s->identities(), IdentitySetId(3));
  EXPECT_EQ(s->last_applied(), Sequence(1));
  EXPECT_EQ(s->replies().Find(Sequence(1)), "one");
}

TEST(SessionTable, VisitsSessionsInOrderOfTheirIds) {
  SessionTable table;
  for (int64_t id : {5, 1, 9, 3}) table.Add(SessionId(id), kPassword, true, Owner(1));
  std::vector<int64_t> ids;
  table.ForEach([&](const Session& s) { ids.push_back(s.id().value()); });
  EXPECT_EQ(ids, (std::vector<int64_t>{1, 3, 5, 9}));
}

TEST(SessionTable, EveryFieldIsInTheDigest) {  // D13
  auto digest = [](auto change) {
    SessionTable table;
    Session* s = table.Add(SessionId(1), kPassword, true, Owner(1));
    table.Record(s, "reply");
    change(&table, s);
    EXPECT_EQ(table.digest(), table.ComputeDigest());
    return table.digest();
  };
  uint64_t same = digest([](auto*, auto*) {});
  EXPECT_NE(same, digest([](SessionTable* t, Session* s) { t->SetOwner(s, Owner(2)); }));
  EXPECT_NE(same, digest([](SessionTable* t, Session* s) { t->SetOwner(s, Owner(1, 2)); }));
  EXPECT_NE(same, digest([](SessionTable* t, Session* s) { t->SetOwner(s, {OwnerGeneration(1), 1, 4001, 200, {}}); }));
  EXPECT_NE(same, digest([](SessionTable* t, Session* s) { t->SetOwner(s, {OwnerGeneration(1), 1, 4000, 201, {}}); }));
  EXPECT_NE(same, digest([](SessionTable* t, Session* s) {
              t->SetOwner(s, {OwnerGeneration(1), 1, 4000, 200, IdentitySetId(1)});
            }));
  EXPECT_NE(same, digest([](SessionTable* t, Session* s) { t->ClearReplies(s); }));
  EXPECT_NE(same, digest([](SessionTable* t, Session* s) { t->Record(s, "reply"); }));
  EXPECT_NE(same, digest([](SessionTable* t, Session*) { t->Add(SessionId(2), kPassword, true, Owner(1)); }));
  EXPECT_NE(same, digest([](SessionTable* t, Session* s) { t->SetIdentities(s, IdentitySetId(1)); }));
  uint64_t closed = digest([](SessionTable* t, Session* s) { t->SetClosing(s, /*expired=*/false); });
  EXPECT_NE(same, closed);
  EXPECT_NE(closed, digest([](SessionTable* t, Session* s) { t->SetClosing(s, /*expired=*/true); }));
  EXPECT_EQ(0u, digest([](SessionTable* t, Session* s) { t->Remove(s); }));
}

TEST(SessionTable, OffersTheClosingSessionsInOrderOfTheirIds) {  // L4: the same order on every server
  SessionTable table;
  for (int64_t id : {5, 1, 9, 3}) table.Add(SessionId(id), kPassword, true, Owner(1));
  for (int64_t id : {9, 1, 5}) table.SetClosing(table.FindMutable(SessionId(id)), id == 1);
  EXPECT_EQ(std::vector<SessionId>(table.closing().begin(), table.closing().end()),
            (std::vector<SessionId>{SessionId(1), SessionId(5), SessionId(9)}));
  EXPECT_TRUE(table.Find(SessionId(1))->closing());
  EXPECT_TRUE(table.Find(SessionId(1))->expired());
  EXPECT_FALSE(table.Find(SessionId(5))->expired());
  EXPECT_FALSE(table.Find(SessionId(3))->closing());
  table.Remove(table.FindMutable(SessionId(5)));
  EXPECT_EQ(table.closing().size(), 2u);
}

TEST(SessionTable, FindsTheSessionThatAConnectionCreatedUntilItIsAttachedOrOver) {  // S1: a create sent again
  SessionTable table;
  const std::string other(16, 'o');
  Session* first = table.Add(SessionId(1), kPassword, true, Owner(1, 42));
  Session* second = table.Add(SessionId(2), other, true, Owner(1, 42));  // the same number by chance
  Session* third = table.Add(SessionId(3), kPassword, true, Owner(1, 43));
  EXPECT_EQ(table.FindCreated(42, kPassword), first);
  EXPECT_EQ(table.FindCreated(42, other), second);
  EXPECT_EQ(table.FindCreated(43, kPassword), third);
  EXPECT_EQ(table.FindCreated(43, other), nullptr);
  EXPECT_EQ(table.FindCreated(44, kPassword), nullptr);
  table.SetOwner(first, Owner(2, 42));
  EXPECT_EQ(table.FindCreated(42, kPassword), nullptr);
  table.SetClosing(second, false);
  EXPECT_EQ(table.FindCreated(42, other), nullptr);
  table.Remove(third);
  EXPECT_EQ(table.FindCreated(43, kPassword), nullptr);
}

TEST(SessionTable, WhatIsDerivedFromTheRecordsComesBackWithThem) {  // D8
  SessionTable table;
  Store store;
  table.Add(SessionId(1), kPassword, true, Owner(1, 42));
  table.Add(SessionId(2), kPassword, true, Owner(2, 43));
  table.SetClosing(table.Add(SessionId(3), kPassword, true, Owner(1, 44)), /*expired=*/true);
  table.SetClosing(table.Add(SessionId(4), kPassword, true, Owner(1, 45)), /*expired=*/false);
  table.CloseChanges();
  store.Finish(&table);
  auto loaded = store.Load();
  EXPECT_EQ(loaded->closing(), table.closing());
  EXPECT_TRUE(loaded->Find(SessionId(3))->expired());
  EXPECT_FALSE(loaded->Find(SessionId(4))->expired());
  EXPECT_EQ(loaded->FindCreated(42, kPassword), loaded->Find(SessionId(1)));
  for (uint64_t connection : {43, 44, 45}) EXPECT_EQ(loaded->FindCreated(connection, kPassword), nullptr);
}

TEST(SessionTable, ACutHoldsSessionAndRepliesAsOfOneMoment) {  // D7, counterexample 5
  SessionTable table;
  Store store;
  Session* s = table.Add(SessionId(1), kPassword, true, Owner(1));
  table.Record(s, "one");
  table.Record(s, "two");
  uint64_t at_cut = table.digest();
  table.CloseChanges();
  table.ConfirmBelow(s, Sequence(2));
  table.Record(s, "three");  // must not be in the cut, or replay would take number 3 for applied
  table.SetOwner(s, Owner(2));
  store.Finish(&table);
  auto loaded = store.Load();
  EXPECT_EQ(loaded->digest(), at_cut);
  EXPECT_EQ(loaded->Find(SessionId(1))->last_applied(), Sequence(2));
  EXPECT_EQ(loaded->Find(SessionId(1))->replies().Find(Sequence(1)), "one");
  EXPECT_EQ(loaded->Find(SessionId(1))->generation(), OwnerGeneration(1));

  table.CloseChanges();
  store.Finish(&table);
  loaded = store.Load();
  EXPECT_EQ(loaded->digest(), table.digest());
  EXPECT_EQ(loaded->Find(SessionId(1))->replies().Find(Sequence(1)), std::nullopt);
}

TEST(SessionTable, ASessionThatEndsWhileItsCutIsOpenIsInThatCutAndBuriedInTheNext) {  // D7
  SessionTable table;
  Store store;
  Session* s = table.Add(SessionId(1), kPassword, true, Owner(1));
  table.Record(s, "one");
  table.CloseChanges();
  table.Remove(s);
  store.Finish(&table);
  EXPECT_EQ(store.records().size(), 2u);
  table.CloseChanges();
  store.Finish(&table);
  EXPECT_TRUE(store.records().empty());
}

TEST(SessionTable, WhatLivedBetweenTwoCutsOnlyCostsNoRecord) {
  SessionTable table;
  Store store;
  Session* s = table.Add(SessionId(1), kPassword, true, Owner(1));
  for (int i = 0; i < 1000; ++i) {
    table.Record(s, "reply");
    table.ConfirmBelow(s, s->replies().end());
  }
  Session* brief = table.Add(SessionId(2), kPassword, true, Owner(1));
  table.Remove(brief);
  table.CloseChanges();
  while (!store.Step(&table, 100)) {
  }
  EXPECT_EQ(store.cut_size(), 1u);  // the session's own record
}

TEST(SessionTable, AReopenedCutIsWrittenWithTheNext) {  // D7
  SessionTable table;
  Store store;
  Session* a = table.Add(SessionId(1), kPassword, true, Owner(1));
  table.Record(a, "stored");
  table.CloseChanges();
  store.Finish(&table);

  table.ConfirmBelow(a, Sequence(2));
  table.Record(a, "two");
  Session* b = table.Add(SessionId(2), kPassword, true, Owner(1));
  table.Record(b, "b one");
  table.CloseChanges();
  while (!store.Step(&table, 100)) {
  }
  table.Remove(b);
  store.Lose();
  table.ReopenChanges();
  EXPECT_EQ(table.changed_sessions(), 2u);
  table.CloseChanges();
  store.Finish(&table);
  EXPECT_EQ(store.Load()->digest(), table.digest());
  EXPECT_EQ(store.records().size(), 2u);  // session 1 and its reply 2
}

TEST(SessionTable, RefusesRecordsThatDoNotFitTogether) {
  SessionTable source;
  Store store;
  Session* s = source.Add(SessionId(1), kPassword, true, Owner(1));
  for (const char* reply : {"one", "two", "three"}) source.Record(s, reply);
  source.CloseChanges();
  store.Finish(&source);
  auto load = [&](auto change) {
    auto records = store.records();
    change(&records);
    SessionTable table;
    for (const auto& [key, value] : records) {
      if (absl::Status status = table.LoadRecord(key, value); !status.ok()) return status;
    }
    return table.FinishLoading();
  };
  using Records = std::map<std::string, std::string>;
  EXPECT_TRUE(load([](Records*) {}).ok());
  EXPECT_EQ(load([](Records* r) { r->erase(std::prev(r->end())); }).code(), absl::StatusCode::kDataLoss);  // no session
  EXPECT_EQ(load([](Records* r) { r->erase(std::next(r->begin())); }).code(), absl::StatusCode::kDataLoss);  // a hole
  EXPECT_EQ(load([](Records* r) { r->erase(std::prev(r->end(), 2)); }).code(),
            absl::StatusCode::kDataLoss);  // the last reply
  EXPECT_EQ(load([](Records* r) { r->rbegin()->second.pop_back(); }).code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(load([](Records* r) { r->rbegin()->second[0] = 9; }).code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(load([](Records* r) { (*r)["s1"] = ""; }).code(), absl::StatusCode::kDataLoss);
}

// One random step on the table.
void Mutate(std::mt19937_64* random, int64_t* next_id, SessionTable* table) {
  std::vector<SessionId> ids;
  table->ForEach([&](const Session& s) { ids.push_back(s.id()); });
  uint64_t dice = (*random)() % 20;
  if (ids.empty() || (dice == 0 && ids.size() < 12)) {
    table->Add(SessionId((*next_id)++), kPassword, dice % 2 == 0, Owner(1, (*random)() % 100));
    return;
  }
  Session* s = table->FindMutable(ids[(*random)() % ids.size()]);
  if (dice == 1) {
    table->Remove(s);
  } else if (dice == 2) {
    if (!s->closing()) table->SetOwner(s, Owner(s->generation().value() + 1, (*random)() % 100));
  } else if (dice == 3) {
    table->ClearReplies(s);
    if ((*random)() % 2 == 0) table->SetIdentities(s, IdentitySetId((*random)() % 3));
    if (!s->closing() && (*random)() % 4 == 0) table->SetClosing(s, (*random)() % 2 == 0);
  } else if (dice < 8) {
    table->ConfirmBelow(s, s->replies().first() + (*random)() % 4);
  } else {
    table->Record(s, std::string((*random)() % 40, 'r'));
  }
}

TEST(SessionTable, EveryCutEqualsTheTableAtItsMomentWhateverHappensMeanwhile) {  // D7, counterexample 5
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    std::mt19937_64 random(seed);
    SessionTable table;
    Store store;
    int64_t next_id = 1;
    for (int cut = 0; cut < 12; ++cut) {
      for (uint64_t n = random() % 60; n > 0; --n) Mutate(&random, &next_id, &table);
      uint64_t at_cut = table.digest();
      table.CloseChanges();
      bool lost = random() % 4 == 0;
      for (uint64_t n = random() % 10; n > 0; --n) {
        store.Step(&table, static_cast<int>(random() % 3) + 1);
        for (uint64_t m = random() % 10; m > 0; --m) Mutate(&random, &next_id, &table);
      }
      if (lost) {
        store.Lose();
        table.ReopenChanges();
      } else {
        store.Finish(&table);
        ASSERT_EQ(store.Load()->digest(), at_cut) << "seed " << seed << " cut " << cut;
      }
      ASSERT_EQ(table.digest(), table.ComputeDigest());
    }
    table.CloseChanges();
    store.Finish(&table);
    auto loaded = store.Load();
    ASSERT_EQ(loaded->digest(), table.digest()) << "seed " << seed;
    ASSERT_EQ(loaded->closing(), table.closing());
  }
}

}  // namespace
}  // namespace synod::sessions

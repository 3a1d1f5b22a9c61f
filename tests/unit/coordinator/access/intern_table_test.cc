#include "coordinator/access/intern_table.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace synod::access {
namespace {

Acl AclOf(const std::string& user) { return {{kAllPermissions, "digest", user + ":x"}}; }

// What the snapshot store does with a cut's records; refuses a key that comes twice.
template <typename Table>
class Store {
 public:
  // At most `asks` questions whether to go on.
  bool Step(Table* table, int asks) {
    return table->WriteClosed(
        [this](std::string key, std::optional<std::string> value) {
          EXPECT_TRUE(cut_.emplace(std::move(key), std::move(value)).second) << "a key twice in one cut";
        },
        [&asks] { return --asks > 0; });
  }
  void Merge() {
    for (auto& [key, value] : cut_) {
      if (value) {
        records_[key] = *value;
      } else {
        EXPECT_EQ(records_.erase(key), 1u) << "a tombstone of nothing";
      }
    }
    cut_.clear();
  }
  void Finish(Table* table) {
    while (!Step(table, 2)) {
    }
    Merge();
  }
  void Lose() { cut_.clear(); }
  // With one reference to each value.
  std::unique_ptr<Table> Load() const {
    auto table = std::make_unique<Table>();
    for (const auto& [key, value] : records_) {
      EXPECT_TRUE(Table::IsKey(key));
      EXPECT_TRUE(table->LoadRecord(key, value).ok());
      uint32_t id = 0;
      for (char c : key.substr(1)) id = id << 8 | static_cast<uint8_t>(c);
      table->AddReference(typename Table::Id(id));
    }
    EXPECT_TRUE(table->FinishLoading().ok());
    EXPECT_EQ(table->digest(), table->ComputeDigest());
    EXPECT_EQ(table->changed(), 0u);
    return table;
  }
  std::map<std::string, std::string>& records() { return records_; }
  size_t cut_size() const { return cut_.size(); }

 private:
  std::map<std::string, std::string> records_;
  std::map<std::string, std::optional<std::string>> cut_;
};

AclId Referred(AclTable* table, const Acl& acl) {
  const AclId id = table->Intern(acl);
  table->AddReference(id);
  return id;
}

TEST(InternTable, HoldsTheFixedValuesFromTheStart) {
  AclTable acls;
  EXPECT_EQ(acls.size(), 2u);
  EXPECT_EQ(acls.Get(kOpenAcl), (Acl{{kAllPermissions, "world", "anyone"}}));
  EXPECT_EQ(acls.Get(kReadOnlyAcl), (Acl{{kRead, "world", "anyone"}}));
  EXPECT_EQ(acls.Intern({{kRead, "world", "anyone"}}), kReadOnlyAcl);
  EXPECT_EQ(acls.digest(), 0u);
  IdentityTable identities;
  EXPECT_EQ(identities.size(), 1u);
  EXPECT_EQ(identities.Get(kNoIdentities), IdentitySet());
  EXPECT_EQ(identities.Intern({}), kNoIdentities);
}

TEST(InternTable, TheFixedValuesAreNeverCounted) {
  AclTable acls;
  acls.AddReference(kOpenAcl);
  acls.Release(kOpenAcl);
  acls.Release(kReadOnlyAcl);
  acls.Collect();
  EXPECT_EQ(acls.size(), 2u);
  acls.CloseChanges();
  Store<AclTable> store;
  store.Finish(&acls);
  EXPECT_TRUE(store.records().empty());
}

TEST(InternTable, GivesEqualValuesOneNumber) {
  AclTable table;
  const AclId ann = Referred(&table, AclOf("ann")), bob = Referred(&table, AclOf("bob"));
  EXPECT_EQ(ann, AclId(2));
  EXPECT_EQ(bob, AclId(3));
  EXPECT_EQ(table.Intern(AclOf("ann")), ann);
  EXPECT_EQ(table.Get(ann), AclOf("ann"));
  EXPECT_EQ(table.Find(AclId(4)), nullptr);
  // The order of the entries is what the client stored: another value.
  Acl two = {AclOf("ann")[0], AclOf("bob")[0]}, turned = {two[1], two[0]};
  EXPECT_NE(table.Intern(two), table.Intern(turned));
}

TEST(InternTable, CollectDropsWhatNobodyRefersTo) {
  AclTable table;
  const AclId ann = Referred(&table, AclOf("ann"));
  const AclId bob = table.Intern(AclOf("bob"));
  table.AddReference(ann);
  table.Release(ann);
  EXPECT_NE(table.Find(bob), nullptr) << "until the command is over";
  table.Collect();
  EXPECT_EQ(table.Find(bob), nullptr);
  EXPECT_NE(table.Find(ann), nullptr);
  table.Release(ann);
  EXPECT_EQ(table.Intern(AclOf("ann")), ann) << "until the command is over";
  table.Collect();
  EXPECT_EQ(table.size(), 2u);
  EXPECT_EQ(table.digest(), 0u);
  EXPECT_EQ(table.Intern(AclOf("ann")), AclId(4)) << "a new number";
}

TEST(InternTable, AddressesStayGood) {
  AclTable table;
  const Acl* ann = &table.Get(Referred(&table, AclOf("ann")));
  for (int i = 0; i < 1000; ++i) Referred(&table, AclOf(std::to_string(i)));
  EXPECT_EQ(*ann, AclOf("ann"));
}

TEST(InternTable, NumbersThatCameRoundAreTakenWhereFree) {
  AclTable table;
  const AclId ann = Referred(&table, AclOf("ann"));
  table.set_next_id(UINT32_MAX - 1);
  EXPECT_EQ(Referred(&table, AclOf("last")), AclId(UINT32_MAX - 1));
  const AclId next = Referred(&table, AclOf("bob"));
  EXPECT_EQ(next, ann + 1) << "neither a fixed one nor ann's";
  EXPECT_EQ(table.next_id(), next.value() + 1);
  Store<AclTable> store;
  table.CloseChanges();
  store.Finish(&table);
  EXPECT_EQ(store.Load()->digest(), table.digest());
}

TEST(InternTable, IdAndValueAreInTheDigest) {  // D13
  auto digest = [](uint32_t next, const std::string& user) {
    AclTable table;
    table.set_next_id(next);
    Referred(&table, AclOf(user));
    EXPECT_EQ(table.digest(), table.ComputeDigest());
    return table.digest();
  };
  EXPECT_EQ(digest(2, "ann"), digest(2, "ann"));
  EXPECT_NE(digest(2, "ann"), digest(3, "ann"));
  EXPECT_NE(digest(2, "ann"), digest(2, "bob"));
  AclTable acls;
  IdentityTable identities;
  acls.set_next_id(5);
  identities.set_next_id(5);
  acls.Intern({{0, "", ""}});
  identities.Intern({{"", ""}});
  EXPECT_NE(acls.digest(), identities.digest());
}

TEST(InternTable, ACutHoldsWhatWasDroppedSince) {  // D7
  AclTable table;
  Store<AclTable> store;
  const AclId ann = Referred(&table, AclOf("ann"));
  Referred(&table, AclOf("bob"));
  const uint64_t at_cut = table.digest();
  table.CloseChanges();
  table.Release(ann);
  table.Collect();
  Referred(&table, AclOf("eve"));
  store.Finish(&table);
  EXPECT_EQ(store.Load()->digest(), at_cut);
  table.CloseChanges();
  store.Finish(&table);
  EXPECT_EQ(store.Load()->digest(), table.digest());
  EXPECT_EQ(store.records().size(), 2u);
}

TEST(InternTable, WhatCameAndWentBetweenTwoCutsLeavesNoRecord) {  // D7
  AclTable table;
  Store<AclTable> store;
  const AclId ann = Referred(&table, AclOf("ann"));
  table.Release(ann);
  table.Collect();
  EXPECT_EQ(table.changed(), 0u);
  table.CloseChanges();
  EXPECT_TRUE(store.Step(&table, 1));
  EXPECT_EQ(store.cut_size(), 0u);
}

TEST(InternTable, WhatALostCutHeldAndIsGoneLeavesNoRecord) {  // D7
  AclTable table;
  Store<AclTable> store;
  const AclId ann = Referred(&table, AclOf("ann")), bob = Referred(&table, AclOf("bob"));
  table.CloseChanges();
  EXPECT_FALSE(store.Step(&table, 1)) << "ann is out, bob is not";
  table.Release(ann);
  table.Release(bob);
  table.Collect();
  EXPECT_EQ(table.changed(), 2u);
  table.ReopenChanges();
  store.Lose();
  EXPECT_EQ(table.changed(), 0u);
}

TEST(InternTable, AWrittenCutCanStillBeReopened) {  // D7
  AclTable table;
  Store<AclTable> store;
  Referred(&table, AclOf("ann"));
  table.CloseChanges();
  while (!store.Step(&table, 1)) {
  }
  table.ReopenChanges();
  store.Lose();
  table.CloseChanges();
  store.Finish(&table);
  EXPECT_EQ(store.Load()->digest(), table.digest());
}

TEST(InternTable, RefusesMalformedRecords) {
  const std::string ann = AclTraits::Encode(AclOf("ann"));
  const std::string id2("a\0\0\0\2", 5), id3("a\0\0\0\3", 5);
  const struct {
    const char* why;
    std::string key, value;
  } kBad[] = {
      {"a short key", "a", ann},
      {"a long key", id2 + "x", ann},
      {"another table's key", std::string("i\0\0\0\2", 5), ann},
      {"a fixed id", std::string("a\0\0\0\1", 5), ann},
      {"the id that is never given", "a\xff\xff\xff\xff", ann},
      {"no value", id2, ""},
      {"an unknown version", id2, "\2" + ann.substr(1)},
      {"a short value", id2, ann.substr(0, ann.size() - 1)},
      {"a long value", id2, ann + "x"},
      {"an empty list", id2, AclTraits::Encode({})},
      {"a text beyond the limit", id2, AclTraits::Encode(AclOf(std::string(kMaxAclTextBytes, 'u')))},
      {"a list beyond the limit", id2, AclTraits::Encode(Acl(kMaxAclEntries + 1, AclOf("ann")[0]))},
      {"a number in a longer form than needed", id2, ann.substr(0, 1) + "\x81" + std::string(1, '\0') + ann.substr(2)},
      {"a fixed value", id2, AclTraits::Encode(AclTraits::Fixed()[0])},
  };
  for (const auto& bad : kBad) {
    AclTable table;
    EXPECT_EQ(table.LoadRecord(bad.key, bad.value).code(), absl::StatusCode::kDataLoss) << bad.why;
  }
  AclTable table;
  EXPECT_TRUE(table.LoadRecord(id2, ann).ok());
  EXPECT_EQ(table.LoadRecord(id2, AclTraits::Encode(AclOf("bob"))).code(), absl::StatusCode::kDataLoss) << "id twice";
  EXPECT_EQ(table.LoadRecord(id3, ann).code(), absl::StatusCode::kDataLoss) << "value twice";
  EXPECT_EQ(table.FinishLoading().code(), absl::StatusCode::kDataLoss) << "nobody refers to it";
  table.AddReference(AclId(2));
  EXPECT_TRUE(table.FinishLoading().ok());
  IdentityTable identities;
  const std::string two = IdentityTraits::Encode({{"digest", "b:x"}, {"digest", "a:x"}});
  EXPECT_EQ(identities.LoadRecord(std::string("i\0\0\0\1", 5), two).code(), absl::StatusCode::kDataLoss) << "no set";
}

TEST(InternTable, CountsItsMemory) {
  AclTable table;
  const size_t empty = table.memory_bytes();
  const AclId id = Referred(&table, AclOf(std::string(1000, 'u')));
  EXPECT_GT(table.memory_bytes(), empty + 2000);
  table.Release(id);
  table.Collect();
  EXPECT_EQ(table.memory_bytes(), empty);
}

using InternTableDeath = testing::Test;

TEST(InternTableDeath, EndsTheProcessWhenAnInvariantIsBroken) {
  AclTable table;
  const AclId ann = table.Intern(AclOf("ann"));
  EXPECT_DEATH(table.Release(ann), "nobody refers");
  EXPECT_DEATH(table.CloseChanges(), "not collected");
  EXPECT_DEATH(table.Get(AclId(9)), "no value");
  EXPECT_DEATH(table.AddReference(AclId(9)), "no value");
}

// One table, its model and its store, under random commands.
class RandomRun {
 public:
  void Step() {
    switch (*rc::gen::weightedElement<int>({{6, 0}, {6, 1}, {6, 2}, {4, 3}, {2, 4}, {3, 5}, {1, 6}})) {
      case 0:
        return Intern();
      case 1:
        return AddReference();
      case 2:
        return Release();
      case 3:
        return Collect();
      case 4:
        return Close();
      case 5:
        return Write();
      default:
        return Abandon();
    }
  }
  // All that is left goes into the store, and comes back.
  void Finish() {
    Collect();
    if (open_) FinishCut();
    Close();
    FinishCut();
  }
  void Compare() {
    RC_ASSERT(table_.size() == model_.size() + 2);
    for (const auto& [id, entry] : model_) {
      const Acl* found = table_.Find(AclId(id));
      RC_ASSERT(found != nullptr);
      RC_ASSERT(*found == entry.acl);
    }
    RC_ASSERT(table_.digest() == table_.ComputeDigest());
  }

 private:
  struct Entry {
    Acl acl;
    int references = 0;
  };

  void Intern() {
    // Few values, so that equal ones come again; and numbers that come round within the run.
    const Acl acl = AclOf(std::to_string(*rc::gen::inRange(0, 6)));
    if (*rc::gen::inRange(0, 2) == 0) table_.set_next_id(*rc::gen::inRange<uint32_t>(0, 6));
    const uint32_t id = table_.Intern(acl).value();
    auto it = std::find_if(model_.begin(), model_.end(), [&](const auto& e) { return e.second.acl == acl; });
    if (it != model_.end()) {
      RC_ASSERT(it->first == id);
    } else {
      RC_ASSERT(model_.emplace(id, Entry{acl, 0}).second);
    }
  }
  uint32_t Pick() {
    return std::next(model_.begin(), *rc::gen::inRange<ptrdiff_t>(0, static_cast<ptrdiff_t>(model_.size())))->first;
  }
  void AddReference() {
    if (model_.empty()) return;
    const uint32_t id = Pick();
    table_.AddReference(AclId(id));
    ++model_[id].references;
  }
  void Release() {
    if (model_.empty()) return;
    const uint32_t id = Pick();
    if (model_[id].references == 0) return;
    table_.Release(AclId(id));
    --model_[id].references;
  }
  void Collect() {
    table_.Collect();
    std::erase_if(model_, [](const auto& e) { return e.second.references == 0; });
  }
  void Close() {
    if (open_) return;
    Collect();
    table_.CloseChanges();
    open_ = true;
    at_cut_.clear();
    for (const auto& [id, entry] : model_) at_cut_[id] = entry.acl;
    digest_at_cut_ = table_.digest();
  }
  void Write() {
    if (!open_) return;
    if (store_.Step(&table_, *rc::gen::inRange(1, 4))) Loaded();
  }
  void FinishCut() {
    while (!store_.Step(&table_, 1)) {
    }
    Loaded();
  }
  void Loaded() {
    open_ = false;
    // The table may have written all, and the store still fails.
    if (*rc::gen::inRange(0, 4) == 0) {
      store_.Lose();
      table_.ReopenChanges();
      return;
    }
    store_.Merge();
    auto loaded = store_.Load();
    RC_ASSERT(loaded->digest() == digest_at_cut_);
    RC_ASSERT(loaded->size() == at_cut_.size() + 2);
    for (const auto& [id, acl] : at_cut_) RC_ASSERT(loaded->Get(AclId(id)) == acl);
  }
  void Abandon() {
    if (!open_) return;
    open_ = false;
    store_.Lose();
    table_.ReopenChanges();
  }

  AclTable table_;
  std::map<uint32_t, Entry> model_;
  Store<AclTable> store_;
  bool open_ = false;
  std::map<uint32_t, Acl> at_cut_;
  uint64_t digest_at_cut_ = 0;
};

// D7, D13: a snapshot is the table as of the cut, whatever happened since and whichever cuts were lost.
RC_GTEST_PROP(InternTableProperty, IsItsModelAndEveryCutIsTheTableOfItsMoment, ()) {
  RandomRun run;
  const int steps = *rc::gen::inRange(0, 600);
  for (int i = 0; i < steps; ++i) {
    run.Step();
    run.Compare();
  }
  run.Finish();
}

}  // namespace
}  // namespace synod::access

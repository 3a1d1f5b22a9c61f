#include "coordinator/consensus/membership.h"

#include <gtest/gtest.h>

#include "tests/unit/coordinator/consensus/test_server.h"

namespace synod::consensus {
namespace {

using Kind = MembershipChange::Kind;

MembershipChange Change(Kind kind, Identity identity, std::string address = "") {
  return {.kind = kind, .member = {.identity = identity, .address = std::move(address)}};
}

TEST(ApplyChange, AddsInOrderRemovesAndPromotes) {
  Configuration three = MakeConfiguration({1, 3}, {4});
  EXPECT_EQ(ApplyChange(three, Change(Kind::kAddVoter, MakeIdentity(2))), MakeConfiguration({1, 2, 3}, {4}));
  EXPECT_EQ(ApplyChange(three, Change(Kind::kAddLearner, MakeIdentity(2))), MakeConfiguration({1, 3}, {2, 4}));
  EXPECT_EQ(ApplyChange(three, Change(Kind::kAddVoter, MakeIdentity(4))), MakeConfiguration({1, 3, 4}));
  EXPECT_EQ(ApplyChange(three, Change(Kind::kRemove, MakeIdentity(3))), MakeConfiguration({1}, {4}));
  auto moved = ApplyChange(three, Change(Kind::kUpdateAddress, MakeIdentity(1), "b:1"));
  ASSERT_TRUE(moved.has_value());
  EXPECT_EQ(moved->Find(ServerId(1))->address, "b:1");
}

// Counterexample 1: a wiped server is never swapped for its new storage in one step.
TEST(ApplyChange, AnotherStorageOfAPresentServerIsRefused) {
  Configuration three = MakeConfiguration({1, 2, 3});
  EXPECT_FALSE(ApplyChange(three, Change(Kind::kAddVoter, MakeIdentity(2, 99))));
  EXPECT_FALSE(ApplyChange(three, Change(Kind::kAddLearner, MakeIdentity(2, 99))));
  EXPECT_FALSE(ApplyChange(three, Change(Kind::kRemove, MakeIdentity(2, 99))));
  EXPECT_FALSE(ApplyChange(three, Change(Kind::kUpdateAddress, MakeIdentity(2, 99), "x")));
}

TEST(ApplyChange, WhatDoesNothingOrTooMuchIsRefused) {
  Configuration two = MakeConfiguration({1}, {2});
  EXPECT_FALSE(ApplyChange(two, Change(Kind::kRemove, MakeIdentity(1)))) << "the last voter";
  EXPECT_FALSE(ApplyChange(two, Change(Kind::kAddVoter, MakeIdentity(1))));
  EXPECT_FALSE(ApplyChange(two, Change(Kind::kAddLearner, MakeIdentity(1)))) << "a voter does not become a learner";
  EXPECT_FALSE(ApplyChange(two, Change(Kind::kAddLearner, MakeIdentity(2))));
  EXPECT_FALSE(ApplyChange(two, Change(Kind::kRemove, MakeIdentity(7))));
  EXPECT_FALSE(ApplyChange(two, Change(Kind::kUpdateAddress, MakeIdentity(1), "")));
  EXPECT_FALSE(ApplyChange(two, Change(Kind::kAddVoter, {ServerId(0), StorageId(5)})));
  EXPECT_FALSE(ApplyChange(two, Change(Kind::kAddVoter, {ServerId(5), StorageId(0)})));
}

// R26: the configuration comes from the log prefix and goes with it.
TEST(Membership, IsAFactOfTheLogPrefix) {
  Membership membership(LogIndex(0), MakeConfiguration({1, 2, 3}));
  membership.Insert(LogIndex(5), MakeConfiguration({1, 2}));
  membership.Insert(LogIndex(9), MakeConfiguration({1, 2, 4}));
  EXPECT_EQ(membership.current(), MakeConfiguration({1, 2, 4}));
  EXPECT_EQ(membership.At(LogIndex(8)), MakeConfiguration({1, 2}));
  EXPECT_EQ(membership.At(LogIndex(4)), MakeConfiguration({1, 2, 3}));
  membership.CutFrom(LogIndex(9));
  EXPECT_EQ(membership.current_index(), LogIndex(5));
  membership.CutFrom(LogIndex(1));
  EXPECT_EQ(membership.current(), MakeConfiguration({1, 2, 3}));
  membership.CutFrom(LogIndex(0));
  EXPECT_EQ(membership.current(), MakeConfiguration({1, 2, 3})) << "the base is committed";
}

TEST(Membership, ARepairedConfigurationTakesItsPlace) {
  Membership membership(LogIndex(0), MakeConfiguration({1, 2, 3}));
  membership.Insert(LogIndex(9), MakeConfiguration({1, 2, 4}));
  membership.Insert(LogIndex(5), MakeConfiguration({1, 2}));
  EXPECT_EQ(membership.current(), MakeConfiguration({1, 2, 4}));
  EXPECT_EQ(membership.At(LogIndex(6)), MakeConfiguration({1, 2}));
}

TEST(Membership, AnInstalledSnapshotKeepsOnlyTheTailThatStays) {
  Membership kept(LogIndex(0), MakeConfiguration({1}));
  kept.Insert(LogIndex(5), MakeConfiguration({1, 2}));
  kept.Insert(LogIndex(9), MakeConfiguration({1, 2, 4}));
  Membership dropped = kept;
  kept.Install(LogIndex(7), MakeConfiguration({1, 2}), true);
  EXPECT_EQ(kept.current(), MakeConfiguration({1, 2, 4}));
  dropped.Install(LogIndex(7), MakeConfiguration({1, 3}), false);
  EXPECT_EQ(dropped.current(), MakeConfiguration({1, 3}));
}

TEST(Membership, ForgetsWhatNobodyAsksFor) {
  Membership membership(LogIndex(0), MakeConfiguration({1}));
  membership.Insert(LogIndex(5), MakeConfiguration({1, 2}));
  membership.Insert(LogIndex(9), MakeConfiguration({1, 2, 4}));
  membership.ForgetBefore(LogIndex(8));
  EXPECT_EQ(membership.At(LogIndex(8)), MakeConfiguration({1, 2}));
  EXPECT_EQ(membership.At(LogIndex(2)), MakeConfiguration({1, 2})) << "forgotten: the base answers";
}

}  // namespace
}  // namespace synod::consensus

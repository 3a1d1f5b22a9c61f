#include <gtest/gtest.h>

#include "coordinator/node/digest_guard.h"
#include "coordinator/node/forwarding.h"
#include "coordinator/node/membership_keeper.h"
#include "coordinator/node/proposals.h"

namespace synod::node {
namespace {

using consensus::Identity;
using consensus::MemberRole;

Identity Id(uint32_t server, uint64_t storage) { return {ServerId(server), StorageId(storage)}; }

consensus::Configuration Voters(int n) {
  consensus::Configuration configuration;
  for (int i = 1; i <= n; ++i) {
    configuration.members.push_back({Id(i, i * 11), MemberRole::kVoter, ""});
  }
  return configuration;
}

// L2
TEST(Proposals, PopTakesInOrderUpToTheBytesAndOneAtLeast) {
  Proposals proposals(100);
  proposals.Push(ServerId(0), std::string(30, 'a'));
  proposals.Push(ServerId(0), std::string(30, 'b'));
  proposals.Push(ServerId(0), std::string(30, 'c'));
  EXPECT_EQ(proposals.Pop(60).size(), 2u);
  EXPECT_EQ(proposals.Pop(1).size(), 1u);
  EXPECT_TRUE(proposals.empty());
}

// L11
TEST(Proposals, TheQueueIsBoundedInBytesButTakesOneLargeCommand) {
  Proposals proposals(100);
  EXPECT_TRUE(proposals.HasRoom(1000));
  proposals.Push(ServerId(0), std::string(90, 'a'));
  EXPECT_FALSE(proposals.HasRoom(20));
  EXPECT_TRUE(proposals.HasRoom(10));
}

// L11
TEST(Proposals, WhatIsLoggedIsGrantedAgainToWhoForwardedIt) {
  Proposals proposals(1000);
  proposals.Push(ServerId(2), std::string(10, 'a'));
  proposals.Push(ServerId(0), std::string(10, 'b'));
  proposals.Push(ServerId(3), std::string(5, 'c'));
  EXPECT_TRUE(proposals.TakeFreed().empty());
  proposals.Pop(1000);
  std::map<ServerId, uint64_t> expected = {{ServerId(2), 10}, {ServerId(3), 5}};
  EXPECT_EQ(proposals.TakeFreed(), expected);
  EXPECT_TRUE(proposals.TakeFreed().empty());
}

TEST(Proposals, PutBackKeepsTheOrder) {
  Proposals proposals(1000);
  proposals.Push(ServerId(0), "a");
  proposals.Push(ServerId(0), "b");
  proposals.Push(ServerId(0), "c");
  std::vector<std::string> taken = proposals.Pop(2);
  proposals.PutBack(std::move(taken));
  EXPECT_EQ(proposals.Pop(100), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(proposals.bytes(), 0u);
}

// L11
TEST(ForwardCredit, AGrantOfAnotherTermStartsAnew) {
  ForwardCredit credit;
  credit.Grant(Term(1), 100);
  credit.Spend(30);
  EXPECT_EQ(credit.Available(Term(1)), 70u);
  EXPECT_EQ(credit.Available(Term(2)), 0u);
  credit.Grant(Term(2), 50);
  EXPECT_EQ(credit.Available(Term(1)), 0u);
  EXPECT_EQ(credit.Available(Term(2)), 50u);
}

// L11: the new leader's first grant can overtake its append, and the old leader's last one come behind it.
TEST(ForwardCredit, ALateGrantOfAnEarlierTermTakesNothingAway) {
  ForwardCredit credit;
  credit.Grant(Term(2), 50);
  credit.Grant(Term(1), 10);
  EXPECT_EQ(credit.Available(Term(2)), 50u);
  EXPECT_EQ(credit.Available(Term(1)), 0u);
}

interfaces::DigestReport Report(uint64_t index, uint64_t digest, uint32_t version = 1) {
  interfaces::DigestReport report;
  report.index = LogIndex(index);
  report.digest = digest;
  report.digest_version = version;
  return report;
}

// D13
TEST(DigestGuard, TheOddOneOutOfAMajorityStops) {
  DigestGuard guard;
  guard.Record(LogIndex(10), 1, 1);
  guard.Report(Id(2, 22), Report(10, 2));
  EXPECT_EQ(guard.Judge(Id(1, 11), Voters(3)), DigestVerdict::kNothing);
  guard.Report(Id(3, 33), Report(10, 2));
  EXPECT_EQ(guard.Judge(Id(1, 11), Voters(3)), DigestVerdict::kOddOneOut);
}

// D13
TEST(DigestGuard, TheMajorityDoesNotStopForTheOddOne) {
  DigestGuard guard;
  guard.Record(LogIndex(10), 1, 1);
  guard.Report(Id(2, 22), Report(10, 1));
  guard.Report(Id(3, 33), Report(10, 2));
  EXPECT_EQ(guard.Judge(Id(1, 11), Voters(3)), DigestVerdict::kNothing);
}

// D13
TEST(DigestGuard, WithoutAMajorityWritesStop) {
  DigestGuard guard;
  guard.Record(LogIndex(10), 1, 1);
  guard.Report(Id(2, 22), Report(10, 2));
  guard.Report(Id(3, 33), Report(10, 3));
  EXPECT_EQ(guard.Judge(Id(1, 11), Voters(3)), DigestVerdict::kNoMajority);
}

// D13
TEST(DigestGuard, ReportsOfNonVotersAndOtherVersionsSayNothing) {
  DigestGuard guard;
  guard.Record(LogIndex(10), 1, 1);
  guard.Report(Id(2, 22), Report(10, 2, 2));
  guard.Report(Id(3, 99), Report(10, 2));  // a storage that is not in the configuration
  guard.Report(Id(3, 33), Report(10, 2));
  EXPECT_EQ(guard.Judge(Id(1, 11), Voters(3)), DigestVerdict::kNothing);
}

consensus::CoreStatus Leader(LogIndex last, std::vector<consensus::PeerProgress> peers) {
  consensus::CoreStatus status;
  status.role = consensus::Role::kLeader;
  status.own_term_committed = true;
  status.last = last;
  status.peers = std::move(peers);
  return status;
}

consensus::PeerProgress Guest(uint32_t server, uint64_t storage, uint64_t match) {
  consensus::PeerProgress peer;
  peer.identity = Id(server, storage);
  peer.guest = true;
  peer.match = LogIndex(match);
  peer.recently_active = true;
  return peer;
}

std::vector<Seed> Seeds() {
  return {{ServerId(1), MemberRole::kVoter, "a"},
          {ServerId(2), MemberRole::kVoter, "b"},
          {ServerId(3), MemberRole::kVoter, "c"},
          {ServerId(4), MemberRole::kLearner, "d"}};
}

// D10, counterexample 1
TEST(MembershipKeeper, ReplacesAWipedStorageInTwoChanges) {
  MembershipKeeper keeper(Seeds());
  consensus::Configuration configuration = Voters(3);
  std::optional<consensus::MembershipChange> first =
      keeper.Next(Leader(LogIndex(1000), {Guest(3, 99, 1000)}), configuration);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->kind, consensus::MembershipChange::Kind::kRemove);
  EXPECT_EQ(first->member.identity, Id(3, 33));
  configuration = Voters(2);
  std::optional<consensus::MembershipChange> second =
      keeper.Next(Leader(LogIndex(1001), {Guest(3, 99, 1001)}), configuration);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->kind, consensus::MembershipChange::Kind::kAddVoter);
  EXPECT_EQ(second->member.identity, Id(3, 99));
}

// D10
TEST(MembershipKeeper, AGuestThatIsBehindKeepsWaiting) {
  MembershipKeeper keeper(Seeds());
  EXPECT_FALSE(keeper.Next(Leader(LogIndex(10000), {Guest(3, 99, 100)}), Voters(3)));
  EXPECT_FALSE(keeper.Next(Leader(LogIndex(10000), {Guest(3, 99, 0)}), Voters(3)));
}

TEST(MembershipKeeper, AnObserverOfTheFileIsAddedAsLearner) {
  MembershipKeeper keeper(Seeds());
  std::optional<consensus::MembershipChange> change = keeper.Next(Leader(LogIndex(10), {Guest(4, 44, 10)}), Voters(3));
  ASSERT_TRUE(change);
  EXPECT_EQ(change->kind, consensus::MembershipChange::Kind::kAddLearner);
}

// R06
TEST(MembershipKeeper, ALeaderWithoutACommittedEntryOfItsTermChangesNothing) {
  MembershipKeeper keeper(Seeds());
  consensus::CoreStatus status = Leader(LogIndex(10), {Guest(3, 99, 10)});
  status.own_term_committed = false;
  EXPECT_FALSE(keeper.Next(status, Voters(3)));
}

}  // namespace
}  // namespace synod::node

#include <gtest/gtest.h>

#include "tests/unit/coordinator/consensus/lone_core.h"

namespace synod::consensus {
namespace {

const Identity k2 = MakeIdentity(2);
const Identity k3 = MakeIdentity(3);

MembershipChange AddVoter(uint32_t id) {
  return {.kind = MembershipChange::Kind::kAddVoter, .member = {.identity = MakeIdentity(id)}};
}
MembershipChange RemoveMember(uint32_t id) {
  return {.kind = MembershipChange::Kind::kRemove, .member = {.identity = MakeIdentity(id)}};
}

// R06
TEST(CoreLeader, NoChangeOfMembershipBeforeAnOwnTermEntryIsCommitted) {
  LoneCore lone;
  lone.Start();
  EXPECT_EQ(lone.core().ProposeMembership(AddVoter(4)), ProposeResult::kNotLeader);
  lone.Lead();
  EXPECT_EQ(lone.core().ProposeMembership(AddVoter(4)), ProposeResult::kTermNotStarted);
  lone.Acknowledge(k2, 1);
  EXPECT_EQ(lone.core().ProposeMembership(AddVoter(4)), ProposeResult::kAccepted);
}

// L1
TEST(CoreLeader, OneChangeOfMembershipAtATime) {
  LoneCore lone;
  lone.Start();
  lone.LeadEstablished();
  ASSERT_EQ(lone.core().ProposeMembership(AddVoter(4)), ProposeResult::kAccepted);
  EXPECT_TRUE(lone.core().configuration().IsVoter(MakeIdentity(4))) << "in force from the append on";
  EXPECT_EQ(lone.core().ProposeMembership(AddVoter(5)), ProposeResult::kChangePending);
  EXPECT_TRUE(lone.core().Status().change_pending);
  lone.Run();
  lone.Sync();
  lone.Acknowledge(k2, 2);
  EXPECT_EQ(lone.core().ProposeMembership(AddVoter(5)), ProposeResult::kChangePending)
      << "three of four are needed now";
  lone.Acknowledge(k3, 2);
  EXPECT_EQ(lone.core().ProposeMembership(AddVoter(5)), ProposeResult::kAccepted);
}

// A configuration never comes in by the back door.
TEST(CoreLeader, AConfigurationIsNotProposedAsAnEntry) {
  LoneCore lone;
  lone.Start();
  lone.LeadEstablished();
  EXPECT_EQ(lone.core().Propose(EntryType::kConfiguration, Payload("x")), ProposeResult::kInvalid);
  EXPECT_EQ(lone.core().Propose(EntryType::kCommands, nullptr), ProposeResult::kInvalid);
}

// Thesis 4.2.2
TEST(CoreLeader, ARemovedLeaderStepsDownWhenItsRemovalIsCommitted) {
  LoneCore lone;
  lone.Start();
  lone.LeadEstablished();
  lone.Acknowledge(k3, 1);
  ASSERT_EQ(lone.core().ProposeMembership(RemoveMember(1)), ProposeResult::kAccepted);
  lone.Run();
  lone.Sync();
  lone.Acknowledge(k2, 2);
  EXPECT_EQ(lone.core().role(), Role::kLeader) << "its own copy does not count: 2 and 3 are needed";
  lone.Acknowledge(k3, 2);
  EXPECT_NE(lone.core().role(), Role::kLeader);
  EXPECT_TRUE(lone.said.removed);
  lone.Tick(100);
  EXPECT_EQ(lone.core().role(), Role::kLearner) << "R16: the removed never campaign";
}

// R24
TEST(CoreLeader, WhoIsAddedAgainStartsAnew) {
  LoneCore lone;
  lone.Start();
  lone.LeadEstablished();
  lone.Acknowledge(k3, 1);
  lone.core().ProposeMembership(RemoveMember(3));
  lone.Run();
  lone.Sync();
  lone.Acknowledge(k2, 2);
  ASSERT_EQ(lone.core().ProposeMembership(AddVoter(3)), ProposeResult::kAccepted);
  for (const PeerProgress& peer : lone.core().Status().peers) {
    if (peer.identity == k3) {
      EXPECT_EQ(peer.match, LogIndex(0));
    }
  }
}

// Thesis 3.10
TEST(CoreLeader, TransferWaitsUntilTheTargetHasEverything) {
  LoneCore lone;
  lone.Start();
  lone.LeadEstablished();
  lone.Propose("a");
  lone.Run();
  ASSERT_EQ(lone.core().TransferLeadership(ServerId(3)), ProposeResult::kAccepted);
  lone.Run();
  EXPECT_EQ(lone.Said(MessageType::kTimeoutNow), nullptr);
  EXPECT_EQ(lone.core().Propose(EntryType::kCommands, Payload("b")), ProposeResult::kTransferring);
  EXPECT_EQ(lone.core().ProposeMembership(AddVoter(4)), ProposeResult::kTransferring);
  lone.Acknowledge(k2, 2);
  EXPECT_EQ(lone.Said(MessageType::kTimeoutNow), nullptr);
  lone.Acknowledge(k3, 2);
  EXPECT_NE(lone.Said(MessageType::kTimeoutNow, 3), nullptr);
}

TEST(CoreLeader, WithoutANamedTargetTheMostUpToDateVoterTakesOver) {
  LoneCore lone(1, MakeConfiguration({1, 2, 3}, {4}));
  lone.Start();
  lone.LeadEstablished();
  lone.Propose("a");
  lone.Run();
  lone.Acknowledge(k3, 2);
  lone.Acknowledge(MakeIdentity(4), 2);
  ASSERT_EQ(lone.core().TransferLeadership(ServerId(0)), ProposeResult::kAccepted);
  EXPECT_EQ(lone.core().Status().transfer_target, ServerId(3));
  EXPECT_EQ(lone.core().TransferLeadership(ServerId(4)), ProposeResult::kTransferring);
}

// R12
TEST(CoreLeader, ATransferIsGivenUpAfterAnElectionTimeout) {
  LoneCore lone;
  lone.Start();
  lone.LeadEstablished();
  EXPECT_EQ(lone.core().TransferLeadership(ServerId(1)), ProposeResult::kInvalid);
  ASSERT_EQ(lone.core().TransferLeadership(ServerId(3)), ProposeResult::kAccepted);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(lone.core().Propose(EntryType::kCommands, Payload("a")), ProposeResult::kTransferring);
    lone.Acknowledge(k2, 1);
    lone.Tick();
  }
  EXPECT_EQ(lone.core().Propose(EntryType::kCommands, Payload("a")), ProposeResult::kAccepted);
}

// L8
TEST(CoreLeader, AStalledDiskHandsOverOrLeadsNoMore) {
  LoneCore heard;
  heard.Start();
  heard.LeadEstablished();
  heard.core().OwnDiskStalled();
  heard.Run();
  EXPECT_NE(heard.Said(MessageType::kTimeoutNow, 2), nullptr);
  for (int i = 0; i < 20; ++i) {
    heard.Acknowledge(k2, 1);
    heard.Tick();
  }
  EXPECT_EQ(heard.core().role(), Role::kFollower) << "the target did not take over";

  LoneCore alone;
  alone.Start();
  alone.Lead();
  alone.core().OwnDiskStalled();
  EXPECT_EQ(alone.core().role(), Role::kFollower) << "nobody was heard that could take over";
}

// L9
TEST(CoreReads, ASingleVoterAnswersAtOnceButNotBeforeAnOwnEntryIsCommitted) {
  LoneCore lone(1, MakeConfiguration({1}));
  lone.Start();
  lone.Tick();
  uint64_t id = lone.core().RequestRead();
  lone.Run();
  EXPECT_TRUE(lone.said.reads.empty());
  lone.Sync();
  ASSERT_EQ(lone.said.reads.size(), 1u);
  EXPECT_EQ(lone.said.reads[0].id, id);
  EXPECT_EQ(lone.said.reads[0].index, LogIndex(1));
}

// L9
TEST(CoreReads, OnlyAnswersToMessagesSentAfterTheReadConfirmIt) {
  LoneCore lone;
  lone.Start();
  lone.LeadEstablished();
  lone.core().RequestRead();
  lone.Run();
  uint64_t round = lone.Said(MessageType::kAppend, 2)->read_round;
  ASSERT_NE(round, 0u);
  lone.Acknowledge(k2, 1);
  EXPECT_TRUE(lone.said.reads.empty()) << "an answer to something older";
  lone.core().RequestRead();
  lone.Acknowledge(k3, 1, round);
  ASSERT_EQ(lone.said.reads.size(), 1u) << "the second read came after the round's messages";
  uint64_t second = lone.Said(MessageType::kAppend, 2)->read_round;
  EXPECT_GT(second, round) << "never the same number again";
  lone.Acknowledge(k2, 1, round);
  EXPECT_TRUE(lone.said.reads.empty());
  lone.Acknowledge(k2, 1, second);
  EXPECT_EQ(lone.said.reads.size(), 1u);
}

// L9: one round for all that wait.
TEST(CoreReads, OneRoundServesAllReadsThatWait) {
  LoneCore lone;
  lone.Start();
  lone.LeadEstablished();
  for (int i = 0; i < 5; ++i) lone.core().RequestRead();
  lone.Step({.type = MessageType::kReadIndex, .from = k3, .term = lone.core().term(), .read_round = 77});
  uint64_t round = lone.Said(MessageType::kAppend, 2)->read_round;
  size_t rounds = 0;
  for (const Message& message : lone.said.messages)
    rounds += message.to == ServerId(2) && message.read_round != 0 ? 1 : 0;
  EXPECT_EQ(rounds, 1u);
  lone.Acknowledge(k2, 1, round);
  EXPECT_EQ(lone.said.reads.size(), 5u);
  const Message* reply = lone.Said(MessageType::kReadIndexReply, 3);
  ASSERT_NE(reply, nullptr);
  EXPECT_EQ(reply->read_round, 77u);
  EXPECT_EQ(reply->read_index, LogIndex(1));
}

// L9, D10: a guest's echo is no confirmation.
TEST(CoreReads, EchoesOfNonVotersConfirmNothing) {
  LoneCore lone(1, MakeConfiguration({1, 2, 3}, {4}));
  lone.Start();
  lone.LeadEstablished();
  lone.core().AddGuest(MakeIdentity(3, 99));
  lone.core().RequestRead();
  lone.Run();
  uint64_t round = lone.Said(MessageType::kAppend, 2)->read_round;
  lone.Acknowledge(MakeIdentity(4), 1, round);
  lone.Acknowledge(MakeIdentity(3, 99), 1, round);
  EXPECT_TRUE(lone.said.reads.empty());
}

// L9
TEST(CoreReads, ALostLeadershipFailsWhatWaits) {
  LoneCore lone;
  lone.Start();
  lone.LeadEstablished();
  uint64_t id = lone.core().RequestRead();
  lone.Append(k2, 9, {}, {});
  ASSERT_EQ(lone.said.reads.size(), 1u);
  EXPECT_EQ(lone.said.reads[0].id, id);
  EXPECT_TRUE(lone.said.reads[0].failed);
}

// L9
TEST(CoreReads, AFollowerAsksItsLeaderAndFailsWhenThatChanges) {
  LoneCore lone;
  lone.Start();
  lone.core().RequestRead();
  lone.Run();
  EXPECT_TRUE(lone.said.reads[0].failed) << "no leader is known";
  lone.Append(k2, 1, {}, {});
  lone.core().RequestRead();
  lone.core().RequestRead();
  lone.Run();
  const Message* question = lone.Said(MessageType::kReadIndex, 2);
  ASSERT_NE(question, nullptr);
  uint64_t number = question->read_round;
  EXPECT_EQ(lone.said.messages.size(), 1u) << "one question for both";
  lone.Step({.type = MessageType::kReadIndexReply,
             .from = k3,
             .term = Term(1),
             .read_round = number,
             .read_index = LogIndex(9)});
  EXPECT_TRUE(lone.said.reads.empty()) << "not its leader";
  lone.Step({.type = MessageType::kReadIndexReply,
             .from = k2,
             .term = Term(1),
             .read_round = number,
             .read_index = LogIndex(4)});
  ASSERT_EQ(lone.said.reads.size(), 2u);
  EXPECT_EQ(lone.said.reads[0].index, LogIndex(4));
  lone.core().RequestRead();
  lone.Append(k3, 2, {}, {});
  ASSERT_EQ(lone.said.reads.size(), 1u);
  EXPECT_TRUE(lone.said.reads[0].failed);
}

// L9, R09: numbers are not used again, not even by the next life of the server.
TEST(CoreReads, NumbersDifferAfterARestart) {
  LoneCore lone;
  lone.Start();
  lone.Append(k2, 1, {}, {});
  lone.core().RequestRead();
  lone.Run();
  uint64_t before = lone.Said(MessageType::kReadIndex)->read_round;
  lone.server->Crash(0);
  lone.server->Start();
  lone.Append(k2, 1, {}, {});
  lone.core().RequestRead();
  lone.Run();
  uint64_t after = lone.Said(MessageType::kReadIndex)->read_round;
  EXPECT_NE(before, after);
  lone.Step({.type = MessageType::kReadIndexReply,
             .from = k2,
             .term = Term(1),
             .read_round = before,
             .read_index = LogIndex(0)});
  EXPECT_TRUE(lone.said.reads.empty()) << "the answer to a question of the life before";
}

TEST(CoreReads, WhoDoesNotLeadSaysSo) {
  LoneCore lone;
  lone.Start();
  lone.Append(k2, 1, {}, {});
  lone.Step({.type = MessageType::kReadIndex, .from = k3, .term = Term(1), .read_round = 5});
  ASSERT_NE(lone.Said(MessageType::kReadIndexReply, 3), nullptr);
  EXPECT_TRUE(lone.Said(MessageType::kReadIndexReply, 3)->reject);
}

}  // namespace
}  // namespace synod::consensus

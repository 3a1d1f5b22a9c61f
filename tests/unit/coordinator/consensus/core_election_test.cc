#include <gtest/gtest.h>

#include "tests/unit/coordinator/consensus/lone_core.h"

namespace synod::consensus {
namespace {

Message VoteRequest(uint32_t from, uint64_t term, LogEnd end = {}, bool transfer = false, uint64_t storage = 0) {
  return {.type = MessageType::kVote,
          .from = MakeIdentity(from, storage),
          .term = Term(term),
          .log_end = end,
          .transfer = transfer};
}

// R01: the vote is in the Output of its answer, and holds after a power cut.
TEST(CoreElection, AVoteIsSavedWithItsAnswerAndHoldsAfterRestart) {
  LoneCore lone;
  lone.Start();
  Message request = VoteRequest(2, 1);
  request.to = ServerId(1);
  lone.core().Step(request);
  Output out = lone.server->Drain();
  ASSERT_TRUE(out.hard_state);
  EXPECT_EQ(*out.hard_state, (HardState{Term(1), ServerId(2)}));
  ASSERT_EQ(out.messages.size(), 1u);
  EXPECT_FALSE(out.messages[0].reject);
  lone.server->Crash(0);
  lone.server->Start();
  lone.Run();
  lone.Step(VoteRequest(3, 1));
  ASSERT_NE(lone.Said(MessageType::kVoteReply), nullptr);
  EXPECT_TRUE(lone.Said(MessageType::kVoteReply)->reject);
}

// R01: also in a term that is known already.
TEST(CoreElection, AVoteInAKnownTermIsSavedToo) {
  LoneCore lone;
  lone.entries = {MakeEntry(1, 1)};
  lone.Start();
  lone.Step(VoteRequest(2, 5));
  ASSERT_TRUE(lone.Said(MessageType::kVoteReply)->reject) << "has less than we have";
  ASSERT_EQ(lone.core().term(), Term(5));
  lone.Step(VoteRequest(3, 5, {Term(1), LogIndex(1)}));
  ASSERT_FALSE(lone.Said(MessageType::kVoteReply)->reject);
  ASSERT_EQ(lone.hard_states.size(), 1u);
  EXPECT_EQ(lone.hard_states[0], (HardState{Term(5), ServerId(3)}));
}

// D10: the vote belongs to a storage; two storages of one server never share it, before or after a restart.
TEST(CoreElection, TwoStoragesOfOneServerDoNotShareAVote) {
  LoneCore lone;
  lone.Start();
  lone.Step(VoteRequest(2, 1));
  EXPECT_FALSE(lone.Said(MessageType::kVoteReply)->reject);
  lone.Step(VoteRequest(2, 1));
  EXPECT_FALSE(lone.Said(MessageType::kVoteReply)->reject) << "the same candidate may ask again";
  lone.Step(VoteRequest(2, 1, {}, false, 99));
  EXPECT_TRUE(lone.Said(MessageType::kVoteReply)->reject);
  lone.server->Crash(0);
  lone.server->Start();
  lone.Step(VoteRequest(2, 1, {}, false, 99));
  EXPECT_TRUE(lone.Said(MessageType::kVoteReply)->reject) << "after a restart the storage is not known any more";
}

// R04: what follows from the own vote comes in a later Output than the hard state that holds it.
TEST(CoreElection, TheOwnVoteCountsOnlyAfterItsHardStateWentOut) {
  LoneCore lone(1, MakeConfiguration({1}));
  lone.Start();
  lone.core().Tick();
  EXPECT_EQ(lone.core().role(), Role::kCandidate);
  ASSERT_TRUE(lone.core().HasOutput());
  Output out = lone.server->Drain();
  EXPECT_EQ(out.hard_state, (HardState{Term(1), ServerId(1)}));
  EXPECT_TRUE(out.append.empty());
  EXPECT_EQ(lone.core().role(), Role::kLeader);
  EXPECT_EQ(lone.server->Drain().append.size(), 1u);
}

// R32: a single server commits nothing before its own sync.
TEST(CoreElection, ASingleServerCommitsAfterItsSync) {
  LoneCore lone(1, MakeConfiguration({1}));
  lone.Start();
  lone.Tick(1);
  lone.Propose("a");
  lone.Run();
  EXPECT_EQ(lone.core().commit(), LogIndex(0));
  lone.Sync();
  EXPECT_EQ(lone.core().commit(), LogIndex(2));
}

// L1, thesis 4.2.3
TEST(CoreElection, WhoHeardItsLeaderIgnoresCandidatesUnlessTheLeaderSentThem) {
  LoneCore lone;
  lone.Start();
  lone.Append(MakeIdentity(2), 1, {}, {});
  lone.Tick(9);
  lone.Step(VoteRequest(3, 7));
  EXPECT_TRUE(lone.said.Empty());
  EXPECT_EQ(lone.core().term(), Term(1));
  lone.Step({.type = MessageType::kPreVote, .from = MakeIdentity(3), .term = Term(2)});
  EXPECT_TRUE(lone.Said(MessageType::kPreVoteReply)->reject);
  lone.Step(VoteRequest(3, 7, {}, true));
  ASSERT_NE(lone.Said(MessageType::kVoteReply), nullptr);
  EXPECT_FALSE(lone.Said(MessageType::kVoteReply)->reject);
  EXPECT_EQ(lone.core().term(), Term(7));
}

TEST(CoreElection, AfterTheMinimumTimeoutACandidateIsHeardAgain) {
  LoneCore lone;
  lone.Start();
  lone.Append(MakeIdentity(2), 1, {}, {});
  lone.Tick(10);
  lone.Step(VoteRequest(3, 7));
  EXPECT_FALSE(lone.Said(MessageType::kVoteReply)->reject);
}

// L1: a leader whom a majority answers is not disturbed either.
TEST(CoreElection, ALeaderWithAQuorumIgnoresCandidates) {
  LoneCore lone;
  lone.Start();
  lone.LeadEstablished();
  lone.Step(VoteRequest(3, 7, {Term(9), LogIndex(9)}));
  EXPECT_EQ(lone.core().role(), Role::kLeader);
}

// Thesis 9.6
TEST(CoreElection, APreVoteChangesNothing) {
  LoneCore lone;
  lone.Start();
  lone.Step({.type = MessageType::kPreVote, .from = MakeIdentity(3), .term = Term(5)});
  ASSERT_NE(lone.Said(MessageType::kPreVoteReply), nullptr);
  EXPECT_FALSE(lone.Said(MessageType::kPreVoteReply)->reject);
  EXPECT_EQ(lone.Said(MessageType::kPreVoteReply)->term, Term(5));
  EXPECT_EQ(lone.core().term(), Term(0));
  EXPECT_TRUE(lone.hard_states.empty());
}

// Raft 5.4.1
TEST(CoreElection, WhoHasLessGetsNoVote) {
  LoneCore lone;
  lone.entries = {MakeEntry(1, 1), MakeEntry(2, 2)};
  lone.Start();
  lone.Step(VoteRequest(2, 3, {Term(1), LogIndex(9)}));
  EXPECT_TRUE(lone.Said(MessageType::kVoteReply)->reject) << "older last term";
  lone.Step(VoteRequest(2, 4, {Term(2), LogIndex(1)}));
  EXPECT_TRUE(lone.Said(MessageType::kVoteReply)->reject) << "same term, shorter";
  lone.Step(VoteRequest(2, 5, {Term(2), LogIndex(2)}));
  EXPECT_FALSE(lone.Said(MessageType::kVoteReply)->reject);
}

// D10, counterexample 22: a vote counts from the identity in the configuration only.
TEST(CoreElection, VotesOfAnotherStorageDoNotCount) {
  LoneCore lone;
  lone.Start();
  while (lone.core().role() != Role::kPreCandidate) lone.Tick();
  lone.Step({.type = MessageType::kPreVoteReply, .from = MakeIdentity(2, 99), .term = Term(1)});
  EXPECT_EQ(lone.core().role(), Role::kPreCandidate);
  lone.Step({.type = MessageType::kPreVoteReply, .from = MakeIdentity(2), .term = Term(1)});
  EXPECT_EQ(lone.core().role(), Role::kCandidate);
  lone.GrantVote(MakeIdentity(2, 99));
  lone.GrantVote(MakeIdentity(9));
  EXPECT_EQ(lone.core().role(), Role::kCandidate);
  lone.GrantVote(MakeIdentity(3));
  EXPECT_EQ(lone.core().role(), Role::kLeader);
}

TEST(CoreElection, VotesOfLearnersDoNotCount) {
  LoneCore lone(1, MakeConfiguration({1, 2, 3}, {4}));
  lone.Start();
  while (lone.core().role() != Role::kPreCandidate) lone.Tick();
  lone.Step({.type = MessageType::kPreVoteReply, .from = MakeIdentity(4), .term = Term(1)});
  EXPECT_EQ(lone.core().role(), Role::kPreCandidate);
}

// R16, D10: who takes no part can't depose a leader with a higher term of its own.
TEST(CoreElection, AnswersOfStrangersRaiseNoTerm) {
  LoneCore lone;
  lone.Start();
  lone.LeadEstablished();
  lone.Step({.type = MessageType::kAppendReply, .from = MakeIdentity(3, 99), .term = Term(9), .reject = true});
  lone.Step({.type = MessageType::kVoteReply, .from = MakeIdentity(8), .term = Term(9), .reject = true});
  EXPECT_EQ(lone.core().role(), Role::kLeader);
  lone.Step({.type = MessageType::kAppendReply, .from = MakeIdentity(3), .term = Term(9), .reject = true});
  EXPECT_EQ(lone.core().role(), Role::kFollower);
}

// D10: not in the own configuration: never campaigns. But it votes: its configuration may be older than the candidate's
// (thesis 4.2.2).
TEST(CoreElection, WhoIsNotInItsOwnConfigurationNeverCampaignsButVotes) {
  LoneCore lone(4, Configuration());
  lone.Start();
  lone.Tick(200);
  EXPECT_EQ(lone.core().role(), Role::kLearner);
  EXPECT_EQ(lone.core().term(), Term(0));
  lone.Step({.type = MessageType::kTimeoutNow, .from = MakeIdentity(2), .term = Term(1)});
  EXPECT_EQ(lone.core().role(), Role::kLearner);
  lone.Step(VoteRequest(2, 3));
  EXPECT_FALSE(lone.Said(MessageType::kVoteReply)->reject);
  EXPECT_EQ(lone.Said(MessageType::kVoteReply)->from, MakeIdentity(4))
      << "whose vote it is, decides the candidate's configuration";
}

TEST(CoreElection, ALearnerNeverCampaigns) {
  LoneCore lone(3, MakeConfiguration({1, 2}, {3}));
  lone.Start();
  lone.Tick(200);
  EXPECT_EQ(lone.core().role(), Role::kLearner);
  EXPECT_TRUE(lone.said.messages.empty());
}

// L10
TEST(CoreElection, LosingTheLeadersConnectionStartsAnElectionByRank) {
  for (uint32_t id : {1u, 2u, 3u}) {
    LoneCore lone(id, MakeConfiguration({1, 2, 3, 4}));
    lone.config.lost_leader_ticks_per_rank = 2;
    lone.Start();
    lone.Append(MakeIdentity(4), 1, {}, {});
    lone.core().PeerDisconnected(ServerId(4));
    uint64_t rank = id - 1;
    for (uint64_t tick = 0; tick < 2 * rank; ++tick) {
      EXPECT_NE(lone.core().role(), Role::kPreCandidate) << id << " at tick " << tick;
      EXPECT_EQ(lone.core().leader(), ServerId(0));
      lone.Tick();
    }
    EXPECT_EQ(lone.core().role(), Role::kPreCandidate) << id;
  }
}

// L10: it also hears candidates from then on.
TEST(CoreElection, LosingTheLeadersConnectionClearsHeardFromTheLeader) {
  LoneCore lone(3);
  lone.Start();
  lone.Append(MakeIdentity(2), 1, {}, {});
  lone.core().PeerDisconnected(ServerId(2));
  lone.Step({.type = MessageType::kPreVote, .from = MakeIdentity(1), .term = Term(2)});
  EXPECT_FALSE(lone.Said(MessageType::kPreVoteReply)->reject);
}

// L10
TEST(CoreElection, AnybodyElsesConnectionMeansNothing) {
  LoneCore lone(3);
  lone.Start();
  lone.Append(MakeIdentity(2), 1, {}, {});
  lone.core().PeerDisconnected(ServerId(1));
  lone.Tick(5);
  EXPECT_EQ(lone.core().role(), Role::kFollower);
  EXPECT_EQ(lone.core().leader(), ServerId(2));
  lone.Step({.type = MessageType::kPreVote, .from = MakeIdentity(1), .term = Term(2)});
  EXPECT_TRUE(lone.Said(MessageType::kPreVoteReply)->reject);
}

// L10
TEST(CoreElection, ARefusedPreVoteIsRepeatedSoon) {
  LoneCore lone;
  lone.config.prevote_retry_ticks = 5;
  lone.Start();
  while (lone.core().role() != Role::kPreCandidate) lone.Tick();
  for (int round = 0; round < 20; ++round) {
    for (uint32_t peer : {2u, 3u}) {
      lone.Step({.type = MessageType::kPreVoteReply, .from = MakeIdentity(peer), .term = Term(1), .reject = true});
    }
    int waited = 0;
    do {
      lone.Tick();
      ++waited;
    } while (lone.Said(MessageType::kPreVote) == nullptr);
    EXPECT_LE(waited, 5);
  }
  EXPECT_EQ(lone.core().term(), Term(1)) << "a refusal told of term 1; no term was burnt beyond it";
}

TEST(CoreElection, OfTwoThatAskAtOnceTheLowerIdentityGoesFirst) {
  LoneCore lone(2);
  lone.Start();
  while (lone.core().role() != Role::kPreCandidate) lone.Tick();
  lone.Step({.type = MessageType::kPreVote, .from = MakeIdentity(3), .term = Term(1)});
  EXPECT_TRUE(lone.Said(MessageType::kPreVoteReply)->reject);
  lone.Step({.type = MessageType::kPreVote, .from = MakeIdentity(1), .term = Term(1)});
  EXPECT_FALSE(lone.Said(MessageType::kPreVoteReply)->reject);
  lone.Step(
      {.type = MessageType::kPreVote, .from = MakeIdentity(3), .term = Term(1), .log_end = {Term(1), LogIndex(1)}});
  EXPECT_FALSE(lone.Said(MessageType::kPreVoteReply)->reject) << "who has more, goes first anyway";
}

// L1, thesis 6.2
TEST(CoreElection, ALeaderWithoutAQuorumStepsDownWithinAnElectionTimeout) {
  LoneCore lone;
  lone.Start();
  lone.LeadEstablished();
  lone.Tick(15);
  lone.Acknowledge(MakeIdentity(3), 0);
  lone.Tick(19);
  EXPECT_EQ(lone.core().role(), Role::kLeader) << "one of two others answered";
  lone.Tick(1);
  EXPECT_EQ(lone.core().role(), Role::kFollower);
  EXPECT_EQ(lone.core().leader(), ServerId(0));
}

// D10: an empty storage at a member's address does not keep a leader in office.
TEST(CoreElection, AnswersOfAnotherStorageDoNotKeepTheQuorum) {
  LoneCore lone;
  lone.Start();
  lone.LeadEstablished();
  lone.core().AddGuest(MakeIdentity(3, 99));
  for (int i = 0; i < 20; ++i) {
    lone.Acknowledge(MakeIdentity(3, 99), 1);
    lone.Tick();
  }
  EXPECT_NE(lone.core().role(), Role::kLeader);
}

// Thesis 3.10
TEST(CoreElection, TimeoutNowCampaignsAtOnceWithoutPreVote) {
  LoneCore lone;
  lone.Start();
  lone.Append(MakeIdentity(2), 1, {}, {});
  lone.Step({.type = MessageType::kTimeoutNow, .from = MakeIdentity(3), .term = Term(1)});
  EXPECT_EQ(lone.core().role(), Role::kFollower) << "not from its leader";
  lone.Step({.type = MessageType::kTimeoutNow, .from = MakeIdentity(2), .term = Term(1)});
  EXPECT_EQ(lone.core().role(), Role::kCandidate);
  ASSERT_NE(lone.Said(MessageType::kVote), nullptr);
  EXPECT_TRUE(lone.Said(MessageType::kVote)->transfer);
}

// D5
TEST(CoreElection, WhoHoldsDamagedEntriesVotesByItsEndAndDoesNotCampaign) {
  LoneCore lone;
  lone.entries = {MakeEntry(1, 1), MakeEntry(1, 2), MakeEntry(1, 3)};
  lone.Start();
  lone.server->Crash(0);
  lone.server->Damage(LogIndex(2));
  lone.server->Start();
  lone.Tick(200);
  EXPECT_EQ(lone.core().role(), Role::kFollower);
  lone.Append(MakeIdentity(2), 2, {Term(1), LogIndex(3)}, {});
  lone.Step({.type = MessageType::kTimeoutNow, .from = MakeIdentity(2), .term = Term(2)});
  EXPECT_EQ(lone.core().role(), Role::kFollower);
  lone.Tick(20);
  lone.Step(VoteRequest(3, 5, {Term(1), LogIndex(2)}));
  EXPECT_TRUE(lone.Said(MessageType::kVoteReply)->reject);
  lone.Step(VoteRequest(3, 6, {Term(1), LogIndex(3)}));
  EXPECT_FALSE(lone.Said(MessageType::kVoteReply)->reject);
}

}  // namespace
}  // namespace synod::consensus

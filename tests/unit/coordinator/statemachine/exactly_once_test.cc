// S2 to S5: numbers, replies, generations.
#include "tests/unit/coordinator/statemachine/harness.h"

namespace synod::statemachine {
namespace {

using tree::Error;

class ExactlyOnce : public ::testing::Test {
 protected:
  static CreateOp Sequential() { return {"/q-", "x", CreateMode::kPersistentSequential}; }

  Harness h_;
  const SessionId session_ = h_.NewSession(1);
};

TEST_F(ExactlyOnce, TheNextNumberIsExecutedAndItsReplyKept) {  // S2
  Outcome first = h_.Numbered(session_, 1, Sequential());
  EXPECT_EQ(first.error, Error::kOk);
  EXPECT_EQ(first.result.path, "/q-0000000000");
  const sessions::Session* s = h_.machine.sessions().Find(session_);
  EXPECT_EQ(s->last_applied(), Sequence(1));
  EXPECT_EQ(s->replies().count(), 1u);
}

TEST_F(ExactlyOnce, ARepeatedNumberGetsTheFirstAnswerAndDoesNothing) {  // S2
  Outcome first = h_.Numbered(session_, 1, Sequential());
  h_.Numbered(session_, 2, Sequential());
  uint64_t nodes = h_.machine.tree().node_count();
  Outcome again = h_.Numbered(session_, 1, Sequential());
  EXPECT_TRUE(again.repeated);
  EXPECT_EQ(again.zxid, first.zxid);
  EXPECT_EQ(again.result.path, first.result.path);
  EXPECT_EQ(again.result.stat, first.result.stat);
  EXPECT_EQ(h_.machine.tree().node_count(), nodes);
  EXPECT_TRUE(h_.seen.events_of.back().empty());
}

TEST_F(ExactlyOnce, AnErrorIsAnOutcomeAndComesAgainEvenIfItWouldSucceedNow) {  // S2
  EXPECT_EQ(h_.Numbered(session_, 1, SetDataOp{"/a", "x"}).error, Error::kNoNode);
  EXPECT_EQ(h_.Numbered(session_, 2, CreateOp{"/a"}).error, Error::kOk);
  Outcome again = h_.Numbered(session_, 1, SetDataOp{"/a", "x"});
  EXPECT_EQ(again.error, Error::kNoNode);
  EXPECT_EQ(again.result.error, Error::kNoNode);
  EXPECT_TRUE(again.repeated);
}

TEST_F(ExactlyOnce, AMultisAnswerComesAgainWhole) {  // S2
  MultiOp multi{{CreateOp{"/m"}, Sequential(), CheckOp{"/m", 0}}};
  Outcome first = h_.Numbered(session_, 1, multi);
  Outcome again = h_.Numbered(session_, 1, multi);
  ASSERT_EQ(again.results.size(), 3u);
  EXPECT_EQ(again.results[1].path, first.results[1].path);
  EXPECT_EQ(again.results[2].stat, first.results[2].stat);
}

TEST_F(ExactlyOnce, EveryResultComesAgainAsItWas) {  // S2: names, stats, counts, conditions
  h_.Unary(CreateOp{"/t"});
  for (int i = 0; i < 5; ++i) h_.Unary(CreateOp{"/t/" + std::to_string(i)});
  const Compare version{"/t", Compare::Target::kVersion, Compare::Relation::kEqual, 0};
  const Compare wrong{"/t", Compare::Target::kVersion, Compare::Relation::kEqual, 7};
  const access::Acl acl{ForDigest("bob"), ForAnyone(access::kRead)};
  uint64_t n = 0;
  for (Operation operation : std::vector<Operation>{
           CreateOp{"/c", "x", CreateMode::kContainer},
           CreateOp{"/c", "y", CreateMode::kPersistent, std::nullopt, 0, OnExisting::kKeep},
           CreateOp{"/c", "z", CreateMode::kPersistent, std::nullopt, 0, OnExisting::kSet},
           CreateOp{"/ttl-", "x", CreateMode::kPersistentSequentialTtl, acl, 5000}, SetAclOp{"/c", acl, 0},
           SetAclOp{"/none", acl, 0}, DeleteOp{"/none", -1, true}, DeleteTreeOp{"/t", -1, 3, true},
           TxnOp{{version}, {Sequential(), DeleteTreeOp{"/t", 0}}, {}}, TxnOp{{wrong}, {}, {Sequential()}},
           TxnOp{{}, {DeleteOp{"/none"}}, {}}, TxnOp{}, AuthenticateOp{{Digest("bob")}}}) {
    ++n;
    SCOPED_TRACE(n);
    Outcome first = h_.Numbered(session_, n, operation);
    uint64_t digest = h_.machine.tree().digest();
    Outcome again = h_.Numbered(session_, n, operation);
    EXPECT_TRUE(again.repeated);
    EXPECT_TRUE(h_.seen.events_of.back().empty());
    EXPECT_EQ(h_.machine.tree().digest(), digest);
    again.repeated = false;
    EXPECT_EQ(Show(first), Show(again));
    EXPECT_EQ(again.succeeded, first.succeeded);
    EXPECT_EQ(again.result.created, first.result.created);
    EXPECT_EQ(again.result.deleted, first.result.deleted);
    EXPECT_EQ(again.result.remaining, first.result.remaining);
    ASSERT_EQ(again.results.size(), first.results.size());
  }
  EXPECT_EQ(h_.seen.outcomes[h_.seen.outcomes.size() - 11].result.deleted, 3u);  // the partial delete-tree's repetition
}

TEST_F(ExactlyOnce, AGapHasNoEffectAndIsNoOutcome) {  // S2, counterexample 14
  h_.Numbered(session_, 1, CreateOp{"/a"});
  uint64_t digest_of_sessions = h_.machine.sessions().digest();
  Outcome gap = h_.Numbered(session_, 3, CreateOp{"/c"}, 2);
  EXPECT_TRUE(gap.gap);
  EXPECT_FALSE(h_.Exists("/c"));
  EXPECT_EQ(h_.machine.sessions().digest(), digest_of_sessions);  // its confirmation neither
  EXPECT_EQ(h_.Numbered(session_, 2, CreateOp{"/b"}).error, Error::kOk);
  EXPECT_EQ(h_.Numbered(session_, 3, CreateOp{"/c"}).error,
            Error::kOk);  // the sender goes on from the last applied + 1
}

TEST_F(ExactlyOnce, ARefusalTakesItsNumberSoThatNoGapArises) {  // S2, counterexample 14
  EXPECT_EQ(h_.Numbered(session_, 1, RefusedOp{Error::kRefusedMemory}).error, Error::kRefusedMemory);
  EXPECT_EQ(h_.Numbered(session_, 2, CreateOp{"/b"}).error, Error::kOk);
  Outcome again = h_.Numbered(session_, 1, CreateOp{"/a"});  // sent again after the pressure is gone
  EXPECT_EQ(again.error, Error::kRefusedMemory);
  EXPECT_FALSE(h_.Exists("/a"));
}

TEST_F(ExactlyOnce, EveryKindOfOutcomeTakesItsNumber) {  // S2
  uint64_t n = 0;
  for (Operation operation : std::vector<Operation>{
           SyncOp{"/"}, CheckOp{"/none"}, CreateOp{"/a", "x", CreateMode::kContainer}, DeleteOp{"bad"}, MultiOp{},
           MultiOp{{DeleteOp{"/none"}}}, CreateOp{"/big", std::string(200, 'x')}}) {
    Command command{.session = session_,
                    .generation = OwnerGeneration(1),
                    .sequence = Sequence(++n),
                    .max_data_bytes = 100,
                    .operation = operation};
    Outcome first = h_.Apply(command);
    EXPECT_FALSE(first.gap);
    EXPECT_EQ(h_.machine.sessions().Find(session_)->last_applied(), Sequence(n));
    Outcome again = h_.Apply(command);
    EXPECT_TRUE(again.repeated);
    again.repeated = false;
    EXPECT_EQ(Show(first), Show(again));
  }
}

TEST_F(ExactlyOnce, AConfirmedReplyIsGoneAndSaysThatItWasDone) {  // S3
  for (uint64_t n = 1; n <= 3; ++n) h_.Numbered(session_, n, Sequential());
  h_.Numbered(session_, 4, Sequential(), 3);
  const sessions::Session* s = h_.machine.sessions().Find(session_);
  EXPECT_EQ(s->replies().first(), Sequence(3));
  Outcome lost = h_.Numbered(session_, 2, Sequential());
  EXPECT_EQ(lost.error, Error::kReplyLost);
  EXPECT_TRUE(lost.repeated);
  EXPECT_EQ(h_.Numbered(session_, 3, Sequential()).error, Error::kOk);  // unconfirmed: still there
}

TEST_F(ExactlyOnce, AnUnconfirmedReplyIsNeverEvictedByCount) {  // S3
  for (uint64_t n = 1; n <= 2 * sessions::kReplyCountCap; ++n) h_.Numbered(session_, n, SyncOp{"/"});
  EXPECT_EQ(h_.machine.sessions().Find(session_)->replies().count(), 2 * sessions::kReplyCountCap);
  EXPECT_TRUE(h_.Numbered(session_, 1, SyncOp{"/"}).repeated);
  EXPECT_EQ(h_.seen.outcomes.back().error, Error::kOk);
}

TEST_F(ExactlyOnce,
       AConfirmationIsTakenFromRepeatedAndUnnumberedCommandsTooAndNeverRunsAhead) {  // S3, counterexample 14
  for (uint64_t n = 1; n <= 3; ++n) h_.Numbered(session_, n, SyncOp{"/"});
  const sessions::Session* s = h_.machine.sessions().Find(session_);
  h_.Numbered(session_, 3, SyncOp{"/"}, 3);
  EXPECT_EQ(s->replies().first(), Sequence(3));
  h_.Numbered(session_, 0, SyncOp{"/"}, 1000);
  EXPECT_EQ(s->replies().count(), 0u);
  EXPECT_EQ(h_.Numbered(session_, 4, SyncOp{"/"}, 1000).error, Error::kOk);
  EXPECT_EQ(s->replies().count(), 1u);  // its own reply cannot be confirmed before it exists
}

TEST_F(ExactlyOnce, NumberZeroIsExecutedEveryTime) {  // S2: unary calls
  EXPECT_EQ(h_.Numbered(session_, 0, Sequential()).result.path, "/q-0000000000");
  EXPECT_EQ(h_.Numbered(session_, 0, Sequential()).result.path, "/q-0000000001");
  EXPECT_EQ(h_.Unary(Sequential()).result.path, "/q-0000000002");
  EXPECT_EQ(h_.machine.sessions().Find(session_)->last_applied(), Sequence(0));
}

TEST_F(ExactlyOnce, EveryCommandTakesOneZxid) {  // L7
  Zxid zxid = h_.machine.last_zxid();
  h_.Numbered(session_, 1, CreateOp{"/a"});
  h_.Numbered(session_, 1, CreateOp{"/a"});       // repeated
  h_.Numbered(session_, 9, CreateOp{"/a"});       // a gap
  h_.Numbered(session_, 2, CreateOp{"/a"});       // an error
  h_.Numbered(SessionId(99), 1, CreateOp{"/a"});  // no such session
  h_.Unary(CreateSessionOp{});                    // refused
  h_.Unary(SyncOp{"/"});
  EXPECT_EQ(h_.machine.last_zxid(), zxid + 7);
}

// ---- generations ----

TEST_F(ExactlyOnce, AnAttachRaisesTheGenerationAndReturnsTheLastApplied) {  // S4
  for (uint64_t n = 1; n <= 50; ++n) h_.Numbered(session_, n, SyncOp{"/"});
  Outcome attach = h_.Attach(session_, 1, 2);
  EXPECT_EQ(attach.error, Error::kOk);
  EXPECT_EQ(attach.grant.session, session_);
  EXPECT_EQ(attach.grant.generation, OwnerGeneration(2));
  EXPECT_EQ(attach.grant.last_applied, Sequence(50));  // counterexample 10: the new server numbers on from here
  EXPECT_EQ(attach.grant.password, kPassword);
  EXPECT_EQ(h_.machine.sessions().Find(session_)->replies().count(), 50u);
}

TEST_F(ExactlyOnce, AWriteOfAnOlderGenerationHasNoEffect) {  // S4, counterexample 10
  h_.Numbered(session_, 1, CreateOp{"/a"});
  h_.Attach(session_, 1, 2);
  Command old{.session = session_,
              .generation = OwnerGeneration(1),
              .sequence = Sequence(2),
              .confirmed_below = Sequence(2),
              .operation = CreateOp{"/old"}};
  Outcome outcome = h_.Apply(old);
  EXPECT_EQ(outcome.error, Error::kSessionMoved);
  EXPECT_FALSE(h_.Exists("/old"));
  EXPECT_EQ(h_.machine.sessions().Find(session_)->last_applied(), Sequence(1));
  EXPECT_EQ(h_.machine.sessions().Find(session_)->replies().count(), 1u);
  old.sequence = Sequence(1);
  EXPECT_EQ(h_.Apply(old).error, Error::kSessionMoved);  // not even a stored reply
  old.operation = CloseSessionOp{};
  EXPECT_EQ(h_.Apply(old).error, Error::kSessionMoved);
  EXPECT_NE(h_.machine.sessions().Find(session_), nullptr);
}

TEST_F(ExactlyOnce, ANativeClientGetsTheFirstAnswerThroughItsNewConnection) {  // S2
  Outcome first = h_.Numbered(session_, 1, Sequential());
  h_.Attach(session_, 1, 2);
  Outcome again = h_.Numbered(session_, 1, Sequential());
  EXPECT_TRUE(again.repeated);
  EXPECT_EQ(again.result.path, first.result.path);
}

TEST_F(ExactlyOnce, AStaleAttachFencesNobody) {  // S4, counterexample 10
  // The client tried B (connection 2), whose attach seemed lost, then C (connection 3).
  EXPECT_EQ(h_.Attach(session_, 1, 3).grant.generation, OwnerGeneration(2));
  Outcome stale = h_.Attach(session_, 1, 2);  // B sends its attach again to the new leader
  EXPECT_EQ(stale.error, Error::kSessionMoved);
  EXPECT_EQ(h_.machine.sessions().Find(session_)->generation(), OwnerGeneration(2));
  EXPECT_EQ(h_.machine.sessions().Find(session_)->connection(), 3u);
  EXPECT_EQ(h_.Numbered(session_, 1, SyncOp{"/"}).error, Error::kOk);
}

TEST_F(ExactlyOnce, AnAttachSentAgainIsAnsweredTheSame) {  // S4
  Outcome first = h_.Attach(session_, 1, 2);
  size_t calls = h_.seen.calls.size();
  Outcome again = h_.Attach(session_, 1, 2);
  EXPECT_EQ(again.error, Error::kOk);
  EXPECT_TRUE(again.repeated);
  EXPECT_EQ(again.grant.generation, first.grant.generation);
  EXPECT_EQ(h_.machine.sessions().Find(session_)->generation(), OwnerGeneration(2));
  EXPECT_EQ(h_.seen.calls.size(), calls + 1);  // OnCommand only: nothing was granted anew
}

TEST_F(ExactlyOnce, AttachErrorsInOrderOfPrecedence) {
  EXPECT_EQ(h_.Attach(SessionId(99), 9, 2, false, "short").error, Error::kBadArguments);
  EXPECT_EQ(h_.Attach(SessionId(99), 9, 0).error, Error::kBadArguments);
  EXPECT_EQ(h_.Unary(AttachSessionOp{SessionId(99), OwnerGeneration(9), 2, kPassword, 0}).error, Error::kBadArguments);
  EXPECT_EQ(h_.Attach(SessionId(99), 9, 2, false, std::string(16, 'w')).error, Error::kSessionExpired);
  EXPECT_EQ(h_.Attach(session_, 9, 2, false, std::string(16, 'w')).error, Error::kAuthFailed);
  EXPECT_EQ(h_.Attach(session_, 9, 2).error, Error::kSessionMoved);
  EXPECT_EQ(h_.Attach(session_, 1, 2).error, Error::kOk);
}

TEST_F(ExactlyOnce, AnAttachOfAZooKeeperConnectionClearsTheRepliesAndKeepsTheNumber) {  // S3
  for (uint64_t n = 1; n <= 5; ++n) h_.Numbered(session_, n, SyncOp{"/"});
  EXPECT_EQ(h_.Attach(session_, 1, 2, /*clear=*/true).grant.last_applied, Sequence(5));
  EXPECT_EQ(h_.machine.sessions().Find(session_)->replies().count(), 0u);
  EXPECT_EQ(h_.Numbered(session_, 5, SyncOp{"/"}).error, Error::kReplyLost);
  EXPECT_FALSE(h_.Numbered(session_, 6, SyncOp{"/"}).gap);
}

TEST_F(ExactlyOnce, AnAttachBringsTimeoutGraceAndIdentities) {
  h_.Unary(AttachSessionOp{session_, OwnerGeneration(1), 2, kPassword, 9000, 300, false, {Digest("bob")}});
  const sessions::Session* s = h_.machine.sessions().Find(session_);
  EXPECT_EQ(s->timeout_ms(), 9000u);
  EXPECT_EQ(s->disconnect_grace_ms(), 300u);
  EXPECT_EQ(h_.machine.identities().Get(s->identities()), access::IdentitySet{Digest("bob")});
}

TEST_F(ExactlyOnce, AnExpiryNamesTheGenerationItSaw) {  // S5
  h_.Attach(session_, 1, 2);
  EXPECT_EQ(h_.Unary(ExpireSessionOp{session_, OwnerGeneration(1)}).error, Error::kSessionMoved);
  EXPECT_NE(h_.machine.sessions().Find(session_), nullptr);
  EXPECT_EQ(h_.Unary(ExpireSessionOp{session_, OwnerGeneration(2)}).error, Error::kOk);
  EXPECT_EQ(h_.machine.sessions().Find(session_), nullptr);
  EXPECT_EQ(h_.Unary(ExpireSessionOp{session_, OwnerGeneration(2)}).error, Error::kSessionExpired);
}

TEST_F(ExactlyOnce, AnEndedSessionsWritesAreExpired) {
  EXPECT_EQ(h_.Numbered(session_, 1, CloseSessionOp{}).error, Error::kOk);
  EXPECT_EQ(h_.Numbered(session_, 1, CloseSessionOp{}).error, Error::kSessionExpired);
  EXPECT_EQ(h_.Numbered(session_, 2, CreateOp{"/a"}).error, Error::kSessionExpired);
  EXPECT_EQ(h_.Unary(CloseSessionOp{}).error, Error::kBadArguments);
}

TEST_F(ExactlyOnce, SessionIdsAreNeverUsedAgain) {  // S1
  SessionId second = h_.NewSession(2);
  EXPECT_GT(second, session_);
  h_.Numbered(second, 1, CloseSessionOp{});
  EXPECT_GT(h_.NewSession(3), second);
}

TEST_F(ExactlyOnce, ACreateSessionWithoutAPasswordTimeoutOrConnectionIsRefused) {
  EXPECT_EQ(h_.Unary(CreateSessionOp{4000, 0, "short", 1, true}).error, Error::kBadArguments);
  EXPECT_EQ(h_.Unary(CreateSessionOp{0, 0, kPassword, 1, true}).error, Error::kBadArguments);
  EXPECT_EQ(h_.Unary(CreateSessionOp{4000, 0, kPassword, 0, true}).error, Error::kBadArguments);
  EXPECT_EQ(h_.machine.sessions().count(), 1u);
}

TEST_F(ExactlyOnce, ACreateSessionSentAgainLeavesNoOrphan) {  // S1
  CreateSessionOp create{4000, 0, std::string(16, 'q'), 77, true, {Digest("bob")}};
  Outcome first = h_.Unary(create);
  EXPECT_FALSE(first.repeated);
  size_t calls = h_.seen.calls.size();
  Outcome again = h_.Unary(create);
  EXPECT_TRUE(again.repeated);
  EXPECT_EQ(again.grant.session, first.grant.session);
  EXPECT_EQ(again.grant.generation, OwnerGeneration(1));
  EXPECT_EQ(h_.seen.calls.size(), calls + 1);  // OnCommand only
  EXPECT_EQ(h_.machine.sessions().count(), 2u);
  create.password = std::string(16, 'r');  // somebody else's: a session is given to nobody but its maker
  EXPECT_NE(h_.Unary(create).grant.session, first.grant.session);
  create.password = std::string(16, 'q');
  h_.Unary(ExpireSessionOp{first.grant.session, OwnerGeneration(1)});
  EXPECT_NE(h_.Unary(create).grant.session, first.grant.session);
}

TEST_F(ExactlyOnce, TheObserverHearsOfASessionBeforeItsCommandAndOfItsEphemeralsWithIt) {  // L3, outcome.h
  h_.seen.calls.clear();
  h_.Attach(session_, 1, 5);
  h_.Numbered(session_, 1, CreateOp{"/e1", "x", CreateMode::kEphemeral});
  h_.Numbered(session_, 2, CreateOp{"/e2", "x", CreateMode::kEphemeral});
  h_.Unary(ExpireSessionOp{session_, OwnerGeneration(2)});
  EXPECT_EQ(h_.seen.calls, (std::vector<std::string>{"granted 1 generation 2 connection 5", "command 2", "command 3",
                                                     "command 4", "expired 1", "command 5"}));
  ASSERT_EQ(h_.seen.events_of.back().size(), 2u);
  for (const tree::Event& event : h_.seen.events_of.back()) {
    EXPECT_EQ(event.type, tree::EventType::kDeleted);
    EXPECT_EQ(event.zxid, Zxid(5));  // one zxid for all
  }
  EXPECT_FALSE(h_.Exists("/e1"));
}

TEST_F(ExactlyOnce, TheOriginIsPassedThroughAndHasNoPartInTheOutcome) {
  Harness other;
  other.NewSession(1);
  Command command{
      .session = session_, .generation = OwnerGeneration(1), .sequence = Sequence(1), .operation = Sequential()};
  Outcome here = h_.Apply(command);
  command.origin = {ServerId(3), 4, 5};
  Outcome there = other.Apply(command);
  EXPECT_EQ(other.seen.origins.back(), 5u);
  EXPECT_EQ(Show(here), Show(there));
  EXPECT_EQ(h_.machine.digest(), other.machine.digest());
}

}  // namespace
}  // namespace synod::statemachine

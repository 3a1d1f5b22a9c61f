// The two sides of S6 and S8 by themselves: Liveness at the serving server, SessionExpirer at the leader.
#include "coordinator/service/liveness.h"

#include "coordinator/base/random.h"
#include "coordinator/service/session_expirer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace synod::service {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::Duration kStart = absl::Hours(5);
constexpr SessionId kX(10), kY(20);
constexpr OwnerGeneration kG(3);

absl::Duration At(int ms) { return kStart + absl::Milliseconds(ms); }

LivenessReport MustTake(Liveness* liveness, absl::Duration now) {
  std::optional<std::string> bytes = liveness->TakeReport(now);
  EXPECT_TRUE(bytes) << "no report was due";
  return bytes ? *DecodeReport(*bytes) : LivenessReport{};
}

std::vector<uint64_t> Pongs(Liveness* liveness, const LivenessReport& report, std::vector<OwnedSession> refused = {}) {
  std::vector<Liveness::Pong> pongs;
  liveness->OnAck({report.incarnation, report.number, std::move(refused)}, &pongs);
  std::vector<uint64_t> numbers;
  for (const Liveness::Pong& p : pongs) numbers.push_back(p.ping);
  return numbers;
}

// S6, counterexample 9: an acknowledged report from before the ping says nothing about it.
TEST(Liveness, PingIsAnsweredOnlyByAReportSentSince) {
  Liveness liveness({});
  Liveness::Entry* x = liveness.Attach(kX, kG, absl::Seconds(6));
  liveness.Heard(x, At(0));
  LivenessReport before = MustTake(&liveness, At(100));
  liveness.Ping(x, 1, At(110));
  EXPECT_THAT(Pongs(&liveness, before), IsEmpty());
  LivenessReport since = MustTake(&liveness, At(200));
  EXPECT_THAT(since.heard, ElementsAre(OwnedSession{kX, kG}));
  EXPECT_THAT(Pongs(&liveness, since), ElementsAre(1));
  EXPECT_THAT(Pongs(&liveness, since), IsEmpty());  // once
}

// S6, counterexample 9: a report that does not name the session answers no ping of it.
TEST(Liveness, RefusedSessionIsNotAnswered) {
  Liveness liveness({});
  liveness.Ping(liveness.Attach(kX, kG, absl::Seconds(6)), 1, At(0));
  liveness.Ping(liveness.Attach(kY, kG, absl::Seconds(6)), 2, At(0));
  LivenessReport report = MustTake(&liveness, At(0));
  EXPECT_THAT(Pongs(&liveness, report, {{kX, kG}}), ElementsAre(2));
  // X is asked for again, and its silence counts on.
  EXPECT_THAT(MustTake(&liveness, At(200)).heard, ElementsAre(OwnedSession{kX, kG}));
  EXPECT_THAT(liveness.Overdue(At(4000)), ElementsAre(kX));
}

TEST(Liveness, OneReportPerIntervalAndAWaitingPingSooner) {
  Liveness liveness({});
  Liveness::Entry* x = liveness.Attach(kX, kG, absl::Seconds(6));
  EXPECT_FALSE(liveness.TakeReport(At(0)));  // nothing to say
  liveness.Heard(x, At(0));
  Pongs(&liveness, MustTake(&liveness, At(0)));
  liveness.Heard(x, At(10));
  EXPECT_FALSE(liveness.TakeReport(At(99)));
  liveness.Ping(x, 1, At(10));
  EXPECT_FALSE(liveness.TakeReport(At(19)));
  Pongs(&liveness, MustTake(&liveness, At(20)));
  EXPECT_FALSE(liveness.TakeReport(At(500)));  // heard nothing since
}

// S6: a lost report, or a change of leader, costs time and no truth.
TEST(Liveness, UnacknowledgedSessionsAreReportedAgain) {
  Liveness liveness({});
  Liveness::Entry* x = liveness.Attach(kX, kG, absl::Seconds(6));
  liveness.Ping(x, 1, At(0));
  LivenessReport lost = MustTake(&liveness, At(0));
  EXPECT_FALSE(liveness.TakeReport(At(299)));
  MustTake(&liveness, At(300));
  liveness.LeaderChanged();
  LivenessReport third = MustTake(&liveness, At(320));
  EXPECT_THAT(Pongs(&liveness, lost), IsEmpty());  // from a leader that is no more
  EXPECT_THAT(Pongs(&liveness, third), ElementsAre(1));
  EXPECT_THAT(liveness.Overdue(At(100000)), IsEmpty());
}

// S6: two thirds of the timeout from the oldest sign of life without acknowledgement.
TEST(Liveness, OverdueAtTwoThirdsOfTheTimeout) {
  Liveness liveness({});
  Liveness::Entry* x = liveness.Attach(kX, kG, absl::Seconds(3));
  liveness.Heard(x, At(0));
  LivenessReport first = MustTake(&liveness, At(50));
  liveness.Heard(x, At(1000));
  MustTake(&liveness, At(1000));
  EXPECT_THAT(liveness.Overdue(At(1999)), IsEmpty());
  EXPECT_THAT(liveness.Overdue(At(2000)), ElementsAre(kX));
  Pongs(&liveness, first);  // late, but it covers what came before it was sent; what came at 1000 still waits
  EXPECT_THAT(liveness.Overdue(At(2000)), IsEmpty());
}

// S6: a slow leader is not a lost one: its late answer counts for what the report said when it was sent.
TEST(Liveness, LateAcknowledgementStillCounts) {
  Liveness liveness({});
  Liveness::Entry* x = liveness.Attach(kX, kG, absl::Seconds(3));
  liveness.Ping(x, 1, At(0));
  LivenessReport first = MustTake(&liveness, At(0));
  LivenessReport repeated = MustTake(&liveness, At(400));
  EXPECT_THAT(repeated.heard, ElementsAre(OwnedSession{kX, kG}));
  EXPECT_THAT(Pongs(&liveness, first), ElementsAre(1));
  EXPECT_THAT(Pongs(&liveness, repeated), IsEmpty());
  EXPECT_THAT(liveness.Overdue(At(100000)), IsEmpty());
}

// L11: a client that is not read counts as heard while its connection stands.
TEST(Liveness, StandingConnectionsAreReportedEachInterval) {
  Liveness liveness({});
  Liveness::Entry* x = liveness.Attach(kX, kG, absl::Seconds(6));
  liveness.SetStanding(x, true);
  Pongs(&liveness, MustTake(&liveness, At(0)));
  Pongs(&liveness, MustTake(&liveness, At(100)));
  liveness.SetStanding(x, false);
  EXPECT_FALSE(liveness.TakeReport(At(200)));
}

// S8: a closed connection is reported until acknowledged, and to each new leader again.
TEST(Liveness, DisconnectIsReportedUntilAcknowledgedAndToNewLeaders) {
  Liveness liveness({});
  liveness.Disconnected(kX, kG, absl::Seconds(6), At(0));
  MustTake(&liveness, At(0));
  EXPECT_FALSE(liveness.TakeReport(At(200)));
  LivenessReport again = MustTake(&liveness, At(300));
  EXPECT_THAT(again.disconnected, ElementsAre(OwnedSession{kX, kG}));
  Pongs(&liveness, again);
  EXPECT_FALSE(liveness.TakeReport(At(1000)));
  liveness.LeaderChanged();
  EXPECT_THAT(MustTake(&liveness, At(1000)).disconnected, ElementsAre(OwnedSession{kX, kG}));
  liveness.LeaderChanged();
  liveness.ForgetDisconnect(kX);
  EXPECT_FALSE(liveness.TakeReport(At(2000)));
}

TEST(LivenessCodec, RoundTripsAndRejectsDamage) {
  LivenessReport report{77, 300, {{kX, kG}, {kY, OwnerGeneration(1)}, {SessionId(INT64_MAX), kG}}, {{kY, kG}}};
  std::string bytes = EncodeReport(report);
  LivenessReport back = *DecodeReport(bytes);
  EXPECT_EQ(back.heard, report.heard);
  EXPECT_EQ(back.disconnected, report.disconnected);
  EXPECT_EQ(back.number, 300u);
  for (size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(DecodeReport(bytes.substr(0, n)).ok()) << n;
  EXPECT_FALSE(DecodeReport(bytes + "x").ok());
  EXPECT_FALSE(DecodeAck(bytes).ok());
  EXPECT_FALSE(PeekLivenessKind("\x7f").ok());
  Random random(3);
  for (int i = 0; i < 20000; ++i) {  // must not crash or allocate by a length it was told
    std::string damaged = bytes;
    damaged[random.Below(damaged.size())] = static_cast<char>(random.Next());
    (void)DecodeReport(damaged);
  }
  LivenessAck ack = *DecodeAck(EncodeAck({77, 300, {{kX, kG}}}));
  EXPECT_THAT(ack.refused, ElementsAre(OwnedSession{kX, kG}));
}

// Twenty thousand sessions fit into a few bytes each.
TEST(LivenessCodec, IsCompact) {
  LivenessReport report;
  for (int i = 1; i <= 20000; ++i) report.heard.push_back({SessionId(1000000 + i), OwnerGeneration(1)});
  EXPECT_LT(EncodeReport(report).size(), 20000 * 2 + 64);
}

// ---- the leader's side ----

class Expirer : public ::testing::Test {
 protected:
  Expirer() {
    for (SessionId id : {kX, kY})
      table.Add(id, std::string(16, 'p'), true, {kG, 1, 1000, id == kX ? 200u : 0u, IdentitySetId(0)});
  }
  void Lead(uint64_t term, absl::Duration now) { expirer.Update(true, Term(term), table, now); }
  // As the service's ticks do.
  std::vector<SessionId> DueUntil(absl::Duration* now, absl::Duration end) {
    std::vector<SessionId> due;
    while (*now < end) {
      *now += absl::Milliseconds(50);
      for (const auto& d : expirer.Due(*now)) due.push_back(d.session);
    }
    return due;
  }
  sessions::SessionTable table;
  SessionExpirer expirer{absl::Milliseconds(50)};
};

// S5: nobody expires where nobody leads, and a report is not even looked at.
TEST_F(Expirer, OnlyALeaderThatCaughtUpExpiresOrAcknowledges) {
  absl::Duration now = At(0);
  expirer.Update(false, Term(1), table, now);
  EXPECT_THAT(DueUntil(&now, At(5000)), IsEmpty());
  EXPECT_FALSE(expirer.OnReport({1, 1, {{kX, kG}}, {}}, now));
}

// S5: a new leader gives every session its full timeout.
TEST_F(Expirer, NewLeaderGivesEveryoneTheFullTimeout) {
  absl::Duration now = At(0);
  Lead(1, now);
  EXPECT_THAT(DueUntil(&now, At(900)), IsEmpty());
  expirer.Update(false, Term(2), table, now);
  Lead(3, now);
  EXPECT_THAT(DueUntil(&now, At(1850)), IsEmpty());
  EXPECT_THAT(DueUntil(&now, At(2000)), ElementsAre(kX, kY));
}

// S6, counterexample 9: a session whose expiry is proposed is not acknowledged, even if the report came before.
TEST_F(Expirer, ClosingSessionIsRefused) {
  absl::Duration now = At(0);
  Lead(1, now);
  LivenessReport report{1, 1, {{kX, kG}, {kY, kG}}, {}};
  ASSERT_TRUE(expirer.OnReport({1, 1, {{kY, kG}}, {{kX, kG}}}, now));
  EXPECT_THAT(DueUntil(&now, At(300)), ElementsAre(kX));  // S8: after its grace
  std::optional<LivenessAck> ack = expirer.Judge(report, Term(1), now);
  ASSERT_TRUE(ack);
  EXPECT_THAT(ack->refused, ElementsAre(OwnedSession{kX, kG}));
}

TEST_F(Expirer, UnknownAndFormerGenerationsAreRefused) {
  Lead(1, At(0));
  LivenessReport report{1, 1, {{kX, OwnerGeneration(2)}, {SessionId(99), kG}}, {}};
  ASSERT_TRUE(expirer.OnReport(report, At(0)));
  EXPECT_EQ(expirer.Judge(report, Term(1), At(0))->refused, report.heard);
  EXPECT_FALSE(expirer.Judge(report, Term(2), At(0)));  // the lead of another time
}

// S8: without a grace a closed connection changes nothing; an attach ends a running one.
TEST_F(Expirer, GraceRunsOnlyWhereAskedForAndEndsWithAnAttach) {
  absl::Duration now = At(0);
  Lead(1, now);
  expirer.OnReport({1, 1, {}, {{kX, kG}, {kY, kG}}}, now);
  statemachine::SessionGrant grant{kX, "", kG + 1, 1000, 200, Sequence(0)};
  EXPECT_THAT(DueUntil(&now, At(150)), IsEmpty());
  expirer.OnGranted(grant, now);
  EXPECT_THAT(DueUntil(&now, At(950)), IsEmpty());
  EXPECT_THAT(DueUntil(&now, At(1100)), ElementsAre(kY));
}

// S5: what clients sent while the leader itself hung was not read; everybody gets one more timeout.
TEST_F(Expirer, StallGrantsAnExtraTimeout) {
  absl::Duration now = At(0);
  Lead(1, now);
  EXPECT_THAT(DueUntil(&now, At(500)), IsEmpty());
  now = At(3000);
  EXPECT_THAT(DueUntil(&now, At(3900)), IsEmpty());
  EXPECT_THAT(DueUntil(&now, At(4200)), ElementsAre(kX, kY));
}

}  // namespace
}  // namespace synod::service

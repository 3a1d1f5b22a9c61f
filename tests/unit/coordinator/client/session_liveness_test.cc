// Connections of a session and what may be believed of it, stepped: no socket, no clock.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/unit/coordinator/client/session_harness.h"

namespace synod::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_F(SessionTest, ABrokenConnectionTriesTheOtherServersAtOnceAndThenBacksOff) {
  Make();
  Open();
  Sent();
  Pong(1);
  servers_.clear();
  for (int i = 0; i < 3; ++i) {
    End(absl::UnavailableError("connection refused"));
    Step();
  }
  EXPECT_EQ(std::set<size_t>(servers_.begin(), servers_.end()).size(), 3u);  // all three, in no time
  End(absl::UnavailableError("connection refused"));
  Step();
  EXPECT_EQ(servers_.size(), 3u);
  const absl::Duration wait = session_->NextDeadline() - now_;
  EXPECT_GE(wait, absl::Microseconds(2500));
  EXPECT_LE(wait, absl::Milliseconds(5));
  now_ = session_->NextDeadline();
  Step();
  EXPECT_EQ(servers_.size(), 4u);
}

TEST_F(SessionTest, AServerThatAttachesAndHangsUpIsNotTriedWithoutPause) {
  Make({}, "", 1);
  Open();
  End(absl::UnavailableError("going away"));
  Step();
  EXPECT_EQ(servers_.size(), 1u);
  EXPECT_GT(session_->NextDeadline(), now_);
}

TEST_F(SessionTest, AnAttemptThatHangsIsGivenUp) {
  Make();
  Step();
  now_ += absl::Seconds(1);
  Step();
  EXPECT_EQ(disconnects_, 1);
  EXPECT_EQ(servers_.size(), 2u);
}

TEST_F(SessionTest, PingsGoAtASixthOfTheTimeout) {
  Make();
  Open();
  EXPECT_EQ(Sent().ping(), 1u);
  Pong(1);
  EXPECT_EQ(session_->NextDeadline(), now_ + absl::Milliseconds(500));
  now_ += absl::Milliseconds(499);
  EXPECT_FALSE(session_->TakeMessage(now_).has_value());
  now_ += absl::Milliseconds(1);
  EXPECT_EQ(Sent().ping(), 2u);
}

TEST_F(SessionTest, LostCountsFromWhenTheLastAnsweredPingWasSent) {  // S7
  Make();
  Open();
  Sent();  // ping 1 at 0
  const absl::Duration sent = now_;
  now_ = sent + absl::Milliseconds(400);
  Pong(1);  // the answer's arrival does not count
  EXPECT_EQ(session_->HeldUntil(), sent + absl::Seconds(2));
  End(absl::UnavailableError("cut"));
  now_ = sent + absl::Milliseconds(1999);
  Step();
  EXPECT_EQ(session_->state(), SessionState::kSuspended);
  now_ = sent + absl::Milliseconds(2000);
  Step();
  EXPECT_THAT(TakeLog(), ElementsAre("connected", "suspended", "lost"));
  EXPECT_LT(session_->HeldUntil(), now_);
}

TEST_F(SessionTest, RepliesWithoutPongsDoNotKeepASession) {  // S7: a minority still answers local reads
  Make();
  Open();
  Sent();
  const absl::Duration sent = now_;
  for (int i = 1; i <= 4; ++i) {
    now_ = sent + absl::Milliseconds(490) * i;
    Submit(GetRequest("/a", ReadStrength::kLocal, false), "r");
    Sent();
    Reply(static_cast<uint64_t>(i));
  }
  EXPECT_EQ(session_->state(), SessionState::kConnected);
  now_ = sent + absl::Seconds(2);
  Step();
  EXPECT_EQ(session_->state(), SessionState::kLost);
  EXPECT_EQ(disconnects_, 1);  // and another server is tried
}

TEST_F(SessionTest, AttachingAgainAfterLostNeedsAnAnsweredPing) {  // S7
  Make();
  Open();
  Sent();
  End(absl::UnavailableError("cut"));
  now_ += absl::Seconds(2);
  Attach();
  TakeLog();
  Connected();
  EXPECT_THAT(TakeLog(), IsEmpty());
  const uint64_t ping = Sent().ping();
  EXPECT_NE(ping, 0u);
  Pong(ping);
  EXPECT_THAT(TakeLog(), ElementsAre("connected"));
}

TEST_F(SessionTest, LostIsRaisedBeforeAReplyThatCameTooLate) {  // S7: a stopped client wakes up
  Make();
  Open();
  Submit(Set("/a"), "a");
  Sent();
  now_ += absl::Seconds(3);
  Reply(1);
  EXPECT_EQ(log_[1], "lost");
}

TEST_F(SessionTest, WithAGraceTheSessionIsHeldForTwoThirdsOfItAfterTheBreak) {  // S8
  SessionTimes times;
  times.disconnect_grace = absl::Milliseconds(300);
  Make(times);
  EXPECT_EQ(Attach().connect().disconnect_grace_ms(), 300u);
  Connected(3000, 300);
  Sent();
  Pong(1);
  End(absl::UnavailableError("cut"));
  const absl::Duration broke = now_;
  EXPECT_EQ(session_->HeldUntil(), broke + absl::Milliseconds(200));
  now_ = broke + absl::Milliseconds(199);
  Step();
  EXPECT_EQ(session_->state(), SessionState::kSuspended);
  now_ = broke + absl::Milliseconds(200);
  Step();
  EXPECT_EQ(session_->state(), SessionState::kLost);
  session_->OnStarted(attempt_, now_);
  Sent();
  Connected(3000, 300);  // attached again within the timeout: held again
  EXPECT_EQ(session_->state(), SessionState::kConnected);
}

TEST_F(SessionTest, WithAGraceASilentServerCountsFromThePingItDidNotAnswer) {  // S8: only the server's side was reset
  SessionTimes times;
  times.disconnect_grace = absl::Milliseconds(300);
  Make(times);
  Attach();
  Connected(3000, 300);
  Sent();
  now_ += absl::Milliseconds(300);
  Step();
  EXPECT_EQ(session_->state(), SessionState::kLost);
}

TEST_F(SessionTest, ASilentServerIsLeftWhileTheSessionIsStillHeld) {
  Make();
  Open();
  Sent();
  Pong(1);
  Submit(Set("/a"), "a");
  Sent();
  now_ += absl::Milliseconds(999);
  Step();
  EXPECT_EQ(disconnects_, 0);
  now_ += absl::Milliseconds(1);
  Step();
  EXPECT_EQ(disconnects_, 1);
  EXPECT_EQ(session_->state(), SessionState::kSuspended);
  EXPECT_EQ(servers_.size(), 2u);
}

TEST_F(SessionTest, ExpiryTellsSentWritesFromUnsentOnes) {  // S2
  Make();
  Open();
  Submit(Set("/a"), "sent");
  Submit(GetRequest("/a", ReadStrength::kSession, false), "read");
  Sent();
  Submit(Set("/b"), "unsent");
  End(absl::UnauthenticatedError("session expired"));
  Submit(Set("/c"), "later");
  Step();
  EXPECT_THAT(TakeLog(), ElementsAre("connected", "expired", "sent: SessionExpired?", "read: SessionExpired",
                                     "unsent: SessionExpired", "later: SessionExpired"));
  EXPECT_EQ(session_->NextDeadline(), absl::InfiniteDuration());
}

TEST_F(SessionTest, AProtocolErrorIsFinal) {
  Make();
  Open();
  Submit(Set("/a"), "a");
  Sent();
  End(absl::InvalidArgumentError("a number out of order"));
  EXPECT_THAT(TakeLog(), ElementsAre("connected", "closed", "a: Malformed?"));
}

TEST_F(SessionTest, AttachedElsewhereAndOverloadWaitBeforeTheNextAttempt) {
  for (const absl::Status& status : {absl::AbortedError("moved"), absl::ResourceExhaustedError("too slow")}) {
    Make();
    Open();
    Sent();
    Pong(1);
    servers_.clear();
    End(status);
    Step();
    EXPECT_THAT(servers_, IsEmpty());
    now_ = session_->NextDeadline();
    Step();
    EXPECT_EQ(servers_.size(), 1u);
  }
}

TEST_F(SessionTest, ClosingAnswersAndEndsTheSession) {
  Make();
  Open();
  v1::Request close;
  close.mutable_close_session();
  Submit(std::move(close), "close");
  Submit(Set("/a"), "late");
  Sent();
  Reply(1);
  EXPECT_THAT(TakeLog(), ElementsAre("connected", "late: Closed", "close: Ok", "closed"));
}

TEST_F(SessionTest, ACloseWhoseAnswerWasCutOffIsDoneWhenTheSessionIsUnknown) {
  Make();
  Open();
  v1::Request close;
  close.mutable_close_session();
  Submit(std::move(close), "close");
  Sent();
  End(absl::UnavailableError("cut"));
  Attach();
  End(absl::UnauthenticatedError("unknown session"));
  EXPECT_THAT(TakeLog(), ElementsAre("connected", "suspended", "closed", "close: Ok"));
}

TEST_F(SessionTest, InputsOfAnEarlierAttemptAreIgnored) {
  Make();
  Open();
  const uint64_t old = attempt_;
  End(absl::UnavailableError("cut"));
  Attach();
  v1::ServerMessage message;
  message.add_items()->mutable_reply()->set_id(1);
  session_->OnMessage(old, message, now_);
  session_->OnEnded(old, absl::UnauthenticatedError("late"), now_);
  Connected();
  EXPECT_EQ(session_->state(), SessionState::kConnected);
}

}  // namespace
}  // namespace synod::client

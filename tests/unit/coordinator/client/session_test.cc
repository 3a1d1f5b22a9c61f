// The session of a client, stepped: no socket, no clock.
#include "coordinator/client/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/client/convert.h"

namespace synod::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SessionTest : public ::testing::Test {
 protected:
  void Make(SessionTimes times = {}, std::string chroot = "", size_t servers = 3) {
    std::vector<std::string> addresses;
    for (size_t i = 0; i < servers; ++i) addresses.push_back("server" + std::to_string(i) + ":1");
    session_ = std::make_unique<Session>(addresses, Chroot(chroot), times, 7, [this](SessionState s) {
      log_.push_back(std::string(SessionStateName(s)));
    });
  }
  // Runs what the session wants done at `now_`.
  void Step() {
    session_->OnTick(now_);
    if (session_->TakeDisconnect()) ++disconnects_;
    if (auto connect = session_->TakeConnect()) {
      attempt_ = connect->attempt;
      servers_.push_back(connect->server);
    }
    for (auto& task : session_->TakeDeliveries()) task();
  }
  v1::ClientMessage Sent() {
    v1::ClientMessage message;
    if (auto bytes = session_->TakeMessage(now_)) {
      EXPECT_TRUE(message.ParseFromString(*bytes));
    }
    return message;
  }
  // Brings the stream to where Connect was sent; returns it.
  v1::ClientMessage Attach() {
    Step();
    session_->OnStarted(attempt_, now_);
    return Sent();
  }
  void Connected(uint32_t timeout_ms = 3000, uint32_t grace_ms = 0, int64_t zxid = 0) {
    v1::ServerMessage message;
    v1::Connected* c = message.mutable_connected();
    c->set_session_id(42);
    c->set_password("secret");
    c->set_timeout_ms(timeout_ms);
    c->set_disconnect_grace_ms(grace_ms);
    c->set_zxid(zxid);
    session_->OnMessage(attempt_, message, now_);
    Step();
  }
  void Open(uint32_t timeout_ms = 3000, uint32_t grace_ms = 0) {
    Attach();
    Connected(timeout_ms, grace_ms);
  }
  void Pong(uint64_t ping) {
    v1::ServerMessage message;
    message.add_items()->mutable_pong()->set_ping(ping);
    session_->OnMessage(attempt_, message, now_);
    Step();
  }
  void Reply(uint64_t id, v1::ErrorCode error = v1::OK, int64_t zxid = 0) {
    v1::ServerMessage message;
    v1::Reply* reply = message.add_items()->mutable_reply();
    reply->set_id(id);
    reply->set_error(error);
    reply->set_zxid(zxid);
    session_->OnMessage(attempt_, message, now_);
    Step();
  }
  void Event(v1::WatchEvent::Type type, const std::string& path, int64_t zxid = 0) {
    v1::ServerMessage message;
    v1::WatchEvent* event = message.add_items()->mutable_event();
    event->set_type(type);
    event->set_path(path);
    event->set_zxid(zxid);
    session_->OnMessage(attempt_, message, now_);
    Step();
  }
  void End(absl::Status status) {
    session_->OnEnded(attempt_, status, now_);
    for (auto& task : session_->TakeDeliveries()) task();
  }
  // Logs "name: result".
  void Submit(v1::Request request, const std::string& name, bool watch = false, absl::Duration deadline = absl::InfiniteDuration()) {
    Submission submission{std::move(request), nullptr, nullptr, deadline};
    submission.done = [this, name](const Error& error, v1::Reply& reply) {
      std::string line = name + ": " + std::string(ErrorCodeName(error.code));
      if (error.effect == Effect::kMayHaveBeenDone) line += "?";
      if (!reply.result().path().empty()) line += " " + reply.result().path();
      last_message_ = error.message;
      log_.push_back(line);
    };
    if (watch) submission.watch = [this, name](const WatchEvent& e) { log_.push_back(name + " fired " + e.path); };
    session_->Submit(std::move(submission), now_);
  }
  static v1::Request Set(const std::string& path) { return SetRequest(path, "x", -1); }
  static std::vector<uint64_t> Sequences(const v1::ClientMessage& message) {
    std::vector<uint64_t> out;
    for (const v1::Request& r : message.requests()) out.push_back(r.sequence());
    return out;
  }
  std::vector<std::string> TakeLog() { return std::exchange(log_, {}); }

  std::unique_ptr<Session> session_;
  absl::Duration now_ = absl::Seconds(1000);
  uint64_t attempt_ = 0;
  int disconnects_ = 0;
  std::vector<size_t> servers_;
  std::vector<std::string> log_;
  std::string last_message_;
};

TEST_F(SessionTest, ConnectsAndAsksForANewSession) {
  Make();
  const v1::ClientMessage message = Attach();
  EXPECT_TRUE(message.has_connect());
  EXPECT_EQ(message.connect().session_id(), 0);
  EXPECT_EQ(message.connect().timeout_ms(), 10'000u);
  Connected();
  EXPECT_THAT(TakeLog(), ElementsAre("connected"));
  EXPECT_EQ(session_->session_id(), 42);
}

TEST_F(SessionTest, WritesAreNumberedWithoutGapsAndReadsAreNot) {  // S2
  Make();
  Submit(Set("/a"), "a");
  Submit(GetRequest("/a", ReadStrength::kSession, false), "read");
  Submit(Set("/b"), "b");
  Open();
  const v1::ClientMessage message = Sent();
  EXPECT_THAT(Sequences(message), ElementsAre(1, 0, 2));
  EXPECT_EQ(message.requests(0).id(), 1u);
  EXPECT_EQ(message.confirmed_below(), 1u);
}

TEST_F(SessionTest, QueuedRequestsLeaveInOneMessage) {
  Make();
  Open();
  Sent();  // the first ping
  for (int i = 0; i < 50; ++i) Submit(Set("/a"), "a");
  EXPECT_EQ(Sent().requests_size(), 50);
  EXPECT_FALSE(session_->TakeMessage(now_).has_value());
}

TEST_F(SessionTest, NeverMoreInFlightThanTheServerReads) {
  Make();
  Attach();
  v1::ServerMessage hello;
  hello.mutable_connected()->set_session_id(42);
  hello.mutable_connected()->set_timeout_ms(3000);
  hello.mutable_connected()->set_max_outstanding(2);
  session_->OnMessage(attempt_, hello, now_);
  for (int i = 0; i < 3; ++i) Submit(Set("/a"), "a");
  EXPECT_EQ(Sent().requests_size(), 2);
  Reply(1);
  EXPECT_THAT(Sequences(Sent()), ElementsAre(3));
}

TEST_F(SessionTest, UnansweredRequestsAreSentAgainAsTheyWereUnderTheirNumbers) {  // S2
  Make();
  Open();
  Submit(Set("/a"), "a");
  Submit(GetRequest("/r", ReadStrength::kSession, false), "r");
  Submit(Set("/b"), "b");
  const v1::ClientMessage first = Sent();
  Reply(1);
  End(absl::UnavailableError("killed"));
  const v1::ClientMessage connect = Attach();
  EXPECT_EQ(connect.connect().session_id(), 42);
  EXPECT_EQ(connect.connect().password(), "secret");
  EXPECT_EQ(connect.connect().confirmed_below(), 2u);
  Connected();
  Submit(Set("/c"), "c");
  const v1::ClientMessage again = Sent();
  ASSERT_EQ(again.requests_size(), 3);
  EXPECT_EQ(again.requests(0).SerializeAsString(), first.requests(1).SerializeAsString());
  EXPECT_EQ(again.requests(1).SerializeAsString(), first.requests(2).SerializeAsString());
  EXPECT_EQ(again.requests(2).sequence(), 3u);
  Reply(2);
  Reply(3);
  Reply(4);
  EXPECT_THAT(TakeLog(), ElementsAre("connected", "a: Ok", "suspended", "connected", "r: Ok", "b: Ok", "c: Ok"));
}

TEST_F(SessionTest, ConfirmedBelowIsTheFirstUnansweredWrite) {  // S3
  Make();
  Open();
  for (int i = 0; i < 3; ++i) Submit(Set("/a"), "a");
  Sent();
  Reply(1);
  Reply(2);
  Submit(GetRequest("/r", ReadStrength::kSession, false), "r");
  EXPECT_EQ(Sent().confirmed_below(), 3u);
  Reply(3);
  Reply(4);
  Submit(GetRequest("/r", ReadStrength::kSession, false), "r");
  EXPECT_EQ(Sent().confirmed_below(), 4u);
}

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
  EXPECT_THAT(TakeLog(), ElementsAre("connected", "expired", "sent: SessionExpired?", "read: SessionExpired", "unsent: SessionExpired",
                                     "later: SessionExpired"));
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

TEST_F(SessionTest, ADeadlineAnswersTheCallerAndKeepsTheRequestsPlace) {
  Make();
  Open();
  Submit(Set("/a"), "a", false, now_ + absl::Milliseconds(300));
  Submit(Set("/b"), "b");
  Sent();
  now_ += absl::Milliseconds(300);
  Step();
  EXPECT_THAT(TakeLog(), ElementsAre("connected", "a: Timeout?"));
  Reply(1);
  Reply(2);
  EXPECT_THAT(TakeLog(), ElementsAre("b: Ok"));
}

TEST_F(SessionTest, AnUnsentRequestTimesOutAsNotDoneWithWhatWasTried) {
  Make();
  Submit(Set("/a"), "a", false, now_ + absl::Milliseconds(100));
  Step();
  End(absl::UnavailableError("connection refused"));
  now_ += absl::Milliseconds(100);
  Step();
  EXPECT_THAT(TakeLog(), ElementsAre("a: Timeout"));
  EXPECT_THAT(last_message_, HasSubstr("connection refused"));
}

TEST_F(SessionTest, TheChrootIsAddedToRequestsAndStrippedFromAnswers) {
  Make({}, "/app");
  Open();
  Submit(CreateRequest("/a", "x", CreateMode::kPersistentSequential), "create");
  Submit(GetRequest("/", ReadStrength::kSession, true), "root", true);
  Submit(MultiRequest({Operation::Check("/m")}), "multi");
  const v1::ClientMessage message = Sent();
  EXPECT_EQ(message.requests(0).create().path(), "/app/a");
  EXPECT_EQ(message.requests(1).get_data().path(), "/app");
  EXPECT_EQ(message.requests(2).multi().operations(0).check().path(), "/app/m");
  v1::ServerMessage replies;
  replies.add_items()->mutable_reply()->set_id(1);
  replies.mutable_items(0)->mutable_reply()->mutable_result()->set_path("/app/a0000000001");
  replies.add_items()->mutable_reply()->set_id(2);
  session_->OnMessage(attempt_, replies, now_);
  Step();
  Event(v1::WatchEvent::DATA_CHANGED, "/app");
  EXPECT_THAT(TakeLog(), ElementsAre("connected", "create: Ok /a0000000001", "root: Ok", "root fired /"));
}

TEST_F(SessionTest, WatchesAreArmedAgainWithTheZxidTheyWereValidAt) {  // W2
  Make();
  Open();
  Submit(GetRequest("/data", ReadStrength::kSession, true), "data", true);
  Submit(ExistsRequest("/absent", ReadStrength::kSession, true), "absent", true);
  Submit(ExistsRequest("/there", ReadStrength::kSession, true), "there", true);
  Submit(GetRequest("/missing", ReadStrength::kSession, true), "missing", true);
  Submit(AddWatchRequest("/tree", PersistentWatchKind::kPersistentRecursive), "tree", true);
  Sent();
  Reply(1, v1::OK, 10);
  Reply(2, v1::NO_NODE, 11);
  Reply(3, v1::OK, 12);
  Reply(4, v1::NO_NODE, 13);  // no watch on the data of a missing node
  Reply(5, v1::OK, 14);
  // An event says nothing of other events up to its zxid: it must not move the watches' zxid.
  Event(v1::WatchEvent::CREATED, "/tree/x", 99);
  End(absl::UnavailableError("cut"));
  const v1::ClientMessage message = Attach();
  std::vector<std::string> armed;
  for (const v1::WatchSet& set : message.connect().rearm()) {
    armed.push_back(set.path() + " " + v1::WatchKind_Name(set.kind()) + " " + std::to_string(set.since_zxid()));
  }
  EXPECT_THAT(armed, ElementsAre("/absent EXISTS 14", "/data DATA 14", "/there DATA 14", "/tree WATCH_PERSISTENT_RECURSIVE 14"));
  EXPECT_EQ(message.connect().last_zxid(), 99);  // S9
}

TEST_F(SessionTest, TheZxidOfAnAttachDoesNotMoveTheWatches) {  // events of watches set again come after Connected
  Make();
  Open();
  Submit(GetRequest("/data", ReadStrength::kSession, true), "data", true);
  Sent();
  Reply(1, v1::OK, 10);
  End(absl::UnavailableError("cut"));
  Attach();
  Connected(3000, 0, 50);
  End(absl::UnavailableError("cut again"));
  now_ = std::max(now_, session_->NextDeadline());
  EXPECT_EQ(Attach().connect().rearm(0).since_zxid(), 10);
}

TEST_F(SessionTest, AOneShotWatchFiresOnceAndBeforeTheReplyThatShowsTheChange) {  // W2
  Make();
  Open();
  Submit(GetRequest("/a", ReadStrength::kSession, true), "watch", true);
  Sent();
  Reply(1);
  Submit(Set("/a"), "set");
  Sent();
  v1::ServerMessage message;
  for (int i = 0; i < 2; ++i) {
    v1::WatchEvent* event = message.add_items()->mutable_event();
    event->set_type(v1::WatchEvent::DATA_CHANGED);
    event->set_path("/a");
  }
  message.add_items()->mutable_reply()->set_id(2);
  session_->OnMessage(attempt_, message, now_);
  Step();
  EXPECT_THAT(TakeLog(), ElementsAre("connected", "watch: Ok", "watch fired /a", "set: Ok"));
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

TEST_F(SessionTest, ARequestTooLargeIsRefusedHereAndTakesNoNumber) {
  Make();
  Open();
  Submit(SetRequest("/a", std::string(5'000'000, 'x'), -1), "large");
  Submit(Set("/b"), "b");
  EXPECT_THAT(Sequences(Sent()), ElementsAre(1));
  Step();
  EXPECT_THAT(TakeLog(), ElementsAre("connected", "large: TooLarge"));
}

TEST_F(SessionTest, AReplyOutOfOrderBreaksTheConnection) {
  Make();
  Open();
  Submit(Set("/a"), "a");
  Submit(Set("/b"), "b");
  Sent();
  Reply(2);
  EXPECT_EQ(disconnects_, 1);
  EXPECT_THAT(TakeLog(), ElementsAre("connected", "suspended"));
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

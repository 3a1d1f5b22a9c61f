// Requests and watches of a session, stepped: no socket, no clock.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/coordinator/client/session_harness.h"

namespace synod::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

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
  // An event says nothing of other watches' events up to its zxid: it moves the cursor of its own.
  Event(v1::WatchEvent::CREATED, "/tree/x", 99, 6);
  End(absl::UnavailableError("cut"));
  const v1::ClientMessage message = Attach();
  std::vector<std::string> armed;
  for (const v1::WatchSet& set : message.connect().rearm()) {
    armed.push_back(set.path() + " " + v1::WatchKind_Name(set.kind()) + " " +
                    Cursor{set.since_zxid(), set.since_ordinal()}.ToString());
  }
  EXPECT_THAT(armed, ElementsAre("/absent EXISTS 14-0", "/data DATA 14-0", "/there DATA 14-0",
                                 "/tree WATCH_PERSISTENT_RECURSIVE 99-6"));
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

}  // namespace
}  // namespace synod::client

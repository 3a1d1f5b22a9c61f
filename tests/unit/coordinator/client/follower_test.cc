// What a Follow does, stepped (W3): no socket, no clock.
#include "coordinator/client/follower.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace synod::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FollowerTest : public ::testing::Test {
 protected:
  void Make(std::optional<Cursor> after = std::nullopt, size_t servers = 1, std::string chroot = "") {
    ServerList list;
    for (size_t i = 0; i < servers; ++i) list.addresses.push_back("server" + std::to_string(i) + ":1");
    list.chroot = Chroot(std::move(chroot));
    FollowOptions options;
    options.path = "/t";
    options.recursive = true;
    options.after = after;
    options.credentials = {{"digest", "me:secret"}};
    FollowCallbacks callbacks;
    callbacks.on_events = [this](std::vector<FollowEvent> events, Cursor cursor) {
      for (const FollowEvent& e : events) {
        log_.push_back(std::string(WatchEventName(e.type)) + " " + e.path + " " + Cursor{e.zxid, e.ordinal}.ToString());
      }
      if (events.empty()) log_.push_back("mark " + cursor.ToString());
      cursor_ = cursor;
    };
    callbacks.on_state = [this](FollowState state, const std::string& why) {
      log_.push_back(state == FollowState::kFollowing ? "following" : "interrupted");
      why_ = why;
    };
    callbacks.on_lost = [this](Cursor oldest) { log_.push_back("lost " + oldest.ToString()); };
    callbacks.on_failed = [this](const Error& error) { log_.push_back("failed " + error.ToString()); };
    follower_ = std::make_unique<Follower>(std::move(list), std::move(options), std::move(callbacks), 7);
  }
  void Step() {
    follower_->OnTick(now_);
    if (follower_->TakeDisconnect()) ++disconnects_;
    if (auto connect = follower_->TakeConnect()) {
      attempt_ = connect->attempt;
      servers_.push_back(connect->server);
      EXPECT_TRUE(request_.ParseFromString(connect->request));
    }
    Deliver();
  }
  void Deliver() {
    if (follower_->TakeDisconnect()) ++disconnects_;
    for (auto& task : follower_->TakeDeliveries()) task();
  }
  // Comes to where a stream stands; what it asks for.
  std::string Start() {
    now_ = std::max(now_, follower_->NextDeadline());
    Step();
    follower_->OnStarted(attempt_, now_);
    if (!request_.has_after()) return "now";
    return Cursor{request_.after().zxid(), request_.after().ordinal()}.ToString();
  }
  void Respond(std::vector<Cursor> events, std::optional<Cursor> cursor) {
    v1::WatchResponse response;
    for (const Cursor& at : events) {
      v1::WatchStreamEvent* event = response.add_events();
      event->set_type(v1::WatchEvent::CREATED);
      event->set_path("/t/x");
      event->set_zxid(at.zxid);
      event->set_ordinal(at.ordinal);
    }
    if (cursor) {
      response.mutable_cursor()->set_zxid(cursor->zxid);
      response.mutable_cursor()->set_ordinal(cursor->ordinal);
    }
    follower_->OnResponse(attempt_, response, now_);
    Deliver();
  }
  void TooOld(Cursor oldest) {
    v1::WatchResponse response;
    response.mutable_oldest()->set_zxid(oldest.zxid);
    response.mutable_oldest()->set_ordinal(oldest.ordinal);
    follower_->OnResponse(attempt_, response, now_);
    Deliver();
  }
  void End(absl::Status status) {
    follower_->OnEnded(attempt_, status, now_);
    Deliver();
  }
  std::vector<std::string> TakeLog() { return std::exchange(log_, {}); }

  std::unique_ptr<Follower> follower_;
  absl::Duration now_ = absl::Seconds(1000);
  uint64_t attempt_ = 0;
  int disconnects_ = 0;
  std::vector<size_t> servers_;
  v1::WatchRequest request_;
  std::vector<std::string> log_;
  std::string why_;
  Cursor cursor_;
};

TEST_F(FollowerTest, AsksForWhatItsOptionsSay) {
  Make(std::nullopt, 1, "/app");
  EXPECT_EQ(Start(), "now");
  EXPECT_EQ(request_.path(), "/app/t");
  EXPECT_TRUE(request_.recursive());
  EXPECT_EQ(request_.progress_ms(), 2000u);
  EXPECT_EQ(request_.credentials(0).credential(), "me:secret");
  EXPECT_THAT(TakeLog(), IsEmpty());
}

TEST_F(FollowerTest, TheFirstResponseSaysFromWhereOnNothingIsMissed) {  // W3
  Make();
  Start();
  Respond({}, Cursor{10});
  EXPECT_THAT(TakeLog(), ElementsAre("following", "mark 10-all"));
  End(absl::UnavailableError("cut"));
  EXPECT_EQ(Start(), "10-all");
}

TEST_F(FollowerTest, GoesOnFromTheLastEventAcrossServersAndDropsRepetitions) {  // W3
  Make(Cursor{5, 2}, 3);
  EXPECT_EQ(Start(), "5-2");
  Respond({{5, 2}, {5, 4}, {7, 0}, {7, 2}}, Cursor{7, 2});
  EXPECT_THAT(TakeLog(), ElementsAre("following", "created /t/x 5-4", "created /t/x 7-0", "created /t/x 7-2"));
  End(absl::UnavailableError("killed"));
  EXPECT_THAT(TakeLog(), ElementsAre("interrupted"));
  EXPECT_EQ(Start(), "7-2");
  EXPECT_EQ(std::set<size_t>(servers_.begin(), servers_.end()).size(), 2u);
  Respond({{7, 2}, {7, 4}}, std::nullopt);  // without a cursor the last event is it
  EXPECT_THAT(TakeLog(), ElementsAre("following", "created /t/x 7-4"));
  EXPECT_EQ(cursor_, (Cursor{7, 4}));
}

TEST_F(FollowerTest, ProgressMarksMoveTheCursorAndNeverBack) {  // W3
  Make(Cursor{5});
  Start();
  Respond({}, Cursor{90});
  Respond({}, Cursor{80});  // a server that is behind
  EXPECT_EQ(cursor_, Cursor{90});
  Respond({{85, 0}}, Cursor{85, 0});
  EXPECT_THAT(TakeLog(), ElementsAre("following", "mark 90-all", "mark 90-all", "mark 90-all"));
  End(absl::UnavailableError("cut"));
  EXPECT_EQ(Start(), "90-all");
}

TEST_F(FollowerTest, SilenceOfThreeMarksIsABrokenConnection) {
  Make(Cursor{5});
  Start();
  Respond({}, Cursor{6});
  TakeLog();
  now_ += absl::Seconds(6) - absl::Milliseconds(1);
  Step();
  EXPECT_EQ(disconnects_, 0);
  now_ += absl::Milliseconds(1);
  Step();
  EXPECT_EQ(disconnects_, 1);
  EXPECT_THAT(TakeLog(), ElementsAre("interrupted"));
  EXPECT_EQ(Start(), "6-all");
}

TEST_F(FollowerTest, AServerThatNeverAnswersIsLeftToo) {
  Make(Cursor{5}, 2);
  Start();
  now_ += absl::Seconds(6);
  Step();
  EXPECT_EQ(disconnects_, 1);
  EXPECT_EQ(servers_.size(), 2u);
  now_ += absl::Seconds(1);  // and one whose transport never stands
  Step();
  EXPECT_EQ(disconnects_, 2);
}

TEST_F(FollowerTest, TimeSpentInCallbacksIsNotSilence) {
  Make(Cursor{5});
  Start();
  Respond({}, Cursor{6});
  now_ += absl::Minutes(1);
  follower_->OnDelivered(now_);
  Step();
  EXPECT_EQ(disconnects_, 0);
}

TEST_F(FollowerTest, AnInputOfAnEarlierStreamIsIgnored) {
  Make(Cursor{5});
  Start();
  const uint64_t old = attempt_;
  End(absl::UnavailableError("cut"));
  Start();
  v1::WatchResponse late;
  late.mutable_cursor()->set_zxid(50);
  follower_->OnResponse(old, late, now_);
  follower_->OnEnded(old, absl::OutOfRangeError("late"), now_);
  Step();
  EXPECT_THAT(TakeLog(), ElementsAre("interrupted"));
}

TEST_F(FollowerTest, ACursorThatIsTooOldEverywhereIsLost) {  // W3: with the oldest on offer
  Make(Cursor{5}, 3);
  for (const int64_t oldest : {70, 60, 80}) {
    EXPECT_EQ(Start(), "5-all");
    EXPECT_THAT(TakeLog(), IsEmpty());
    TooOld(Cursor{oldest});
  }
  EXPECT_THAT(TakeLog(), ElementsAre("lost 60-all"));
  EXPECT_EQ(std::set<size_t>(servers_.begin(), servers_.end()).size(), 3u);
  EXPECT_EQ(follower_->NextDeadline(), absl::InfiniteDuration());
}

TEST_F(FollowerTest, AServerWithALongerWindowServesWhatAnotherRefused) {
  Make(Cursor{5}, 3);
  Start();
  TooOld(Cursor{70});
  Start();
  Respond({{6, 0}}, Cursor{6, 0});
  EXPECT_THAT(TakeLog(), ElementsAre("following", "created /t/x 6-0"));
  // The refusal is forgotten: it was of another cursor.
  for (int i = 0; i < 3; ++i) {
    End(absl::UnavailableError("cut"));
    Start();
  }
  EXPECT_THAT(TakeLog(), ElementsAre("interrupted"));
}

TEST_F(FollowerTest, AServerThatCannotBeReachedDoesNotHoldBackTheVerdict) {
  Make(Cursor{5}, 2);
  Start();
  TooOld(Cursor{70});
  Start();
  End(absl::UnavailableError("connection refused"));
  EXPECT_THAT(TakeLog(), ElementsAre("lost 70-all"));
}

TEST_F(FollowerTest, ARefusalForGoodEndsIt) {
  Make(Cursor{5}, 3);
  Start();
  End(absl::InvalidArgumentError("bad path"));
  EXPECT_THAT(TakeLog(), ElementsAre("failed Malformed: bad path"));
  EXPECT_EQ(follower_->NextDeadline(), absl::InfiniteDuration());
  Make(Cursor{5}, 3);
  Start();
  End(absl::UnauthenticatedError("scheme x"));
  EXPECT_THAT(TakeLog(), ElementsAre("failed AuthFailed: scheme x"));
}

TEST_F(FollowerTest, AllServersAreTriedAtOnceAndThenThereIsAPause) {
  Make(std::nullopt, 3);
  for (int i = 0; i < 3; ++i) {
    EXPECT_LE(follower_->NextDeadline(), now_);
    Step();
    End(absl::UnavailableError("connection refused"));
  }
  EXPECT_EQ(std::set<size_t>(servers_.begin(), servers_.end()).size(), 3u);
  EXPECT_GT(follower_->NextDeadline(), now_);
  EXPECT_THAT(TakeLog(), ElementsAre("interrupted"));
  EXPECT_THAT(why_, HasSubstr("server0:1: connection refused"));
}

TEST_F(FollowerTest, AServerThatGreetsAndHangsUpIsNotTriedWithoutPause) {
  Make();
  Start();
  Respond({}, Cursor{10});
  End(absl::UnavailableError("going away"));
  EXPECT_GT(follower_->NextDeadline(), now_);
}

TEST_F(FollowerTest, TooManyStreamsWaits) {
  Make(Cursor{5}, 3);
  Start();
  Respond({}, Cursor{6});
  Respond({}, Cursor{7});
  End(absl::ResourceExhaustedError("too many streams"));
  EXPECT_GT(follower_->NextDeadline(), now_);
}

}  // namespace
}  // namespace synod::client

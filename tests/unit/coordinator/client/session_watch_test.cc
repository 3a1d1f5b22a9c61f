// Persistent watches of a session across breaks (W3), stepped: no socket, no clock.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/coordinator/client/session_harness.h"

namespace synod::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr auto kCreated = v1::WatchEvent::CREATED;
constexpr auto kChanged = v1::WatchEvent::DATA_CHANGED;

class SessionWatchTest : public SessionTest {
 protected:
  // A watch on `path` that the server confirmed at `zxid`. It logs "path: event of path zxid-ordinal".
  void Watch(const std::string& path, PersistentWatchKind kind, int64_t zxid) {
    Submission submission{AddWatchRequest(path, kind), nullptr, [](const Error&, v1::Reply&) {}};
    submission.watch = [this, path](const WatchEvent& e) {
      log_.push_back(path + ": " + std::string(WatchEventName(e.type)) + " " + e.path + " " +
                     Cursor{e.zxid, e.ordinal}.ToString());
    };
    session_->Submit(std::move(submission), now_);
    Sent();
    Reply(++ids_, v1::OK, zxid);
  }
  void WatchTree(int64_t zxid = 10) {
    Make();
    Open();
    Watch("/t", PersistentWatchKind::kPersistentRecursive, zxid);
    TakeLog();
  }
  // Breaks and attaches again; what the session asks for of its watches, as "path zxid-ordinal".
  std::vector<std::string> Reconnect() {
    End(absl::UnavailableError("cut"));
    now_ = std::max(now_, session_->NextDeadline());
    const v1::ClientMessage connect = Attach();
    std::vector<std::string> out;
    for (const v1::WatchSet& set : connect.connect().rearm()) {
      out.push_back(set.path() + " " + Cursor{set.since_zxid(), set.since_ordinal()}.ToString());
    }
    Connected(3000, 0, 1000);
    TakeLog();
    return out;
  }
  uint64_t ids_ = 0;
};

TEST_F(SessionWatchTest, ABreakBetweenTwoEventsOfOneZxidLosesAndRepeatsNothing) {  // W3
  WatchTree();
  Event(kCreated, "/t/a", 20, 0);
  EXPECT_THAT(TakeLog(), ElementsAre("/t: created /t/a 20-0"));
  EXPECT_THAT(Reconnect(), ElementsAre("/t 20-0"));
  Event(kCreated, "/t/a", 20, 0);  // a server that says it again
  Event(kCreated, "/t/b", 20, 2);
  Event(kCreated, "/t/c", 21, 0);
  EXPECT_THAT(TakeLog(), ElementsAre("/t: created /t/b 20-2", "/t: created /t/c 21-0"));
}

TEST_F(SessionWatchTest, ABreakBetweenAnEventAndItsReplyAsksForTheRestOfTheZxid) {  // W3
  WatchTree();
  Submit(Set("/t/a"), "set");
  Sent();
  Event(kChanged, "/t/a", 20, 0);
  EXPECT_THAT(Reconnect(), ElementsAre("/t 20-0"));
  Sent();
  Reply(++ids_, v1::OK, 20);  // the first outcome again
  EXPECT_THAT(TakeLog(), ElementsAre("set: Ok"));
  EXPECT_THAT(Reconnect(), ElementsAre("/t 20-all"));
}

TEST_F(SessionWatchTest, RepliesAndPongsCoverAllOfTheirZxidAndNothingGoesBack) {  // W3
  WatchTree(10);
  EXPECT_THAT(Reconnect(), ElementsAre("/t 10-all"));
  const uint64_t ping = Sent().ping();
  Pong(ping, 30);
  EXPECT_THAT(Reconnect(), ElementsAre("/t 30-all"));
  Event(kChanged, "/t/a", 29, 0);
  Event(kChanged, "/t/a", 30, 4);
  EXPECT_THAT(TakeLog(), IsEmpty());
  EXPECT_THAT(Reconnect(), ElementsAre("/t 30-all"));
}

TEST_F(SessionWatchTest, TheZxidOfAnAttachCoversNothing) {  // W3: what was missed comes after it
  WatchTree(10);
  Reconnect();  // Connected says 1000
  EXPECT_THAT(Reconnect(), ElementsAre("/t 10-all"));
  Event(kChanged, "/t/a", 11, 0);
  EXPECT_THAT(TakeLog(), ElementsAre("/t: changed /t/a 11-0"));
}

TEST_F(SessionWatchTest, AfterEveryBreakEachEventIsHeardOnce) {  // W3: break at every place, repeat everything
  std::vector<std::pair<int64_t, uint32_t>> places;
  for (int64_t zxid = 20; zxid < 24; ++zxid) {
    for (uint32_t ordinal = 0; ordinal < 6; ordinal += 2) places.push_back({zxid, ordinal});
  }
  for (size_t cut = 0; cut <= places.size(); ++cut) {
    ids_ = 0;
    WatchTree();
    std::vector<std::string> heard, wanted;
    for (size_t i = 0; i < cut; ++i) Event(kChanged, "/t/a", places[i].first, places[i].second);
    heard = TakeLog();
    Reconnect();
    for (const auto& [zxid, ordinal] : places) {
      Event(kChanged, "/t/a", zxid, ordinal);
      wanted.push_back("/t: changed /t/a " + Cursor{zxid, ordinal}.ToString());
    }
    for (const std::string& line : TakeLog()) heard.push_back(line);
    EXPECT_EQ(heard, wanted) << cut;
  }
}

TEST_F(SessionWatchTest, ABreakWhileCatchingUpAsksFromTheSamePlaceAgain) {  // W3
  // An event that one watch asked for is shown to the other as well. It says nothing of what that one missed before,
  // and the server may be about to call it lost.
  WatchTree(10);
  Watch("/t/x", PersistentWatchKind::kPersistent, 10);
  TakeLog();
  Reconnect();
  Event(kChanged, "/t/x", 70, 0);
  EXPECT_THAT(TakeLog(), ElementsAre("/t/x: changed /t/x 70-0", "/t: changed /t/x 70-0"));
  EXPECT_THAT(Reconnect(), ElementsAre("/t 10-all", "/t/x 10-all"));
  Event(kChanged, "/t/x", 70, 0);  // a repetition
  Event(v1::WatchEvent::EVENTS_LOST, "/t", 80, Cursor::kAll);
  EXPECT_THAT(TakeLog(), ElementsAre("/t: lost /t 80-all"));
  EXPECT_THAT(Reconnect(), ElementsAre("/t 80-all", "/t/x 10-all"));
  Pong(Sent().ping(), 90);
  EXPECT_THAT(Reconnect(), ElementsAre("/t 90-all", "/t/x 90-all"));
}

TEST_F(SessionWatchTest, EachWatchGoesOnFromItsOwnLastEvent) {  // W3: an event says nothing of other watches
  Make();
  Open();
  Watch("/a", PersistentWatchKind::kPersistent, 10);
  Watch("/b", PersistentWatchKind::kPersistent, 12);
  TakeLog();
  Event(kChanged, "/a", 20, 0);
  EXPECT_THAT(Reconnect(), ElementsAre("/a 20-0", "/b 12-all"));
  Event(kChanged, "/b", 15, 0);
  EXPECT_THAT(TakeLog(), ElementsAre("/b: changed /b 15-0"));
}

TEST_F(SessionWatchTest, EventsLostIsToldAndTheWatchGoesOn) {  // W3
  WatchTree();
  Watch("/t", PersistentWatchKind::kPersistent, 11);
  Watch("/other", PersistentWatchKind::kPersistent, 12);
  Reconnect();
  Event(v1::WatchEvent::EVENTS_LOST, "/t", 500, Cursor::kAll);
  EXPECT_THAT(TakeLog(), ElementsAre("/t: lost /t 500-all", "/t: lost /t 500-all"));
  Event(kChanged, "/t", 500, 0);  // before what is read again
  Event(kChanged, "/t", 501, 0);
  EXPECT_THAT(TakeLog(), ElementsAre("/t: changed /t 501-0", "/t: changed /t 501-0"));
  Pong(Sent().ping(), 12);
  EXPECT_THAT(Reconnect(), ElementsAre("/other 12-all", "/t 501-0", "/t 501-0"));
}

TEST_F(SessionWatchTest, EventsLostHasTheChrootStripped) {
  Make({}, "/app");
  Open();
  Watch("/t", PersistentWatchKind::kPersistent, 10);
  EXPECT_THAT(Reconnect(), ElementsAre("/app/t 10-all"));
  Event(v1::WatchEvent::EVENTS_LOST, "/app/t", 500, Cursor::kAll);
  EXPECT_THAT(TakeLog(), ElementsAre("/t: lost /t 500-all"));
}

TEST_F(SessionWatchTest, AOneShotWatchSetAgainIsNoSecondEventForAPersistentOne) {  // W2, W3
  WatchTree();
  Submit(GetRequest("/t", ReadStrength::kSession, true), "once", true);
  Sent();
  Reply(++ids_, v1::OK, 11);
  EXPECT_THAT(Reconnect(), ElementsAre("/t 11-0", "/t 11-all"));
  Event(kChanged, "/t", 20, 0);               // the change itself
  Event(kChanged, "/t", 1000, Cursor::kAll);  // the one-shot watch, found to be stale at 1000
  EXPECT_THAT(TakeLog(), ElementsAre("once fired /t", "/t: changed /t 20-0"));
  Pong(Sent().ping(), 15);
  EXPECT_THAT(Reconnect(), ElementsAre("/t 20-0"));
}

TEST_F(SessionWatchTest, AStaleOneShotWatchFiresAtOnce) {  // W2
  Make();
  Open();
  Submit(GetRequest("/a", ReadStrength::kSession, true), "once", true);
  Sent();
  Reply(++ids_, v1::OK, 11);
  EXPECT_THAT(Reconnect(), ElementsAre("/a 11-0"));
  Event(kChanged, "/a", 1000, Cursor::kAll);
  EXPECT_THAT(TakeLog(), ElementsAre("once fired /a"));
  EXPECT_THAT(Reconnect(), IsEmpty());
}

TEST_F(SessionWatchTest, RemovingADataWatchTakesThatOfAnAbsentNodeToo) {  // one kind to the server
  Make();
  Open();
  Submit(ExistsRequest("/a", ReadStrength::kSession, true), "absent", true);
  Submit(GetRequest("/a", ReadStrength::kSession, true), "there", true);
  Submit(RemoveWatchRequest("/a", v1::DATA), "remove");
  Sent();
  Reply(1, v1::NO_NODE, 11);
  Reply(2, v1::OK, 12);
  Reply(3, v1::OK, 12);
  EXPECT_THAT(Reconnect(), IsEmpty());
}

}  // namespace
}  // namespace synod::client

// Watch streams: nothing is lost and nothing comes twice, across pauses, servers and installs (W3).
#include "tests/unit/coordinator/service/watch_fakes.h"

namespace synod::service::testing {
namespace {

using statemachine::Cursor;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// W3: without a cursor it begins now, and says where that is.
TEST(WatchStream, BeginsNowAndSaysWhere) {
  World w;
  w.Lead();
  w.ApplyOther(Create("/a"));
  FakeStream stream;
  OpenStream(&w, &stream, Watching("/a", false));
  EXPECT_NE(stream.id, WatchStreamId(0));
  EXPECT_EQ(stream.cursor, w.Now());
  EXPECT_THAT(stream.Take(), IsEmpty());
  w.ApplyOther(Set("/a", "x"));
  w.ApplyOther(Create("/a/b"));
  w.ApplyOther(Set("/a/b", "x"));
  EXPECT_THAT(stream.Take(), ElementsAre("changed /a", "children /a"));
  EXPECT_EQ(w.service.Stats().watch_streams, 1u);
}

// W3: a recursive one tells of all below, by the changed node's path, and never of lists of children (13.4).
TEST(WatchStream, RecursiveTellsOfAllBelow) {
  World w;
  w.Lead();
  FakeStream stream, root;
  OpenStream(&w, &stream, Watching("/a", true));
  OpenStream(&w, &root, Watching("/", true));
  for (const char* path : {"/a", "/ab", "/a/b", "/a/b/c"}) w.ApplyOther(Create(path));
  w.ApplyOther(Delete("/a/b/c"));
  EXPECT_THAT(stream.Take(), ElementsAre("created /a", "created /a/b", "created /a/b/c", "deleted /a/b/c"));
  EXPECT_EQ(root.events.size(), 5u);
}

// W3: the events of one command come in one answer, numbered within it, its cursor behind all of them.
TEST(WatchStream, CommandIsOneAnswer) {
  World w;
  w.Lead();
  FakeStream stream;
  OpenStream(&w, &stream, Watching("/p", false));
  w.ApplyOther(Create("/p"));
  int before = stream.answers;
  w.ApplyOther(MultiOp{{Create("/p/1"), Set("/p", "x"), Create("/p/2")}});
  EXPECT_EQ(stream.answers, before + 1);
  EXPECT_EQ(stream.cursor, w.Now());
  std::vector<std::string> all = stream.All();
  std::string z = absl::StrCat(w.machine.last_zxid().value());
  EXPECT_THAT(
      all, ElementsAre(::testing::_, "children /p " + z + " 1", "changed /p " + z + " 2", "children /p " + z + " 5"));
}

// L3: what a command changed many times comes with its data once, with the last change; otherwise one multi of small
// writes and a large one would be given as thousands of copies of the large one.
TEST(WatchStream, DataComesWithTheLastChangeOfACommand) {
  World w;
  w.Lead();
  w.ApplyOther(Create("/p"));
  FakeStream stream;
  WatchStreamRequest request = Watching("/p", true);
  request.with_data = true;
  OpenStream(&w, &stream, request);
  w.ApplyOther(MultiOp{{Set("/p", "1"), Create("/p/a", "a"), Set("/p", "2"), Set("/p/a", "b"), Set("/p", "3")}});
  EXPECT_THAT(stream.Take(), ElementsAre("changed /p", "created /p/a", "changed /p", "changed /p/a=b", "changed /p=3"));
}

// W3: from a cursor on, also one within a command; then live, without a gap or a repetition.
TEST(WatchStream, GoesOnFromACursor) {
  World w;
  w.Lead();
  w.ApplyOther(Create("/p"));
  FakeStream whole;
  OpenStream(&w, &whole, Watching("/p", false, Cursor{}));
  w.ApplyOther(MultiOp{{Create("/p/1"), Set("/p", "x"), Create("/p/2")}});
  w.ApplyOther(Delete("/p/1"));
  const std::vector<std::string> all = whole.All();
  ASSERT_EQ(all.size(), 5u);
  for (size_t i = 0; i < all.size(); ++i) {
    FakeStream part;
    OpenStream(&w, &part, Watching("/p", false, Cursor{whole.events[i].zxid, whole.events[i].ordinal}));
    EXPECT_EQ(part.All(), std::vector<std::string>(all.begin() + static_cast<ptrdiff_t>(i) + 1, all.end())) << i;
    w.service.CloseWatch(part.id);
  }
}

// W3, as a property: streams that pause, resume, break off and go on elsewhere tell what one that never does tells.
TEST(WatchStream, HoweverInterruptedTellsTheSame) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    World w;
    w.Lead();
    const bool recursive = random.Below(2) == 0;
    const std::string path = random.Below(2) == 0 ? "/" : "/a";
    FakeStream truth, broken;
    OpenStream(&w, &truth, Watching(path, recursive, Cursor{}));
    broken.room = 1;
    OpenStream(&w, &broken, Watching(path, recursive, Cursor{}));
    const std::vector<std::string> nodes = {"/a", "/b", "/a/c", "/a/d", "/a/c/e"};
    for (int step = 0; step < 300; ++step) {
      const std::string& node = nodes[random.Below(nodes.size())];
      switch (random.Below(9)) {
        case 0:
        case 1:
          w.ApplyOther(Create(node));
          break;
        case 2:
          w.ApplyOther(Set(node, "x"));
          break;
        case 3: {
          DeleteTreeOp op;
          op.path = node;
          w.ApplyOther(op);
          break;
        }
        case 4:
          w.ApplyOther(MultiOp{{Set("/", "x"), Create(node)}});
          break;
        case 5:
          w.loop.RunOne();
          break;
        case 6:
          if (broken.room == 0) {
            broken.room = 1 + static_cast<int>(random.Below(3));
            w.service.ResumeWatch(broken.id);
          }
          break;
        case 7: {  // its connection breaks; it goes on from the last event it saw, or from its cursor
          w.service.CloseWatch(broken.id);
          broken.room = 1 + static_cast<int>(random.Below(5));
          Cursor from = broken.cursor;
          if (random.Below(2) == 0 && !broken.events.empty()) {
            size_t keep = random.Below(broken.events.size() + 1);
            broken.events.resize(keep);
            from = keep == 0 ? Cursor{} : Cursor{broken.events.back().zxid, broken.events.back().ordinal};
          }
          OpenStream(&w, &broken, Watching(path, recursive, from));
          break;
        }
        default:
          if (random.Below(5) == 0) w.service.OnInstalled();
      }
    }
    broken.room = truth.room = 1 << 20;
    w.service.ResumeWatch(broken.id);
    w.loop.Run();
    EXPECT_FALSE(truth.events.empty());
    EXPECT_EQ(broken.All(), truth.All()) << "seed " << seed;
    EXPECT_EQ(broken.cursor.zxid <= w.machine.last_zxid(), true);
  }
}

// W3: a reader that is full is given nothing; what it missed comes from the window, in slices, then it is live again.
TEST(WatchStream, FullReaderGoesOnFromTheWindow) {
  World w;
  w.Lead();
  FakeStream stream;
  stream.room = 2;
  OpenStream(&w, &stream, Watching("/", true));
  const std::string path = "/" + std::string(180, 'p');
  w.ApplyOther(Create(path));
  EXPECT_EQ(stream.room, 0);
  Cursor full_at = stream.cursor;
  const int kChanges = 5000;
  for (int i = 0; i < kChanges; ++i) w.ApplyOther(Set(path, "x"));
  w.loop.Advance(absl::Seconds(5));  // no progress mark either
  EXPECT_EQ(stream.cursor, full_at);
  EXPECT_EQ(w.service.Stats().watches, 0u);
  stream.room = 1 << 20;
  w.service.ResumeWatch(stream.id);
  EXPECT_EQ(stream.events.size(), 1u);  // not inside the call
  int slices = 0;
  while (w.loop.RunOne()) ++slices;
  EXPECT_GE(slices, 4);
  ASSERT_EQ(stream.events.size(), kChanges + 1u);
  for (size_t i = 1; i < stream.events.size(); ++i) EXPECT_EQ(stream.events[i].zxid, stream.events[i - 1].zxid + 1);
  stream.Take();
  w.ApplyOther(Delete(path));
  EXPECT_THAT(stream.Take(), ElementsAre("deleted " + path));
}

// W3, S10: a live stream that was told nothing for long was given everything all the same: the window may have left its
// last event behind when an install makes it go on from there.
TEST(WatchStream, AnIdleOneIsNotLostByAnInstall) {
  statemachine::StateMachineOptions options;
  options.watch_window_bytes = 16 << 10;
  World w(TestConfig(), options);
  w.Lead();
  FakeStream stream;
  OpenStream(&w, &stream, Watching("/quiet", false));
  for (int i = 0; w.machine.window().begin() <= stream.cursor; ++i) w.ApplyOther(Create(absl::StrCat("/", i)));
  Install(&w, &w);
  w.loop.Run();
  EXPECT_FALSE(stream.end);
  w.ApplyOther(Create("/quiet"));
  w.loop.Run();
  EXPECT_THAT(stream.Take(), ElementsAre("created /quiet"));
}

// W3: a cursor older than the window is refused with the oldest on offer; also one that was overtaken while its reader
// was full.
TEST(WatchStream, CursorOlderThanTheWindowIsRefusedWithTheOldest) {
  statemachine::StateMachineOptions options;
  options.watch_window_bytes = 64 << 10;
  World w(TestConfig(), std::move(options));
  w.Lead();
  FakeStream full;
  full.room = 1;
  OpenStream(&w, &full, Watching("/a", false));
  Cursor old = w.Now();
  w.ApplyOther(Create("/a"));
  for (int i = 0; i < 20000 && w.machine.window().begin() <= old; ++i) w.ApplyOther(Set("/a", "x"));
  Cursor begin = w.machine.window().begin();
  ASSERT_GT(begin, old);
  FakeStream late, oldest;
  OpenStream(&w, &late, Watching("/a", false, old));
  EXPECT_EQ(late.id, WatchStreamId(0));
  EXPECT_EQ(late.end, WatchEnd::kEventsLost);
  EXPECT_EQ(late.oldest, begin);
  OpenStream(&w, &oldest, Watching("/a", false, begin));
  EXPECT_FALSE(oldest.end);
  EXPECT_FALSE(oldest.events.empty());
  full.room = 1;
  w.service.ResumeWatch(full.id);
  w.loop.Run();
  EXPECT_EQ(full.end, WatchEnd::kEventsLost);
  EXPECT_EQ(full.oldest, begin);
}

// W3: a cursor beyond what is applied here (another server was further) waits.
TEST(WatchStream, CursorAheadWaits) {
  World w;
  w.Lead();
  w.ApplyOther(Create("/a"));
  Zxid ahead = w.machine.last_zxid() + 2;
  FakeStream stream, within;
  OpenStream(&w, &stream, Watching("/a", false, Cursor{ahead}));
  OpenStream(&w, &within, Watching("/a", false, Cursor{ahead, 0}));
  w.ApplyOther(Set("/a", "1"));
  w.loop.Run();
  EXPECT_EQ(stream.answers, 0);
  w.ApplyOther(MultiOp{{Set("/a", "2"), Set("/a", "3")}});
  w.ApplyOther(Set("/a", "4"));
  w.loop.Run();
  std::string z = absl::StrCat(ahead.value()), next = absl::StrCat((ahead + 1).value());
  EXPECT_THAT(stream.All(), ElementsAre("changed /a " + next + " 0"));
  EXPECT_THAT(within.All(), ElementsAre("changed /a " + z + " 2", "changed /a " + next + " 0"));
}

// 13.7, W3: live and from the window alike the ACL of the moment decides.
TEST(WatchStream, IsJudgedByTheAclOfTheMoment) {
  World w;
  w.Lead();
  FakeStream live, ann_live;
  OpenStream(&w, &live, Watching("/", true, Cursor{}));
  WatchStreamRequest as_ann = Watching("/", true, Cursor{});
  as_ann.credentials = {Digest(kAnn)};
  OpenStream(&w, &ann_live, as_ann);
  w.ApplyOther(CreateWith("/granted", ReadByAnn()));
  w.ApplyOther(SetAcl("/granted", std::nullopt));
  w.ApplyOther(Set("/granted", "open"));
  w.ApplyOther(SetAcl("/granted", ReadByAnn()));
  w.ApplyOther(Delete("/granted"));
  FakeStream past, ann_past;
  OpenStream(&w, &past, Watching("/", true, Cursor{}));
  OpenStream(&w, &ann_past, as_ann);
  EXPECT_THAT(live.log, ElementsAre("changed /granted"));
  EXPECT_THAT(past.log, ElementsAre("changed /granted"));
  EXPECT_THAT(ann_live.log, ElementsAre("created /granted", "changed /granted", "deleted /granted"));
  EXPECT_EQ(ann_past.log, ann_live.log);
}

// W3: data goes with an event only while the node is as that change left it, and only to who may read it now.
TEST(WatchStream, DataIsOfThisChangeOrAbsent) {
  World w;
  w.Lead();
  auto open = [&](FakeStream* stream, std::optional<Cursor> after) {
    WatchStreamRequest request = Watching("/", true, after);
    request.with_data = true;
    OpenStream(&w, stream, request);
  };
  FakeStream live;
  open(&live, std::nullopt);
  w.ApplyOther(Create("/a", "1"));
  w.ApplyOther(Set("/a", "2"));
  w.ApplyOther(Create("/gone", "x"));
  w.ApplyOther(Delete("/gone"));
  w.ApplyOther(Create("/hidden", "secret"));
  EXPECT_THAT(live.Take(), ElementsAre("created /a=1", "changed /a=2", "created /gone=x", "deleted /gone",
                                       "created /hidden=secret"));
  w.ApplyOther(SetAcl("/hidden", ReadByAnn()));
  FakeStream past;
  open(&past, Cursor{});
  EXPECT_THAT(past.Take(),
              ElementsAre("created /a", "changed /a=2", "created /gone", "deleted /gone", "created /hidden"));
  EXPECT_EQ(past.events[1].stat->version, 1);
}

// W3: data makes a slice shorter, so that one turn copies little.
TEST(WatchStream, SlicesAreBoundedByTheirDataToo) {
  World w;
  w.Lead();
  for (int i = 0; i < 10; ++i) w.ApplyOther(Create(absl::StrCat("/n", i), std::string(700'000, 'x')));
  FakeStream stream;
  WatchStreamRequest request = Watching("/", true, Cursor{});
  request.with_data = true;
  OpenStream(&w, &stream, request);
  EXPECT_EQ(stream.events.size(), 2u);
  w.loop.Run();
  EXPECT_EQ(stream.events.size(), 10u);
  EXPECT_EQ(stream.cursor, w.Now());
}

// W3: an idle stream keeps a fresh cursor, and one that is busy is not bothered.
TEST(WatchStream, ProgressMarksKeepTheCursorFresh) {
  World w;
  w.Lead();
  FakeStream stream;
  OpenStream(&w, &stream, Watching("/a", false));
  w.ApplyOther(Create("/elsewhere"));
  w.loop.Advance(absl::Milliseconds(1900));
  EXPECT_EQ(stream.answers, 1);
  w.loop.Advance(absl::Milliseconds(200));
  EXPECT_EQ(stream.answers, 2);
  EXPECT_EQ(stream.cursor, w.Now());
  w.ApplyOther(Create("/a"));
  w.loop.Advance(absl::Milliseconds(1900));
  EXPECT_EQ(stream.answers, 3);
}

// A server that heard of no leader for seconds may be cut off: its streams go elsewhere.
TEST(WatchStream, EndsWithoutALeader) {
  World w;
  w.Follow(2);
  FakeStream stream;
  OpenStream(&w, &stream, Watching("/a", false));
  w.LoseLeader();
  w.node.since_leader_heard = absl::Milliseconds(3900);
  w.loop.Advance(absl::Milliseconds(100));
  EXPECT_FALSE(stream.end);
  w.node.since_leader_heard = absl::Milliseconds(4100);
  w.loop.Advance(absl::Milliseconds(100));
  EXPECT_EQ(stream.end, WatchEnd::kNoQuorum);
}

TEST(WatchStream, IsRefusedOrEndedWithItsReason) {
  ServiceConfig config = TestConfig();
  config.max_watch_streams = 1;
  World w(config);
  w.Lead();
  FakeStream bad_path, unproved, first, second, late;
  OpenStream(&w, &bad_path, Watching("/a/", false));
  EXPECT_EQ(bad_path.end, WatchEnd::kBadArguments);
  WatchStreamRequest request = Watching("/a", false);
  request.credentials = {{"no-such-scheme", "x"}};
  OpenStream(&w, &unproved, request);
  EXPECT_EQ(unproved.end, WatchEnd::kAuthFailed);
  EXPECT_EQ(w.service.Stats().auth_failed, 1u);
  OpenStream(&w, &first, Watching("/a", false));
  OpenStream(&w, &second, Watching("/a", false));
  EXPECT_EQ(second.end, WatchEnd::kOverloaded);
  w.service.Stop();
  EXPECT_EQ(first.end, WatchEnd::kShutdown);
  OpenStream(&w, &late, Watching("/a", false));
  EXPECT_EQ(late.end, WatchEnd::kShutdown);
}

// The window came along with the state: the jump is told from it.
TEST(WatchStream, GoesOnAcrossAnInstall) {
  World w, other;
  w.Follow(2);
  w.ApplyOther(Create("/a"));
  other.ApplyOther(Create("/a"));
  FakeStream stream;
  OpenStream(&w, &stream, Watching("/a", false));
  other.ApplyOther(Set("/a", "1"));
  other.ApplyOther(Set("/a", "2"));
  Install(&w, &other);
  w.loop.Run();
  EXPECT_THAT(stream.Take(), ElementsAre("changed /a", "changed /a"));
  w.ApplyOther(Set("/a", "3"));
  EXPECT_THAT(stream.Take(), ElementsAre("changed /a"));
}

TEST(WatchStream, ClosedOneIsToldNothing) {
  World w;
  w.Lead();
  FakeStream stream;
  OpenStream(&w, &stream, Watching("/a", false));
  w.service.CloseWatch(stream.id);
  w.service.CloseWatch(stream.id);
  w.ApplyOther(Create("/a"));
  EXPECT_THAT(stream.Take(), IsEmpty());
  EXPECT_EQ(w.service.Stats().watch_streams, 0u);
}

}  // namespace
}  // namespace synod::service::testing

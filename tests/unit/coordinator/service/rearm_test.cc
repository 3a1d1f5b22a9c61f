// A client that comes back misses nothing of its persistent watches (W2, W3), and hears no more than it may (13.7).
#include "coordinator/service/watch_replay.h"
#include "tests/unit/coordinator/service/watch_fakes.h"

namespace synod::service::testing {
namespace {

using statemachine::Cursor;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr WatchKind kNodeKind = WatchKind::kPersistent;
constexpr WatchKind kTreeKind = WatchKind::kPersistentRecursive;

// Opens a connection that takes the session of `old` over; the attach is applied, nothing that was posted runs yet.
FakeDoor& Reattach(World* w, const FakeDoor& old, std::vector<WatchSet> rearm,
                   std::vector<Credential> credentials = {}) {
  ConnectRequest request = World::Resume(old);
  request.rearm = std::move(rearm);
  request.credentials = std::move(credentials);
  FakeDoor& door = w->Open();
  w->service.Connect(door.id, std::move(request));
  w->ApplySubmitted();
  return door;
}

std::vector<std::string> Ordinals(const FakeDoor& door) {
  std::vector<std::string> out;
  for (const Notification& n : door.notifications) out.push_back(absl::StrCat(n.ordinal, " ", TypeName(n.type)));
  return out;
}

MultiOp Multi(std::vector<TreeOp> ops) { return MultiOp{std::move(ops)}; }

// W3: a slice of the past may end within a command; the next one goes on with the command's next event.
TEST(WatchReplay, SliceThatEndsWithinACommandLosesNothing) {
  World w;
  w.Lead();
  w.ApplyOther(Create("/p"));
  const Cursor since = w.Now();
  w.ApplyOther(MultiOp{{Create("/p/1"), Create("/p/2"), Create("/p/3"), Set("/p", "x")}});
  for (size_t bytes : {1, 20, 1000}) {
    WatchReplay replay({{"/p", WatchKind::kPersistentRecursive, since}});
    std::vector<Notification> due;
    size_t slices = 1;
    while (!replay.Next(w.machine.window(), w.machine.last_zxid(), access::Caller::Unrestricted(), bytes, &due))
      ++slices;
    std::vector<std::string> told;
    for (const Notification& n : due) told.push_back(n.path + " " + std::to_string(n.ordinal));
    EXPECT_THAT(told, ElementsAre("/p/1 0", "/p/2 2", "/p/3 4", "/p 6")) << bytes;
    EXPECT_EQ(slices, bytes == 1 ? 4u : bytes == 20 ? slices : 1u);
  }
}

// W3: the window may pass a reader between two of its slices; it says so instead of leaving events out.
TEST(WatchReplay, WindowThatPassesTheReaderIsALoss) {
  statemachine::StateMachineOptions options;
  options.watch_window_bytes = 16 << 10;
  World w(TestConfig(), options);
  w.Lead();
  w.ApplyOther(Create("/p"));
  const Cursor since = w.Now();
  for (int i = 0; i < 10; ++i) w.ApplyOther(Set("/p", "x"));
  const Cursor later = w.Now();
  auto next = [&](WatchReplay* replay, size_t bytes, std::vector<Notification>* due) {
    return replay->Next(w.machine.window(), w.machine.last_zxid(), access::Caller::Unrestricted(), bytes, due);
  };
  WatchReplay replay({{"/p", kNodeKind, since}, {"/p", kTreeKind, later}});
  std::vector<Notification> due;
  EXPECT_FALSE(next(&replay, 1, &due));
  EXPECT_EQ(due.size(), 1u);
  for (int i = 0; w.machine.window().begin() <= since; ++i) w.ApplyOther(Create("/" + std::to_string(i)));
  ASSERT_LT(w.machine.window().begin(), w.Now());
  due.clear();
  while (!next(&replay, 1 << 20, &due)) continue;
  EXPECT_THAT(due, IsEmpty());
  EXPECT_THAT(replay.lost(), ElementsAre("/p", "/p"));
}

// W3: what happened in between comes in order, each change once, before anything else of the session.
TEST(Rearm, PersistentWatchesHearOfThePastFirst) {
  World w;
  w.Lead();
  FakeDoor& door = w.Connect();
  Cursor seen = w.Now();
  w.ApplyOther(Create("/a"));
  w.ApplyOther(Set("/a", "1"));
  w.ApplyOther(Create("/elsewhere"));
  w.ApplyOther(Create("/a/b"));
  FakeDoor& next = Reattach(&w, door, {{"/a", kTreeKind, seen}});
  w.Submit(next, {Read(1, GetData{"/a"})});
  w.ApplyOther(Set("/a", "2"));
  EXPECT_THAT(next.Take(), ElementsAre("connected g2 last0", "created /a", "changed /a", "created /a/b", "reply 1 Ok 1",
                                       "changed /a"));
}

// W3: the window is read in slices of one turn each; until its end is reached nothing is answered, sent or live.
TEST(Rearm, LongPastComesInSlicesAndNothingOvertakesIt) {
  World w;
  w.Follow(2);
  FakeDoor& door = w.Connect();
  w.AdvanceAcknowledged(absl::Seconds(1));
  Cursor seen = w.Now();
  const std::string pad(180, 'p');
  const int kChanges = 5000;  // about a megabyte of window
  w.ApplyOther(Create("/" + pad));
  for (int i = 1; i < kChanges; ++i) w.ApplyOther(Set("/" + pad, "x"));
  FakeDoor& next = Reattach(&w, door, {{"/", kTreeKind, seen}, {"/" + pad, WatchKind::kData, w.Now()}});
  w.Submit(next, {Read(1, Exists{"/" + pad}), Write(1, Create("/mine"))});
  w.service.Ping(next.id, 9);
  for (const LivenessReport& report : w.Reports()) w.Acknowledge(report);
  int slices = 1;
  size_t before = 0;
  bool changed = false;
  while (next.notifications.size() < kChanges + 1u) {
    ASSERT_GT(next.notifications.size(), before) << "a slice brought nothing";
    before = next.notifications.size();
    EXPECT_THAT(next.replies, IsEmpty());
    EXPECT_THAT(w.node.submitted, IsEmpty());  // its write waits as well
    if (!std::exchange(changed, true)) w.ApplyOther(Set("/" + pad, "live"));
    ASSERT_TRUE(w.loop.RunOne());
    ++slices;
    ASSERT_LT(slices, 100);
  }
  EXPECT_GE(slices, 4);
  w.loop.Run();
  Zxid last = seen.zxid;
  for (size_t i = 0; i < kChanges + 1u; ++i) {
    EXPECT_GT(next.notifications[i].zxid, last);
    last = next.notifications[i].zxid;
  }
  EXPECT_THAT(w.node.SubmittedNumbers(), ElementsAre(1));
  w.ApplyAll();
  std::vector<std::string> log = next.Take();
  ASSERT_GT(log.size(), kChanges + 2u);
  // Behind the past: the one-shot watch, which is due by then, the pong, and what was asked.
  std::vector<std::string> tail(log.begin() + kChanges + 2, log.end());
  EXPECT_THAT(tail, ElementsAre("changed /" + pad, "pong 9", "reply 1 Ok", "created /mine", "reply 1 Ok"));
}

// W3: a cursor may stand within a command, and within a change: its node told, its parent not.
TEST(Rearm, BreakBetweenOrdinalsLosesNothingAndRepeatsNothing) {
  const std::vector<std::string> all = {"0 created", "1 children", "2 changed"};
  for (uint32_t seen : {0u, 1u, 2u, 3u, Cursor::kAll}) {
    World w;
    w.Lead();
    FakeDoor& door = w.Connect();
    w.ApplyOther(Create("/p"));
    w.ApplyOther(Multi({Create("/p/c"), Set("/p/c", "x")}));
    Cursor cursor{w.machine.last_zxid(), seen};
    FakeDoor& next = Reattach(&w, door, {{"/p", kNodeKind, cursor}, {"/p/c", kNodeKind, cursor}});
    std::vector<std::string> expected(all.begin() + std::min<size_t>(seen == Cursor::kAll ? 3 : seen + 1, 3),
                                      all.end());
    EXPECT_EQ(Ordinals(next), expected) << seen;
  }
}

// W3: each watch goes on from its own cursor.
TEST(Rearm, CursorsOfSeveralWatchesAreTheirOwn) {
  World w;
  w.Lead();
  FakeDoor& door = w.Connect();
  w.ApplyOther(Create("/p"));
  w.ApplyOther(Multi({Create("/p/c"), Set("/p/c", "x")}));
  Zxid z = w.machine.last_zxid();
  w.ApplyOther(Set("/p", "x"));
  FakeDoor& first = Reattach(&w, door, {{"/p", kNodeKind, {z, 0}}, {"/p/c", kNodeKind, {z, 2}}});
  EXPECT_THAT(Ordinals(first), ElementsAre("1 children", "0 changed"));
  FakeDoor& second = Reattach(&w, door, {{"/p", kNodeKind, {z, 1}}, {"/p/c", kNodeKind, {z, 0}}});
  EXPECT_THAT(Ordinals(second), ElementsAre("2 changed", "0 changed"));
  FakeDoor& third = Reattach(&w, door, {{"/p", kTreeKind, {z, 2}}, {"/p/c", kNodeKind, w.Now()}});
  EXPECT_THAT(third.Take(), ElementsAre("connected g4 last0", "changed /p"));
  w.ApplyOther(Set("/p/c", "y"));
  EXPECT_THAT(third.Take(), ElementsAre("changed /p/c"));  // once, although two watches cover it
}

std::vector<std::string> Told(const std::vector<Notification>& notifications) {
  std::vector<std::string> out;
  for (const Notification& n : notifications)
    out.push_back(absl::StrCat(TypeName(n.type), " ", n.path, " ", n.zxid.value(), " ", n.ordinal));
  return out;
}

// W3, as a property: a session whose connection breaks now and then, and goes on from the last event it saw, is told
// what one that never breaks is told.
TEST(Rearm, HoweverOftenInterruptedTellsTheSame) {
  const std::vector<std::string> nodes = {"/", "/a", "/b", "/a/c", "/a/d", "/a/c/e"};
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    World w;
    w.Lead();
    FakeDoor& whole = w.Connect();
    FakeDoor* broken = &w.Connect();
    const Cursor start = w.Now();
    std::vector<WatchSet> sets;
    for (size_t i = 0; i < 1 + random.Below(4); ++i) {
      sets.push_back({nodes[random.Below(nodes.size())], random.Below(2) == 0 ? kNodeKind : kTreeKind, start});
      for (FakeDoor* door : {&whole, broken}) w.Submit(*door, {Read(i, AddWatch{sets[i].path, sets[i].kind})});
    }
    std::vector<Notification> told;
    bool connected = true;
    auto break_off = [&] {
      if (!std::exchange(connected, false)) return;
      w.service.ConnectionClosed(broken->id, false);
      told.insert(told.end(), broken->notifications.begin(), broken->notifications.end());
      told.resize(told.size() - random.Below(std::min<size_t>(told.size(), 4) + 1));  // some were lost on the way
    };
    auto come_back = [&] {
      if (std::exchange(connected, true)) return;
      for (WatchSet& set : sets) set.since = told.empty() ? start : Cursor{told.back().zxid, told.back().ordinal};
      broken = &Reattach(&w, *broken, sets);
      ASSERT_FALSE(broken->closed);
    };
    for (int step = 0; step < 200; ++step) {
      const std::string& node = nodes[random.Below(nodes.size())];
      switch (random.Below(6)) {
        case 0:
        case 1:
          w.ApplyOther(Create(node));
          break;
        case 2:
          w.ApplyOther(MultiOp{{Set("/", "x"), Create(node)}});
          break;
        case 3: {
          DeleteTreeOp op;
          op.path = node;
          w.ApplyOther(op);
          break;
        }
        case 4:
          break_off();
          break;
        default:
          come_back();
      }
    }
    come_back();
    told.insert(told.end(), broken->notifications.begin(), broken->notifications.end());
    EXPECT_EQ(Told(told), Told(whole.notifications)) << "seed " << seed;
  }
}

// W3: a cursor older than the window is told so, and the watch is live from there on.
TEST(Rearm, CursorBeforeTheWindowIsToldThatEventsWereLost) {
  statemachine::StateMachineOptions options;
  options.watch_window_bytes = 64 << 10;
  World w(TestConfig(), std::move(options));
  w.Lead();
  FakeDoor& door = w.Connect();
  Cursor old = w.Now();
  w.ApplyOther(Create("/a"));
  for (int i = 0; i < 20000 && w.machine.window().begin() <= old; ++i) w.ApplyOther(Set("/a", "x"));
  ASSERT_GT(w.machine.window().begin(), old);
  Cursor recent = w.Now();
  w.ApplyOther(Create("/b"));
  FakeDoor& next = Reattach(&w, door, {{"/a", kNodeKind, old}, {"/b", kNodeKind, recent}});
  w.Submit(next, {Read(1, Exists{"/a"})});
  EXPECT_THAT(next.Take(), ElementsAre("connected g2 last0", "created /b", "lost /a", "reply 1 Ok"));
  EXPECT_EQ(next.notifications.back().zxid, w.machine.last_zxid());
  EXPECT_EQ(w.service.Stats().events_lost, 1u);
  w.ApplyOther(Set("/a", "y"));
  EXPECT_THAT(next.Take(), ElementsAre("changed /a"));
}

// S9: what its watches have seen this server must have applied, like what its replies showed.
TEST(Rearm, ServerBehindAWatchsCursorWaits) {
  World w;
  w.Lead();
  FakeDoor& door = w.Connect();
  w.ApplyOther(Create("/a"));
  Cursor now = w.Now();
  FakeDoor& next = Reattach(&w, door, {{"/a", kTreeKind, {now.zxid + 1, Cursor::kAll}}});
  EXPECT_THAT(next.Take(), IsEmpty());
  w.ApplyOther(Set("/a", "1"));
  w.ApplySubmitted();
  EXPECT_THAT(next.Take(), ElementsAre("connected g2 last0"));
  w.ApplyOther(Set("/a", "2"));
  EXPECT_THAT(next.Take(), ElementsAre("changed /a"));
}

// 13.7, W3: the ACL of the moment decides, not today's: granted later shows nothing of before, revoked later hides
// nothing of it.
TEST(Rearm, PastEventsAreJudgedByTheAclOfTheirMoment) {
  World w;
  w.Lead();
  FakeDoor& door = w.Connect();
  Cursor seen = w.Now();
  w.ApplyOther(CreateWith("/granted", ReadByAnn()));
  w.ApplyOther(Set("/granted", "secret"));
  w.ApplyOther(SetAcl("/granted", std::nullopt));
  w.ApplyOther(Set("/granted", "open"));
  w.ApplyOther(Create("/revoked"));
  w.ApplyOther(SetAcl("/revoked", ReadByAnn()));
  w.ApplyOther(Set("/revoked", "secret"));
  w.ApplyOther(Create("/revoked/child"));
  FakeDoor& anyone = Reattach(&w, door, {{"/granted", kNodeKind, seen}, {"/revoked", kNodeKind, seen}});
  EXPECT_THAT(anyone.Take(), ElementsAre("connected g2 last0", "changed /granted", "created /revoked"));
  EXPECT_EQ(w.service.Stats().notifications_denied, 4u);
  w.ApplyOther(Set("/revoked", "live"));
  EXPECT_THAT(anyone.Take(), IsEmpty());
  FakeDoor& ann = Reattach(&w, door, {{"/granted", kNodeKind, seen}, {"/revoked", kNodeKind, seen}}, {Digest(kAnn)});
  EXPECT_THAT(ann.Take(), ElementsAre("connected g3 last0", "created /granted", "changed /granted", "changed /granted",
                                      "created /revoked", "changed /revoked", "children /revoked", "changed /revoked"));
}

// 13.5, 13.7: one-shot watches too tell only readers, and are consumed all the same.
TEST(Rearm, OneShotWatchesTellOnlyReaders) {
  World w;
  w.Lead();
  FakeDoor& door = w.Connect();
  w.ApplyOther(CreateWith("/s", ReadByAnn()));
  Cursor seen = w.Now();
  w.ApplyOther(Set("/s", "x"));
  w.ApplyOther(Create("/s/c"));
  std::vector<WatchSet> sets = {
      {"/s", WatchKind::kData, seen}, {"/s", WatchKind::kChildren, seen}, {"/s", WatchKind::kExists, seen}};
  FakeDoor& anyone = Reattach(&w, door, sets);
  EXPECT_THAT(anyone.Take(), ElementsAre("connected g2 last0"));
  EXPECT_EQ(w.service.Stats().watches, 0u);
  FakeDoor& ann = Reattach(&w, door, sets, {Digest(kAnn)});
  EXPECT_THAT(ann.Take(), ElementsAre("connected g3 last0", "changed /s", "children /s", "created /s"));
}

// S10: an install while the past is being read ends the connection; so does its own end, without a trace.
TEST(Rearm, ConnectionThatGoesInBetweenLeavesNothing) {
  World w;
  w.Lead();
  FakeDoor& door = w.Connect();
  Cursor seen = w.Now();
  const std::string path = "/" + std::string(180, 'p');
  w.ApplyOther(Create(path));
  for (int i = 1; i < 4000; ++i) w.ApplyOther(Set(path, "x"));
  FakeDoor& next = Reattach(&w, door, {{"/", kTreeKind, seen}});
  w.service.ConnectionClosed(next.id, true);
  w.loop.Run();
  EXPECT_EQ(w.service.Stats().watches, 0u);
  FakeDoor& third = Reattach(&w, door, {{"/", kTreeKind, seen}});
  w.service.OnInstalled();
  EXPECT_EQ(third.closed, CloseReason::kResume);
  w.loop.Run();
  EXPECT_EQ(w.service.Stats().watches, 0u);
}

}  // namespace
}  // namespace synod::service::testing

// The small parts: server list, rotation, backoff, watches, error details.
#include <gmock/gmock.h>
#include <google/protobuf/any.pb.h>
#include <gtest/gtest.h>

#include "coordinator/client/backoff.h"
#include "coordinator/client/convert.h"
#include "coordinator/client/requests.h"
#include "coordinator/client/server_list.h"
#include "coordinator/client/watches.h"

namespace synod::client {
namespace {

using ::testing::ElementsAre;

TEST(ServerList, TakesHostsPortsAndAChroot) {
  auto list = ServerList::Parse("a:1, b:65535/app/x");
  ASSERT_TRUE(list.ok());
  EXPECT_THAT(list->addresses, ElementsAre("a:1", "b:65535"));
  EXPECT_EQ(list->chroot.root(), "/app/x");
  EXPECT_EQ(ServerList::Parse("a:1/")->chroot.root(), "");
}

TEST(ServerList, NamesWhatIsWrong) {
  for (const char* text : {"", "a", "a:", "a:0", "a:65536", ":1", "a:1,,b:2", "a:1/x/", "a:1//x", "a:x"}) {
    EXPECT_FALSE(ServerList::Parse(text).ok()) << text;
  }
}

TEST(Chroot, StripUndoesAdd) {
  const Chroot chroot("/app");
  for (const char* path : {"/", "/a", "/a/b", "/app"}) EXPECT_EQ(chroot.Strip(chroot.Add(path)), path);
  EXPECT_EQ(chroot.Add("/"), "/app");
  EXPECT_EQ(chroot.Add("bad"), "bad");
  EXPECT_EQ(chroot.Strip("/application"), "/application");
}

TEST(ServerRotation, TriesEveryServerOncePerRound) {
  Random random(3);
  ServerRotation rotation(5, random);
  std::set<size_t> seen;
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(rotation.RoundComplete());
    seen.insert(rotation.Next());
  }
  EXPECT_EQ(seen.size(), 5u);
  EXPECT_TRUE(rotation.RoundComplete());
}

TEST(ServerRotation, ClientsSpreadOverTheServers) {
  std::set<size_t> first;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Random random(seed);
    first.insert(ServerRotation(3, random).Next());
  }
  EXPECT_EQ(first.size(), 3u);
}

TEST(Backoff, DoublesUpToItsCapWithJitter) {
  Backoff backoff(absl::Milliseconds(5), absl::Milliseconds(500), Random(1));
  absl::Duration full = absl::Milliseconds(5);
  for (int i = 0; i < 20; ++i) {
    const absl::Duration wait = backoff.Next();
    EXPECT_GE(wait, full / 2);
    EXPECT_LE(wait, full);
    full = std::min(full * 2, absl::Milliseconds(500));
  }
  backoff.Reset();
  EXPECT_LE(backoff.Next(), absl::Milliseconds(5));
}

class WatchesTest : public ::testing::Test {
 protected:
  void Add(const std::string& path, v1::WatchKind kind) {
    const std::string name = path + " " + v1::WatchKind_Name(kind);
    watches_.Add(path, kind, [this, name](const WatchEvent&) { fired_.push_back(name); });
  }
  // As of the next zxid.
  std::vector<std::string> Fire(v1::WatchEvent::Type type, const std::string& path) {
    return FireAt(type, path, {++zxid_, 0});
  }
  std::vector<std::string> FireAt(v1::WatchEvent::Type type, const std::string& path, Cursor at) {
    fired_.clear();
    for (auto& callback : watches_.Fire(type, path, at)) (*callback)({});
    return fired_;
  }
  Watches watches_;
  int64_t zxid_ = 0;
  std::vector<std::string> fired_;
};

TEST_F(WatchesTest, EachKindHearsItsOwnEvents) {  // W2
  const auto all = [this] {
    watches_.Clear();
    for (v1::WatchKind kind : {v1::DATA, v1::EXISTS, v1::CHILDREN, v1::WATCH_PERSISTENT}) Add("/a", kind);
  };
  all();
  EXPECT_THAT(Fire(v1::WatchEvent::CREATED, "/a"), ElementsAre("/a DATA", "/a EXISTS", "/a WATCH_PERSISTENT"));
  all();
  EXPECT_THAT(Fire(v1::WatchEvent::DATA_CHANGED, "/a"), ElementsAre("/a DATA", "/a EXISTS", "/a WATCH_PERSISTENT"));
  all();
  EXPECT_THAT(Fire(v1::WatchEvent::DELETED, "/a"),
              ElementsAre("/a DATA", "/a EXISTS", "/a CHILDREN", "/a WATCH_PERSISTENT"));
  all();
  EXPECT_THAT(Fire(v1::WatchEvent::CHILDREN_CHANGED, "/a"), ElementsAre("/a CHILDREN", "/a WATCH_PERSISTENT"));
}

TEST_F(WatchesTest, OneShotWatchesLeaveAndPersistentOnesStay) {
  Add("/a", v1::DATA);
  Add("/a", v1::WATCH_PERSISTENT);
  Fire(v1::WatchEvent::DATA_CHANGED, "/a");
  EXPECT_THAT(Fire(v1::WatchEvent::DATA_CHANGED, "/a"), ElementsAre("/a WATCH_PERSISTENT"));
  EXPECT_EQ(watches_.size(), 1u);
}

TEST_F(WatchesTest, ARecursiveWatchHearsWhatIsBelowButNotTheListsOfChildren) {
  Add("/", v1::WATCH_PERSISTENT_RECURSIVE);
  Add("/a", v1::WATCH_PERSISTENT_RECURSIVE);
  Add("/ab", v1::WATCH_PERSISTENT_RECURSIVE);
  EXPECT_EQ(Fire(v1::WatchEvent::CREATED, "/a/b/c").size(), 2u);
  EXPECT_EQ(Fire(v1::WatchEvent::CREATED, "/a").size(), 2u);
  EXPECT_EQ(Fire(v1::WatchEvent::DELETED, "/").size(), 1u);
  EXPECT_EQ(Fire(v1::WatchEvent::CHILDREN_CHANGED, "/a").size(), 0u);
}

TEST(Cursor, ItsTextReadsBack) {
  for (const Cursor cursor : {Cursor{0, 0}, Cursor{4711, 2}, Cursor{4711}, Cursor{INT64_MAX, 4294967294u}}) {
    auto parsed = Cursor::Parse(cursor.ToString());
    ASSERT_TRUE(parsed.ok()) << cursor.ToString();
    EXPECT_EQ(*parsed, cursor);
  }
  EXPECT_EQ((Cursor{4711, 2}.ToString()), "4711-2");
  EXPECT_EQ(*Cursor::Parse("0x1267-0x2"), (Cursor{4711, 2}));
  EXPECT_EQ(*Cursor::Parse("4711"), Cursor{4711});
  for (const char* text : {"", "-", "-1", "1-", "1-2-3", "1--2", "1-x", "x", "0x", "0x-1", "1 -2", "+1", "1-4294967296",
                           "9223372036854775808", "all"}) {
    EXPECT_FALSE(Cursor::Parse(text).ok()) << text;
  }
}

TEST(Cursor, OrdinalsAscendWithinAZxid) {
  EXPECT_LT((Cursor{1}), (Cursor{2, 0}));
  EXPECT_LT((Cursor{2, 0}), (Cursor{2, 1}));
  EXPECT_LT((Cursor{2, 1}), (Cursor{2}));
}

TEST(AddChroot, EveryPathOfARequestGetsIt) {
  const Chroot chroot("/app");
  const auto txn = [&] {
    v1::Request request = TxnRequest({Compare::Exists("/c")},
                                     {Operation::Create("/1", "x"), Operation::Delete("/2"), Operation::Set("/3", "x"),
                                      Operation::Check("/4"), Operation::SetAcl("/5", {}), Operation::DeleteTree("/6")},
                                     {Operation::Put("/7", "x")});
    AddChroot(chroot, &request);
    return request.txn();
  }();
  EXPECT_EQ(txn.compares(0).path(), "/app/c");
  EXPECT_EQ(txn.then_operations(0).create().path(), "/app/1");
  EXPECT_EQ(txn.then_operations(1).delete_().path(), "/app/2");
  EXPECT_EQ(txn.then_operations(2).set_data().path(), "/app/3");
  EXPECT_EQ(txn.then_operations(3).check().path(), "/app/4");
  EXPECT_EQ(txn.then_operations(4).set_acl().path(), "/app/5");
  EXPECT_EQ(txn.then_operations(5).delete_tree().path(), "/app/6");
  EXPECT_EQ(txn.else_operations(0).create().path(), "/app/7");
}

TEST(AddChroot, ThePrefixOfEphemeralsStaysBelowTheRoot) {
  const auto prefix = [](const std::string& text, bool all) {
    EphemeralsOptions options;
    options.prefix = text;
    options.all_sessions = all;
    v1::Request request = EphemeralsRequest(options, ReadStrength::kSession);
    AddChroot(Chroot("/app"), &request);
    return request.get_ephemerals().prefix();
  };
  EXPECT_EQ(prefix("", false), "/app/");  // as text: not /application
  EXPECT_EQ(prefix("/", false), "/app/");
  EXPECT_EQ(prefix("/a", false), "/app/a");
  EXPECT_EQ(prefix("a", false), "a");  // of no path
  EXPECT_EQ(prefix("", true), "/app");
  EXPECT_EQ(prefix("/a", true), "/app/a");
}

TEST(CreateRequest, ATtlBelowAMillisecondIsNotNone) {
  CreateOptions options;
  options.mode = CreateMode::kPersistentTtl;
  options.ttl = absl::Microseconds(10);
  EXPECT_EQ(CreateRequest("/a", "x", options).create().ttl_ms(), 1u);
  options.ttl = -absl::Seconds(1);
  EXPECT_EQ(CreateRequest("/a", "x", options).create().ttl_ms(), 0u);  // the server refuses it
}

TEST(ErrorDetails, TheErrorIsFoundInAStatus) {
  v1::Error error;
  error.set_code(v1::NO_QUORUM);
  error.set_effect(v1::MAY_HAVE_BEEN_DONE);
  error.set_message("no leader");
  google::protobuf::Any any;
  any.PackFrom(error);
  // google.rpc.Status by hand: code 14, message "m", details.
  const std::string bytes = any.SerializeAsString();
  ASSERT_LT(bytes.size(), 128u);
  std::string details = std::string("\x08\x0e\x12\x01m\x1a", 6) + static_cast<char>(bytes.size()) + bytes;
  Error out;
  ASSERT_TRUE(ErrorFromDetails(details, &out));
  EXPECT_EQ(out.code, ErrorCode::kNoQuorum);
  EXPECT_EQ(out.effect, Effect::kMayHaveBeenDone);
  EXPECT_EQ(out.message, "no leader");
}

TEST(ErrorDetails, AnythingElseIsNone) {
  Error out;
  for (const std::string& bytes : {std::string(), std::string("\x1a\xff"), std::string("\x12\x01m"),
                                   std::string("\x1a\x02zz"), std::string("\xff\xff\xff")}) {
    EXPECT_FALSE(ErrorFromDetails(bytes, &out));
  }
}

}  // namespace
}  // namespace synod::client

#include "coordinator/frontdoor/zookeeper/encode.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/zookeeper_records.h"

namespace synod::frontdoor::zookeeper {
namespace {

using service::ErrorCode;
using service::Reply;
using synod::testing::FromHex;
using synod::testing::Record;

constexpr const char* kPasswordHex = "000102030405060708090a0b0c0d0e0f";

Shape ShapeOf(int32_t xid, OpCode op, std::vector<OpCode> parts = {}) {
  Shape shape;
  shape.xid = xid;
  shape.op = op;
  if (!parts.empty()) {
    shape.more = std::make_unique<Shape::More>();
    shape.more->parts = std::move(parts);
  }
  return shape;
}

Reply ReplyWith(int64_t zxid, ErrorCode error = ErrorCode::kOk) {
  Reply reply;
  reply.zxid = Zxid(zxid);
  reply.error = error;
  return reply;
}

std::string Encode(const Shape& shape, Reply reply) {
  std::string out;
  EncodeReply(shape, &reply, &out);
  return out;
}

// A whole frame: length, header, body.
std::string Frame(int32_t xid, int64_t zxid, int32_t error, const Record& body = Record()) {
  return Record()
      .Int(static_cast<int64_t>(16 + body.bytes().size()))
      .Int(xid)
      .Long(zxid)
      .Int(error)
      .Raw(body.bytes())
      .bytes();
}

tree::Stat SomeStat() {
  tree::Stat stat;
  stat.czxid = Zxid(1);
  stat.mzxid = Zxid(2);
  stat.ctime_ms = 3;
  stat.mtime_ms = 4;
  stat.version = 5;
  stat.cversion = -6;
  stat.aversion = 7;
  stat.ephemeral_owner = SessionId(8);
  stat.data_length = 9;
  stat.num_children = 10;
  stat.pzxid = Zxid(11);
  return stat;
}
// 6.1.
Record SomeStatBytes() {
  return Record().Long(1).Long(2).Long(3).Long(4).Int(5).Int(-6).Int(7).Long(8).Int(9).Int(10).Long(11);
}

// ---- section 26 ----

TEST(Encode, Connected) {
  service::ConnectResult result;
  result.timeout = absl::Seconds(30);
  result.session = SessionId(0x100);
  result.password = FromHex(kPasswordHex);
  std::string out;
  EncodeConnected(result, /*has_read_only=*/true, &out);
  EXPECT_EQ(out,
            FromHex("00000025 00000000 00007530 00000000 00000100 00000010 00010203 04050607 08090a0b 0c0d0e0f 00"));
  result.read_only = true;
  out.clear();
  EncodeConnected(result, /*has_read_only=*/true, &out);
  EXPECT_EQ(out.back(), 1);
  out.clear();
  EncodeConnected(result, /*has_read_only=*/false, &out);
  EXPECT_EQ(out, FromHex("00000024 00000000 00007530 00000000 00000100 00000010 00010203 04050607 08090a0b 0c0d0e0f"));
}

TEST(Encode, Refused) {
  std::string out;
  EncodeRefused(/*has_read_only=*/true, &out);
  EXPECT_EQ(out, Record().Int(37).Int(0).Int(0).Long(0).Text(std::string(16, '\0')).Bool(false).bytes());
  out.clear();
  EncodeRefused(/*has_read_only=*/false, &out);
  EXPECT_EQ(out, Record().Int(36).Int(0).Int(0).Long(0).Text(std::string(16, '\0')).bytes());
}

TEST(Encode, CreateReply) {
  Reply reply = ReplyWith(2);
  reply.result.path = "/a";
  EXPECT_EQ(Encode(ShapeOf(1, OpCode::kCreate), reply),
            FromHex("00000016 00000001 00000000 00000002 00000000 00000002 2f61"));
}

TEST(Encode, Pong) {
  std::string out;
  EncodePong(Zxid(2), &out);
  EXPECT_EQ(out, FromHex("00000010 fffffffe 00000000 00000002 00000000"));
}

TEST(Encode, AnErrorHasNoBody) {
  EXPECT_EQ(Encode(ShapeOf(2, OpCode::kGetData), ReplyWith(3, ErrorCode(tree::Error::kNoNode))),
            FromHex("00000010 00000002 00000000 00000003 ffffff9b"));
  Reply create = ReplyWith(3, ErrorCode(tree::Error::kNodeExists));
  create.result.path = "/a";
  EXPECT_EQ(Encode(ShapeOf(2, OpCode::kCreate), create), Frame(2, 3, -110));
}

TEST(Encode, Notification) {
  service::Notification notification;
  notification.type = service::NotificationType::kDataChanged;
  notification.path = "/a";
  notification.zxid = Zxid(7);
  std::string out;
  EncodeNotification(notification, &out);
  EXPECT_EQ(out, FromHex("0000001e ffffffff 00000000 00000007 00000000 00000003 00000003 00000002 2f61"));
}

TEST(Encode, MultiThatFailed) {
  Reply reply = ReplyWith(8, ErrorCode(tree::Error::kBadVersion));
  reply.results.resize(2);
  reply.results[0].error = tree::Error::kBadVersion;
  reply.results[1].error = tree::Error::kRuntimeInconsistency;
  const Shape shape = ShapeOf(3, OpCode::kMulti, {OpCode::kCheck, OpCode::kCreate});
  EXPECT_EQ(Encode(shape, reply), FromHex("00000033 00000003 00000000 00000008 00000000 ffffffff 00 ffffff99 ffffff99 "
                                          "ffffffff 00 fffffffe fffffffe ffffffff 01 ffffffff"));
  EXPECT_EQ(ErrorOf(shape, reply), ErrorNumber::kBadVersion);
}

// ---- the rest ----

// 13.5: what a re-armed watch had missed has no transaction of its own.
TEST(Encode, NotificationOfWhatWasMissed) {
  service::Notification notification;
  notification.type = service::NotificationType::kCreated;
  notification.path = "/";
  notification.zxid = Zxid(7);
  notification.ordinal = statemachine::Cursor::kAll;
  std::string out;
  EncodeNotification(notification, &out);
  EXPECT_EQ(out, Frame(-1, -1, 0, Record().Int(1).Int(3).Text("/")));
}

TEST(Encode, FramesAreAppended) {
  std::string out;
  EncodePong(Zxid(1), &out);
  Reply reply = ReplyWith(2);
  reply.result.path = "/a";
  EncodeReply(ShapeOf(1, OpCode::kCreate), &reply, &out);
  EncodePong(Zxid(3), &out);
  EXPECT_EQ(out, Frame(-2, 1, 0) + Frame(1, 2, 0, Record().Text("/a")) + Frame(-2, 3, 0));
}

TEST(Encode, BodiesOfWrites) {
  Reply reply = ReplyWith(5);
  reply.result.path = "/a0000000001";
  reply.result.stat = SomeStat();
  const Record stat = SomeStatBytes();
  const Record path_and_stat = Record().Text("/a0000000001").Raw(stat.bytes());
  EXPECT_EQ(stat.bytes().size(), 68u);
  EXPECT_EQ(Encode(ShapeOf(1, OpCode::kCreate), reply), Frame(1, 5, 0, Record().Text("/a0000000001")));
  for (const OpCode op : {OpCode::kCreate2, OpCode::kCreateContainer, OpCode::kCreateTtl})
    EXPECT_EQ(Encode(ShapeOf(1, op), reply), Frame(1, 5, 0, path_and_stat));
  for (const OpCode op : {OpCode::kSetData, OpCode::kSetAcl})
    EXPECT_EQ(Encode(ShapeOf(1, op), reply), Frame(1, 5, 0, stat));
  for (const OpCode op : {OpCode::kDelete, OpCode::kCloseSession, OpCode::kSetWatches, OpCode::kSetWatches2,
                          OpCode::kCheckWatches, OpCode::kRemoveWatches})
    EXPECT_EQ(Encode(ShapeOf(-8, op), reply), Frame(-8, 5, 0));
}

TEST(Encode, BodiesOfReads) {
  Reply reply = ReplyWith(5);
  reply.stat = SomeStat();
  reply.children = {"b", "a"};
  reply.data = "value";
  reply.acl = {{31, "world", "anyone"}, {0x80000001, "digest", "bob:x"}};
  reply.count = 12;
  reply.identities = {{"digest", "bob"}, {"ip", "127.0.0.1"}};
  const Record children = Record().Int(2).Text("b").Text("a");
  const std::string stat = SomeStatBytes().bytes();
  EXPECT_EQ(Encode(ShapeOf(1, OpCode::kExists), reply), Frame(1, 5, 0, SomeStatBytes()));
  EXPECT_EQ(Encode(ShapeOf(1, OpCode::kGetData), reply), Frame(1, 5, 0, Record().Text("value").Raw(stat)));
  EXPECT_EQ(Encode(ShapeOf(1, OpCode::kGetChildren), reply), Frame(1, 5, 0, children));
  EXPECT_EQ(Encode(ShapeOf(1, OpCode::kGetChildren2), reply), Frame(1, 5, 0, Record(children).Raw(stat)));
  EXPECT_EQ(
      Encode(ShapeOf(1, OpCode::kGetAcl), reply),
      Frame(
          1, 5, 0,
          Record().Int(2).Int(31).Text("world").Text("anyone").Int(0x80000001).Text("digest").Text("bob:x").Raw(stat)));
  EXPECT_EQ(Encode(ShapeOf(1, OpCode::kGetEphemerals), reply), Frame(1, 5, 0, children));
  EXPECT_EQ(Encode(ShapeOf(1, OpCode::kGetAllChildrenNumber), reply), Frame(1, 5, 0, Record().Int(12)));
  EXPECT_EQ(Encode(ShapeOf(1, OpCode::kWhoAmI), reply),
            Frame(1, 5, 0, Record().Int(2).Text("digest").Text("bob").Text("ip").Text("127.0.0.1")));
  EXPECT_EQ(Encode(ShapeOf(1, OpCode::kAddWatch), reply), Frame(1, 5, 0, Record().Int(0)));
}

TEST(Encode, NullAndEmptyDataDiffer) {
  Reply reply = ReplyWith(5);
  reply.stat.emplace();
  const std::string stat(68, '\0');
  EXPECT_EQ(Encode(ShapeOf(1, OpCode::kGetData), reply), Frame(1, 5, 0, Record().Null().Raw(stat)));
  reply.data = "";
  EXPECT_EQ(Encode(ShapeOf(1, OpCode::kGetData), reply), Frame(1, 5, 0, Record().Text("").Raw(stat)));
}

TEST(Encode, SyncEchoesThePath) {
  Shape shape = ShapeOf(1, OpCode::kSync, {OpCode::kSync});
  EXPECT_EQ(Encode(shape, ReplyWith(5)), Frame(1, 5, 0, Record().Null()));
  shape.more->path = "any/thing";
  EXPECT_EQ(Encode(shape, ReplyWith(5)), Frame(1, 5, 0, Record().Text("any/thing")));
}

TEST(Encode, RepliesToAuthAndSaslHaveNoZxid) {
  EXPECT_EQ(Encode(ShapeOf(-4, OpCode::kAuth), ReplyWith(5)), Frame(-4, 0, 0));
  EXPECT_EQ(Encode(ShapeOf(-4, OpCode::kAuth), ReplyWith(5, ErrorCode(tree::Error::kAuthFailed))), Frame(-4, 0, -115));
  EXPECT_EQ(Encode(ShapeOf(7, OpCode::kSasl), ReplyWith(5)), Frame(7, 0, 0, Record().Null()));
}

TEST(Encode, WhatTheDoorKnowsOverridesTheService) {
  Shape shape = ShapeOf(4, OpCode::kMulti, {OpCode::kCreate});
  shape.more->answer = ErrorNumber::kMarshallingError;
  Reply reply = ReplyWith(9, ErrorCode(tree::Error::kBadArguments));
  reply.results.resize(1);
  EXPECT_EQ(Encode(shape, reply), Frame(4, 9, -5));
  EXPECT_EQ(ErrorOf(shape, reply), ErrorNumber::kMarshallingError);
  shape = ShapeOf(4, OpCode::kSasl, {OpCode::kSasl});
  shape.more->answer = ErrorNumber::kOk;
  EXPECT_EQ(Encode(shape, ReplyWith(9, ErrorCode::kNoQuorum)), Frame(4, 0, 0, Record().Null()));
}

// 12.3.
TEST(Encode, MultiThatSucceeded) {
  Reply reply = ReplyWith(8);
  const std::vector<OpCode> ops = {OpCode::kCreate,    OpCode::kCreate2, OpCode::kCreateContainer,
                                   OpCode::kCreateTtl, OpCode::kDelete,  OpCode::kSetData,
                                   OpCode::kCheck};
  Record body;
  const std::string stat = SomeStatBytes().bytes();
  for (const OpCode op : ops) {
    service::OpResult& result = reply.results.emplace_back();
    result.path = "/p";
    result.stat = SomeStat();
    const bool made_with_stat = op == OpCode::kCreate2 || op == OpCode::kCreateContainer || op == OpCode::kCreateTtl;
    body.Int(made_with_stat ? 15 : static_cast<int32_t>(op)).Bool(false).Int(0);
    if (op == OpCode::kCreate || made_with_stat) body.Text("/p");
    if (op == OpCode::kSetData || made_with_stat) body.Raw(stat);
  }
  body.Int(-1).Bool(true).Int(-1);
  EXPECT_EQ(Encode(ShapeOf(3, OpCode::kMulti, ops), reply), Frame(3, 8, 0, body));
}

// 12.4: what stood before the failing one is answered by a number, too.
TEST(Encode, MultiThatFailedInTheMiddle) {
  Reply reply = ReplyWith(8, ErrorCode(tree::Error::kNoNode));
  reply.results.resize(3);
  reply.results[0].path = "/z";
  reply.results[1].error = tree::Error::kNoNode;
  reply.results[2].error = tree::Error::kRuntimeInconsistency;
  Record body;
  for (const int32_t error : {0, -101, -2}) body.Int(-1).Bool(false).Int(error).Int(error);
  body.Int(-1).Bool(true).Int(-1);
  EXPECT_EQ(Encode(ShapeOf(3, OpCode::kMulti, {OpCode::kCreate, OpCode::kDelete, OpCode::kCreate}), reply),
            Frame(3, 8, 0, body));
}

TEST(Encode, MultiRefusedAsAWholeBearsTheErrorInItsHeader) {
  const Shape shape = ShapeOf(3, OpCode::kMulti, {OpCode::kCreate, OpCode::kDelete});
  EXPECT_EQ(Encode(shape, ReplyWith(8, ErrorCode(tree::Error::kSessionExpired))), Frame(3, 8, -112));
  EXPECT_EQ(Encode(shape, ReplyWith(8, ErrorCode(tree::Error::kTooLarge))), Frame(3, 8, -8));
  EXPECT_EQ(Encode(shape, ReplyWith(8, ErrorCode::kNotReadOnly)), Frame(3, 8, -119));
}

TEST(Encode, EmptyListsOfOperationsAreJustTheirEnd) {
  const Record end = Record().Int(-1).Bool(true).Int(-1);
  EXPECT_EQ(Encode(ShapeOf(3, OpCode::kMulti), ReplyWith(8)), Frame(3, 8, 0, end));
  EXPECT_EQ(Encode(ShapeOf(3, OpCode::kMultiRead), ReplyWith(8)), Frame(3, 8, 0, end));
}

// 12.5.
TEST(Encode, MultiReadAnswersEachAlone) {
  Reply reply = ReplyWith(8);
  reply.reads.resize(3);
  reply.reads[0].data = "d";
  reply.reads[0].stat = SomeStat();
  reply.reads[1].error = ErrorCode(tree::Error::kNoAuth);
  reply.reads[2].children = {"x"};
  Record body;
  body.Int(4).Bool(false).Int(0).Text("d").Raw(SomeStatBytes().bytes());
  body.Int(-1).Bool(false).Int(-102).Int(-102);
  body.Int(8).Bool(false).Int(0).Int(1).Text("x");
  body.Int(-1).Bool(true).Int(-1);
  const Shape shape = ShapeOf(3, OpCode::kMultiRead, {OpCode::kGetData, OpCode::kGetData, OpCode::kGetChildren});
  EXPECT_EQ(Encode(shape, reply), Frame(3, 8, 0, body));
  EXPECT_EQ(Encode(shape, ReplyWith(8, ErrorCode(tree::Error::kTooLarge))), Frame(3, 8, -8));
}

}  // namespace
}  // namespace synod::frontdoor::zookeeper

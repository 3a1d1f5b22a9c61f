// What is not an operation, on its way to the service's values, and what comes back.
#include "coordinator/frontdoor/grpc/convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace synod::frontdoor {
namespace {

void AddCredential(google::protobuf::RepeatedPtrField<v1::Credential>* out) {
  v1::Credential* credential = out->Add();
  credential->set_scheme("digest");
  credential->set_credential("bob:pw");
}

tree::Stat SomeStat() {
  tree::Stat stat;
  stat.czxid = Zxid(1);
  stat.mzxid = Zxid(2);
  stat.pzxid = Zxid(3);
  stat.ctime_ms = 4;
  stat.mtime_ms = 5;
  stat.version = 6;
  stat.cversion = 7;
  stat.aversion = 8;
  stat.ephemeral_owner = SessionId(9);
  stat.data_length = 10;
  stat.num_children = 11;
  return stat;
}
constexpr char kSomeStat[] =
    "{ czxid: 1 mzxid: 2 pzxid: 3 ctime_ms: 4 mtime_ms: 5 version: 6 cversion: 7 aversion: 8 ephemeral_owner: 9 "
    "data_length: 10 num_children: 11 }";

std::string Text(service::Reply reply) {
  v1::Reply out;
  ToProto(std::move(reply), &out);
  return out.ShortDebugString();
}

TEST(ConvertTest, TheHeadOfARequestIsTaken) {
  v1::Request in;
  in.set_id(7);
  in.set_sequence(9);
  in.set_strength(v1::LOCAL);
  in.mutable_exists()->set_path("/a");
  service::Request out = FromProto(&in);
  EXPECT_EQ(out.id, 7u);
  EXPECT_EQ(out.sequence, Sequence(9));
  EXPECT_EQ(out.strength, service::ReadStrength::kLocal);
}

TEST(ConvertTest, ConnectIsTakenWithItsFields) {
  v1::Connect in;
  in.set_session_id(5);
  in.set_password("secret");
  in.set_timeout_ms(6000);
  in.set_last_zxid(77);
  in.set_disconnect_grace_ms(200);
  in.set_confirmed_below(8);
  AddCredential(in.mutable_credentials());
  v1::WatchSet* watch = in.add_rearm();
  watch->set_path("/w");
  watch->set_kind(v1::WATCH_PERSISTENT);
  watch->set_since_zxid(70);
  watch->set_since_ordinal(3);
  std::optional<service::ConnectRequest> out = FromProto(&in);
  ASSERT_TRUE(out.has_value());
  EXPECT_EQ(out->session, SessionId(5));
  EXPECT_EQ(out->password, "secret");
  EXPECT_EQ(out->timeout, absl::Seconds(6));
  EXPECT_EQ(out->last_zxid, Zxid(77));
  EXPECT_EQ(out->disconnect_grace, absl::Milliseconds(200));
  EXPECT_EQ(out->confirmed_below, Sequence(8));
  ASSERT_EQ(out->credentials.size(), 1u);
  EXPECT_EQ(out->credentials[0].scheme, "digest");
  EXPECT_EQ(out->credentials[0].credential, "bob:pw");
  ASSERT_EQ(out->rearm.size(), 1u);
  EXPECT_EQ(out->rearm[0].path, "/w");
  EXPECT_EQ(out->rearm[0].kind, service::WatchKind::kPersistent);
  EXPECT_EQ(out->rearm[0].since, (service::Cursor{Zxid(70), 3}));
}

TEST(ConvertTest, AWatchOfAnUnknownKindIsNotLeftOut) {
  for (int kind : {-1, 5}) {
    v1::Connect in;
    in.add_rearm()->set_kind(static_cast<v1::WatchKind>(kind));
    EXPECT_FALSE(FromProto(&in).has_value());
  }
}

TEST(ConvertTest, ACallIsTakenWithItsFieldsAndTheAddress) {
  v1::CallRequest in;
  in.mutable_request()->mutable_exists()->set_path("/a");
  in.set_last_zxid(12);
  AddCredential(in.mutable_credentials());
  service::CallRequest out = FromProto(&in, "10.0.0.7");
  EXPECT_EQ(std::get<service::Exists>(out.request.operation).path, "/a");
  EXPECT_EQ(out.last_zxid, Zxid(12));
  EXPECT_EQ(out.address, "10.0.0.7");
  ASSERT_EQ(out.credentials.size(), 1u);
  EXPECT_EQ(out.credentials[0].credential, "bob:pw");
}

TEST(ConvertTest, AWatchRequestIsTakenWithItsFieldsAndTheAddress) {
  v1::WatchRequest in;
  in.set_path("/a");
  service::WatchStreamRequest now = FromProto(&in, "10.0.0.7");
  EXPECT_FALSE(now.after.has_value());
  EXPECT_FALSE(now.recursive);
  EXPECT_FALSE(now.with_data);
  EXPECT_EQ(now.progress, absl::Seconds(2));
  in.set_path("/a");
  in.set_recursive(true);
  in.set_with_data(true);
  in.set_progress_ms(50);
  in.mutable_after()->set_zxid(7);
  in.mutable_after()->set_ordinal(4294967295);
  AddCredential(in.mutable_credentials());
  service::WatchStreamRequest out = FromProto(&in, "10.0.0.7");
  EXPECT_EQ(out.path, "/a");
  EXPECT_TRUE(out.recursive);
  EXPECT_TRUE(out.with_data);
  EXPECT_EQ(out.progress, absl::Milliseconds(50));
  EXPECT_EQ(out.after, (service::Cursor{Zxid(7), service::Cursor::kAll}));
  EXPECT_EQ(out.address, "10.0.0.7");
  ASSERT_EQ(out.credentials.size(), 1u);
}

// ---- back ----

TEST(ConvertTest, AWritesReplyIsToldWhole) {
  service::Reply reply;
  reply.id = 1;
  reply.sequence = Sequence(2);
  reply.zxid = Zxid(3);
  reply.repeated = true;
  reply.result = {tree::Error::kOk, "/a", SomeStat(), true, 4, 5};
  EXPECT_EQ(Text(reply), std::string("id: 1 sequence: 2 zxid: 3 result { path: \"/a\" stat ") + kSomeStat +
                             " created: true deleted: 4 remaining: 5 } repeated_reply: true");
}

TEST(ConvertTest, AFailedMultiTellsItsResults) {
  service::Reply reply;
  reply.error = service::ToErrorCode(tree::Error::kNoNode);
  reply.message = "why";
  reply.succeeded = true;
  reply.results.resize(2);
  reply.results[0].error = tree::Error::kNoNode;
  reply.results[1].error = tree::Error::kRuntimeInconsistency;
  EXPECT_EQ(Text(reply),
            "error: NO_NODE message: \"why\" results { error: NO_NODE } results { error: RUNTIME_INCONSISTENCY } "
            "succeeded: true");
}

TEST(ConvertTest, AReadsReplyIsToldWhole) {
  service::Reply reply;
  reply.zxid = Zxid(3);
  reply.stat = SomeStat();
  reply.data = "";
  reply.children = {"a", "b"};
  reply.age = absl::Milliseconds(15);
  reply.acl = {{31, "world", "anyone"}};
  reply.more = true;
  reply.next = "/n";
  reply.count = 8;
  reply.identities = {{"digest", "bob:x"}, {"ip", "::1"}};
  EXPECT_EQ(Text(reply), std::string("zxid: 3 stat ") + kSomeStat +
                             " data { } children: \"a\" children: \"b\" age_ms: 15 acl { entries { permissions: 31 "
                             "scheme: \"world\" id: \"anyone\" } } more: true next: \"/n\" count: 8 identities { "
                             "scheme: \"digest\" id: \"bob:x\" } identities { scheme: \"ip\" id: \"::1\" }");
}

TEST(ConvertTest, NullDataComesBackAsNull) {
  service::Reply reply;
  EXPECT_EQ(Text(reply), "");
  reply.data = "";
  EXPECT_EQ(Text(reply), "data { }");
}

TEST(ConvertTest, APageIsToldWhole) {
  service::Reply reply;
  reply.entries.resize(3);
  reply.entries[0].name = "a";
  reply.entries[0].stat = SomeStat();
  reply.entries[0].data = "v";
  reply.entries[1].name = "b";
  reply.entries[2].name = "c";
  reply.entries[2].denied = true;
  EXPECT_EQ(Text(reply), std::string("entries { name: \"a\" stat ") + kSomeStat +
                             " data { value: \"v\" } } entries { name: \"b\" } entries { name: \"c\" denied: true }");
}

TEST(ConvertTest, EveryPartOfAMultiReadHasItsOwnOutcome) {
  service::Reply reply;
  reply.reads.resize(3);
  reply.reads[0].data = "v";
  reply.reads[1].error = service::ToErrorCode(tree::Error::kNoAuth);
  reply.reads[1].data = "not to be told";
  reply.reads[2].acl = {{1, "ip", "::1"}};
  EXPECT_EQ(Text(reply),
            "reads { data { value: \"v\" } } reads { error: NO_AUTH } reads { acl { entries { permissions: 1 scheme: "
            "\"ip\" id: \"::1\" } } }");
}

TEST(ConvertTest, AConnectResultIsToldWhole) {
  service::ConnectResult in;
  in.session = SessionId(5);
  in.password = "secret";
  in.timeout = absl::Seconds(6);
  in.disconnect_grace = absl::Milliseconds(200);
  in.generation = OwnerGeneration(3);
  in.last_applied = Sequence(4);
  in.zxid = Zxid(9);
  in.server = ServerId(2);
  in.max_data_bytes = 100;
  in.max_outstanding = 10;
  v1::Connected out;
  ToProto(in, &out);
  EXPECT_EQ(out.ShortDebugString(),
            "session_id: 5 password: \"secret\" timeout_ms: 6000 disconnect_grace_ms: 200 generation: 3 "
            "last_applied_sequence: 4 zxid: 9 "
            "server_id: 2 max_data_bytes: 100 max_outstanding: 10");
}

TEST(ConvertTest, ANotificationIsToldWhole) {
  v1::WatchEvent out;
  ToProto(service::Notification{service::NotificationType::kDeleted, "/a", Zxid(4), 6}, &out);
  EXPECT_EQ(out.ShortDebugString(), "type: DELETED path: \"/a\" zxid: 4 ordinal: 6");
  EXPECT_EQ(static_cast<int>(service::NotificationType::kEventsLost), v1::WatchEvent::EVENTS_LOST);
}

TEST(ConvertTest, AnEventOfAWatchStreamIsToldWhole) {
  service::WatchStreamEvent event;
  event.type = service::NotificationType::kDataChanged;
  event.path = "/a";
  event.zxid = Zxid(4);
  event.ordinal = 2;
  v1::WatchStreamEvent bare, whole;
  ToProto(event, &bare);
  EXPECT_EQ(bare.ShortDebugString(), "type: DATA_CHANGED path: \"/a\" zxid: 4 ordinal: 2");
  event.stat = SomeStat();
  event.data = "v";
  ToProto(event, &whole);
  EXPECT_EQ(whole.ShortDebugString(),
            std::string("type: DATA_CHANGED path: \"/a\" zxid: 4 ordinal: 2 data { value: \"v\" } stat ") + kSomeStat);
}

TEST(ConvertTest, AMemberIsToldWhole) {
  service::MemberStatus in;
  in.server = ServerId(2);
  in.storage = StorageId(0xab);
  in.role = "voter";
  in.address = "h:1";
  in.leader = in.connected = in.active = true;
  in.match = LogIndex(8);
  v1::MemberInfo out;
  ToProto(in, &out);
  EXPECT_EQ(out.ShortDebugString(),
            "server_id: 2 storage_id: \"00000000000000ab\" role: \"voter\" address: \"h:1\" leader: true connected: "
            "true match_index: 8 active: true");
}

}  // namespace
}  // namespace synod::frontdoor

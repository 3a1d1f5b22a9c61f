#include "coordinator/frontdoor/zookeeper/decode.h"

#include <gtest/gtest.h>

#include <string>
#include <variant>

#include "tests/support/zookeeper_records.h"

namespace synod::frontdoor::zookeeper {
namespace {

using service::CreateMode;
using service::WatchKind;
using synod::testing::CreateRecord;
using synod::testing::ExactBytes;
using synod::testing::FromHex;
using synod::testing::Record;
using synod::testing::RequestPayload;

const access::Acl kOpen = {{31, "world", "anyone"}};

DecodedRequest Decode(OpCode op, const Record& record) {
  const ExactBytes payload(RequestPayload(9, static_cast<int32_t>(op), record.bytes()));
  std::optional<DecodedRequest> decoded = DecodeRequest(payload.view());
  EXPECT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->shape.xid, 9);
  EXPECT_EQ(decoded->shape.op, op);
  return *std::move(decoded);
}

// The operation, which the door found nothing wrong with.
template <typename Operation>
Operation Understood(const DecodedRequest& request) {
  EXPECT_EQ(request.kind, DecodedRequest::Kind::kRequest);
  EXPECT_FALSE(request.shape.more && request.shape.more->answer);
  const auto* operation = std::get_if<Operation>(&request.operation);
  EXPECT_NE(operation, nullptr) << request.operation.index();
  return operation == nullptr ? Operation() : *operation;
}
template <typename Operation>
Operation Understood(OpCode op, const Record& record) {
  return Understood<Operation>(Decode(op, record));
}

// What it is answered, whatever the service says.
ErrorNumber AnswerTo(const DecodedRequest& request) {
  EXPECT_TRUE(std::holds_alternative<service::Unintelligible>(request.operation)) << request.operation.index();
  EXPECT_TRUE(request.shape.more && request.shape.more->answer);
  return request.shape.more && request.shape.more->answer ? *request.shape.more->answer : ErrorNumber::kOk;
}
ErrorNumber AnswerTo(OpCode op, const Record& record) { return AnswerTo(Decode(op, record)); }

// Section 26.
TEST(DecodeConnect, NewSession) {
  const std::string payload =
      FromHex("00000000 00000000 00000000 00007530 00000000 00000000 00000010 00000000 00000000 00000000 00000000 00");
  const std::optional<ConnectFrame> frame = DecodeConnect(payload);
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->request.session, SessionId(0));
  EXPECT_EQ(frame->request.timeout, absl::Seconds(30));
  EXPECT_EQ(frame->request.last_zxid, Zxid(0));
  EXPECT_EQ(frame->request.password, std::string(16, '\0'));
  EXPECT_FALSE(frame->request.may_read_only);
  EXPECT_TRUE(frame->has_read_only);
}

TEST(DecodeConnect, ResumedSessionThatAcceptsReadOnly) {
  const std::string password = FromHex("000102030405060708090a0b0c0d0e0f");
  const std::optional<ConnectFrame> frame =
      DecodeConnect(Record().Int(0).Long(77).Int(4000).Long(0x100).Text(password).Bool(true).bytes());
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->request.session, SessionId(0x100));
  EXPECT_EQ(frame->request.last_zxid, Zxid(77));
  EXPECT_EQ(frame->request.password, password);
  EXPECT_TRUE(frame->request.may_read_only);
}

TEST(DecodeConnect, WithoutTheLastByteItIsAnOldClient) {
  const std::string whole = Record().Int(0).Long(0).Int(4000).Long(0).Text(std::string(16, 'p')).Bool(true).bytes();
  for (size_t cut = 0; cut < whole.size(); ++cut) {
    const ExactBytes payload(whole.substr(0, cut));
    const std::optional<ConnectFrame> frame = DecodeConnect(payload.view());
    EXPECT_EQ(frame.has_value(), cut == whole.size() - 1) << cut;
    EXPECT_FALSE(frame && (frame->has_read_only || frame->request.may_read_only));
  }
}

TEST(DecodeConnect, PasswordsOfAnyLengthAndLengthsThatCannotBe) {
  const auto with = [](const std::string& password) {
    return DecodeConnect(Record().Int(0).Long(0).Int(4000).Long(0).Raw(password).bytes());
  };
  EXPECT_EQ(with(Record().Null().bytes())->request.password, "");
  EXPECT_EQ(with(Record().Text("").bytes())->request.password, "");
  EXPECT_EQ(with(Record().Text("abc").bytes())->request.password, "abc");
  EXPECT_FALSE(with(Record().Int(-2).bytes()));
  EXPECT_FALSE(with(Record().Int(0x7fffffff).bytes()));
  EXPECT_FALSE(with(Record().Text(std::string(kConnectRequestBytesMax, 'p')).bytes())) << "longer than any";
}

TEST(DecodeRequest, ShorterThanAHeaderIsNoRequest) {
  const std::string payload = RequestPayload(1, 11, "");
  for (size_t cut = 0; cut < payload.size(); ++cut) EXPECT_FALSE(DecodeRequest(payload.substr(0, cut))) << cut;
  EXPECT_TRUE(DecodeRequest(payload));
}

// Section 26.
TEST(DecodeRequest, Create) {
  const std::string payload = FromHex(
      "00000001 00000001 00000002 2f61 00000001 78 00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65 "
      "00000000");
  const std::optional<DecodedRequest> request = DecodeRequest(payload);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->shape.xid, 1);
  EXPECT_EQ(request->shape.op, OpCode::kCreate);
  const auto create = Understood<service::CreateOp>(*request);
  EXPECT_EQ(create.path, "/a");
  EXPECT_EQ(create.data, "x");
  EXPECT_EQ(create.acl, kOpen);
  EXPECT_EQ(create.mode, CreateMode::kPersistent);
  EXPECT_EQ(create.ttl_ms, 0u);
  EXPECT_EQ(create.on_existing, service::OnExisting::kFail);
}

// 8.2. A TTL with a mode that has none, or none with a mode that has one, is the state machine's to refuse.
TEST(DecodeRequest, FlagsAndOperationsOfCreate) {
  const struct {
    OpCode op;
    int32_t flags;
    CreateMode mode;
    uint64_t ttl_ms;
  } kCases[] = {
      {OpCode::kCreate, 1, CreateMode::kEphemeral, 0},
      {OpCode::kCreate, 2, CreateMode::kPersistentSequential, 0},
      {OpCode::kCreate2, 3, CreateMode::kEphemeralSequential, 0},
      {OpCode::kCreate, 4, CreateMode::kContainer, 0},
      {OpCode::kCreate2, 4, CreateMode::kContainer, 0},
      {OpCode::kCreate, 5, CreateMode::kPersistentTtl, 0},
      {OpCode::kCreate2, 6, CreateMode::kPersistentSequentialTtl, 0},
      {OpCode::kCreateContainer, 4, CreateMode::kContainer, 0},
      {OpCode::kCreateContainer, 0, CreateMode::kContainer, 1},
      {OpCode::kCreateContainer, 3, CreateMode::kContainer, 1},
      {OpCode::kCreateTtl, 5, CreateMode::kPersistentTtl, 100},
      {OpCode::kCreateTtl, 6, CreateMode::kPersistentSequentialTtl, 100},
      {OpCode::kCreateTtl, 0, CreateMode::kPersistent, 1},
      {OpCode::kCreateTtl, 4, CreateMode::kContainer, 1},
  };
  for (const auto& c : kCases) {
    const auto create = Understood<service::CreateOp>(c.op, CreateRecord("/a", "", c.flags).Long(100));
    EXPECT_EQ(create.mode, c.mode) << static_cast<int>(c.op) << " " << c.flags;
    EXPECT_EQ(create.ttl_ms, c.ttl_ms) << static_cast<int>(c.op) << " " << c.flags;
  }
  for (const OpCode op : {OpCode::kCreate, OpCode::kCreate2, OpCode::kCreateContainer, OpCode::kCreateTtl}) {
    EXPECT_EQ(AnswerTo(op, CreateRecord("/a", "", 7).Long(1)), ErrorNumber::kBadArguments);
    EXPECT_EQ(AnswerTo(op, CreateRecord("/a", "", -1).Long(1)), ErrorNumber::kBadArguments);
  }
  const auto negative = Understood<service::CreateOp>(OpCode::kCreateTtl, CreateRecord("/a", "", 5).Long(-1));
  EXPECT_GT(negative.ttl_ms, uint64_t{1} << 40) << "beyond any that is legal";
  EXPECT_EQ(Understood<service::CreateOp>(OpCode::kCreateTtl, CreateRecord("/a", "", 5).Long(0)).ttl_ms, 0u);
}

TEST(DecodeRequest, NullAndEmptyDataDiffer) {
  const auto data_of = [](const Record& data) {
    return Understood<service::CreateOp>(OpCode::kCreate, Record().Text("/a").Raw(data.bytes()).OpenAcl().Int(0)).data;
  };
  EXPECT_EQ(data_of(Record().Null()), std::nullopt);
  EXPECT_EQ(data_of(Record().Text("")), "");
  EXPECT_EQ(Understood<service::SetDataOp>(OpCode::kSetData, Record().Text("/a").Null().Int(1)).data, std::nullopt);
}

// 7.3: the state machine answers InvalidACL to an empty list and an empty scheme, in its order of checks.
TEST(DecodeRequest, AclLists) {
  const auto acl_of = [](const Record& acl) {
    return Understood<service::SetAclOp>(OpCode::kSetAcl, Record().Text("/a").Raw(acl.bytes()).Int(2)).acl;
  };
  EXPECT_EQ(acl_of(Record().OpenAcl()), kOpen);
  for (const int32_t count : {0, -1, -2, INT32_MIN})
    EXPECT_EQ(acl_of(Record().Int(count)), access::Acl()) << "an empty list, never the open one: " << count;
  EXPECT_EQ(acl_of(Record().Int(1).Int(31).Null().Text("x")), (access::Acl{{31, "", "x"}}));
  EXPECT_EQ(acl_of(Record().Int(1).Int(31).Text("auth").Null()), (access::Acl{{31, "auth", ""}})) << "as kazoo sends";
  EXPECT_EQ(acl_of(Record().Int(2).Int(1).Text("ip").Text("10.0.0.1").Int(-1).Text("digest").Text("u:h")),
            (access::Acl{{1, "ip", "10.0.0.1"}, {0xffffffff, "digest", "u:h"}}));
  for (const char* scheme : {"world", "digest", "ip"}) {
    const Record null_id = Record().Int(1).Int(31).Text(scheme).Null();
    EXPECT_EQ(AnswerTo(OpCode::kSetAcl, Record().Text("/a").Raw(null_id.bytes()).Int(2)),
              ErrorNumber::kMarshallingError)
        << scheme;
  }
  EXPECT_EQ(AnswerTo(OpCode::kSetAcl, Record().Text("/a").Int(0x7fffffff).Int(1)), ErrorNumber::kMarshallingError);
}

TEST(DecodeRequest, AnAclThatIsTooLongIsReadToItsEndAndCut) {
  Record record;
  record.Text("/a").Text("").Int(20'000);
  for (int i = 0; i < 20'000; ++i) record.Int(i).Text("ip").Text("::1");
  const auto create = Understood<service::CreateOp>(OpCode::kCreate, record.Int(2));
  EXPECT_EQ(create.mode, CreateMode::kPersistentSequential) << "what stands behind the list is still found";
  EXPECT_EQ(create.acl->size(), access::kMaxAclEntriesAsked + 1) << "enough to be refused";
}

TEST(DecodeRequest, WritesOfOneNode) {
  const auto remove = Understood<service::DeleteOp>(OpCode::kDelete, Record().Text("/a").Int(-2));
  EXPECT_EQ(remove.path, "/a");
  EXPECT_EQ(remove.version, -2);
  EXPECT_FALSE(remove.missing_ok);
  const auto set = Understood<service::SetDataOp>(OpCode::kSetData, Record().Text("/a").Text("v").Int(4));
  EXPECT_EQ(set.path, "/a");
  EXPECT_EQ(set.data, "v");
  EXPECT_EQ(set.version, 4);
  EXPECT_EQ(Understood<service::SetAclOp>(OpCode::kSetAcl, Record().Text("/a").OpenAcl().Int(2)).version, 2);
}

TEST(DecodeRequest, Reads) {
  const auto exists = Understood<service::Exists>(OpCode::kExists, Record().Text("/a").Bool(true));
  EXPECT_EQ(exists.path, "/a");
  EXPECT_TRUE(exists.watch);
  const auto data = Understood<service::GetData>(OpCode::kGetData, Record().Text("/a").Bool(false));
  EXPECT_EQ(data.path, "/a");
  EXPECT_FALSE(data.watch);
  const auto list = Understood<service::GetChildren>(OpCode::kGetChildren, Record().Text("/a").Bool(true));
  EXPECT_EQ(list.path, "/a");
  EXPECT_TRUE(list.watch);
  EXPECT_FALSE(list.with_stat);
  EXPECT_TRUE(Understood<service::GetChildren>(OpCode::kGetChildren2, Record().Text("/a").Bool(true)).with_stat);
  EXPECT_EQ(Understood<service::GetAcl>(OpCode::kGetAcl, Record().Text("/a")).path, "/a");
  EXPECT_EQ(Understood<service::CountDescendants>(OpCode::kGetAllChildrenNumber, Record().Text("/")).path, "/");
  Understood<service::WhoAmI>(OpCode::kWhoAmI, Record());
}

TEST(DecodeRequest, GetEphemeralsAreTheCallersOwnAllAtOnce) {
  for (const Record& prefix : {Record().Text("/a"), Record().Text(""), Record().Null()}) {
    const auto ephemerals = Understood<service::GetEphemerals>(OpCode::kGetEphemerals, prefix);
    EXPECT_TRUE(ephemerals.whole);
    EXPECT_EQ(ephemerals.session, SessionId(0));
    EXPECT_EQ(ephemerals.prefix, prefix.bytes().size() > 4 ? "/a" : "");
  }
}

TEST(DecodeRequest, SyncRemembersThePathForItsReply) {
  const DecodedRequest sync = Decode(OpCode::kSync, Record().Text("no/path"));
  EXPECT_EQ(Understood<service::Sync>(sync).path, "no/path");
  EXPECT_EQ(sync.shape.more->path, "no/path");
  const DecodedRequest null = Decode(OpCode::kSync, Record().Null());
  Understood<service::Sync>(null);
  EXPECT_FALSE(null.shape.more && null.shape.more->path);
}

TEST(DecodeRequest, SessionOperations) {
  const auto auth = Understood<service::Authenticate>(OpCode::kAuth, Record().Int(5).Text("digest").Text("bob:secret"));
  EXPECT_EQ(auth.credential.scheme, "digest");
  EXPECT_EQ(auth.credential.credential, "bob:secret");
  const auto nulls = Understood<service::Authenticate>(OpCode::kAuth, Record().Int(0).Null().Null());
  EXPECT_EQ(nulls.credential.scheme, "") << "the service knows no such scheme";
  EXPECT_EQ(nulls.credential.credential, "");
  Understood<service::CloseSession>(OpCode::kCloseSession, Record());

  const std::optional<DecodedRequest> ping = DecodeRequest(FromHex("fffffffe 0000000b"));
  ASSERT_TRUE(ping);
  EXPECT_EQ(ping->kind, DecodedRequest::Kind::kPing);
  EXPECT_EQ(ping->shape.xid, kPingXid);
}

TEST(DecodeRequest, AnAuthPacketThatCannotBeReadEndsTheConnection) {
  const DecodedRequest auth = Decode(OpCode::kAuth, Record().Int(0).Text("digest").Int(99));
  EXPECT_EQ(AnswerTo(auth), ErrorNumber::kMarshallingError);
  EXPECT_TRUE(auth.shape.more->close_after);
  EXPECT_FALSE(Decode(OpCode::kExists, Record()).shape.more->close_after);
}

TEST(DecodeRequest, WhatIsNotOfferedIsAnsweredProperly) {
  const Record reconfig = Record().Text("server.4=h:1:2;3").Null().Null().Long(-1);
  EXPECT_EQ(AnswerTo(OpCode::kReconfig, reconfig), ErrorNumber::kReconfigDisabled);
  EXPECT_EQ(AnswerTo(OpCode::kReconfig, Record().Text("x")), ErrorNumber::kMarshallingError);
  EXPECT_EQ(AnswerTo(OpCode::kSasl, Record().Text("token")), ErrorNumber::kOk);
  EXPECT_EQ(AnswerTo(OpCode::kSasl, Record().Null()), ErrorNumber::kOk);
  EXPECT_EQ(AnswerTo(OpCode::kSasl, Record().Int(3)), ErrorNumber::kMarshallingError);
}

// Section 4. Of 20 and -10 ZooKeeper makes a hole.
TEST(DecodeRequest, UnknownOperationsEndTheConnection) {
  for (const int32_t op : {0, 10, 13, 20, -10, -1, 999, 500, 23, 108, INT32_MIN, INT32_MAX}) {
    const DecodedRequest request = Decode(static_cast<OpCode>(op), Record().Text("/a").Int(1));
    EXPECT_EQ(AnswerTo(request), ErrorNumber::kUnimplemented) << op;
    EXPECT_TRUE(request.shape.more->close_after) << op;
  }
}

// Section 9.
TEST(DecodeRequest, NullPaths) {
  EXPECT_EQ(Understood<service::SetDataOp>(OpCode::kSetData, Record().Null().Text("v").Int(-1)).path, "");
  EXPECT_EQ(Understood<service::SetAclOp>(OpCode::kSetAcl, Record().Null().OpenAcl().Int(-1)).path, "");
  EXPECT_EQ(Understood<service::AddWatch>(OpCode::kAddWatch, Record().Null().Int(0)).path, "");
  EXPECT_EQ(Understood<service::RemoveWatch>(OpCode::kRemoveWatches, Record().Null().Int(3)).path, "");
  const Record create = Record().Null().Text("").OpenAcl().Int(0).Long(1);
  for (const OpCode op : {OpCode::kCreate, OpCode::kCreate2}) {
    EXPECT_EQ(AnswerTo(op, create), ErrorNumber::kMarshallingError);
  }
  EXPECT_EQ(AnswerTo(OpCode::kDelete, Record().Null().Int(-1)), ErrorNumber::kMarshallingError);
  for (const OpCode op : {OpCode::kExists, OpCode::kGetData, OpCode::kGetChildren, OpCode::kGetChildren2,
                          OpCode::kGetAcl, OpCode::kGetAllChildrenNumber}) {
    EXPECT_EQ(AnswerTo(op, Record().Null().Bool(false)), ErrorNumber::kMarshallingError) << static_cast<int>(op);
  }
  EXPECT_EQ(AnswerTo(OpCode::kCheckWatches, Record().Null().Int(3)), ErrorNumber::kMarshallingError);
}

TEST(DecodeRequest, SetWatches) {
  const Record lists = Record().Long(7).Int(2).Text("/a").Text("/b").Int(1).Text("/c").Int(1).Text("/d");
  const auto kinds = [](const service::SetWatches& set) {
    std::vector<std::pair<std::string, WatchKind>> out;
    for (const service::WatchSet& watch : set.watches) {
      EXPECT_EQ(watch.since, statemachine::Cursor{Zxid(7)});
      out.emplace_back(watch.path, watch.kind);
    }
    return out;
  };
  std::vector<std::pair<std::string, WatchKind>> expected = {
      {"/a", WatchKind::kData}, {"/b", WatchKind::kData}, {"/c", WatchKind::kExists}, {"/d", WatchKind::kChildren}};
  EXPECT_EQ(kinds(Understood<service::SetWatches>(OpCode::kSetWatches, lists)), expected);
  expected.insert(expected.end(), {{"/e", WatchKind::kPersistent}, {"/f", WatchKind::kPersistentRecursive}});
  const Record all = Record(lists).Int(1).Text("/e").Int(1).Text("/f");
  EXPECT_EQ(kinds(Understood<service::SetWatches>(OpCode::kSetWatches2, all)), expected);
  EXPECT_EQ(AnswerTo(OpCode::kSetWatches2, lists), ErrorNumber::kMarshallingError);
  for (const Record& null :
       {Record().Null().Int(0).Int(0), Record().Int(0).Null().Int(0), Record().Int(0).Int(0).Null(),
        Record().Int(1).Null().Int(0).Int(0), Record().Int(-2).Int(0).Int(0)}) {
    EXPECT_EQ(AnswerTo(OpCode::kSetWatches, Record().Long(7).Raw(null.bytes())), ErrorNumber::kMarshallingError);
  }
}

// 11.11, 13.6.
TEST(DecodeRequest, ModesAndTypesOfWatches) {
  EXPECT_EQ(Understood<service::AddWatch>(OpCode::kAddWatch, Record().Text("/a").Int(0)).kind, WatchKind::kPersistent);
  EXPECT_EQ(Understood<service::AddWatch>(OpCode::kAddWatch, Record().Text("/a").Int(1)).kind,
            WatchKind::kPersistentRecursive);
  for (const int32_t mode : {-1, 2})
    EXPECT_EQ(AnswerTo(OpCode::kAddWatch, Record().Text("/a").Int(mode)), ErrorNumber::kMarshallingError);

  const WatchKind kKinds[] = {WatchKind::kChildren, WatchKind::kData, WatchKind::kData, WatchKind::kPersistent,
                              WatchKind::kPersistentRecursive};
  for (int32_t type = 1; type <= 5; ++type) {
    const Record record = Record().Text("/a").Int(type);
    const auto check = Understood<service::CheckWatch>(OpCode::kCheckWatches, record);
    const auto remove = Understood<service::RemoveWatch>(OpCode::kRemoveWatches, record);
    EXPECT_EQ(check.path + remove.path, "/a/a");
    EXPECT_EQ(check.any, type == 3);
    EXPECT_EQ(remove.any, type == 3);
    if (type != 3) {
      EXPECT_EQ(check.kind, kKinds[type - 1]) << type;
      EXPECT_EQ(remove.kind, kKinds[type - 1]) << type;
    }
  }
  for (const int32_t type : {0, 6, -1}) {
    EXPECT_EQ(AnswerTo(OpCode::kCheckWatches, Record().Text("/a").Int(type)), ErrorNumber::kMarshallingError);
    EXPECT_EQ(AnswerTo(OpCode::kRemoveWatches, Record().Text("/a").Int(type)), ErrorNumber::kMarshallingError);
  }
}

}  // namespace
}  // namespace synod::frontdoor::zookeeper

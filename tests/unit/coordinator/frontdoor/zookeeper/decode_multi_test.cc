#include <gtest/gtest.h>

#include <string>
#include <variant>

#include "coordinator/frontdoor/zookeeper/decode.h"
#include "tests/support/zookeeper_records.h"

namespace synod::frontdoor::zookeeper {
namespace {

using service::CreateMode;
using synod::testing::CreateRecord;
using synod::testing::FromHex;
using synod::testing::MultiRecord;
using synod::testing::Record;
using synod::testing::RequestExample;
using synod::testing::RequestPayload;

DecodedRequest Decode(OpCode op, const std::string& record) {
  std::optional<DecodedRequest> decoded = DecodeRequest(RequestPayload(3, static_cast<int32_t>(op), record));
  EXPECT_TRUE(decoded.has_value());
  return *std::move(decoded);
}
std::optional<ErrorNumber> AnswerTo(OpCode op, const std::string& record) {
  const DecodedRequest request = Decode(op, record);
  EXPECT_EQ(std::holds_alternative<service::Unintelligible>(request.operation),
            request.shape.more && request.shape.more->answer);
  return request.shape.more ? request.shape.more->answer : std::nullopt;
}
// One operation in a multi.
std::optional<ErrorNumber> AnswerToPart(OpCode part, const Record& record) {
  return AnswerTo(OpCode::kMulti, MultiRecord({{"", static_cast<int32_t>(part), record.bytes()}}));
}

// Section 26.
TEST(DecodeMulti, CheckAndCreate) {
  const std::optional<DecodedRequest> request = DecodeRequest(
      FromHex("00000003 0000000e 0000000d 00 ffffffff 00000002 2f61 00000005 00000001 00 ffffffff 00000002 2f62 "
              "00000000 00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65 00000000 ffffffff 01 ffffffff"));
  ASSERT_TRUE(request);
  EXPECT_EQ(request->shape.op, OpCode::kMulti);
  EXPECT_EQ(request->shape.more->parts, (std::vector{OpCode::kCheck, OpCode::kCreate}));
  const auto& ops = std::get<service::MultiOp>(request->operation).ops;
  ASSERT_EQ(ops.size(), 2u);
  EXPECT_EQ(std::get<service::CheckOp>(ops[0]).path, "/a");
  EXPECT_EQ(std::get<service::CheckOp>(ops[0]).version, 5);
  const auto& create = std::get<service::CreateOp>(ops[1]);
  EXPECT_EQ(create.path, "/b");
  EXPECT_EQ(create.data, "");
  EXPECT_EQ(create.acl, (access::Acl{{31, "world", "anyone"}}));
}

TEST(DecodeMulti, HoldsEveryOperationThatMayBeInOne) {
  for (const RequestExample& example : synod::testing::RequestExamples()) {
    if (example.name != "multi") continue;
    const DecodedRequest request = Decode(OpCode::kMulti, example.record);
    EXPECT_EQ(request.shape.more->parts,
              (std::vector{OpCode::kCheck, OpCode::kCreate, OpCode::kDelete, OpCode::kSetData, OpCode::kCreate2,
                           OpCode::kCreateContainer, OpCode::kCreateTtl}));
    const auto& ops = std::get<service::MultiOp>(request.operation).ops;
    ASSERT_EQ(ops.size(), 7u);
    EXPECT_EQ(std::get<service::DeleteOp>(ops[2]).version, 3);
    EXPECT_EQ(std::get<service::SetDataOp>(ops[3]).data, "value");
    EXPECT_EQ(std::get<service::CreateOp>(ops[4]).mode, CreateMode::kEphemeralSequential);
    EXPECT_EQ(std::get<service::CreateOp>(ops[5]).mode, CreateMode::kContainer);
    EXPECT_EQ(std::get<service::CreateOp>(ops[6]).ttl_ms, 100u);
    return;
  }
  FAIL() << "no example";
}

TEST(DecodeMulti, AnEmptyOneIsLegal) {
  EXPECT_TRUE(std::get<service::MultiOp>(Decode(OpCode::kMulti, MultiRecord({})).operation).ops.empty());
  EXPECT_TRUE(std::get<service::MultiRead>(Decode(OpCode::kMultiRead, MultiRecord({})).operation).ops.empty());
}

TEST(DecodeMulti, OfTheEndHeaderOnlyDoneIsLookedAt) {
  const std::string end = Record().Int(99).Bool(true).Int(17).Raw("behind it").bytes();
  EXPECT_EQ(AnswerTo(OpCode::kMulti, end), std::nullopt);
  EXPECT_EQ(AnswerTo(OpCode::kMultiRead, end), std::nullopt);
  EXPECT_EQ(AnswerTo(OpCode::kMulti, Record().Int(99).Bool(true).bytes()), ErrorNumber::kMarshallingError);
}

// 12.1
TEST(DecodeMulti, AnyOtherOperationInItFailsTheWhole) {
  for (const RequestExample& example : synod::testing::RequestExamples()) {
    const bool write = example.name == "create" || example.name == "delete" || example.name == "setData" ||
                       example.name.starts_with("create");
    const bool read = example.name == "getData" || example.name == "getChildren";
    const std::string record = MultiRecord({example});
    EXPECT_EQ(AnswerTo(OpCode::kMulti, record) == ErrorNumber::kMarshallingError, !write) << example.name;
    EXPECT_EQ(AnswerTo(OpCode::kMultiRead, record) == ErrorNumber::kMarshallingError, !read) << example.name;
  }
  EXPECT_EQ(AnswerToPart(OpCode::kError, Record().Text("/a")), ErrorNumber::kMarshallingError);
}

TEST(DecodeMulti, WhatIsWrongWithOneOperationIsItsOwnOrTheWholes) {
  // 8.1, 12.1: flags that cannot be read.
  for (const int32_t flags : {5, 6, 7, -1}) {
    EXPECT_EQ(AnswerToPart(OpCode::kCreate, CreateRecord("/a", "", flags)), ErrorNumber::kMarshallingError);
    EXPECT_EQ(AnswerToPart(OpCode::kCreate2, CreateRecord("/a", "", flags)), ErrorNumber::kMarshallingError);
    EXPECT_EQ(AnswerToPart(OpCode::kCreateContainer, CreateRecord("/a", "", flags)), ErrorNumber::kMarshallingError);
  }
  EXPECT_EQ(AnswerToPart(OpCode::kCreateTtl, CreateRecord("/a", "", 7).Long(1)), ErrorNumber::kMarshallingError);
  // Left to the state machine, which names the operation that fails.
  EXPECT_EQ(AnswerToPart(OpCode::kCreateContainer, CreateRecord("/a", "", 0)), std::nullopt);
  EXPECT_EQ(AnswerToPart(OpCode::kCreateTtl, CreateRecord("/a", "", 0).Long(1)), std::nullopt);
  EXPECT_EQ(AnswerToPart(OpCode::kCreate, CreateRecord("no path", "", 0)), std::nullopt);
  EXPECT_EQ(AnswerToPart(OpCode::kCreate, Record().Text("/a").Text("").Null().Int(0)), std::nullopt);
  EXPECT_EQ(AnswerToPart(OpCode::kSetData, Record().Null().Text("").Int(0)), std::nullopt);
  EXPECT_EQ(AnswerToPart(OpCode::kCheck, Record().Null().Int(0)), std::nullopt);
  EXPECT_EQ(AnswerToPart(OpCode::kDelete, Record().Null().Int(0)), ErrorNumber::kMarshallingError);
}

TEST(DecodeMulti, AFlagMakesAContainer) {
  const RequestExample create = {"", 1, CreateRecord("/a", "", 4).bytes()};
  const RequestExample create2 = {"", 15, CreateRecord("/b", "", 4).bytes()};
  const DecodedRequest request = Decode(OpCode::kMulti, MultiRecord({create, create2}));
  EXPECT_EQ(request.shape.more->parts[0], OpCode::kCreateContainer);
  for (const service::TreeOp& op : std::get<service::MultiOp>(request.operation).ops)
    EXPECT_EQ(std::get<service::CreateOp>(op).mode, CreateMode::kContainer);
}

TEST(DecodeMulti, Reads) {
  const Record record = Record().Text("/a").Bool(true);
  const DecodedRequest request =
      Decode(OpCode::kMultiRead, MultiRecord({{"", 4, record.bytes()}, {"", 8, record.bytes()}}));
  EXPECT_EQ(request.shape.more->parts, (std::vector{OpCode::kGetData, OpCode::kGetChildren}));
  const auto& ops = std::get<service::MultiRead>(request.operation).ops;
  ASSERT_EQ(ops.size(), 2u);
  EXPECT_EQ(std::get<service::GetData>(ops[0]).path, "/a");
  EXPECT_EQ(std::get<service::GetChildren>(ops[1]).path, "/a");
}

TEST(DecodeMulti, TooManyOperationsAreRefusedWithoutReadingThemAll) {
  const RequestExample check = {"", 13, Record().Text("/a").Int(1).bytes()};
  const RequestExample read = {"", 4, Record().Text("/a").Bool(false).bytes()};
  const auto times = [](const RequestExample& part, size_t n) { return MultiRecord(std::vector(n, part)); };
  EXPECT_EQ(AnswerTo(OpCode::kMulti, times(check, 5000)), std::nullopt);
  EXPECT_EQ(AnswerTo(OpCode::kMulti, times(check, 5001)), ErrorNumber::kBadArguments);
  EXPECT_EQ(AnswerTo(OpCode::kMultiRead, times(read, 1000)), std::nullopt);
  EXPECT_EQ(AnswerTo(OpCode::kMultiRead, times(read, 1001)), ErrorNumber::kBadArguments);
}

// A multi in a multi is no operation that may be in one, however deep it is nested.
TEST(DecodeMulti, NestedOnesAreRefused) {
  std::string record = MultiRecord({});
  for (int i = 0; i < 1000; ++i) record = MultiRecord({{"", 14, record}});
  EXPECT_EQ(AnswerTo(OpCode::kMulti, record), ErrorNumber::kMarshallingError);
}

}  // namespace
}  // namespace synod::frontdoor::zookeeper

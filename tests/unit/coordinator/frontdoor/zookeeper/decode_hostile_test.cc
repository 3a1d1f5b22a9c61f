// Frames that are cut, lie about lengths, or are noise: the decoder reads nothing beyond them, keeps nothing that the
// bytes did not pay for, and has an answer.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <string>
#include <variant>

#include "coordinator/frontdoor/zookeeper/decode.h"
#include "coordinator/frontdoor/zookeeper/encode.h"
#include "tests/support/zookeeper_records.h"
#include "tests/unit/coordinator/frontdoor/zookeeper/allocations.h"

namespace synod::frontdoor::zookeeper {
namespace {

using synod::testing::allocated_bytes;
using synod::testing::allocations;
using synod::testing::CreateRecord;
using synod::testing::ExactBytes;
using synod::testing::Record;
using synod::testing::RequestExample;
using synod::testing::RequestExamples;
using synod::testing::RequestPayload;

std::optional<ErrorNumber> AnswerTo(const DecodedRequest& request) {
  return request.shape.more ? request.shape.more->answer : std::nullopt;
}

TEST(DecodeRequest, EveryExampleIsUnderstoodWhateverStandsBehindIt) {
  for (const RequestExample& example : RequestExamples()) {
    for (const char* behind : {"", "and more"}) {
      const ExactBytes payload(RequestPayload(1, example.op, example.record + behind));
      const std::optional<DecodedRequest> request = DecodeRequest(payload.view());
      ASSERT_TRUE(request) << example.name;
      const std::optional<ErrorNumber> answer = AnswerTo(*request);
      if (example.name == "reconfig") {
        EXPECT_EQ(answer, ErrorNumber::kReconfigDisabled);
      } else {
        EXPECT_EQ(answer.value_or(ErrorNumber::kOk), ErrorNumber::kOk) << example.name;
      }
    }
  }
}

TEST(DecodeRequest, ARecordCutAnywhereIsAMarshallingError) {
  for (const RequestExample& example : RequestExamples()) {
    for (size_t cut = 0; cut < example.record.size(); ++cut) {
      const ExactBytes payload(RequestPayload(1, example.op, example.record.substr(0, cut)));
      const std::optional<DecodedRequest> request = DecodeRequest(payload.view());
      ASSERT_TRUE(request) << example.name;
      EXPECT_EQ(AnswerTo(*request), ErrorNumber::kMarshallingError) << example.name << " cut at " << cut;
      EXPECT_TRUE(std::holds_alternative<service::Unintelligible>(request->operation));
    }
  }
}

// Each length, count and number replaced by each value that a length should not have.
TEST(DecodeRequest, LyingLengthsReserveNothing) {
  for (const RequestExample& example : RequestExamples()) {
    for (size_t at = 0; at + 4 <= example.record.size(); ++at) {
      for (const int64_t lie : {int64_t{-2}, int64_t{INT32_MIN}, int64_t{INT32_MAX}, int64_t{0x00ffffff}}) {
        std::string record = example.record;
        record.replace(at, 4, Record().Int(lie).bytes());
        const ExactBytes payload(RequestPayload(1, example.op, record));
        const size_t before = allocated_bytes;
        const std::optional<DecodedRequest> request = DecodeRequest(payload.view());
        EXPECT_LT(allocated_bytes - before, 16384u) << example.name << " at " << at << ": " << lie;
        ASSERT_TRUE(request);
        EXPECT_EQ(request->shape.xid, 1);
      }
    }
  }
}

TEST(DecodeRequest, AVectorThatClaimsTwoBillionReservesNothing) {
  const std::string acl = Record().Text("/a").Text("").Int(INT32_MAX).Raw(std::string(1000, '\0')).bytes();
  const std::string watches = Record().Long(0).Int(INT32_MAX).Raw(std::string(1000, '\0')).bytes();
  for (const RequestExample& hostile : {RequestExample{"create", 1, acl}, RequestExample{"setWatches", 101, watches},
                                        RequestExample{"setWatches2", 105, watches}}) {
    const std::string payload = RequestPayload(1, hostile.op, hostile.record);
    const size_t before = allocated_bytes;
    const std::optional<DecodedRequest> request = DecodeRequest(payload);
    EXPECT_LT(allocated_bytes - before, 1024u) << hostile.name;
    EXPECT_EQ(AnswerTo(*request), ErrorNumber::kMarshallingError) << hostile.name;
  }
}

// What a frame of the largest size makes the server hold is a small multiple of it.
TEST(DecodeRequest, TheSmallestElementsOfTheLargestFrameTakeLittle) {
  constexpr size_t kFrame = 1 << 20;
  Record acl = Record().Text("/a").Text("").Int(kFrame / 12);
  acl.Raw(std::string(kFrame, '\0'));
  Record watches = Record().Long(0).Int(kFrame / 4);
  watches.Raw(std::string(kFrame, '\0'));
  for (const RequestExample& hostile :
       {RequestExample{"create", 1, acl.bytes()}, RequestExample{"setWatches", 101, watches.bytes()}}) {
    const std::string payload = RequestPayload(1, hostile.op, hostile.record);
    const size_t before = allocated_bytes;
    ASSERT_TRUE(DecodeRequest(payload));
    EXPECT_LT(allocated_bytes - before, 48 * kFrame) << hostile.name;
  }
}

TEST(DecodeRequest, TheFrequentOnesAllocateOnlyWhatTheyKeep) {
  const std::string data(100, 'd');
  const struct {
    RequestExample example;
    size_t allocations;
  } kCases[] = {
      {{"getData", 4, Record().Text("/short").Bool(false).bytes()}, 0},
      {{"exists", 3, Record().Text("/short").Bool(true).bytes()}, 0},
      {{"setData", 5, Record().Text("/short").Text(data).Int(-1).bytes()}, 1},
      {{"create", 1, CreateRecord("/short", data, 3).bytes()}, 2},  // data and the list
      {{"delete", 2, Record().Text("/short").Int(-1).bytes()}, 0},
      {{"ping", 11, ""}, 0},
  };
  for (const auto& c : kCases) {
    const std::string payload = RequestPayload(1, c.example.op, c.example.record);
    const size_t before = allocations;
    const std::optional<DecodedRequest> request = DecodeRequest(payload);
    EXPECT_EQ(allocations - before, c.allocations) << c.example.name;
    EXPECT_EQ(AnswerTo(*request), std::nullopt);
  }
}

TEST(EncodeReply, AllocatesNothingWhereThereIsRoom) {
  std::string out;
  out.reserve(4096);
  service::Reply reply;
  reply.zxid = Zxid(5);
  reply.data = std::string(100, 'd');
  reply.stat.emplace();
  reply.result.path = "/a";
  const size_t before = allocations;
  for (const OpCode op : {OpCode::kCreate, OpCode::kCreate2, OpCode::kSetData, OpCode::kGetData, OpCode::kExists}) {
    Shape shape;
    shape.op = op;
    EncodeReply(shape, &reply, &out);
  }
  EXPECT_EQ(allocations - before, 0u);
}

RC_GTEST_PROP(DecodeRequest, NoiseHasAnAnswer, (int32_t xid, const std::string& noise)) {
  for (const RequestExample& example : RequestExamples()) {
    const ExactBytes payload(RequestPayload(xid, example.op, noise));
    const std::optional<DecodedRequest> request = DecodeRequest(payload.view());
    RC_ASSERT(request.has_value());
    RC_ASSERT(request->shape.xid == xid);
    RC_ASSERT(static_cast<int32_t>(request->shape.op) == example.op);
  }
  const ExactBytes bytes(noise);
  DecodeRequest(bytes.view());
  DecodeConnect(bytes.view());
}

RC_GTEST_PROP(DecodeRequest, WhatAClientWritesIsWhatIsRead,
              (const std::string& path, const std::string& data, int32_t version, bool null)) {
  Record record;
  record.Text(path);
  null ? record.Null() : record.Text(data);
  const auto set = DecodeRequest(RequestPayload(1, 5, Record(record).Int(version).bytes()));
  const auto& set_data = std::get<service::SetDataOp>(set->operation);
  RC_ASSERT(set_data.path == path);
  RC_ASSERT(set_data.data == (null ? std::nullopt : std::optional(data)));
  RC_ASSERT(set_data.version == version);

  const auto entries = *rc::gen::container<std::vector<std::tuple<int32_t, std::string, std::string>>>(
      rc::gen::arbitrary<std::tuple<int32_t, std::string, std::string>>());
  record.Int(static_cast<int64_t>(entries.size()));
  access::Acl acl;
  for (const auto& [permissions, scheme, id] : entries) {
    record.Int(permissions).Text(scheme).Text(id);
    acl.push_back({static_cast<uint32_t>(permissions), scheme, id});
  }
  const int32_t flags = *rc::gen::inRange(0, 5);
  const auto made = DecodeRequest(RequestPayload(1, 15, record.Int(flags).bytes()));
  const auto& create = std::get<service::CreateOp>(made->operation);
  RC_ASSERT(create.path == path);
  RC_ASSERT(create.data == set_data.data);
  RC_ASSERT(create.acl == acl);
  RC_ASSERT(static_cast<int32_t>(create.mode) == flags);
}

}  // namespace
}  // namespace synod::frontdoor::zookeeper

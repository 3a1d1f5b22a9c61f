// One request and its reply, without a server: decoding is total, and what is answered is a whole frame with an answer
// to each part.
#include <string>
#include <variant>

#include "coordinator/base/check.h"
#include "coordinator/frontdoor/zookeeper/decode.h"
#include "coordinator/frontdoor/zookeeper/encode.h"
#include "coordinator/frontdoor/zookeeper/jute.h"
#include "tests/fuzz/targets.h"
#include "tests/support/zookeeper_records.h"

namespace synod::fuzz {
namespace {

using frontdoor::zookeeper::DecodedRequest;
using frontdoor::zookeeper::ErrorNumber;
using frontdoor::zookeeper::JuteReader;
using frontdoor::zookeeper::OpCode;

constexpr int32_t kXid = 0x01020304;
constexpr size_t kStatBytes = 68;

void CheckCreate(const service::CreateOp& create) {
  SYNOD_CHECK(create.mode <= service::CreateMode::kPersistentSequentialTtl) << "no command carries it";
  SYNOD_CHECK(create.on_existing == service::OnExisting::kFail);
  SYNOD_CHECK(create.acl.has_value()) << "a list of the client's own would be taken for the open one";
}

// How many parts the reply has to have. What reaches the service has a representation below the door.
size_t CheckOperation(const service::Operation& operation) {
  if (const auto* create = std::get_if<service::CreateOp>(&operation)) CheckCreate(*create);
  if (const auto* set = std::get_if<service::SetAclOp>(&operation)) SYNOD_CHECK(set->acl.has_value());
  if (const auto* reads = std::get_if<service::MultiRead>(&operation)) return reads->ops.size();
  const auto* multi = std::get_if<service::MultiOp>(&operation);
  if (multi == nullptr) return 0;
  for (const service::TreeOp& op : multi->ops) {
    if (const auto* create = std::get_if<service::CreateOp>(&op)) CheckCreate(*create);
  }
  return multi->ops.size();
}

service::Reply SomeReply(size_t parts, service::ErrorCode error) {
  service::Reply reply;
  reply.zxid = Zxid(5);
  reply.error = error;
  reply.stat.emplace();
  reply.data = "data";
  reply.children = {"a", "b"};
  reply.result.path = "/a";
  reply.acl = {{31, "world", "anyone"}};
  reply.identities = {{"ip", "127.0.0.1"}};
  reply.results.resize(parts);
  if (error != service::ErrorCode::kOk && parts > 0) reply.results[0].error = tree::Error::kNoNode;
  reply.reads.resize(parts);
  for (service::Reply& read : reply.reads) {
    read.stat.emplace();
    read.children = {"a"};
  }
  return reply;
}

void Skip(JuteReader* in, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) in->Bool();
}

// 12.3: one result of a list of operations, behind its header.
void ReadPart(int32_t type, JuteReader* in) {
  switch (type) {
    case -1:
      in->Int();
      return;
    case 1:
      in->String();
      return;
    case 15:
      in->String();
      return Skip(in, kStatBytes);
    case 5:
      return Skip(in, kStatBytes);
    case 4:
      in->Buffer();
      return Skip(in, kStatBytes);
    case 8:
      for (int32_t left = in->Int(); left > 0 && in->ok(); --left) in->String();
      return;
    default:
      SYNOD_CHECK(type == 2 || type == 13) << type;
  }
}

size_t CountParts(JuteReader* in) {
  for (size_t parts = 0;; ++parts) {
    const int32_t type = in->Int();
    const bool done = in->Bool();
    in->Int();
    SYNOD_CHECK(in->ok());
    if (done) return parts;
    ReadPart(type, in);
  }
}

void CheckReply(const DecodedRequest& request, size_t parts, service::ErrorCode error) {
  service::Reply reply = SomeReply(parts, error);
  const ErrorNumber answer = ErrorOf(request.shape, reply);
  std::string out;
  EncodeReply(request.shape, &reply, &out);
  JuteReader in(out);
  SYNOD_CHECK_EQ(static_cast<size_t>(in.Int()), out.size() - sizeof(int32_t));
  SYNOD_CHECK_EQ(in.Int(), kXid);
  in.Long();
  const int32_t header = in.Int();
  SYNOD_CHECK(in.ok());
  const bool lists = request.shape.op == OpCode::kMulti || request.shape.op == OpCode::kMultiRead;
  if (header != 0) {
    SYNOD_CHECK_EQ(header, static_cast<int32_t>(answer));
    SYNOD_CHECK(in.rest().empty()) << "an error has no body";
  } else if (lists) {
    SYNOD_CHECK_EQ(CountParts(&in), parts);
    SYNOD_CHECK(in.rest().empty());
  } else {
    SYNOD_CHECK(answer == ErrorNumber::kOk);
  }
}

}  // namespace

void RunRequest(const Target& target, std::string_view input) {
  const testing::ExactBytes payload(testing::RequestPayload(kXid, target.op, input));
  const std::optional<DecodedRequest> request = frontdoor::zookeeper::DecodeRequest(payload.view());
  SYNOD_CHECK(request.has_value()) << "it has a header";
  SYNOD_CHECK_EQ(request->shape.xid, kXid);
  SYNOD_CHECK_EQ(static_cast<int32_t>(request->shape.op), target.op);
  if (request->kind == DecodedRequest::Kind::kPing) return;
  const bool answered = request->shape.more && request->shape.more->answer;
  SYNOD_CHECK_EQ(answered, std::holds_alternative<service::Unintelligible>(request->operation));
  const size_t parts = CheckOperation(request->operation);
  if (request->shape.more) SYNOD_CHECK_EQ(request->shape.more->parts.size(), parts);
  for (const tree::Error error : {tree::Error::kOk, tree::Error::kNoNode, tree::Error::kSessionExpired})
    CheckReply(*request, parts, service::ToErrorCode(error));
}

void RunConnect(const Target&, std::string_view input) {
  const testing::ExactBytes payload(input);
  const auto frame = frontdoor::zookeeper::DecodeConnect(payload.view());
  if (!frame) return;
  SYNOD_CHECK_LE(frame->request.password.size(), input.size());
  service::ConnectResult result;
  result.session = frame->request.session;
  result.timeout = frame->request.timeout;
  result.password = frame->request.password;
  std::string granted, refused;
  frontdoor::zookeeper::EncodeConnected(result, frame->has_read_only, &granted);
  frontdoor::zookeeper::EncodeRefused(frame->has_read_only, &refused);
  // The C client reads just so many bytes (2.2).
  const size_t bytes = sizeof(int32_t) + (frame->has_read_only ? 37 : 36);
  SYNOD_CHECK_EQ(granted.size(), bytes);
  SYNOD_CHECK_EQ(refused.size(), bytes);
}

}  // namespace synod::fuzz

#include "coordinator/frontdoor/zookeeper/encode.h"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "coordinator/base/check.h"
#include "coordinator/frontdoor/zookeeper/big_endian.h"
#include "coordinator/frontdoor/zookeeper/jute.h"

namespace synod::frontdoor::zookeeper {
namespace {

constexpr size_t kStatBytes = 68;
constexpr int32_t kSyncConnected = 3;
constexpr Zxid kNoZxid{-1};

int32_t ToInt(int64_t value) {
  return static_cast<int32_t>(
      std::clamp<int64_t>(value, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()));
}

// A frame's length, to be known at EndFrame, and a reply's header, in one piece. Returns what EndFrame takes.
size_t BeginReply(int32_t xid, Zxid zxid, ErrorNumber error, std::string* out) {
  const size_t begin = out->size();
  char bytes[sizeof(int32_t) + kReplyHeaderBytes];
  char* to = StoreBigEndian(static_cast<int32_t>(kReplyHeaderBytes), bytes);
  to = StoreBigEndian(xid, to);
  to = StoreBigEndian(zxid.value(), to);
  StoreBigEndian(static_cast<int32_t>(error), to);
  out->append(bytes, sizeof bytes);
  return begin;
}

// 6.1.
void AppendStat(const tree::Stat& stat, std::string* out) {
  char bytes[kStatBytes];
  char* to = StoreBigEndian(stat.czxid.value(), bytes);
  to = StoreBigEndian(stat.mzxid.value(), to);
  to = StoreBigEndian(stat.ctime_ms, to);
  to = StoreBigEndian(stat.mtime_ms, to);
  to = StoreBigEndian(stat.version, to);
  to = StoreBigEndian(stat.cversion, to);
  to = StoreBigEndian(stat.aversion, to);
  to = StoreBigEndian(stat.ephemeral_owner.value(), to);
  to = StoreBigEndian(stat.data_length, to);
  to = StoreBigEndian(stat.num_children, to);
  to = StoreBigEndian(stat.pzxid.value(), to);
  SYNOD_CHECK_EQ(to - bytes, static_cast<ptrdiff_t>(kStatBytes));
  out->append(bytes, sizeof bytes);
}

void AppendStat(const std::optional<tree::Stat>& stat, std::string* out) {
  SYNOD_CHECK(stat.has_value()) << "a read that succeeded has a Stat";
  AppendStat(*stat, out);
}

void AppendStrings(const std::vector<std::string>& strings, JuteWriter* writer) {
  writer->Int(ToInt(static_cast<int64_t>(strings.size())));
  for (const std::string& string : strings) writer->String(string);
}

void AppendAcl(const access::Acl& acl, JuteWriter* writer) {
  writer->Int(ToInt(static_cast<int64_t>(acl.size())));
  for (const access::AclEntry& entry : acl) {
    writer->Int(static_cast<int32_t>(entry.permissions));
    writer->String(entry.scheme);
    writer->String(entry.id);
  }
}

// ---- lists of operations ----

void AppendPartHeader(OpCode type, bool done, int32_t error, JuteWriter* writer) {
  writer->Int(static_cast<int32_t>(type));
  writer->Bool(done);
  writer->Int(error);
}

void AppendFailedPart(ErrorNumber error, JuteWriter* writer) {
  AppendPartHeader(OpCode::kError, /*done=*/false, static_cast<int32_t>(error), writer);
  writer->Int(static_cast<int32_t>(error));
}

// 12.3.
void AppendPart(OpCode op, const service::OpResult& result, std::string* out) {
  JuteWriter writer(out);
  const bool with_stat = op == OpCode::kCreate2 || op == OpCode::kCreateContainer || op == OpCode::kCreateTtl;
  AppendPartHeader(with_stat ? OpCode::kCreate2 : op, /*done=*/false, 0, &writer);
  if (with_stat || op == OpCode::kCreate) writer.String(result.path);
  if (with_stat || op == OpCode::kSetData) AppendStat(result.stat, out);
}

// 12.4: of a failed one every operation is answered by a number, those before the failing one too.
void AppendMulti(const std::vector<OpCode>& parts, const service::Reply& reply, std::string* out) {
  JuteWriter writer(out);
  SYNOD_CHECK_EQ(reply.results.size(), parts.size());
  for (size_t i = 0; i < parts.size(); ++i) {
    if (reply.error == service::ErrorCode::kOk) {
      AppendPart(parts[i], reply.results[i], out);
    } else {
      AppendFailedPart(ToNumber(reply.results[i].error), &writer);
    }
  }
  AppendPartHeader(OpCode::kError, /*done=*/true, -1, &writer);
}

// 12.5: each read stands alone.
void AppendMultiRead(const std::vector<OpCode>& parts, const service::Reply& reply, std::string* out) {
  JuteWriter writer(out);
  SYNOD_CHECK_EQ(reply.reads.size(), parts.size());
  for (size_t i = 0; i < parts.size(); ++i) {
    const service::Reply& read = reply.reads[i];
    if (read.error != service::ErrorCode::kOk) {
      AppendFailedPart(ToNumber(read.error), &writer);
      continue;
    }
    AppendPartHeader(parts[i], /*done=*/false, 0, &writer);
    if (parts[i] == OpCode::kGetData) {
      writer.Buffer(read.data);
      AppendStat(read.stat, out);
    } else {
      AppendStrings(read.children, &writer);
    }
  }
  AppendPartHeader(OpCode::kError, /*done=*/true, -1, &writer);
}

// ---- bodies of successful replies (5.3) ----

const std::vector<OpCode>& PartsOf(const Shape& shape) {
  static const std::vector<OpCode>* const kNone = new std::vector<OpCode>();
  return shape.more ? shape.more->parts : *kNone;
}

void AppendIdentities(const access::IdentitySet& identities, JuteWriter* writer) {
  writer->Int(ToInt(static_cast<int64_t>(identities.size())));
  for (const access::Identity& identity : identities) {
    writer->String(identity.scheme);
    writer->String(identity.id);
  }
}

void AppendRareBody(const Shape& shape, const service::Reply& reply, std::string* out) {
  JuteWriter writer(out);
  switch (shape.op) {
    case OpCode::kSync:
      writer.Buffer(shape.more ? shape.more->path : std::nullopt);
      break;
    case OpCode::kMulti:
      AppendMulti(PartsOf(shape), reply, out);
      break;
    case OpCode::kMultiRead:
      AppendMultiRead(PartsOf(shape), reply, out);
      break;
    case OpCode::kSasl:
      writer.Buffer(std::nullopt);
      break;
    case OpCode::kGetEphemerals:
      AppendStrings(reply.children, &writer);
      break;
    case OpCode::kGetAllChildrenNumber:
      writer.Int(ToInt(static_cast<int64_t>(reply.count)));
      break;
    case OpCode::kAddWatch:
      writer.Int(0);
      break;
    case OpCode::kWhoAmI:
      AppendIdentities(reply.identities, &writer);
      break;
    default:
      break;  // no body
  }
}

void AppendBody(const Shape& shape, const service::Reply& reply, std::string* out) {
  JuteWriter writer(out);
  switch (shape.op) {
    case OpCode::kCreate:
      writer.String(reply.result.path);
      break;
    case OpCode::kCreate2:
    case OpCode::kCreateContainer:
    case OpCode::kCreateTtl:
      writer.String(reply.result.path);
      AppendStat(reply.result.stat, out);
      break;
    case OpCode::kSetData:
    case OpCode::kSetAcl:
      AppendStat(reply.result.stat, out);
      break;
    case OpCode::kExists:
      AppendStat(reply.stat, out);
      break;
    case OpCode::kGetData:
      writer.Buffer(reply.data);
      AppendStat(reply.stat, out);
      break;
    case OpCode::kGetAcl:
      AppendAcl(reply.acl, &writer);
      AppendStat(reply.stat, out);
      break;
    case OpCode::kGetChildren:
      AppendStrings(reply.children, &writer);
      break;
    case OpCode::kGetChildren2:
      AppendStrings(reply.children, &writer);
      AppendStat(reply.stat, out);
      break;
    default:
      AppendRareBody(shape, reply, out);
      break;
  }
}

void EncodeConnectResponse(absl::Duration timeout, SessionId session, std::string_view password, bool has_read_only,
                           bool read_only, std::string* out) {
  JuteWriter writer(out);
  const size_t frame = writer.BeginFrame();
  writer.Int(0);  // the protocol's version
  writer.Int(ToInt(absl::ToInt64Milliseconds(timeout)));
  writer.Long(session.value());
  // The C client reads 16 bytes whatever the length says.
  std::array<char, kPasswordBytes> bytes = {};
  std::copy_n(password.data(), std::min(password.size(), bytes.size()), bytes.data());
  writer.String(std::string_view(bytes.data(), bytes.size()));
  if (has_read_only) writer.Bool(read_only);
  writer.EndFrame(frame);
}

}  // namespace

void EncodeConnected(const service::ConnectResult& result, bool has_read_only, std::string* out) {
  EncodeConnectResponse(result.timeout, result.session, result.password, has_read_only, result.read_only, out);
}

void EncodeRefused(bool has_read_only, std::string* out) {
  EncodeConnectResponse(absl::ZeroDuration(), SessionId(0), {}, has_read_only, /*read_only=*/false, out);
}

void EncodeReply(const Shape& shape, service::Reply* reply, std::string* out) {
  ErrorNumber error = ErrorOf(shape, *reply);
  // 12.4: a multi that failed at one of its operations bears the numbers in its body.
  const bool answered = shape.more && shape.more->answer;
  if (shape.op == OpCode::kMulti && !answered && !reply->results.empty()) error = ErrorNumber::kOk;
  const bool out_of_band = shape.op == OpCode::kAuth || shape.op == OpCode::kSasl;
  const size_t frame = BeginReply(shape.xid, out_of_band ? Zxid(0) : reply->zxid, error, out);
  if (error != ErrorNumber::kOk) return;
  AppendBody(shape, *reply, out);
  JuteWriter(out).EndFrame(frame);
}

void EncodePong(Zxid zxid, std::string* out) { BeginReply(kPingXid, zxid, ErrorNumber::kOk, out); }

void EncodeNotification(const service::Notification& notification, std::string* out) {
  SYNOD_CHECK(notification.type != service::NotificationType::kEventsLost);
  const bool missed = notification.ordinal == statemachine::Cursor::kAll;
  const size_t frame = BeginReply(kNotificationXid, missed ? kNoZxid : notification.zxid, ErrorNumber::kOk, out);
  JuteWriter writer(out);
  writer.Int(static_cast<int32_t>(notification.type));
  writer.Int(kSyncConnected);
  writer.String(notification.path);
  writer.EndFrame(frame);
}

ErrorNumber ErrorOf(const Shape& shape, const service::Reply& reply) {
  if (shape.more && shape.more->answer) return *shape.more->answer;
  return ToNumber(reply.error);
}

}  // namespace synod::frontdoor::zookeeper

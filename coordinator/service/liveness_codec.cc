#include "coordinator/service/liveness_codec.h"

#include "coordinator/base/bytes.h"
#include "coordinator/base/status_macros.h"

namespace synod::service {
namespace {

void PutSessions(const std::vector<OwnedSession>& sessions, ByteWriter* out) {
  out->Varint(sessions.size());
  uint64_t previous = 0;
  for (const OwnedSession& s : sessions) {
    uint64_t id = static_cast<uint64_t>(s.session.value());
    out->Varint(id - previous);
    out->Varint(s.generation.value());
    previous = id;
  }
}

void GetSessions(ByteReader* in, std::vector<OwnedSession>* sessions) {
  uint64_t count = in->Varint();
  if (count > in->remaining() / 2) return in->Fail();  // two bytes at least for each
  sessions->reserve(count);
  uint64_t id = 0;
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t delta = in->Varint();
    uint64_t generation = in->Varint();
    if (delta == 0 || delta > static_cast<uint64_t>(INT64_MAX) - id) return in->Fail();
    id += delta;
    sessions->push_back({SessionId(static_cast<int64_t>(id)), OwnerGeneration(generation)});
  }
}

}  // namespace

std::string EncodeReport(const LivenessReport& report) {
  ByteWriter out;
  out.U8(static_cast<uint8_t>(LivenessKind::kReport));
  out.U64(report.incarnation);
  out.Varint(report.number);
  PutSessions(report.heard, &out);
  PutSessions(report.disconnected, &out);
  return out.Take();
}

std::string EncodeAck(const LivenessAck& ack) {
  ByteWriter out;
  out.U8(static_cast<uint8_t>(LivenessKind::kAck));
  out.U64(ack.incarnation);
  out.Varint(ack.number);
  PutSessions(ack.refused, &out);
  return out.Take();
}

absl::StatusOr<LivenessKind> PeekLivenessKind(std::string_view bytes) {
  if (bytes.empty()) return absl::DataLossError("service message: empty");
  auto kind = static_cast<LivenessKind>(bytes[0]);
  if (kind != LivenessKind::kReport && kind != LivenessKind::kAck)
    return absl::InvalidArgumentError("service message: unknown kind");
  return kind;
}

absl::StatusOr<LivenessReport> DecodeReport(std::string_view bytes) {
  ByteReader in(bytes);
  LivenessReport report;
  if (in.U8() != static_cast<uint8_t>(LivenessKind::kReport)) in.Fail();
  report.incarnation = in.U64();
  report.number = in.Varint();
  GetSessions(&in, &report.heard);
  GetSessions(&in, &report.disconnected);
  SYNOD_RETURN_IF_ERROR(in.Finish("liveness report"));
  return report;
}

absl::StatusOr<LivenessAck> DecodeAck(std::string_view bytes) {
  ByteReader in(bytes);
  LivenessAck ack;
  if (in.U8() != static_cast<uint8_t>(LivenessKind::kAck)) in.Fail();
  ack.incarnation = in.U64();
  ack.number = in.Varint();
  GetSessions(&in, &ack.refused);
  SYNOD_RETURN_IF_ERROR(in.Finish("liveness acknowledgement"));
  return ack;
}

}  // namespace synod::service

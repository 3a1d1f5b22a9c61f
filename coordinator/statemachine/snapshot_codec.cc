#include "coordinator/statemachine/snapshot_codec.h"

#include "coordinator/base/bytes.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/sessions/digest.h"

namespace synod::statemachine {
namespace {

constexpr uint8_t kRecordVersion = 1;

}  // namespace

std::string EncodeCounters(const Counters& counters) {
  ByteWriter out;
  out.U8(kRecordVersion);
  out.Varint(static_cast<uint64_t>(counters.zxid.value()));
  out.Varint(static_cast<uint64_t>(counters.next_session.value()));
  out.Varint(counters.version);
  out.Varint(counters.log_clock_us);
  return out.Take();
}

absl::StatusOr<Counters> DecodeCounters(std::string_view value) {
  ByteReader in(value);
  if (in.U8() != kRecordVersion) return absl::DataLossError("counters record: unknown version");
  uint64_t zxid = in.Varint();
  uint64_t next_session = in.Varint();
  uint64_t version = in.Varint();
  Counters counters;
  counters.log_clock_us = in.Varint();
  constexpr uint64_t kMax = static_cast<uint64_t>(INT64_MAX);
  if (zxid > kMax || next_session > kMax || next_session == 0 || version > UINT32_MAX) in.Fail();
  SYNOD_RETURN_IF_ERROR(in.Finish("counters record"));
  counters.zxid = Zxid(static_cast<int64_t>(zxid));
  counters.next_session = SessionId(static_cast<int64_t>(next_session));
  counters.version = static_cast<uint32_t>(version);
  return counters;
}

uint64_t CountersHash(const Counters& counters) { return sessions::HashDigest(EncodeCounters(counters), kCountersKey); }

uint64_t SettingHash(std::string_view name, std::string_view value) {
  return sessions::HashDigest(value, sessions::HashDigest(name, kSettingKey));
}

}  // namespace synod::statemachine

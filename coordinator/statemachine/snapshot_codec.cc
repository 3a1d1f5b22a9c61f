#include "coordinator/statemachine/snapshot_codec.h"

#include "coordinator/base/bytes.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/sessions/digest.h"

namespace synod::statemachine {
namespace {

constexpr uint8_t kRecordVersion = 2;

}  // namespace

std::string EncodeCounters(const Counters& counters) {
  ByteWriter out;
  out.U8(kRecordVersion);
  out.Varint(static_cast<uint64_t>(counters.zxid.value()));
  out.Varint(static_cast<uint64_t>(counters.next_session.value()));
  out.Varint(counters.version);
  out.Varint(counters.log_clock_us);
  out.Varint(counters.next_acl);
  out.Varint(counters.next_identities);
  return out.Take();
}

absl::StatusOr<Counters> DecodeCounters(std::string_view value) {
  ByteReader in(value);
  const uint8_t record_version = in.U8();
  if (record_version == 1) {  // the first record of such a snapshot in key order: nothing else was looked at
    return absl::FailedPreconditionError(
        "the snapshot was written by a build before the first release and cannot be read: start with an empty data "
        "directory");
  }
  if (record_version != kRecordVersion) return absl::DataLossError("counters record: unknown version");
  uint64_t zxid = in.Varint();
  uint64_t next_session = in.Varint();
  uint64_t version = in.Varint();
  Counters counters;
  counters.log_clock_us = in.Varint();
  uint64_t next_acl = in.Varint();
  uint64_t next_identities = in.Varint();
  constexpr uint64_t kMax = static_cast<uint64_t>(INT64_MAX);
  if (zxid > kMax || next_session > kMax || next_session == 0 || version > UINT32_MAX || next_acl > UINT32_MAX ||
      next_identities > UINT32_MAX)
    in.Fail();
  SYNOD_RETURN_IF_ERROR(in.Finish("counters record"));
  counters.zxid = Zxid(static_cast<int64_t>(zxid));
  counters.next_session = SessionId(static_cast<int64_t>(next_session));
  counters.version = static_cast<uint32_t>(version);
  counters.next_acl = static_cast<uint32_t>(next_acl);
  counters.next_identities = static_cast<uint32_t>(next_identities);
  return counters;
}

uint64_t CountersHash(const Counters& counters) { return sessions::HashDigest(EncodeCounters(counters), kCountersKey); }

uint64_t SettingHash(std::string_view name, std::string_view value) {
  return sessions::HashDigest(value, sessions::HashDigest(name, kSettingKey));
}

}  // namespace synod::statemachine

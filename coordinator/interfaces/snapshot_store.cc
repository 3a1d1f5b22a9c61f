#include "coordinator/interfaces/snapshot_store.h"

#include "coordinator/base/bytes.h"
#include "coordinator/base/status_macros.h"

namespace synod::interfaces {
namespace {

constexpr uint8_t kVersion = 1;

}  // namespace

// docs/formats/snapshot.md, "meta".
std::string SnapshotMeta::Encode() const {
  ByteWriter out;
  out.U8(kVersion);
  out.Varint(index.value());
  out.Varint(term.value());
  out.Blob(configuration.Encode());
  out.U64(digest);
  out.Varint(digest_version);
  out.Varint(state_machine_version);
  out.Varint(log_clock_us);
  return out.Take();
}

absl::StatusOr<SnapshotMeta> SnapshotMeta::Decode(std::string_view bytes) {
  ByteReader in(bytes);
  SnapshotMeta meta;
  if (in.U8() != kVersion) return absl::DataLossError("snapshot meta: unknown version");
  meta.index = LogIndex(in.Varint());
  meta.term = Term(in.Varint());
  std::string_view configuration = in.Blob();
  meta.digest = in.U64();
  uint64_t digest_version = in.Varint();
  uint64_t state_machine_version = in.Varint();
  if (digest_version > UINT32_MAX || state_machine_version > UINT32_MAX) in.Fail();
  meta.digest_version = static_cast<uint32_t>(digest_version);
  meta.state_machine_version = static_cast<uint32_t>(state_machine_version);
  meta.log_clock_us = in.Varint();
  SYNOD_RETURN_IF_ERROR(in.Finish("snapshot meta"));
  SYNOD_ASSIGN_OR_RETURN(meta.configuration, consensus::Configuration::Decode(configuration));
  return meta;
}

}  // namespace synod::interfaces

#include "coordinator/storage/key_format.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "coordinator/base/bytes.h"
#include "coordinator/base/check.h"
#include "coordinator/base/crc32c.h"
#include "coordinator/base/status_macros.h"

namespace synod::storage {
namespace {

constexpr uint8_t kMetaRecordVersion = 1;
constexpr uint8_t kCurrentVersion = 1;
constexpr std::string_view kCurrentMagic = "SYNODSNP";
constexpr std::string_view kDatabasePrefix = "db-";

}  // namespace

std::string RecordKey(std::string_view key) {
  std::string out;
  out.reserve(key.size() + 1);
  out.push_back(kRecordPrefix);
  out.append(key);
  return out;
}

std::string_view UserKey(std::string_view record_key) {
  SYNOD_CHECK(!record_key.empty() && record_key[0] == kRecordPrefix);
  return record_key.substr(1);
}

std::string EncodeMetaRecord(StorageId storage, const interfaces::SnapshotMeta& meta) {
  ByteWriter out;
  out.U8(kMetaRecordVersion);
  out.U64(storage.value());
  out.Blob(meta.Encode());
  return out.Take();
}

absl::StatusOr<interfaces::SnapshotMeta> DecodeMetaRecord(StorageId storage, std::string_view value) {
  ByteReader in(value);
  if (in.U8() != kMetaRecordVersion) return absl::DataLossError("snapshot meta record: unknown version");
  StorageId written_by(in.U64());
  std::string_view meta = in.Blob();
  SYNOD_RETURN_IF_ERROR(in.Finish("snapshot meta record"));
  if (written_by != storage) return absl::DataLossError("snapshot meta record: written in another data directory");
  return interfaces::SnapshotMeta::Decode(meta);
}

std::string EncodeCurrent(const CurrentFile& current) {
  ByteWriter out;
  out.Append(kCurrentMagic);
  out.U8(kCurrentVersion);
  out.U64(current.identity.storage.value());
  out.U64(current.identity.ensemble.value());
  out.U64(current.database);
  out.Bool(current.floor.has_value());
  out.U64(current.floor.value_or(LogIndex(0)).value());
  out.U32(Crc32c(out.bytes()));
  return out.Take();
}

absl::StatusOr<CurrentFile> DecodeCurrent(std::string_view bytes) {
  ByteReader in(bytes);
  CurrentFile current;
  if (in.Take(kCurrentMagic.size()) != kCurrentMagic) return absl::DataLossError("snapshot CURRENT: no magic");
  if (in.U8() != kCurrentVersion) return absl::DataLossError("snapshot CURRENT: unknown version");
  current.identity.storage = StorageId(in.U64());
  current.identity.ensemble = EnsembleId(in.U64());
  current.database = in.U64();
  bool has_floor = in.Bool();
  LogIndex floor(in.U64());
  if (has_floor) current.floor = floor;
  uint32_t checksum = in.U32();
  SYNOD_RETURN_IF_ERROR(in.Finish("snapshot CURRENT"));
  if (checksum != Crc32c(bytes.substr(0, bytes.size() - sizeof checksum))) {
    return absl::DataLossError("snapshot CURRENT: wrong checksum");
  }
  return current;
}

std::string DatabaseName(uint64_t number) {
  return absl::StrCat(absl::string_view(kDatabasePrefix.data(), kDatabasePrefix.size()), number);
}

std::optional<uint64_t> ParseDatabaseName(std::string_view name) {
  if (name.substr(0, kDatabasePrefix.size()) != kDatabasePrefix) return std::nullopt;
  std::string_view digits = name.substr(kDatabasePrefix.size());
  uint64_t number = 0;
  if (!absl::SimpleAtoi(absl::string_view(digits.data(), digits.size()), &number)) return std::nullopt;
  if (DatabaseName(number) != name) return std::nullopt;
  return number;
}

std::string IngestName(uint64_t batch, uint64_t file) {
  return absl::StrCat(absl::string_view(kIngestPrefix.data(), kIngestPrefix.size()), batch, "-", file, ".sst");
}

}  // namespace synod::storage

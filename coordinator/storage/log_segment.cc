#include "coordinator/storage/log_segment.h"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_format.h"
#include "coordinator/base/bytes.h"
#include "coordinator/base/check.h"
#include "coordinator/base/crc32c.h"

namespace synod::storage {
namespace {

constexpr uint64_t kMagic = 0x474f4c444f4e5953;  // "SYNODLOG"
constexpr uint32_t kVersion = 1;
constexpr size_t kChecksummed = 28;

std::optional<uint64_t> ParseNumber(const std::string& name, const std::string& before, const std::string& after) {
  if (name.size() != before.size() + 16 + after.size()) return std::nullopt;
  if (name.compare(0, before.size(), before) != 0) return std::nullopt;
  if (name.compare(name.size() - after.size(), after.size(), after) != 0) return std::nullopt;
  uint64_t number = 0;
  for (size_t i = before.size(); i < before.size() + 16; ++i) {
    char c = name[i];
    if (c >= '0' && c <= '9') {
      number = number << 4 | static_cast<uint64_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      number = number << 4 | static_cast<uint64_t>(c - 'a' + 10);
    } else {
      return std::nullopt;
    }
  }
  return number;
}

}  // namespace

std::string SegmentName(uint64_t number) { return absl::StrFormat("%016x.log", number); }
std::optional<uint64_t> ParseSegmentName(const std::string& name) { return ParseNumber(name, "", ".log"); }
std::string SpareName(uint64_t number) { return absl::StrFormat("spare-%016x", number); }
std::optional<uint64_t> ParseSpareName(const std::string& name) { return ParseNumber(name, "spare-", ""); }

std::string EncodeSegmentHeader(StorageId storage, uint64_t number) {
  ByteWriter w;
  w.U64(kMagic);
  w.U32(kVersion);
  w.U64(storage.value());
  w.U64(number);
  w.U32(Crc32c(w.bytes()));
  return w.Take();
}

SegmentHeaderState CheckSegmentHeader(std::string_view bytes, StorageId storage, uint64_t number) {
  ByteReader r(bytes);
  uint64_t magic = r.U64();
  uint32_t version = r.U32();
  uint64_t named_storage = r.U64();
  uint64_t named_number = r.U64();
  uint32_t checksum = r.U32();
  if (!r.ok() || magic != kMagic || checksum != Crc32c(bytes.substr(0, kChecksummed))) return SegmentHeaderState::kBad;
  if (named_storage != storage.value() || named_number != number) return SegmentHeaderState::kBad;
  return version > kVersion ? SegmentHeaderState::kNewerFormat : SegmentHeaderState::kGood;
}

void ScanRecords(std::string_view bytes, uint64_t start, uint64_t segment, StorageId storage,
                 std::vector<ScannedRecord>* out) {
  uint64_t at = start;
  while (at + kRecordHeaderBytes <= bytes.size()) {
    const char* in = bytes.data() + at;
    std::optional<RecordHeader> header;
    if (MayBeHeader(in, storage)) header = DecodeHeader(in, segment, at);
    if (!header || header->payload_bytes > bytes.size() - at - kRecordHeaderBytes) {
      at += 8;
      continue;
    }
    ScannedRecord record{segment, at, *header, false, {}};
    std::string_view payload = bytes.substr(at + kRecordHeaderBytes, header->payload_bytes);
    record.payload_good =
        header->kind == RecordKind::kMark ||
        ContentChecksum(header->term, header->index, header->type, payload) == header->content_checksum;
    if (record.payload_good && header->kind == RecordKind::kEntry &&
        header->type == consensus::EntryType::kConfiguration) {
      record.configuration = std::string(payload);
    }
    at = record.end();
    out->push_back(std::move(record));
  }
}

void LogSegment::Place(LogIndex index, uint64_t offset) {
  if (places.empty()) first = index;
  SYNOD_CHECK_GE(index, first + places.size());
  places.resize(index - first, 0);
  places.push_back(static_cast<uint32_t>(offset / 8));
}

}  // namespace synod::storage

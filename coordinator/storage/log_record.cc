#include "coordinator/storage/log_record.h"

#include <cstring>

#include "coordinator/base/crc32c.h"

namespace synod::storage {
namespace {

// Offsets of the fields in the header.
enum : size_t {
  kChecksum = 0,
  kLength = 4,
  kTerm = 8,
  kIndex = 16,
  kStorage = 24,
  kCutCounter = 32,
  kPreviousTerm = 40,
  kPreviousChecksum = 48,
  kContentChecksum = 52,
  kCommit = 56,
  kSyncedIndex = 64,
  kSyncedTerm = 72,
  kKind = 80,
  kType = 81,
  kReserved = 82,
};

template <typename T>
void Put(char* out, size_t at, T value) {
  std::memcpy(out + at, &value, sizeof value);
}
template <typename T>
T Get(const char* in, size_t at) {
  T value;
  std::memcpy(&value, in + at, sizeof value);
  return value;
}

uint32_t HeaderChecksum(const char* header, uint64_t segment, uint64_t offset) {
  uint64_t place[2] = {segment, offset};
  uint32_t seed = Crc32c({reinterpret_cast<const char*>(place), sizeof place});
  return Crc32c({header + kLength, kRecordHeaderBytes - kLength}, seed);
}

}  // namespace

uint32_t ContentChecksum(Term term, LogIndex index, consensus::EntryType type, std::string_view payload) {
  char place[17];
  Put(place, 0, term.value());
  Put(place, 8, index.value());
  place[16] = static_cast<char>(type);
  uint32_t checksum = Crc32c(payload, Crc32c({place, sizeof place}));
  return checksum != 0 ? checksum : 1;  // 0 means not known
}

void EncodeHeader(const RecordHeader& h, uint64_t segment, uint64_t offset, char* out) {
  std::memset(out + kReserved, 0, kRecordHeaderBytes - kReserved);
  Put(out, kLength, h.payload_bytes);
  Put(out, kTerm, h.term.value());
  Put(out, kIndex, h.index.value());
  Put(out, kStorage, h.storage.value());
  Put(out, kCutCounter, h.cut_counter);
  Put(out, kPreviousTerm, h.previous_term.value());
  Put(out, kPreviousChecksum, h.previous_checksum);
  Put(out, kContentChecksum, h.content_checksum);
  Put(out, kCommit, h.commit.value());
  Put(out, kSyncedIndex, h.synced.index.value());
  Put(out, kSyncedTerm, h.synced.term.value());
  Put(out, kKind, static_cast<uint8_t>(h.kind));
  Put(out, kType, static_cast<uint8_t>(h.type));
  Put(out, kChecksum, HeaderChecksum(out, segment, offset));
}

std::optional<RecordHeader> DecodeHeader(const char* in, uint64_t segment, uint64_t offset) {
  if (Get<uint32_t>(in, kChecksum) != HeaderChecksum(in, segment, offset)) return std::nullopt;
  RecordHeader h;
  uint8_t kind = Get<uint8_t>(in, kKind);
  uint8_t type = Get<uint8_t>(in, kType);
  if (kind != static_cast<uint8_t>(RecordKind::kEntry) && kind != static_cast<uint8_t>(RecordKind::kMark))
    return std::nullopt;
  if (type > static_cast<uint8_t>(consensus::EntryType::kConfiguration)) return std::nullopt;
  h.kind = static_cast<RecordKind>(kind);
  h.type = static_cast<consensus::EntryType>(type);
  h.payload_bytes = Get<uint32_t>(in, kLength);
  h.term = Term(Get<uint64_t>(in, kTerm));
  h.index = LogIndex(Get<uint64_t>(in, kIndex));
  h.storage = StorageId(Get<uint64_t>(in, kStorage));
  h.cut_counter = Get<uint64_t>(in, kCutCounter);
  h.previous_term = Term(Get<uint64_t>(in, kPreviousTerm));
  h.previous_checksum = Get<uint32_t>(in, kPreviousChecksum);
  h.content_checksum = Get<uint32_t>(in, kContentChecksum);
  h.commit = LogIndex(Get<uint64_t>(in, kCommit));
  h.synced = {Term(Get<uint64_t>(in, kSyncedTerm)), LogIndex(Get<uint64_t>(in, kSyncedIndex))};
  return h;
}

bool MayBeHeader(const char* in, StorageId storage) { return Get<uint64_t>(in, kStorage) == storage.value(); }

}  // namespace synod::storage

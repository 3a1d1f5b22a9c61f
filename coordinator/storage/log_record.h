// One record of the durable log (D3): a header of fixed size, the payload, zeros up to the next multiple of 8.
// Format: docs/formats/log.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "coordinator/consensus/types.h"

namespace synod::storage {

enum class RecordKind : uint8_t {
  kEntry = 1,
  kMark = 2,  // no entry: repeats how far the log is synced (D3); index and term are those of the last entry before it
};

struct RecordHeader {
  RecordKind kind = RecordKind::kEntry;
  consensus::EntryType type = consensus::EntryType::kNoop;
  uint32_t payload_bytes = 0;
  Term term;
  LogIndex index;
  StorageId storage;
  uint64_t cut_counter = 0;        // in force when it was written (D4)
  Term previous_term;              // of the entry before; 0 at the beginning
  uint32_t previous_checksum = 0;  // content checksum of the entry before; 0: not known
  uint32_t content_checksum = 0;   // see ContentChecksum
  LogIndex commit;                 // the commit index when it was written
  consensus::LogEnd synced;        // the highest entry known to be on the disk when it was written
};

inline constexpr size_t kRecordHeaderBytes = 88;

// The bytes that a record takes on disk.
constexpr uint64_t RecordBytes(uint64_t payload_bytes) {
  return (kRecordHeaderBytes + payload_bytes + 7) & ~uint64_t{7};
}

// Over (term, index, type, payload) and nothing else: the same on every server, so that the successor's record proves a
// repair right.
uint32_t ContentChecksum(Term term, LogIndex index, consensus::EntryType type, std::string_view payload);

// Writes kRecordHeaderBytes to `out`. The header's own checksum starts from the segment's number and the record's
// offset in it: what a recycled segment held before, or a client stored as data, never reads as a record.
void EncodeHeader(const RecordHeader& header, uint64_t segment, uint64_t offset, char* out);
// nullopt unless the kRecordHeaderBytes at `in` are a header written at this place.
std::optional<RecordHeader> DecodeHeader(const char* in, uint64_t segment, uint64_t offset);
// Cheap look before DecodeHeader: whether the bytes at `in` name this storage id where a header does.
bool MayBeHeader(const char* in, StorageId storage);

}  // namespace synod::storage

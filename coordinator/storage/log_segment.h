// One preallocated file of the log: a header block, then records. Format: docs/formats/log.md.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/storage/file.h"
#include "coordinator/storage/log_record.h"

namespace synod::storage {

inline constexpr uint64_t kSegmentHeaderBytes = 4096;

// "0000000000000012.log"; the number is hexadecimal, counts up and is never used again in one log.
std::string SegmentName(uint64_t number);
std::optional<uint64_t> ParseSegmentName(const std::string& name);
// A file that is ready to become the next segment. Its content means nothing.
std::string SpareName(uint64_t number);
std::optional<uint64_t> ParseSpareName(const std::string& name);
// Records that repair brought back (D6), written one behind the other from offset 0; their segment number is 0.
inline constexpr char kRepairName[] = "repair";
inline constexpr uint64_t kRepairSegment = 0;

std::string EncodeSegmentHeader(StorageId storage, uint64_t number);
enum class SegmentHeaderState : uint8_t { kGood, kBad, kNewerFormat };
// kBad also if it names another storage or number (a recycled file whose new header did not reach the disk).
SegmentHeaderState CheckSegmentHeader(std::string_view bytes, StorageId storage, uint64_t number);

// A record found by a scan. Its header is good; its payload may not be.
struct ScannedRecord {
  uint64_t segment = 0;
  uint64_t offset = 0;
  RecordHeader header;
  bool payload_good = false;
  std::string configuration;  // the payload of a good kConfiguration entry

  uint64_t end() const { return offset + RecordBytes(header.payload_bytes); }
};

// Finds the records in the bytes of a segment, in order of offset. Behind a bad header it goes on at the next place
// where a header reads good: what is behind damage still counts (D5).
void ScanRecords(std::string_view bytes, uint64_t start, uint64_t segment, StorageId storage,
                 std::vector<ScannedRecord>* out);

// Owner: LogFiles. The table from index to place, 4 bytes per entry.
struct LogSegment {
  uint64_t number = 0;
  std::shared_ptr<File> file;          // shared with a sync in flight
  uint64_t size = 0;                   // preallocated
  uint64_t end = kSegmentHeaderBytes;  // where the next record goes, or would have gone
  LogIndex first;                      // index of places[0]; meaningless while empty
  std::vector<uint32_t> places;        // offset / 8; 0: damaged or not in this segment

  bool empty() const { return places.empty(); }
  LogIndex last() const { return first + (places.size() - 1); }  // REQUIRES !empty()
  bool Holds(LogIndex index) const { return !empty() && index >= first && index <= last(); }
  uint64_t OffsetOf(LogIndex index) const {
    return uint64_t{places[index - first]} * 8;
  }  // REQUIRES Holds(index); 0: none
  // Indexes ascend; those between stay 0.
  void Place(LogIndex index, uint64_t offset);
};

}  // namespace synod::storage

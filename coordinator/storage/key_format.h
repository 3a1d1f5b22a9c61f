// Names and bytes of the snapshot store on disk (docs/formats/snapshot.md): keys inside RocksDB, the CURRENT file,
// folder names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "coordinator/base/ids.h"
#include "coordinator/interfaces/snapshot_store.h"

namespace synod::storage {

// Keys inside RocksDB. The meta sorts before all records, so that whoever reads in key order meets it first.
inline constexpr std::string_view kMetaKey("\0meta", 5);
inline constexpr char kRecordPrefix = 1;
inline constexpr std::string_view kRecordsBegin("\1", 1);  // the first possible record key
inline constexpr std::string_view kRecordsEnd("\2", 1);    // behind the last

std::string RecordKey(std::string_view key);
// The state machine's key of a record key. REQUIRES it has the record prefix.
std::string_view UserKey(std::string_view record_key);

// Whose a store is (D10).
struct StoreIdentity {
  StorageId storage;
  EnsembleId ensemble;  // 0: the server has joined none yet
  bool operator==(const StoreIdentity&) const = default;
};

// Value of kMetaKey: written in the same atomic step as the records it speaks of (R31), and naming the data directory
// it was written in (D10).
std::string EncodeMetaRecord(StorageId storage, const interfaces::SnapshotMeta& meta);
// DataLoss if malformed or of another storage.
absl::StatusOr<interfaces::SnapshotMeta> DecodeMetaRecord(StorageId storage, std::string_view value);

// Contents of the file CURRENT: which database is live, whose it is, and the floor: the index of a snapshot known
// durable there. A database that opens with less than the floor has silently lost something (R62-R64) and counts as
// damaged.
struct CurrentFile {
  StoreIdentity identity;
  uint64_t database = 0;          // db-<n>
  std::optional<LogIndex> floor;  // nullopt: nothing was stored yet
};
std::string EncodeCurrent(const CurrentFile& current);
// DataLoss if the checksum or anything else is wrong.
absl::StatusOr<CurrentFile> DecodeCurrent(std::string_view bytes);

inline constexpr std::string_view kCurrentName = "CURRENT";
inline constexpr std::string_view kCurrentTemporaryName = "CURRENT.tmp";
inline constexpr std::string_view kIngestPrefix = "ingest-";
std::string DatabaseName(uint64_t number);                         // "db-<number>"
std::optional<uint64_t> ParseDatabaseName(std::string_view name);  // its inverse
std::string IngestName(uint64_t batch, uint64_t file);             // "ingest-<batch>-<file>.sst"

}  // namespace synod::storage

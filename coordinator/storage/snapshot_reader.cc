#include "coordinator/storage/snapshot_reader.h"

#include "coordinator/base/bytes.h"
#include "coordinator/base/check.h"
#include "coordinator/base/crc32c.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/storage/key_format.h"
#include "coordinator/storage/rocksdb_database.h"
#include "coordinator/storage/rocksdb_records.h"

namespace synod::storage {
absl::StatusOr<std::unique_ptr<RocksDbSnapshotReader>> RocksDbSnapshotReader::Open(std::shared_ptr<Database> database,
                                                                                   StorageId storage) {
  rocksdb::DB* db = database->db();
  const rocksdb::Snapshot* snapshot = db->GetSnapshot();
  std::unique_ptr<RocksDbSnapshotReader> reader(new RocksDbSnapshotReader(std::move(database), snapshot));
  // Through the pinned view: meta and records are of one step.
  rocksdb::ReadOptions options;
  options.verify_checksums = true;
  options.snapshot = snapshot;
  std::string record;
  rocksdb::Status status = db->Get(options, ToSlice(kMetaKey), &record);
  if (!status.ok()) return absl::DataLossError(FromRocks(status, "snapshot meta").message());
  SYNOD_ASSIGN_OR_RETURN(reader->meta_, DecodeMetaRecord(storage, record));
  reader->starts_.push_back(std::string(kRecordsBegin));
  return reader;
}

RocksDbSnapshotReader::~RocksDbSnapshotReader() { database_->db()->ReleaseSnapshot(snapshot_); }

std::unique_ptr<rocksdb::Iterator> RocksDbSnapshotReader::NewIterator() const {
  rocksdb::ReadOptions options = ScanOptions();
  options.snapshot = snapshot_;
  return std::unique_ptr<rocksdb::Iterator>(database_->db()->NewIterator(options));
}

absl::StatusOr<interfaces::SnapshotChunk> RocksDbSnapshotReader::ReadChunk(uint64_t number, size_t bytes) {
  while (number >= starts_.size()) {
    if (complete_) return absl::InvalidArgumentError("snapshot: no such chunk");
    SYNOD_RETURN_IF_ERROR(ReadKnown(starts_.size() - 1, bytes).status());
  }
  return ReadKnown(number, bytes);
}

absl::StatusOr<interfaces::SnapshotChunk> RocksDbSnapshotReader::ReadKnown(uint64_t number, size_t bytes) {
  SYNOD_CHECK_LT(number, starts_.size());
  const bool end_known = number + 1 < starts_.size();
  const bool is_last = complete_ && !end_known;
  ByteWriter records;  // at least one record, so that a walk with `bytes` 0 ends too
  std::unique_ptr<rocksdb::Iterator> it = NewIterator();
  for (it->Seek(ToSlice(starts_[number])); it->Valid(); it->Next()) {
    if (end_known ? ToView(it->key()) >= starts_[number + 1]
                  : !is_last && records.size() > 0 && records.size() >= bytes)
      break;
    records.Blob(UserKey(ToView(it->key())));
    records.Blob(ToView(it->value()));
  }
  SYNOD_RETURN_IF_ERROR(ScanEnd(*it));
  if (!end_known && !is_last) {
    if (it->Valid()) {
      starts_.push_back(it->key().ToString());
    } else {
      complete_ = true;
    }
  }
  interfaces::SnapshotChunk chunk;
  chunk.number = number;
  chunk.last = complete_ && number + 1 == starts_.size();
  chunk.records = records.Take();
  chunk.checksum = Crc32c(chunk.records);
  return chunk;
}

}  // namespace synod::storage

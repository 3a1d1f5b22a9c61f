#include "coordinator/storage/snapshot_installer.h"

#include "absl/strings/str_cat.h"
#include "coordinator/base/bytes.h"
#include "coordinator/base/crc32c.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/storage/key_format.h"
#include "coordinator/storage/rocksdb_records.h"
#include "coordinator/storage/snapshot_reader.h"

namespace synod::storage {
namespace {

uint32_t Extend(uint32_t checksum, std::string_view key, std::string_view value) {
  ByteWriter lengths;
  lengths.U64(key.size());
  lengths.U64(value.size());
  return Crc32c(value, Crc32c(key, Crc32c(lengths.bytes(), checksum)));
}

class Counter : public interfaces::RecordSink {
 public:
  absl::Status Add(std::string_view key, std::string_view value) override {
    ++count;
    checksum = Extend(checksum, key, value);
    return absl::OkStatus();
  }
  uint64_t count = 0;
  uint32_t checksum = 0;
};

}  // namespace

RocksDbSnapshotInstaller::RocksDbSnapshotInstaller(RocksDbSnapshotStore* store, const DatabaseOptions& options,
                                                   const std::string& directory, uint64_t number, uint64_t batch,
                                                   const interfaces::SnapshotMeta& meta)
    : store_(store),
      options_(options),
      path_(directory + "/" + DatabaseName(number)),
      number_(number),
      meta_(meta),
      files_(options, directory, batch) {}

RocksDbSnapshotInstaller::~RocksDbSnapshotInstaller() {
  database_.reset();
  if (!keep_folder_) RemoveDatabase(options_.env(), path_);
}

absl::Status RocksDbSnapshotInstaller::Begin(StorageId storage) {
  return files_.Put(kMetaKey, EncodeMetaRecord(storage, meta_));
}

absl::Status RocksDbSnapshotInstaller::Add(std::string_view key, std::string_view value) {
  if (finished_ || broken_) return absl::FailedPreconditionError("snapshot install: already ended");
  if (count_ > 0 && key <= last_key_) return absl::InvalidArgumentError("snapshot install: keys must ascend");
  absl::Status status = files_.Put(RecordKey(key), value);
  broken_ = !status.ok();
  SYNOD_RETURN_IF_ERROR(status);
  ++count_;
  last_key_.assign(key);
  checksum_ = Extend(checksum_, key, value);
  return absl::OkStatus();
}

absl::Status RocksDbSnapshotInstaller::Finish() {
  if (finished_ || broken_) return absl::FailedPreconditionError("snapshot install: already ended");
  finished_ = true;
  SYNOD_RETURN_IF_ERROR(Build());
  SYNOD_RETURN_IF_ERROR(Verify());
  // From here on CURRENT may name the folder even if the switch reports an error.
  keep_folder_ = true;
  return store_->SwitchTo(number_, std::move(database_), meta_);
}

absl::Status RocksDbSnapshotInstaller::Build() {
  SYNOD_RETURN_IF_ERROR(files_.Finish());
  SYNOD_ASSIGN_OR_RETURN(database_, Database::Open(options_, path_, /*create=*/true));
  return database_->Ingest(files_.files());
}

absl::Status RocksDbSnapshotInstaller::Verify() {
  Counter found;
  SYNOD_RETURN_IF_ERROR(DeliverRecords(database_->db(), &found));
  if (found.count != count_ || found.checksum != checksum_) {
    return absl::DataLossError(absl::StrCat("snapshot install: wrote ", count_, " records, read back ", found.count));
  }
  return absl::OkStatus();
}

}  // namespace synod::storage

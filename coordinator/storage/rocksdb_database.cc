#include "coordinator/storage/rocksdb_database.h"

#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include "absl/strings/str_cat.h"
#include "coordinator/base/check.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/storage/key_format.h"

namespace synod::storage {
namespace {

constexpr uint64_t kFileBytes = 64 << 20;

absl::string_view View(std::string_view v) { return absl::string_view(v.data(), v.size()); }

}  // namespace

absl::Status FromRocks(const rocksdb::Status& status, std::string_view what) {
  if (status.ok()) return absl::OkStatus();
  std::string message = absl::StrCat(View(what), ": ", status.ToString());
  if (status.IsNoSpace()) return absl::ResourceExhaustedError(message);
  if (status.IsCorruption()) return absl::DataLossError(message);
  return absl::UnavailableError(message);
}

DatabaseOptions::DatabaseOptions(rocksdb::Env* env, const DatabaseBudget& budget) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(budget.block_cache_bytes);
  table.block_size = 16 << 10;
  table.checksum = rocksdb::kCRC32c;
  table.format_version = 5;
  // Index blocks live within the cache's budget too; there are no filters, because nothing but the meta is looked up by
  // key.
  table.cache_index_and_filter_blocks = true;

  rocksdb::Options& o = options_;
  o.env = env;
  o.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  o.write_buffer_size = budget.write_buffer_bytes;
  o.db_write_buffer_size = budget.write_buffer_bytes;
  o.max_write_buffer_number = 2;
  o.paranoid_checks = true;
  o.force_consistency_checks = true;
  o.paranoid_file_checks = true;  // every compacted file is read back before its inputs go
  o.compression = rocksdb::kNoCompression;
  o.max_background_jobs = 2;
  o.max_subcompactions = 1;
  o.rate_limiter.reset(rocksdb::NewGenericRateLimiter(budget.compaction_bytes_per_second));
  o.level_compaction_dynamic_level_bytes = true;
  o.max_open_files = 256;
  o.skip_stats_update_on_db_open = true;
  o.stats_dump_period_sec = 0;
  o.stats_persist_period_sec = 0;
  o.keep_log_file_num = 2;
  o.max_log_file_size = 1 << 20;
  o.info_log_level = rocksdb::WARN_LEVEL;
  o.max_manifest_file_size = 1 << 20;
}

void RemoveDatabase(rocksdb::Env* env, const std::string& path) {
  std::vector<std::string> children;
  if (!env->GetChildren(path, &children).ok()) return;
  for (const std::string& child : children) {
    if (child != "." && child != "..") env->DeleteFile(path + "/" + child).PermitUncheckedError();
  }
  env->DeleteDir(path).PermitUncheckedError();
}

absl::StatusOr<std::shared_ptr<Database>> Database::Open(const DatabaseOptions& options, const std::string& path,
                                                         bool create) {
  rocksdb::Options o = options.options();
  o.create_if_missing = create;
  o.error_if_exists = create;
  std::shared_ptr<Database> database(new Database(options.env(), path));
  rocksdb::DB* db = nullptr;
  rocksdb::Status status = rocksdb::DB::Open(o, path, &db);
  if (!status.ok()) {
    absl::Status error = FromRocks(status, absl::StrCat("snapshot database ", path));
    // A missing file, a sector that can't be read or a manifest that names an impossible option is damage as much as a
    // bad checksum is: peers can mend it (D6). A full disk or another process at work they can't.
    bool damaged = !create && !status.IsNoSpace() && error.message().find("/LOCK") == absl::string_view::npos;
    return damaged ? absl::DataLossError(error.message()) : error;
  }
  database->db_.reset(db);
  return database;
}

Database::~Database() {
  if (db_ != nullptr) db_->Close().PermitUncheckedError();
  db_.reset();
  if (obsolete_) RemoveDatabase(env_, path_);
}

absl::Status Database::Ingest(const std::vector<std::string>& files) {
  rocksdb::IngestExternalFileOptions options;
  options.move_files = true;
  options.failed_move_fall_back_to_copy = false;
  options.write_global_seqno = false;             // a synced file is never written again
  options.verify_checksums_before_ingest = true;  // what we hand over was read back once
  options.snapshot_consistency = true;            // pinned readers do not see it
  rocksdb::Status status = db_->IngestExternalFile(files, options);
  return FromRocks(status, "snapshot ingest");
}

absl::StatusOr<std::string> Database::Get(std::string_view key) {
  rocksdb::ReadOptions options;
  options.verify_checksums = true;
  std::string value;
  rocksdb::Status status = db_->Get(options, ToSlice(key), &value);
  if (status.IsNotFound()) return absl::NotFoundError("snapshot record");
  if (!status.ok()) return absl::DataLossError(FromRocks(status, "snapshot read").message());
  return value;
}

uint64_t Database::bytes_on_disk() {
  uint64_t bytes = 0;
  db_->GetIntProperty(rocksdb::DB::Properties::kTotalSstFilesSize, &bytes);
  return bytes;
}

SortedFiles::SortedFiles(const DatabaseOptions& options, std::string directory, uint64_t batch)
    : options_(options), directory_(std::move(directory)), batch_(batch) {}

SortedFiles::~SortedFiles() {
  writer_.reset();
  for (const std::string& file : files_) options_.env()->DeleteFile(file).PermitUncheckedError();
}

absl::Status SortedFiles::Prepare() {
  if (writer_ != nullptr && writer_->FileSize() < kFileBytes) return absl::OkStatus();
  if (writer_ != nullptr) SYNOD_RETURN_IF_ERROR(Finish());
  writer_ = std::make_unique<rocksdb::SstFileWriter>(rocksdb::EnvOptions(), options_.options());
  std::string path = directory_ + "/" + IngestName(batch_, files_.size());
  files_.push_back(path);
  return FromRocks(writer_->Open(path), "snapshot file");
}

absl::Status SortedFiles::Put(std::string_view key, std::string_view value) {
  SYNOD_RETURN_IF_ERROR(Prepare());
  return FromRocks(writer_->Put(ToSlice(key), ToSlice(value)), "snapshot file");
}

absl::Status SortedFiles::Delete(std::string_view key) {
  SYNOD_RETURN_IF_ERROR(Prepare());
  return FromRocks(writer_->Delete(ToSlice(key)), "snapshot file");
}

absl::Status SortedFiles::Finish() {
  SYNOD_CHECK(writer_ != nullptr);
  absl::Status status = FromRocks(writer_->Finish(), "snapshot file");
  writer_.reset();
  return status;
}

}  // namespace synod::storage

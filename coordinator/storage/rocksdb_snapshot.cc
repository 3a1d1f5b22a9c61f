#include "coordinator/storage/rocksdb_snapshot.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "coordinator/base/check.h"
#include "coordinator/base/log.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/storage/rocksdb_database.h"
#include "coordinator/storage/rocksdb_records.h"
#include "coordinator/storage/snapshot_installer.h"
#include "coordinator/storage/snapshot_reader.h"

namespace synod::storage {

using interfaces::SnapshotMeta;
using interfaces::SnapshotRecord;

RocksDbSnapshotStore::RocksDbSnapshotStore(SnapshotStoreOptions options, Executor* loop)
    : options_(std::move(options)),
      database_options_(std::make_unique<DatabaseOptions>(
          options_.env == nullptr ? rocksdb::Env::Default() : options_.env, options_.budget)),
      loop_(loop) {}

absl::StatusOr<std::unique_ptr<RocksDbSnapshotStore>> RocksDbSnapshotStore::Open(SnapshotStoreOptions options,
                                                                                 Executor* loop) {
  std::unique_ptr<RocksDbSnapshotStore> store(new RocksDbSnapshotStore(std::move(options), loop));
  SYNOD_RETURN_IF_ERROR(store->CreateIfMissing());
  SYNOD_RETURN_IF_ERROR(store->ReadCurrent());
  store->DeleteGarbage();
  if (store->damage_.ok()) SYNOD_RETURN_IF_ERROR(store->OpenLive());
  if (!store->damage_.ok())
    SLOG_WARN("the snapshot is damaged and must be fetched from a peer: {}", store->damage_.ToString());
  store->thread_ = std::thread([raw = store.get()] { raw->RunWrites(); });
  return store;
}

RocksDbSnapshotStore::~RocksDbSnapshotStore() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

std::string RocksDbSnapshotStore::PathOf(std::string_view name) const {
  return options_.directory + "/" + std::string(name);
}

absl::Status RocksDbSnapshotStore::SyncDirectory(const std::string& path) {
  std::unique_ptr<rocksdb::Directory> directory;
  rocksdb::Status status = database_options_->env()->NewDirectory(path, &directory);
  if (status.ok()) status = directory->Fsync();
  return FromRocks(status, absl::StrCat("sync of directory ", path));
}

absl::Status RocksDbSnapshotStore::WriteCurrent(const CurrentFile& current, bool new_database) {
  rocksdb::Env* env = database_options_->env();
  const std::string temporary = PathOf(kCurrentTemporaryName);
  std::unique_ptr<rocksdb::WritableFile> file;
  rocksdb::Status status = env->NewWritableFile(temporary, &file, rocksdb::EnvOptions());
  if (status.ok()) status = file->Append(ToSlice(EncodeCurrent(current)));
  if (status.ok()) status = file->Sync();
  if (status.ok()) status = file->Close();
  SYNOD_RETURN_IF_ERROR(FromRocks(status, "snapshot CURRENT"));
  if (new_database) SYNOD_RETURN_IF_ERROR(SyncDirectory(options_.directory));
  SYNOD_RETURN_IF_ERROR(FromRocks(env->RenameFile(temporary, PathOf(kCurrentName)), "snapshot CURRENT"));
  return SyncDirectory(options_.directory);
}

absl::Status RocksDbSnapshotStore::CreateIfMissing() {
  rocksdb::Env* env = database_options_->env();
  rocksdb::Status exists = env->FileExists(PathOf(kCurrentName));
  if (exists.ok()) return absl::OkStatus();
  if (!exists.IsNotFound()) return FromRocks(exists, "snapshot CURRENT");
  if (!options_.create) return absl::NotFoundError(absl::StrCat("no snapshot store in ", options_.directory));
  SYNOD_RETURN_IF_ERROR(FromRocks(env->CreateDirIfMissing(options_.directory), options_.directory));
  size_t slash = options_.directory.rfind('/');
  if (slash != std::string::npos && slash > 0)
    SYNOD_RETURN_IF_ERROR(SyncDirectory(options_.directory.substr(0, slash)));
  CurrentFile current{.identity = options_.identity, .database = 1, .floor = std::nullopt};
  RemoveDatabase(env, PathOf(DatabaseName(current.database)));  // of a first start that was cut short
  SYNOD_RETURN_IF_ERROR(
      Database::Open(*database_options_, PathOf(DatabaseName(current.database)), /*create=*/true).status());
  return WriteCurrent(current, /*new_database=*/true);
}

absl::Status RocksDbSnapshotStore::ReadCurrent() {
  std::string bytes;
  rocksdb::Status read = rocksdb::ReadFileToString(database_options_->env(), PathOf(kCurrentName), &bytes);
  absl::StatusOr<CurrentFile> current = DecodeCurrent(bytes);
  if (!read.ok()) current = absl::DataLossError(FromRocks(read, "snapshot CURRENT").message());
  if (!current.ok()) {
    damage_ = current.status();
    current_.identity = options_.identity;
    return absl::OkStatus();
  }
  const StoreIdentity& found = current->identity;
  const StoreIdentity& wanted = options_.identity;
  if (found.storage != wanted.storage) {
    return absl::FailedPreconditionError(absl::StrCat("the snapshot in ", options_.directory, " belongs to storage ",
                                                      absl::Hex(found.storage.value()), ", this data directory is ",
                                                      absl::Hex(wanted.storage.value())));
  }
  if (found.ensemble != wanted.ensemble && found.ensemble != EnsembleId(0)) {
    return absl::FailedPreconditionError(absl::StrCat("the snapshot in ", options_.directory, " belongs to ensemble ",
                                                      absl::Hex(found.ensemble.value()), ", this data directory to ",
                                                      absl::Hex(wanted.ensemble.value())));
  }
  current_ = *current;
  if (found.ensemble != wanted.ensemble) {
    current_.identity.ensemble = wanted.ensemble;
    SYNOD_RETURN_IF_ERROR(WriteCurrent(current_, /*new_database=*/false));
  }
  return absl::OkStatus();
}

// Only what a crash left: nothing is open yet. Best effort: what can't be deleted is tried again at the next start.
void RocksDbSnapshotStore::DeleteGarbage() {
  rocksdb::Env* env = database_options_->env();
  next_database_ = current_.database + 1;
  std::vector<std::string> children;
  if (!env->GetChildren(options_.directory, &children).ok()) return;
  for (const std::string& child : children) {
    if (child == kCurrentTemporaryName || child.compare(0, kIngestPrefix.size(), kIngestPrefix) == 0) {
      env->DeleteFile(PathOf(child)).PermitUncheckedError();
      continue;
    }
    std::optional<uint64_t> number = ParseDatabaseName(child);
    if (!number) continue;
    next_database_ = std::max(next_database_, *number + 1);
    // With CURRENT damaged nobody knows which one is garbage; the next start after an install will.
    if (damage_.ok() && *number != current_.database) RemoveDatabase(env, PathOf(child));
  }
}

absl::Status RocksDbSnapshotStore::OpenLive() {
  absl::StatusOr<std::shared_ptr<Database>> database =
      Database::Open(*database_options_, PathOf(DatabaseName(current_.database)), /*create=*/false);
  if (!database.ok()) {
    if (!absl::IsDataLoss(database.status())) return database.status();
    damage_ = database.status();
    return absl::OkStatus();
  }
  live_ = *std::move(database);
  absl::StatusOr<std::string> record = live_->Get(ToView(ToSlice(kMetaKey)));
  if (record.ok()) {
    absl::StatusOr<SnapshotMeta> meta = DecodeMetaRecord(current_.identity.storage, *record);
    if (meta.ok()) {
      meta_ = *std::move(meta);
    } else {
      damage_ = meta.status();
    }
  } else if (!absl::IsNotFound(record.status())) {
    damage_ = record.status();
  }
  if (damage_.ok() && current_.floor && (!meta_ || meta_->index < *current_.floor)) {
    damage_ = absl::DataLossError(absl::StrCat("snapshot: the database holds ", meta_ ? meta_->index.value() : 0,
                                               ", it held ", current_.floor->value(), " before"));
  }
  if (!damage_.ok()) meta_.reset();
  return absl::OkStatus();
}

std::optional<SnapshotMeta> RocksDbSnapshotStore::meta() const {
  std::lock_guard lock(mutex_);
  return meta_;
}

absl::Status RocksDbSnapshotStore::damage() const {
  std::lock_guard lock(mutex_);
  return damage_;
}

std::shared_ptr<Database> RocksDbSnapshotStore::live() const {
  std::lock_guard lock(mutex_);
  return damage_.ok() ? live_ : nullptr;
}

uint64_t RocksDbSnapshotStore::bytes_on_disk() const {
  std::shared_ptr<Database> database = live();
  return database == nullptr ? 0 : database->bytes_on_disk();
}

absl::Status RocksDbSnapshotStore::Load(interfaces::RecordSink* sink) {
  std::shared_ptr<Database> database = live();
  if (database == nullptr) return damage();
  absl::Status status = DeliverRecords(database->db(), sink);
  if (absl::IsDataLoss(status)) {
    // Whoever could not load it must not hand it to others either.
    std::lock_guard lock(mutex_);
    if (live_ == database) {
      damage_ = status;
      meta_.reset();
    }
  }
  return status;
}

void RocksDbSnapshotStore::Write(std::vector<SnapshotRecord> changes, SnapshotMeta meta,
                                 absl::AnyInvocable<void(absl::Status)> done) {
  {
    std::lock_guard lock(mutex_);
    SYNOD_CHECK(!job_) << "one write at a time";
    job_ = Job{std::move(changes), std::move(meta), current_.database, std::move(done)};
  }
  wake_.notify_all();
}

void RocksDbSnapshotStore::RunWrites() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return job_ || stopping_; });
    if (!job_) return;
    Job job = *std::move(job_);
    job_.reset();
    lock.unlock();
    absl::Status status = WriteOne(&job);
    // Nothing of the store: by the time this runs it may be gone.
    loop_->Post([done = std::move(job.done), status = std::move(status)]() mutable { done(std::move(status)); });
    lock.lock();
  }
}

absl::Status RocksDbSnapshotStore::WriteOne(Job* job) {
  std::lock_guard step(step_mutex_);
  std::shared_ptr<Database> database;
  CurrentFile current;
  uint64_t batch = 0;
  {
    std::lock_guard lock(mutex_);
    SYNOD_RETURN_IF_ERROR(failed_);
    if (current_.database != job->database) return absl::AbortedError("snapshot: replaced by an install");
    SYNOD_RETURN_IF_ERROR(damage_);
    if (meta_ && job->meta.index < meta_->index) return absl::InvalidArgumentError("snapshot: going back");
    database = live_;
    current = current_;
    batch = next_batch_++;
  }
  // A record changed twice in one cut keeps its last change.
  std::stable_sort(job->changes.begin(), job->changes.end(),
                   [](const SnapshotRecord& a, const SnapshotRecord& b) { return a.key < b.key; });
  auto write = [&]() -> absl::Status {
    SortedFiles files(*database_options_, options_.directory, batch);
    SYNOD_RETURN_IF_ERROR(files.Put(kMetaKey, EncodeMetaRecord(current.identity.storage, job->meta)));
    for (size_t i = 0; i < job->changes.size(); ++i) {
      const SnapshotRecord& record = job->changes[i];
      if (i + 1 < job->changes.size() && job->changes[i + 1].key == record.key) continue;
      std::string key = RecordKey(record.key);
      SYNOD_RETURN_IF_ERROR(record.value ? files.Put(key, *record.value) : files.Delete(key));
    }
    SYNOD_RETURN_IF_ERROR(files.Finish());
    SYNOD_RETURN_IF_ERROR(database->Ingest(files.files()));
    current.floor = job->meta.index;
    return WriteCurrent(current, /*new_database=*/false);
  };
  absl::Status status = write();
  std::lock_guard lock(mutex_);
  if (!status.ok()) {
    failed_ = status;
    return status;
  }
  current_ = current;
  meta_ = std::move(job->meta);
  return absl::OkStatus();
}

absl::Status RocksDbSnapshotStore::SetEnsemble(EnsembleId ensemble) {
  std::lock_guard step(step_mutex_);
  CurrentFile current;
  {
    std::lock_guard lock(mutex_);
    SYNOD_RETURN_IF_ERROR(failed_);
    if (!damage_.ok()) {
      // The damaged CURRENT stays damaged until an install writes a good one.
      current_.identity.ensemble = ensemble;
      return absl::OkStatus();
    }
    current = current_;
  }
  current.identity.ensemble = ensemble;
  absl::Status status = WriteCurrent(current, /*new_database=*/false);
  std::lock_guard lock(mutex_);
  if (status.ok()) {
    current_ = current;
  } else {
    failed_ = status;
  }
  return status;
}

absl::StatusOr<std::unique_ptr<interfaces::SnapshotReader>> RocksDbSnapshotStore::OpenReader() {
  std::shared_ptr<Database> database = live();
  if (database == nullptr) return damage();
  StorageId storage;
  {
    std::lock_guard lock(mutex_);
    if (!meta_) return absl::NotFoundError("snapshot: none yet");
    storage = current_.identity.storage;
  }
  SYNOD_ASSIGN_OR_RETURN(std::unique_ptr<RocksDbSnapshotReader> reader,
                         RocksDbSnapshotReader::Open(std::move(database), storage));
  return reader;
}

absl::StatusOr<std::unique_ptr<interfaces::SnapshotInstaller>> RocksDbSnapshotStore::BeginInstall(
    const SnapshotMeta& meta) {
  uint64_t number = 0;
  uint64_t batch = 0;
  StorageId storage;
  {
    std::lock_guard lock(mutex_);
    SYNOD_RETURN_IF_ERROR(failed_);
    number = next_database_++;
    batch = next_batch_++;
    storage = current_.identity.storage;
  }
  auto installer =
      std::make_unique<RocksDbSnapshotInstaller>(this, *database_options_, options_.directory, number, batch, meta);
  SYNOD_RETURN_IF_ERROR(installer->Begin(storage));
  return installer;
}

absl::Status RocksDbSnapshotStore::SwitchTo(uint64_t number, std::shared_ptr<Database> database,
                                            const SnapshotMeta& meta) {
  std::lock_guard step(step_mutex_);
  CurrentFile current;
  {
    std::lock_guard lock(mutex_);
    SYNOD_RETURN_IF_ERROR(failed_);
    current = current_;
  }
  current.database = number;
  current.floor = meta.index;
  absl::Status status = WriteCurrent(current, /*new_database=*/true);
  std::shared_ptr<Database> old;
  uint64_t old_number = 0;
  {
    std::lock_guard lock(mutex_);
    if (!status.ok()) {
      failed_ = status;
      return status;
    }
    old = std::move(live_);
    old_number = current_.database;
    live_ = std::move(database);
    current_ = current;
    meta_ = meta;
    damage_ = absl::OkStatus();
  }
  if (old != nullptr) {
    old->MarkObsolete();
  } else {
    RemoveDatabase(database_options_->env(), PathOf(DatabaseName(old_number)));
  }
  return absl::OkStatus();
}

}  // namespace synod::storage

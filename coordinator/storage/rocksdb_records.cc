#include "coordinator/storage/rocksdb_records.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "coordinator/base/bytes.h"
#include "coordinator/storage/key_format.h"
#include "coordinator/storage/rocksdb_database.h"

namespace synod::storage {
namespace {

const rocksdb::Slice& UpperBound() {
  static const rocksdb::Slice bound(kRecordsEnd.data(), kRecordsEnd.size());
  return bound;
}

// Records on their way from the thread that reads them to the one that takes them: reading and checking blocks costs
// about half of what taking them does.
class RecordFeed {
 public:
  static constexpr size_t kBatchBytes = 32 << 10;

  // False: no more are wanted. Waits for room.
  bool Put(std::string batch) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stopped_ || batches_.size() < kBatchesMax; });
    if (!stopped_) batches_.push_back(std::move(batch));
    changed_.notify_all();
    return !stopped_;
  }
  void End(absl::Status status) {
    std::lock_guard lock(mutex_);
    ended_ = true;
    status_ = std::move(status);
    changed_.notify_all();
  }
  // Nullopt: that was all. Waits for one.
  std::optional<std::string> Take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stopped_ || ended_ || !batches_.empty(); });
    if (stopped_ || batches_.empty()) return std::nullopt;
    std::string batch = std::move(batches_.front());
    batches_.pop_front();
    changed_.notify_all();
    return batch;
  }
  void Stop() {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }
  const absl::Status& status() const { return status_; }  // once the reader has ended

 private:
  static constexpr size_t kBatchesMax = 32;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> batches_;
  bool ended_ = false, stopped_ = false;
  absl::Status status_;
};

}  // namespace

rocksdb::ReadOptions ScanOptions() {
  rocksdb::ReadOptions options;
  options.verify_checksums = true;
  options.fill_cache = false;  // read once: it would only push out what the cache is for
  options.iterate_upper_bound = &UpperBound();
  options.total_order_seek = true;
  return options;
}

absl::Status ScanEnd(const rocksdb::Iterator& it) {
  if (it.status().ok()) return absl::OkStatus();
  return absl::DataLossError(FromRocks(it.status(), "snapshot read").message());
}

absl::Status DeliverRecords(rocksdb::DB* db, interfaces::RecordSink* sink) {
  RecordFeed feed;
  std::thread reader([db, &feed] {
    rocksdb::ReadOptions options = ScanOptions();
    options.readahead_size = 2 << 20;
    std::unique_ptr<rocksdb::Iterator> it(db->NewIterator(options));
    ByteWriter records;
    bool wanted = true;
    for (it->Seek(ToSlice(kRecordsBegin)); wanted && it->Valid(); it->Next()) {
      records.Blob(UserKey(ToView(it->key())));
      records.Blob(ToView(it->value()));
      if (records.size() >= RecordFeed::kBatchBytes) wanted = feed.Put(std::exchange(records, {}).Take());
    }
    if (wanted && records.size() > 0) feed.Put(records.Take());
    feed.End(ScanEnd(*it));
  });
  absl::Status status = absl::OkStatus();
  while (std::optional<std::string> batch = feed.Take()) {
    for (ByteReader in(*batch); status.ok() && in.remaining() > 0;) {
      const std::string_view key = in.Blob();
      status = sink->Add(key, in.Blob());
    }
    if (!status.ok()) feed.Stop();
  }
  reader.join();
  return status.ok() ? feed.status() : status;
}

}  // namespace synod::storage

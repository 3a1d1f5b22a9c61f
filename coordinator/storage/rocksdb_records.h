// All records of a snapshot database, in key order.
#pragma once

#include <rocksdb/db.h>

#include "absl/status/status.h"
#include "coordinator/interfaces/snapshot_store.h"

namespace synod::storage {

// How records are read once, from the first to the last.
rocksdb::ReadOptions ScanOptions();
// Whatever keeps a record from being read, its bytes are not to be had here (D6): DataLoss.
absl::Status ScanEnd(const rocksdb::Iterator& it);

// All records in key order. A thread of its own reads and checks them while the caller's takes them. DataLoss if a
// block fails its checksum or can't be read; else the sink's error.
absl::Status DeliverRecords(rocksdb::DB* db, interfaces::RecordSink* sink);

}  // namespace synod::storage

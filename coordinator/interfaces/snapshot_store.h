// The durable snapshot (D7, D9): sorted records in a store, replaced record by record and atomically per batch.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "coordinator/consensus/types.h"

namespace synod::interfaces {

// One record of the state machine's snapshot. Keys sort so that loading in key order never meets a child before its
// parent.
struct SnapshotRecord {
  std::string key;
  std::optional<std::string> value;  // nullopt: the record is gone (a tombstone)
};

// Everything a snapshot says about itself. Written in the same atomic step as the records.
struct SnapshotMeta {
  LogIndex index;                          // the last command applied in it
  Term term;                               // of that entry
  consensus::Configuration configuration;  // as of index
  uint64_t digest = 0;                     // of all digested records, state_machine.h (D13)
  uint32_t digest_version = 0;
  uint32_t state_machine_version = 0;
  uint64_t log_clock_us = 0;

  std::string Encode() const;
  static absl::StatusOr<SnapshotMeta> Decode(std::string_view bytes);
};

// Takes records in key order. Add's views live only during the call.
class RecordSink {
 public:
  virtual ~RecordSink() = default;
  // An error ends the delivery and is passed on: DataLoss for a record that does not decode.
  virtual absl::Status Add(std::string_view key, std::string_view value) = 0;
};

// A chunk of a snapshot on its way to another server: consecutive records in key order, encoded as {blob key, blob
// value}*.
struct SnapshotChunk {
  uint64_t number = 0;  // from 0
  std::string records;
  uint32_t checksum = 0;  // CRC-32C of records
  bool last = false;
};

// A pinned, unchanging view of the store's snapshot, for one transfer. Any thread, one at a time. Dropping it unpins.
class SnapshotReader {
 public:
  virtual ~SnapshotReader() = default;
  virtual const SnapshotMeta& meta() const = 0;
  // Chunk `number` of about `bytes` bytes. Chunks can be read again from any number already read (resume): the same
  // number gives the same bytes. DataLoss if the store's own checksum fails.
  virtual absl::StatusOr<SnapshotChunk> ReadChunk(uint64_t number, size_t bytes) = 0;
};

// A snapshot under construction beside the live one. Any thread, one at a time. Dropping it before Finish leaves
// nothing behind that a later start would use.
class SnapshotInstaller {
 public:
  virtual ~SnapshotInstaller() = default;
  // Records must ascend by key over all calls; InvalidArgument otherwise.
  virtual absl::Status Add(std::string_view key, std::string_view value) = 0;
  // Makes it the live snapshot, durably and atomically: after a crash either the old one or this one is there.
  virtual absl::Status Finish() = 0;
};

class SnapshotStore {
 public:
  virtual ~SnapshotStore() = default;
  // The live snapshot's meta; nullopt when there has been none yet. Loop thread, before anything else.
  virtual std::optional<SnapshotMeta> meta() const = 0;
  // Delivers all records in key order. DataLoss: the store is damaged (the caller fetches a snapshot from a peer, D6).
  virtual absl::Status Load(RecordSink* sink) = 0;
  // Applies changed records and the meta in one atomic, synced step on the store's thread; `done` runs on the loop. One
  // at a time.
  virtual void Write(std::vector<SnapshotRecord> changes, SnapshotMeta meta,
                     absl::AnyInvocable<void(absl::Status)> done) = 0;
  virtual absl::StatusOr<std::unique_ptr<SnapshotReader>> OpenReader() = 0;
  virtual absl::StatusOr<std::unique_ptr<SnapshotInstaller>> BeginInstall(const SnapshotMeta& meta) = 0;
  virtual uint64_t bytes_on_disk() const = 0;
};

}  // namespace synod::interfaces

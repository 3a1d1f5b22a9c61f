// What the snapshot contract tests need of an implementation, and the small tools they share.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/base/bytes.h"
#include "coordinator/interfaces/snapshot_store.h"
#include "tests/support/test_executor.h"

namespace synod::sim {

using RecordMap = std::map<std::string, std::string>;

inline interfaces::SnapshotMeta MakeMeta(uint64_t index) {
  interfaces::SnapshotMeta meta;
  meta.index = LogIndex(index);
  meta.term = Term(index / 10 + 1);
  meta.digest = index * 7;
  meta.digest_version = 1;
  meta.state_machine_version = 2;
  meta.log_clock_us = index * 1000;
  meta.configuration.members = {{{ServerId(1), StorageId(11)}, consensus::MemberRole::kVoter, "127.0.0.1:1"}};
  return meta;
}

class Collector : public interfaces::RecordSink {
 public:
  absl::Status Add(std::string_view key, std::string_view value) override {
    if (!order.empty() && key <= order.back()) return absl::InternalError("not in key order");
    order.emplace_back(key);
    records.emplace(key, value);
    return absl::OkStatus();
  }
  std::vector<std::string> order;
  RecordMap records;
};

// One implementation with its "machine": Restart is a crash and a new start over what is durable.
class SnapshotHarness {
 public:
  virtual ~SnapshotHarness() = default;
  virtual void Restart() = 0;
  virtual interfaces::SnapshotStore& store() = 0;
  virtual void Damage() = 0;  // the live snapshot's bytes are spoiled; then Restart

  TestExecutor executor;

  absl::Status Write(std::vector<interfaces::SnapshotRecord> changes, uint64_t index) {
    absl::Status result;
    bool done = false;
    store().Write(std::move(changes), MakeMeta(index), [&](absl::Status status) {
      result = std::move(status);
      done = true;
    });
    EXPECT_FALSE(done) << "a completion never runs inside the call";
    EXPECT_TRUE(executor.RunUntil([&] { return done; }));
    return result;
  }
  absl::StatusOr<RecordMap> Load() {
    Collector collector;
    absl::Status status = store().Load(&collector);
    if (!status.ok()) return status;
    return collector.records;
  }
};

inline absl::StatusOr<RecordMap> DecodeChunk(const interfaces::SnapshotChunk& chunk) {
  RecordMap out;
  ByteReader in(chunk.records);
  while (in.ok() && in.remaining() > 0) {
    std::string_view key = in.Blob();
    out.emplace(key, in.Blob());
  }
  if (absl::Status status = in.Finish("chunk"); !status.ok()) return status;
  return out;
}

}  // namespace synod::sim

// The RocksDB snapshot store over a file system that faults.
#pragma once

#include <rocksdb/env.h>

#include <algorithm>
#include <memory>
#include <string>

#include "coordinator/storage/rocksdb_snapshot.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/snapshot_harness.h"

namespace synod::sim {

class RocksDbSnapshotHarness : public SnapshotHarness {
 public:
  static constexpr char kDirectory[] = "/data/snapshot";

  explicit RocksDbSnapshotHarness(std::shared_ptr<FaultFileSystem> file_system = nullptr)
      : fs(file_system == nullptr ? NewDisk() : std::move(file_system)), env_(rocksdb::NewCompositeEnv(fs)) {}
  ~RocksDbSnapshotHarness() override { store_.reset(); }

  static std::shared_ptr<FaultFileSystem> NewDisk() {
    auto disk = std::make_shared<FaultFileSystem>();
    EXPECT_TRUE(disk->CreateDir("/data", rocksdb::IOOptions(), nullptr).ok());
    std::unique_ptr<rocksdb::FSDirectory> root;
    EXPECT_TRUE(disk->NewDirectory("", rocksdb::IOOptions(), &root, nullptr).ok());
    EXPECT_TRUE(root->Fsync(rocksdb::IOOptions(), nullptr).ok());
    return disk;
  }
  storage::SnapshotStoreOptions Options() const {
    storage::SnapshotStoreOptions options;
    options.directory = kDirectory;
    options.identity = identity;
    options.create = create;
    options.env = env_.get();
    return options;
  }
  absl::Status Open() {
    store_.reset();
    auto opened = storage::RocksDbSnapshotStore::Open(Options(), &executor);
    if (!opened.ok()) return opened.status();
    store_ = *std::move(opened);
    return absl::OkStatus();
  }
  // Ends the process without a crash of the machine.
  void Close() { store_.reset(); }
  void Crash(Random* random) {
    store_.reset();
    executor.DropAll();
    fs->Restart(random);
  }
  void Restart() override {
    Crash(nullptr);
    absl::Status status = Open();
    ASSERT_TRUE(status.ok()) << status;
  }
  // Spoils the middle of every table file.
  void Damage() override {
    for (const std::string& file : fs->Files()) {
      if (file.ends_with(".sst") && fs->Size(file) > 0) {
        for (size_t at = 0; at < std::min<size_t>(fs->Size(file), 200); at += 3) fs->FlipBit(file, at, 1);
      }
    }
  }
  storage::RocksDbSnapshotStore& store() override { return *store_; }

  std::shared_ptr<FaultFileSystem> fs;
  storage::StoreIdentity identity{StorageId(11), EnsembleId(0)};
  bool create = true;

 private:
  std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<storage::RocksDbSnapshotStore> store_;
};

}  // namespace synod::sim

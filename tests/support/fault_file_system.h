// A RocksDB file system in memory that keeps what a disk would: a file up to its last sync, a directory as of its last
// fsync. It can stop at any operation as a power cut does, fail single operations, and flip bits.
#pragma once

#include <rocksdb/file_system.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "coordinator/base/random.h"

namespace synod::sim {

class FaultFileSystem : public rocksdb::FileSystem {
 public:
  // What counts down and fails when it is due.
  enum class Fault {
    kNone,
    kPowerCut,   // the n-th mutating operation, and everything after it, until Restart
    kWriteOnce,  // the n-th append fails, once
    kSyncOnce,   // the n-th sync of a file or directory fails, once
    kSpaceOnce,  // the n-th append finds the disk full, once
  };
  // After `operations` more operations of its kind went well.
  void Arm(Fault fault, uint64_t operations);
  // Whether the armed fault happened.
  bool fired() const;
  // The machine comes back: unsynced data and names are lost. With `random`, each unsynced name and each unsynced tail
  // survives or not, or in part, or torn, as it decides.
  // All handles of before are dead.
  void Restart(Random* random);
  // All files, by path.
  std::vector<std::string> Files() const;
  size_t Size(const std::string& path) const;
  void FlipBit(const std::string& path, size_t byte, int bit);
  // Every read of it fails from now on, as of a bad sector.
  void MakeUnreadable(const std::string& path);
  // A copy of everything as it is, to try many faults from one state. Unsynced names are lost or kept all together.
  std::shared_ptr<FaultFileSystem> Clone() const;

  const char* Name() const override { return "FaultFileSystem"; }
  using IOStatus = rocksdb::IOStatus;
  using IOOptions = rocksdb::IOOptions;
  using FileOptions = rocksdb::FileOptions;
  using Debug = rocksdb::IODebugContext;
  IOStatus NewSequentialFile(const std::string&, const FileOptions&, std::unique_ptr<rocksdb::FSSequentialFile>*,
                             Debug*) override;
  IOStatus NewRandomAccessFile(const std::string&, const FileOptions&, std::unique_ptr<rocksdb::FSRandomAccessFile>*,
                               Debug*) override;
  IOStatus NewWritableFile(const std::string&, const FileOptions&, std::unique_ptr<rocksdb::FSWritableFile>*,
                           Debug*) override;
  IOStatus ReopenWritableFile(const std::string&, const FileOptions&, std::unique_ptr<rocksdb::FSWritableFile>*,
                              Debug*) override;
  IOStatus NewDirectory(const std::string&, const IOOptions&, std::unique_ptr<rocksdb::FSDirectory>*, Debug*) override;
  IOStatus FileExists(const std::string&, const IOOptions&, Debug*) override;
  IOStatus GetChildren(const std::string&, const IOOptions&, std::vector<std::string>*, Debug*) override;
  IOStatus DeleteFile(const std::string&, const IOOptions&, Debug*) override;
  IOStatus CreateDir(const std::string&, const IOOptions&, Debug*) override;
  IOStatus CreateDirIfMissing(const std::string&, const IOOptions&, Debug*) override;
  IOStatus DeleteDir(const std::string&, const IOOptions&, Debug*) override;
  IOStatus GetFileSize(const std::string&, const IOOptions&, uint64_t*, Debug*) override;
  IOStatus GetFileModificationTime(const std::string&, const IOOptions&, uint64_t*, Debug*) override;
  IOStatus RenameFile(const std::string&, const std::string&, const IOOptions&, Debug*) override;
  IOStatus LinkFile(const std::string&, const std::string&, const IOOptions&, Debug*) override;
  IOStatus LockFile(const std::string&, const IOOptions&, rocksdb::FileLock**, Debug*) override;
  IOStatus UnlockFile(rocksdb::FileLock*, const IOOptions&, Debug*) override;
  IOStatus GetTestDirectory(const IOOptions&, std::string*, Debug*) override;
  IOStatus NewLogger(const std::string&, const IOOptions&, std::shared_ptr<rocksdb::Logger>*, Debug*) override;
  IOStatus GetAbsolutePath(const std::string&, const IOOptions&, std::string*, Debug*) override;
  IOStatus IsDirectory(const std::string&, const IOOptions&, bool*, Debug*) override;

 private:
  friend class FaultFile;
  friend class FaultDirectory;
  struct Inode {
    std::string data;
    size_t synced = 0;
    bool unreadable = false;
  };
  using Entries = std::map<std::string, std::shared_ptr<Inode>>;  // null: a subdirectory
  struct Folder {
    Entries now;
    Entries durable;
    std::vector<Entries> since;  // every state after `durable`, in order
    void Changed() { since.push_back(now); }
  };
  enum class Operation { kAppend, kSync, kName };

  // All below: mutex_ held.
  IOStatus Begin(Operation operation);  // counts it, fails it if it is due
  IOStatus Alive() const;
  Folder* FolderOf(const std::string& path, std::string* name);
  std::shared_ptr<Inode> Find(const std::string& path);
  IOStatus Link(const std::string& path, std::shared_ptr<Inode> inode);
  void Unlink(const std::string& path);

  mutable std::mutex mutex_;
  std::map<std::string, Folder> folders_ = {{"", {}}};
  std::set<std::string> locks_;
  Fault fault_ = Fault::kNone;
  uint64_t countdown_ = 0;
  bool fired_ = false;
  bool dead_ = false;
  uint64_t boot_ = 1;  // handles of an earlier one are dead
};

}  // namespace synod::sim

// A disk in memory that fails the way disks do (D2). The durable log runs on it in unit tests and in the simulator,
// unchanged.
//
// What it models: writes stay in the page cache until Sync; a crash keeps or loses each unsynced 512-byte sector on its
// own, and a sector written several times may come back as any of its versions; a file that grew may lose its new size;
// names created, renamed or removed since the last SyncDirectory survive as a prefix of their order, per directory (as
// journalling file systems keep them). A failed sync leaves the pages looking clean: what they held is readable until
// the crash and then gone.
//
// Use: give it to LogFiles and DataDirectory as their FileSystem. To crash: drop every object that uses it (or leave
// them; their handles answer FailedPrecondition from then on), call Crash, open again.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coordinator/base/random.h"
#include "coordinator/storage/file.h"

namespace synod::sim {

inline constexpr size_t kSectorBytes = 512;

// How a crash treats unsynced sectors.
enum class CrashKind : uint8_t {
  kAny,      // each file is treated as one of the following, drawn per file
  kLoseAll,  // nothing unsynced survives
  kKeepAll,  // everything does (the process died, the machine did not)
  kScatter,  // each sector on its own
};

enum class Fault : uint8_t { kNoSpace, kIo };  // ResourceExhausted, DataLoss

// One thread. Deterministic: the same calls and the same Random give the same bytes.
class SimDisk : public storage::FileSystem {
 public:
  static constexpr uint64_t kUnlimited = ~uint64_t{0};

  SimDisk();
  ~SimDisk() override;

  // Power off: what was not synced is kept, lost or torn as `random` says; locks are free, every open handle is stale.
  void Crash(Random* random, CrashKind kind = CrashKind::kAny);

  // The write (or sync) after the next `skip` ones fails, once. Writes are Write, Preallocate, Truncate, creating Open
  // and Rename; syncs are Sync and SyncDirectory. A failing Write has written a prefix.
  void FailWrite(Fault fault, uint64_t skip = 0);
  void FailSync(Fault fault, uint64_t skip = 0);
  // As if the process vanished before the n-th sync or write from now: that one and all later calls fail until Crash,
  // and change nothing.
  void StopAfterSyncs(uint64_t n);
  void StopAfterWrites(uint64_t n);
  // The faults not yet met are forgotten.
  void ClearFaults();
  // Bytes that all files together may take; growth beyond fails with ResourceExhausted. kUnlimited to begin with.
  void SetCapacity(uint64_t bytes) { capacity_ = bytes; }
  uint64_t used_bytes() const;

  // Rot: the bit changes on the disk and in the cache. The file must exist and be that long.
  void FlipBit(const std::string& path, uint64_t byte, int bit);
  // The sector of this byte cannot be read (DataLoss) until it is written again.
  void BreakSector(const std::string& path, uint64_t byte);
  // For tests that change or compare bytes: as reads see them now. Put is durable at once and creates the file if
  // missing.
  std::string Contents(const std::string& path) const;
  void Put(const std::string& path, const std::string& bytes);
  // Paths of all files whose path begins with `prefix`, sorted.
  std::vector<std::string> Files(const std::string& prefix = "") const;
  uint64_t syncs() const { return syncs_; }
  uint64_t writes() const { return writes_; }

  absl::StatusOr<std::unique_ptr<storage::File>> Open(const std::string& path, storage::OpenMode mode) override;
  // Directories are renamed durably at once, with all they hold.
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status Remove(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& directory) override;
  bool Exists(const std::string& path) override;
  bool IsDirectory(const std::string& path) override { return directories_.contains(path); }
  // Durable at once, as PosixFileSystem makes it.
  absl::Status CreateDirectories(const std::string& path) override;
  absl::Status SyncDirectory(const std::string& path) override;
  absl::StatusOr<uint64_t> FreeSpace(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<storage::FileLock>> Lock(const std::string& path) override;

 private:
  friend class SimFile;
  friend class SimLock;
  struct Inode;
  using Names = std::map<std::string, std::shared_ptr<Inode>>;
  // One change of a directory not yet synced.
  struct NameChange {
    std::string removed;           // path, or empty
    std::string added;             // path, or empty
    std::shared_ptr<Inode> inode;  // of `added`
  };
  struct Countdown {
    std::optional<uint64_t> left;
    Fault fault = Fault::kIo;
    bool stop = false;  // the process is gone from here on
  };

  // Counts one call down; the error it is to fail with, if any.
  absl::Status Hit(Countdown* countdown, const std::string& path);
  absl::Status Reserve(uint64_t bytes, const std::string& path) const;
  void CrashInode(Inode* inode, Random* random, CrashKind kind);
  static void Apply(const NameChange& change, Names* names);

  Names names_;  // as the process sees them
  Names durable_;
  std::map<std::string, std::vector<NameChange>> changes_;  // by directory
  std::set<std::string> directories_;
  std::map<std::string, uint64_t> locks_;  // path to the epoch in which it was taken
  uint64_t epoch_ = 1;                     // of the process; handles of an older one are stale
  bool stopped_ = false;
  Countdown write_fault_;
  Countdown sync_fault_;
  uint64_t capacity_ = kUnlimited;
  uint64_t syncs_ = 0;
  uint64_t writes_ = 0;
};

}  // namespace synod::sim

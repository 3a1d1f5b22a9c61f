// All contact of the durable log with the operating system passes these classes, so that the simulator can run the very
// same log over a disk that tears, drops and flips (D2). PosixFileSystem is the real one, sim::SimDisk the other.
//
// Errors, everywhere, with the path in the message: NotFound (no such file or directory), AlreadyExists,
// ResourceExhausted (no space or quota left), DataLoss (the device reported an I/O error), PermissionDenied,
// FailedPrecondition (a lock is held elsewhere), Internal (anything else).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace synod::storage {

// Debian's absl::string_view is a type of its own; StrCat takes only that one.
inline absl::string_view Sv(std::string_view s) { return {s.data(), s.size()}; }

// One open file. Closed by the destructor. Sync may run on another thread beside the other calls; those come from one
// thread at a time.
class File {
 public:
  virtual ~File() = default;
  // Writes the parts one behind the other at `offset`, in one system call when the kernel takes it whole. Not durable.
  // On an error any part of the bytes may have been written.
  virtual absl::Status Write(uint64_t offset, absl::Span<const std::string_view> parts) = 0;
  absl::Status WriteAt(uint64_t offset, std::string_view bytes) {
    return Write(offset, absl::MakeConstSpan(&bytes, 1));
  }
  // Reads up to `n` bytes into `out`; fewer only at the end of the file. Returns how many.
  virtual absl::StatusOr<size_t> Read(uint64_t offset, size_t n, char* out) = 0;
  // Makes what was written before the call durable, with the size (fdatasync). The directory entry is another matter.
  // After an error nothing is known about what reached the disk, and a second try proves nothing (D12).
  virtual absl::Status Sync() = 0;
  // The file has at least `bytes` bytes and the disk blocks for them; new ones read as zeros.
  virtual absl::Status Preallocate(uint64_t bytes) = 0;
  virtual absl::Status Truncate(uint64_t bytes) = 0;
  virtual absl::StatusOr<uint64_t> Size() = 0;
  // Asks the kernel to forget clean cached pages, so that the next read comes from the device: after a failed sync the
  // cache may show bytes that never reached it. Best effort.
  virtual void DropCache() = 0;
};

// Held until destroyed, and released by the kernel when the process dies.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

enum class OpenMode : uint8_t {
  kRead,    // must exist
  kWrite,   // must exist; reads and writes
  kCreate,  // created, or emptied if it exists; reads and writes
};

// Any thread. Paths are plain strings with '/'.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) = 0;
  // Replaces `to` atomically if it exists. Durable after SyncDirectory of the directory.
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;
  virtual absl::Status Remove(const std::string& path) = 0;
  // Names (not paths) of the entries of a directory, sorted, without "." and "..".
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& directory) = 0;
  virtual bool Exists(const std::string& path) = 0;
  virtual bool IsDirectory(const std::string& path) = 0;
  // Creates the directory and its missing parents. OK if it is there.
  virtual absl::Status CreateDirectories(const std::string& path) = 0;
  // Makes creations, renames and removals in the directory durable.
  virtual absl::Status SyncDirectory(const std::string& path) = 0;
  // Bytes that this process may still allocate on the file system of `path`.
  virtual absl::StatusOr<uint64_t> FreeSpace(const std::string& path) = 0;
  // Takes the exclusive lock file at `path`, created if missing. FailedPrecondition if another holder has it.
  virtual absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) = 0;
};

// Everything in the file. A block the device cannot read (DataLoss) comes back as zeros: whoever parses the bytes finds
// the damage.
absl::StatusOr<std::string> ReadWhole(File* file);
// The same into `out`, whose memory serves again: that of a large file costs as much to get as the file to read.
absl::Status ReadWhole(File* file, std::string* out);
// The directory part of a path ("." if none).
std::string DirectoryOf(const std::string& path);

}  // namespace synod::storage

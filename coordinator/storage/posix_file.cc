#include "coordinator/storage/posix_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "coordinator/base/status_macros.h"

namespace synod::storage {
namespace {

absl::Status ErrnoStatus(int error, std::string_view what, const std::string& path) {
  std::string text = absl::StrCat(Sv(what), " ", path, ": ", std::strerror(error));
  switch (error) {
    case ENOENT:
      return absl::NotFoundError(text);
    case EEXIST:
      return absl::AlreadyExistsError(text);
    case ENOSPC:
    case EDQUOT:
      return absl::ResourceExhaustedError(text);
    case EIO:
      return absl::DataLossError(text);
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(text);
    default:
      return absl::InternalError(text);
  }
}

// Repeats an interrupted system call.
template <typename Call>
auto Retry(Call call) {
  auto r = call();
  while (r < 0 && errno == EINTR) r = call();
  return r;
}

class PosixFile : public File {
 public:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~PosixFile() override { close(fd_); }

  absl::Status Write(uint64_t offset, absl::Span<const std::string_view> parts) override {
    constexpr size_t kVectors = 64;
    iovec vectors[kVectors];
    size_t part = 0;
    size_t skip = 0;  // bytes of parts[part] already written
    while (part < parts.size()) {
      size_t n = 0;
      for (size_t i = part; i < parts.size() && n < kVectors; ++i, ++n) {
        size_t from = i == part ? skip : 0;
        vectors[n] = {const_cast<char*>(parts[i].data()) + from, parts[i].size() - from};
      }
      ssize_t written = Retry([&] { return pwritev(fd_, vectors, static_cast<int>(n), static_cast<off_t>(offset)); });
      if (written < 0) return ErrnoStatus(errno, "write", path_);
      offset += static_cast<uint64_t>(written);
      size_t left = static_cast<size_t>(written);
      bool moved = written > 0;
      while (part < parts.size() && left >= parts[part].size() - skip) {
        left -= parts[part].size() - skip;
        skip = 0;
        ++part;
        moved = true;
      }
      skip += left;
      if (!moved) return ErrnoStatus(ENOSPC, "write nothing to", path_);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<size_t> Read(uint64_t offset, size_t n, char* out) override {
    size_t got = 0;
    while (got < n) {
      ssize_t r = Retry([&] { return pread(fd_, out + got, n - got, static_cast<off_t>(offset + got)); });
      if (r < 0) return ErrnoStatus(errno, "read", path_);
      if (r == 0) break;
      got += static_cast<size_t>(r);
    }
    return got;
  }

  absl::Status Sync() override {
    if (Retry([&] { return fdatasync(fd_); }) != 0) return ErrnoStatus(errno, "sync", path_);
    return absl::OkStatus();
  }

  absl::Status Preallocate(uint64_t bytes) override {
    // posix_fallocate returns the error instead of setting errno, and falls back to writing where the file system lacks
    // the call.
    int error;
    do {
      error = posix_fallocate(fd_, 0, static_cast<off_t>(bytes));
    } while (error == EINTR);
    if (error != 0) return ErrnoStatus(error, "preallocate", path_);
    return absl::OkStatus();
  }

  absl::Status Truncate(uint64_t bytes) override {
    if (Retry([&] { return ftruncate(fd_, static_cast<off_t>(bytes)); }) != 0)
      return ErrnoStatus(errno, "truncate", path_);
    return absl::OkStatus();
  }

  absl::StatusOr<uint64_t> Size() override {
    struct stat s;
    if (fstat(fd_, &s) != 0) return ErrnoStatus(errno, "stat", path_);
    return static_cast<uint64_t>(s.st_size);
  }

  void DropCache() override { (void)posix_fadvise(fd_, 0, 0, POSIX_FADV_DONTNEED); }

 private:
  const int fd_;
  const std::string path_;
};

class PosixLock : public FileLock {
 public:
  explicit PosixLock(int fd) : fd_(fd) {}
  ~PosixLock() override { close(fd_); }

 private:
  const int fd_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<File>> PosixFileSystem::Open(const std::string& path, OpenMode mode) {
  int flags = O_CLOEXEC;
  if (mode == OpenMode::kRead) flags |= O_RDONLY;
  if (mode == OpenMode::kWrite) flags |= O_RDWR;
  if (mode == OpenMode::kCreate) flags |= O_RDWR | O_CREAT | O_TRUNC;
  int fd = Retry([&] { return open(path.c_str(), flags, 0640); });
  if (fd < 0) return ErrnoStatus(errno, "open", path);
  return std::make_unique<PosixFile>(fd, path);
}

absl::Status PosixFileSystem::Rename(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) != 0)
    return ErrnoStatus(errno, absl::StrCat("rename to ", to, " of").c_str(), from);
  return absl::OkStatus();
}

absl::Status PosixFileSystem::Remove(const std::string& path) {
  if (unlink(path.c_str()) != 0) return ErrnoStatus(errno, "remove", path);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> PosixFileSystem::List(const std::string& directory) {
  DIR* dir = opendir(directory.c_str());
  if (dir == nullptr) return ErrnoStatus(errno, "list", directory);
  std::vector<std::string> names;
  errno = 0;
  while (dirent* entry = readdir(dir)) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(std::move(name));
    errno = 0;
  }
  int error = errno;
  closedir(dir);
  if (error != 0) return ErrnoStatus(error, "list", directory);
  std::sort(names.begin(), names.end());
  return names;
}

bool PosixFileSystem::Exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

bool PosixFileSystem::IsDirectory(const std::string& path) {
  struct stat s;
  return stat(path.c_str(), &s) == 0 && S_ISDIR(s.st_mode);
}

absl::Status PosixFileSystem::CreateDirectories(const std::string& path) {
  if (IsDirectory(path)) return absl::OkStatus();
  std::string parent = DirectoryOf(path);
  if (parent != path && !IsDirectory(parent)) SYNOD_RETURN_IF_ERROR(CreateDirectories(parent));
  if (mkdir(path.c_str(), 0750) != 0 && !(errno == EEXIST && IsDirectory(path))) {
    return ErrnoStatus(errno, "create directory", path);
  }
  return SyncDirectory(parent);
}

absl::Status PosixFileSystem::SyncDirectory(const std::string& path) {
  int fd = Retry([&] { return open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (fd < 0) return ErrnoStatus(errno, "open directory", path);
  int result = Retry([&] { return fsync(fd); });
  int error = errno;
  close(fd);
  if (result != 0) return ErrnoStatus(error, "sync directory", path);
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> PosixFileSystem::FreeSpace(const std::string& path) {
  struct statvfs s;
  if (Retry([&] { return statvfs(path.c_str(), &s); }) != 0) return ErrnoStatus(errno, "free space of", path);
  return static_cast<uint64_t>(s.f_bavail) * s.f_frsize;
}

absl::StatusOr<std::unique_ptr<FileLock>> PosixFileSystem::Lock(const std::string& path) {
  int fd = Retry([&] { return open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640); });
  if (fd < 0) return ErrnoStatus(errno, "open lock", path);
  if (Retry([&] { return flock(fd, LOCK_EX | LOCK_NB); }) != 0) {
    int error = errno;
    close(fd);
    if (error == EWOULDBLOCK) return absl::FailedPreconditionError(absl::StrCat(path, " is locked by another process"));
    return ErrnoStatus(error, "lock", path);
  }
  return std::make_unique<PosixLock>(fd);
}

}  // namespace synod::storage

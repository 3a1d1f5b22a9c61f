#include "tests/support/fault_file_system.h"

#include <rocksdb/env.h>

#include <algorithm>
#include <cstdarg>
#include <cstring>
#include <utility>

namespace synod::sim {

using rocksdb::FSDirectory;
using rocksdb::FSRandomAccessFile;
using rocksdb::FSSequentialFile;
using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

namespace {

IOStatus Dead() { return IOStatus::IOError("power is off"); }
IOStatus Missing(const std::string& path) { return IOStatus::PathNotFound(path); }

// RocksDB asks for folders with and without a slash behind.
std::string Clean(const std::string& path) {
  std::string out;
  for (char c : path) {
    if (c != '/' || out.empty() || out.back() != '/') out.push_back(c);
  }
  if (!out.empty() && out.back() == '/') out.pop_back();
  return out;
}

class NamedLock : public rocksdb::FileLock {
 public:
  explicit NamedLock(std::string path) : path(std::move(path)) {}
  const std::string path;
};

class NoLog : public rocksdb::Logger {
 public:
  using Logger::Logv;
  void Logv(const char*, va_list) override {}
  size_t GetLogFileSize() const override { return 0; }
};

}  // namespace

// An open file of any kind.
class FaultFile : public FSSequentialFile, public FSRandomAccessFile, public FSWritableFile {
 public:
  FaultFile(FaultFileSystem* owner, std::shared_ptr<FaultFileSystem::Inode> inode)
      : owner_(owner), inode_(std::move(inode)), boot_(owner->boot_) {}

  IOStatus Read(size_t n, const IOOptions&, Slice* result, char* scratch, IODebugContext*) override {
    std::lock_guard lock(owner_->mutex_);
    if (IOStatus alive = Alive(); !alive.ok()) return alive;
    if (inode_->unreadable) return IOStatus::IOError("bad sector");
    *result = Copy(position_, n, scratch);
    position_ += result->size();
    return IOStatus::OK();
  }
  IOStatus Skip(uint64_t n) override {
    position_ += n;
    return IOStatus::OK();
  }
  IOStatus Read(uint64_t offset, size_t n, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) const override {
    std::lock_guard lock(owner_->mutex_);
    if (IOStatus alive = Alive(); !alive.ok()) return alive;
    if (inode_->unreadable) return IOStatus::IOError("bad sector");
    *result = Copy(offset, n, scratch);
    return IOStatus::OK();
  }
  using FSWritableFile::Append;
  IOStatus Append(const Slice& data, const IOOptions&, IODebugContext*) override {
    std::lock_guard lock(owner_->mutex_);
    if (IOStatus alive = Alive(); !alive.ok()) return alive;
    IOStatus begun = owner_->Begin(FaultFileSystem::Operation::kAppend);
    // Half of a write that fails is there, as in life.
    inode_->data.append(data.data(), begun.ok() ? data.size() : data.size() / 2);
    return begun;
  }
  IOStatus Truncate(uint64_t size, const IOOptions&, IODebugContext*) override {
    std::lock_guard lock(owner_->mutex_);
    if (IOStatus alive = Alive(); !alive.ok()) return alive;
    inode_->data.resize(size);
    inode_->synced = std::min<size_t>(inode_->synced, size);
    return IOStatus::OK();
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    std::lock_guard lock(owner_->mutex_);
    if (IOStatus alive = Alive(); !alive.ok()) return alive;
    if (IOStatus begun = owner_->Begin(FaultFileSystem::Operation::kSync); !begun.ok()) return begun;
    inode_->synced = inode_->data.size();
    return IOStatus::OK();
  }
  uint64_t GetFileSize(const IOOptions&, IODebugContext*) override {
    std::lock_guard lock(owner_->mutex_);
    return inode_->data.size();
  }
  bool use_direct_io() const override { return false; }
  size_t GetRequiredBufferAlignment() const override { return rocksdb::kDefaultPageSize; }
  IOStatus InvalidateCache(size_t, size_t) override { return IOStatus::OK(); }
  size_t GetUniqueId(char*, size_t) const override { return 0; }

 private:
  IOStatus Alive() const { return boot_ != owner_->boot_ ? Dead() : owner_->Alive(); }
  Slice Copy(uint64_t offset, size_t n, char* scratch) const {
    const std::string& data = inode_->data;
    size_t count = offset >= data.size() ? 0 : std::min<size_t>(n, data.size() - offset);
    if (count > 0) std::memcpy(scratch, data.data() + offset, count);
    return Slice(scratch, count);
  }

  FaultFileSystem* const owner_;
  const std::shared_ptr<FaultFileSystem::Inode> inode_;
  const uint64_t boot_;
  uint64_t position_ = 0;
};

class FaultDirectory : public FSDirectory {
 public:
  FaultDirectory(FaultFileSystem* owner, std::string path)
      : owner_(owner), path_(std::move(path)), boot_(owner->boot_) {}
  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    std::lock_guard lock(owner_->mutex_);
    if (boot_ != owner_->boot_) return Dead();
    if (IOStatus begun = owner_->Begin(FaultFileSystem::Operation::kSync); !begun.ok()) return begun;
    auto folder = owner_->folders_.find(path_);
    if (folder == owner_->folders_.end()) return Missing(path_);
    folder->second.durable = folder->second.now;
    folder->second.since.clear();
    return IOStatus::OK();
  }

 private:
  FaultFileSystem* const owner_;
  const std::string path_;
  const uint64_t boot_;
};

void FaultFileSystem::Arm(Fault fault, uint64_t operations) {
  std::lock_guard lock(mutex_);
  fault_ = fault;
  countdown_ = operations;
  fired_ = false;
}

bool FaultFileSystem::fired() const {
  std::lock_guard lock(mutex_);
  return fired_;
}

IOStatus FaultFileSystem::Alive() const { return dead_ ? Dead() : IOStatus::OK(); }

IOStatus FaultFileSystem::Begin(Operation operation) {
  if (dead_) return Dead();
  bool counts = false;
  switch (fault_) {
    case Fault::kNone:
      break;
    case Fault::kPowerCut:
      counts = true;
      break;
    case Fault::kWriteOnce:
    case Fault::kSpaceOnce:
      counts = operation == Operation::kAppend;
      break;
    case Fault::kSyncOnce:
      counts = operation == Operation::kSync;
      break;
  }
  if (!counts || countdown_-- > 0) return IOStatus::OK();
  Fault fault = std::exchange(fault_, Fault::kNone);
  fired_ = true;
  if (fault == Fault::kSpaceOnce) return IOStatus::NoSpace("the disk is full");
  if (fault == Fault::kPowerCut) dead_ = true;
  return fault == Fault::kPowerCut ? Dead() : IOStatus::IOError("injected");
}

void FaultFileSystem::Restart(Random* random) {
  std::lock_guard lock(mutex_);
  for (auto& [path, folder] : folders_) {
    Entries kept = folder.durable;
    if (random != nullptr && !folder.since.empty()) {
      uint64_t survived = random->Below(folder.since.size() + 1);
      if (survived > 0) kept = folder.since[survived - 1];
    }
    folder.since.clear();
    folder.now = folder.durable = kept;
  }
  // Folders whose name was lost, or whose contents came back without them.
  std::erase_if(folders_, [this](const auto& item) {
    if (item.first.empty()) return false;
    size_t slash = item.first.rfind('/');
    auto parent = folders_.find(item.first.substr(0, slash));
    return parent == folders_.end() || !parent->second.now.contains(item.first.substr(slash + 1));
  });
  for (auto& [path, folder] : folders_) {
    for (auto& [name, inode] : folder.now) {
      if (inode == nullptr) {
        folders_.try_emplace(path + "/" + name);
        continue;
      }
      size_t tail = inode->data.size() - inode->synced;
      size_t keep = random == nullptr ? 0 : random->Below(tail + 1);
      inode->data.resize(inode->synced + keep);
      if (keep > 0 && random->OneIn(3)) inode->data[inode->synced + random->Below(keep)] ^= 0x55;  // torn
      inode->synced = inode->data.size();
    }
  }
  locks_.clear();
  fault_ = Fault::kNone;
  dead_ = false;
  ++boot_;
}

std::vector<std::string> FaultFileSystem::Files() const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> files;
  for (const auto& [path, folder] : folders_) {
    for (const auto& [name, inode] : folder.now) {
      if (inode != nullptr) files.push_back(path + "/" + name);
    }
  }
  return files;
}

size_t FaultFileSystem::Size(const std::string& path) const {
  std::lock_guard lock(mutex_);
  return const_cast<FaultFileSystem*>(this)->Find(path)->data.size();
}

void FaultFileSystem::FlipBit(const std::string& path, size_t byte, int bit) {
  std::lock_guard lock(mutex_);
  Find(path)->data[byte] ^= static_cast<char>(1 << bit);
}

void FaultFileSystem::MakeUnreadable(const std::string& path) {
  std::lock_guard lock(mutex_);
  Find(path)->unreadable = true;
}

std::shared_ptr<FaultFileSystem> FaultFileSystem::Clone() const {
  auto clone = std::make_shared<FaultFileSystem>();
  std::lock_guard lock(mutex_);
  std::map<Inode*, std::shared_ptr<Inode>> copies;  // hard links stay links
  auto copy = [&copies](const Entries& entries) {
    Entries out;
    for (const auto& [name, inode] : entries) {
      if (inode == nullptr) {
        out[name] = nullptr;
        continue;
      }
      std::shared_ptr<Inode>& made = copies[inode.get()];
      if (made == nullptr) made = std::make_shared<Inode>(*inode);
      out[name] = made;
    }
    return out;
  };
  clone->folders_.clear();
  for (const auto& [path, folder] : folders_)
    clone->folders_[path] = Folder{copy(folder.now), copy(folder.durable), {}};
  return clone;
}

FaultFileSystem::Folder* FaultFileSystem::FolderOf(const std::string& raw, std::string* name) {
  const std::string path = Clean(raw);
  size_t slash = path.rfind('/');
  if (slash == std::string::npos) return nullptr;
  *name = path.substr(slash + 1);
  auto folder = folders_.find(path.substr(0, slash));
  return folder == folders_.end() ? nullptr : &folder->second;
}

std::shared_ptr<FaultFileSystem::Inode> FaultFileSystem::Find(const std::string& path) {
  std::string name;
  Folder* folder = FolderOf(path, &name);
  if (folder == nullptr) return nullptr;
  auto entry = folder->now.find(name);
  return entry == folder->now.end() ? nullptr : entry->second;
}

IOStatus FaultFileSystem::Link(const std::string& path, std::shared_ptr<Inode> inode) {
  if (IOStatus begun = Begin(Operation::kName); !begun.ok()) return begun;
  std::string name;
  Folder* folder = FolderOf(path, &name);
  if (folder == nullptr) return Missing(path);
  folder->now[name] = std::move(inode);
  folder->Changed();
  return IOStatus::OK();
}

void FaultFileSystem::Unlink(const std::string& path) {
  std::string name;
  Folder* folder = FolderOf(path, &name);
  folder->now.erase(name);
  folder->Changed();
}

IOStatus FaultFileSystem::NewSequentialFile(const std::string& path, const FileOptions&,
                                            std::unique_ptr<FSSequentialFile>* result, Debug*) {
  std::lock_guard lock(mutex_);
  if (dead_) return Dead();
  std::shared_ptr<Inode> inode = Find(path);
  if (inode == nullptr) return Missing(path);
  *result = std::make_unique<FaultFile>(this, std::move(inode));
  return IOStatus::OK();
}

IOStatus FaultFileSystem::NewRandomAccessFile(const std::string& path, const FileOptions&,
                                              std::unique_ptr<FSRandomAccessFile>* result, Debug*) {
  std::lock_guard lock(mutex_);
  if (dead_) return Dead();
  std::shared_ptr<Inode> inode = Find(path);
  if (inode == nullptr) return Missing(path);
  *result = std::make_unique<FaultFile>(this, std::move(inode));
  return IOStatus::OK();
}

IOStatus FaultFileSystem::NewWritableFile(const std::string& path, const FileOptions&,
                                          std::unique_ptr<FSWritableFile>* result, Debug*) {
  std::lock_guard lock(mutex_);
  auto inode = std::make_shared<Inode>();
  if (IOStatus linked = Link(path, inode); !linked.ok()) return linked;
  *result = std::make_unique<FaultFile>(this, std::move(inode));
  return IOStatus::OK();
}

IOStatus FaultFileSystem::ReopenWritableFile(const std::string& path, const FileOptions& options,
                                             std::unique_ptr<FSWritableFile>* result, Debug* debug) {
  {
    std::lock_guard lock(mutex_);
    if (dead_) return Dead();
    if (std::shared_ptr<Inode> inode = Find(path)) {
      *result = std::make_unique<FaultFile>(this, std::move(inode));
      return IOStatus::OK();
    }
  }
  return NewWritableFile(path, options, result, debug);
}

IOStatus FaultFileSystem::NewDirectory(const std::string& raw, const IOOptions&, std::unique_ptr<FSDirectory>* result,
                                       Debug*) {
  const std::string path = Clean(raw);
  std::lock_guard lock(mutex_);
  if (dead_) return Dead();
  if (!folders_.contains(path)) return Missing(path);
  *result = std::make_unique<FaultDirectory>(this, path);
  return IOStatus::OK();
}

IOStatus FaultFileSystem::FileExists(const std::string& raw, const IOOptions&, Debug*) {
  const std::string path = Clean(raw);
  std::lock_guard lock(mutex_);
  if (dead_) return Dead();
  return Find(path) != nullptr || folders_.contains(path) ? IOStatus::OK() : IOStatus::NotFound(path);
}

IOStatus FaultFileSystem::GetChildren(const std::string& raw, const IOOptions&, std::vector<std::string>* result,
                                      Debug*) {
  const std::string path = Clean(raw);
  std::lock_guard lock(mutex_);
  if (dead_) return Dead();
  result->clear();
  auto folder = folders_.find(path);
  if (folder == folders_.end()) return IOStatus::NotFound(path);
  for (const auto& [name, inode] : folder->second.now) result->push_back(name);
  return IOStatus::OK();
}

IOStatus FaultFileSystem::DeleteFile(const std::string& path, const IOOptions&, Debug*) {
  std::lock_guard lock(mutex_);
  if (Find(path) == nullptr) return dead_ ? Dead() : Missing(path);
  if (IOStatus begun = Begin(Operation::kName); !begun.ok()) return begun;
  Unlink(path);
  return IOStatus::OK();
}

IOStatus FaultFileSystem::CreateDir(const std::string& raw, const IOOptions&, Debug*) {
  const std::string path = Clean(raw);
  std::lock_guard lock(mutex_);
  if (folders_.contains(path)) return IOStatus::IOError("exists");
  if (IOStatus linked = Link(path, nullptr); !linked.ok()) return linked;
  folders_[path];
  return IOStatus::OK();
}

IOStatus FaultFileSystem::CreateDirIfMissing(const std::string& raw, const IOOptions& options, Debug* debug) {
  const std::string path = Clean(raw);
  {
    std::lock_guard lock(mutex_);
    if (dead_) return Dead();
    if (folders_.contains(path)) return IOStatus::OK();
  }
  return CreateDir(path, options, debug);
}

IOStatus FaultFileSystem::DeleteDir(const std::string& raw, const IOOptions&, Debug*) {
  const std::string path = Clean(raw);
  std::lock_guard lock(mutex_);
  auto folder = folders_.find(path);
  if (folder == folders_.end()) return dead_ ? Dead() : Missing(path);
  if (!folder->second.now.empty()) return IOStatus::IOError("not empty");
  if (IOStatus begun = Begin(Operation::kName); !begun.ok()) return begun;
  Unlink(path);
  folders_.erase(folder);
  return IOStatus::OK();
}

IOStatus FaultFileSystem::GetFileSize(const std::string& path, const IOOptions&, uint64_t* size, Debug*) {
  std::lock_guard lock(mutex_);
  if (dead_) return Dead();
  std::shared_ptr<Inode> inode = Find(path);
  if (inode == nullptr) return Missing(path);
  *size = inode->data.size();
  return IOStatus::OK();
}

IOStatus FaultFileSystem::GetFileModificationTime(const std::string&, const IOOptions&, uint64_t* time, Debug*) {
  *time = 0;
  return IOStatus::OK();
}

IOStatus FaultFileSystem::RenameFile(const std::string& from, const std::string& to, const IOOptions&, Debug*) {
  std::lock_guard lock(mutex_);
  std::shared_ptr<Inode> inode = Find(from);
  if (inode == nullptr) return dead_ ? Dead() : Missing(from);
  if (IOStatus begun = Begin(Operation::kName); !begun.ok()) return begun;
  std::string old_name;
  std::string new_name;
  Folder* source = FolderOf(from, &old_name);
  Folder* target = FolderOf(to, &new_name);
  if (target == nullptr) return Missing(to);
  source->now.erase(old_name);
  target->now[new_name] = std::move(inode);
  target->Changed();
  if (source != target) source->Changed();
  return IOStatus::OK();
}

IOStatus FaultFileSystem::LinkFile(const std::string& from, const std::string& to, const IOOptions&, Debug*) {
  std::lock_guard lock(mutex_);
  std::shared_ptr<Inode> inode = Find(from);
  if (inode == nullptr) return dead_ ? Dead() : Missing(from);
  return Link(to, std::move(inode));
}

IOStatus FaultFileSystem::LockFile(const std::string& path, const IOOptions&, rocksdb::FileLock** lock, Debug*) {
  std::lock_guard guard(mutex_);
  if (dead_) return Dead();
  if (!locks_.insert(path).second) return IOStatus::IOError("locked");
  if (Find(path) == nullptr) {
    if (IOStatus linked = Link(path, std::make_shared<Inode>()); !linked.ok()) return linked;
  }
  *lock = new NamedLock(path);
  return IOStatus::OK();
}

IOStatus FaultFileSystem::UnlockFile(rocksdb::FileLock* lock, const IOOptions&, Debug*) {
  std::lock_guard guard(mutex_);
  std::unique_ptr<NamedLock> named(static_cast<NamedLock*>(lock));
  locks_.erase(named->path);
  return IOStatus::OK();
}

IOStatus FaultFileSystem::GetTestDirectory(const IOOptions&, std::string* path, Debug*) {
  *path = "/test";
  return IOStatus::OK();
}

IOStatus FaultFileSystem::NewLogger(const std::string&, const IOOptions&, std::shared_ptr<rocksdb::Logger>* log,
                                    Debug*) {
  *log = std::make_shared<NoLog>();
  return IOStatus::OK();
}

IOStatus FaultFileSystem::GetAbsolutePath(const std::string& path, const IOOptions&, std::string* out, Debug*) {
  *out = path;
  return IOStatus::OK();
}

IOStatus FaultFileSystem::IsDirectory(const std::string& raw, const IOOptions&, bool* is_directory, Debug*) {
  const std::string path = Clean(raw);
  std::lock_guard lock(mutex_);
  if (dead_) return Dead();
  *is_directory = folders_.contains(path);
  return IOStatus::OK();
}

}  // namespace synod::sim

#include "tests/support/sim_file.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "coordinator/base/check.h"
#include "coordinator/base/status_macros.h"

namespace synod::sim {

using storage::DirectoryOf;
using storage::OpenMode;

struct SimDisk::Inode {
  std::string data;  // the page cache
  std::string durable;
  // Versions of each sector since the last sync, oldest first; the durable one is not among them.
  std::map<uint64_t, std::vector<std::string>> dirty;
  std::set<uint64_t> broken;  // sectors that cannot be read

  std::string Sector(uint64_t sector) const {
    std::string out = data.substr(std::min<uint64_t>(sector * kSectorBytes, data.size()), kSectorBytes);
    out.resize(kSectorBytes, '\0');
    return out;
  }
  void Put(uint64_t offset, std::string_view bytes) {
    if (bytes.empty()) return;
    if (data.size() < offset + bytes.size()) data.resize(offset + bytes.size(), '\0');
    std::memcpy(data.data() + offset, bytes.data(), bytes.size());
    for (uint64_t s = offset / kSectorBytes; s <= (offset + bytes.size() - 1) / kSectorBytes; ++s) {
      constexpr size_t kVersions = 4;
      std::vector<std::string>& versions = dirty[s];
      if (versions.size() == kVersions) versions.erase(versions.begin());
      versions.push_back(Sector(s));
      broken.erase(s);
    }
  }
};

class SimFile : public storage::File {
 public:
  SimFile(SimDisk* disk, std::shared_ptr<SimDisk::Inode> inode, std::string path)
      : disk_(disk), inode_(std::move(inode)), path_(std::move(path)), epoch_(disk->epoch_) {}

  absl::Status Write(uint64_t offset, absl::Span<const std::string_view> parts) override {
    SYNOD_RETURN_IF_ERROR(Alive());
    ++disk_->writes_;
    absl::Status fault = disk_->Hit(&disk_->write_fault_, path_);
    std::string bytes;
    for (std::string_view part : parts) bytes.append(part);
    if (!fault.ok()) {
      if (!disk_->stopped_) inode_->Put(offset, std::string_view(bytes).substr(0, bytes.size() / 2));
      return fault;
    }
    uint64_t end = offset + bytes.size();
    if (end > inode_->data.size()) SYNOD_RETURN_IF_ERROR(disk_->Reserve(end - inode_->data.size(), path_));
    inode_->Put(offset, bytes);
    return absl::OkStatus();
  }

  absl::StatusOr<size_t> Read(uint64_t offset, size_t n, char* out) override {
    SYNOD_RETURN_IF_ERROR(Alive());
    if (offset >= inode_->data.size()) return size_t{0};
    n = std::min<uint64_t>(n, inode_->data.size() - offset);
    for (uint64_t sector : inode_->broken) {
      if (n != 0 && sector >= offset / kSectorBytes && sector <= (offset + n - 1) / kSectorBytes) {
        return absl::DataLossError(absl::StrCat("read ", path_, ": Input/output error"));
      }
    }
    std::memcpy(out, inode_->data.data() + offset, n);
    return n;
  }

  absl::Status Sync() override {
    SYNOD_RETURN_IF_ERROR(Alive());
    ++disk_->syncs_;
    absl::Status fault = disk_->Hit(&disk_->sync_fault_, path_);
    if (disk_->stopped_) return fault;
    if (fault.ok()) {
      inode_->durable.resize(inode_->data.size(), '\0');
      for (const auto& [sector, versions] : inode_->dirty) {
        uint64_t at = sector * kSectorBytes;
        if (at >= inode_->data.size()) continue;
        std::memcpy(inode_->durable.data() + at, inode_->data.data() + at,
                    std::min(kSectorBytes, inode_->data.size() - at));
      }
    }
    inode_->dirty.clear();
    return fault;
  }

  absl::Status Preallocate(uint64_t bytes) override {
    SYNOD_RETURN_IF_ERROR(Alive());
    ++disk_->writes_;
    SYNOD_RETURN_IF_ERROR(disk_->Hit(&disk_->write_fault_, path_));
    if (bytes <= inode_->data.size()) return absl::OkStatus();
    SYNOD_RETURN_IF_ERROR(disk_->Reserve(bytes - inode_->data.size(), path_));
    inode_->data.resize(bytes, '\0');
    return absl::OkStatus();
  }

  absl::Status Truncate(uint64_t bytes) override {
    SYNOD_RETURN_IF_ERROR(Alive());
    ++disk_->writes_;
    SYNOD_RETURN_IF_ERROR(disk_->Hit(&disk_->write_fault_, path_));
    if (bytes > inode_->data.size()) SYNOD_RETURN_IF_ERROR(disk_->Reserve(bytes - inode_->data.size(), path_));
    inode_->data.resize(bytes, '\0');
    return absl::OkStatus();
  }

  absl::StatusOr<uint64_t> Size() override {
    SYNOD_RETURN_IF_ERROR(Alive());
    return inode_->data.size();
  }

  void DropCache() override {}

 private:
  absl::Status Alive() const {
    if (epoch_ != disk_->epoch_) return absl::FailedPreconditionError(absl::StrCat(path_, ": opened before the crash"));
    if (disk_->stopped_) return absl::FailedPreconditionError(absl::StrCat(path_, ": the process is gone"));
    return absl::OkStatus();
  }

  SimDisk* const disk_;
  const std::shared_ptr<SimDisk::Inode> inode_;
  const std::string path_;
  const uint64_t epoch_;
};

class SimLock : public storage::FileLock {
 public:
  SimLock(SimDisk* disk, std::string path) : disk_(disk), path_(std::move(path)), epoch_(disk->epoch_) {}
  ~SimLock() override {
    if (epoch_ == disk_->epoch_) disk_->locks_.erase(path_);
  }

 private:
  SimDisk* const disk_;
  const std::string path_;
  const uint64_t epoch_;
};

SimDisk::SimDisk() { directories_ = {"/", "."}; }
SimDisk::~SimDisk() = default;

absl::Status SimDisk::Hit(Countdown* countdown, const std::string& path) {
  if (stopped_) return absl::FailedPreconditionError(absl::StrCat(path, ": the process is gone"));
  if (!countdown->left) return absl::OkStatus();
  if (*countdown->left > 0) {
    --*countdown->left;
    return absl::OkStatus();
  }
  countdown->left.reset();
  if (countdown->stop) {
    stopped_ = true;
    return absl::FailedPreconditionError(absl::StrCat(path, ": the process is gone"));
  }
  if (countdown->fault == Fault::kNoSpace)
    return absl::ResourceExhaustedError(absl::StrCat(path, ": No space left on device"));
  return absl::DataLossError(absl::StrCat(path, ": Input/output error"));
}

void SimDisk::FailWrite(Fault fault, uint64_t skip) { write_fault_ = {skip, fault, false}; }
void SimDisk::FailSync(Fault fault, uint64_t skip) { sync_fault_ = {skip, fault, false}; }
void SimDisk::StopAfterSyncs(uint64_t n) { sync_fault_ = {n, Fault::kIo, true}; }
void SimDisk::StopAfterWrites(uint64_t n) { write_fault_ = {n, Fault::kIo, true}; }
void SimDisk::ClearFaults() { write_fault_ = sync_fault_ = {}; }

uint64_t SimDisk::used_bytes() const {
  uint64_t used = 0;
  for (const auto& [path, inode] : names_) used += inode->data.size();
  return used;
}

absl::Status SimDisk::Reserve(uint64_t bytes, const std::string& path) const {
  if (capacity_ != kUnlimited && used_bytes() + bytes > capacity_) {
    return absl::ResourceExhaustedError(absl::StrCat(path, ": No space left on device"));
  }
  return absl::OkStatus();
}

void SimDisk::CrashInode(Inode* inode, Random* random, CrashKind kind) {
  if (kind == CrashKind::kAny) kind = static_cast<CrashKind>(random->Between(1, 3));
  bool keep_size = kind == CrashKind::kKeepAll || (kind == CrashKind::kScatter && random->OneIn(2));
  std::string after = inode->durable;
  if (keep_size) after.resize(inode->data.size(), '\0');
  for (const auto& [sector, versions] : inode->dirty) {
    uint64_t at = sector * kSectorBytes;
    if (kind == CrashKind::kLoseAll || at >= after.size()) continue;
    const std::string* version = &versions.back();
    if (kind == CrashKind::kScatter) {
      uint64_t pick = random->Below(2 * versions.size());
      if (pick >= versions.size()) continue;
      version = &versions[pick];
    }
    std::memcpy(after.data() + at, version->data(), std::min(kSectorBytes, after.size() - at));
  }
  inode->data = inode->durable = std::move(after);
  inode->dirty.clear();
}

void SimDisk::Apply(const NameChange& change, Names* names) {
  if (!change.removed.empty()) names->erase(change.removed);
  if (!change.added.empty()) (*names)[change.added] = change.inode;
}

void SimDisk::Crash(Random* random, CrashKind kind) {
  for (auto& [directory, changes] : changes_) {
    CrashKind names_kind = kind == CrashKind::kAny ? static_cast<CrashKind>(random->Between(1, 3)) : kind;
    size_t survive = names_kind == CrashKind::kLoseAll   ? 0
                     : names_kind == CrashKind::kKeepAll ? changes.size()
                                                         : random->Below(changes.size() + 1);
    for (size_t i = 0; i < survive; ++i) Apply(changes[i], &durable_);
  }
  changes_.clear();
  names_ = durable_;
  std::set<Inode*> seen;
  for (auto& [path, inode] : names_) {
    if (seen.insert(inode.get()).second) CrashInode(inode.get(), random, kind);
  }
  locks_.clear();
  ++epoch_;
  stopped_ = false;
  ClearFaults();
}

void SimDisk::FlipBit(const std::string& path, uint64_t byte, int bit) {
  SYNOD_CHECK(names_.contains(path)) << path;
  Inode& inode = *names_[path];
  SYNOD_CHECK_LT(byte, inode.data.size());
  inode.data[byte] = static_cast<char>(inode.data[byte] ^ (1 << bit));
  if (byte < inode.durable.size()) inode.durable[byte] = static_cast<char>(inode.durable[byte] ^ (1 << bit));
  auto dirty = inode.dirty.find(byte / kSectorBytes);
  if (dirty == inode.dirty.end()) return;
  for (std::string& version : dirty->second) {
    char& c = version[byte % kSectorBytes];
    c = static_cast<char>(c ^ (1 << bit));
  }
}

void SimDisk::BreakSector(const std::string& path, uint64_t byte) {
  SYNOD_CHECK(names_.contains(path)) << path;
  names_[path]->broken.insert(byte / kSectorBytes);
}

std::string SimDisk::Contents(const std::string& path) const {
  auto it = names_.find(path);
  SYNOD_CHECK(it != names_.end()) << path;
  return it->second->data;
}

void SimDisk::Put(const std::string& path, const std::string& bytes) {
  auto inode = std::make_shared<Inode>();
  inode->data = inode->durable = bytes;
  names_[path] = durable_[path] = inode;
}

std::vector<std::string> SimDisk::Files(const std::string& prefix) const {
  std::vector<std::string> paths;
  for (const auto& [path, inode] : names_) {
    if (path.compare(0, prefix.size(), prefix) == 0) paths.push_back(path);
  }
  return paths;
}

absl::StatusOr<std::unique_ptr<storage::File>> SimDisk::Open(const std::string& path, OpenMode mode) {
  if (stopped_) return absl::FailedPreconditionError(absl::StrCat(path, ": the process is gone"));
  auto it = names_.find(path);
  if (mode == OpenMode::kCreate) {
    ++writes_;
    SYNOD_RETURN_IF_ERROR(Hit(&write_fault_, path));
    if (!directories_.contains(DirectoryOf(path)))
      return absl::NotFoundError(absl::StrCat("open ", path, ": no directory"));
    if (it == names_.end()) {
      it = names_.emplace(path, std::make_shared<Inode>()).first;
      changes_[DirectoryOf(path)].push_back({"", path, it->second});
    } else {
      it->second->data.clear();
      it->second->dirty.clear();
    }
  }
  if (it == names_.end()) return absl::NotFoundError(absl::StrCat("open ", path, ": No such file or directory"));
  return std::make_unique<SimFile>(this, it->second, path);
}

absl::Status SimDisk::Rename(const std::string& from, const std::string& to) {
  ++writes_;
  SYNOD_RETURN_IF_ERROR(Hit(&write_fault_, from));
  if (directories_.contains(from)) {
    auto move = [&](const std::string& path) {
      return path == from || path.compare(0, from.size() + 1, from + "/") == 0 ? to + path.substr(from.size()) : path;
    };
    std::set<std::string> directories;
    for (const std::string& directory : directories_) directories.insert(move(directory));
    directories_ = std::move(directories);
    Names names;
    for (auto& [path, inode] : names_) names[move(path)] = inode;
    names_ = durable_ = std::move(names);
    changes_.clear();
    return absl::OkStatus();
  }
  auto it = names_.find(from);
  if (it == names_.end()) return absl::NotFoundError(absl::StrCat("rename ", from, ": No such file or directory"));
  SYNOD_CHECK(DirectoryOf(from) == DirectoryOf(to)) << "renames stay in their directory";
  NameChange change{from, to, it->second};
  Apply(change, &names_);
  changes_[DirectoryOf(from)].push_back(change);
  return absl::OkStatus();
}

absl::Status SimDisk::Remove(const std::string& path) {
  if (stopped_) return absl::FailedPreconditionError(absl::StrCat(path, ": the process is gone"));
  if (!names_.contains(path)) return absl::NotFoundError(absl::StrCat("remove ", path, ": No such file or directory"));
  NameChange change{path, "", nullptr};
  Apply(change, &names_);
  changes_[DirectoryOf(path)].push_back(change);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> SimDisk::List(const std::string& directory) {
  if (!directories_.contains(directory))
    return absl::NotFoundError(absl::StrCat("list ", directory, ": No such directory"));
  std::set<std::string> found;
  std::string prefix = directory + "/";
  for (const auto& [path, inode] : names_) {
    if (DirectoryOf(path) == directory) found.insert(path.substr(prefix.size()));
  }
  for (const std::string& path : directories_) {
    if (path != "/" && path != "." && DirectoryOf(path) == directory) found.insert(path.substr(prefix.size()));
  }
  return std::vector<std::string>(found.begin(), found.end());
}

bool SimDisk::Exists(const std::string& path) { return names_.contains(path) || directories_.contains(path); }

absl::Status SimDisk::CreateDirectories(const std::string& path) {
  if (names_.contains(path)) return absl::AlreadyExistsError(absl::StrCat(path, " is a file"));
  for (std::string p = path; directories_.insert(p).second; p = DirectoryOf(p)) {
  }
  return absl::OkStatus();
}

absl::Status SimDisk::SyncDirectory(const std::string& path) {
  if (stopped_) return absl::FailedPreconditionError(absl::StrCat(path, ": the process is gone"));
  ++syncs_;
  SYNOD_RETURN_IF_ERROR(Hit(&sync_fault_, path));
  for (const NameChange& change : changes_[path]) Apply(change, &durable_);
  changes_.erase(path);
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> SimDisk::FreeSpace(const std::string&) {
  if (capacity_ == kUnlimited) return kUnlimited;
  uint64_t used = used_bytes();
  return used < capacity_ ? capacity_ - used : 0;
}

absl::StatusOr<std::unique_ptr<storage::FileLock>> SimDisk::Lock(const std::string& path) {
  if (!locks_.emplace(path, epoch_).second) {
    return absl::FailedPreconditionError(absl::StrCat(path, " is locked by another process"));
  }
  return std::make_unique<SimLock>(this, path);
}

}  // namespace synod::sim

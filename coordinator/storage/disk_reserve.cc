#include "coordinator/storage/disk_reserve.h"

#include "coordinator/base/status_macros.h"

namespace synod::storage {

DiskReserve::DiskReserve(FileSystem* fs, std::string directory, uint64_t bytes)
    : fs_(fs), directory_(std::move(directory)), bytes_(bytes) {}

absl::Status DiskReserve::Restore() {
  if (held_ || bytes_ == 0) return absl::OkStatus();
  if (fs_->Exists(path())) {
    SYNOD_ASSIGN_OR_RETURN(std::unique_ptr<File> file, fs_->Open(path(), OpenMode::kRead));
    SYNOD_ASSIGN_OR_RETURN(uint64_t size, file->Size());
    held_ = size == bytes_;
    if (held_) return absl::OkStatus();
    // Of another setting, or left by a crash while it was made.
    SYNOD_RETURN_IF_ERROR(fs_->Remove(path()));
  }
  SYNOD_ASSIGN_OR_RETURN(uint64_t free, fs_->FreeSpace(directory_));
  if (free / 2 < bytes_) return absl::OkStatus();
  absl::StatusOr<std::unique_ptr<File>> file = fs_->Open(path(), OpenMode::kCreate);
  absl::Status made = file.ok() ? (*file)->Preallocate(bytes_) : file.status();
  held_ = made.ok();
  if (held_) return absl::OkStatus();
  if (file.ok()) SYNOD_RETURN_IF_ERROR(fs_->Remove(path()));
  return absl::IsResourceExhausted(made) ? absl::OkStatus() : made;
}

bool DiskReserve::Release() {
  if (!held_) return false;
  held_ = false;
  return fs_->Remove(path()).ok();
}

bool DiskReserve::Low() const {
  if (bytes_ == 0) return false;
  if (!held_) return true;
  absl::StatusOr<uint64_t> free = fs_->FreeSpace(directory_);
  return free.ok() && *free < bytes_;
}

}  // namespace synod::storage

// A file of ballast beside the log (L11): let go when the disk is full, so that the server can still step down, cut,
// compact and delete.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "coordinator/storage/file.h"

namespace synod::storage {

// Loop thread only.
class DiskReserve {
 public:
  // The ballast is `directory`/reserve. 0 bytes: no reserve, never low.
  DiskReserve(FileSystem* fs, std::string directory, uint64_t bytes);

  // Makes the ballast if it is missing and twice its size is free; otherwise does nothing, for the disk is low then.
  // Errors: those of the file system but ResourceExhausted.
  absl::Status Restore();
  // Removes the ballast. False if there was none, or it cannot be removed.
  bool Release();
  // The ballast is gone, or less than its size is free besides it: writes that grow are to be refused.
  bool Low() const;
  bool held() const { return held_; }

 private:
  std::string path() const { return directory_ + "/reserve"; }

  FileSystem* const fs_;
  const std::string directory_;
  const uint64_t bytes_;
  bool held_ = false;
};

}  // namespace synod::storage

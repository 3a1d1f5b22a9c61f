// The offline check of a data directory: hard state and log (`synod-coordinator --verify DIR`). Changes nothing.
#pragma once

#include <optional>
#include <string>

#include "coordinator/storage/file.h"
#include "coordinator/storage/log_recovery.h"

namespace synod::storage {

struct VerifyReport {
  bool ok = true;     // false: something synced is damaged or missing, or cannot be read
  std::string text;   // a line per finding and a summary, for people
  StorageId storage;  // of the hard state; 0 if that is lost
};

// `snapshot`: where the directory's snapshot stands, if the caller could read it; without it the log counts as
// beginning where its first good record says, and damage before that goes unseen. Only the caller sees to it that no
// server runs on the directory.
VerifyReport VerifyDataDirectory(FileSystem* fs, const std::string& data_dir, const std::string& data_log_dir,
                                 const std::optional<SnapshotPoint>& snapshot);

}  // namespace synod::storage

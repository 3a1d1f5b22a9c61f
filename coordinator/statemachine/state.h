// All that a snapshot holds, in one object: built by commands, or by a loader beside the live one (D9).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "coordinator/base/ids.h"
#include "coordinator/interfaces/snapshot_store.h"
#include "coordinator/sessions/session_table.h"
#include "coordinator/statemachine/snapshot_codec.h"
#include "coordinator/tree/data_tree.h"

namespace synod::statemachine {

// Raised whenever the digest of the same state would come out differently (D13).
inline constexpr uint32_t kDigestVersion = 1;

// Loop thread, or the loader's until it is installed.
//
// The parts are cut at the same index (D7): CloseChanges closes tree, sessions, settings and counters together.
struct State {
  // A fresh ensemble's.
  State();
  // For LoadRecord.
  struct ForLoading {};
  explicit State(ForLoading);
  State(const State&) = delete;

  std::unique_ptr<tree::DataTree> tree;
  sessions::SessionTable sessions;
  Counters counters;

  void SetSetting(const std::string& name, const std::string& value);
  const std::map<std::string, std::string, std::less<>>& settings() const { return settings_; }

  uint64_t digest() const { return tree->digest() + sessions.digest() + settings_digest_ + CountersHash(counters); }
  uint64_t ComputeDigest() const;
  size_t memory_bytes() const { return tree->memory_bytes() + sessions.memory_bytes() + settings_bytes_; }

  // ---- snapshot ----
  void CloseChanges();
  // At least 64 records, then until `records` or `bytes` are used up. True when all are out.
  bool WriteClosed(size_t records, size_t bytes, std::vector<interfaces::SnapshotRecord>* out);
  void ReopenChanges();
  size_t changed_records() const {
    return tree->changed_nodes() + sessions.changed_sessions() + changed_settings_.size();
  }

  // ---- loading ----
  absl::Status LoadRecord(std::string_view key, std::string_view value);
  // DataLoss: a part is missing, or meta (of which version_known is the newest this code runs) says otherwise.
  // FailedPrecondition: of a newer version than this code's (L6).
  absl::Status FinishLoading(const interfaces::SnapshotMeta& meta, uint32_t version_known);

 private:
  std::map<std::string, std::string, std::less<>> settings_;  // a handful
  uint64_t settings_digest_ = 0;
  size_t settings_bytes_ = 0;
  bool has_counters_ = true;  // false while loading until they came

  std::set<std::string> changed_settings_;
  std::set<std::string> closed_settings_;
  std::vector<interfaces::SnapshotRecord>
      closed_small_;  // counters and settings of the cut, encoded when it was closed
};

}  // namespace synod::statemachine

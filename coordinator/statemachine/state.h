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
#include "coordinator/access/caller.h"
#include "coordinator/access/intern_table.h"
#include "coordinator/base/ids.h"
#include "coordinator/interfaces/snapshot_store.h"
#include "coordinator/sessions/session_table.h"
#include "coordinator/statemachine/event_window.h"
#include "coordinator/statemachine/settings.h"
#include "coordinator/statemachine/snapshot_codec.h"
#include "coordinator/tree/data_tree.h"

namespace synod::statemachine {

// Raised whenever the digest of the same state would come out differently (D13).
inline constexpr uint32_t kDigestVersion = 2;

// Loop thread, or the loader's until it is installed.
//
// The parts are cut at the same index (D7): CloseChanges closes tree, tables, sessions, settings, counters and window
// together.
//
// References into the tables of ACLs and identity sets: the tree counts its nodes' ones; those of sessions are counted
// by who changes a session, and for all of them when loading ends.
struct State {
  // A fresh ensemble's.
  explicit State(size_t watch_window_bytes);
  // For LoadRecord.
  struct ForLoading {};
  explicit State(ForLoading, size_t watch_window_bytes);
  State(const State&) = delete;

  access::AclTable acls;  // outlives the tree
  access::IdentityTable identities;
  std::unique_ptr<tree::DataTree> tree;
  sessions::SessionTable sessions;
  Counters counters;  // without the tables' next ids, which are theirs
  EventWindow window;

  void SetSetting(const std::string& name, const std::string& value);
  // As they came, those that this code does not know too.
  const std::map<std::string, std::string, std::less<>>& texts() const { return texts_; }
  const Settings& settings() const { return settings_; }
  // A view of these identities under the present settings; they must outlive it.
  access::Caller CallerOf(const access::IdentitySet& who) const;

  // Of all but the window, which servers may hold more or less of (W3).
  uint64_t digest() const {
    return tree->digest() + sessions.digest() + acls.digest() + identities.digest() + settings_digest_ +
           CountersHash(AllCounters());
  }
  uint64_t ComputeDigest() const;
  size_t memory_bytes() const;

  // ---- snapshot ----
  void CloseChanges();
  // At least 64 records, then until `records` or `bytes` are used up. True when all are out.
  bool WriteClosed(size_t records, size_t bytes, std::vector<interfaces::SnapshotRecord>* out);
  void ReopenChanges();
  size_t changed_records() const {
    return tree->changed_nodes() + sessions.changed_sessions() + acls.changed() + identities.changed() +
           changed_settings_.size();
  }

  // ---- loading ----
  // In key order.
  absl::Status LoadRecord(std::string_view key, std::string_view value);
  // DataLoss: a part is missing, or meta (of which version_known is the newest this code runs) says otherwise.
  // FailedPrecondition: of a newer version than this code's (L6).
  absl::Status FinishLoading(const interfaces::SnapshotMeta& meta, uint32_t version_known);

 private:
  Counters AllCounters() const;
  // Counts the sessions' references; then everything in the tables has one.
  absl::Status FinishTables();

  std::map<std::string, std::string, std::less<>> texts_;  // a handful
  Settings settings_;                                      // those of them that mean something
  uint64_t settings_digest_ = 0;
  size_t settings_bytes_ = 0;
  bool has_counters_ = true;  // false while loading until they came

  std::set<std::string> changed_settings_;
  std::set<std::string> closed_settings_;
  std::vector<interfaces::SnapshotRecord>
      closed_small_;  // counters and settings of the cut, encoded when it was closed
};

}  // namespace synod::statemachine

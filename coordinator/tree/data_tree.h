// The tree of znodes in memory. Values in, decisions out: no clock, no randomness, no I/O.
//
// Callers (statemachine) check and change through it one operation at a time; a multi is undone through Begin/Rollback.
// Every change is noted for the next snapshot (change_set), added to the digest, and appended to the events of the
// running command.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "coordinator/base/ids.h"
#include "coordinator/tree/error.h"
#include "coordinator/tree/event.h"
#include "coordinator/tree/stat.h"

namespace synod::tree {

// Who changes and when; the same for all operations of a command.
struct ChangeContext {
  Zxid zxid;
  int64_t wall_ms = 0;
};

struct CreateArgs {
  std::string_view path;                 // without the sequence suffix
  std::optional<std::string_view> data;  // nullopt: null
  AclId acl;
  SessionId ephemeral_owner;  // 0: persistent
  bool sequential = false;
};

class DataTree {
 public:
  DataTree();  // holds "/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config" as a fresh ZooKeeper does
  ~DataTree();
  DataTree(const DataTree&) = delete;

  // ---- writes. Each either changes the tree and appends to events(), or returns an error and changes nothing. ----

  // Errors in this order (11.1 of the protocol sheet, without ACLs): kBadArguments (no "/", NUL), kNoNode (parent),
  // kBadArguments (full path rules on the final name), kNodeExists, kNoChildrenForEphemerals.
  Error Create(const ChangeContext& context, const CreateArgs& args, std::string* final_path, Stat* stat);
  // kBadArguments (malformed, or one of the system nodes), kNoNode, kBadVersion, kNotEmpty.
  Error Delete(const ChangeContext& context, std::string_view path, int32_t version);
  // kBadArguments, kNoNode, kBadVersion.
  Error SetData(const ChangeContext& context, std::string_view path, std::optional<std::string_view> data,
                int32_t version, Stat* stat);
  // kBadArguments, kNoNode, kBadVersion.
  Error Check(std::string_view path, int32_t version, Stat* stat) const;
  // Deletes every ephemeral of `owner`, deepest path order descending (deterministic).
  void DeleteEphemerals(const ChangeContext& context, SessionId owner);

  // ---- all or nothing ----
  // From Begin on changes can be undone as one; Rollback restores tree, counters, digest, change set and drops the
  // events since Begin.
  void Begin();
  void Commit();
  void Rollback();

  // Events of the running command; the caller takes them after it.
  std::vector<Event> TakeEvents();

  // ---- reads. kBadArguments for a malformed path, kNoNode. ----
  Error Exists(std::string_view path, Stat* stat) const;
  // `data` is a view into the tree, good until the next write; nullopt for null data.
  Error GetData(std::string_view path, std::optional<std::string_view>* data, Stat* stat) const;
  // Names in byte order, sorted lazily inside: a listing pays for the creates and deletes since the last. `stat` may be
  // null, here and everywhere.
  Error GetChildren(std::string_view path, std::vector<std::string>* names, Stat* stat) const;
  // Full paths in byte order.
  std::vector<std::string> Ephemerals(SessionId owner) const;
  Error GetAcl(std::string_view path, AclId* acl, Stat* stat) const;

  // ---- snapshot (D7). Keys begin with 'n'; a parent's key sorts before its children's. ----
  // Closes the set of changed nodes. Until WriteClosed has written one, its first change saves its old version.
  void CloseChanges();
  // Hands closed records to `emit` (value nullopt: tombstone) until `keep_going` says no (asked every 16 records) or
  // all are out (returns true).
  bool WriteClosed(const std::function<void(std::string key, std::optional<std::string> value)>& emit,
                   const std::function<bool()>& keep_going);
  // The closed records could not be stored: they count as changed again.
  void ReopenChanges();
  size_t changed_nodes() const;
  // Loads one record of a snapshot into an empty tree (constructed with ForLoading), in key order. DataLoss if
  // malformed or parentless.
  static std::unique_ptr<DataTree> ForLoading();
  absl::Status LoadRecord(std::string_view key, std::string_view value);
  // The system nodes are there, counters agree. Call once after the last LoadRecord.
  absl::Status FinishLoading();

  // Sum over nodes of a 64-bit hash of (path, record); order-independent, wraps. Kept up incrementally.
  uint64_t digest() const;
  // Recomputed from scratch, for tests and loads.
  uint64_t ComputeDigest() const;

  size_t node_count() const;  // as the protocol sheet 6.5 counts for srvr minus its double root
  size_t ephemeral_count() const;
  size_t data_bytes() const;  // sum of path and data lengths
  size_t memory_bytes() const;

 private:
  struct Impl;
  explicit DataTree(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace synod::tree

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
#include "coordinator/access/caller.h"
#include "coordinator/base/ids.h"
#include "coordinator/tree/error.h"
#include "coordinator/tree/event.h"
#include "coordinator/tree/stat.h"

namespace synod::tree {

// Who changes and when; the same for all operations of a command.
struct ChangeContext {
  Zxid zxid;
  int64_t wall_ms = 0;
  uint64_t log_clock_us = 0;  // L5: what a TTL counts in
  access::Caller caller = access::Caller::Unrestricted();
  bool enforce_quota = true;  // hard limits; soft ones only warn
};

struct CreateArgs {
  std::string_view path;                 // without the sequence suffix
  std::optional<std::string_view> data;  // nullopt: null
  AclId acl;                             // in the ACL table
  SessionId ephemeral_owner;             // 0: not ephemeral
  bool sequential = false;
  bool container = false;
  uint64_t ttl_ms = 0;  // 0: none
};

inline constexpr size_t kEphemeralPageBytes = 1 << 20;  // of paths, of one page of ephemerals

// Which children a page shows.
struct PageArgs {
  std::string_view path;
  std::string_view after;   // names greater than it; empty: from the first
  std::string_view prefix;  // names that begin with it; empty: all
  size_t limit = 1000;
  size_t bytes_max = 1 << 20;  // of names and data together; at least one entry is given
  bool with_stat = false;
  bool with_data = false;
};
struct PageEntry {
  std::string_view name;  // views into the tree, good until the next write
  std::optional<Stat> stat;
  std::optional<std::string_view> data;
  bool denied = false;  // stat or data was asked for and READ on the child is missing: neither is given
};

// Whether a node goes by itself. Neither: it stays, or goes with its session (Stat tells).
struct Lifetime {
  bool container = false;
  uint64_t ttl_ms = 0;  // 0: none
};

// A container or TTL node whose time is over, as the leader saw it.
struct IdleNode {
  std::string path;
  Zxid czxid;
  Zxid mzxid;
};

// A quota that a change left exceeded (section 18). A soft limit: a warning is all. -1: no limit.
struct QuotaExcess {
  std::string path;
  int64_t count = 0, count_limit = -1;
  int64_t bytes = 0, bytes_limit = -1;
};

class DataTree {
 public:
  // Holds "/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config" as a fresh ZooKeeper does. `acls` counts the nodes
  // that refer to each list; it outlives the tree. Null: nobody counts (ids 0 and 1 only).
  explicit DataTree(access::AclTable* acls = nullptr);
  ~DataTree();
  DataTree(const DataTree&) = delete;

  // ---- writes. Each either changes the tree and appends to events(), or returns an error and changes nothing. Errors
  // come in the order named (section 11 of the protocol sheet). ----

  // kBadArguments (no "/", NUL), kNoNode (parent), kNoAuth (CREATE on it), kBadArguments (full path rules on the final
  // name), kNodeExists, kNoChildrenForEphemerals, kQuotaExceeded.
  Error Create(const ChangeContext& context, const CreateArgs& args, std::string* final_path, Stat* stat);
  // kBadArguments (malformed, or one of the system nodes), kNoNode (parent), kNoAuth (DELETE on it), kNoNode,
  // kBadVersion, kNotEmpty.
  Error Delete(const ChangeContext& context, std::string_view path, int32_t version);
  // kBadArguments, kNoNode, kNoAuth (WRITE), kQuotaExceeded, kBadVersion.
  Error SetData(const ChangeContext& context, std::string_view path, std::optional<std::string_view> data,
                int32_t version, Stat* stat);
  // `version` is the aversion expected. kBadArguments, kNoNode, kNoAuth (ADMIN), kBadVersion. No event (13.3).
  Error SetAcl(const ChangeContext& context, std::string_view path, AclId acl, int32_t version, Stat* stat);
  // kBadArguments, kNoNode, kNoAuth (READ), kBadVersion.
  Error Check(const access::Caller& caller, std::string_view path, int32_t version, Stat* stat) const;

  struct TreeDeleted {
    uint64_t deleted = 0;
    uint64_t remaining = 0;   // nodes left of the subtree, its root included; 0 unless `partial`
    uint64_t path_bytes = 0;  // of those that went
  };
  // Deletes a node and all below it, deepest first, each with its event. With more than `max_nodes` of them: kTooLarge,
  // or if `partial` the first `max_nodes` in an order that is the same on every server. Costs what it deletes, not the
  // size of the subtree. The same if their paths (each goes into an event) take more than `max_path_bytes`; one node
  // goes however long its path. Errors as Delete's but for kNotEmpty, then kTooLarge (nodes), then kNoAuth (DELETE on a
  // node below whose children would go) and kTooLarge (paths).
  Error DeleteTree(const ChangeContext& context, std::string_view path, int32_t version, uint64_t max_nodes,
                   bool partial, TreeDeleted* result, uint64_t max_path_bytes = UINT64_MAX);
  // Deletes ephemerals of `owner`, `max_nodes` at most, the oldest first (by czxid, then path), until their paths have
  // taken `max_path_bytes`. True: none is left.
  bool DeleteEphemerals(const ChangeContext& context, SessionId owner, size_t max_nodes,
                        uint64_t max_path_bytes = UINT64_MAX);
  // Deletes a container or TTL node if it is still the one that the leader saw: kNoNode, kBadVersion (czxid or mzxid
  // changed), kNotEmpty, kBadArguments (not of that kind, never used, or its time is not over).
  Error RemoveIdle(const ChangeContext& context, const IdleNode& node);

  // Nodes to be removed by now, at most `max`: containers that had children, and none for `container_idle_us`; TTL
  // nodes without children whose TTL is over. In the order in which they fell due. Costs what it returns.
  std::vector<IdleNode> FindIdle(uint64_t log_clock_us, uint64_t container_idle_us, size_t max) const;

  // ---- all or nothing ----
  // From Begin on changes can be undone as one; Rollback restores tree, counters, digest, change set and drops the
  // events since Begin.
  void Begin();
  void Commit();
  void Rollback();

  // Events of the running command; the caller takes them after it.
  std::vector<Event> TakeEvents();
  // Quotas that the running command left exceeded.
  std::vector<QuotaExcess> TakeQuotaExcesses();

  // ---- reads. kBadArguments for a malformed path, kNoNode, kNoAuth (READ on the node). `stat` may be null. ----
  bool Has(std::string_view path) const;
  Error Exists(const access::Caller& caller, std::string_view path, Stat* stat) const;
  // `data` is a view, good until the next write; nullopt for null data. A `zookeeper_stats` node shows the usage
  // ("count=N,bytes=M") of the path it stands for.
  Error GetData(const access::Caller& caller, std::string_view path, std::optional<std::string_view>* data,
                Stat* stat) const;
  // Names in byte order.
  Error GetChildren(const access::Caller& caller, std::string_view path, std::vector<std::string>* names,
                    Stat* stat) const;
  // In byte order of the names; `*more` tells whether others follow. Costs the page, not the directory.
  Error ListPage(const access::Caller& caller, const PageArgs& args, std::vector<PageEntry>* entries, bool* more,
                 Stat* stat) const;
  // All nodes below `path`. O(1).
  Error CountDescendants(const access::Caller& caller, std::string_view path, uint64_t* count) const;
  // READ or ADMIN. `*admin`: whether ADMIN is granted (else digests are masked, 11.8).
  Error GetAcl(const access::Caller& caller, std::string_view path, AclId* acl, bool* admin, Stat* stat) const;
  // How long a node that is there lives of itself. REQUIRES it is; asks for no permission.
  Lifetime LifetimeOf(std::string_view path) const;
  // Full paths in byte order, at most `limit` that are greater than `after` and begin with `prefix` (plain
  // text, 11.10).
  std::vector<std::string> Ephemerals(SessionId owner, std::string_view prefix = {}, std::string_view after = {},
                                      size_t limit = SIZE_MAX) const {
    return EphemeralsPage(access::Caller::Unrestricted(), owner, prefix, after, limit, SIZE_MAX, nullptr);
  }
  // The same, but only names the caller may list (READ on their parent), and no more once they take `bytes_max`. `more`
  // (may be null): others follow.
  std::vector<std::string> EphemeralsPage(const access::Caller& caller, SessionId owner, std::string_view prefix,
                                          std::string_view after, size_t limit, size_t bytes_max, bool* more) const;
  // Ephemerals of all sessions at or below `path`, in the order of the tree (a node before its children, children by
  // name), after the path `after`, at most `limit`. Looks at `visit_max` nodes at most; `*next` is where to go on
  // (empty: that was all), also when the paths take kEphemeralPageBytes. Only names the caller may list (READ on their
  // parent).
  Error EphemeralsBelow(const access::Caller& caller, std::string_view path, std::string_view after, size_t limit,
                        size_t visit_max, std::vector<std::string>* paths, std::string* next) const;

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
  static std::unique_ptr<DataTree> ForLoading(access::AclTable* acls = nullptr);
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

// The parts of a DataTree and the changes they make together. Private to tree.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/tree/change_set.h"
#include "coordinator/tree/data_tree.h"
#include "coordinator/tree/ephemeral_index.h"
#include "coordinator/tree/idle_index.h"
#include "coordinator/tree/node_index.h"
#include "coordinator/tree/quota_table.h"
#include "coordinator/tree/znode.h"

namespace synod::tree {

struct DataTree::Impl {
  // One change that Rollback takes back. What it removed (a node, a blob) is kept until Commit.
  struct Delta {
    enum class Kind : uint8_t { kCreated, kDeleted, kSet };
    Kind kind;
    bool tombstone = false;  // kCreated: one went; kDeleted: one came
    bool old_null = false;
    Handle node = kNoHandle;
    int32_t old_version = 0;
    int64_t old_parent_pzxid = 0;
    uint64_t old_parent_counter = 0;
    uint64_t old_parent_childless_since = 0;
    char* old_blob = nullptr;
    int64_t old_mzxid = 0;
    int64_t old_mtime_ms = 0;
  };
  struct Transaction {
    std::vector<Delta> deltas;
    ChangeSet::Mark changes;
    uint64_t digest = 0;
    size_t data_bytes = 0;
    size_t events = 0;
    size_t quota_excesses = 0;
  };

  explicit Impl(access::AclTable* acl_table)
      : acls(acl_table), store(acl_table), changes(store), ephemerals(store), idle(store) {}
  ~Impl();

  // Of a path that begins with '/'.
  static uint64_t HashOf(std::string_view path);
  // Whether or not `path` is well-formed; kNoHandle if there is no such node.
  Handle Find(std::string_view path) const;
  // Records come in the order of paths, so one parent serves many. While loading: nothing is freed.
  Handle FindParentToLoad(std::string_view path);
  // As Find, with the error an operation returns for it.
  Error Lookup(std::string_view path, Handle* handle) const;
  // As Lookup, and kNoAuth if the node grants none of the `wanted` permissions.
  Error LookupAllowed(const access::Caller& caller, std::string_view path, uint32_t wanted, Handle* handle) const;
  // The node that a delete names: kBadArguments (malformed, or a system node), kNoNode (parent), kNoAuth (DELETE on
  // it), kNoNode, kBadVersion.
  Error LookupToDelete(const access::Caller& caller, std::string_view path, int32_t version, Handle* handle) const;
  Handle FindChild(Handle parent, std::string_view name) const;
  // Where a walk of `top` in the order of the tree goes on behind the path top + `below_top`, which may be gone by now.
  // Does not enter directories that the caller may not list.
  Handle Behind(const access::Caller& caller, Handle top, std::string_view below_top) const;
  bool Allows(const access::Caller& caller, Handle node, uint32_t wanted) const {
    return caller.bypass() || caller.Allows(store.acl(node), wanted);
  }

  // Puts a node, complete but for its parent's sums, into index, child list, sums above, ephemeral and idle index, or
  // out of them. No stats change.
  void Attach(Handle node);
  void Detach(Handle node);
  uint64_t Digest(Handle node) const { return store.FieldsDigest(node) + store.DataDigest(node); }

  // Makes a node without a word to anybody.
  Handle AddNode(Handle parent, std::string_view path, const BlobFields& fields, NodeKind kind, bool null_data);
  void AddSystemNodes();

  Handle CreateNode(const ChangeContext& context, Handle parent, std::string_view path, const CreateArgs& args);
  void RemoveNode(const ChangeContext& context, Handle node, std::string_view path);
  void SetNode(const ChangeContext& context, Handle node, std::string_view path, std::optional<std::string_view> data);
  void SetNodeAcl(Handle node, AclId acl);
  // A new blob for a node; the old one goes, or stays for Rollback. Before any other change of the node.
  void ReplaceBlob(Handle node, const BlobFields& fields);
  void AddEvent(EventType type, const ChangeContext& context, std::string_view path, Handle node);

  void UndoCreated(const Delta& delta);
  void UndoDeleted(const Delta& delta);
  void UndoSet(const Delta& delta);

  // ---- idle nodes: an attached container or TTL node is in the index if and only if IdleSince has a value. Around any
  // change of that: Leave before, Enter after. ----
  std::optional<uint64_t> IdleSince(Handle node) const;
  void LeaveIdle(Handle node);
  void EnterIdle(Handle node);

  // ---- quotas (data_tree_quota.cc) ----
  struct Usage {
    uint64_t count = 0;
    uint64_t bytes = 0;
  };
  Usage UsageOf(Handle node) const;  // kNoHandle: nothing
  // Judges a change at `path`, which is `node` or, if that is kNoHandle, about to be made below `parent`.
  // kQuotaExceeded, or kOk, with `excess` set if a limit will be exceeded all the same.
  Error CheckQuota(const ChangeContext& context, std::string_view path, Handle node, Handle parent,
                   int64_t count_growth, int64_t bytes_growth, std::optional<QuotaExcess>* excess) const;
  // After a kLimits node came, changed, or went (`there` false).
  void LimitsChanged(Handle limits, std::string_view path, bool there);
  // After a node was made: is a quota waiting for its path?
  void MarkQuota(Handle node, std::string_view path);
  // What a kUsage node shows; good until the next write.
  const std::string& UsageText(Handle node) const;
  // What reads show.
  Stat ShownStat(Handle node) const;
  std::optional<std::string_view> ShownData(Handle node) const;

  access::AclTable* acls;   // may be null
  mutable NodeStore store;  // a read may sort a child list inside
  NodeIndex index;
  ChangeSet changes;
  EphemeralIndex ephemerals;
  IdleIndex idle;
  QuotaTable quotas;
  Handle root = kNoHandle;
  Handle config = kNoHandle;  // "/zookeeper/config"
  uint64_t digest = 0;
  size_t data_bytes = 0;
  std::vector<Event> events;
  std::vector<QuotaExcess> quota_excesses;
  std::optional<Transaction> transaction;
  mutable std::map<Handle, std::string> usage_texts;  // handed out since the last write; looked up only
  bool loading = false;
  Handle last_parent = kNoHandle;  // while loading: of last_parent_path
  std::string last_parent_path;
};

}  // namespace synod::tree

// The parts of a DataTree and the changes they make together. Private to tree.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/tree/change_set.h"
#include "coordinator/tree/data_tree.h"
#include "coordinator/tree/ephemeral_index.h"
#include "coordinator/tree/node_index.h"
#include "coordinator/tree/znode.h"

namespace synod::tree {

// AclId 0 is world:anyone with all permissions; 1 is world:anyone, READ.
inline constexpr AclId kReadOnlyAcl{1};

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
  };

  Impl() : changes(store) {}
  ~Impl();

  // Whether or not `path` is well-formed; kNoHandle if there is no such node.
  Handle Find(std::string_view path) const;
  // As Find, with the error an operation returns for it.
  Error Lookup(std::string_view path, Handle* handle) const;
  Handle FindChild(Handle parent, std::string_view name) const;

  // Puts a node, complete but for its parent's child list, into index, child list and ephemeral index, or out of them.
  // No stats change.
  void Attach(Handle parent, Handle node);
  void Detach(Handle node);
  uint64_t Digest(Handle node) const { return store.FieldsDigest(node) + store.DataDigest(node); }

  // A node that exists without a create: root, system nodes, loaded ones.
  Handle AddNode(Handle parent, std::string_view path, const BlobFields& fields, NodeKind kind, bool null_data);
  void AddSystemNodes();

  Handle CreateNode(const ChangeContext& context, Handle parent, std::string_view path, const CreateArgs& args);
  void RemoveNode(const ChangeContext& context, Handle node, std::string_view path);
  void SetNode(const ChangeContext& context, Handle node, std::string_view path, std::optional<std::string_view> data);
  void AddEvent(EventType type, const ChangeContext& context, std::string_view path, Handle node);

  void UndoCreated(const Delta& delta);
  void UndoDeleted(const Delta& delta);
  void UndoSet(const Delta& delta);

  NodeStore store;
  NodeIndex index;
  ChangeSet changes;
  EphemeralIndex ephemerals;
  Handle root = kNoHandle;
  Handle config = kNoHandle;  // "/zookeeper/config"
  uint64_t digest = 0;
  size_t data_bytes = 0;
  std::vector<Event> events;
  std::optional<Transaction> transaction;
  bool loading = false;
};

}  // namespace synod::tree

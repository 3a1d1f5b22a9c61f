// One node of the tree, and the store that holds them all. Private to tree; used by one thread.
//
// A znode is one cache line. It holds no path: its name is in its blob, its parent is a handle. What only a node with
// children needs (child list, create counter, pzxid) is in a Directory, allocated with the first child; an ephemeral,
// which can have no children, keeps its owner in the same place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "coordinator/access/intern_table.h"
#include "coordinator/base/ids.h"
#include "coordinator/tree/blob_pool.h"
#include "coordinator/tree/child_list.h"
#include "coordinator/tree/digest.h"
#include "coordinator/tree/region.h"
#include "coordinator/tree/stat.h"

namespace synod::tree {

enum class NodeKind : uint8_t { kPersistent = 0, kEphemeral = 1, kContainer = 2, kTtl = 3 };

// What a node needs only once it has, or had, children. Kept for the rest of the node's life.
struct Directory {
  ChildList children;
  uint64_t create_counter = 0;  // C of section 6.3
  int64_t pzxid = 0;
  uint64_t path_hash = 0;         // of this node, so that a child's takes one step
  uint64_t descendants = 0;       // all nodes below
  uint64_t descendant_bytes = 0;  // of data, of all nodes below
  uint64_t childless_since = 0;   // kContainer: log clock (us) at which the last child went; 0 after a load
};

struct Znode {
  static constexpr uint8_t kAlive = 1;
  static constexpr uint8_t kNullData = 2;
  static constexpr uint8_t kQuota = 4;   // a quota is registered for this very path
  static constexpr uint8_t kLimits = 8;  // a zookeeper_limits node under /zookeeper/quota
  static constexpr uint8_t kUsage = 16;  // a zookeeper_stats node there: shows the usage, not its data

  int64_t czxid;
  int64_t mzxid;
  int64_t ctime_ms;
  int64_t mtime_ms;
  union {
    Directory* directory;     // kind != kEphemeral; null without children ever
    int64_t ephemeral_owner;  // kind == kEphemeral
  };
  char* blob;  // see BlobFields
  int32_t version;
  Handle parent;         // of a free slot: the next free slot
  uint32_t child_index;  // belongs to the parent's ChildList
  NodeKind kind;
  uint8_t flags;
  uint8_t change_bits;  // belongs to ChangeSet; survives the slot's reuse
  uint8_t unused;

  bool alive() const { return (flags & kAlive) != 0; }
  bool null_data() const { return (flags & kNullData) != 0; }
};
static_assert(sizeof(Znode) == 64, "the memory of a tree is counted in these");

// The variable part: varint name length, name, varint data length, zigzag varint aversion, varint ACL id, kTtl only:
// varint ttl and varint renewed; data.
struct BlobFields {
  std::string_view name;
  std::string_view data;
  int32_t aversion = 0;
  AclId acl;
  uint64_t ttl_ms = 0;
  uint64_t renewed_us = 0;  // log clock of the last data change (L5); kTtl only
};

// A blob holds one reference to its ACL for as long as it exists, and so for as long as Rollback may need it.
class NodeStore {
 public:
  // `acls` may be null: nobody counts. It outlives the store, which leaves its references there when it goes.
  explicit NodeStore(access::AclTable* acls) : acls_(acls) {}
  ~NodeStore();
  NodeStore(const NodeStore&) = delete;
  NodeStore& operator=(const NodeStore&) = delete;

  Znode& at(Handle handle) { return chunks_[handle / kChunkNodes][handle % kChunkNodes]; }
  const Znode& at(Handle handle) const { return chunks_[handle / kChunkNodes][handle % kChunkNodes]; }

  // An alive slot, all zero but for change_bits.
  Handle Allocate();
  // Frees the blob and the Directory too. REQUIRES no children, and detached from its parent.
  void Free(Handle handle);
  // Slots ever used, alive or not, are 1..end_handle()-1.
  Handle end_handle() const { return end_; }

  char* NewBlob(const BlobFields& fields, NodeKind kind);
  void FreeBlob(char* blob, NodeKind kind);
  // Puts other fields with the same name and ACL into a node's blob in place. False, with nothing changed, if they do
  // not fit or the data is itself part of the blob.
  bool ReplaceInPlace(Znode& node, const BlobFields& fields);
  static std::string_view Name(const Znode& node);
  static BlobFields Fields(const Znode& node);

  std::string_view name(Handle handle) const { return Name(at(handle)); }
  AclId acl(Handle handle) const;
  Directory& EnsureDirectory(Handle handle);
  const Directory* directory(Handle handle) const {
    const Znode& node = at(handle);
    return node.kind == NodeKind::kEphemeral ? nullptr : node.directory;
  }
  size_t child_count(Handle handle) const {
    const Directory* d = directory(handle);
    return d == nullptr ? 0 : d->children.size();
  }
  int64_t pzxid(Handle handle) const {
    const Directory* d = directory(handle);
    return d == nullptr ? at(handle).czxid : d->pzxid;
  }
  void AddChild(Handle parent, Handle child);
  void RemoveChild(Handle parent, Handle child);
  // Children in byte order of their names; kNoHandle: none. They may sort lazily inside, which nobody sees.
  Handle FirstChild(Handle parent);
  Handle FirstChildNotBefore(Handle parent, std::string_view name);
  Handle NextSibling(Handle child);
  // From `from`, a child (kNoHandle: nothing), on until `visit` returns false. `visit` changes nothing.
  void VisitSiblings(Handle from, absl::FunctionRef<bool(Handle)> visit) {
    if (from != kNoHandle) at(at(from).parent).directory->children.Visit(*this, from, visit);
  }
  // The order of the tree (a node before its children, children by name), within `top` and what is below it: what comes
  // after `handle`; with `skip_below`, after all below `handle` too.
  Handle NextInOrder(Handle handle, Handle top, bool skip_below);
  // The first in the order of deletion (children by name, a node after its children): down to a leaf.
  Handle FirstLeaf(Handle handle);

  // All nodes below, and the bytes of their data.
  uint64_t descendants(Handle handle) const {
    const Directory* d = directory(handle);
    return d == nullptr ? 0 : d->descendants;
  }
  // Adds to the sums of `handle` and all above it; differences wrap. REQUIRES Directories.
  void AddBelow(Handle handle, uint64_t nodes, uint64_t bytes) {
    for (; handle != kNoHandle; handle = at(handle).parent) {
      Directory& d = *at(handle).directory;
      d.descendants += nodes;
      d.descendant_bytes += bytes;
    }
  }

  std::string Path(Handle handle) const;
  size_t PathLength(Handle handle) const;
  // Whether the one's full path comes before the other's in byte order.
  bool PathBefore(Handle a, Handle b) const;
  // Whether the node's full path is `path`.
  bool PathIs(Handle handle, std::string_view path) const;
  uint64_t PathHash(Handle handle) const;
  Stat StatOf(Handle handle) const;
  uint64_t FieldsDigest(Handle handle) const;
  uint64_t DataDigest(Handle handle) const;

  size_t memory_bytes() const;

 private:
  static constexpr size_t kChunkNodes = kRegionBytes / sizeof(Znode);

  size_t Depth(Handle handle) const;

  access::AclTable* acls_;
  std::vector<Znode*> chunks_;
  Handle end_ = 1;
  Handle free_ = kNoHandle;
  BlobPool blobs_;
  size_t directories_ = 0;
  size_t child_list_bytes_ = 0;  // sum over the directories
};

}  // namespace synod::tree

// A znode as bytes in a snapshot (docs/formats/znode_record.md). Private to tree.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "coordinator/tree/znode.h"

namespace synod::tree {

inline constexpr char kZnodeKeyPrefix = 'n';

std::string ZnodeKey(std::string_view path);

// Everything of a znode but its path. `data` is a view into the decoded bytes.
struct ZnodeRecord {
  NodeKind kind = NodeKind::kPersistent;
  int64_t czxid = 0;
  int64_t mzxid = 0;
  int64_t pzxid = 0;
  int64_t ctime_ms = 0;
  int64_t mtime_ms = 0;
  int32_t version = 0;
  int32_t aversion = 0;
  uint64_t create_counter = 0;
  int64_t ephemeral_owner = 0;
  uint64_t ttl_ms = 0;
  uint64_t renewed_us = 0;
  AclId acl;
  std::optional<std::string_view> data;
};

std::string EncodeZnode(const NodeStore& store, Handle handle);
// DataLoss: another format version, an unknown kind, truncated or malformed, or fields that contradict each other.
absl::Status DecodeZnode(std::string_view value, ZnodeRecord* record);

}  // namespace synod::tree

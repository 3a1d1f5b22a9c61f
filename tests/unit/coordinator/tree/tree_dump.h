// All that a tree shows through its reads, as values that can be compared, and small loaders. For tests of the tree.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/base/bytes.h"
#include "coordinator/tree/data_tree.h"

namespace synod::tree {

inline const access::Caller kServer = access::Caller::Unrestricted();

struct NodeDump {
  Stat stat;
  std::optional<std::string> data;
  AclId acl;
  std::vector<std::string> children;
  bool operator==(const NodeDump&) const = default;
};

struct TreeDump {
  std::map<std::string, NodeDump> nodes;
  uint64_t digest = 0;
  size_t node_count = 0;
  size_t ephemeral_count = 0;
  size_t data_bytes = 0;
  bool operator==(const TreeDump&) const = default;
};

inline void DumpNode(const DataTree& tree, const std::string& path, TreeDump* dump) {
  NodeDump& node = dump->nodes[path];
  std::optional<std::string_view> data;
  EXPECT_EQ(tree.GetData(kServer, path, &data, &node.stat), Error::kOk) << path;
  if (data.has_value()) node.data = std::string(*data);
  EXPECT_EQ(tree.GetAcl(kServer, path, &node.acl, nullptr, nullptr), Error::kOk) << path;
  EXPECT_EQ(tree.GetChildren(kServer, path, &node.children, nullptr), Error::kOk) << path;
  for (const std::string& name : std::vector<std::string>(node.children)) {
    DumpNode(tree, (path == "/" ? "" : path) + "/" + name, dump);
  }
}

inline TreeDump Dump(const DataTree& tree) {
  TreeDump dump;
  DumpNode(tree, "/", &dump);
  dump.digest = tree.digest();
  dump.node_count = tree.node_count();
  dump.ephemeral_count = tree.ephemeral_count();
  dump.data_bytes = tree.data_bytes();
  return dump;
}

using Records = std::map<std::string, std::string>;

// The records of a whole tree that has never been closed.
inline Records AllRecords(DataTree& tree) {
  Records records;
  tree.CloseChanges();
  EXPECT_TRUE(tree.WriteClosed(
      [&](std::string key, std::optional<std::string> value) {
        if (value.has_value()) records[key] = *value;
      },
      [] { return true; }));
  return records;
}

// With records of the ACL table among them, if there is one.
inline std::unique_ptr<DataTree> Load(const Records& records, access::AclTable* acls = nullptr) {
  std::unique_ptr<DataTree> tree = DataTree::ForLoading(acls);
  for (const auto& [key, value] : records) {
    bool is_acl = acls != nullptr && access::AclTable::IsKey(key);
    absl::Status status = is_acl ? acls->LoadRecord(key, value) : tree->LoadRecord(key, value);
    EXPECT_TRUE(status.ok()) << status;
  }
  absl::Status status = tree->FinishLoading();
  EXPECT_TRUE(status.ok()) << status;
  if (acls != nullptr) {
    status = acls->FinishLoading();
    EXPECT_TRUE(status.ok()) << status;
  }
  return tree;
}

// A record as docs/formats/znode_record.md has it, of a persistent node with zxids and times 0 and empty data.
inline std::string PlainRecord(int32_t version, uint64_t create_counter) {
  ByteWriter out;
  out.U8(2);  // format
  out.U8(0);  // persistent
  for (int i = 0; i < 5; ++i) out.SignedVarint(0);
  out.SignedVarint(version);
  out.SignedVarint(0);  // aversion
  out.Varint(create_counter);
  out.Varint(0);  // ACL
  out.Varint(1);  // empty data
  return out.Take();
}

inline std::unique_ptr<DataTree> LoadWith(const std::string& path, const std::string& record) {
  DataTree fresh;
  Records records = AllRecords(fresh);
  records["n" + path] = record;
  records["n/"] = PlainRecord(0, 1);
  return Load(records);
}
inline std::unique_ptr<DataTree> LoadWithCounter(const std::string& path, uint64_t counter) {
  return LoadWith(path, PlainRecord(0, counter));
}
inline std::unique_ptr<DataTree> LoadWithVersion(const std::string& path, int32_t version) {
  return LoadWith(path, PlainRecord(version, 0));
}

}  // namespace synod::tree

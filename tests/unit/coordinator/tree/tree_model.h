// What the protocol sheet says about the tree, written as plainly as possible: a map from paths to structs, everything
// looked for anew each time. For random_commands_test.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "coordinator/access/acl.h"
#include "coordinator/tree/data_tree.h"
#include "coordinator/tree/path.h"
#include "coordinator/tree/quota_table.h"

namespace synod::tree {

// Who asks, and how a command is stamped.
struct Who {
  bool bypass = false;
  access::IdentitySet identities;
};
struct When {
  Zxid zxid;
  int64_t wall_ms = 0;
  uint64_t clock_us = 0;
  bool enforce_quota = true;
  Who who;
};

class TreeModel {
 public:
  using Data = std::optional<std::string>;
  enum class Kind { kPlain, kEphemeral, kContainer, kTtl };
  struct Node {
    Stat stat;  // without what follows from other nodes
    uint64_t creates = 0;
    Data data;
    size_t acl = 0;  // in lists
    Kind kind = Kind::kPlain;
    uint64_t ttl_ms = 0;
    uint64_t renewed_us = 0;
    uint64_t childless_since = 0;
  };
  using Nodes = std::map<std::string, Node>;

  // `acl_lists`: 0 is open, 1 world's READ.
  explicit TreeModel(std::vector<access::Acl> acl_lists) : lists(std::move(acl_lists)) {
    for (const char* path : {"/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"}) nodes[path].data = "";
    nodes["/zookeeper/config"].stat.version = nodes["/zookeeper/config"].stat.aversion = -1;
    nodes["/zookeeper/config"].acl = 1;
  }

  bool Allows(const Who& who, const std::string& path, uint32_t wanted) const {
    return who.bypass || access::Grants(lists[nodes.at(path).acl], who.identities, wanted);
  }
  static std::string Below(const std::string& path) { return path == "/" ? path : path + "/"; }
  static std::string Parent(const std::string& path) { return std::string(ParentPath(path)); }
  std::vector<std::string> Children(const std::string& path) const {
    std::vector<std::string> names;
    for (auto it = nodes.upper_bound(Below(path)); it != nodes.end() && it->first.starts_with(Below(path)); ++it) {
      if (Parent(it->first) == path) names.emplace_back(BaseName(it->first));
    }
    return names;
  }
  std::vector<std::string> Descendants(const std::string& path) const {
    std::vector<std::string> below;
    for (auto it = nodes.upper_bound(Below(path)); it != nodes.end() && it->first.starts_with(Below(path)); ++it) {
      below.push_back(it->first);
    }
    return below;
  }
  // Sorts as the tree is walked: a node, what is below it, its next sibling.
  static std::string TreeKey(std::string path) {
    std::replace(path.begin(), path.end(), '/', '\0');
    return path == std::string(1, '\0') ? "" : path;
  }

  Error Create(const When& when, const CreateArgs& args, size_t acl, std::string* final_path) {
    std::string path(args.path);
    if (path.find('/') == std::string::npos) return Error::kBadArguments;
    auto parent = nodes.find(Parent(path));
    if (parent == nodes.end()) return Error::kNoNode;
    if (!Allows(when.who, parent->first, access::kCreate)) return Error::kNoAuth;
    if (args.sequential) path += absl::StrFormat("%010d", parent->second.creates);
    if (!IsValidPath(path)) return Error::kBadArguments;
    if (nodes.contains(path)) return Error::kNodeExists;
    if (parent->second.kind == Kind::kEphemeral) return Error::kNoChildrenForEphemerals;
    if (!Quota(when, path, 1, static_cast<int64_t>(args.data.value_or("").size()))) return Error::kQuotaExceeded;
    ++parent->second.creates;
    parent->second.stat.pzxid = when.zxid;
    Node& node = nodes[path];
    node.stat.czxid = node.stat.mzxid = node.stat.pzxid = when.zxid;
    node.stat.ctime_ms = node.stat.mtime_ms = when.wall_ms;
    node.stat.ephemeral_owner = args.ephemeral_owner;
    if (args.data.has_value()) node.data = std::string(*args.data);
    node.acl = acl;
    node.kind = args.ephemeral_owner.value() != 0 ? Kind::kEphemeral
                : args.ttl_ms != 0                ? Kind::kTtl
                : args.container                  ? Kind::kContainer
                                                  : Kind::kPlain;
    node.ttl_ms = args.ttl_ms;
    node.renewed_us = when.clock_us;
    events.push_back("created " + path);
    *final_path = path;
    return Error::kOk;
  }
  Error MayDelete(const When& when, const std::string& path, int32_t version) const {
    if (IsSystemPath(path) || !IsValidPath(path)) return Error::kBadArguments;
    if (!nodes.contains(Parent(path))) return Error::kNoNode;
    if (!Allows(when.who, Parent(path), access::kDelete)) return Error::kNoAuth;
    if (!nodes.contains(path)) return Error::kNoNode;
    return version == -1 || version == nodes.at(path).stat.version ? Error::kOk : Error::kBadVersion;
  }
  void Remove(const When& when, const std::string& path) {
    nodes.erase(path);
    Node& parent = nodes[Parent(path)];
    parent.stat.pzxid = std::max(parent.stat.pzxid, when.zxid);
    parent.childless_since = when.clock_us;
    events.push_back("deleted " + path);
  }
  Error Delete(const When& when, const std::string& path, int32_t version) {
    if (Error error = MayDelete(when, path, version); error != Error::kOk) return error;
    if (!Children(path).empty()) return Error::kNotEmpty;
    Remove(when, path);
    return Error::kOk;
  }
  Error SetData(const When& when, const std::string& path, const Data& data, int32_t version) {
    if (!IsValidPath(path)) return Error::kBadArguments;
    if (!nodes.contains(path)) return Error::kNoNode;
    if (!Allows(when.who, path, access::kWrite)) return Error::kNoAuth;
    Node& node = nodes[path];
    bool fits = version == -1 || version == node.stat.version;
    auto growth = static_cast<int64_t>(data.value_or("").size()) - static_cast<int64_t>(node.data.value_or("").size());
    if (!Quota(when, path, 0, growth, fits)) return Error::kQuotaExceeded;
    if (!fits) return Error::kBadVersion;
    node.data = data;
    node.renewed_us = when.clock_us;
    if (path != "/zookeeper/config") ++node.stat.version;
    node.stat.mzxid = when.zxid;
    node.stat.mtime_ms = when.wall_ms;
    events.push_back("changed " + path);
    return Error::kOk;
  }
  Error SetAcl(const When& when, const std::string& path, size_t acl, int32_t version) {
    if (!IsValidPath(path)) return Error::kBadArguments;
    if (!nodes.contains(path)) return Error::kNoNode;
    if (!Allows(when.who, path, access::kAdmin)) return Error::kNoAuth;
    Node& node = nodes[path];
    if (version != -1 && version != node.stat.aversion) return Error::kBadVersion;
    node.acl = acl;
    ++node.stat.aversion;
    return Error::kOk;
  }
  Error DeleteTree(const When& when, const std::string& path, int32_t version, uint64_t max_nodes, bool partial,
                   DataTree::TreeDeleted* result) {
    if (Error error = MayDelete(when, path, version); error != Error::kOk) return error;
    std::vector<std::string> order;
    AddLeavesFirst(path, &order);
    if (order.size() > max_nodes && !partial) return Error::kTooLarge;
    result->remaining = order.size() > max_nodes ? order.size() - max_nodes : 0;
    order.resize(std::min<size_t>(order.size(), max_nodes));
    result->deleted = order.size();
    for (const std::string& node : order) {
      if (node != path && !Allows(when.who, Parent(node), access::kDelete)) return Error::kNoAuth;
    }
    for (const std::string& node : order) Remove(when, node);
    return Error::kOk;
  }
  bool DeleteEphemerals(const When& when, SessionId owner, size_t max_nodes) {
    std::vector<std::pair<Zxid, std::string>> order;
    for (const std::string& path : Ephemerals(owner)) order.emplace_back(nodes[path].stat.czxid, path);
    std::sort(order.begin(), order.end());
    for (size_t i = 0; i < order.size() && i < max_nodes; ++i) Remove(when, order[i].second);
    return order.size() <= max_nodes;
  }
  std::vector<std::string> Ephemerals(SessionId owner) const {
    std::vector<std::string> paths;
    for (const auto& [path, node] : nodes) {
      if (node.stat.ephemeral_owner == owner) paths.push_back(path);
    }
    return paths;
  }
  std::vector<std::string> EphemeralsBelow(const Who& who, const std::string& top, const std::string& after) const {
    std::vector<std::pair<std::string, std::string>> found;
    for (const auto& [path, node] : nodes) {
      if (node.kind != Kind::kEphemeral || (path != top && !path.starts_with(Below(top)))) continue;
      bool listed = Allows(who, Parent(path), access::kRead);
      for (std::string p = Parent(path); listed && p.size() > top.size(); p = Parent(p)) {
        listed = Allows(who, Parent(p), access::kRead);
      }
      if (listed && (after.empty() || TreeKey(path) > TreeKey(after))) found.emplace_back(TreeKey(path), path);
    }
    std::sort(found.begin(), found.end());
    std::vector<std::string> paths;
    for (auto& [key, path] : found) paths.push_back(path);
    return paths;
  }
  Error RemoveIdle(const When& when, const IdleNode& idle) {
    if (!nodes.contains(idle.path)) return Error::kNoNode;
    const Node& node = nodes[idle.path];
    if (node.stat.czxid != idle.czxid || node.stat.mzxid != idle.mzxid) return Error::kBadVersion;
    if (!Children(idle.path).empty()) return Error::kNotEmpty;
    bool over = (node.kind == Kind::kContainer && node.creates > 0) ||
                (node.kind == Kind::kTtl && node.renewed_us + node.ttl_ms * 1000 <= when.clock_us);
    if (!over) return Error::kBadArguments;
    Remove(when, idle.path);
    return Error::kOk;
  }
  std::vector<std::string> FindIdle(uint64_t clock_us, uint64_t container_idle_us) const {
    std::vector<std::tuple<uint64_t, Zxid, std::string>> due;
    for (const auto& [path, node] : nodes) {
      if (!Children(path).empty()) continue;
      uint64_t at = UINT64_MAX;
      if (node.kind == Kind::kTtl) at = node.renewed_us + node.ttl_ms * 1000;
      if (node.kind == Kind::kContainer && node.creates > 0) at = node.childless_since + container_idle_us;
      if (at <= clock_us) due.emplace_back(at, node.stat.czxid, path);
    }
    std::sort(due.begin(), due.end());
    std::vector<std::string> paths;
    for (const auto& entry : due) paths.push_back(std::get<2>(entry));
    return paths;
  }

  // Usage of a path, and what a node shows for its data.
  std::pair<int64_t, int64_t> Usage(const std::string& path) const {
    std::pair<int64_t, int64_t> usage;
    for (const auto& [p, node] : nodes) {
      if (p != path && !p.starts_with(Below(path))) continue;
      ++usage.first;
      usage.second += static_cast<int64_t>(node.data.value_or("").size());
    }
    return usage;
  }
  Data Shown(const std::string& path) const {
    const std::string root = "/zookeeper/quota", name = "/zookeeper_stats";
    if (!path.starts_with(root) || !path.ends_with(name)) return nodes.at(path).data;
    std::string target = path.substr(root.size(), path.size() - root.size() - name.size());
    auto [count, bytes] = Usage(target.empty() ? "/" : target);
    return absl::StrCat("count=", count, ",bytes=", bytes);
  }
  Stat ShownStat(const std::string& path) const {
    Stat stat = nodes.at(path).stat;
    size_t children = Children(path).size();
    stat.num_children = static_cast<int32_t>(children);
    stat.cversion = static_cast<int32_t>(2 * nodes.at(path).creates - children);
    stat.data_length = static_cast<int32_t>(Shown(path).value_or("").size());
    return stat;
  }

  Nodes nodes;
  std::vector<access::Acl> lists;
  std::vector<std::string> events;
  std::map<std::string, std::pair<int64_t, int64_t>> excesses;  // path to count and bytes, the last of the command

 private:
  void AddLeavesFirst(const std::string& path, std::vector<std::string>* order) const {
    for (const std::string& name : Children(path)) AddLeavesFirst(Below(path) + name, order);
    order->push_back(path);
  }
  // Whether the change may be made; notes what it exceeds if it is made.
  bool Quota(const When& when, const std::string& path, int64_t count_growth, int64_t bytes_growth, bool note = true) {
    for (std::string p = path; p != "/" && !p.starts_with("/zookeeper"); p = Parent(p)) {
      auto limits_node = nodes.find("/zookeeper/quota" + p + "/zookeeper_limits");
      if (limits_node == nodes.end()) continue;
      QuotaLimits limits = ParseQuotaLimits(limits_node->second.data.value_or(""));
      auto [count, bytes] = Usage(p);
      count += count_growth;
      bytes += bytes_growth;
      int64_t count_limit = limits.count_hard != -1 ? limits.count_hard : limits.count;
      int64_t byte_limit = limits.byte_hard != -1 ? limits.byte_hard : limits.bytes;
      bool over_count = count_growth > 0 && count_limit != -1 && count > count_limit;
      bool over_bytes = bytes_growth > 0 && byte_limit != -1 && bytes > byte_limit;
      if (when.enforce_quota && over_count && limits.count_hard != -1) return false;
      if (when.enforce_quota && over_bytes && limits.byte_hard != -1) return false;
      if (note && (over_count || over_bytes)) excesses[p] = {count, bytes};
      return true;
    }
    return true;
  }
};

}  // namespace synod::tree

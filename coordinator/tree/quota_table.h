// Quotas (specs: ZooKeeper protocol, section 18): what the nodes under /zookeeper/quota say. Follows from the tree, so
// it is in no snapshot and no digest of its own. Private to tree; used by one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/container/btree_map.h"

namespace synod::tree {

inline constexpr std::string_view kQuotaRoot = "/zookeeper/quota";
inline constexpr std::string_view kLimitsName = "zookeeper_limits";
inline constexpr std::string_view kUsageName = "zookeeper_stats";

// -1: no limit.
struct QuotaLimits {
  int64_t count = -1;
  int64_t bytes = -1;
  int64_t count_hard = -1;
  int64_t byte_hard = -1;

  // A hard limit is the one compared, if there is one.
  int64_t EffectiveCount() const { return count_hard >= 0 ? count_hard : count; }
  int64_t EffectiveBytes() const { return byte_hard >= 0 ? byte_hard : bytes; }
  bool operator==(const QuotaLimits&) const = default;
};

// "count=N,bytes=M" with hard limits "count=N,bytes=M=;byteHardLimit=X;countHardLimit=Y". "," and ";" are the same, and
// the order is free. What is not understood is no limit: the text is a client's and was stored without a question.
QuotaLimits ParseQuotaLimits(std::string_view text);
std::string QuotaUsageText(uint64_t count, uint64_t bytes);

// The path that a node at `path` speaks of, "/zookeeper/quota" + P + "/" + `name`: P. REQUIRES IsQuotaNode.
std::string_view QuotaTarget(std::string_view path, std::string_view name);
bool IsQuotaNode(std::string_view path, std::string_view name);

class QuotaTable {
 public:
  // The root and what is below /zookeeper have no quota, as in ZooKeeper: false, nothing done.
  bool Set(std::string_view path, const QuotaLimits& limits);
  void Erase(std::string_view path);
  bool empty() const { return limits_.empty(); }
  const QuotaLimits* Find(std::string_view path) const;
  size_t memory_bytes() const { return limits_.size() * 80; }

 private:
  absl::btree_map<std::string, QuotaLimits, std::less<>> limits_;
};

}  // namespace synod::tree

// Quotas as ZooKeeper keeps them: two nodes per quota below /zookeeper/quota, whose data is text (specs: ZooKeeper
// protocol, section 18).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/client/types.h"

namespace synod::cli {

// -1: no limit. Soft limits are warned of by the servers; hard ones are kept, if the ensemble enforces quotas.
struct QuotaLimits {
  int64_t count = -1;
  int64_t bytes = -1;
  int64_t hard_count = -1;
  int64_t hard_bytes = -1;
  bool operator==(const QuotaLimits&) const = default;
};

// "count=5,bytes=-1", with hard limits "count=5,bytes=-1=;byteHardLimit=10;countHardLimit=-1".
std::string QuotaText(const QuotaLimits& limits);
// The same, and what ZooKeeper's own tools write: "," and ";" mean the same, the order is free, what is missing is -1.
// nullopt: none of it.
std::optional<QuotaLimits> ParseQuota(std::string_view text);

// "/app" -> "/zookeeper/quota/app/zookeeper_limits", "..._stats".
std::string QuotaNode(std::string_view path);
std::string QuotaLimitsNode(std::string_view path);
std::string QuotaStatsNode(std::string_view path);
// What sets the quota of `path`, as one multi: the chain of nodes, the limits, and, last, the node for the usage, which
// the servers fill.
std::vector<client::Operation> SetQuotaOperations(std::string_view path, const QuotaLimits& limits);

}  // namespace synod::cli

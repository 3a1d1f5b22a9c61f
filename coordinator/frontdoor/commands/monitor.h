// The figures of `mntr`, /commands/monitor and, as far as they are numbers, /metrics: one list, ZooKeeper's names
// (specs: ZooKeeper protocol, section 20) where they mean the same.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "coordinator/frontdoor/commands/facts.h"

namespace synod::frontdoor::commands {

// A distribution since start or srst; milliseconds.
struct Summary {
  uint64_t count = 0;
  double sum = 0, min = 0, max = 0;
  // Estimated within the buckets of LatencyStats (powers of two), so at most a factor of two off; 0 while count is 0.
  double p50 = 0, p90 = 0, p95 = 0, p99 = 0, p999 = 0;
};
Summary Summarize(const service::LatencyStats& stats);

struct Figure {
  enum class Type : uint8_t { kText, kGauge, kCounter, kSummary };
  std::string name;  // ZooKeeper's in Prometheus, which is that of mntr without "zk_" but for parts of summaries
  std::variant<std::string, int64_t, double, Summary> value;
  Type type = Type::kGauge;
  std::string help;  // for Prometheus; one line
};

// Loop only. In the order of mntr.
std::vector<Figure> Figures(const CommandContext& context);

// The lines of mntr: (key without "zk_", value). A summary x becomes avg_x, min_x, max_x, cnt_x, sum_x, p50_x, p95_x,
// p99_x, p999_x, as ZooKeeper's default provider shows it; whole milliseconds but for the average.
struct MonitorLine {
  std::string key;
  std::variant<std::string, int64_t, double> value;
};
std::vector<MonitorLine> MonitorLines(const CommandContext& context);
// As Java prints a double that was rounded to four decimals: "0.0", "0.4865".
std::string JavaDouble(double value);

}  // namespace synod::frontdoor::commands

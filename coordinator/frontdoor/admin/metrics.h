// The metrics of a server as Prometheus reads them.
#pragma once

#include <string>
#include <vector>

#include "coordinator/frontdoor/admin/http_server.h"
#include "coordinator/frontdoor/commands/connection_facts.h"
#include "coordinator/frontdoor/commands/monitor.h"
#include "coordinator/service/status.h"

namespace synod::frontdoor {

// What one look at the loop brought.
struct Measured {
  std::vector<commands::Figure> figures;  // ZooKeeper's names; those that are text are left out
  service::ServerStatus status;
  service::ServiceStats stats;
  commands::DoorCounters door;  // of the ZooKeeper door
  absl::Duration at;            // by the monotonic clock
};

// Keeps count and sum of the summaries readlatency and updatelatency, whose quantiles become those of what is recent.
// Others stay as they are: since the start.
void SetRecentQuantiles(const service::LatencyStats& reads, const service::LatencyStats& writes,
                        std::vector<commands::Figure>* figures);

// The text exposition format.
std::string MetricsText(const Measured& measured, const AdminProcess& process);

}  // namespace synod::frontdoor

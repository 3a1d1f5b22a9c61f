// The metrics of a server as Prometheus reads them.
#pragma once

#include <string>

#include "coordinator/frontdoor/admin/http_server.h"
#include "coordinator/service/status.h"

namespace synod::frontdoor {

// The text exposition format.
std::string MetricsText(const service::ServerStatus& status, const service::ServiceStats& stats,
                        const AdminProcess& process);

}  // namespace synod::frontdoor

// SIGTERM and SIGINT: the first asks the server to leave in order, the second ends it at once.
#pragma once

#include <functional>

namespace synod::server {

// Once per process, before any other thread starts: blocks both signals for all threads to come, ignores SIGPIPE, and
// starts a thread that waits for them. It calls `leave` at the first; at the second, or when the process still runs 8 s
// after the first, it ends the process with code 1.
void HandleSignals(std::function<void()> leave);

}  // namespace synod::server

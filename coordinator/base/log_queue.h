// How far the log's own thread has got.
#pragma once

#include <cstddef>

namespace synod {

// Lines that wait for the log's thread. The one it is writing is not among them. Any thread.
size_t QueuedLogLines();

}  // namespace synod

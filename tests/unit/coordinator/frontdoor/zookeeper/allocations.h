// What this thread took from the heap, in the test binary that links this.
#pragma once

#include <cstddef>

namespace synod::testing {

extern thread_local size_t allocated_bytes;
extern thread_local size_t allocations;

}  // namespace synod::testing

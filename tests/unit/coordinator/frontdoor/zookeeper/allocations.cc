#include "tests/unit/coordinator/frontdoor/zookeeper/allocations.h"

#include <cstdlib>
#include <new>

namespace synod::testing {

thread_local size_t allocated_bytes = 0;
thread_local size_t allocations = 0;

}  // namespace synod::testing

// The other forms, of arrays and those that do not throw, end up in these two.
void* operator new(size_t bytes) {
  synod::testing::allocated_bytes += bytes;
  ++synod::testing::allocations;
  void* memory = std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) std::abort();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

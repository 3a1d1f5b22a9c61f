#include "coordinator/tree/region.h"

#include <sys/mman.h>

#include <cstdlib>

#include "coordinator/base/check.h"

namespace synod::tree {

char* NewRegion(bool huge) {
  void* region = std::aligned_alloc(kRegionBytes, kRegionBytes);
  SYNOD_CHECK(region != nullptr) << "out of memory";
  if (huge) (void)madvise(region, kRegionBytes, MADV_HUGEPAGE);  // a hint; without it all works the same
  return static_cast<char*>(region);
}

}  // namespace synod::tree

// Memory in large aligned regions. Private to tree.
#pragma once

#include <cstddef>

namespace synod::tree {

inline constexpr size_t kRegionBytes = size_t{2} << 20;

// kRegionBytes aligned to itself, contents undefined; freed with std::free. Pages cost memory only once touched. `huge`
// asks for a huge page: a look-up in a large tree touches three places at random, and without huge pages each is a miss
// of the address cache besides one of the data cache. Not for the first region of anything: a small tree shall stay
// small.
char* NewRegion(bool huge);

}  // namespace synod::tree

// Randomness from the kernel, for the composition of a real server: seeds, storage ids, session passwords.
#pragma once

#include <cstdint>

namespace synod {

// 64 unpredictable bits (getrandom). Ends the process if the kernel has none: ids drawn from anything less could
// collide (D10).
uint64_t SystemRandom();

}  // namespace synod

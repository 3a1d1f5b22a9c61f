// CRC-32C (Castagnoli), the checksum of every record on disk and every frame between servers.
#pragma once

#include <cstdint>
#include <string_view>

namespace synod {

// The checksum of `bytes`, continuing from `seed` (the checksum of what stood before, 0 at the start).
uint32_t Crc32c(std::string_view bytes, uint32_t seed = 0);

}  // namespace synod

#include "coordinator/base/crc32c.h"

#include <isa-l/crc.h>

namespace synod {

uint32_t Crc32c(std::string_view bytes, uint32_t seed) {
  // isa-l takes and returns the register; the inversions are the standard's. It takes an int length, so long inputs go
  // in parts.
  uint32_t crc = ~seed;
  constexpr size_t kPart = 1u << 30;
  while (!bytes.empty()) {
    size_t n = bytes.size() < kPart ? bytes.size() : kPart;
    crc = crc32_iscsi(reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data())), static_cast<int>(n), crc);
    bytes.remove_prefix(n);
  }
  return ~crc;
}

}  // namespace synod

// Fixed-width integers as ZooKeeper's wire format has them: big-endian, not aligned.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace synod::frontdoor::zookeeper {

// Either way round: big-endian from the machine's order, and back.
constexpr uint32_t BigEndian(uint32_t value) {
  return std::endian::native == std::endian::little ? __builtin_bswap32(value) : value;
}
constexpr uint64_t BigEndian(uint64_t value) {
  return std::endian::native == std::endian::little ? __builtin_bswap64(value) : value;
}

// `Int` is int32_t or int64_t. REQUIRES sizeof(Int) bytes at `from`.
template <typename Int>
Int LoadBigEndian(const char* from) {
  std::make_unsigned_t<Int> raw;
  std::memcpy(&raw, from, sizeof raw);
  return static_cast<Int>(BigEndian(raw));
}

// Returns where the next value goes. REQUIRES room for sizeof(Int) bytes at `to`.
template <typename Int>
char* StoreBigEndian(Int value, char* to) {
  const std::make_unsigned_t<Int> raw = BigEndian(static_cast<std::make_unsigned_t<Int>>(value));
  std::memcpy(to, &raw, sizeof raw);
  return to + sizeof raw;
}

}  // namespace synod::frontdoor::zookeeper

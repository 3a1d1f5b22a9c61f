// The hash behind the digests of sessions, replies and settings (D13). Version 1; a change of it is a new digest
// version.
//
// Not cryptographic: it guards against divergence and rot, not against an adversary. Input is read little-endian.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace synod::sessions {

// Folds the 128-bit product: every bit of a and b reaches every bit of the result.
inline uint64_t MixDigest(uint64_t a, uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  Wide product = static_cast<Wide>(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xd6e8feb86659fd93u);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

inline uint64_t HashDigest(std::string_view bytes, uint64_t seed) {
  uint64_t h = MixDigest(seed, bytes.size());
  const char* p = bytes.data();
  size_t n = bytes.size();
  for (; n >= 16; n -= 16, p += 16) {
    uint64_t a, b;
    std::memcpy(&a, p, 8);
    std::memcpy(&b, p + 8, 8);
    h = MixDigest(h ^ a, b);
  }
  uint64_t a = 0, b = 0;
  if (n > 0) std::memcpy(&a, p, n < 8 ? n : 8);
  if (n > 8) std::memcpy(&b, p + 8, n - 8);
  return MixDigest(h ^ a, b ^ (seed | 1));
}

}  // namespace synod::sessions

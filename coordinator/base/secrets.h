// Comparing what must not be guessed.
#pragma once

#include <cstddef>
#include <string_view>

namespace synod {

// Takes as long wherever the first difference is, so that its time tells nothing. The length is no secret. Pure.
inline bool SameSecret(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned char difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned char>(a[i] ^ b[i]);
  return difference == 0;
}

}  // namespace synod

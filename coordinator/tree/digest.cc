#include "coordinator/tree/digest.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace synod::tree {

uint64_t ChildPathHash(uint64_t parent_path_hash, std::string_view name) {
  return XXH3_64bits_withSeed(name.data(), name.size(), parent_path_hash);
}

uint64_t FieldsTerm(uint64_t path_hash, const DigestFields& fields) {
  return XXH3_64bits_withSeed(&fields, sizeof fields, path_hash);
}

uint64_t DataTerm(uint64_t path_hash, std::string_view data) {
  return XXH3_64bits_withSeed(data.data(), data.size(), path_hash + kDataSeed);
}

}  // namespace synod::tree

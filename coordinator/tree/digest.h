// What each znode adds to the tree's digest (D13): two 64-bit terms, summed over all nodes with wrap-around, so that
// the sum neither depends on an order nor needs the whole tree to follow one change.
//
//   path hash(root)   = kRootPathHash
//   path hash(child)  = XXH3_64(name, seed = path hash(parent))
//   term 1 = XXH3_64(the fields as 12 little-endian 64-bit words in the order of DigestFields, seed = path hash)
//   term 2 = XXH3_64(data, seed = path hash + kDataSeed)          (null data counts as empty here; the field `bits`
//   tells them apart)
//
// Two terms, because a create or delete changes only the parent's fields, however long its data is. Derived values
// (number of children, wire cversion, data length) have no part in it. Any change of this needs a new kDigestVersion.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

namespace synod::tree {

inline constexpr uint32_t kDigestVersion = 2;
inline constexpr uint64_t kRootPathHash = 0x53796e6f64303031;  // "Synod001"
inline constexpr uint64_t kDataSeed = 0x9e3779b97f4a7c15;

struct DigestFields {
  int64_t czxid;
  int64_t mzxid;
  int64_t pzxid;
  int64_t ctime_ms;
  int64_t mtime_ms;
  int64_t version;
  int64_t aversion;
  uint64_t create_counter;
  int64_t ephemeral_owner;
  uint64_t ttl_ms;
  uint64_t bits;  // ACL id, node kind << 32, null data << 40
  uint64_t renewed_us;
};
static_assert(sizeof(DigestFields) == 12 * 8, "no padding may be hashed");
static_assert(std::endian::native == std::endian::little, "the digest is defined over little-endian words");

uint64_t ChildPathHash(uint64_t parent_path_hash, std::string_view name);
uint64_t FieldsTerm(uint64_t path_hash, const DigestFields& fields);
uint64_t DataTerm(uint64_t path_hash, std::string_view data);

}  // namespace synod::tree

// Who may do what: permissions, access control lists and the identities they are judged by (specs: ZooKeeper protocol,
// section 7). Plain values and pure functions; replicated decisions are made with them.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/base/bytes.h"
#include "coordinator/base/ids.h"

namespace synod::access {

// Bits of AclEntry::permissions (7.1). Other bits are stored as given and match nothing.
enum Permission : uint32_t {
  kRead = 1,
  kWrite = 2,
  kCreate = 4,
  kDelete = 8,
  kAdmin = 16,
  kAllPermissions = 31,
};

struct AclEntry {
  uint32_t permissions = 0;
  std::string scheme;
  std::string id;
  auto operator<=>(const AclEntry&) const = default;
};
using Acl = std::vector<AclEntry>;

// An identity that a connection has proved: "digest" and "user:base64", "ip" and the address, "super" and "".
struct Identity {
  std::string scheme;
  std::string id;
  auto operator<=>(const Identity&) const = default;
};
// Sorted, each once. Empty: nothing but world:anyone.
using IdentitySet = std::vector<Identity>;
// False, and nothing changes: it would take the set beyond the limits below. True if it was there already.
bool Insert(Identity identity, IdentitySet* set);

// Always in the tables, never counted, never freed.
inline constexpr AclId kOpenAcl{0};      // world:anyone, all permissions
inline constexpr AclId kReadOnlyAcl{1};  // world:anyone, READ
inline constexpr IdentitySetId kNoIdentities{0};

// Limits of one list, part of the state-machine version.
inline constexpr size_t kMaxAclEntries = 256;
inline constexpr size_t kMaxAclEntriesAsked = 4 * kMaxAclEntries;  // with duplicates
inline constexpr size_t kMaxAclTextBytes = 1024;                   // of one scheme or id
// Of all schemes and ids of a list: every event below a node carries its list into the window (W3), a command may make
// thousands of them.
inline constexpr size_t kMaxAclListBytes = 16 << 10;
inline constexpr size_t kMaxIdentities = 64;

// What a create or setACL request becomes before it is stored (7.3): duplicates go, `auth` becomes the caller's
// authenticated identities. nullopt: InvalidACL (empty, unknown scheme, an id that its scheme refuses, `auth` without
// identities, beyond the limits). What `auth` makes equal to another entry
// stays twice. A result is never empty, and FixUp of it is itself.
std::optional<Acl> FixUp(const Acl& wanted, const IdentitySet& caller);

// What counts towards kMaxAclListBytes.
size_t TextBytes(const Acl& acl);

// Whether one of the entries grants one of the bits in `wanted` to one of the identities (7.2). Without the bypasses,
// which are Caller's. An empty list, which FixUp never makes, grants everything, as ZooKeeper has it.
bool Grants(const Acl& acl, const IdentitySet& caller, uint32_t wanted);

// getACL without ADMIN (11.8): each digest id as "user:x".
Acl Masked(const Acl& acl);

// Whether a set of identities bypasses every check: one of scheme "super", or the digest identity that the ensemble
// names as its super user ("user:base64"; empty: none).
bool IsSuper(const IdentitySet& identities, std::string_view super_digest);

// Bytes, as in commands and snapshots (docs/formats/command.md):
//   acl        := varint n , {varint permissions , blob scheme , blob id}{n}
//   identities := varint n , {blob scheme , blob id}{n}
// A list that FixUp would refuse is read all the same: its refusal is an outcome. Identities come only from Insert; a
// set out of order or beyond its limits is malformed.
void EncodeAcl(const Acl& acl, ByteWriter* out);
void DecodeAcl(ByteReader* in, Acl* acl);  // a malformed one fails the reader
void EncodeIdentities(const IdentitySet& identities, ByteWriter* out);
void DecodeIdentities(ByteReader* in, IdentitySet* identities);

}  // namespace synod::access

#include "coordinator/access/acl.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/access/schemes.h"

namespace synod::access {
namespace {

constexpr std::string_view kWorld = "world";
constexpr std::string_view kAuth = "auth";
constexpr std::string_view kDigest = "digest";
constexpr std::string_view kSuper = "super";
// Of an encoded entry: permissions, and the lengths of two blobs.
constexpr size_t kMinEntryBytes = 3;

Acl WithoutDuplicates(const Acl& acl) {
  const auto less = [](const AclEntry* a, const AclEntry* b) { return *a < *b; };
  std::set<const AclEntry*, decltype(less)> seen(less);
  Acl unique;
  for (const AclEntry& entry : acl) {
    if (seen.insert(&entry).second) unique.push_back(entry);
  }
  return unique;
}

// One entry per identity that counts as authenticated.
void AppendAuthenticated(const IdentitySet& caller, uint32_t permissions, Acl* out) {
  for (const Identity& identity : caller) {
    const Scheme* scheme = FindScheme(identity.scheme);
    if (scheme != nullptr && scheme->authenticated) out->push_back({permissions, identity.scheme, identity.id});
  }
}

}  // namespace

bool Insert(Identity identity, IdentitySet* set) {
  auto at = std::lower_bound(set->begin(), set->end(), identity);
  if (at != set->end() && *at == identity) return true;
  if (set->size() >= kMaxIdentities) return false;
  if (identity.scheme.size() > kMaxAclTextBytes || identity.id.size() > kMaxAclTextBytes) return false;
  set->insert(at, std::move(identity));
  return true;
}

std::optional<Acl> FixUp(const Acl& wanted, const IdentitySet& caller) {
  // Before any work for it: a list may come from a multi, where only all of them together are bounded.
  if (wanted.size() > kMaxAclEntriesAsked) return std::nullopt;
  Acl fixed;
  for (AclEntry& entry : WithoutDuplicates(wanted)) {
    if (entry.scheme == kAuth) {
      const size_t before = fixed.size();
      AppendAuthenticated(caller, entry.permissions, &fixed);
      if (fixed.size() == before) return std::nullopt;
    } else {
      const Scheme* scheme = FindScheme(entry.scheme);
      if (scheme == nullptr || entry.id.size() > kMaxAclTextBytes || !scheme->valid_acl_id(entry.id)) {
        return std::nullopt;
      }
      fixed.push_back(std::move(entry));
    }
    if (fixed.size() > kMaxAclEntries) return std::nullopt;
  }
  if (fixed.empty() || TextBytes(fixed) > kMaxAclListBytes) return std::nullopt;
  return fixed;
}

size_t TextBytes(const Acl& acl) {
  size_t bytes = 0;
  for (const AclEntry& entry : acl) bytes += entry.scheme.size() + entry.id.size();
  return bytes;
}

bool Grants(const Acl& acl, const IdentitySet& caller, uint32_t wanted) {
  if (acl.empty()) return true;
  for (const AclEntry& entry : acl) {
    if ((entry.permissions & wanted) == 0) continue;
    const Scheme* scheme = FindScheme(entry.scheme);
    if (scheme == nullptr) continue;
    if (entry.scheme == kWorld && scheme->valid_acl_id(entry.id)) return true;
    for (const Identity& identity : caller) {
      if (identity.scheme == entry.scheme && scheme->matches(identity.id, entry.id)) return true;
    }
  }
  return false;
}

Acl Masked(const Acl& acl) {
  Acl masked = acl;
  for (AclEntry& entry : masked) {
    if (entry.scheme == kDigest) entry.id = entry.id.substr(0, entry.id.find(':')) + ":x";
  }
  return masked;
}

bool IsSuper(const IdentitySet& identities, std::string_view super_digest) {
  return std::any_of(identities.begin(), identities.end(), [&](const Identity& identity) {
    return identity.scheme == kSuper ||
           (!super_digest.empty() && identity.scheme == kDigest && identity.id == super_digest);
  });
}

void EncodeAcl(const Acl& acl, ByteWriter* out) {
  out->Varint(acl.size());
  for (const AclEntry& entry : acl) {
    out->Varint(entry.permissions);
    out->Blob(entry.scheme);
    out->Blob(entry.id);
  }
}

void DecodeAcl(ByteReader* in, Acl* acl) {
  acl->clear();
  const uint64_t count = in->Varint();
  // Before memory is taken for entries that cannot be there.
  if (count > in->remaining() / kMinEntryBytes) in->Fail();
  if (!in->ok()) return;
  acl->resize(static_cast<size_t>(count));
  for (AclEntry& entry : *acl) {
    const uint64_t permissions = in->Varint();
    if (permissions > UINT32_MAX) in->Fail();
    entry.permissions = static_cast<uint32_t>(permissions);
    entry.scheme = in->Blob();
    entry.id = in->Blob();
  }
  if (!in->ok()) acl->clear();
}

void EncodeIdentities(const IdentitySet& identities, ByteWriter* out) {
  out->Varint(identities.size());
  for (const Identity& identity : identities) {
    out->Blob(identity.scheme);
    out->Blob(identity.id);
  }
}

void DecodeIdentities(ByteReader* in, IdentitySet* identities) {
  identities->clear();
  const uint64_t count = in->Varint();
  if (count > kMaxIdentities) in->Fail();
  for (uint64_t i = 0; i < count && in->ok(); ++i) {
    Identity identity;
    identity.scheme = in->Blob();
    identity.id = in->Blob();
    const bool in_order = identities->empty() || identities->back() < identity;
    if (!in_order || !Insert(std::move(identity), identities)) in->Fail();
  }
  if (!in->ok()) identities->clear();
}

}  // namespace synod::access

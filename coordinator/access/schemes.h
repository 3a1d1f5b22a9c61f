// The schemes of identities (specs: ZooKeeper protocol, 7.4): which there are, which ids an ACL may name in them, and
// when an identity matches an entry. The one table that a new scheme (x509, sasl) is added to.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "coordinator/access/acl.h"

namespace synod::access {

struct Scheme {
  std::string_view name;
  // Whether an ACL may hold this id.
  bool (*valid_acl_id)(std::string_view id);
  // Whether the identity `id` is meant by the entry's `acl_id`.
  bool (*matches)(std::string_view id, std::string_view acl_id);
  // Counts for the pseudo scheme `auth` (7.3): digest, x509 and sasl do, ip does not.
  bool authenticated = false;
  // What a credential of this scheme proves, which may be nothing (ip comes from the connection); nullopt: it is
  // refused. Null function: the scheme takes no credentials (x509 and sasl will come from TLS and from an exchange of
  // their own).
  std::optional<IdentitySet> (*authenticate)(std::string_view credential) = nullptr;
  // How whoAmI names an identity of this scheme: never with what could be used in its place.
  std::string_view (*display_name)(std::string_view id);
};

// nullptr: unknown. "world", "ip", "digest"; "x509" and "sasl" are not offered yet and unknown.
const Scheme* FindScheme(std::string_view name);

// What a client's credential proves. Any number may be given; a digest never fails for a wrong password, it is just
// another identity. An empty set: accepted, nothing new (scheme ip). nullopt: AuthFailed (unknown scheme, `world`,
// `auth`, `super`, an empty digest, a user longer than an id may be).
std::optional<IdentitySet> Authenticate(std::string_view scheme, std::string_view credential);

// whoAmI (7.4): a digest's user, an ip's address, "" of super, otherwise the id.
std::string_view DisplayName(const Identity& identity);

// "user:base64(SHA1(user:password))" of "user:password"; the user ends at the first ':', and is the whole text without
// one.
std::string DigestId(std::string_view user_and_password);

// The identity of a connection from `address` ("127.0.0.1", "::1", "fe80::1%eth0"; no port). An IPv4 address in IPv6
// clothes ("::ffff:127.0.0.1", as a dual-stack socket reports it) is the IPv4 address. nullopt: no address (a test, a
// pipe).
std::optional<Identity> IpIdentity(std::string_view address);

}  // namespace synod::access

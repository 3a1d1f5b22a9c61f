#include "coordinator/access/schemes.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace synod::access {
namespace {

// ---- world ----

bool IsAnyone(std::string_view id) { return id == "anyone"; }
bool Always(std::string_view, std::string_view) { return true; }
std::string_view Itself(std::string_view id) { return id; }

// ---- ip ----

struct Address {
  std::array<uint8_t, 16> bytes = {};
  size_t size = 0;  // 4 or 16
};

constexpr std::array<uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// A number of 1 to 3 decimal digits without a leading zero (which some read as octal).
std::optional<uint32_t> ParseDecimal(std::string_view text) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  uint32_t value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<uint32_t>(c - '0');
  }
  return value;
}

// Four decimal bytes.
bool ParseIpv4(std::string_view text, uint8_t* out) {
  for (int i = 0; i < 4; ++i) {
    const size_t end = i < 3 ? text.find('.') : text.size();
    if (end == std::string_view::npos) return false;
    const std::optional<uint32_t> byte = ParseDecimal(text.substr(0, end));
    if (!byte || *byte > 255) return false;
    out[i] = static_cast<uint8_t>(*byte);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return true;
}

bool ParseHexGroup(std::string_view text, uint8_t* out) {
  if (text.empty() || text.size() > 4) return false;
  uint32_t value = 0;
  for (char c : text) {
    uint32_t digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<uint32_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<uint32_t>(c - 'a') + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = static_cast<uint32_t>(c - 'A') + 10;
    } else {
      return false;
    }
    value = value << 4 | digit;
  }
  out[0] = static_cast<uint8_t>(value >> 8);
  out[1] = static_cast<uint8_t>(value);
  return true;
}

// Groups of four hex digits between ':'; the last may be an IPv4 address. The number of bytes written; nullopt:
// malformed, or more than 16.
std::optional<size_t> ParseGroups(std::string_view text, bool may_end_in_ipv4, uint8_t* out) {
  size_t size = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find(':'), text.size());
    const bool last = end == text.size();
    if (last && may_end_in_ipv4 && text.find('.') != std::string_view::npos) {
      if (size > 12 || !ParseIpv4(text, out + size)) return std::nullopt;
      return size + 4;
    }
    if (size > 14 || !ParseHexGroup(text.substr(0, end), out + size)) return std::nullopt;
    size += 2;
    if (last) break;
    text.remove_prefix(end + 1);
    if (text.empty()) return std::nullopt;  // a ':' at the end
  }
  return size;
}

// RFC 4291, 2.2.
bool ParseIpv6(std::string_view text, uint8_t* out) {
  const size_t gap = text.find("::");
  if (gap == std::string_view::npos) return ParseGroups(text, true, out) == std::optional<size_t>(16);
  std::array<uint8_t, 16> tail = {};
  const std::optional<size_t> head_size = ParseGroups(text.substr(0, gap), false, out);
  const std::optional<size_t> tail_size = ParseGroups(text.substr(gap + 2), true, tail.data());
  // The gap stands for at least one group.
  if (!head_size || !tail_size || *head_size + *tail_size > 14) return false;
  std::fill(out + *head_size, out + 16 - *tail_size, uint8_t{0});
  std::copy(tail.begin(), tail.begin() + static_cast<std::ptrdiff_t>(*tail_size), out + 16 - *tail_size);
  return true;
}

std::optional<Address> ParseAddress(std::string_view text) {
  Address address;
  if (text.find(':') == std::string_view::npos) {
    address.size = 4;
    if (!ParseIpv4(text, address.bytes.data())) return std::nullopt;
  } else {
    address.size = 16;
    if (!ParseIpv6(text, address.bytes.data())) return std::nullopt;
  }
  return address;
}

bool IsMapped(const Address& address) {
  return address.size == 16 && std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), address.bytes.begin());
}

Address Unmapped(const Address& address) {
  Address v4;
  v4.size = 4;
  std::copy(address.bytes.begin() + 12, address.bytes.end(), v4.bytes.begin());
  return v4;
}

struct Network {
  Address address;
  uint32_t bits = 0;
};

// "address" or "address/bits".
std::optional<Network> ParseNetwork(std::string_view text) {
  const size_t slash = text.find('/');
  const std::optional<Address> address = ParseAddress(text.substr(0, slash));
  if (!address) return std::nullopt;
  const uint32_t width = static_cast<uint32_t>(address->size) * 8;
  Network network{*address, width};
  if (slash != std::string_view::npos) {
    const std::optional<uint32_t> bits = ParseDecimal(text.substr(slash + 1));
    if (!bits || *bits > width) return std::nullopt;
    network.bits = *bits;
  }
  // IpIdentity names such clients by their IPv4 address.
  if (IsMapped(*address) && network.bits >= 96) network = {Unmapped(*address), network.bits - 96};
  return network;
}

bool IsNetwork(std::string_view acl_id) { return ParseNetwork(acl_id).has_value(); }

bool InNetwork(std::string_view id, std::string_view acl_id) {
  const std::optional<Address> address = ParseAddress(id);
  const std::optional<Network> network = ParseNetwork(acl_id);
  if (!address || !network || address->size != network->address.size) return false;
  const size_t whole = network->bits / 8;
  const auto& a = address->bytes;
  const auto& b = network->address.bytes;
  if (!std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(whole), b.begin())) return false;
  const uint32_t rest = network->bits % 8;
  if (rest == 0) return true;
  const uint32_t mask = 0xffu << (8 - rest) & 0xffu;
  return (a[whole] & mask) == (b[whole] & mask);
}

std::optional<IdentitySet> AcceptsAnything(std::string_view) { return IdentitySet{}; }

// ---- digest ----

std::string_view User(std::string_view text) { return text.substr(0, text.find(':')); }

// "user:something", the user may be empty.
bool IsDigestAclId(std::string_view id) {
  const size_t colon = id.find(':');
  return colon != std::string_view::npos && colon + 1 < id.size() && id.find(':', colon + 1) == std::string_view::npos;
}

bool IsEqual(std::string_view id, std::string_view acl_id) { return id == acl_id; }

std::optional<IdentitySet> AuthenticateDigest(std::string_view credential) {
  if (credential.empty()) return std::nullopt;
  IdentitySet proved;
  if (!Insert({"digest", DigestId(credential)}, &proved)) return std::nullopt;
  return proved;
}

constexpr std::array<Scheme, 3> kSchemes = {{
    {"world", IsAnyone, Always, false, nullptr, Itself},
    {"ip", IsNetwork, InNetwork, false, AcceptsAnything, Itself},
    {"digest", IsDigestAclId, IsEqual, true, AuthenticateDigest, User},
}};

}  // namespace

const Scheme* FindScheme(std::string_view name) {
  const auto* it = std::find_if(kSchemes.begin(), kSchemes.end(), [&](const Scheme& s) { return s.name == name; });
  return it == kSchemes.end() ? nullptr : it;
}

std::optional<IdentitySet> Authenticate(std::string_view scheme, std::string_view credential) {
  const Scheme* found = FindScheme(scheme);
  if (found == nullptr || found->authenticate == nullptr) return std::nullopt;
  return found->authenticate(credential);
}

std::string_view DisplayName(const Identity& identity) {
  const Scheme* scheme = FindScheme(identity.scheme);
  return scheme == nullptr ? std::string_view(identity.id) : scheme->display_name(identity.id);
}

std::string DigestId(std::string_view user_and_password) {
  std::array<unsigned char, SHA_DIGEST_LENGTH> hash;
  SHA1(reinterpret_cast<const unsigned char*>(user_and_password.data()), user_and_password.size(), hash.data());
  const std::string base64 =
      absl::Base64Escape(absl::string_view(reinterpret_cast<const char*>(hash.data()), hash.size()));
  return std::string(User(user_and_password)) + ":" + base64;
}

std::optional<Identity> IpIdentity(std::string_view address) {
  const std::string_view without_zone = address.substr(0, address.find('%'));
  const std::optional<Address> parsed = ParseAddress(without_zone);
  if (!parsed) return std::nullopt;
  if (!IsMapped(*parsed)) return Identity{"ip", std::string(without_zone)};
  const auto& b = parsed->bytes;
  return Identity{"ip", absl::StrCat(+b[12], ".", +b[13], ".", +b[14], ".", +b[15])};
}

}  // namespace synod::access

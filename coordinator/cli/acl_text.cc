#include "coordinator/cli/acl_text.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace synod::cli {
namespace {

constexpr std::pair<char, uint32_t> kLetters[] = {
    {'c', client::kCreate}, {'d', client::kDelete}, {'r', client::kRead}, {'w', client::kWrite}, {'a', client::kAdmin}};
constexpr std::string_view kPasswordScheme = "digest-password";

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

bool ParsePermissions(std::string_view text, uint32_t* out) {
  if (text.empty()) return false;
  if (absl::SimpleAtoi(View(text), out)) return true;
  *out = 0;
  for (char c : text) {
    uint32_t bit = 0;
    for (const auto& [letter, permission] : kLetters) bit = letter == c ? permission : bit;
    if (bit == 0) return false;
    *out |= bit;
  }
  return true;
}

}  // namespace

std::string PermissionsText(uint32_t permissions) {
  std::string out;
  for (const auto& [letter, permission] : kLetters) {
    if ((permissions & permission) != 0) out += letter;
  }
  return out.empty() || (permissions & ~client::kAllPermissions) != 0 ? std::to_string(permissions) : out;
}

absl::StatusOr<client::AclEntry> ParseAclEntry(std::string_view text) {
  const auto wrong = [&](std::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("\"", View(text), "\": ", View(why)));
  };
  const size_t first = text.find(':');
  const size_t last = text.rfind(':');
  if (first == std::string_view::npos || first == last)
    return wrong("an entry is scheme:id:perms, as world:anyone:cdrwa or auth::crwda");
  client::AclEntry out;
  out.scheme = text.substr(0, first);
  out.id = text.substr(first + 1, last - first - 1);
  if (out.scheme.empty()) return wrong("the scheme is missing");
  if (!ParsePermissions(text.substr(last + 1), &out.permissions))
    return wrong("permissions are some of the letters c, d, r, w, a");
  if (out.scheme != kPasswordScheme) return out;
  const size_t colon = out.id.find(':');
  if (colon == 0 || colon == std::string::npos)
    return absl::InvalidArgumentError("digest-password needs user:password:perms");
  out.scheme = "digest";
  out.id = client::DigestId(out.id);
  return out;
}

absl::StatusOr<client::Acl> ParseAcl(std::string_view text) {
  client::Acl out;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    auto entry = ParseAclEntry(text.substr(0, comma));
    if (!entry.ok()) return entry.status();
    out.push_back(*std::move(entry));
    if (comma == std::string_view::npos) return out;
    text.remove_prefix(comma + 1);
  }
  return absl::InvalidArgumentError("an ACL is one or more scheme:id:perms, separated by commas");
}

std::string AclEntryText(const client::AclEntry& entry) {
  return absl::StrCat(entry.scheme, ":", entry.id, ":", PermissionsText(entry.permissions));
}

std::string AclText(const client::Acl& acl) {
  return absl::StrJoin(acl, ",", [](std::string* out, const client::AclEntry& entry) { *out += AclEntryText(entry); });
}

absl::StatusOr<client::Credential> ParseCredential(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == 0 || colon == std::string_view::npos)
    return absl::InvalidArgumentError("a credential is SCHEME:CREDENTIAL, as digest:user:password");
  return client::Credential{std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

}  // namespace synod::cli

#include "coordinator/tree/path.h"

#include <cstddef>
#include <cstdint>

#include "coordinator/base/check.h"

namespace synod::tree {
namespace {

// Length of the allowed character that starts at s[i], 0 if there is none: control and private-use characters, what
// lies beyond the basic plane, and malformed UTF-8 are all refused (rule 5 of section 9).
size_t AllowedCharacter(std::string_view s, size_t i) {
  auto byte = [&](size_t k) -> uint8_t { return k < s.size() ? static_cast<uint8_t>(s[k]) : 0; };
  auto continues = [&](size_t k) { return (byte(k) & 0xc0) == 0x80; };
  uint8_t a = byte(i);
  if (a < 0x80) return a > 0x1f && a != 0x7f ? 1 : 0;
  if (a < 0xc2) return 0;  // a stray continuation byte or an overlong form
  if (a < 0xe0) {
    if (!continues(i + 1)) return 0;
    return a == 0xc2 && byte(i + 1) < 0xa0 ? 0 : 2;  // U+0080..U+009F
  }
  if (a >= 0xf0) return 0;
  if (!continues(i + 1) || !continues(i + 2)) return 0;
  uint32_t c = (a & 0x0fu) << 12 | (byte(i + 1) & 0x3fu) << 6 | (byte(i + 2) & 0x3fu);
  if (c < 0x800) return 0;                   // overlong
  if (c >= 0xd800 && c <= 0xf8ff) return 0;  // surrogates and private use
  return c >= 0xfff0 ? 0 : 3;
}

bool IsValidName(std::string_view name) { return !name.empty() && name != "." && name != ".."; }

}  // namespace

bool IsValidPath(std::string_view path) {
  if (path.empty() || path[0] != '/') return false;
  if (path.size() == 1) return true;
  size_t start = 1;
  for (size_t i = 1; i < path.size();) {
    if (path[i] == '/') {
      if (!IsValidName(path.substr(start, i - start))) return false;
      start = ++i;
      continue;
    }
    size_t length = AllowedCharacter(path, i);
    if (length == 0) return false;
    i += length;
  }
  return IsValidName(path.substr(start));
}

std::string_view ParentPath(std::string_view path) {
  size_t slash = path.rfind('/');
  SYNOD_CHECK(slash != std::string_view::npos) << "a path without a slash";
  return slash == 0 ? path.substr(0, 1) : path.substr(0, slash);
}

std::string_view BaseName(std::string_view path) {
  size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool IsSystemPath(std::string_view path) {
  return path == "/" || path == "/zookeeper" || path == "/zookeeper/quota" || path == "/zookeeper/config";
}

}  // namespace synod::tree

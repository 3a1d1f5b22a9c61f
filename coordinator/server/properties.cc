#include "coordinator/server/properties.h"

#include <cstdint>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "coordinator/base/status_macros.h"

namespace synod::server {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\f'; }
bool IsEnd(char c) { return c == '\n' || c == '\r'; }

// A line with those that continue it, its escapes still in it; the line breaks between are taken out.
struct LogicalLine {
  int number = 0;
  std::string text;
};

class LineReader {
 public:
  explicit LineReader(std::string_view text) : text_(text) {}

  std::optional<LogicalLine> Next() {
    while (at_ < text_.size()) {
      std::string_view part = Part();
      if (part.empty() || part[0] == '#' || part[0] == '!') continue;
      LogicalLine line;
      line.number = number_;
      while (GoesOn(part)) {
        line.text.append(part.substr(0, part.size() - 1));
        part = at_ < text_.size() ? Part() : std::string_view();
      }
      line.text.append(part);
      return line;
    }
    return std::nullopt;
  }

 private:
  // The next line of the file without leading blanks.
  std::string_view Part() {
    ++number_;
    while (at_ < text_.size() && IsBlank(text_[at_])) ++at_;
    const size_t begin = at_;
    while (at_ < text_.size() && !IsEnd(text_[at_])) ++at_;
    std::string_view part = text_.substr(begin, at_ - begin);
    if (at_ < text_.size()) at_ += text_.substr(at_, 2) == "\r\n" ? 2 : 1;
    return part;
  }
  static bool GoesOn(std::string_view part) {
    size_t slashes = 0;
    while (slashes < part.size() && part[part.size() - 1 - slashes] == '\\') ++slashes;
    return slashes % 2 == 1;
  }

  const std::string_view text_;
  size_t at_ = 0;
  int number_ = 0;
};

void AppendUtf8(uint32_t c, std::string* out) {
  auto tail = [&](int shift) { out->push_back(static_cast<char>(0x80 | ((c >> shift) & 0x3f))); };
  if (c < 0x80) {
    out->push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out->push_back(static_cast<char>(0xc0 | (c >> 6)));
    tail(0);
  } else if (c < 0x10000) {
    out->push_back(static_cast<char>(0xe0 | (c >> 12)));
    tail(6);
    tail(0);
  } else {
    out->push_back(static_cast<char>(0xf0 | (c >> 18)));
    tail(12);
    tail(6);
    tail(0);
  }
}

// The four hexadecimal digits at the beginning of `text`.
std::optional<uint32_t> Unit(std::string_view text) {
  if (text.size() < 4) return std::nullopt;
  uint32_t value = 0;
  for (char c : text.substr(0, 4)) {
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) return std::nullopt;
    const int digit = absl::ascii_isdigit(static_cast<unsigned char>(c)) ? c - '0' : absl::ascii_tolower(c) - 'a' + 10;
    value = value * 16 + static_cast<uint32_t>(digit);
  }
  return value;
}

// \uXXXX, or a pair of them, from behind the first u; the number of characters taken, 0: malformed.
size_t TakeUnicode(std::string_view text, std::string* out) {
  const std::optional<uint32_t> unit = Unit(text);
  if (!unit) return 0;
  if (*unit >= 0xd800 && *unit < 0xdc00 && text.substr(4, 2) == "\\u") {
    const std::optional<uint32_t> low = Unit(text.substr(6));
    if (low && *low >= 0xdc00 && *low < 0xe000) {
      AppendUtf8(0x10000 + ((*unit - 0xd800) << 10) + (*low - 0xdc00), out);
      return 10;
    }
  }
  AppendUtf8(*unit >= 0xd800 && *unit < 0xe000 ? 0xfffd : *unit, out);
  return 4;
}

absl::StatusOr<std::string> Unescaped(int line, std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out.push_back(text[i]);
      continue;
    }
    switch (text[++i]) {
      case 't':
        out.push_back('\t');
        break;
      case 'n':
        out.push_back('\n');
        break;
      case 'r':
        out.push_back('\r');
        break;
      case 'f':
        out.push_back('\f');
        break;
      case 'u': {
        const size_t taken = TakeUnicode(text.substr(i + 1), &out);
        if (taken == 0) {
          return absl::InvalidArgumentError(absl::StrCat("line ", line, ": \\u needs four hexadecimal digits"));
        }
        i += taken;
        break;
      }
      default:
        out.push_back(text[i]);
    }
  }
  return std::string(absl::StripAsciiWhitespace(out));
}

}  // namespace

absl::StatusOr<std::vector<Property>> ParseProperties(std::string_view text) {
  std::vector<Property> properties;
  LineReader reader(text);
  while (std::optional<LogicalLine> line = reader.Next()) {
    const std::string_view all = line->text;
    size_t end = 0;
    for (; end < all.size() && !IsBlank(all[end]) && all[end] != '=' && all[end] != ':'; ++end) {
      if (all[end] == '\\' && end + 1 < all.size()) ++end;
    }
    size_t value = end;
    while (value < all.size() && IsBlank(all[value])) ++value;
    if (value < all.size() && (all[value] == '=' || all[value] == ':')) ++value;
    Property property;
    property.line = line->number;
    SYNOD_ASSIGN_OR_RETURN(property.key, Unescaped(line->number, all.substr(0, end)));
    SYNOD_ASSIGN_OR_RETURN(property.value, Unescaped(line->number, all.substr(value)));
    properties.push_back(std::move(property));
  }
  return properties;
}

absl::Status Wrong(const Property& property, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("line ", property.line, ": ", property.key, "=", property.value, ": ", why));
}

}  // namespace synod::server

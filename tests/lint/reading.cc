#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>

#include "tests/lint/lint.h"

namespace synod::lint {
namespace {

namespace fs = std::filesystem;

bool EndsInOneOf(const std::string& name, const std::vector<std::string>& endings) {
  return std::any_of(endings.begin(), endings.end(), [&](const std::string& ending) { return name.ends_with(ending); });
}

bool IsSkippedFolder(const std::string& name) { return name.starts_with(".") || name == "build" || name == "run"; }

}  // namespace

std::string ToString(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& f : findings) out += f.path + ":" + std::to_string(f.line) + ": " + f.message + "\n";
  return out;
}

std::vector<SourceFile> LoadTree(const std::string& root, const std::string& folder,
                                 const std::vector<std::string>& endings) {
  std::vector<SourceFile> out;
  const fs::path start = folder.empty() ? fs::path(root) : fs::path(root) / folder;
  if (!fs::exists(start)) return out;
  fs::recursive_directory_iterator it(start);
  for (const fs::recursive_directory_iterator end; it != end; ++it) {
    const std::string name = it->path().filename().string();
    if (it->is_directory() && IsSkippedFolder(name)) {
      it.disable_recursion_pending();
      continue;
    }
    if (!it->is_regular_file() || !EndsInOneOf(name, endings)) continue;
    std::ifstream in(it->path(), std::ios::binary);
    std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    out.push_back({fs::relative(it->path(), root).generic_string(), std::move(text)});
  }
  std::sort(out.begin(), out.end(), [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return out;
}

std::vector<std::string> SplitLines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

namespace {

// Where a raw string literal that begins at `at` (its R) ends, one past the closing quote.
size_t RawStringEnd(std::string_view text, size_t at) {
  const size_t open = text.find('(', at);
  if (open == std::string_view::npos) return text.size();
  const std::string close = ")" + std::string(text.substr(at + 2, open - at - 2)) + "\"";
  const size_t end = text.find(close, open);
  return end == std::string_view::npos ? text.size() : end + close.size();
}

size_t QuotedEnd(std::string_view text, size_t at) {
  const char quote = text[at];
  for (size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == quote || text[i] == '\n') {
      return i + 1;
    }
  }
  return text.size();
}

bool IsDigitSeparator(std::string_view text, size_t at) {
  return at > 0 && at + 1 < text.size() && std::isxdigit(static_cast<unsigned char>(text[at - 1])) != 0 &&
         std::isxdigit(static_cast<unsigned char>(text[at + 1])) != 0;
}

bool IsIdentifier(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

}  // namespace

std::string BlankCommentsAndLiterals(std::string_view text) {
  std::string out(text);
  const auto blank = [&out](size_t from, size_t to) {
    for (size_t i = from; i < std::min(to, out.size()); ++i) {
      if (out[i] != '\n') out[i] = ' ';
    }
  };
  for (size_t i = 0; i < text.size();) {
    const std::string_view rest = text.substr(i);
    size_t end = i + 1;
    if (rest.starts_with("//")) {
      end = std::min(text.find('\n', i), text.size());
      blank(i, end);
    } else if (rest.starts_with("/*")) {
      const size_t close = text.find("*/", i + 2);
      end = close == std::string_view::npos ? text.size() : close + 2;
      blank(i, end);
    } else if (rest.starts_with("R\"") && (i == 0 || !IsIdentifier(text[i - 1]))) {
      end = RawStringEnd(text, i);
      blank(i + 2, end - 1);
    } else if (text[i] == '"' || (text[i] == '\'' && !IsDigitSeparator(text, i))) {
      end = QuotedEnd(text, i);
      blank(i + 1, end - 1);
    }
    i = end;
  }
  return out;
}

std::vector<Include> Includes(std::string_view text) {
  // The target is a literal of sorts, so the raw line is read; a commented include does not begin its line with '#'.
  static const std::regex kInclude(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])");
  std::vector<Include> out;
  const std::vector<std::string> lines = SplitLines(text);
  for (size_t i = 0; i < lines.size(); ++i) {
    std::smatch match;
    if (lines[i].find("include") == std::string::npos || !std::regex_search(lines[i], match, kInclude)) continue;
    out.push_back({static_cast<int>(i + 1), match[2].str(), match[1].str() == "<"});
  }
  return out;
}

}  // namespace synod::lint

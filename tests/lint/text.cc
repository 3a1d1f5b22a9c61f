// Sizes, words, documents, cited rules.
#include <algorithm>
#include <map>
#include <regex>

#include "tests/lint/lint.h"

namespace synod::lint {
namespace {

constexpr int kLinesMax = 500;
constexpr int kLinesHardMax = 1000;
constexpr size_t kColumnsMax = 120;

// Files that may be longer than kLinesMax (never than kLinesHardMax), each with its reason.
const std::map<std::string, std::string_view, std::less<>>& LongFiles() {
  static const auto* const kFiles = new std::map<std::string, std::string_view, std::less<>>{};
  return *kFiles;
}

bool IsCode(std::string_view path) { return path.ends_with(".cc") || path.ends_with(".h"); }

// Columns as an editor counts them: bytes that continue a UTF-8 character are none of their own.
size_t Columns(std::string_view line) {
  return static_cast<size_t>(
      std::count_if(line.begin(), line.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string FolderPart(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

// "docs/formats" + "../glossary.md" -> "docs/glossary.md".
std::string Resolve(const std::string& folder, std::string_view link) {
  std::vector<std::string> parts;
  const std::string joined = folder.empty() ? std::string(link) : folder + "/" + std::string(link);
  size_t at = 0;
  while (at <= joined.size()) {
    const size_t end = std::min(joined.find('/', at), joined.size());
    const std::string part = joined.substr(at, end - at);
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
    } else if (!part.empty() && part != ".") {
      parts.push_back(part);
    }
    at = end + 1;
  }
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : "/") + part;
  return out;
}

struct Link {
  int line = 0;
  std::string target;  // resolved, without fragment
};

std::vector<Link> RelativeLinks(const SourceFile& document) {
  static const std::regex kLink(R"(\]\(([^)\s]+)\))");
  std::vector<Link> links;
  const std::vector<std::string> lines = SplitLines(document.text);
  bool fenced = false;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].starts_with("```")) fenced = !fenced;
    if (fenced) continue;
    for (auto it = std::sregex_iterator(lines[i].begin(), lines[i].end(), kLink); it != std::sregex_iterator(); ++it) {
      std::string target = (*it)[1].str();
      if (target.find("://") != std::string::npos || target.starts_with("#")) continue;
      target = target.substr(0, target.find('#'));
      links.push_back({static_cast<int>(i + 1), Resolve(FolderPart(document.path), target)});
    }
  }
  return links;
}

}  // namespace

std::vector<Finding> CheckText(const SourceFile& file) {
  std::vector<Finding> findings;
  const std::vector<std::string> lines = SplitLines(file.text);
  const int count = static_cast<int>(lines.size());
  if (IsCode(file.path)) {
    const bool excused = LongFiles().count(file.path) != 0;
    if (count > (excused ? kLinesHardMax : kLinesMax)) {
      findings.push_back(
          {file.path, 0,
           std::to_string(count) + " lines; look for the second idea (limit " + std::to_string(kLinesMax) + ")"});
    }
    if (file.path.ends_with(".h") && file.text.find("#pragma once") == std::string::npos) {
      findings.push_back({file.path, 0, "no #pragma once"});
    }
  }
  // Put together from halves, so that this file does not find itself.
  static const std::regex kPromise(std::string("\\b(TO") + "DO|FIX" + "ME|XX" + "X)\\b");
  for (int i = 0; i < count; ++i) {
    if (Columns(lines[i]) > kColumnsMax && IsCode(file.path) && lines[i].find("NOLINT") == std::string::npos) {
      findings.push_back({file.path, i + 1, "longer than " + std::to_string(kColumnsMax) + " columns"});
    }
    if (std::regex_search(lines[i], kPromise)) findings.push_back({file.path, i + 1, "promises instead of doing"});
    if (lines[i].ends_with("\r")) findings.push_back({file.path, i + 1, "carriage return"});
  }
  return findings;
}

std::vector<Finding> CheckOwnHeaderFirst(const SourceFile& file, const std::set<std::string>& all_paths) {
  if (!file.path.ends_with(".cc")) return {};
  const std::string header = file.path.substr(0, file.path.size() - 3) + ".h";
  if (all_paths.count(header) == 0) return {};
  const std::vector<Include> includes = Includes(file.text);
  if (!includes.empty() && includes.front().target == header) return {};
  return {{file.path, includes.empty() ? 0 : includes.front().line,
           "must include " + header + " first, which shows that it compiles alone"}};
}

std::vector<Finding> CheckDocuments(const std::vector<SourceFile>& documents, const std::string& root_document,
                                    const std::set<std::string>& all_paths) {
  std::vector<Finding> findings;
  std::map<std::string, std::vector<Link>> links;
  for (const SourceFile& document : documents) {
    links[document.path] = RelativeLinks(document);
    for (const Link& link : links[document.path]) {
      const bool is_folder = std::any_of(all_paths.begin(), all_paths.end(),
                                         [&](const std::string& p) { return p.starts_with(link.target + "/"); });
      if (all_paths.count(link.target) == 0 && !is_folder)
        findings.push_back({document.path, link.line, "dead link to " + link.target});
    }
  }
  std::set<std::string> reached = {root_document};
  std::vector<std::string> open = {root_document};
  while (!open.empty()) {
    const std::string at = open.back();
    open.pop_back();
    for (const Link& link : links[at]) {
      if (reached.insert(link.target).second) open.push_back(link.target);
    }
  }
  for (const SourceFile& document : documents) {
    if (reached.count(document.path) == 0)
      findings.push_back({document.path, 0, "no link leads here from " + root_document});
  }
  return findings;
}

std::vector<std::string> RulesInForce() {
  std::vector<std::string> rules;
  const auto add = [&rules](const std::string& letter, int last) {
    for (int i = 1; i <= last; ++i) rules.push_back(letter + std::to_string(i));
  };
  add("L", 11);
  add("D", 13);
  add("S", 10);
  add("W", 2);
  return rules;
}

std::vector<std::string> UncitedRules(const std::vector<SourceFile>& tests, const std::vector<std::string>& rules) {
  static const std::regex kRule(R"(\b[LDSW][0-9]{1,2}\b)");
  std::set<std::string> cited;
  for (const SourceFile& test : tests) {
    for (auto it = std::sregex_iterator(test.text.begin(), test.text.end(), kRule); it != std::sregex_iterator(); ++it)
      cited.insert(it->str());
  }
  std::vector<std::string> missing;
  std::copy_if(rules.begin(), rules.end(), std::back_inserter(missing),
               [&](const std::string& rule) { return cited.count(rule) == 0; });
  return missing;
}

}  // namespace synod::lint

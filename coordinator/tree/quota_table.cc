#include "coordinator/tree/quota_table.h"

#include <charconv>

#include "absl/strings/str_cat.h"
#include "coordinator/base/check.h"

namespace synod::tree {
namespace {

// A whole number; anything else, or a negative one: -1.
int64_t ParseLimit(std::string_view text) {
  int64_t value = -1;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value >= 0 ? value : -1;
}

}  // namespace

QuotaLimits ParseQuotaLimits(std::string_view text) {
  QuotaLimits limits;
  while (!text.empty()) {
    size_t end = text.find_first_of(",;");
    std::string_view part = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    while (part.ends_with('=')) part.remove_suffix(1);  // zkCli's, before the first ";"
    size_t equals = part.find('=');
    if (equals == std::string_view::npos) continue;
    std::string_view key = part.substr(0, equals);
    int64_t value = ParseLimit(part.substr(equals + 1));
    if (key == "count") limits.count = value;
    if (key == "bytes") limits.bytes = value;
    if (key == "countHardLimit") limits.count_hard = value;
    if (key == "byteHardLimit") limits.byte_hard = value;
  }
  return limits;
}

std::string QuotaUsageText(uint64_t count, uint64_t bytes) { return absl::StrCat("count=", count, ",bytes=", bytes); }

bool IsQuotaNode(std::string_view path, std::string_view name) {
  return path.size() > kQuotaRoot.size() + name.size() && path.starts_with(kQuotaRoot) &&
         path[kQuotaRoot.size()] == '/' && path.ends_with(name) && path[path.size() - name.size() - 1] == '/';
}

std::string_view QuotaTarget(std::string_view path, std::string_view name) {
  SYNOD_CHECK(IsQuotaNode(path, name));
  size_t length = path.size() - kQuotaRoot.size() - name.size() - 1;
  return length == 0 ? std::string_view("/") : path.substr(kQuotaRoot.size(), length);
}

bool QuotaTable::Set(std::string_view path, const QuotaLimits& limits) {
  if (path == "/" || path == "/zookeeper" || path.starts_with("/zookeeper/")) return false;
  limits_.insert_or_assign(std::string(path), limits);
  return true;
}

void QuotaTable::Erase(std::string_view path) {
  if (auto found = limits_.find(path); found != limits_.end()) limits_.erase(found);
}

const QuotaLimits* QuotaTable::Find(std::string_view path) const {
  auto found = limits_.find(path);
  return found == limits_.end() ? nullptr : &found->second;
}

}  // namespace synod::tree

#include "coordinator/cli/quota_text.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace synod::cli {
namespace {

constexpr char kRoot[] = "/zookeeper/quota";

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

std::string QuotaText(const QuotaLimits& limits) {
  std::string out = absl::StrCat("count=", limits.count, ",bytes=", limits.bytes);
  if (limits.hard_count >= 0 || limits.hard_bytes >= 0)
    absl::StrAppend(&out, "=;byteHardLimit=", limits.hard_bytes, ";countHardLimit=", limits.hard_count);
  return out;
}

std::optional<QuotaLimits> ParseQuota(std::string_view text) {
  QuotaLimits out;
  bool any = false;
  for (absl::string_view part : absl::StrSplit(View(text), absl::ByAnyChar(",;"), absl::SkipEmpty())) {
    const std::vector<absl::string_view> words = absl::StrSplit(part, '=', absl::SkipEmpty());
    int64_t value = 0;
    if (words.size() != 2 || !absl::SimpleAtoi(words[1], &value)) return std::nullopt;
    int64_t* const field = words[0] == "count"            ? &out.count
                           : words[0] == "bytes"          ? &out.bytes
                           : words[0] == "countHardLimit" ? &out.hard_count
                           : words[0] == "byteHardLimit"  ? &out.hard_bytes
                                                          : nullptr;
    if (field == nullptr) continue;  // of a newer ZooKeeper
    *field = value;
    any = true;
  }
  if (!any) return std::nullopt;
  return out;
}

std::string QuotaNode(std::string_view path) { return absl::StrCat(kRoot, path == "/" ? "" : View(path)); }
std::string QuotaLimitsNode(std::string_view path) { return QuotaNode(path) + "/zookeeper_limits"; }
std::string QuotaStatsNode(std::string_view path) { return QuotaNode(path) + "/zookeeper_stats"; }

std::vector<client::Operation> SetQuotaOperations(std::string_view path, const QuotaLimits& limits) {
  client::CreateOptions keep;
  keep.on_existing = client::OnExisting::kKeep;
  std::vector<client::Operation> out = {client::Operation::Check(std::string(path))};
  const std::string node = QuotaNode(path);
  for (size_t slash = node.find('/', sizeof kRoot); slash != std::string::npos; slash = node.find('/', slash + 1))
    out.push_back(client::Operation::Create(node.substr(0, slash), std::nullopt, keep));
  if (path != "/") out.push_back(client::Operation::Create(node, std::nullopt, keep));
  out.push_back(client::Operation::Put(QuotaLimitsNode(path), QuotaText(limits)));
  out.push_back(client::Operation::Create(QuotaStatsNode(path), "count=0,bytes=0", keep));
  return out;
}

}  // namespace synod::cli

// Quotas (specs: ZooKeeper protocol, section 18). Usage is read off the sums that every directory keeps, so nothing is
// written for it, and the writes of one multi see each other.
#include "coordinator/base/check.h"
#include "coordinator/tree/data_tree_impl.h"

namespace synod::tree {

DataTree::Impl::Usage DataTree::Impl::UsageOf(Handle node) const {
  if (node == kNoHandle) return {};
  Usage usage{1, NodeStore::Fields(store.at(node)).data.size()};
  if (const Directory* d = store.directory(node); d != nullptr) {
    usage.count += d->descendants;
    usage.bytes += d->descendant_bytes;
  }
  return usage;
}

Error DataTree::Impl::CheckQuota(const ChangeContext& context, std::string_view path, Handle node, Handle parent,
                                 int64_t count_growth, int64_t bytes_growth, std::optional<QuotaExcess>* excess) const {
  // The deepest registered prefix counts, and no other.
  const QuotaLimits* limits = node == kNoHandle ? quotas.Find(path) : nullptr;
  std::string holder(path);
  Handle above = kNoHandle;
  if (limits == nullptr) {
    above = node == kNoHandle ? parent : node;
    while (above != kNoHandle && (store.at(above).flags & Znode::kQuota) == 0) above = store.at(above).parent;
    if (above == kNoHandle) return Error::kOk;
    holder = store.Path(above);
    limits = quotas.Find(holder);
    SYNOD_CHECK(limits != nullptr);
  }
  Usage usage = UsageOf(above);
  QuotaExcess after;
  after.path = std::move(holder);
  after.count = static_cast<int64_t>(usage.count) + count_growth;
  after.bytes = static_cast<int64_t>(usage.bytes) + bytes_growth;
  after.count_limit = limits->EffectiveCount();
  after.bytes_limit = limits->EffectiveBytes();
  bool count_exceeded = count_growth > 0 && after.count_limit >= 0 && after.count > after.count_limit;
  bool bytes_exceeded = bytes_growth > 0 && after.bytes_limit >= 0 && after.bytes > after.bytes_limit;
  if (context.enforce_quota &&
      ((count_exceeded && limits->count_hard >= 0) || (bytes_exceeded && limits->byte_hard >= 0))) {
    return Error::kQuotaExceeded;
  }
  if (count_exceeded || bytes_exceeded) *excess = std::move(after);
  return Error::kOk;
}

void DataTree::Impl::LimitsChanged(Handle limits, std::string_view path, bool there) {
  std::string_view target = QuotaTarget(path, kLimitsName);
  bool registered = false;
  if (there) {
    registered = quotas.Set(target, ParseQuotaLimits(NodeStore::Fields(store.at(limits)).data));
  } else {
    quotas.Erase(target);
  }
  if (Handle node = Find(target); node != kNoHandle) {
    uint8_t& flags = store.at(node).flags;
    flags = registered ? flags | Znode::kQuota : flags & ~Znode::kQuota;
  }
}

void DataTree::Impl::MarkQuota(Handle handle, std::string_view path) {
  Znode& node = store.at(handle);
  bool has = !quotas.empty() && quotas.Find(path) != nullptr;
  node.flags = has ? node.flags | Znode::kQuota : node.flags & ~Znode::kQuota;
}

const std::string& DataTree::Impl::UsageText(Handle node) const {
  auto [text, added] = usage_texts.try_emplace(node);
  if (added) {
    Usage usage = UsageOf(Find(QuotaTarget(store.Path(node), kUsageName)));
    text->second = QuotaUsageText(usage.count, usage.bytes);
  }
  return text->second;
}

Stat DataTree::Impl::ShownStat(Handle node) const {
  Stat stat = store.StatOf(node);
  if ((store.at(node).flags & Znode::kUsage) != 0) stat.data_length = static_cast<int32_t>(UsageText(node).size());
  return stat;
}

std::optional<std::string_view> DataTree::Impl::ShownData(Handle handle) const {
  const Znode& node = store.at(handle);
  if ((node.flags & Znode::kUsage) != 0) return UsageText(handle);
  if (node.null_data()) return std::nullopt;
  return NodeStore::Fields(node).data;
}

}  // namespace synod::tree

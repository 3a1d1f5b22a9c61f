#include "coordinator/tree/idle_index.h"

#include "coordinator/base/check.h"

namespace synod::tree {

bool IdleIndex::Earlier::operator()(const Entry& a, const Entry& b) const {
  if (a.at_us != b.at_us) return a.at_us < b.at_us;
  int64_t czxid_a = store->at(a.node).czxid;
  int64_t czxid_b = store->at(b.node).czxid;
  return czxid_a != czxid_b ? czxid_a < czxid_b : store->PathBefore(a.node, b.node);
}

IdleIndex::Set& IdleIndex::SetOf(Handle node) {
  return ttl_.key_comp().store->at(node).kind == NodeKind::kTtl ? ttl_ : containers_;
}

void IdleIndex::Add(uint64_t at_us, Handle node) { SYNOD_CHECK(SetOf(node).insert(Entry{at_us, node}).second); }

void IdleIndex::Remove(uint64_t at_us, Handle node) { SYNOD_CHECK_EQ(SetOf(node).erase(Entry{at_us, node}), 1u); }

std::vector<Handle> IdleIndex::Due(uint64_t now_us, uint64_t container_idle_us, size_t max) const {
  std::vector<Handle> due;
  auto ttl = ttl_.begin();
  auto container = containers_.begin();
  while (due.size() < max) {
    bool has_ttl = ttl != ttl_.end() && ttl->at_us <= now_us;
    bool has_container =
        container != containers_.end() && container->at_us <= now_us && now_us - container->at_us >= container_idle_us;
    if (!has_ttl && !has_container) break;
    bool take_ttl = has_ttl;
    if (has_ttl && has_container) {
      // Not beyond now_us, as it is due.
      take_ttl = ttl_.key_comp()(*ttl, Entry{container->at_us + container_idle_us, container->node});
    }
    due.push_back(take_ttl ? (ttl++)->node : (container++)->node);
  }
  return due;
}

}  // namespace synod::tree

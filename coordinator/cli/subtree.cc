#include "coordinator/cli/subtree.h"

#include <utility>
#include <vector>

#include "coordinator/cli/format.h"

namespace synod::cli {
namespace {

// A node whose children are being visited.
struct Level {
  std::string path;
  client::Listing page;
  size_t next = 0;
};

}  // namespace

client::Error Walk(client::BlockingClient& client, const std::string& root, const WalkOptions& options,
                   absl::FunctionRef<WalkStep(WalkedNode&)> on_node) {
  client::ListOptions list;
  list.with_stat = true;
  list.with_data = options.with_data;
  list.limit = options.page;
  auto top = client.Get(root, options.strength);
  if (!top.ok()) return top.error();
  WalkedNode node{root, top->stat, options.with_data ? std::move(top->data) : std::nullopt, false};
  WalkStep step = on_node(node);
  if (step != WalkStep::kGoOn || node.stat.num_children == 0) return {};
  std::vector<Level> levels;
  levels.push_back({root, {}, 0});
  levels.back().page.more = true;
  while (!levels.empty()) {
    Level& level = levels.back();
    if (level.next == level.page.entries.size()) {
      if (!level.page.more) {
        levels.pop_back();
        continue;
      }
      list.after = level.page.entries.empty() ? "" : level.page.entries.back().name;
      auto page = client.List(level.path, list, options.strength);
      if (!page.ok() && page.error().code != client::ErrorCode::kNoNode) return page.error();
      level.page = page.ok() ? std::move(*page) : client::Listing();  // gone meanwhile
      level.next = 0;
      // A page without entries that says "more" would be asked for again for ever.
      if (level.page.entries.empty()) level.page.more = false;
      continue;
    }
    client::ListEntry& entry = level.page.entries[level.next++];
    node = {JoinPath(level.path, entry.name), entry.stat.value_or(client::Stat()), std::move(entry.data), entry.denied};
    step = on_node(node);
    if (step == WalkStep::kStop) return {};
    if (step == WalkStep::kGoOn && !node.denied && node.stat.num_children > 0) {
      Level below;
      below.path = node.path;
      below.page.more = true;
      levels.push_back(std::move(below));
    }
  }
  return {};
}

}  // namespace synod::cli

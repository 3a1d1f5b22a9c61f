#include "tests/sim/sim_judge.h"

#include <algorithm>
#include <cstdio>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace synod::sim {
namespace {

const access::Caller kSelf = access::Caller::Unrestricted();

std::vector<std::string> Children(const statemachine::StateMachine& state, const std::string& path) {
  std::vector<std::string> names;
  if (state.tree().GetChildren(kSelf, path, &names, nullptr) != tree::Error::kOk) names.clear();
  return names;
}

}  // namespace

bool HasChildren(const statemachine::StateMachine& state, const std::string& path) {
  tree::Stat stat;
  return state.tree().Exists(kSelf, path, &stat) == tree::Error::kOk && stat.num_children > 0;
}

std::optional<std::string> JudgeSequential(const statemachine::StateMachine& state, const Clients& clients) {
  std::vector<std::string> names = Children(state, "/seq");
  std::set<std::string> there(names.begin(), names.end());
  for (size_t i = 0; i < clients.size(); ++i) {
    std::string prefix = absl::StrCat("c", i, "-");
    auto mine = static_cast<size_t>(
        std::count_if(there.begin(), there.end(), [&](const std::string& n) { return absl::StartsWith(n, prefix); }));
    for (const std::string& path : clients[i]->created()) {
      if (!there.contains(path.substr(5))) return absl::StrCat("the acknowledged ", path, " is lost");
    }
    size_t most = clients[i]->created().size() + static_cast<size_t>(clients[i]->created_unknown());
    if (mine > most) {
      return absl::StrCat("client ", i, " asked for ", most, " sequential znodes at most, and there are ", mine,
                          " (S2)");
    }
  }
  return std::nullopt;
}

std::optional<std::string> JudgeEphemerals(const statemachine::StateMachine& state) {
  for (const std::string& name : Children(state, "/eph")) {
    tree::Stat stat;
    (void)state.tree().Exists(kSelf, "/eph/" + name, &stat);
    if (stat.ephemeral_owner.value() == 0) return absl::StrCat("/eph/", name, " is no ephemeral");
    if (state.sessions().Find(stat.ephemeral_owner) == nullptr) {
      return absl::StrCat("/eph/", name, " outlived its session (S1)");
    }
  }
  return std::nullopt;
}

std::optional<std::string> JudgeTtl(const EventTruth& truth, const Clients& clients) {
  for (const auto& [where, event] : truth.events()) {
    if (event.type != tree::EventType::kDeleted || !absl::StartsWith(event.path, "/ttl/")) continue;
    for (const auto& client : clients) {
      auto node = client->ttl_nodes().find(event.path);
      if (node == client->ttl_nodes().end()) continue;
      if (event.seen - node->second.asked < node->second.ttl) {
        return absl::StrCat(event.path, " lived for less than ", absl::FormatDuration(node->second.ttl), " (L5)");
      }
    }
  }
  return std::nullopt;
}

std::optional<std::string> JudgeHistory(const testing::RegisterHistory& history, bool verbose) {
  testing::LinearizabilityResult result = testing::CheckLinearizable(history);
  if (result.verdict == testing::LinearizabilityResult::Verdict::kLinearizable) return std::nullopt;
  if (verbose) std::fprintf(stderr, "%s", testing::FormatHistory(history).c_str());
  return absl::StrCat("not linearizable at ", result.key, ": ", result.explanation);
}

}  // namespace synod::sim

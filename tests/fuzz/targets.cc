#include "tests/fuzz/targets.h"

#include <algorithm>

namespace synod::fuzz {

const std::vector<Target>& Targets() {
  static const auto* const kTargets = new std::vector<Target>{
      {"connect", RunConnect},
      {"connection", RunConnection},
      {"create", RunRequest, 1},
      {"delete", RunRequest, 2},
      {"exists", RunRequest, 3},
      {"getData", RunRequest, 4},
      {"setData", RunRequest, 5},
      {"getAcl", RunRequest, 6},
      {"setAcl", RunRequest, 7},
      {"getChildren", RunRequest, 8},
      {"sync", RunRequest, 9},
      {"ping", RunRequest, 11},
      {"getChildren2", RunRequest, 12},
      {"multi", RunRequest, 14},
      {"create2", RunRequest, 15},
      {"reconfig", RunRequest, 16},
      {"checkWatches", RunRequest, 17},
      {"removeWatches", RunRequest, 18},
      {"createContainer", RunRequest, 19},
      {"createTtl", RunRequest, 21},
      {"multiRead", RunRequest, 22},
      {"auth", RunRequest, 100},
      {"setWatches", RunRequest, 101},
      {"sasl", RunRequest, 102},
      {"getEphemerals", RunRequest, 103},
      {"getAllChildrenNumber", RunRequest, 104},
      {"setWatches2", RunRequest, 105},
      {"addWatch", RunRequest, 106},
      {"whoAmI", RunRequest, 107},
      {"closeSession", RunRequest, -11},
  };
  return *kTargets;
}

const Target* FindTarget(std::string_view name) {
  const auto found = std::find_if(Targets().begin(), Targets().end(), [&](const Target& t) { return t.name == name; });
  return found == Targets().end() ? nullptr : &*found;
}

}  // namespace synod::fuzz

#include "coordinator/tree/node_index.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace synod::tree {
namespace {

Handle Find(const NodeIndex& index, uint64_t hash, Handle wanted) {
  return index.Find(hash, [&](Handle h) { return h == wanted; });
}

TEST(NodeIndex, FindsWhatWasInsertedAndNothingElse) {
  std::mt19937_64 random(1);
  NodeIndex index;
  std::map<Handle, uint64_t> model;
  for (Handle next = 1; next < 60000; ++next) {
    uint64_t hash = random();
    index.Insert(hash, next);
    model[next] = hash;
    if (random() % 3 == 0) {
      auto victim = model.lower_bound(static_cast<Handle>(random() % next));
      if (victim == model.end()) continue;
      index.Erase(victim->second, victim->first);
      EXPECT_EQ(Find(index, victim->second, victim->first), kNoHandle);
      model.erase(victim);
    }
  }
  EXPECT_EQ(index.size(), model.size());
  for (auto [handle, hash] : model) ASSERT_EQ(Find(index, hash, handle), handle);
  while (!model.empty()) {
    index.Erase(model.begin()->second, model.begin()->first);
    model.erase(model.begin());
  }
  EXPECT_EQ(index.size(), 0u);
}

TEST(NodeIndex, ManyEqualHashesStayCorrect) {
  NodeIndex index;
  for (Handle h = 1; h <= 6000; ++h) index.Insert(0x123456789abcdef0, h);
  for (Handle h = 1; h <= 6000; ++h) ASSERT_EQ(Find(index, 0x123456789abcdef0, h), h);
  for (Handle h = 1; h <= 6000; ++h) index.Erase(0x123456789abcdef0, h);
  EXPECT_EQ(index.size(), 0u);
}

TEST(NodeIndex, LoadStaysAboveAHalf) {
  std::mt19937_64 random(2);
  NodeIndex index;
  for (Handle h = 1; h <= 400000; ++h) {
    index.Insert(random(), h);
    if (h > 5000) {
      ASSERT_LE(index.memory_bytes(), h * 16u);
    }
  }
}

}  // namespace
}  // namespace synod::tree

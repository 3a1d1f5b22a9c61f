// The children of a node against a std::set of their names.
#include "coordinator/tree/child_list.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "coordinator/tree/znode.h"

namespace synod::tree {
namespace {

class ChildListTest : public testing::TestWithParam<int> {
 protected:
  ChildListTest() {
    parent_ = store_.Allocate();
    store_.at(parent_).blob = store_.NewBlob(BlobFields{}, NodeKind::kPersistent);
  }
  ~ChildListTest() override {
    while (!names_.empty()) Remove(std::string(*names_.begin()));
    EXPECT_EQ(store_.FirstChild(parent_), kNoHandle);
  }
  void Add(const std::string& name) {
    if (!names_.insert(name).second) return;
    Handle child = store_.Allocate();
    BlobFields fields;
    fields.name = name;
    store_.at(child).parent = parent_;
    store_.at(child).blob = store_.NewBlob(fields, NodeKind::kPersistent);
    handles_[name] = child;
    store_.AddChild(parent_, child);
  }
  void Remove(const std::string& name) {
    if (names_.erase(name) == 0) return;
    Handle child = handles_[name];
    store_.RemoveChild(parent_, child);
    store_.Free(child);
    handles_.erase(name);
  }
  void CheckWalk() {
    ASSERT_EQ(store_.child_count(parent_), names_.size());
    auto expected = names_.begin();
    for (Handle child = store_.FirstChild(parent_); child != kNoHandle; child = store_.NextSibling(child)) {
      ASSERT_NE(expected, names_.end());
      ASSERT_EQ(store_.name(child), *expected++);
    }
    ASSERT_EQ(expected, names_.end());
  }
  // The page from `name` on, by single steps and by a visit.
  void CheckPage(const std::string& name, size_t length) {
    auto expected = names_.lower_bound(name);
    Handle child = store_.FirstChildNotBefore(parent_, name);
    std::vector<Handle> visited;
    store_.VisitSiblings(child, [&](Handle h) {
      visited.push_back(h);
      return visited.size() < length;
    });
    for (size_t i = 0; i < length; ++i) {
      if (expected == names_.end()) {
        ASSERT_EQ(child, kNoHandle);
        ASSERT_EQ(visited.size(), i);
        return;
      }
      ASSERT_NE(child, kNoHandle);
      ASSERT_EQ(store_.name(child), *expected++);
      ASSERT_EQ(visited[i], child);
      child = store_.NextSibling(child);
    }
  }

  NodeStore store_{nullptr};
  Handle parent_ = kNoHandle;
  std::set<std::string> names_;
  std::map<std::string, Handle> handles_;
};

TEST_P(ChildListTest, OrderIsThatOfASetWhateverWasListedBefore) {
  std::mt19937_64 random(static_cast<uint64_t>(GetParam()));
  auto name = [&] {
    return absl::StrCat(random() % 8 == 0 ? "with-a-prefix-longer-than-a-string-holds-" : "", random() % 9000);
  };
  int next = 0;
  for (int phase = 0; phase < 12; ++phase) {
    // Growing and shrinking, in random and in growing and falling order of names.
    size_t steps = random() % 3000;
    uint64_t kind = random() % 6;
    for (size_t i = 0; i < steps; ++i) {
      if (kind < 2) Add(name());
      if (kind == 2) Add(absl::StrFormat("q%08d", ++next));
      if (kind == 3) Add(absl::StrFormat("q%08d", 90000000 - ++next));
      if (kind >= 4 && !names_.empty()) {
        auto victim = kind == 4 ? names_.begin() : names_.lower_bound(name());
        if (victim == names_.end()) victim = names_.begin();
        Remove(std::string(*victim));
      }
      if (random() % 400 == 0) CheckWalk();
      if (random() % 40 == 0) CheckPage(random() % 4 == 0 ? "" : name(), 1 + random() % 20);
      if (HasFatalFailure()) return;
    }
    CheckWalk();
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ChildListTest, testing::Range(0, 30));

using OneChildListTest = ChildListTest;

// A list takes about the memory of its handles, full or nearly empty, and what it took is given back.
TEST_P(OneChildListTest, MemoryFollowsTheSize) {
  constexpr int kNames = 100000;
  constexpr int kLeft = 100;
  auto list_bytes = [&] { return store_.directory(parent_)->children.memory_bytes(); };
  for (int i = 0; i < kNames; ++i) Add(absl::StrFormat("%06d", i * 7919 % kNames));
  CheckWalk();
  EXPECT_LT(list_bytes(), kNames * 2 * sizeof(Handle));
  const size_t full = store_.memory_bytes();
  const size_t full_list = list_bytes();
  for (int i = 0; i < kNames; ++i) {
    if (i % (kNames / kLeft) != 0) Remove(absl::StrFormat("%06d", i));
  }
  CheckWalk();
  EXPECT_LT(list_bytes(), kLeft * 40);  // some chunks, not one for each
  EXPECT_LE(store_.memory_bytes(), full - (full_list - list_bytes()));
}
INSTANTIATE_TEST_SUITE_P(One, OneChildListTest, testing::Values(0));

}  // namespace
}  // namespace synod::tree

#include "coordinator/recipes/queue.h"

#include <future>
#include <thread>

#include "tests/unit/coordinator/recipes/recipes_fixture.h"

namespace synod::recipes {
namespace {

using client::ErrorCode;
using client::Operation;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class QueueTest : public Recipes {};

TEST_F(QueueTest, ItemsAreGivenInOrderEachToOneAtATime) {
  auto session = MakeSession();
  Queue queue(session.get(), "/q");
  for (const char* data : {"a", "b", "c"}) ASSERT_TRUE(queue.Put(data).ok());
  const auto a = queue.Take(kPatience), b = queue.Take(kPatience);
  ASSERT_TRUE(a.ok()) << a.error().ToString();
  EXPECT_EQ(a->data, "a");
  EXPECT_EQ(b->data, "b");
  EXPECT_LT(a->claim, b->claim);
  EXPECT_TRUE(queue.Holds(*a));
  ASSERT_TRUE(queue.Return(*a).ok());
  const auto again = queue.Take(kPatience);
  EXPECT_EQ(again->data, "a");
  EXPECT_GT(again->claim, a->claim);
  EXPECT_EQ(queue.Complete(*a).error().code, ErrorCode::kBadVersion);  // given to another since
  EXPECT_TRUE(queue.Complete(*again).ok());
  EXPECT_EQ(queue.Complete(*again).error().code, ErrorCode::kBadVersion);
  EXPECT_TRUE(queue.Complete(*b).ok());
  EXPECT_EQ(queue.Take(kPatience)->data, "c");
  EXPECT_EQ(queue.Take(absl::Milliseconds(20)).error().code, ErrorCode::kTimeout);
  Settle(session.get());
  EXPECT_THAT(Children("/q/takers"), IsEmpty());
}

TEST_F(QueueTest, ATakerThatWaitsIsGivenWhatIsPutOrReturned) {
  auto session = MakeSession();
  Queue queue(session.get(), "/q");
  for (int round = 0; round < 3; ++round) {
    auto taking = std::async(std::launch::async, [&] { return queue.Take(kPatience); });
    ASSERT_TRUE(queue.Put("x").ok());
    const auto item = taking.get();
    ASSERT_TRUE(item.ok()) << item.error().ToString();
    auto waiting = std::async(std::launch::async, [&] { return queue.Take(kPatience); });
    ASSERT_TRUE(queue.Return(*item).ok());
    const auto again = waiting.get();
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(again->id, item->id);
    ASSERT_TRUE(queue.Complete(*again).ok());
  }
  EXPECT_THAT(Children("/q/items"), IsEmpty());
  EXPECT_THAT(Children("/q/claims"), IsEmpty());
}

TEST_F(QueueTest, WhatAnItemDoesToTheTreeIsDoneWithItsCompletionOrNotAtAll) {
  auto session = MakeSession();
  Queue queue(session.get(), "/q");
  ASSERT_TRUE(queue.Put("a").ok());
  const auto item = queue.Take(kPatience);
  EXPECT_EQ(queue.Complete(*item, {Operation::Set("/missing", "x")}).error().code, ErrorCode::kNoNode);
  EXPECT_THAT(Children("/q/items"), SizeIs(1));
  ASSERT_TRUE(queue.Complete(*item, {Operation::Create("/done", "a")}).ok());
  EXPECT_THAT(Children("/q/items"), IsEmpty());
  EXPECT_FALSE(queue.Complete(*item, {Operation::Create("/done-twice", "a")}).ok());
  std::lock_guard lock(state_->mutex);
  EXPECT_EQ(state_->nodes.count("/done"), 1u);
  EXPECT_EQ(state_->nodes.count("/done-twice"), 0u);
}

TEST_F(QueueTest, TheItemOfATakerWhoseSessionExpiredIsGivenToAnother) {
  auto session = MakeSession();
  Queue queue(session.get(), "/q");
  ASSERT_TRUE(queue.Put("a").ok());
  const auto item = queue.Take(kPatience);
  ASSERT_TRUE(item.ok());
  ExpireAllSessions();
  auto again = queue.Take(kPatience);
  // The call may have caught the old session in its last moment.
  if (!again.ok()) again = queue.Take(kPatience);
  ASSERT_TRUE(again.ok()) << again.error().ToString();
  EXPECT_EQ(again->id, item->id);
  EXPECT_FALSE(queue.Holds(*item));
  EXPECT_EQ(queue.Complete(*item).error().code, ErrorCode::kBadVersion);
  EXPECT_TRUE(queue.Complete(*again).ok());
}

TEST_F(QueueTest, NothingIsLostOrDoubledWhileConnectionsBreak) {  // S2
  auto session = MakeSession();
  constexpr int kItems = 40, kTakers = 3;
  Heard<std::string> done;
  std::vector<std::thread> threads;
  for (int i = 0; i < kTakers; ++i) {
    threads.emplace_back([&] {
      Queue queue(session.get(), "/q");
      for (;;) {
        const auto item = queue.Take(kPatience);
        ASSERT_TRUE(item.ok()) << item.error().ToString();
        ASSERT_TRUE(queue.Complete(*item).ok());
        if (item->data == "stop") return;
        done.Add(*item->data);
      }
    });
  }
  Queue queue(session.get(), "/q");
  for (int i = 0; i < kItems; ++i) {
    ASSERT_TRUE(queue.Put(absl::StrCat(i)).ok());
    if (i % 15 == 10) RestartServers();
  }
  for (int i = 0; i < kTakers; ++i) ASSERT_TRUE(queue.Put("stop").ok());
  for (auto& thread : threads) thread.join();
  std::vector<std::string> all = done.all();
  std::sort(all.begin(), all.end());
  EXPECT_THAT(all, SizeIs(kItems));
  EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
}

}  // namespace
}  // namespace synod::recipes

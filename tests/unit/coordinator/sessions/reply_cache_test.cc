#include "coordinator/sessions/reply_cache.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace synod::sessions {
namespace {

auto Ignore = [](Sequence, std::string_view) {};

TEST(ReplyCache, KeepsEveryReplyUntilItIsConfirmed) {  // S3
  ReplyCache cache;
  for (int i = 1; i <= 10000; ++i) cache.Append("reply " + std::to_string(i));
  EXPECT_EQ(cache.count(), 10000u);  // no cap here: the serving server enforces it
  EXPECT_EQ(cache.Find(Sequence(1)), "reply 1");
  EXPECT_EQ(cache.Find(Sequence(10000)), "reply 10000");
  EXPECT_EQ(cache.Find(Sequence(0)), std::nullopt);
  EXPECT_EQ(cache.Find(Sequence(10001)), std::nullopt);
}

TEST(ReplyCache, DropBelowTellsEachDroppedReplyAndClampsToTheEnd) {
  ReplyCache cache(Sequence(5));
  for (const char* reply : {"five", "six", "seven"}) cache.Append(reply);
  std::vector<std::string> dropped;
  auto note = [&](Sequence s, std::string_view reply) {
    dropped.push_back(std::to_string(s.value()) + std::string(reply));
  };
  cache.DropBelow(Sequence(3), note);
  EXPECT_TRUE(dropped.empty());
  cache.DropBelow(Sequence(7), note);
  EXPECT_EQ(dropped, (std::vector<std::string>{"5five", "6six"}));
  EXPECT_EQ(cache.Find(Sequence(7)), "seven");
  cache.DropBelow(Sequence(100), note);
  EXPECT_EQ(cache.count(), 0u);
  EXPECT_EQ(cache.end(), Sequence(8));  // the numbers go on
}

TEST(ReplyCache, GivesTheMemoryOfABurstBack) {
  ReplyCache cache;
  for (int i = 0; i < 1000; ++i) cache.Append(std::string(1000, 'x'));
  EXPECT_GE(cache.memory_bytes(), 1000000u);
  cache.DropBelow(cache.end(), Ignore);
  EXPECT_LT(cache.memory_bytes(), 100u);
}

TEST(ReplyCache, AgreesWithAMapOverRandomUse) {
  std::mt19937_64 random(7);
  ReplyCache cache;
  std::map<uint64_t, std::string> model;
  uint64_t next = 1;
  for (int step = 0; step < 20000; ++step) {
    if (random() % 3 != 0) {
      std::string reply(random() % 300, static_cast<char>('a' + random() % 26));
      cache.Append(reply);
      model[next++] = reply;
    } else {
      uint64_t below = next - random() % 20;
      cache.DropBelow(Sequence(below), Ignore);
      model.erase(model.begin(), model.lower_bound(below));
    }
    ASSERT_EQ(cache.count(), model.size());
    size_t bytes = 0;
    auto it = model.begin();
    cache.ForEach(Sequence(0), [&](Sequence s, std::string_view reply) {
      ASSERT_EQ(s.value(), it->first);
      ASSERT_EQ(reply, it->second);
      bytes += reply.size();
      ++it;
    });
    ASSERT_LE(bytes, cache.bytes());
  }
}

}  // namespace
}  // namespace synod::sessions

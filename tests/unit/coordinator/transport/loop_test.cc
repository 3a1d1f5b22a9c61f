#include "coordinator/transport/loop.h"

#include <gtest/gtest.h>

#include <thread>

#include "coordinator/base/system_clock.h"
#include "coordinator/base/system_random.h"

namespace synod::transport {
namespace {

TEST(Loop, TasksRunInOrderOfPostingAndNeverInsideThePost) {
  Loop loop;
  std::string order;
  loop.Post([&] {
    loop.Post([&] { order += "c"; });
    order += "a";
  });
  loop.Post([&] { order += "b"; });
  EXPECT_EQ(order, "");
  loop.Post([&] { loop.Post([&] { loop.Stop(); }); });
  loop.Run();
  EXPECT_EQ(order, "abc");
}

// A task posted by the loop often speaks of an object that another thread lets go of by a later post.
TEST(Loop, ATaskOfTheLoopRunsBeforeWhatAnotherThreadPostsAfterIt) {
  Loop loop;
  std::string order;
  loop.Post([&] {
    loop.Post([&] { order += "a"; });
    std::thread([&] {
      loop.Post([&] { order += "b"; });
      loop.Post([&] { loop.Stop(); });
    }).join();
  });
  loop.Run();
  EXPECT_EQ(order, "ab");
}

TEST(Loop, EndOfTurnFunctionsRunOnceAfterAllHandlersThatAreReady) {
  Loop loop;
  std::string order;
  loop.Post([&] {
    loop.AtEndOfTurn([&] {
      order += "E";
      loop.AtEndOfTurn([&] { order += "F"; });
    });
    order += "a";
  });
  loop.Post([&] { order += "b"; });
  EXPECT_TRUE(loop.RunOneTurn(absl::Seconds(10)));
  EXPECT_EQ(order, "abE");
  EXPECT_TRUE(loop.RunOneTurn(absl::ZeroDuration()));
  EXPECT_EQ(order, "abEF");
  EXPECT_FALSE(loop.RunOneTurn(absl::ZeroDuration()));
}

TEST(Loop, ATurnEndsThoughHandlersKeepPosting) {
  Loop loop;
  size_t handlers = 0;
  std::function<void()> again = [&] {
    ++handlers;
    loop.Post([&] { again(); });
  };
  loop.Post([&] { again(); });
  bool ended = false;
  loop.AtEndOfTurn([&] { ended = true; });
  loop.RunOneTurn(absl::Seconds(1));
  EXPECT_TRUE(ended);
  EXPECT_LE(handlers, Loop::kTurnHandlers);
}

TEST(Loop, DelayedTasksRunByTheirTime) {
  Loop loop;
  SystemClock clock;
  std::string order;
  absl::Duration begin = clock.Monotonic();
  loop.PostAfter(absl::Milliseconds(20), [&] {
    order += "b";
    loop.Stop();
  });
  loop.PostAfter(absl::Milliseconds(5), [&] { order += "a"; });
  loop.Run();
  EXPECT_EQ(order, "ab");
  EXPECT_GE(clock.Monotonic() - begin, absl::Milliseconds(20));
}

TEST(Loop, OtherThreadsPostAndStop) {
  Loop loop;
  int ran = 0;
  std::thread other([&] {
    for (int i = 0; i < 1000; ++i) loop.Post([&] { ++ran; });
    loop.Post([&] { loop.Stop(); });
  });
  loop.Run();
  other.join();
  EXPECT_EQ(ran, 1000);
}

TEST(Loop, TasksNeverRunAreDestroyedWithIt) {
  auto token = std::make_shared<int>(1);
  {
    Loop loop;
    loop.Post([token] {});
    loop.PostAfter(absl::Hours(1), [token] {});
    loop.AtEndOfTurn([token] {});
  }
  EXPECT_EQ(token.use_count(), 1);
}

TEST(SystemClock, MonotonicTimeDoesNotGoBackAndWallTimeIsOfThisCentury) {
  SystemClock clock;
  absl::Duration last = clock.Monotonic();
  for (int i = 0; i < 1000; ++i) {
    absl::Duration now = clock.Monotonic();
    EXPECT_GE(now, last);
    last = now;
  }
  EXPECT_GT(clock.WallMillis(), 1600000000000);
}

TEST(SystemRandom, DrawsDiffer) { EXPECT_NE(SystemRandom(), SystemRandom()); }

}  // namespace
}  // namespace synod::transport

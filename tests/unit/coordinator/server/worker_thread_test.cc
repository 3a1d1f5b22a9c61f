#include "coordinator/server/worker_thread.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <vector>

namespace synod::server {
namespace {

using ::testing::ElementsAre;

TEST(WorkerThreadTest, TasksRunOneAtATimeInTheOrderOfPosting) {
  WorkerThread worker;
  std::vector<int> ran;
  std::promise<void> done;
  worker.PostAfter(absl::Milliseconds(1), [&] {
    ran.push_back(4);
    done.set_value();
  });
  for (int i = 1; i <= 3; ++i) worker.Post([&ran, i] { ran.push_back(i); });
  done.get_future().wait();
  worker.Stop();
  EXPECT_THAT(ran, ElementsAre(1, 2, 3, 4));
}

TEST(WorkerThreadTest, StopWaitsForTheTaskThatRunsAndDropsTheRest) {
  WorkerThread worker;
  std::promise<void> begun, go;
  bool first = false, second = false;
  auto held = std::make_shared<int>(0);
  worker.Post([&] {
    begun.set_value();
    go.get_future().wait();
    first = true;
  });
  worker.Post([&second, held] { second = true; });
  begun.get_future().wait();
  std::thread stopper([&] { worker.Stop(); });
  go.set_value();
  stopper.join();
  EXPECT_TRUE(first);
  // Whether the second ran is a race; what it held is free in any case.
  EXPECT_EQ(held.use_count(), 1);
  second = false;
  worker.Post([&second] { second = true; });
  EXPECT_FALSE(second);
}

TEST(WorkerThreadTest, WhatATaskHoldsIsFreedOnTheThread) {
  WorkerThread worker;
  std::thread::id freed_on;
  struct Note {
    explicit Note(std::thread::id* id) : where(id) {}
    ~Note() { *where = std::this_thread::get_id(); }
    std::thread::id* where;
  };
  std::promise<std::thread::id> thread;
  worker.Post([note = std::make_unique<Note>(&freed_on)] {});
  worker.Post([&] { thread.set_value(std::this_thread::get_id()); });
  std::thread::id of_worker = thread.get_future().get();
  EXPECT_EQ(freed_on, of_worker);
  EXPECT_NE(freed_on, std::this_thread::get_id());
}

}  // namespace
}  // namespace synod::server

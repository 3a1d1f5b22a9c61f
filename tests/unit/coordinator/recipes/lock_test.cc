#include "coordinator/recipes/lock.h"

#include <future>

#include "coordinator/recipes/read_write_lock.h"
#include "tests/unit/coordinator/recipes/recipes_fixture.h"

namespace synod::recipes {
namespace {

using client::ErrorCode;
using client::Result;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class LockTest : public Recipes {};

// An acquisition that is waited for later.
std::future<Result<int64_t>> Begin(Holder* holder) {
  auto promise = std::make_shared<std::promise<Result<int64_t>>>();
  holder->AcquireAsync([promise](Result<int64_t> token) { promise->set_value(std::move(token)); });
  return promise->get_future();
}
bool Ready(std::future<Result<int64_t>>& future) {
  return future.wait_for(absl::ToChronoNanoseconds(kPatience)) == std::future_status::ready;
}

TEST_F(LockTest, TokensRiseWithEveryHolderAndTheQueueIsFirstComeFirstServed) {
  auto session = MakeSession();
  Lock first(session.get(), "/made/when/missing"), second(session.get(), "/made/when/missing"),
      third(session.get(), "/made/when/missing");
  const auto token1 = first.Acquire(kPatience);
  ASSERT_TRUE(token1.ok()) << token1.error().ToString();
  EXPECT_TRUE(first.held());
  auto waiting2 = Begin(&second);
  auto waiting3 = Begin(&third);
  EXPECT_FALSE(second.held());
  first.Release();
  EXPECT_FALSE(first.held());
  ASSERT_TRUE(Ready(waiting2));
  const auto token2 = waiting2.get();
  EXPECT_TRUE(second.held());
  EXPECT_FALSE(third.held());
  second.Release();
  ASSERT_TRUE(Ready(waiting3));
  const auto token3 = waiting3.get();
  EXPECT_LT(*token1, *token2);
  EXPECT_LT(*token2, *token3);
}

TEST_F(LockTest, AWaiterWatchesOnlyItsPredecessorAndItself) {  // no herd
  auto session = MakeSession();
  Lock first(session.get(), "/l"), second(session.get(), "/l"), third(session.get(), "/l");
  ASSERT_TRUE(first.Acquire(kPatience).ok());
  auto waiting2 = Begin(&second);
  auto waiting3 = Begin(&third);
  ASSERT_FALSE(third.Acquire().ok());  // busy: it waits already
  // Looking takes a list behind a create, and a Get behind that.
  for (int i = 0; i < 4; ++i) Settle(session.get());
  {
    std::lock_guard lock(state_->mutex);
    std::set<std::pair<std::string, int>> watches;
    for (const auto& [id, watcher] : state_->watchers) watches.insert(watcher.watches.begin(), watcher.watches.end());
    for (const auto& [path, kind] : watches) EXPECT_EQ(kind, v1::DATA) << path;
    EXPECT_THAT(watches, SizeIs(3));
  }
  // One in the middle leaves: the one behind looks past it, and is not granted.
  second.Release();
  ASSERT_TRUE(Ready(waiting2));
  EXPECT_EQ(waiting2.get().error().code, ErrorCode::kClosed);
  EXPECT_FALSE(third.held());
  first.Release();
  ASSERT_TRUE(Ready(waiting3));
  EXPECT_TRUE(waiting3.get().ok());
}

TEST_F(LockTest, ATimeLimitGivesUpThePlace) {
  auto session = MakeSession();
  Lock holder(session.get(), "/l"), late(session.get(), "/l");
  ASSERT_TRUE(holder.Acquire(kPatience).ok());
  const auto token = late.Acquire(absl::Milliseconds(20));
  ASSERT_FALSE(token.ok());
  EXPECT_EQ(token.error().code, ErrorCode::kTimeout);
  holder.Release();
  EXPECT_TRUE(late.Acquire(kPatience).ok());
  EXPECT_THAT(Children("/l"), SizeIs(1));
}

TEST_F(LockTest, AHolderWhoseConnectionBreaksKeepsTheLock) {
  auto session = MakeSession();
  Heard<Loss> losses;
  Lock lock(session.get(), "/l", {.on_loss = [&](Loss loss) { losses.Add(loss); }});
  const auto token = lock.Acquire(kPatience);
  ASSERT_TRUE(token.ok());
  RestartServers();
  Settle(session.get());
  EXPECT_TRUE(lock.held());
  EXPECT_THAT(losses.all(), IsEmpty());
}

TEST_F(LockTest, ADeletedNodeIsALossToItsHolderAndAnErrorToAWaiter) {
  auto session = MakeSession();
  Heard<Loss> losses;
  Lock lock(session.get(), "/l", {.on_loss = [&](Loss loss) { losses.Add(loss); }});
  ASSERT_TRUE(lock.Acquire(kPatience).ok());
  Lock waiter(session.get(), "/l");
  auto waiting = Begin(&waiter);
  Settle(session.get());
  ASSERT_THAT(Children("/l"), SizeIs(2));
  DeleteNode("/l/" + Children("/l")[1]);
  ASSERT_TRUE(Ready(waiting));
  EXPECT_EQ(waiting.get().error().code, ErrorCode::kNoNode);
  DeleteNode("/l/" + Children("/l")[0]);
  ASSERT_TRUE(losses.WaitForCount(1));
  EXPECT_THAT(losses.all(), ElementsAre(Loss::kNodeDeleted));
  EXPECT_FALSE(lock.held());
  EXPECT_TRUE(lock.Acquire(kPatience).ok());
}

TEST_F(LockTest, HeldTurnsFalseByTheClientsClockWithoutAQuorumAndTheLossIsTold) {  // S7
  auto session = MakeSession(absl::Milliseconds(600));
  Heard<Loss> losses;
  Lock lock(session.get(), "/l", {.on_loss = [&](Loss loss) { losses.Add(loss); }});
  ASSERT_TRUE(lock.Acquire(kPatience).ok());
  for (auto& server : servers_) server->Refuse({grpc::StatusCode::UNAVAILABLE, "no quorum"});
  RestartServers();
  ASSERT_TRUE(losses.WaitForCount(1));
  EXPECT_FALSE(lock.held());
  EXPECT_THAT(losses.all(), ElementsAre(Loss::kSessionLost));
  // The session lived on: what was lost is given up all the same, and can be had anew.
  for (auto& server : servers_) server->Refuse(grpc::Status::OK);
  EXPECT_TRUE(lock.Acquire(kPatience).ok());
  EXPECT_THAT(Children("/l"), SizeIs(1));
}

TEST_F(LockTest, AfterAnExpiryTheWaiterFailsAndTheRenewedSessionAcquires) {
  auto session = MakeSession();
  auto other = MakeSession();
  Lock holder(other.get(), "/l");
  ASSERT_TRUE(holder.Acquire(kPatience).ok());
  Lock waiter(session.get(), "/l");
  auto waiting = Begin(&waiter);
  ExpireAllSessions();
  ASSERT_TRUE(Ready(waiting));
  EXPECT_EQ(waiting.get().error().code, ErrorCode::kSessionExpired);
  Result<int64_t> token = waiter.Acquire(kPatience);
  // The call may have caught the old session in its last moment.
  if (!token.ok()) token = waiter.Acquire(kPatience);
  EXPECT_TRUE(token.ok());
}

TEST_F(LockTest, ClosingTheSessionTellsTheHolderAndFreesTheLock) {
  auto session = MakeSession();
  Heard<Loss> losses;
  Lock lock(session.get(), "/l", {.on_loss = [&](Loss loss) { losses.Add(loss); }});
  ASSERT_TRUE(lock.Acquire(kPatience).ok());
  session->Close([](const auto&) {});
  ASSERT_TRUE(losses.WaitForCount(1));
  EXPECT_THAT(losses.all(), SizeIs(1));
  EXPECT_FALSE(lock.held());
  EXPECT_EQ(lock.Acquire(kPatience).error().code, ErrorCode::kClosed);
  EXPECT_THAT(Children("/l"), IsEmpty());
}

TEST_F(LockTest, ALockMayBeDestroyedInItsOwnCallbackAndWhileItWaits) {
  auto session = MakeSession();
  std::promise<void> gone;
  std::unique_ptr<Lock> lock;
  lock = std::make_unique<Lock>(session.get(), "/l", LockOptions{.on_loss = [&](Loss) {
                                  lock.reset();
                                  gone.set_value();
                                }});
  ASSERT_TRUE(lock->Acquire(kPatience).ok());
  {
    Lock waiter(session.get(), "/l");
    waiter.AcquireAsync([](const auto&) {});
  }
  DeleteNode("/l/" + Children("/l")[0]);
  gone.get_future().get();
  Lock next(session.get(), "/l");
  EXPECT_TRUE(next.Acquire(kPatience).ok());
}

TEST_F(LockTest, ReadersShareAndAWriterExcludesAndNoReaderOvertakesAWaitingWriter) {
  auto session = MakeSession();
  ReadLock reader1(session.get(), "/rw"), reader2(session.get(), "/rw"), reader3(session.get(), "/rw");
  WriteLock writer(session.get(), "/rw");
  const auto read1 = reader1.Acquire(kPatience);
  const auto read2 = reader2.Acquire(kPatience);
  ASSERT_TRUE(read1.ok() && read2.ok());
  auto writing = Begin(&writer);
  auto reading3 = Begin(&reader3);
  reader1.Release();
  EXPECT_FALSE(writer.held());
  reader2.Release();
  ASSERT_TRUE(Ready(writing));
  const auto wrote = writing.get();
  ASSERT_TRUE(wrote.ok());
  EXPECT_FALSE(reader3.held());
  EXPECT_GT(*wrote, *read1);
  EXPECT_GT(*wrote, *read2);
  writer.Release();
  ASSERT_TRUE(Ready(reading3));
  EXPECT_GT(*reading3.get(), *wrote);
}

}  // namespace
}  // namespace synod::recipes

#include "coordinator/recipes/leader_latch.h"

#include <atomic>

#include "tests/unit/coordinator/recipes/recipes_fixture.h"

namespace synod::recipes {
namespace {

using client::ErrorCode;
using ::testing::ElementsAre;
using ::testing::SizeIs;

class LeaderLatchTest : public Recipes {
 protected:
  struct Candidate {
    Candidate(Session* session, const std::string& name)
        : latch(session, "/election",
                {.data = name,
                 .on_leader = [this](int64_t epoch) { epochs.Add(epoch); },
                 .on_loss = [this](Loss loss) { losses.Add(loss); },
                 .on_failed = [this](const client::Error& error) { failures.Add(error.code); }}) {}
    Heard<int64_t> epochs;
    Heard<Loss> losses;
    Heard<ErrorCode> failures;
    LeaderLatch latch;  // last: no callback after it is gone
  };
};

TEST_F(LeaderLatchTest, OneLeadsAndEpochsRiseFromLeaderToLeader) {
  auto session = MakeSession();
  Candidate a(session.get(), "a"), b(session.get(), "b");
  EXPECT_EQ(a.latch.Leader()->has_value(), false);
  EXPECT_EQ(a.latch.WaitUntilLeading(kPatience).error().code, ErrorCode::kClosed);
  a.latch.Campaign();
  ASSERT_TRUE(a.latch.WaitUntilLeading(kPatience).ok());
  b.latch.Campaign();
  EXPECT_EQ(b.latch.WaitUntilLeading(absl::Milliseconds(10)).error().code, ErrorCode::kTimeout);
  EXPECT_TRUE(a.latch.leading());
  EXPECT_FALSE(b.latch.leading());
  EXPECT_EQ((*b.latch.Leader())->data, "a");
  EXPECT_EQ((*b.latch.Leader())->epoch, a.latch.epoch());
  const int64_t first = a.latch.epoch();
  a.latch.Resign();
  EXPECT_FALSE(a.latch.leading());
  const auto second = b.latch.WaitUntilLeading(kPatience);
  ASSERT_TRUE(second.ok());
  EXPECT_GT(*second, first);
  a.latch.Campaign();
  b.latch.Resign();
  ASSERT_TRUE(a.epochs.WaitForCount(2));
  EXPECT_GT(a.epochs.all()[1], *second);
  EXPECT_THAT(a.losses.all(), SizeIs(0));  // Resign is no loss
}

TEST_F(LeaderLatchTest, ALeaderWhoseNodeIsDeletedIsToldAndJoinsAgainBehindTheOthers) {
  auto session = MakeSession();
  Candidate a(session.get(), "a"), b(session.get(), "b");
  a.latch.Campaign();
  ASSERT_TRUE(a.latch.WaitUntilLeading(kPatience).ok());
  b.latch.Campaign();
  ASSERT_EQ(b.latch.WaitUntilLeading(absl::Milliseconds(10)).error().code, ErrorCode::kTimeout);
  DeleteNode("/election/" + Children("/election")[0]);
  ASSERT_TRUE(b.latch.WaitUntilLeading(kPatience).ok());
  ASSERT_TRUE(a.losses.WaitForCount(1));
  EXPECT_THAT(a.losses.all(), ElementsAre(Loss::kNodeDeleted));
  b.latch.Resign();
  ASSERT_TRUE(a.epochs.WaitForCount(2));
  EXPECT_LT(a.epochs.all()[0], a.epochs.all()[1]);
}

TEST_F(LeaderLatchTest, AfterAnExpiryItLeadsAgainWithTheRenewedSession) {
  auto session = MakeSession();
  Candidate a(session.get(), "a");
  a.latch.Campaign();
  ASSERT_TRUE(a.latch.WaitUntilLeading(kPatience).ok());
  ExpireAllSessions();
  ASSERT_TRUE(a.epochs.WaitForCount(2));
  EXPECT_THAT(a.losses.all(), SizeIs(1));
  EXPECT_LT(a.epochs.all()[0], a.epochs.all()[1]);
  EXPECT_THAT(Children("/election"), SizeIs(1));
}

TEST_F(LeaderLatchTest, WithoutRenewalAnExpiryEndsTheCampaign) {
  auto session = MakeSession(absl::Seconds(10), false);
  Candidate a(session.get(), "a");
  a.latch.Campaign();
  ASSERT_TRUE(a.latch.WaitUntilLeading(kPatience).ok());
  ExpireAllSessions();
  ASSERT_TRUE(a.failures.WaitForCount(1));
  EXPECT_THAT(a.losses.all(), SizeIs(1));
  EXPECT_THAT(a.failures.all(), ElementsAre(ErrorCode::kSessionExpired));
  EXPECT_EQ(a.latch.WaitUntilLeading().error().code, ErrorCode::kSessionExpired);
}

TEST_F(LeaderLatchTest, ALeaderThatCannotReachTheEnsembleStopsByItsOwnClockAndLeadsAgainLater) {  // S7
  auto session = MakeSession(absl::Milliseconds(600));
  Candidate a(session.get(), "a");
  a.latch.Campaign();
  ASSERT_TRUE(a.latch.WaitUntilLeading(kPatience).ok());
  for (auto& server : servers_) server->Refuse({grpc::StatusCode::UNAVAILABLE, "no quorum"});
  RestartServers();
  ASSERT_TRUE(a.losses.WaitForCount(1));
  EXPECT_FALSE(a.latch.leading());
  EXPECT_THAT(a.losses.all(), ElementsAre(Loss::kSessionLost));
  for (auto& server : servers_) server->Refuse(grpc::Status::OK);
  ASSERT_TRUE(a.epochs.WaitForCount(2));
  EXPECT_LT(a.epochs.all()[0], a.epochs.all()[1]);
}

}  // namespace
}  // namespace synod::recipes

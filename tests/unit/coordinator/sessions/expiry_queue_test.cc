#include "coordinator/sessions/expiry_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace synod::sessions {
namespace {

using Due = ExpiryQueue::Due;

constexpr SessionId A(1), B(2), C(3);
constexpr OwnerGeneration G1(1), G2(2);

absl::Duration Ms(int64_t ms) { return absl::Milliseconds(ms); }

class ExpiryQueueTest : public ::testing::Test {
 protected:
  // Ticks from `from` to `to` every 10 ms; what fell due and when.
  std::vector<std::pair<int64_t, Due>> Run(int64_t from, int64_t to) {
    std::vector<std::pair<int64_t, Due>> out;
    for (int64_t t = from; t <= to; t += 10) {
      for (const Due& due : queue_.PopDue(Ms(t))) out.emplace_back(t, due);
    }
    return out;
  }
  using Dues = std::vector<std::pair<int64_t, Due>>;

  ExpiryQueue queue_{Ms(10)};
};

TEST_F(ExpiryQueueTest, ASessionFallsDueItsTimeoutAfterItWasLastHeard) {
  queue_.Set(A, G1, Ms(100), Ms(0), Ms(0));
  EXPECT_EQ(Run(0, 60), Dues());
  EXPECT_TRUE(queue_.Touch(A, G1, Ms(60)));
  EXPECT_EQ(Run(70, 250), (Dues{{160, {A, G1}}}));
}

TEST_F(ExpiryQueueTest, TheTimeLeftIsKnown) {
  EXPECT_EQ(queue_.Remaining(A, Ms(0)), std::nullopt);
  queue_.Set(A, G1, Ms(100), Ms(20), Ms(0));
  EXPECT_EQ(queue_.Remaining(A, Ms(30)), Ms(70));
  queue_.Touch(A, G1, Ms(30));
  EXPECT_EQ(queue_.Remaining(A, Ms(30)), Ms(100));
  queue_.Disconnected(A, G1, Ms(40));
  EXPECT_EQ(queue_.Remaining(A, Ms(50)), Ms(10));
  EXPECT_EQ(queue_.Remaining(A, Ms(90)), Ms(0));
}

TEST_F(ExpiryQueueTest, DueSessionsComeInOrderOfDeadlineThenId) {
  queue_.Set(C, G1, Ms(50), Ms(0), Ms(1));
  queue_.Set(B, G1, Ms(50), Ms(0), Ms(2));
  queue_.Set(A, G1, Ms(50), Ms(0), Ms(2));
  EXPECT_EQ(Run(0, 60), (Dues{{60, {C, G1}}, {60, {A, G1}}, {60, {B, G1}}}));
}

TEST_F(ExpiryQueueTest, ASessionBeingExpiredIsNotAcknowledgedAnyMore) {  // counterexample 9
  queue_.Set(A, G1, Ms(50), Ms(0), Ms(0));
  EXPECT_EQ(Run(0, 50).size(), 1u);
  EXPECT_TRUE(queue_.IsExpiring(A));
  EXPECT_FALSE(queue_.Touch(A, G1, Ms(51)));
  EXPECT_FALSE(queue_.Disconnected(A, G1, Ms(51)));
}

TEST_F(ExpiryQueueTest, ALostExpiryIsProposedAgain) {
  queue_.Set(A, G1, Ms(50), Ms(0), Ms(0));
  EXPECT_EQ(Run(0, 160), (Dues{{50, {A, G1}}, {100, {A, G1}}, {150, {A, G1}}}));
}

TEST_F(ExpiryQueueTest, AnAttachSavesASessionWhoseExpiryIsOnItsWay) {  // S5
  queue_.Set(A, G1, Ms(50), Ms(0), Ms(0));
  EXPECT_EQ(Run(0, 50).size(), 1u);
  queue_.Set(A, G2, Ms(50), Ms(0), Ms(55));
  EXPECT_FALSE(queue_.IsExpiring(A));
  EXPECT_TRUE(queue_.Touch(A, G2, Ms(60)));
  EXPECT_FALSE(queue_.Touch(A, G1, Ms(100)));  // the old owner's report
  EXPECT_EQ(Run(60, 120), (Dues{{110, {A, G2}}}));
}

TEST_F(ExpiryQueueTest, AnEndedSessionIsForgotten) {
  queue_.Set(A, G1, Ms(50), Ms(0), Ms(0));
  queue_.Remove(A);
  EXPECT_FALSE(queue_.Touch(A, G1, Ms(1)));
  EXPECT_EQ(Run(0, 200), Dues());
  EXPECT_EQ(queue_.size(), 0u);
}

TEST_F(ExpiryQueueTest, TheGraceRunsFromTheClosedConnection) {  // S8
  queue_.Set(A, G1, Ms(1000), Ms(200), Ms(0));
  EXPECT_EQ(Run(0, 100), Dues());
  EXPECT_TRUE(queue_.Disconnected(A, G1, Ms(100)));
  EXPECT_TRUE(queue_.Touch(A, G1, Ms(120)));  // a report that the close overtook
  EXPECT_EQ(Run(110, 400), (Dues{{300, {A, G1}}}));
}

TEST_F(ExpiryQueueTest, AnAttachEndsTheGraceAndAnOldConnectionsCloseStartsNone) {  // S8, counterexample 10
  queue_.Set(A, G1, Ms(1000), Ms(200), Ms(0));
  EXPECT_TRUE(queue_.Disconnected(A, G1, Ms(0)));
  EXPECT_EQ(Run(0, 100), Dues());
  queue_.Set(A, G2, Ms(1000), Ms(200), Ms(100));
  EXPECT_FALSE(queue_.Disconnected(A, G1, Ms(150)));
  EXPECT_EQ(Run(110, 1200), (Dues{{1100, {A, G2}}}));
}

TEST_F(ExpiryQueueTest, WithoutAGraceAClosedConnectionMeansNothing) {
  queue_.Set(A, G1, Ms(1000), Ms(0), Ms(0));
  EXPECT_FALSE(queue_.Disconnected(A, G1, Ms(0)));
  EXPECT_EQ(Run(0, 990), Dues());
}

TEST_F(ExpiryQueueTest, ANewLeaderGivesEverySessionItsFullTimeout) {  // S5
  SessionTable table;
  table.Add(A, std::string(16, 'p'), true, {G1, 1, 300, 20, {}});
  table.Add(B, std::string(16, 'p'), true, {G2, 1, 500, 0, {}});
  queue_.Set(C, G1, Ms(10), Ms(0), Ms(0));  // of an earlier leadership
  queue_.Reset(Ms(10000), table);
  EXPECT_EQ(queue_.size(), 2u);
  EXPECT_EQ(Run(10000, 10600), (Dues{{10300, {A, G1}}, {10500, {B, G2}}, {10600, {A, G1}}}));
}

TEST_F(ExpiryQueueTest, ANewLeaderDoesNotExpireWhatIsClosing) {  // S5
  SessionTable table;
  const std::string password(16, 'p');
  table.Add(A, password, true, {G1, 1, 100, 0, {}});
  table.SetClosing(table.Add(B, password, true, {G1, 2, 100, 0, {}}), /*expired=*/false);
  queue_.Reset(Ms(0), table);
  EXPECT_EQ(Run(0, 150), (Dues{{100, {A, G1}}}));
  EXPECT_EQ(queue_.size(), 1u);
}

TEST_F(ExpiryQueueTest, AfterAStallOfOurOwnEveryoneGetsOneMoreTimeout) {
  queue_.Set(A, G1, Ms(100), Ms(0), Ms(0));
  queue_.Set(B, G1, Ms(400), Ms(30), Ms(0));
  EXPECT_TRUE(queue_.Disconnected(B, G1, Ms(0)));
  EXPECT_EQ(Run(0, 20), Dues());
  EXPECT_TRUE(queue_.PopDue(Ms(5000)).empty());  // SIGSTOP, SIGCONT
  EXPECT_EQ(Run(5010, 5200), (Dues{{5030, {B, G1}}, {5100, {A, G1}}, {5200, {A, G1}}}));
}

TEST_F(ExpiryQueueTest, AShorterTimeoutTakesEffectAtOnceAndALongerOneToo) {
  queue_.Set(A, G1, Ms(1000), Ms(0), Ms(0));
  queue_.Set(A, G2, Ms(50), Ms(0), Ms(0));
  queue_.Set(B, G1, Ms(50), Ms(0), Ms(0));
  queue_.Set(B, G2, Ms(90), Ms(0), Ms(0));
  EXPECT_EQ(Run(0, 90), (Dues{{50, {A, G2}}, {90, {B, G2}}}));
}

TEST_F(ExpiryQueueTest, AgreesWithAPlainScanOverRandomUse) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    std::mt19937_64 random(seed);
    ExpiryQueue queue(Ms(10));
    struct Model {
      int64_t timeout, heard;
      bool alive = false;
    };
    std::vector<Model> model(20);
    for (int64_t now = 0; now <= 3000; now += 10) {
      for (int n = 0; n < 3; ++n) {
        size_t i = random() % model.size();
        SessionId id(static_cast<int64_t>(i) + 1);
        if (!model[i].alive) {
          model[i] = {static_cast<int64_t>(random() % 200) + 10, now, true};
          queue.Set(id, G1, Ms(model[i].timeout), Ms(0), Ms(now));
        } else if (random() % 10 == 0) {
          model[i].alive = false;
          queue.Remove(id);
        } else {
          model[i].heard = now;
          ASSERT_TRUE(queue.Touch(id, G1, Ms(now)));
        }
      }
      std::vector<std::pair<int64_t, int64_t>> expected;
      for (size_t i = 0; i < model.size(); ++i) {
        int64_t bucket = (model[i].heard + model[i].timeout + 9) / 10 * 10;
        if (model[i].alive && bucket <= now) expected.emplace_back(model[i].heard + model[i].timeout, i + 1);
      }
      std::sort(expected.begin(), expected.end());
      std::vector<Due> due = queue.PopDue(Ms(now));
      ASSERT_EQ(due.size(), expected.size()) << "seed " << seed << " at " << now;
      for (size_t i = 0; i < due.size(); ++i) {
        ASSERT_EQ(due[i].session.value(), expected[i].second);
        queue.Remove(due[i].session);
        model[static_cast<size_t>(due[i].session.value()) - 1].alive = false;
      }
    }
  }
}

}  // namespace
}  // namespace synod::sessions

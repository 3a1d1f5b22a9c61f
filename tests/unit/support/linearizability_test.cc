// The checker is trusted with everybody else's mistakes, so it is shown histories spoiled by hand and must reject each,
// and valid ones, awkward as they may be, and must accept each.
#include "tests/support/linearizability.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "coordinator/base/random.h"

namespace synod::testing {
namespace {

using ::testing::HasSubstr;
using Verdict = LinearizabilityResult::Verdict;

LinearizabilityResult Check(std::string_view text) {
  absl::StatusOr<RegisterHistory> history = ParseHistory(text);
  EXPECT_TRUE(history.ok()) << history.status();
  return CheckLinearizable(*history);
}

struct Case {
  const char* name;
  const char* history;
};
std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }

class SpoiledHistory : public ::testing::TestWithParam<Case> {};

TEST_P(SpoiledHistory, IsRejected) {
  const LinearizabilityResult result = Check(GetParam().history);
  EXPECT_EQ(result.verdict, Verdict::kViolated) << result.explanation;
  EXPECT_THAT(result.explanation, HasSubstr("key /k"));
}

INSTANTIATE_TEST_SUITE_P(ByHand, SpoiledHistory,
                         ::testing::Values(Case{"StaleRead", R"(
        1 0 10 create /k a -> ok
        1 20 30 set /k b 0 -> ok 1
        2 40 50 get /k -> ok a 0)"},
                                           Case{"LostWrite", R"(
        1 0 10 create /k a -> ok
        1 20 30 set /k b 0 -> ok 1
        2 40 50 set /k c 0 -> ok 1
        2 60 70 get /k -> ok c 1)"},
                                           Case{"DoubleApply", R"(
        1 0 10 create /k a -> ok
        1 20 30 set /k b * -> ok 1
        2 40 50 get /k -> ok b 2)"},
                                           Case{"VersionGap", R"(
        1 0 10 create /k a -> ok
        1 20 30 set /k b 0 -> ok 1
        1 40 50 set /k c * -> ok 3)"},
                                           Case{"ValueFromNowhere", R"(
        1 0 10 create /k a -> ok
        2 5 50 get /k -> ok z 0)"},
                                           Case{"ReadGoingBack", R"(
        1 0 10 create /k a -> ok
        1 20 - set /k b 0 -> unknown
        2 30 40 get /k -> ok b 1
        3 50 60 get /k -> ok a 0)"},
                                           Case{"AcknowledgedCompareAndSetThatCouldNotSucceed", R"(
        1 0 10 create /k a -> ok
        1 20 30 set /k b 0 -> ok 1
        1 40 50 set /k c 1 -> ok 2
        2 60 70 set /k d 1 -> ok 2
        2 80 90 get /k -> ok d 2)"},
                                           Case{"RefusedCompareAndSetThatHadToSucceed", R"(
        1 0 10 create /k a -> ok
        2 20 30 set /k b 0 -> bad_version
        2 40 50 get /k -> ok a 0)"},
                                           Case{"WriteBeforeItWasSent", R"(
        1 0 10 create /k a -> ok
        2 20 30 get /k -> ok b 1
        1 40 - set /k b 0 -> unknown)"},
                                           Case{"AcknowledgedCreateIsGone", R"(
        1 0 10 create /k a -> ok
        2 20 30 get /k -> no_node)"},
                                           Case{"DeletedNodeComesBack", R"(
        1 0 10 create /k a -> ok
        1 20 30 delete /k 0 -> ok
        2 40 50 get /k -> ok a 0)"},
                                           Case{"TwoCreatesOfOneNode", R"(
        1 0 30 create /k a -> ok
        2 0 30 create /k b -> ok)"},
                                           Case{"OneUnknownWriteTakesEffectTwice", R"(
        1 0 10 create /k a -> ok
        1 20 - set /k b * -> unknown
        2 30 40 get /k -> ok b 1
        2 50 60 set /k c 1 -> ok 2
        2 70 80 get /k -> ok b 3)"},
                                           Case{"TwoReadersSeeOppositeOrders", R"(
        1 0 10 create /k a -> ok
        1 20 100 set /k b * -> ok 1
        2 20 100 set /k c * -> ok 2
        3 30 40 get /k -> ok c 1
        4 50 60 get /k -> ok b 1)"}),
                         [](const ::testing::TestParamInfo<Case>& info) { return std::string(info.param.name); });

class ValidHistory : public ::testing::TestWithParam<Case> {};

TEST_P(ValidHistory, IsAccepted) {
  const LinearizabilityResult result = Check(GetParam().history);
  EXPECT_EQ(result.verdict, Verdict::kLinearizable) << result.explanation;
}

INSTANTIATE_TEST_SUITE_P(ByHand, ValidHistory,
                         ::testing::Values(Case{"Nothing", ""}, Case{"OneAfterTheOther", R"(
        1 0 10 create /k a -> ok
        1 20 30 set /k b 0 -> ok 1
        1 40 50 get /k -> ok b 1
        1 60 70 delete /k 1 -> ok
        1 80 90 get /k -> no_node
        1 95 99 create /k a -> ok)"},
                                           Case{"AReadMayPrecedeOrFollowAConcurrentWrite", R"(
        1 0 10 create /k a -> ok
        1 20 100 set /k b 0 -> ok 1
        2 30 40 get /k -> ok a 0
        3 50 60 get /k -> ok b 1)"},
                                           Case{"OfTwoConcurrentCompareAndSetsOneWins", R"(
        1 0 10 create /k a -> ok
        1 20 100 set /k b 0 -> bad_version
        2 20 100 set /k c 0 -> ok 1)"},
                                           Case{"AnUnknownWriteNeverHappens", R"(
        1 0 10 create /k a -> ok
        1 20 - set /k b 0 -> unknown
        2 30 40 get /k -> ok a 0
        2 50 60 set /k c 0 -> ok 1)"},
                                           Case{"AnUnknownWriteHappensMuchLater", R"(
        1 0 10 create /k a -> ok
        1 20 - set /k b * -> unknown
        2 30 40 get /k -> ok a 0
        2 50 60 set /k c 0 -> ok 1
        2 70 80 get /k -> ok b 2)"},
                                           Case{"ManyConcurrentUnknownsOfWhichSomeHappen", R"(
        1 0 10 create /k a -> ok
        1 20 - set /k b 0 -> unknown
        2 20 - set /k c 0 -> unknown
        3 20 - set /k d 1 -> unknown
        4 20 - delete /k 2 -> unknown
        5 20 - create /k e -> unknown
        6 30 40 get /k -> ok c 1
        6 50 60 get /k -> ok e 0)"},
                                           Case{"AnUnknownReadSaysNothing", R"(
        1 0 10 create /k a -> ok
        1 20 - get /k -> unknown)"},
                                           Case{"KeysAreIndependent", R"(
        1 0 10 create /k a -> ok
        1 0 10 create /l a -> ok
        2 20 30 set /k b 0 -> ok 1
        2 20 30 get /l -> ok a 0)"}),
                         [](const ::testing::TestParamInfo<Case>& info) { return std::string(info.param.name); });

// A single copy asked by many clients at once: every operation takes effect at a random moment between call and return,
// or, unanswered, at a random later one or never.
class RandomHistory {
 public:
  explicit RandomHistory(uint64_t seed) : random_(seed) {}

  RegisterHistory Make(int operations, int keys, int clients) {
    std::vector<int64_t> free_at(clients, 0);
    struct Effect {
      int64_t at;
      size_t op;
    };
    std::vector<Effect> effects;
    for (int i = 0; i < operations; ++i) {
      const int client = static_cast<int>(random_.Below(clients));
      RegisterOp op;
      op.client = client;
      op.key = absl::StrCat("/k", random_.Below(keys));
      op.invoked = free_at[client] + 1 + static_cast<int64_t>(random_.Below(20));
      const int64_t effect = op.invoked + 1 + static_cast<int64_t>(random_.Below(50));
      op.returned = effect + 1 + static_cast<int64_t>(random_.Below(50));
      free_at[client] = op.returned;
      const bool unknown = random_.OneIn(50);
      if (unknown) op.outcome = RegisterOutcome::kUnknown;
      const uint64_t call = random_.Below(100);
      op.call = call < 50   ? RegisterCall::kSet
                : call < 90 ? RegisterCall::kGet
                : call < 98 ? RegisterCall::kCreate
                            : RegisterCall::kDelete;
      if (op.call == RegisterCall::kSet || op.call == RegisterCall::kCreate) op.value = absl::StrCat("v", i);
      history_.push_back(op);
      if (unknown && random_.OneIn(2)) continue;
      effects.push_back({unknown ? effect + static_cast<int64_t>(random_.Below(2000)) : effect, history_.size() - 1});
    }
    std::stable_sort(effects.begin(), effects.end(), [](const Effect& a, const Effect& b) { return a.at < b.at; });
    for (const Effect& effect : effects) TakeEffect(history_[effect.op]);
    return history_;
  }

 private:
  struct Register {
    bool present = false;
    std::string value;
    int32_t version = 0;
  };

  // A version as a client would name it: mostly the present one, at times an old one, at times any.
  int32_t Expect(const Register& r) {
    const uint64_t kind = random_.Below(10);
    if (kind < 7) return r.version;
    return kind < 9 ? std::max(0, r.version - 1) : -1;
  }

  void TakeEffect(RegisterOp& op) {
    Register& r = registers_[op.key];
    const bool known = op.outcome != RegisterOutcome::kUnknown;
    const auto answer = [&](RegisterOutcome outcome) {
      if (known) op.outcome = outcome;
    };
    if (op.call == RegisterCall::kCreate) {
      if (r.present) return answer(RegisterOutcome::kNodeExists);
      r = {true, op.value, 0};
      return;
    }
    if (op.call == RegisterCall::kSet || op.call == RegisterCall::kDelete) op.expected_version = Expect(r);
    if (!r.present) return answer(RegisterOutcome::kNoNode);
    if (op.call == RegisterCall::kGet) {
      if (known) op.value = r.value;
      op.version = r.version;
      return;
    }
    if (op.expected_version >= 0 && op.expected_version != r.version) return answer(RegisterOutcome::kBadVersion);
    if (op.call == RegisterCall::kDelete) {
      r = {};
      return;
    }
    r.value = op.value;
    op.version = ++r.version;
  }

  Random random_;
  RegisterHistory history_;
  std::map<std::string, Register> registers_;
};

TEST(Linearizability, AcceptsWhatASingleCopyAnswered) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const RegisterHistory history = RandomHistory(seed).Make(400, 4, 8);
    const LinearizabilityResult result = CheckLinearizable(history);
    ASSERT_EQ(result.verdict, Verdict::kLinearizable) << "seed " << seed << ": " << result.explanation;
  }
}

TEST(Linearizability, RejectsTheSameHistoriesWithOneAnswerSpoiled) {
  int spoiled = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    RegisterHistory history = RandomHistory(seed).Make(400, 4, 8);
    Random random(seed);
    const size_t start = random.Below(history.size());
    for (size_t i = 0; i < history.size(); ++i) {
      RegisterOp& op = history[(start + i) % history.size()];
      if (op.outcome != RegisterOutcome::kOk || (op.call != RegisterCall::kGet && op.call != RegisterCall::kSet))
        continue;
      // No register here comes near this version.
      op.version += 1000;
      ++spoiled;
      break;
    }
    ASSERT_EQ(CheckLinearizable(history).verdict, Verdict::kViolated) << "seed " << seed;
  }
  EXPECT_EQ(spoiled, 200);
}

TEST(Linearizability, ChecksTwentyThousandOperationsOverTwentyKeysInFewSteps) {
  const RegisterHistory history = RandomHistory(7).Make(20'000, 20, 16);
  const LinearizabilityResult result = CheckLinearizable(history);
  EXPECT_EQ(result.verdict, Verdict::kLinearizable) << result.explanation;
  EXPECT_LT(result.steps, 5'000'000u);
}

TEST(Linearizability, SaysSoWhenItGivesUp) {
  const RegisterHistory history = RandomHistory(7).Make(1'000, 1, 16);
  EXPECT_EQ(CheckLinearizable(history, 10).verdict, Verdict::kGaveUp);
}

TEST(History, IsReadBackAsWritten) {
  const RegisterHistory history = RandomHistory(3).Make(500, 3, 5);
  const std::string text = FormatHistory(history);
  absl::StatusOr<RegisterHistory> again = ParseHistory(text);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(FormatHistory(*again), text);
  EXPECT_EQ(CheckLinearizable(*again).verdict, Verdict::kLinearizable);
}

TEST(History, AMalformedLineIsNamed) {
  for (const char* line :
       {"1 0 10 get /k ->", "1 0 10 get -> ok a 0", "x 0 10 get /k -> no_node", "1 9 3 get /k -> no_node",
        "1 0 - get /k -> no_node", "1 0 10 set /k a 0 -> unknown", "1 0 10 get /k -> no_node extra"}) {
    EXPECT_THAT(std::string(ParseHistory(absl::StrCat("# first\n", line)).status().message()), HasSubstr("line 2"))
        << line;
  }
}

}  // namespace
}  // namespace synod::testing

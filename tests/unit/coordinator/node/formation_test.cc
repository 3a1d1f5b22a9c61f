#include "coordinator/node/formation.h"

#include <gtest/gtest.h>

namespace synod::node {
namespace {

using consensus::Identity;
using consensus::MemberRole;

std::vector<Seed> ThreeSeeds() {
  return {{ServerId(1), MemberRole::kVoter, "h1:1"},
          {ServerId(2), MemberRole::kVoter, "h2:1"},
          {ServerId(3), MemberRole::kVoter, "h3:1"}};
}

Identity Id(uint32_t server, uint64_t storage) { return {ServerId(server), StorageId(storage)}; }

interfaces::PeerHello Hello(Identity identity, EnsembleId ensemble = EnsembleId(0), bool empty = true) {
  interfaces::PeerHello hello;
  hello.identity = identity;
  hello.ensemble = ensemble;
  hello.empty = empty;
  hello.seed_hash = SeedHash(ThreeSeeds());
  return hello;
}

Formation Make(Identity self, bool without_peers = false) { return Formation(self, "a", ThreeSeeds(), without_peers); }

// D10
TEST(Formation, WaitsUntilAllConfiguredVotersAnswered) {
  Formation formation = Make(Id(1, 11));
  EXPECT_EQ(formation.Decide().kind, FormationDecision::Kind::kWait);
  formation.Heard(Hello(Id(2, 22)));
  EXPECT_EQ(formation.Decide().kind, FormationDecision::Kind::kWait);
  formation.Heard(Hello(Id(3, 33)));
  EXPECT_EQ(formation.Decide().kind, FormationDecision::Kind::kForm);
  formation.Lost(ServerId(2));
  EXPECT_EQ(formation.Decide().kind, FormationDecision::Kind::kWait);
}

// D10, counterexample 16
TEST(Formation, AllWhoFormFormTheSameEnsemble) {
  Formation one = Make(Id(1, 11));
  one.Heard(Hello(Id(2, 22)));
  one.Heard(Hello(Id(3, 33)));
  Formation three = Make(Id(3, 33));
  three.Heard(Hello(Id(1, 11)));
  three.Heard(Hello(Id(2, 22)));
  EXPECT_EQ(one.Decide().ensemble, three.Decide().ensemble);
  EXPECT_EQ(one.Decide().configuration, three.Decide().configuration);
}

TEST(Formation, AnotherStorageMakesAnotherEnsemble) {
  Formation one = Make(Id(1, 11));
  one.Heard(Hello(Id(2, 22)));
  one.Heard(Hello(Id(3, 33)));
  Formation other = Make(Id(1, 12));
  other.Heard(Hello(Id(2, 22)));
  other.Heard(Hello(Id(3, 33)));
  EXPECT_NE(one.Decide().ensemble, other.Decide().ensemble);
}

// D10, counterexample 22
TEST(Formation, NeverFormsBesideAnEnsembleThatExists) {
  Formation formation = Make(Id(1, 11));
  interfaces::PeerHello member = Hello(Id(2, 22), EnsembleId(7), false);
  member.configuration.members = {{Id(1, 99), MemberRole::kVoter, ""}, {Id(2, 22), MemberRole::kVoter, ""}};
  formation.Heard(member);
  formation.Heard(Hello(Id(3, 33)));
  FormationDecision decision = formation.Decide();
  EXPECT_EQ(decision.kind, FormationDecision::Kind::kGuest);
  EXPECT_EQ(decision.ensemble, EnsembleId(7));
  EXPECT_TRUE(decision.configuration.members.empty());
}

// D10: a founding member that crashed before it wrote
TEST(Formation, AStorageListedInTheConfigurationTakesItsPlaceEvenWhenEmpty) {
  Formation formation = Make(Id(1, 11));
  interfaces::PeerHello member = Hello(Id(2, 22), EnsembleId(7), false);
  member.configuration.members = {{Id(1, 11), MemberRole::kVoter, ""}, {Id(2, 22), MemberRole::kVoter, ""}};
  formation.Heard(member);
  FormationDecision decision = formation.Decide();
  EXPECT_EQ(decision.kind, FormationDecision::Kind::kMember);
  EXPECT_EQ(decision.configuration, member.configuration);
}

TEST(Formation, WaitsWhenOnlyAGuestOfAnEnsembleAnswers) {
  Formation formation = Make(Id(1, 11));
  formation.Heard(Hello(Id(2, 22), EnsembleId(7), false));
  EXPECT_EQ(formation.Decide().kind, FormationDecision::Kind::kWait);
}

TEST(Formation, WaitsBetweenTwoEnsembles) {
  Formation formation = Make(Id(1, 11));
  formation.Heard(Hello(Id(2, 22), EnsembleId(7), false));
  formation.Heard(Hello(Id(3, 33), EnsembleId(8), false));
  FormationDecision decision = formation.Decide();
  EXPECT_EQ(decision.kind, FormationDecision::Kind::kWait);
  EXPECT_FALSE(decision.reason.empty());
}

// D10: wiped is not new
TEST(Formation, AWipedServerNeverForms) {
  Formation formation(Id(1, 11), "a", ThreeSeeds(), false, /*wiped=*/true);
  formation.Heard(Hello(Id(2, 22)));
  formation.Heard(Hello(Id(3, 33)));
  EXPECT_EQ(formation.Decide().kind, FormationDecision::Kind::kWait);
}

// D11
TEST(Formation, RefusesPeersStartedWithOtherServerLines) {
  Formation formation = Make(Id(1, 11));
  formation.Heard(Hello(Id(2, 22)));
  interfaces::PeerHello other = Hello(Id(3, 33));
  other.seed_hash = 1;
  formation.Heard(other);
  EXPECT_EQ(formation.Decide().kind, FormationDecision::Kind::kWait);
}

TEST(Formation, TheOperatorsFlagFormsWithWhoAnswered) {
  Formation formation = Make(Id(1, 11), true);
  formation.Heard(Hello(Id(2, 22)));
  FormationDecision decision = formation.Decide();
  EXPECT_EQ(decision.kind, FormationDecision::Kind::kForm);
  EXPECT_EQ(decision.configuration.VoterCount(), 2u);
}

}  // namespace
}  // namespace synod::node

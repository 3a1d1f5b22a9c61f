// PersistentEphemeral and GroupMembership.
#include <future>

#include "coordinator/recipes/group_membership.h"
#include "coordinator/recipes/persistent_ephemeral.h"
#include "tests/unit/coordinator/recipes/recipes_fixture.h"

namespace synod::recipes {
namespace {

using client::ErrorCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class RegistrationTest : public Recipes {
 protected:
  PersistentEphemeral::Options Options(const std::string& identity, const std::string& data,
                                       Heard<Presence>* heard = nullptr) {
    PersistentEphemeral::Options options;
    options.identity = identity;
    options.data = data;
    if (heard != nullptr) {
      options.on_change = [heard](Presence presence, const client::Error&) { heard->Add(presence); };
    }
    return options;
  }
  std::string DataOf(const std::string& path) {
    std::lock_guard lock(state_->mutex);
    auto it = state_->nodes.find(path);
    return it == state_->nodes.end() ? "(missing)" : it->second.data;
  }
  int64_t CzxidOf(const std::string& path) {
    std::lock_guard lock(state_->mutex);
    return state_->nodes.at(path).stat.czxid();
  }
};

TEST_F(RegistrationTest, ItComesBackAfterAnExpiryAndAfterADeletion) {
  auto session = MakeSession();
  Heard<Presence> heard;
  PersistentEphemeral here(session.get(), "/ids/7", Options("seven", "data", &heard));
  ASSERT_TRUE(here.WaitUntilPresent(kPatience).ok());
  EXPECT_EQ(DataOf("/ids/7"), "seven\ndata");
  const int64_t first = CzxidOf("/ids/7");
  DeleteNode("/ids/7");
  ASSERT_TRUE(heard.WaitForCount(3));
  EXPECT_THAT(heard.all(), ElementsAre(Presence::kPresent, Presence::kAbsent, Presence::kPresent));
  EXPECT_GT(CzxidOf("/ids/7"), first);
  ExpireAllSessions();
  ASSERT_TRUE(heard.WaitForCount(5));
  EXPECT_THAT(heard.all(), ElementsAre(Presence::kPresent, Presence::kAbsent, Presence::kPresent, Presence::kAbsent,
                                       Presence::kPresent));
  EXPECT_EQ(DataOf("/ids/7"), "seven\ndata");
}

TEST_F(RegistrationTest, ItReplacesItsOwnStalePredecessorAtOnce) {
  auto old_session = MakeSession();
  auto stale = std::make_unique<PersistentEphemeral>(old_session.get(), "/ids/7", Options("seven", "old"));
  ASSERT_TRUE(stale->WaitUntilPresent(kPatience).ok());
  auto session = MakeSession();
  PersistentEphemeral here(session.get(), "/ids/7", Options("seven", "new"));
  ASSERT_TRUE(here.WaitUntilPresent(kPatience).ok());
  EXPECT_EQ(DataOf("/ids/7"), "seven\nnew");
  // The earlier one finds itself replaced and neither fights nor takes the later one's node with it.
  EXPECT_EQ(stale->WaitUntilPresent(absl::Milliseconds(1)).ok(), stale->presence() == Presence::kPresent);
  stale.reset();
  Settle(old_session.get());
  EXPECT_EQ(DataOf("/ids/7"), "seven\nnew");
}

TEST_F(RegistrationTest, TheEarlierOfTwoWithOneIdentityStopsForGood) {
  auto session1 = MakeSession(), session2 = MakeSession();
  Heard<Presence> heard;
  PersistentEphemeral earlier(session1.get(), "/ids/7", Options("seven", "old", &heard));
  ASSERT_TRUE(earlier.WaitUntilPresent(kPatience).ok());
  PersistentEphemeral later(session2.get(), "/ids/7", Options("seven", "new"));
  ASSERT_TRUE(heard.WaitFor([](const auto& all) { return all.back() == Presence::kReplaced; }));
  EXPECT_EQ(earlier.WaitUntilPresent().error().code, ErrorCode::kNodeExists);
  EXPECT_EQ(later.presence(), Presence::kPresent);
  EXPECT_EQ(DataOf("/ids/7"), "seven\nnew");
}

TEST_F(RegistrationTest, SomebodyElsesNodeIsNeverTouchedAndItsPlaceTakenWhenItGoes) {
  auto other = MakeSession(), session = MakeSession();
  auto foreign = std::make_unique<PersistentEphemeral>(other.get(), "/ids/7", Options("eight", "theirs"));
  ASSERT_TRUE(foreign->WaitUntilPresent(kPatience).ok());
  Heard<Presence> heard;
  PersistentEphemeral here(session.get(), "/ids/7", Options("seven", "mine", &heard));
  ASSERT_TRUE(heard.WaitForCount(1));
  EXPECT_THAT(heard.all(), ElementsAre(Presence::kOccupied));
  EXPECT_EQ(DataOf("/ids/7"), "eight\ntheirs");
  here.SetData("mine, changed");
  Settle(session.get());
  EXPECT_EQ(DataOf("/ids/7"), "eight\ntheirs");
  foreign.reset();
  ASSERT_TRUE(here.WaitUntilPresent(kPatience).ok());
  EXPECT_EQ(DataOf("/ids/7"), "seven\nmine, changed");
}

TEST_F(RegistrationTest, DataMayChangeAtAnyMomentAndTheDestructorTakesTheNodeAway) {
  auto session = MakeSession();
  {
    PersistentEphemeral here(session.get(), "/a/b/c", Options("me", "1"));
    here.SetData("2");  // while it is being made
    ASSERT_TRUE(here.WaitUntilPresent(kPatience).ok());
    Settle(session.get());
    EXPECT_EQ(DataOf("/a/b/c"), "me\n2");
    here.SetData("3");
    Settle(session.get());
    EXPECT_EQ(DataOf("/a/b/c"), "me\n3");
  }
  Settle(session.get());
  EXPECT_EQ(DataOf("/a/b/c"), "(missing)");
  { PersistentEphemeral unseen(session.get(), "/a/b/c", Options("me", "1")); }
  Settle(session.get());
  Settle(session.get());
  EXPECT_EQ(DataOf("/a/b/c"), "(missing)");
}

TEST_F(RegistrationTest, ItIsUncertainWhileTheSessionMayBeLost) {  // S7
  auto session = MakeSession(absl::Milliseconds(600));
  Heard<Presence> heard;
  PersistentEphemeral here(session.get(), "/ids/7", Options("seven", "data", &heard));
  ASSERT_TRUE(here.WaitUntilPresent(kPatience).ok());
  for (auto& server : servers_) server->Refuse({grpc::StatusCode::UNAVAILABLE, "no quorum"});
  RestartServers();
  ASSERT_TRUE(heard.WaitForCount(2));
  for (auto& server : servers_) server->Refuse(grpc::Status::OK);
  ASSERT_TRUE(heard.WaitForCount(3));
  EXPECT_THAT(heard.all(), ElementsAre(Presence::kPresent, Presence::kUncertain, Presence::kPresent));
}

TEST_F(RegistrationTest, ContentIsAnIdentityALineFeedAndData) {
  EXPECT_EQ(PersistentEphemeral::Decode(PersistentEphemeral::Encode("a", "b\nc"))->data, "b\nc");
  EXPECT_EQ(PersistentEphemeral::Decode(PersistentEphemeral::Encode("a", ""))->identity, "a");
  EXPECT_FALSE(PersistentEphemeral::Decode("no line").has_value());
  EXPECT_FALSE(PersistentEphemeral::Decode("\nno identity").has_value());
  EXPECT_FALSE(PersistentEphemeral::Decode(std::nullopt).has_value());
}

TEST_F(RegistrationTest, EverybodySeesWhoIsInAGroup) {
  auto session1 = MakeSession(), session2 = MakeSession();
  Heard<GroupMembership::Members> views;
  GroupMembership one(session1.get(), "/group",
                      {.on_change = [&](const GroupMembership::Members& m) { views.Add(m); }});
  ASSERT_TRUE(one.WaitUntilKnown(kPatience));
  EXPECT_THAT(one.Get(), IsEmpty());
  EXPECT_EQ(one.WaitUntilJoined().error().code, ErrorCode::kBadArguments);
  one.Join("a", "1");
  ASSERT_TRUE(one.WaitUntilJoined(kPatience).ok());
  auto two = std::make_unique<GroupMembership>(session2.get(), "/group");
  two->Join("b", "2");
  ASSERT_TRUE(views.WaitFor([](const auto& all) { return all.back().size() == 2; }));
  EXPECT_THAT(one.Get(), ElementsAre(Pair("a", "1"), Pair("b", "2")));
  two->Join("b", "3");
  ASSERT_TRUE(views.WaitFor([](const auto& all) { return all.back().at("b") == "3"; }));
  two.reset();
  ASSERT_TRUE(views.WaitFor([](const auto& all) { return all.back().size() == 1; }));
  one.Leave();
  EXPECT_TRUE(views.WaitFor([](const auto& all) { return all.back().empty(); }));
}

}  // namespace
}  // namespace synod::recipes

#include "coordinator/frontdoor/commands/membership.h"

#include "tests/unit/coordinator/frontdoor/commands/commands_world.h"

namespace synod::frontdoor::commands {
namespace {

using ::testing::ElementsAre;

TEST(MembershipTest, LinesHaveAddressesRoleAndClientAddress) {
  std::vector<MemberLine> lines = ParseMembership(
      "server.1=a:2888:3888:participant;0.0.0.0:2181\nserver.22=[::1]:1:2|b:3:4:observer;2182\nserver.3=c:5:6\n"
      "version=100000000");
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0].server_id, 1u);
  EXPECT_THAT(lines[0].quorum_addresses, ElementsAre("a:2888"));
  EXPECT_THAT(lines[0].election_addresses, ElementsAre("a:3888"));
  EXPECT_EQ(lines[0].client_address, "0.0.0.0:2181");
  EXPECT_TRUE(lines[0].participant);
  EXPECT_EQ(lines[1].server_id, 22u);
  EXPECT_THAT(lines[1].quorum_addresses, ElementsAre("[::1]:1", "b:3"));
  EXPECT_THAT(lines[1].election_addresses, ElementsAre("[::1]:2", "b:4"));
  EXPECT_EQ(lines[1].client_address, "2182");
  EXPECT_FALSE(lines[1].participant);
  EXPECT_EQ(lines[2].client_address, "");
  EXPECT_TRUE(lines[2].participant);
}

TEST(MembershipTest, WhatCannotBeReadIsLeftOut) {
  EXPECT_TRUE(ParseMembership("").empty());
  EXPECT_TRUE(
      ParseMembership("server.x=a:1:2\nserver.1=a\nserver.1=a:1\nserver.1=[::1:1:2\ngroup.1=1:2\nserver.1=a:1:2:p:q")
          .empty());
}

TEST(MembershipTest, HostAndPortOfAnAddress) {
  EXPECT_EQ(HostOf("a:1"), "a");
  EXPECT_EQ(PortOf("a:1"), "1");
  EXPECT_EQ(HostOf("[::1]:23"), "[::1]");
  EXPECT_EQ(PortOf("[::1]:23"), "23");
}

// Section 17: the node is the truth once somebody wrote it.
TEST(MembershipTest, TheConfigurationNodeIsShownOnceItHasText) {
  testing::CommandsWorld c;
  c.Lead();
  EXPECT_EQ(MembershipText(c.context), absl::StrCat(c.facts.membership, "\nversion=0"));
  c.facts.membership.clear();
  EXPECT_EQ(MembershipText(c.context), "");
  c.world.ApplyOther(statemachine::SetSettingOp{std::string(statemachine::kMembershipSetting), "server.1=x:1:2"});
  EXPECT_EQ(MembershipText(c.context),
            absl::StrFormat("server.1=x:1:2\nversion=%x", c.world.machine.last_zxid().value()));
}

}  // namespace
}  // namespace synod::frontdoor::commands

#include "coordinator/server/server_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace synod::server {
namespace {

using ::testing::HasSubstr;

ServerLine Parsed(const std::string& value) {
  absl::StatusOr<ServerLine> line = ParseServerLine(value);
  EXPECT_TRUE(line.ok()) << value << ": " << line.status();
  return line.ok() ? *line : ServerLine();
}

std::string Error(const std::string& value) {
  absl::StatusOr<ServerLine> line = ParseServerLine(value);
  EXPECT_FALSE(line.ok()) << value;
  return std::string(line.status().message());
}

TEST(ServerLineTest, HostAndPortsAreTaken) {
  ServerLine line = Parsed("zk1.example.org:2888:3888");
  EXPECT_EQ(line.host, "zk1.example.org");
  EXPECT_EQ(line.peer_port, 2888);
  EXPECT_EQ(line.election_port, 3888);
  EXPECT_FALSE(line.observer);
  EXPECT_EQ(line.client_port, 0);
}

TEST(ServerLineTest, TheElectionPortMayBeMissing) { EXPECT_EQ(Parsed("a:2888").peer_port, 2888); }

TEST(ServerLineTest, TheRoleFollowsThePorts) {
  EXPECT_FALSE(Parsed("a:1:2:participant").observer);
  EXPECT_TRUE(Parsed("a:1:2:observer").observer);
  EXPECT_THAT(Error("a:1:2:learner"), HasSubstr("participant or observer"));
}

TEST(ServerLineTest, AnIpv6AddressStandsInBrackets) {
  ServerLine line = Parsed("[2001:db8::1]:2888:3888:observer;[::1]:2181");
  EXPECT_EQ(line.host, "[2001:db8::1]");
  EXPECT_EQ(line.peer_port, 2888);
  EXPECT_TRUE(line.observer);
  EXPECT_EQ(line.client_host, "[::1]");
  EXPECT_EQ(line.client_port, 2181);
}

TEST(ServerLineTest, TheClientPartIsAPortWithOrWithoutAddress) {
  EXPECT_EQ(Parsed("a:1:2;2181").client_port, 2181);
  EXPECT_EQ(Parsed("a:1:2;2181").client_host, "");
  EXPECT_EQ(Parsed("a:1:2;0.0.0.0:2181").client_host, "0.0.0.0");
  EXPECT_THAT(Error("a:1:2;b:c:1"), HasSubstr("client part"));
  EXPECT_THAT(Error("a:1:2;x"), HasSubstr("client port \"x\" is not a port"));
}

TEST(ServerLineTest, TheFirstOfSeveralAddressesIsTakenAndAnyMayNameTheRole) {
  ServerLine line = Parsed("[::1]:1:2|b:3:4:observer;5");
  EXPECT_EQ(line.host, "[::1]");
  EXPECT_EQ(line.peer_port, 1);
  EXPECT_TRUE(line.observer);
  EXPECT_TRUE(line.more_addresses);
  EXPECT_EQ(line.client_port, 5);
}

TEST(ServerLineTest, AClientPartForTlsIsNoticed) {
  EXPECT_TRUE(Parsed("a:1:2;5;6").secure_client);
  EXPECT_TRUE(Parsed("a:1:2;;0.0.0.0:6").secure_client);
  EXPECT_EQ(Parsed("a:1:2;;6").client_port, 0);
  EXPECT_FALSE(Parsed("a:1:2;5;").secure_client);
}

TEST(ServerLineTest, AMembershipLineHasBothPortsAndTheRole) {
  EXPECT_EQ(MembershipLine(1, Parsed("a:1:2")), "server.1=a:1:2:participant");
  EXPECT_EQ(MembershipLine(2, Parsed("a:2888;b:5")), "server.2=a:2888:3888:participant;b:5");
  EXPECT_EQ(MembershipLine(3, Parsed("[::1]:3888;[::]:5")), "server.3=[::1]:3888:2888:participant;[::]:5");
}

TEST(ServerLineTest, WhatIsNoLineIsRefusedWithThePartThatIsWrong) {
  EXPECT_THAT(Error(""), HasSubstr("must be host:peerPort"));
  EXPECT_THAT(Error("a"), HasSubstr("must be host:peerPort"));
  EXPECT_THAT(Error(":1:2"), HasSubstr("must be host:peerPort"));
  EXPECT_THAT(Error("a:1:2:observer:x"), HasSubstr("must be host:peerPort"));
  EXPECT_THAT(Error("a:0"), HasSubstr("peer port \"0\" is not a port"));
  EXPECT_THAT(Error("a:1:70000"), HasSubstr("election port \"70000\" is not a port"));
  EXPECT_THAT(Error("a:1:2|b"), HasSubstr("must be host:peerPort"));
  EXPECT_THAT(Error("a:1:2:observer|b:1:2:participant"), HasSubstr("differ in their roles"));
  EXPECT_THAT(Error("a:1:2;3;4;5"), HasSubstr("too many parts"));
  EXPECT_THAT(Error("a:1:2;:3"), HasSubstr("client part"));
}

}  // namespace
}  // namespace synod::server

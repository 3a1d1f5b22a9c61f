#include "coordinator/frontdoor/grpc/peer_address.h"

#include <gtest/gtest.h>

namespace synod::frontdoor {
namespace {

TEST(PeerAddressTest, AnAddressHasNoPortAndNoBrackets) {
  EXPECT_EQ(AddressOfPeer("ipv4:10.0.0.7:51234"), "10.0.0.7");
  EXPECT_EQ(AddressOfPeer("ipv6:[::1]:1234"), "::1");
  EXPECT_EQ(AddressOfPeer("ipv6:%5B::1%5D:1234"), "::1");
  EXPECT_EQ(AddressOfPeer("ipv6:%5b2001:db8::7%5d:1234"), "2001:db8::7");
}

TEST(PeerAddressTest, AZoneIsNoPartOfTheAddress) {
  EXPECT_EQ(AddressOfPeer("ipv6:%5Bfe80::1%25eth0%5D:1234"), "fe80::1");
}

TEST(PeerAddressTest, IPv4OverIPv6IsTheIPv4Address) {
  EXPECT_EQ(AddressOfPeer("ipv6:%5B::ffff:10.0.0.7%5D:1234"), "10.0.0.7");
}

TEST(PeerAddressTest, WhatHasNoAddressGivesNone) {
  for (const char* peer : {"", "unix:/run/synod", "ipv6:", "ipv6:::1", "ipv6:%5B::1", "pipe"}) {
    EXPECT_EQ(AddressOfPeer(peer), "") << peer;
  }
}

}  // namespace
}  // namespace synod::frontdoor

#include "coordinator/access/schemes.h"

#include <gtest/gtest.h>

namespace synod::access {
namespace {

bool Valid(std::string_view scheme, std::string_view id) { return FindScheme(scheme)->valid_acl_id(id); }
bool Matches(std::string_view id, std::string_view acl_id) { return FindScheme("ip")->matches(id, acl_id); }

TEST(Schemes, ThoseOfferedAndNoOthers) {  // 7.4
  for (const char* name : {"world", "ip", "digest"}) EXPECT_EQ(FindScheme(name)->name, name);
  for (const char* name : {"", "auth", "super", "x509", "sasl", "World", "digest "}) {
    EXPECT_EQ(FindScheme(name), nullptr) << name;
  }
}

TEST(Schemes, OnlyADigestCountsForAuth) {  // 7.3
  EXPECT_TRUE(FindScheme("digest")->authenticated);
  EXPECT_FALSE(FindScheme("ip")->authenticated);
  EXPECT_FALSE(FindScheme("world")->authenticated);
}

TEST(World, IsAnyone) {
  EXPECT_TRUE(Valid("world", "anyone"));
  for (const char* id : {"", "Anyone", "anyone ", "bob"}) EXPECT_FALSE(Valid("world", id)) << id;
}

TEST(Digest, IsTheOneZooKeeperComputes) {  // 7.4, its examples
  EXPECT_EQ(DigestId("super:test"), "super:D/InIHSb7yEEbrWz8b9l71RjZJU=");
  EXPECT_EQ(DigestId("bob:secret"), "bob:fyVmFCwVbTJYrznoSu1koqYEYF0=");
}

TEST(Digest, EndsTheUserAtTheFirstColonAndHashesAll) {  // 7.4
  EXPECT_EQ(DigestId("bob:se:cret").substr(0, 4), "bob:");
  EXPECT_NE(DigestId("bob:se:cret"), DigestId("bob:se"));
  EXPECT_EQ(DigestId("bob").substr(0, 4), "bob:");
  EXPECT_NE(DigestId("bob"), DigestId("bob:"));
  EXPECT_EQ(DigestId(":secret").substr(0, 1), ":");
  EXPECT_EQ(DigestId(""), ":2jmj7l5rSw0yVb/vlWAYkK/YBwk=") << "of no bytes at all";
}

TEST(Digest, AnAclNamesUserAndDigest) {  // 7.4
  for (const char* id : {"bob:x", ":x", "bob:fyVmFCwVbTJYrznoSu1koqYEYF0="}) EXPECT_TRUE(Valid("digest", id)) << id;
  for (const char* id : {"", "bob", "bob:", ":", "::", "bob:x:y", "bob:x:", "bob::x"}) {
    EXPECT_FALSE(Valid("digest", id)) << id;
  }
}

TEST(Digest, MatchesWhatIsEqual) {
  const Scheme* digest = FindScheme("digest");
  EXPECT_TRUE(digest->matches("bob:x", "bob:x"));
  EXPECT_FALSE(digest->matches("bob:x", "bob:X"));
  EXPECT_FALSE(digest->matches("bob:x", "bob:xx"));
}

TEST(Authenticate, ADigestIsAnIdentityWhateverThePassword) {  // 7.4
  EXPECT_EQ(Authenticate("digest", "bob:secret"), (IdentitySet{{"digest", "bob:fyVmFCwVbTJYrznoSu1koqYEYF0="}}));
  for (const char* credential : {"bob:wrong", "bob", "bob:", ":", ":secret"}) {
    EXPECT_EQ(Authenticate("digest", credential), (IdentitySet{{"digest", DigestId(credential)}})) << credential;
  }
}

TEST(Authenticate, AnAddressIsAcceptedAndProvesNothing) {  // 7.4
  EXPECT_EQ(Authenticate("ip", ""), IdentitySet{});
  EXPECT_EQ(Authenticate("ip", "10.0.0.1"), IdentitySet{});
}

TEST(Authenticate, RefusesUnknownSchemesAndAnEmptyDigest) {  // 7.4
  for (const char* scheme : {"", "world", "auth", "super", "x509", "sasl", "DIGEST"}) {
    EXPECT_EQ(Authenticate(scheme, "bob:secret"), std::nullopt) << scheme;
  }
  EXPECT_EQ(Authenticate("digest", ""), std::nullopt);
}

TEST(Authenticate, RefusesAUserLongerThanAnIdMayBe) {
  const std::string longest(kMaxAclTextBytes - 29, 'u');  // ':' and 28 digits of base64
  EXPECT_TRUE(Authenticate("digest", longest + ":secret").has_value());
  EXPECT_TRUE(Authenticate("digest", longest + ":" + std::string(10000, 's')).has_value());
  EXPECT_EQ(Authenticate("digest", longest + "u:secret"), std::nullopt);
}

TEST(DisplayName, NeverShowsADigest) {  // 7.4, whoAmI
  EXPECT_EQ(DisplayName({"digest", DigestId("bob:secret")}), "bob");
  EXPECT_EQ(DisplayName({"ip", "::1"}), "::1");
  EXPECT_EQ(DisplayName({"super", ""}), "");
  EXPECT_EQ(DisplayName({"x509", "CN=bob"}), "CN=bob");
}

TEST(Ip, AnAclNamesAnAddressOrANetwork) {  // 7.4
  for (const char* id :
       {"0.0.0.0", "255.255.255.255", "10.1.2.3", "10.1.2.3/0", "10.1.2.3/8", "10.1.2.3/32", "::", "::1", "1::", "::/0",
        "fe80::1/64", "2001:db8:0:0:1:2:3:4", "2001:DB8::a/128", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8",
        "::ffff:10.0.0.1", "64:ff9b::10.0.0.1/96", "1:2:3:4:5:6:10.0.0.1"}) {
    EXPECT_TRUE(Valid("ip", id)) << id;
  }
  for (const char* id : {"",
                         "/",
                         "/8",
                         "10",
                         "10.1.2",
                         "10.1.2.3.4",
                         "10.1.2.",
                         ".1.2.3",
                         "10..2.3",
                         "256.1.2.3",
                         "10.1.2.1000",
                         "010.1.2.3",
                         "10.1.2.3a",
                         " 10.1.2.3",
                         "10.1.2.3 ",
                         "-1.1.2.3",
                         "10.1.2.3/",
                         "10.1.2.3/33",
                         "10.1.2.3/-1",
                         "10.1.2.3/+8",
                         "10.1.2.3/08",
                         "10.1.2.3/8/8",
                         "10.1.2.3/8 ",
                         "localhost",
                         ":",
                         ":::",
                         "1:::2",
                         "1::2::3",
                         "::1/129",
                         "1:2:3:4:5:6:7",
                         "1:2:3:4:5:6:7:8:9",
                         "1:2:3:4:5:6:7:8::",
                         "::1:2:3:4:5:6:7:8",
                         ":1:2:3:4:5:6:7",
                         "1:2:3:4:5:6:7:",
                         "12345::",
                         "g::",
                         "::10.0.0",
                         "::10.0.0.1:1",
                         "10.0.0.1::",
                         "1:2:3:4:5:6:7:10.0.0.1",
                         "::1:2:3:4:5:6:7:10.0.0.1",
                         "fe80::1%eth0",
                         "[::1]"}) {
    EXPECT_FALSE(Valid("ip", id)) << id;
  }
}

TEST(Ip, MatchesUnderTheMask) {  // 7.4
  EXPECT_TRUE(Matches("10.1.2.3", "10.1.2.3"));
  EXPECT_FALSE(Matches("10.1.2.4", "10.1.2.3"));
  EXPECT_TRUE(Matches("10.9.9.9", "10.1.2.3/8")) << "host bits need not be 0";
  EXPECT_FALSE(Matches("11.1.2.3", "10.1.2.3/8"));
  EXPECT_TRUE(Matches("10.1.2.2", "10.1.2.3/31"));
  EXPECT_FALSE(Matches("10.1.2.1", "10.1.2.3/31"));
  EXPECT_TRUE(Matches("10.1.127.1", "10.1.0.0/17"));
  EXPECT_FALSE(Matches("10.1.128.1", "10.1.0.0/17"));
  EXPECT_TRUE(Matches("203.0.113.9", "10.1.2.3/0"));
  EXPECT_TRUE(Matches("10.1.2.3", "10.1.2.3/32"));

  EXPECT_TRUE(Matches("::1", "0:0:0:0:0:0:0:1"));
  EXPECT_TRUE(Matches("2001:db8::1:2", "2001:DB8:0:0::/64"));
  EXPECT_FALSE(Matches("2001:db8:0:1::1", "2001:db8::/64"));
  EXPECT_TRUE(Matches("2001:db8:0:1::1", "2001:db8::/63"));
  EXPECT_FALSE(Matches("::1", "::2"));
  EXPECT_TRUE(Matches("1::5:6", "1:0:0:0:0:0:5:6/128"));
}

TEST(Ip, MatchesWithinOneFamily) {  // 7.4
  EXPECT_FALSE(Matches("10.0.0.1", "::/0"));
  EXPECT_FALSE(Matches("::1", "0.0.0.0/0"));
  EXPECT_FALSE(Matches("::a00:1", "10.0.0.1"));
}

TEST(Ip, NothingThatIsNoAddress) {
  EXPECT_FALSE(Matches("", "0.0.0.0/0"));
  EXPECT_FALSE(Matches("bob", "0.0.0.0/0"));
  EXPECT_FALSE(Matches("10.0.0.1/8", "0.0.0.0/0"));
  EXPECT_FALSE(Matches("10.0.0.1", ""));
}

TEST(Ip, TheIdentityIsTheAddress) {
  EXPECT_EQ(IpIdentity("127.0.0.1"), (Identity{"ip", "127.0.0.1"}));
  EXPECT_EQ(IpIdentity("::1"), (Identity{"ip", "::1"}));
  EXPECT_EQ(IpIdentity("fe80::1%eth0"), (Identity{"ip", "fe80::1"}));
  for (const char* address : {"", "unix:", "localhost", "127.0.0.1:80", "[::1]", "10.0.0.0/8", "%eth0"}) {
    EXPECT_EQ(IpIdentity(address), std::nullopt) << address;
  }
}

// A dual-stack socket reports IPv4 clients so; an ACL means the same client in either spelling.
TEST(Ip, AMappedAddressIsTheIpv4Address) {
  EXPECT_EQ(IpIdentity("::ffff:192.168.1.20"), (Identity{"ip", "192.168.1.20"}));
  EXPECT_EQ(IpIdentity("::ffff:c0a8:114"), (Identity{"ip", "192.168.1.20"}));
  EXPECT_TRUE(Matches("192.168.1.20", "::ffff:192.168.1.20"));
  EXPECT_TRUE(Matches("192.168.1.20", "::ffff:192.168.0.0/112"));
  EXPECT_FALSE(Matches("192.169.1.20", "::ffff:192.168.0.0/112"));
}

}  // namespace
}  // namespace synod::access

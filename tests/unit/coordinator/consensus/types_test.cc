#include "coordinator/consensus/types.h"

#include <gtest/gtest.h>

#include "tests/unit/coordinator/consensus/test_server.h"

namespace synod::consensus {
namespace {

TEST(Configuration, SurvivesEncoding) {
  Configuration before = MakeConfiguration({1, 2, 255}, {7});
  before.members[0].address = "host-1:2888";
  auto after = Configuration::Decode(before.Encode());
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(*after, before);
  EXPECT_EQ(Configuration::Decode(Configuration().Encode())->members.size(), 0u);
}

TEST(Configuration, DamagedBytesAreRefused) {
  std::string bytes = MakeConfiguration({1, 2, 3}).Encode();
  for (size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_EQ(Configuration::Decode(bytes.substr(0, n)).status().code(), absl::StatusCode::kDataLoss) << n;
  }
  EXPECT_FALSE(Configuration::Decode(bytes + "x").ok());
  std::string version = bytes;
  version[0] = 9;
  EXPECT_FALSE(Configuration::Decode(version).ok());
  // Count beyond the bytes there are.
  std::string count = bytes;
  count[1] = 127;
  EXPECT_FALSE(Configuration::Decode(count).ok());
}

TEST(Configuration, OneServerStandsOnceAndInOrder) {
  Configuration twice;
  twice.members = {{.identity = MakeIdentity(2, 1)}, {.identity = MakeIdentity(2, 2)}};
  EXPECT_FALSE(Configuration::Decode(twice.Encode()).ok());
  Configuration nobody;
  nobody.members = {{.identity = {ServerId(0), StorageId(1)}}};
  EXPECT_FALSE(Configuration::Decode(nobody.Encode()).ok());
}

// D10: who takes part is the pair of server and storage.
TEST(Configuration, KnowsMembersByServerAndStorage) {
  Configuration configuration = MakeConfiguration({1, 2}, {3});
  EXPECT_TRUE(configuration.IsVoter(MakeIdentity(1)));
  EXPECT_FALSE(configuration.IsVoter(MakeIdentity(1, 99)));
  EXPECT_FALSE(configuration.IsMember(MakeIdentity(1, 99)));
  EXPECT_TRUE(configuration.IsMember(MakeIdentity(3)));
  EXPECT_FALSE(configuration.IsVoter(MakeIdentity(3)));
  EXPECT_EQ(configuration.VoterCount(), 2u);
  EXPECT_EQ(configuration.Find(ServerId(9)), nullptr);
}

}  // namespace
}  // namespace synod::consensus

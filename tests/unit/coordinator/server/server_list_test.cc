// D11: the server lines against what the data directory knows of its ensemble.
#include "coordinator/server/server_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/storage/posix_file.h"

namespace synod::server {
namespace {

using consensus::MemberRole;
using ::testing::HasSubstr;

constexpr MemberRole kV = MemberRole::kVoter;
constexpr MemberRole kO = MemberRole::kLearner;
using Roles = std::initializer_list<std::pair<uint32_t, MemberRole>>;

std::vector<node::Seed> Lines(Roles roles) {
  std::vector<node::Seed> lines;
  for (const auto& [id, role] : roles) lines.push_back({ServerId(id), role, absl::StrCat("host", id, ":2888")});
  return lines;
}

consensus::Configuration Members(Roles roles) {
  consensus::Configuration configuration;
  for (const auto& [id, role] : roles) {
    configuration.members.push_back({{ServerId(id), StorageId(100 + id)}, role, absl::StrCat("elsewhere", id, ":1")});
  }
  return configuration;
}

absl::Status Check(const std::vector<node::Seed>& lines, KnownServers known, uint32_t self = 1) {
  return CheckServers(lines, ServerId(self), known);
}

TEST(ServerListTest, AddressesMayDiffer) {  // D11
  EXPECT_TRUE(Check(Lines({{1, kV}, {2, kV}, {3, kV}}), {.latest = Members({{1, kV}, {2, kV}, {3, kV}})}).ok());
}

TEST(ServerListTest, AnAddedRemovedOrChangedServerIsRefusedWithBothLists) {  // D11
  consensus::Configuration three = Members({{1, kV}, {2, kV}, {3, kV}});
  absl::Status added = Check(Lines({{1, kV}, {2, kV}, {3, kV}, {4, kV}}), {.latest = three, .earlier = {three}});
  EXPECT_EQ(added.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(added.message()), HasSubstr("server lines: 1 (voter), 2 (voter), 3 (voter), 4 (voter)"));
  EXPECT_THAT(std::string(added.message()), HasSubstr("ensemble:     1 (voter), 2 (voter), 3 (voter)\n"));
  EXPECT_FALSE(Check(Lines({{1, kV}, {2, kV}}), {.latest = three}).ok());
  EXPECT_FALSE(Check(Lines({{1, kV}, {2, kV}, {3, kO}}), {.latest = three}).ok());
  EXPECT_FALSE(Check(Lines({{1, kV}, {2, kV}, {4, kV}}), {.latest = three}).ok());
}

TEST(ServerListTest, AnObserverMayNotHaveBeenAddedYet) {
  EXPECT_TRUE(
      Check(Lines({{1, kV}, {2, kV}, {3, kV}, {4, kO}}), {.latest = Members({{1, kV}, {2, kV}, {3, kV}})}).ok());
}

TEST(ServerListTest, AVoterThatIsBeingReplacedMayBeMissing) {  // D10: removal, then addition
  KnownServers known{.latest = Members({{1, kV}, {2, kV}}), .earlier = {Members({{1, kV}, {2, kV}, {3, kV}})}};
  EXPECT_TRUE(Check(Lines({{1, kV}, {2, kV}, {3, kV}}), known).ok());
  // The history is behind the snapshot, and the lines of the first start are what remains.
  EXPECT_TRUE(Check(Lines({{1, kV}, {2, kV}, {3, kV}}),
                    {.recorded = Lines({{1, kV}, {2, kV}, {3, kV}}), .latest = Members({{1, kV}, {2, kV}})})
                  .ok());
}

TEST(ServerListTest, AServerWithoutAPlaceYetSeesOnlyPartOfTheEnsemble) {  // D10: a guest
  EXPECT_TRUE(Check(Lines({{1, kV}, {2, kV}, {3, kV}}), {.latest = Members({{2, kV}, {3, kV}})}).ok());
  EXPECT_TRUE(Check(Lines({{1, kV}, {2, kV}, {3, kV}}), {}).ok());
  EXPECT_FALSE(Check(Lines({{1, kV}, {2, kV}, {3, kV}}), {.latest = Members({{2, kV}, {5, kV}})}).ok());
}

TEST(ServerListTest, TheLinesOfTheFirstStartBindEvenAGuest) {
  EXPECT_FALSE(
      Check(Lines({{1, kV}, {2, kV}, {3, kV}, {4, kO}}), {.recorded = Lines({{1, kV}, {2, kV}, {3, kV}})}).ok());
}

TEST(ServerListTest, TheFileKeepsIdsAndRoles) {
  std::vector<node::Seed> lines = Lines({{1, kV}, {2, kV}, {7, kO}});
  std::optional<std::vector<node::Seed>> read = DecodeServers(EncodeServers(lines));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(EncodeServers(*read), EncodeServers(lines));
  EXPECT_EQ(EncodeServers(lines), "synod servers\n1 voter\n2 voter\n7 observer\n");
}

TEST(ServerListTest, ADamagedFileCountsAsMissing) {
  for (const char* text : {"", "synod servers\n", "synod servers\n1 voter", "synod servers\nx voter\n",
                           "other\n1 voter\n", "synod servers\n1 boss\n"}) {
    EXPECT_FALSE(DecodeServers(text).has_value()) << text;
  }
}

TEST(ServerListTest, WritingTwiceKeepsOneFile) {
  std::string directory = (std::filesystem::temp_directory_path() / absl::StrCat("synod-servers-", getpid())).string();
  std::filesystem::create_directories(directory);
  storage::PosixFileSystem fs;
  EXPECT_FALSE(ReadServers(&fs, directory).has_value());
  ASSERT_TRUE(WriteServers(&fs, directory, Lines({{1, kV}})).ok());
  ASSERT_TRUE(WriteServers(&fs, directory, Lines({{1, kV}, {2, kV}})).ok());
  std::optional<std::vector<node::Seed>> read = ReadServers(&fs, directory);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->size(), 2u);
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace synod::server

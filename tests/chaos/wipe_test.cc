// Disks that are lost: a wiped server is not the server it was (D10).
#include <gtest/gtest.h>

#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "tests/chaos/chaos_fixture.h"

namespace synod::testing {
namespace {

// What the leader says of a member; nothing if it does not list it.
std::optional<v1::MemberInfo> MemberAtLeader(RealCluster& cluster, int leader, int id) {
  const auto members = cluster.Members(leader);
  if (!members.ok()) return std::nullopt;
  for (const v1::MemberInfo& member : members->members()) {
    if (member.server_id() == static_cast<uint32_t>(id)) return member;
  }
  return std::nullopt;
}

// Waits until `id` votes under another storage id than `old_storage`.
absl::Status WaitForNewVoter(RealCluster& cluster, int id, const std::string& old_storage) {
  const absl::Time deadline = absl::Now() + kPatience;
  std::string last = "no answer";
  while (absl::Now() < deadline) {
    const auto leader = cluster.WaitLeader(absl::Seconds(5));
    if (leader.ok()) {
      const auto member = MemberAtLeader(cluster, *leader, id);
      last = member ? member->ShortDebugString() : "not a member";
      if (member && member->role() == "voter" && member->storage_id() != old_storage) return absl::OkStatus();
    }
    absl::SleepFor(absl::Milliseconds(50));
  }
  return absl::DeadlineExceededError("the wiped server does not vote again: " + last);
}

client::ClientOptions UnaryOptions(const RealCluster& cluster, absl::Duration timeout) {
  client::ClientOptions options;
  options.servers = absl::StrJoin(cluster.grpc_addresses(), ",");
  options.session = false;
  options.request_timeout = timeout;
  return options;
}

TEST_F(Chaos, WipedServerRejoinsAsLearnerAndThenVotes) {  // D10
  ASSERT_NO_FATAL_FAILURE(StartCluster(3));
  ASSERT_NO_FATAL_FAILURE(StartLoad());
  const int leader = Leader();
  const int wiped = Follower();
  ASSERT_NE(leader, 0);
  const auto before = MemberAtLeader(*cluster_, leader, wiped);
  ASSERT_TRUE(before);
  ASSERT_EQ(before->role(), "voter");

  load_->Fault([&] { cluster_->Kill(wiped); });
  cluster_->WipeData(wiped);
  ASSERT_TRUE(cluster_->StartServer(wiped).ok());
  const absl::Status voter = WaitForNewVoter(*cluster_, wiped, before->storage_id());
  ASSERT_TRUE(voter.ok()) << voter;
  ASSERT_TRUE(cluster_->WaitReady({wiped}, kPatience).ok());

  // Its vote counts: without it the next loss would leave no majority.
  const int next = Leader();
  load_->Fault([&] { cluster_->Kill(next == wiped ? Follower() : next); });
  ASSERT_NO_FATAL_FAILURE(Breathe());
  FinishAndJudge();
}

TEST_F(Chaos, WipedFollowerAndTheServerThatMissedAnEntryDoNotElectEachOther) {  // D10; counterexamples.md 22
  ASSERT_NO_FATAL_FAILURE(StartCluster(3));
  const int a = Leader();
  ASSERT_NE(a, 0);
  const int c = Follower();
  const int b = 6 - a - c;
  auto client = client::BlockingClient::Create(UnaryOptions(*cluster_, absl::Seconds(10)));
  ASSERT_TRUE(client.ok());
  ASSERT_TRUE((*client)->Create("/kept", std::string("old")).ok());
  const auto before = MemberAtLeader(*cluster_, a, b);
  ASSERT_TRUE(before);

  // C misses an entry that A and B acknowledge; then B's disk is lost.
  cluster_->Kill(c);
  const auto written = (*client)->Set("/kept", std::string("new"), 0);
  ASSERT_TRUE(written.ok()) << written.error().ToString();
  cluster_->KillTogether({a, b});
  cluster_->WipeData(b);
  ASSERT_TRUE(cluster_->StartServer(b).ok());
  ASSERT_TRUE(cluster_->StartServer(c).ok());

  // Ten election timeouts.
  const auto elected = cluster_->WaitLeader(absl::Seconds(4));
  EXPECT_FALSE(elected.ok()) << "server " << *elected << " leads without the acknowledged write";
  auto hasty = client::BlockingClient::Create(UnaryOptions(*cluster_, absl::Seconds(1)));
  ASSERT_TRUE(hasty.ok());
  EXPECT_FALSE((*hasty)->Set("/kept", std::string("without it")).ok());

  // A has it all, and B learns it from there.
  ASSERT_TRUE(cluster_->StartServer(a).ok());
  ASSERT_NE(Leader(), 0);
  const auto read = (*client)->Get("/kept", client::ReadStrength::kLinearizable);
  ASSERT_TRUE(read.ok()) << read.error().ToString();
  EXPECT_EQ(read->data, "new");
  EXPECT_EQ(read->stat.version, 1);
  const absl::Status voter = WaitForNewVoter(*cluster_, b, before->storage_id());
  EXPECT_TRUE(voter.ok()) << voter;
  const auto digest = cluster_->WaitEqualDigests(cluster_->ids(), kPatience);
  EXPECT_TRUE(digest.ok()) << digest.status();
}

}  // namespace
}  // namespace synod::testing

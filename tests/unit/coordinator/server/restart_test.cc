// Servers that stop, are wiped or damaged, and come back.
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "coordinator/server/server.h"
#include "coordinator/server/verify.h"
#include "tests/unit/coordinator/server/ensemble.h"

namespace synod::server {
namespace {

using testing::CreateRequest;
using testing::Ensemble;
using testing::Eventually;
using testing::GetRequest;
using ::testing::HasSubstr;
using testing::Running;
using testing::Stream;
using testing::TakeSnapshot;

TEST(ServerTest, AllServersStoppedAndStartedAgainHaveTheirState) {
  Ensemble ensemble;
  ASSERT_TRUE(ensemble.WaitReady());
  ASSERT_TRUE(ensemble.at(0).Call(CreateRequest("/kept", "1")).ok());
  grpc::ClientContext context;
  Running::Limit(&context);
  v1::SnapshotReply snapshot;
  ASSERT_TRUE(ensemble.at(0).ensemble().Snapshot(&context, v1::SnapshotRequest(), &snapshot).ok());
  ASSERT_TRUE(ensemble.at(1).Call(CreateRequest("/kept/behind-the-snapshot", "2")).ok());
  std::string id = ensemble.at(0).Status().ensemble_id();
  ensemble.StopAll();
  for (int i = 0; i < 3; ++i) {
    VerifyResult whole = VerifyData(ensemble.Config(i).data_dir, "");
    EXPECT_TRUE(whole.ok) << whole.text;
  }
  for (int i = 0; i < 3; ++i) ensemble.Start(i);
  ASSERT_TRUE(ensemble.WaitReady());
  v1::Reply reply;
  ASSERT_TRUE(ensemble.at(2).Call(GetRequest("/kept/behind-the-snapshot"), &reply).ok());
  EXPECT_EQ(reply.data().value(), "2");
  EXPECT_EQ(ensemble.at(0).Status().ensemble_id(), id);
}

TEST(ServerTest, ALeaderThatLeavesHandsOverAndClosesItsStreams) {
  Ensemble ensemble;
  ASSERT_TRUE(ensemble.WaitReady());
  int leader = ensemble.Leader();
  ASSERT_GE(leader, 0);
  Stream stream(ensemble.at(leader));
  ASSERT_TRUE(stream.Connect());
  std::thread stop([&] { ensemble.at(leader).Stop(); });
  grpc::Status status = stream.Finish();
  stop.join();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
  EXPECT_THAT(status.error_message(), HasSubstr("server stopping"));
  ensemble.Stop(leader);
  ASSERT_TRUE(ensemble.WaitReady());
  EXPECT_NE(ensemble.Leader(), leader);
}

TEST(ServerTest, AWipedServerIsGivenEverythingAgainAndVotes) {  // D10
  Ensemble ensemble;
  ASSERT_TRUE(ensemble.WaitReady());
  ASSERT_TRUE(ensemble.at(0).Call(CreateRequest("/mine", "1")).ok());
  int wiped = ensemble.Follower();
  std::string storage = ensemble.at(wiped).Status().storage_id();
  ensemble.Stop(wiped);
  std::filesystem::remove_all(ensemble.Config(wiped).data_dir + "/synod/log");
  ensemble.Start(wiped);
  ASSERT_TRUE(ensemble.at(wiped).status().ok()) << ensemble.at(wiped).status();
  EXPECT_TRUE(std::filesystem::exists(ensemble.Config(wiped).data_dir + "/synod.wiped-1"));
  ASSERT_TRUE(Eventually([&] { return ensemble.at(wiped).Status().role() == "follower" && ensemble.Ready(); }));
  v1::Reply reply;
  ASSERT_TRUE(ensemble.at(wiped).Call(GetRequest("/mine", v1::LOCAL), &reply).ok());
  EXPECT_EQ(reply.data().value(), "1");
  EXPECT_NE(ensemble.at(wiped).Status().storage_id(), storage);
}

void SpoilSnapshot(const std::string& data_dir) {
  bool spoiled = false;
  for (const auto& file : std::filesystem::recursive_directory_iterator(data_dir + "/synod/snapshot")) {
    if (file.path().extension() != ".sst") continue;
    std::fstream bytes(file.path(), std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(20);
    bytes.write("spoiled!", 8);
    spoiled = true;
  }
  ASSERT_TRUE(spoiled);
}

TEST(ServerTest, ADamagedSnapshotIsFetchedAgainFromAPeer) {  // D6, D8
  Ensemble ensemble;
  ASSERT_TRUE(ensemble.WaitReady());
  ASSERT_TRUE(ensemble.at(0).Call(CreateRequest("/mine", "1")).ok());
  int damaged = ensemble.Follower();
  TakeSnapshot(ensemble.at(damaged));
  ensemble.Stop(damaged);
  ASSERT_NO_FATAL_FAILURE(SpoilSnapshot(ensemble.Config(damaged).data_dir));
  EXPECT_FALSE(VerifyData(ensemble.Config(damaged).data_dir, "").ok);
  ensemble.Start(damaged);
  ASSERT_TRUE(ensemble.at(damaged).status().ok()) << ensemble.at(damaged).status();
  ASSERT_TRUE(Eventually([&] { return ensemble.at(damaged).Status().role() == "follower" && ensemble.Ready(); }));
  v1::Reply reply;
  ASSERT_TRUE(ensemble.at(damaged).Call(GetRequest("/mine", v1::LOCAL), &reply).ok());
}

}  // namespace
}  // namespace synod::server

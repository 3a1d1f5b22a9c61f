#include "coordinator/storage/data_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/storage/log_files.h"
#include "coordinator/storage/verify.h"
#include "tests/unit/coordinator/storage/log_harness.h"

namespace synod::storage {
namespace {

using ::testing::HasSubstr;

consensus::Configuration Founders() {
  consensus::Configuration c;
  c.members.push_back({{ServerId(2), StorageId(5)}, consensus::MemberRole::kVoter, "localhost:2888"});
  return c;
}

struct DataDirectoryTest : testing::Test {
  sim::SimDisk disk;
  Random random{7};
  DataDirectoryOptions options{
      .data_dir = "/data", .data_log_dir = "/logs", .server = ServerId(2), .reserve_bytes = 10000};
  StepRunner runner;

  absl::StatusOr<std::unique_ptr<DataDirectory>> Open() { return DataDirectory::Open(&disk, options, &random); }
  std::unique_ptr<DataDirectory> MustOpen() {
    auto opened = Open();
    SYNOD_CHECK(opened.ok()) << opened.status().ToString();
    return *std::move(opened);
  }
  // A directory in use: in an ensemble, with a log and a snapshot.
  StorageId MakeUsed() {
    auto d = MustOpen();
    SYNOD_CHECK(d->SaveFounding(EnsembleId(99), Founders()).ok());
    SYNOD_CHECK(d->SnapshotCreated().ok());
    auto log = LogFiles::Open(&disk, {.directory = d->log_directory(), .segment_bytes = kTestSegment}, d->hard_state(),
                              &runner, {});
    SYNOD_CHECK(log.ok()) << log.status().ToString();
    return d->identity().storage;
  }
  void Remove(const std::string& prefix) {
    for (const std::string& path : disk.Files(prefix)) SYNOD_CHECK(disk.Remove(path).ok());
  }
};

TEST_F(DataDirectoryTest, NewDirectoryGetsADurableStorageIdAndIsEmpty) {  // D10
  StorageId storage;
  {
    auto d = MustOpen();
    EXPECT_EQ(d->state(), DataState::kEmpty);
    EXPECT_EQ(d->ensemble(), EnsembleId(0));
    EXPECT_FALSE(d->was_wiped());
    storage = d->identity().storage;
    EXPECT_NE(storage, StorageId(0));
  }
  disk.Crash(&random, sim::CrashKind::kLoseAll);
  auto d = MustOpen();
  EXPECT_EQ(d->state(), DataState::kEmpty);
  EXPECT_EQ(d->identity().storage, storage);
}

TEST_F(DataDirectoryTest, CrashDuringTheFirstStartNeverCountsAsWiped) {  // D10
  for (uint64_t seed = 0; seed < 500; ++seed) {
    sim::SimDisk d;
    Random r(seed);
    r.OneIn(2) ? d.StopAfterSyncs(r.Below(14)) : d.StopAfterWrites(r.Below(25));
    bool opened = DataDirectory::Open(&d, options, &r).ok();
    d.ClearFaults();
    StorageId storage;
    if (opened) storage = (*HardStateStore::Load(&d, "/data/synod"))->state().identity.storage;
    d.Crash(&r);
    auto again = DataDirectory::Open(&d, options, &r);
    ASSERT_TRUE(again.ok()) << "seed " << seed << ": " << again.status();
    EXPECT_EQ((*again)->state(), DataState::kEmpty) << "seed " << seed;
    if (opened) {
      EXPECT_EQ((*again)->identity().storage, storage) << "seed " << seed;
    }
  }
}

TEST_F(DataDirectoryTest, FoundingIsDurableAndForOneEnsembleOnly) {
  MakeUsed();
  disk.Crash(&random, sim::CrashKind::kLoseAll);
  auto d = MustOpen();
  EXPECT_EQ(d->state(), DataState::kJoined);
  EXPECT_EQ(d->ensemble(), EnsembleId(99));
  EXPECT_EQ(d->founding(), Founders());
  EXPECT_TRUE(absl::IsFailedPrecondition(d->SaveFounding(EnsembleId(98), Founders())));
  EXPECT_TRUE(absl::IsInvalidArgument(d->SaveFounding(EnsembleId(0), Founders())));
}

TEST_F(DataDirectoryTest, TwoProcessesNeverShareOne) {
  auto first = MustOpen();
  auto second = Open();
  EXPECT_TRUE(absl::IsFailedPrecondition(second.status()));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("another process"));
  first.reset();
  EXPECT_TRUE(Open().ok());
}

TEST_F(DataDirectoryTest, AnotherServersDirectoryIsRefused) {
  MakeUsed();
  options.server = ServerId(3);
  auto opened = Open();
  EXPECT_TRUE(absl::IsFailedPrecondition(opened.status()));
  EXPECT_THAT(std::string(opened.status().message()), HasSubstr("belongs to server 2, but this is server 3"));
}

TEST_F(DataDirectoryTest, DirectoriesOfOthersAreRefused) {
  ASSERT_TRUE(disk.CreateDirectories("/data/version-2").ok());
  EXPECT_THAT(std::string(Open().status().message()), HasSubstr("ZooKeeper"));
  options.data_dir = "/other";
  ASSERT_TRUE(disk.CreateDirectories("/other/synod").ok());
  disk.Put("/other/synod/holiday.jpg", "x");
  EXPECT_THAT(std::string(Open().status().message()), HasSubstr("holiday.jpg"));
  EXPECT_TRUE(absl::IsFailedPrecondition(Open().status()));
}

TEST_F(DataDirectoryTest, NewerFormatIsRefused) {
  MakeUsed();
  disk.Put("/data/synod/FORMAT", "synod data directory, format 2\nwhatever\n");
  EXPECT_TRUE(absl::IsUnimplemented(Open().status()));
}

TEST_F(DataDirectoryTest, LostHardStateLogOrSnapshotMeansWiped) {  // D10
  for (const std::string lost : {"hard_state", "log", "snapshot"}) {
    options.data_dir = "/" + lost + "/data";
    options.data_log_dir = "/" + lost + "/logs";
    MakeUsed();
    if (lost == "hard_state") Remove(options.data_dir + "/synod/hard_state");
    if (lost == "log") Remove(options.data_log_dir + "/synod/log");
    auto d = MustOpen();
    if (lost == "snapshot") {
      EXPECT_EQ(d->state(), DataState::kJoined);
      d->CheckSnapshot(std::nullopt);
    }
    EXPECT_EQ(d->state(), DataState::kWiped) << lost;
    EXPECT_FALSE(d->notes().empty());
  }
}

TEST_F(DataDirectoryTest, ADiskThatFailsAtTheStartLosesNothing) {  // D10, D12
  StorageId storage = MakeUsed();
  int failed = 0;
  for (sim::Fault fault : {sim::Fault::kIo, sim::Fault::kNoSpace}) {
    for (uint64_t skip = 0; skip < 8; ++skip) {
      disk.FailSync(fault, skip);
      auto opened = Open();
      disk.ClearFaults();
      if (opened.ok()) {
        EXPECT_EQ((*opened)->state(), DataState::kJoined);
      } else {
        ++failed;
      }
    }
  }
  EXPECT_GT(failed, 3);
  EXPECT_EQ(MustOpen()->identity().storage, storage);
}

TEST_F(DataDirectoryTest, PartsOfAnotherStorageMeanWiped) {  // D10
  StorageId storage = MakeUsed();
  {
    auto d = MustOpen();
    d->CheckSnapshot(storage);
    EXPECT_EQ(d->state(), DataState::kJoined);
    d->CheckSnapshot(StorageId(storage.value() + 1));
    EXPECT_EQ(d->state(), DataState::kWiped);
  }
  Remove("/logs/synod/log/identity");
  ASSERT_TRUE(SlotPair::Create(&disk, LogIdentityName("/logs/synod/log"), LogIdentity{StorageId(1), 1}.Encode()).ok());
  EXPECT_EQ(MustOpen()->state(), DataState::kWiped);
}

TEST_F(DataDirectoryTest, LostFormatFileIsWrittenAgain) {
  StorageId storage = MakeUsed();
  Remove("/data/synod/FORMAT");
  EXPECT_EQ(MustOpen()->identity().storage, storage);
  EXPECT_TRUE(disk.Exists("/data/synod/FORMAT"));
}

TEST_F(DataDirectoryTest, LostFormatAndHardStateOfAUsedLogMeansWiped) {  // D10
  MakeUsed();
  Remove("/data/synod");
  EXPECT_EQ(MustOpen()->state(), DataState::kWiped);
}

TEST_F(DataDirectoryTest, StartOverTakesANewStorageIdAndRemembersIt) {  // D10
  StorageId storage = MakeUsed();
  Remove("/logs/synod/log");
  {
    auto d = MustOpen();
    ASSERT_EQ(d->state(), DataState::kWiped);
    ASSERT_TRUE(d->StartOver(&random).ok());
    EXPECT_EQ(d->state(), DataState::kEmpty);
  }
  auto d = MustOpen();
  EXPECT_EQ(d->state(), DataState::kEmpty);
  EXPECT_TRUE(d->was_wiped());
  EXPECT_NE(d->identity().storage, storage);
  EXPECT_TRUE(disk.IsDirectory("/data/synod.wiped-1"));
}

TEST_F(DataDirectoryTest, ReserveIsHeldReleasedAndRestored) {  // L11
  disk.SetCapacity(200000);
  auto d = MustOpen();
  EXPECT_TRUE(d->reserve()->held());
  EXPECT_FALSE(d->reserve()->Low());
  disk.SetCapacity(disk.used_bytes() + 5000);
  EXPECT_TRUE(d->reserve()->Low());
  EXPECT_TRUE(d->reserve()->Release());
  EXPECT_FALSE(d->reserve()->Release());
  EXPECT_TRUE(d->reserve()->Low());
  ASSERT_TRUE(d->reserve()->Restore().ok());  // 15,000 free are not twice 10,000
  EXPECT_FALSE(d->reserve()->held());
  disk.SetCapacity(disk.used_bytes() + 20000);
  ASSERT_TRUE(d->reserve()->Restore().ok());
  EXPECT_TRUE(d->reserve()->held());
  disk.SetCapacity(disk.used_bytes() + 10000);
  EXPECT_FALSE(d->reserve()->Low());
}

TEST_F(DataDirectoryTest, VerifySaysOkOrNamesTheDamageAndChangesNothing) {
  MakeUsed();
  VerifyReport report = VerifyDataDirectory(&disk, "/data", "/logs", std::nullopt);
  EXPECT_TRUE(report.ok) << report.text;
  disk.FlipBit("/data/synod/hard_state.b", 30, 1);
  std::string before = disk.Contents("/data/synod/hard_state.b");
  report = VerifyDataDirectory(&disk, "/data", "/logs", std::nullopt);
  EXPECT_FALSE(report.ok);
  EXPECT_THAT(report.text, HasSubstr("one of the two copies"));
  EXPECT_EQ(disk.Contents("/data/synod/hard_state.b"), before);
  report = VerifyDataDirectory(&disk, "/nowhere", "/logs", std::nullopt);
  EXPECT_FALSE(report.ok);
}

TEST(Verify, NamesDamagedEntries) {
  LogHarness h;
  h.Open();
  h.AppendMany(50, 4);
  h.SyncAndMark();
  h.FlipPayload(LogIndex(20));
  // The harness keeps both directories in one place.
  for (const std::string& path : h.disk.Files("/d/")) {
    std::string name = path.substr(3);
    std::string to = "/v/synod/" + name;
    ASSERT_TRUE(h.disk.CreateDirectories(DirectoryOf(to)).ok());
    h.disk.Put(to, h.disk.Contents(path));
  }
  VerifyReport report = VerifyDataDirectory(&h.disk, "/v", "/v", std::nullopt);
  EXPECT_FALSE(report.ok);
  EXPECT_THAT(report.text, HasSubstr("entry 20 is damaged or missing"));
  EXPECT_THAT(report.text, HasSubstr("DAMAGED"));
}

}  // namespace
}  // namespace synod::storage

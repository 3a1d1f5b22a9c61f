// The log on the real file system, with its sync thread.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "coordinator/storage/data_directory.h"
#include "coordinator/storage/log_files.h"
#include "coordinator/storage/log_sync_thread.h"
#include "coordinator/storage/posix_file.h"
#include "tests/support/test_executor.h"
#include "tests/unit/coordinator/storage/log_harness.h"

namespace synod::storage {
namespace {

struct PosixTest : testing::Test {
  std::string root;
  PosixFileSystem fs;
  void SetUp() override {
    std::string pattern = testing::TempDir() + "synod_log_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(root); }
};

TEST_F(PosixTest, FilesDoWhatTheInterfaceSays) {
  EXPECT_TRUE(absl::IsNotFound(fs.Open(root + "/none", OpenMode::kWrite).status()));
  ASSERT_TRUE(fs.CreateDirectories(root + "/a/b").ok());
  EXPECT_TRUE(fs.IsDirectory(root + "/a/b"));
  auto file = *fs.Open(root + "/a/f", OpenMode::kCreate);
  std::vector<std::string> parts;
  std::string expected;
  for (int i = 0; i < 200; ++i) {  // more than one system call takes; empty ones among them
    parts.push_back(std::string(static_cast<size_t>(i % 3), static_cast<char>('a' + i % 26)));
    expected += parts.back();
  }
  std::vector<std::string_view> views(parts.begin(), parts.end());
  ASSERT_TRUE(file->Write(10, views).ok());
  ASSERT_TRUE(file->Sync().ok());
  EXPECT_EQ(*file->Size(), 10 + expected.size());
  EXPECT_EQ(ReadWhole(file.get())->substr(10), expected);
  ASSERT_TRUE(file->Preallocate(9000).ok());
  EXPECT_EQ(*file->Size(), 9000u);
  ASSERT_TRUE(file->Truncate(5).ok());
  EXPECT_EQ(*file->Size(), 5u);
  ASSERT_TRUE(fs.Rename(root + "/a/f", root + "/a/g").ok());
  ASSERT_TRUE(fs.SyncDirectory(root + "/a").ok());
  EXPECT_THAT(*fs.List(root + "/a"), testing::ElementsAre("b", "g"));
  ASSERT_TRUE(fs.Remove(root + "/a/g").ok());
  EXPECT_FALSE(fs.Exists(root + "/a/g"));
  EXPECT_GT(*fs.FreeSpace(root), 0u);
  auto lock = fs.Lock(root + "/l");
  ASSERT_TRUE(lock.ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(fs.Lock(root + "/l").status()));
  lock->reset();
  EXPECT_TRUE(fs.Lock(root + "/l").ok());
}

TEST_F(PosixTest, LogSyncsOnItsThreadAndComesBack) {
  Random random(5);
  sim::TestExecutor loop;
  DataDirectoryOptions options{
      .data_dir = root + "/data", .data_log_dir = root + "/log", .server = ServerId(1), .reserve_bytes = 4096};
  std::vector<consensus::Entry> written;
  std::vector<absl::Duration> times;
  {
    auto directory = *DataDirectory::Open(&fs, options, &random);
    LogSyncThread thread(&loop, [&times](absl::Duration took) { times.push_back(took); });
    auto log = *LogFiles::Open(&fs, {.directory = directory->log_directory(), .segment_bytes = 65536},
                               directory->hard_state(), &thread, {});
    for (uint64_t i = 1; i <= 300; ++i) {
      consensus::Entry entry{Term(1), LogIndex(i), consensus::EntryType::kCommands,
                             MakeSharedBytes(std::string(i * 7 % 2000, 'p'))};
      ASSERT_TRUE(log->Append(absl::MakeConstSpan(&entry, 1), LogIndex(i - 1)).ok());
      written.push_back(entry);
      if (!log->SyncInFlight()) {
        log->StartSync([](absl::StatusOr<interfaces::SyncDone> done) { ASSERT_TRUE(done.ok()) << done.status(); });
      }
      if (i % 10 == 0) {
        ASSERT_TRUE(loop.RunUntil([&] { return !log->SyncInFlight(); }));
      }
    }
    ASSERT_TRUE(loop.RunUntil([&] { return !log->SyncInFlight(); }));
    if (log->NeedsSync()) {
      log->StartSync([](absl::StatusOr<interfaces::SyncDone> done) { ASSERT_TRUE(done.ok()); });
      ASSERT_TRUE(loop.RunUntil([&] { return !log->SyncInFlight(); }));
    }
    EXPECT_EQ(log->synced_index(), LogIndex(300));
    EXPECT_GE(times.size(), 30u);  // each of the waits above had a sync of its own
    for (absl::Duration took : times) EXPECT_GT(took, absl::ZeroDuration());
    // A log may go while its sync runs.
    consensus::Entry entry{Term(1), LogIndex(301), consensus::EntryType::kNoop, MakeSharedBytes("")};
    ASSERT_TRUE(log->Append(absl::MakeConstSpan(&entry, 1), LogIndex(300)).ok());
    log->StartSync([](absl::StatusOr<interfaces::SyncDone>) { FAIL() << "the log is gone"; });
    log.reset();
  }
  loop.Post([] {});
  ASSERT_TRUE(loop.RunUntil([n = 0]() mutable { return ++n > 1; }));
  auto directory = *DataDirectory::Open(&fs, options, &random);
  StepRunner runner;
  auto log = *LogFiles::Open(&fs, {.directory = directory->log_directory(), .segment_bytes = 65536},
                             directory->hard_state(), &runner, {});
  auto entries = log->ReadEntries(LogIndex(1), LogIndex(301), 1 << 30);
  ASSERT_TRUE(entries.ok()) << entries.status();
  ASSERT_EQ(entries->size(), 300u);
  for (size_t i = 0; i < 300; ++i) EXPECT_TRUE(SameEntry((*entries)[i], written[i])) << i;
  EXPECT_EQ(log->recovered().commit, LogIndex(300));
}

}  // namespace
}  // namespace synod::storage

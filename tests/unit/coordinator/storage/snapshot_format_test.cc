// docs/formats/snapshot.md: what is written reads back, what is spoiled does not.
#include <gtest/gtest.h>

#include "coordinator/storage/key_format.h"
#include "tests/support/snapshot_harness.h"

namespace synod::storage {
namespace {

using interfaces::SnapshotMeta;
using sim::MakeMeta;

TEST(SnapshotFormat, MetaReadsBackFieldByField) {
  SnapshotMeta meta = MakeMeta(123456);
  auto back = SnapshotMeta::Decode(meta.Encode());
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->index, meta.index);
  EXPECT_EQ(back->term, meta.term);
  EXPECT_EQ(back->configuration, meta.configuration);
  EXPECT_EQ(back->digest, meta.digest);
  EXPECT_EQ(back->digest_version, meta.digest_version);
  EXPECT_EQ(back->state_machine_version, meta.state_machine_version);
  EXPECT_EQ(back->log_clock_us, meta.log_clock_us);
}

TEST(SnapshotFormat, MetaCutShortOrTooLongOrOfAnotherVersionIsDataLoss) {
  std::string bytes = MakeMeta(77).Encode();
  for (size_t n = 0; n < bytes.size(); ++n)
    EXPECT_TRUE(absl::IsDataLoss(SnapshotMeta::Decode(bytes.substr(0, n)).status())) << n;
  EXPECT_TRUE(absl::IsDataLoss(SnapshotMeta::Decode(bytes + "x").status()));
  bytes[0] = 99;
  EXPECT_TRUE(absl::IsDataLoss(SnapshotMeta::Decode(bytes).status()));
}

TEST(SnapshotFormat, MetaRecordOfAnotherStorageIsDataLoss) {  // D10
  std::string bytes = EncodeMetaRecord(StorageId(5), MakeMeta(3));
  EXPECT_TRUE(DecodeMetaRecord(StorageId(5), bytes).ok());
  EXPECT_TRUE(absl::IsDataLoss(DecodeMetaRecord(StorageId(6), bytes).status()));
}

TEST(SnapshotFormat, CurrentReadsBackAndEveryFlippedBitIsSeen) {
  CurrentFile current{{StorageId(0x1122334455667788), EnsembleId(99)}, 42, LogIndex(1000)};
  std::string bytes = EncodeCurrent(current);
  auto back = DecodeCurrent(bytes);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->identity, current.identity);
  EXPECT_EQ(back->database, 42u);
  EXPECT_EQ(back->floor, LogIndex(1000));
  for (size_t i = 0; i < bytes.size() * 8; ++i) {
    std::string bad = bytes;
    bad[i / 8] ^= static_cast<char>(1 << (i % 8));
    EXPECT_TRUE(absl::IsDataLoss(DecodeCurrent(bad).status())) << i;
  }
  for (size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(DecodeCurrent(bytes.substr(0, n)).ok());
}

TEST(SnapshotFormat, DatabaseNamesReadBackAndNothingElseIsOne) {
  EXPECT_EQ(ParseDatabaseName(DatabaseName(17)), 17u);
  for (const char* name : {"db-", "db-x", "db-01", "db-1x", "CURRENT", "xdb-1", "db--1"})
    EXPECT_FALSE(ParseDatabaseName(name)) << name;
}

TEST(SnapshotFormat, RecordsSortBehindTheMetaAndByTheirOwnKey) {
  EXPECT_LT(kMetaKey, RecordKey(""));
  EXPECT_LT(RecordKey("a"), RecordKey("b"));
  EXPECT_LT(RecordKey(std::string("\xff\xff")), kRecordsEnd);
  EXPECT_EQ(UserKey(RecordKey("x")), "x");
}

}  // namespace
}  // namespace synod::storage

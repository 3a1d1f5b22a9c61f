#include "coordinator/interfaces/command_batch.h"

#include <gtest/gtest.h>

#include <random>

namespace synod::interfaces {
namespace {

TEST(CommandBatch, ComesBackAsItWent) {  // L2
  std::vector<std::string> commands = {"one", "", std::string(300, 'x')};
  std::string bytes = EncodeBatch({123456789, -5}, commands);
  auto batch = DecodeBatch(bytes);
  ASSERT_TRUE(batch.ok());
  EXPECT_EQ(batch->times.log_clock_us, 123456789u);
  EXPECT_EQ(batch->times.wall_ms, -5);
  EXPECT_EQ(std::vector<std::string>(batch->commands.begin(), batch->commands.end()), commands);
}

TEST(CommandBatch, CommandsAreViewsIntoThePayload) {
  std::string bytes = EncodeBatch({}, std::vector<std::string>{"command"});
  auto batch = DecodeBatch(bytes);
  ASSERT_TRUE(batch.ok());
  EXPECT_GE(batch->commands[0].data(), bytes.data());
  EXPECT_LT(batch->commands[0].data(), bytes.data() + bytes.size());
}

TEST(CommandBatch, EveryTruncationAndAnythingBehindItIsDataLoss) {
  std::string bytes = EncodeBatch({1, 2}, std::vector<std::string>{"one", "two"});
  for (size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_EQ(DecodeBatch(std::string_view(bytes).substr(0, n)).status().code(), absl::StatusCode::kDataLoss) << n;
  }
  EXPECT_EQ(DecodeBatch(bytes + "x").status().code(), absl::StatusCode::kDataLoss);
}

TEST(CommandBatch, AnUnknownVersionIsRefused) {
  std::string bytes = EncodeBatch({}, std::vector<std::string>{});
  bytes[0] = 2;
  EXPECT_FALSE(DecodeBatch(bytes).ok());
}

TEST(CommandBatch, ACountThatLiesCostsNoMemory) {
  std::string bytes = EncodeBatch({}, std::vector<std::string>{});
  bytes.back() = '\xff';  // count: a long varint follows
  bytes += "\xff\xff\xff\xff\x7f";
  EXPECT_EQ(DecodeBatch(bytes).status().code(), absl::StatusCode::kDataLoss);
}

TEST(CommandBatch, RandomBytesNeverCrashTheDecoder) {
  std::mt19937_64 random(3);
  std::string good = EncodeBatch({77, 88}, std::vector<std::string>{"one", "two", "three"});
  for (int i = 0; i < 100000; ++i) {
    std::string bytes = good;
    for (uint64_t n = random() % 4 + 1; n > 0; --n) bytes[random() % bytes.size()] = static_cast<char>(random());
    if (random() % 4 == 0) bytes.resize(random() % (bytes.size() + 1));
    auto batch = DecodeBatch(bytes);
    if (batch.ok()) {
      for (std::string_view command : batch->commands)
        EXPECT_LE(command.data() + command.size(), bytes.data() + bytes.size());
    }
  }
}

}  // namespace
}  // namespace synod::interfaces

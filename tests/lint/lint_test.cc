// Each check fails on what it is there to find, and lets pass what only looks like it.
#include "tests/lint/lint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace synod::lint {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<Finding> Floors(const std::string& path, const std::string& include) {
  return CheckFloors({path, "#include " + include + "\n"});
}

TEST(Floors, LowerNeverIncludesHigher) {
  EXPECT_THAT(Floors("coordinator/tree/a.cc", "\"coordinator/service/service.h\""), SizeIs(1));
  EXPECT_THAT(Floors("coordinator/consensus/core.cc", "\"coordinator/interfaces/log_storage.h\""), SizeIs(1));
  EXPECT_THAT(Floors("coordinator/node/node.cc", "\"coordinator/storage/hard_state.h\""), SizeIs(1));
  EXPECT_THAT(Floors("coordinator/node/node.cc", "\"coordinator/tree/data_tree.h\""), SizeIs(1));
  EXPECT_THAT(Floors("coordinator/base/a.h", "\"coordinator/consensus/types.h\""), SizeIs(1));
  EXPECT_THAT(Floors("coordinator/client/client.cc", "\"coordinator/tree/stat.h\""), SizeIs(1));
}

TEST(Floors, WhatStandsOnTheLineIsAllowed) {
  EXPECT_THAT(Floors("coordinator/node/node.cc", "\"coordinator/consensus/core.h\""), IsEmpty());
  EXPECT_THAT(Floors("coordinator/node/node.cc", "\"coordinator/base/ids.h\""), IsEmpty());
  EXPECT_THAT(Floors("coordinator/node/node.cc", "\"coordinator/node/proposals.h\""), IsEmpty());
  EXPECT_THAT(Floors("coordinator/server/server.cc", "\"coordinator/storage/hard_state.h\""), IsEmpty());
  EXPECT_THAT(Floors("coordinator/cli/main.cc", "\"coordinator/client/client.h\""), IsEmpty());
}

TEST(Floors, FrontDoorsDoNotKnowEachOther) {
  EXPECT_THAT(Floors("coordinator/frontdoor/grpc/a.cc", "\"coordinator/frontdoor/admin/metrics.h\""), SizeIs(1));
}

TEST(Floors, OnlyTheTypesOfConsensusAreSeenByAdapters) {
  EXPECT_THAT(Floors("coordinator/storage/a.cc", "\"coordinator/consensus/types.h\""), IsEmpty());
  EXPECT_THAT(Floors("coordinator/storage/a.cc", "\"coordinator/consensus/core.h\""), SizeIs(1));
}

TEST(Floors, AFolderWithoutALineIsABreach) { EXPECT_THAT(Floors("coordinator/misc/a.cc", "<vector>"), SizeIs(1)); }

TEST(Floors, ThirdPartyHeadersStayBehindTheirInterface) {
  EXPECT_THAT(Floors("coordinator/node/a.cc", "<rocksdb/db.h>"), SizeIs(1));
  EXPECT_THAT(Floors("coordinator/server/a.cc", "<rocksdb/db.h>"), SizeIs(1));
  EXPECT_THAT(Floors("coordinator/storage/a.cc", "<rocksdb/db.h>"), IsEmpty());
  EXPECT_THAT(Floors("coordinator/transport/a.cc", "<grpcpp/grpcpp.h>"), SizeIs(1));
  EXPECT_THAT(Floors("coordinator/service/a.cc", "\"synod/v1/coordination.pb.h\""), SizeIs(1));
  EXPECT_THAT(Floors("coordinator/statemachine/a.cc", "\"synod/v1/coordination.grpc.pb.h\""), SizeIs(1));
  EXPECT_THAT(Floors("coordinator/frontdoor/grpc/a.cc", "\"synod/v1/coordination.grpc.pb.h\""), IsEmpty());
  EXPECT_THAT(Floors("coordinator/service/a.cc", "<asio.hpp>"), SizeIs(1));
  EXPECT_THAT(Floors("coordinator/transport/a.cc", "<asio/ip/tcp.hpp>"), IsEmpty());
  EXPECT_THAT(Floors("coordinator/node/a.cc", "<spdlog/spdlog.h>"), SizeIs(1));
  EXPECT_THAT(Floors("coordinator/base/a.h", "\"broker/model/ids.h\""), SizeIs(1));
}

std::vector<Finding> Bans(const std::string& path, const std::string& line) { return CheckBans({path, line + "\n"}); }

TEST(Bans, FindTheWorldOutsideTheAdapters) {
  for (const char* line : {
           "auto t = std::chrono::steady_clock::now();",
           "auto t = absl::Now();",
           "time_t t = time(nullptr);",
           "time_t t = std::time(0);",
           "clock_gettime(CLOCK_MONOTONIC, &ts);",
           "std::random_device device;",
           "int x = rand();",
           "std::this_thread::sleep_for(d);",
           "usleep(10);",
           "std::thread worker([] {});",
           "std::mutex mutex_;",
           "absl::Mutex mutex_;",
           "const char* home = std::getenv(\"HOME\");",
           "std::ofstream out(path);",
           "FILE* f = fopen(path, mode);",
           "int fd = ::open(path, O_RDONLY);",
           "int fd = open(path, O_RDONLY);",
           "if (fdatasync(fd) != 0) return;",
           "throw std::runtime_error(what);",
           "int s = socket(AF_INET, SOCK_STREAM, 0);",
       }) {
    EXPECT_THAT(Bans("coordinator/node/node.cc", line), SizeIs(1)) << line;
  }
}

TEST(Bans, LetPassWhatOnlyLooksLikeIt) {
  for (const char* line : {
           "// reads steady_clock, sleeps, throws",
           "SLOG_INFO(\"no sleep(), no std::mutex\");",
           "absl::Duration now = clock_->Monotonic();",
           "file->open(path);",
           "uint64_t Runtime(int operand);",
           "int64_t lifetime(nullptr_t);",
           "session.time(0);",
           "random_.Next();",
           "bool operand(int x);",
           "transport_->Send(peer, message);",
       }) {
    EXPECT_THAT(Bans("coordinator/node/node.cc", line), IsEmpty()) << line;
  }
}

TEST(Bans, AdaptersMeetTheWorld) {
  EXPECT_THAT(Bans("coordinator/storage/posix_file.cc", "int fd = ::open(path, O_RDONLY);"), IsEmpty());
  EXPECT_THAT(Bans("coordinator/base/system_clock.cc", "return std::chrono::steady_clock::now();"), IsEmpty());
  EXPECT_THAT(Bans("coordinator/storage/log_repair.cc", "int fd = ::open(path, O_RDONLY);"), SizeIs(1));
  EXPECT_THAT(Bans("coordinator/base/bytes.cc", "return std::chrono::steady_clock::now();"), SizeIs(1));
}

TEST(Bans, NoStandardHashTablesWhereOrderMayShow) {
  EXPECT_THAT(Bans("coordinator/tree/a.h", "std::unordered_map<int, int> x_;"), SizeIs(1));
  EXPECT_THAT(Bans("coordinator/transport/a.h", "std::unordered_map<int, int> x_;"), IsEmpty());
}

TEST(HashOrder, ALoopOverAHashTableMustSayWhyItsOrderDoesNotShow) {
  const std::string header =
      "absl::flat_hash_map<Key, absl::flat_hash_set<int>> watches_;\nabsl::btree_map<int, int> ordered_;\n";
  EXPECT_THAT(CheckHashOrder({"coordinator/watches/a.cc", "for (const auto& [k, v] : watches_) {"}, header), SizeIs(1));
  EXPECT_THAT(CheckHashOrder({"coordinator/watches/a.cc", "for (const auto& [k, v] : table.watches_) {"}, header),
              SizeIs(1));
  EXPECT_THAT(CheckHashOrder({"coordinator/watches/a.cc", "for (const auto& [k, v] : ordered_) {"}, header), IsEmpty());
  EXPECT_THAT(CheckHashOrder(
                  {"coordinator/watches/a.cc", "// order-free: a sum\nfor (const auto& [k, v] : watches_) {"}, header),
              IsEmpty());
  EXPECT_THAT(CheckHashOrder({"coordinator/transport/a.cc", "for (const auto& [k, v] : watches_) {"}, header),
              IsEmpty());
}

TEST(Text, FindsLongFilesLongLinesAndPromises) {
  std::string text = "#pragma once\n";
  for (int i = 0; i < 500; ++i) text += "\n";
  EXPECT_THAT(CheckText({"coordinator/tree/a.h", text}), SizeIs(1));
  EXPECT_THAT(CheckText({"coordinator/tree/a.h", "int x;\n"}), SizeIs(1)) << "no #pragma once";
  EXPECT_THAT(CheckText({"coordinator/tree/a.cc", std::string(121, 'x') + "\n"}), SizeIs(1));
  EXPECT_THAT(CheckText({"coordinator/tree/a.cc", std::string(120, 'x') + "\n"}), IsEmpty());
  EXPECT_THAT(CheckText({"coordinator/tree/a.cc", std::string("// TO") + "DO: later\n"}), SizeIs(1));
  EXPECT_THAT(CheckText({"docs/a.md", std::string("FIX") + "ME\n"}), SizeIs(1));
}

TEST(Text, AWideCharacterIsOneColumn) {
  std::string line;
  for (int i = 0; i < 120; ++i) line += "\xC3\xA4";
  EXPECT_THAT(CheckText({"coordinator/tree/a.cc", line + "\n"}), IsEmpty());
}

TEST(OwnHeader, MustComeFirst) {
  const std::set<std::string> paths = {"coordinator/tree/a.h", "coordinator/tree/a.cc"};
  EXPECT_THAT(
      CheckOwnHeaderFirst({"coordinator/tree/a.cc", "#include \"coordinator/tree/a.h\"\n#include <map>\n"}, paths),
      IsEmpty());
  EXPECT_THAT(
      CheckOwnHeaderFirst({"coordinator/tree/a.cc", "#include <map>\n#include \"coordinator/tree/a.h\"\n"}, paths),
      SizeIs(1));
  EXPECT_THAT(CheckOwnHeaderFirst({"coordinator/tree/b.cc", "#include <map>\n"}, paths), IsEmpty());
}

TEST(Sleeps, AreForTestsOfRealProcessesOnly) {
  EXPECT_THAT(CheckSleeps({"tests/unit/coordinator/node/node_test.cc", "absl::SleepFor(absl::Seconds(1));\n"}),
              SizeIs(1));
  EXPECT_THAT(CheckSleeps({"tests/chaos/chaos_test.cc", "absl::SleepFor(absl::Seconds(1));\n"}), IsEmpty());
}

TEST(Documents, MustBeReachableAndLinksAlive) {
  const std::vector<SourceFile> documents = {
      {"README.md", "[docs](docs/README.md) [web](https://example.org) [here](#part)\n"},
      {"docs/README.md", "[a](a.md#part) [gone](gone.md)\n```\n[x](not-a-link.md)\n```\n"},
      {"docs/a.md", "[up](../README.md) [folder](formats)\n"},
      {"docs/formats/b.md", "nobody links here\n"},
  };
  std::set<std::string> paths;
  for (const SourceFile& d : documents) paths.insert(d.path);
  const std::vector<Finding> findings = CheckDocuments(documents, "README.md", paths);
  ASSERT_THAT(findings, SizeIs(2)) << ToString(findings);
  EXPECT_THAT(findings[0].message, HasSubstr("docs/gone.md"));
  EXPECT_EQ(findings[1].path, "docs/formats/b.md");
}

TEST(Rules, NamesThoseNoTestCites) {
  EXPECT_THAT(UncitedRules({{"tests/a.cc", "// L1, D13: shown\n// XL2 L22\n"}}, {"L1", "L2", "D1", "D13"}),
              ElementsAre("L2", "D1"));
}

TEST(Reading, BlanksCommentsAndLiteralsButKeepsLines) {
  EXPECT_EQ(BlankCommentsAndLiterals("a; // b\nc /* d\n e */ f"), "a;     \nc     \n      f");
  EXPECT_EQ(BlankCommentsAndLiterals("x = \"a\\\"b\"; y"), "x = \"    \"; y");
  EXPECT_EQ(BlankCommentsAndLiterals("n = 1'000'000; c = 'x';"), "n = 1'000'000; c = ' ';");
  EXPECT_EQ(BlankCommentsAndLiterals("R\"(// \"no\")\" z"), "R\"         \" z");
}

}  // namespace
}  // namespace synod::lint

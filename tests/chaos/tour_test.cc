// The tour of README.md, and the scripts it names, work as printed.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace synod {
namespace {

// Runs a command line; what it printed, and its wait status.
std::string Output(const std::string& command, int* status) {
  std::string out;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  std::array<char, 4096> buffer;
  for (size_t n; (n = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) out.append(buffer.data(), n);
  *status = pclose(pipe);
  return out;
}

TEST(Readme, TourWorksAsPrinted) {
  setenv("SYNOD_BIN_DIR", SYNOD_BIN_DIR, 1);
  int status = 0;
  const std::string out = Output(SYNOD_SOURCE_DIR "/scripts/tour.sh", &status);
  EXPECT_EQ(status, 0) << out;
}

TEST(Readme, TourFailsWhenSomethingElseIsPrinted) {
  setenv("SYNOD_BIN_DIR", SYNOD_BIN_DIR, 1);
  const std::string readme = ::testing::TempDir() + "/other.md";
  FILE* file = fopen(readme.c_str(), "w");
  ASSERT_NE(file, nullptr);
  fputs("## A tour\n\n```console\n$ echo a\na\n$ echo b\nnot b\n$ echo c\nc\n$ echo d\nd\n$ echo e\ne\n```\n", file);
  fclose(file);
  int status = 0;
  const std::string out = Output(SYNOD_SOURCE_DIR "/scripts/tour.sh " + readme, &status);
  EXPECT_NE(status, 0) << out;
  EXPECT_NE(out.find("not b"), std::string::npos) << out;
}

}  // namespace
}  // namespace synod

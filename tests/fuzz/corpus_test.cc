// The kept inputs of the fuzzers, and every cut of them, as an ordinary test.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "tests/fuzz/targets.h"

namespace synod::fuzz {
namespace {

const std::filesystem::path kCorpus = std::filesystem::path(SYNOD_SOURCE_DIR) / "tests/fuzz/corpus";

std::string Content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class Corpus : public ::testing::TestWithParam<Target> {};

TEST_P(Corpus, RunsWholeAndCut) {
  const Target target = GetParam();
  size_t inputs = 0;
  for (const auto& file : std::filesystem::directory_iterator(kCorpus / target.name)) {
    SCOPED_TRACE(file.path().string());
    const std::string input = Content(file.path());
    EXPECT_LT(input.size(), 4096u) << "kept inputs are small";
    ++inputs;
    target.run(target, input);
    // A connection costs a server each time.
    const size_t step = target.run == RunConnection ? 1 + input.size() / 8 : 1;
    for (size_t cut = 0; cut < input.size(); cut += step) target.run(target, input.substr(0, cut));
  }
  EXPECT_GT(inputs, 1u);
}
INSTANTIATE_TEST_SUITE_P(Targets, Corpus, ::testing::ValuesIn(Targets()),
                         [](const auto& info) { return std::string(info.param.name); });

// scripts/fuzz.sh and CMake take the folders for the list of targets.
TEST(Corpora, ThereIsOneOfEachTarget) {
  std::set<std::string> folders, names;
  for (const auto& folder : std::filesystem::directory_iterator(kCorpus)) folders.insert(folder.path().filename());
  for (const Target& target : Targets()) names.emplace(target.name);
  EXPECT_EQ(folders, names);
}

}  // namespace
}  // namespace synod::fuzz

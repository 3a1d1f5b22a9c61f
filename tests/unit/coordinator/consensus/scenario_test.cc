// Runs tests/scenarios/consensus/*.txt. SYNOD_REWRITE=1 writes what happens into the files instead; the diff is then
// the review.
#include "tests/unit/coordinator/consensus/scenario.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace synod::consensus {
namespace {

std::vector<std::string> ScenarioFiles() {
  std::vector<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(SYNOD_SOURCE_DIR "/tests/scenarios/consensus")) {
    if (file.path().extension() == ".txt") names.push_back(file.path().stem());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// A file is comments and blank lines, kept as they are, and blocks: command lines, `----`, expectation up to the next
// blank line.
std::string Rerun(const std::string& text, std::string* violation) {
  Scenario scenario;
  std::istringstream in(text);
  std::string out, command;
  for (std::string line; std::getline(in, line);) {
    if (line == "----") {
      std::string said = scenario.Run(command);
      out += command + "----\n" + said + "\n";
      if (violation->empty()) *violation = scenario.violation();
      command.clear();
      while (std::getline(in, line) && !line.empty()) {
      }
    } else if (line.empty() || line[0] == '#') {
      out += line + "\n";
    } else {
      command += line + "\n";
    }
  }
  return out;
}

class ScenarioTest : public testing::TestWithParam<std::string> {};

TEST_P(ScenarioTest, SaysAndDoesWhatTheFileTells) {
  std::string path = SYNOD_SOURCE_DIR "/tests/scenarios/consensus/" + GetParam() + ".txt";
  std::stringstream expected;
  expected << std::ifstream(path).rdbuf();
  ASSERT_NE(expected.str(), "") << path;
  std::string violation;
  std::string actual = Rerun(expected.str(), &violation);
  EXPECT_EQ(violation, "");
  if (std::getenv("SYNOD_REWRITE") != nullptr) {
    std::ofstream(path) << actual;
  } else {
    EXPECT_EQ(expected.str(), actual)
        << "if the change is meant: SYNOD_REWRITE=1 bin/consensus_test, and review the diff";
  }
}

INSTANTIATE_TEST_SUITE_P(Files, ScenarioTest, testing::ValuesIn(ScenarioFiles()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace synod::consensus

// The checks of lint.h, run over this repository.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/lint/lint.h"

namespace synod::lint {
namespace {

using ::testing::IsEmpty;

const std::vector<SourceFile>& Code() {
  static const auto* const kFiles = [] {
    auto* files = new std::vector<SourceFile>(LoadTree(SYNOD_SOURCE_DIR, "coordinator", {".cc", ".h"}));
    const std::vector<SourceFile> tests = LoadTree(SYNOD_SOURCE_DIR, "tests", {".cc", ".h"});
    files->insert(files->end(), tests.begin(), tests.end());
    return files;
  }();
  return *kFiles;
}

std::set<std::string> AllPaths() {
  std::set<std::string> paths;
  for (const SourceFile& file : LoadTree(SYNOD_SOURCE_DIR, "", {""})) paths.insert(file.path);
  return paths;
}

template <typename Check>
std::string FindingsIn(const std::vector<SourceFile>& files, Check check) {
  std::vector<Finding> all;
  for (const SourceFile& file : files) {
    const std::vector<Finding> found = check(file);
    all.insert(all.end(), found.begin(), found.end());
  }
  return ToString(all);
}

TEST(Repository, IsWhereTheTestLooks) { ASSERT_GT(Code().size(), 20u); }

TEST(Repository, IncludesFollowTheFloorPlan) { EXPECT_EQ(FindingsIn(Code(), CheckFloors), ""); }

TEST(Repository, OnlyAdaptersTouchTheWorld) { EXPECT_EQ(FindingsIn(Code(), CheckBans), ""); }

TEST(Repository, NothingFollowsHashOrder) {
  EXPECT_EQ(FindingsIn(Code(),
                       [](const SourceFile& file) {
                         const std::string header =
                             file.path.ends_with(".cc") ? file.path.substr(0, file.path.size() - 3) + ".h" : "";
                         const auto it = std::find_if(Code().begin(), Code().end(),
                                                      [&](const SourceFile& f) { return f.path == header; });
                         return CheckHashOrder(file,
                                               it == Code().end() ? std::string_view() : std::string_view(it->text));
                       }),
            "");
}

TEST(Repository, FilesAndLinesAreShort) { EXPECT_EQ(FindingsIn(Code(), CheckText), ""); }

TEST(Repository, ScriptsAndProtosPromiseNothing) {
  for (const std::string folder : {"scripts", "proto", "docs"}) {
    EXPECT_EQ(FindingsIn(LoadTree(SYNOD_SOURCE_DIR, folder, {".sh", ".py", ".proto", ".md"}), CheckText), "");
  }
}

TEST(Repository, EveryHeaderCompilesAlone) {
  // The others are compiled one by one by the target header_check.
  const std::set<std::string> paths = AllPaths();
  EXPECT_EQ(FindingsIn(Code(), [&](const SourceFile& file) { return CheckOwnHeaderFirst(file, paths); }), "");
}

TEST(Repository, TestsStepTheClock) { EXPECT_EQ(FindingsIn(Code(), CheckSleeps), ""); }

TEST(Repository, EveryDocumentIsLinkedAndNoLinkIsDead) {
  std::vector<SourceFile> documents = LoadTree(SYNOD_SOURCE_DIR, "docs", {".md"});
  for (const std::string path : {"README.md", "coordinator/README.md"}) {
    for (SourceFile& file : LoadTree(SYNOD_SOURCE_DIR, path == "README.md" ? "" : "coordinator", {"README.md"})) {
      if (file.path == path) documents.push_back(std::move(file));
    }
  }
  EXPECT_EQ(ToString(CheckDocuments(documents, "README.md", AllPaths())), "");
}

TEST(Repository, EveryRuleIsCitedByATest) {
  std::vector<SourceFile> tests = LoadTree(SYNOD_SOURCE_DIR, "tests", {".cc", ".h", ".txt"});
  // The lint names every rule itself, and support code tests nothing.
  tests.erase(std::remove_if(tests.begin(), tests.end(),
                             [](const SourceFile& f) {
                               return f.path.starts_with("tests/lint/") || f.path.starts_with("tests/support/");
                             }),
              tests.end());
  EXPECT_THAT(UncitedRules(tests, RulesInForce()), IsEmpty());
}

}  // namespace
}  // namespace synod::lint

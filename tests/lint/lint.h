// The rules of docs/style.md that a program can check: the floor plan, the bans, sizes, documents, cited rules.
//
// Every check is a pure function from file contents to findings, so that each is itself tested on bad samples;
// lint_test.cc runs them over the repository. A check knows paths relative to the repository's root, with '/'.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace synod::lint {

struct SourceFile {
  std::string path;
  std::string text;
};

struct Finding {
  std::string path;
  int line = 0;  // from 1; 0: the file as a whole
  std::string message;
};
std::string ToString(const std::vector<Finding>& findings);

// ---- reading ----

// Every file below `root`/`folder` whose name ends in one of `endings`, sorted by path. Hidden folders and build output
// are left out.
std::vector<SourceFile> LoadTree(const std::string& root, const std::string& folder,
                                 const std::vector<std::string>& endings);
// The text with comments and the insides of string and character literals blanked, line breaks kept: what a ban may
// match.
std::string BlankCommentsAndLiterals(std::string_view text);
std::vector<std::string> SplitLines(std::string_view text);

struct Include {
  int line = 0;
  std::string target;
  bool angled = false;
};
std::vector<Include> Includes(std::string_view text);

// ---- checks of one file ----

// A folder of coordinator/ includes only what stands on its line of the floor plan, and third-party headers only where
// they may be.
std::vector<Finding> CheckFloors(const SourceFile& file);
// Clocks, randomness, threads, files and the like outside the adapters. In the deterministic folders also hash tables
// of the standard library.
std::vector<Finding> CheckBans(const SourceFile& file);
// Hash tables of abseil are not iterated in the deterministic folders unless the loop says why its order shows nowhere
// ("order-free: why"). `header`: the text of the .h beside a .cc, for the members declared there; may be empty.
std::vector<Finding> CheckHashOrder(const SourceFile& file, std::string_view header);
// Lines of a file, length of lines, #pragma once, words that promise instead of do.
std::vector<Finding> CheckText(const SourceFile& file);
// A .cc with a .h of its name beside it includes that first: so the header is known to compile alone.
std::vector<Finding> CheckOwnHeaderFirst(const SourceFile& file, const std::set<std::string>& all_paths);
// Waiting in tests that have a clock to step.
std::vector<Finding> CheckSleeps(const SourceFile& file);

// ---- checks of many ----

// Every document is reached from `root_document` by links, and every relative link leads to a file of `all_paths`.
std::vector<Finding> CheckDocuments(const std::vector<SourceFile>& documents, const std::string& root_document,
                                    const std::set<std::string>& all_paths);
// The rules (L1, D4, ...) that no test cites.
std::vector<std::string> UncitedRules(const std::vector<SourceFile>& tests, const std::vector<std::string>& rules);
// L1-L11, D1-D13, S1-S10, W1-W2: the rules of docs/architecture.md that hold today.
std::vector<std::string> RulesInForce();

}  // namespace synod::lint

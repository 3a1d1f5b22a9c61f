#include <istream>
#include <memory>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "coordinator/cli/commands.h"
#include "coordinator/cli/operation_text.h"
#include "coordinator/cli/outcome_output.h"
#include "coordinator/cli/words.h"

namespace synod::cli {
namespace {

int Multi(Environment& env, std::vector<std::string> lines) {
  if (lines.empty()) {
    for (std::string line; std::getline(env.io.in, line);) {
      auto words = SplitWords(line);
      if (!words.ok() || !words->empty()) lines.push_back(line);
      // In a shell the operations share its input: an empty line ends them.
      if (env.shell && words.ok() && words->empty()) break;
    }
  }
  std::vector<client::Operation> operations;
  for (const std::string& line : lines) {
    auto words = SplitWords(line);
    auto operation = words.ok() ? ParseOperation(*words) : words.status();
    if (!operation.ok()) return env.UsageError(absl::StrCat("\"", line, "\": ", operation.status().message()));
    operations.push_back(*std::move(operation));
  }
  if (operations.empty())
    return env.UsageError("multi needs operations, as arguments or one per line on standard input");
  client::BlockingClient* client = env.Session();
  if (client == nullptr) return kExitUsage;
  auto outcome = client->Multi(operations);
  if (!outcome.ok()) return env.Fail(outcome.error(), "the multi");
  return PrintOutcome(env, operations, *outcome, "the multi");
}

}  // namespace

void AddMulti(CLI::App& app, Environment& env, Run& run) {
  auto lines = std::make_shared<std::vector<std::string>>();
  CLI::App* verb = app.add_subcommand("multi", "Several operations, all or nothing");
  verb->add_option("OPERATION", *lines, "Each in quotes; none: one per line from standard input");
  verb->footer(std::string("Operations:\n") + kOperationGrammar +
               "Examples:\n  synod multi 'check /lock -v 3' 'set /app new' 'create /log/entry \"two words\"'\n  synod "
               "multi < operations.txt");
  verb->callback([lines, &env, &run] { run = [lines, &env] { return Multi(env, *lines); }; });
}

}  // namespace synod::cli

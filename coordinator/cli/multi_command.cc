#include <istream>
#include <memory>
#include <ostream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "coordinator/cli/commands.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/words.h"

namespace synod::cli {
namespace {

constexpr const char* kKinds[] = {"create", "delete", "set", "check"};

// "create PATH [DATA]", "set PATH DATA [-v N]", "delete PATH [-v N]", "check PATH [-v N]"; create takes -s and -e as
// well.
absl::StatusOr<client::Operation> ParseOperation(const std::string& line) {
  auto words = SplitWords(line);
  if (!words.ok()) return words.status();
  const auto wrong = [&](const char* why) { return absl::InvalidArgumentError(absl::StrCat("\"", line, "\": ", why)); };
  client::Operation out;
  std::vector<std::string> plain;
  bool ephemeral = false, sequential = false;
  for (size_t i = 0; i < words->size(); ++i) {
    const std::string& word = (*words)[i];
    if (word == "-v") {
      if (i + 1 == words->size() || !absl::SimpleAtoi((*words)[++i], &out.version)) return wrong("-v needs a number");
    } else if (word == "-e" && (*words)[0] == "create") {
      ephemeral = true;
    } else if (word == "-s" && (*words)[0] == "create") {
      sequential = true;
    } else {
      plain.push_back(word);
    }
  }
  if (plain.size() < 2) return wrong("an operation needs a path");
  out.path = plain[1];
  size_t most = 2;
  if (plain[0] == "create") {
    out.kind = client::Operation::Kind::kCreate;
    out.mode = static_cast<client::CreateMode>((ephemeral ? 1 : 0) + (sequential ? 2 : 0));
    most = 3;
  } else if (plain[0] == "set") {
    out.kind = client::Operation::Kind::kSet;
    if (plain.size() < 3) return wrong("set needs data");
    most = 3;
  } else if (plain[0] == "delete") {
    out.kind = client::Operation::Kind::kDelete;
  } else if (plain[0] == "check") {
    out.kind = client::Operation::Kind::kCheck;
  } else {
    return wrong("an operation is create, set, delete or check");
  }
  if (plain.size() > most) return wrong("too many words; quote data with spaces");
  if (plain.size() == 3) out.data = plain[2];
  return out;
}

int PrintOutcome(Environment& env, const std::vector<client::Operation>& operations,
                 const client::MultiOutcome& outcome) {
  const size_t count = outcome.results.size();
  if (env.settings.json) {
    std::vector<std::string> results;
    for (size_t i = 0; i < count; ++i) {
      const auto& r = outcome.results[i];
      JsonObject object;
      object.Text("path", r.path.empty() && i < operations.size() ? operations[i].path : r.path);
      results.push_back(object.Text("result", client::ErrorCodeName(r.error)).Take());
    }
    JsonObject object;
    object.Bool("done", outcome.error.ok()).Number("zxid", outcome.zxid).Raw("results", JsonArray(results));
    env.io.out << object.Take() << std::endl;
  } else {
    std::vector<std::vector<std::string>> rows = {{"OPERATION", "PATH", "RESULT"}};
    for (size_t i = 0; i < count && i < operations.size(); ++i) {
      const auto& r = outcome.results[i];
      const std::string result = r.error == client::ErrorCode::kRuntimeInconsistency
                                     ? "not done"
                                     : std::string(client::ErrorCodeName(r.error));
      rows.push_back(
          {kKinds[static_cast<int>(operations[i].kind)], r.path.empty() ? operations[i].path : r.path, result});
    }
    if (count > 0) env.io.out << AlignedTable(rows) << std::flush;
  }
  if (outcome.error.ok()) return kExitOk;
  std::string path = "the multi";
  for (size_t i = 0; i < count && i < operations.size(); ++i) {
    const auto error = outcome.results[i].error;
    if (error == client::ErrorCode::kOk || error == client::ErrorCode::kRuntimeInconsistency) continue;
    path = operations[i].path;
    const bool parent = error == client::ErrorCode::kNoNode && operations[i].kind == client::Operation::Kind::kCreate;
    if (parent && PathProblem(path).empty()) path = ParentOf(path);
    break;
  }
  client::Error error = outcome.error;
  if (error.message.empty()) error.message = "nothing of the multi was done";
  return env.Fail(error, path);
}

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
    auto operation = ParseOperation(line);
    if (!operation.ok()) return env.UsageError(std::string(operation.status().message()));
    operations.push_back(*std::move(operation));
  }
  if (operations.empty())
    return env.UsageError("multi needs operations, as arguments or one per line on standard input");
  client::BlockingClient* client = env.Session();
  if (client == nullptr) return kExitUsage;
  auto outcome = client->Multi(operations);
  if (!outcome.ok()) return env.Fail(outcome.error(), "the multi");
  return PrintOutcome(env, operations, *outcome);
}

}  // namespace

void AddMulti(CLI::App& app, Environment& env, Run& run) {
  auto lines = std::make_shared<std::vector<std::string>>();
  CLI::App* verb = app.add_subcommand("multi", "Several operations, all or nothing");
  verb->add_option("OPERATION", *lines, "Each in quotes; none: one per line from standard input");
  verb->footer(
      "Operations:\n  create PATH [DATA] [-e] [-s]\n  set PATH DATA [-v N]\n  delete PATH [-v N]\n  check PATH [-v N]\n"
      "Examples:\n  synod multi 'check /lock -v 3' 'set /app new' 'create /log/entry \"two words\"'\n  synod multi < "
      "operations.txt");
  verb->callback([lines, &env, &run] { run = [lines, &env] { return Multi(env, *lines); }; });
}

}  // namespace synod::cli

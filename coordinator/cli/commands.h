// The verbs. Each Add* registers its verb with a parser; when the verb is parsed, `run` becomes what is to be done,
// which returns the exit code. The same verbs serve the command line and the shell.
#pragma once

#include <CLI/App.hpp>
#include <functional>

#include "coordinator/cli/environment.h"

namespace synod::cli {

using Run = std::function<int()>;

// Everything below, in the order of the help text.
void AddAllVerbs(CLI::App& app, Environment& env, Run& run);

// Takes one of the names, in any case, and gives CLI11 its number.
template <typename Enum>
CLI::Validator OneOf(std::vector<std::pair<std::string, Enum>> names) {
  return CLI::Validator(
      [names = std::move(names)](std::string& text) {
        std::string list;
        for (const auto& [name, value] : names) {
          if (CLI::detail::to_lower(text) == name) {
            text = std::to_string(static_cast<int>(value));
            return std::string();
          }
          list += (list.empty() ? "" : ", ") + name;
        }
        return "\"" + text + "\" is none of " + list;
      },
      "");
}

void AddCreate(CLI::App& app, Environment& env, Run& run);  // create_command.cc
void AddGet(CLI::App& app, Environment& env, Run& run);     // node_commands.cc
void AddSet(CLI::App& app, Environment& env, Run& run);
void AddStat(CLI::App& app, Environment& env, Run& run);
void AddExists(CLI::App& app, Environment& env, Run& run);
void AddDelete(CLI::App& app, Environment& env, Run& run);  // remove_commands.cc
void AddRm(CLI::App& app, Environment& env, Run& run);
void AddLs(CLI::App& app, Environment& env, Run& run);  // list_commands.cc
void AddTree(CLI::App& app, Environment& env, Run& run);
void AddCount(CLI::App& app, Environment& env, Run& run);  // count_commands.cc
void AddEphemerals(CLI::App& app, Environment& env, Run& run);
void AddWatch(CLI::App& app, Environment& env, Run& run);  // watch_command.cc
void AddMulti(CLI::App& app, Environment& env, Run& run);  // multi_command.cc
void AddTxn(CLI::App& app, Environment& env, Run& run);    // txn_command.cc
void AddAcl(CLI::App& app, Environment& env, Run& run);    // acl_commands.cc
void AddAuth(CLI::App& app, Environment& env, Run& run);
void AddWhoAmI(CLI::App& app, Environment& env, Run& run);
void AddQuota(CLI::App& app, Environment& env, Run& run);   // quota_command.cc
void AddExport(CLI::App& app, Environment& env, Run& run);  // export_command.cc
void AddImport(CLI::App& app, Environment& env, Run& run);  // import_command.cc
void AddLock(CLI::App& app, Environment& env, Run& run);    // lock_commands.cc
void AddElect(CLI::App& app, Environment& env, Run& run);
void AddEnsemble(CLI::App& app, Environment& env, Run& run);  // ensemble_commands.cc
void AddBench(CLI::App& app, Environment& env, Run& run);     // bench_command.cc

}  // namespace synod::cli

#include "coordinator/cli/cli.h"

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <ostream>

#include "coordinator/cli/commands.h"
#include "coordinator/cli/operation_text.h"
#include "coordinator/cli/shell.h"

namespace synod::cli {
namespace {

constexpr char kFooter[] =
    "Without a verb: a shell with history and completion; from a pipe or file, commands line by line.\n\n"
    "Exit codes: 0 done; 1 refused (NoNode, BadVersion, ...); 2 usage; 3 no server, no quorum or no answer, and "
    "nothing was done;\n"
    "4 a write that may have been done. lock and elect: that of their command, 75 if what it ran under was lost, 76 "
    "if\n"
    "it was not acquired in time. 128 + signal after Ctrl-C, but 0 of watch. The shell ends with that of its first "
    "command that failed."
    "\n\n"
    "Environment: SYNOD_SERVERS, as --servers; SYNOD_AUTH, as --auth (others on the machine can read arguments).\n\n"
    "Examples:\n  synod create /app \"hello\"\n  synod get /app\n  synod ensemble status\n  synod create --help";

std::string CheckTime(const std::string& text, absl::Duration* out) {
  const auto time = ParseTime(text);
  if (!time.has_value()) return "not a time: " + text;
  if (*time >= absl::Hours(24)) return "not a time between 0 and a day: " + text;
  *out = *time;
  return "";
}

void AddGlobalOptions(CLI::App& app, Settings& settings, bool shell) {
  const auto time = [](absl::Duration* out) {
    return CLI::Validator([out](std::string& text) { return CheckTime(text, out); }, "TIME");
  };
  static std::string ignored;
  app.add_option("--servers", settings.servers, "host:port,host:port with an optional /chroot (gRPC ports)");
  app.add_option("--timeout", ignored, "How long to wait for an answer (default 10s)")->check(time(&settings.timeout));
  app.add_option("--session-timeout", ignored, "Of the session that writes use (default 10s)")
      ->check(time(&settings.session_timeout));
  app.add_option("--strength", settings.strength,
                 "Of reads: session (the shell's default), linearizable (a single command's), or local (answers "
                 "without a quorum)")
      ->transform(OneOf<client::ReadStrength>({{"session", client::ReadStrength::kSession},
                                               {"linearizable", client::ReadStrength::kLinearizable},
                                               {"local", client::ReadStrength::kLocal}}))
      ->each([&settings](const std::string&) { settings.strength_given = true; });
  app.add_flag("--json", settings.json, "Print JSON: an object per line, errors too");
  // A shell's session acts for whoever it was started for, and those added by `auth`.
  if (shell) return;
  app.add_option("--auth", settings.auth, "SCHEME:CREDENTIAL, as digest:USER:PASSWORD: whom to act for; repeatable")
      ->allow_extra_args(false)
      ->envname("SYNOD_AUTH");
}

// What is wrong with a command line, in the words of one who types it.
std::string Explain(const CLI::ParseError& error, const std::vector<std::string>& arguments) {
  const auto verbs = VerbNames();
  const bool verb = !arguments.empty() && std::find(verbs.begin(), verbs.end(), arguments[0]) != verbs.end();
  if (!arguments.empty() && !verb && arguments[0][0] != '-')
    return "no such command: " + arguments[0] + "; see `synod --help`, in the shell `help`";
  if (error.get_name() == "RequiredError" && std::string(error.what()).find("subcommand") != std::string::npos) {
    std::string list;
    for (const std::string& name : SubVerbNames(verb ? arguments[0] : "")) list += (list.empty() ? "" : ", ") + name;
    return "`synod " + (verb ? arguments[0] : "VERB") + "` needs one of " + list;
  }
  return std::string(error.what()) + "; see `synod " + (verb ? arguments[0] + " " : "") + "--help`";
}

// Parses, with CLI11's exceptions stopped here. Returns -1 to go on, otherwise the exit code.
int Parse(CLI::App& app, const std::vector<std::string>& words, Environment& env) {
  std::vector<std::string> arguments(words.rbegin(), words.rend());  // as CLI11 wants them
  try {
    app.parse(arguments);
    return -1;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error, env.io.out, env.io.err);  // --help
    env.settings.json = env.settings.json || std::find(words.begin(), words.end(), "--json") != words.end();
    return env.UsageError(Explain(error, words));
  }
}

// Splits off what stands behind "--".
std::vector<std::string> TakeCommand(std::vector<std::string>* arguments) {
  auto dashes = std::find(arguments->begin(), arguments->end(), "--");
  if (dashes == arguments->end()) return {};
  std::vector<std::string> command(dashes + 1, arguments->end());
  arguments->erase(dashes, arguments->end());
  return command;
}

}  // namespace

void AddAllVerbs(CLI::App& app, Environment& env, Run& run) {
  for (auto add : {&AddCreate, &AddGet,        &AddSet,    &AddDelete, &AddRm,   &AddLs,    &AddTree,     &AddStat,
                   &AddExists, &AddCount,      &AddWatch,  &AddMulti,  &AddTxn,  &AddAcl,   &AddAuth,     &AddWhoAmI,
                   &AddQuota,  &AddEphemerals, &AddExport, &AddImport, &AddLock, &AddElect, &AddEnsemble, &AddBench}) {
    add(app, env, run);
  }
}

std::vector<std::string> VerbNames() {
  return {"create", "get",    "set",   "delete", "rm",       "ls",    "tree",   "stat",  "exists",
          "count",  "watch",  "multi", "txn",    "acl",      "auth",  "whoami", "quota", "ephemerals",
          "export", "import", "lock",  "elect",  "ensemble", "bench", "help",   "quit"};
}

std::vector<std::string> SubVerbNames(const std::string& verb) {
  if (verb == "ensemble") return {"status", "members", "transfer", "snapshot", "digest"};
  if (verb == "acl") return {"get", "set"};
  if (verb == "quota") return {"get", "set", "rm"};
  return {};
}

int RunVerb(Environment& env, std::vector<std::string> words) {
  CLI::App app("", "");
  Run run;
  const Settings kept = env.settings;
  app.fallthrough();
  AddGlobalOptions(app, env.settings, /*shell=*/true);
  AddAllVerbs(app, env, run);
  app.require_subcommand(1);
  env.command = TakeCommand(&words);
  int code = Parse(app, words, env);
  if (code < 0) code = run ? run() : kExitUsage;
  env.settings = kept;  // an option given with one command holds for it alone
  return code;
}

int RunCommandLine(std::vector<std::string> arguments, const std::string& default_servers, bool interactive,
                   Streams streams) {
  Settings settings;
  settings.servers = default_servers;
  Environment env(settings, streams);
  CLI::App app("The command line of a Synod ensemble.", "synod");
  Run run;
  app.fallthrough();  // global options may stand behind the verb; the verbs inherit this
  AddGlobalOptions(app, env.settings, /*shell=*/false);
  AddAllVerbs(app, env, run);
  app.require_subcommand(0, 1);
  app.footer(kFooter);
  env.command = TakeCommand(&arguments);
  if (const int code = Parse(app, arguments, env); code >= 0) return code;
  // A single command has no session whose writes it could see: another server may not have applied yet what the last
  // command wrote.
  if (run && !env.settings.strength_given) env.settings.strength = client::ReadStrength::kLinearizable;
  const int code = run ? run() : RunShell(env, interactive);
  env.CloseSession();
  return code;
}

}  // namespace synod::cli

#include "coordinator/cli/shell.h"

#include <readline/history.h>
#include <readline/readline.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <iostream>

#include "coordinator/cli/cli.h"
#include "coordinator/cli/event_wait.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/words.h"

namespace synod::cli {
namespace {

constexpr char kHelp[] =
    "create PATH [DATA] [-e] [-s] [-p]   get PATH [-s] [-w]      set PATH DATA [-v N]   delete PATH [-v N] "
    "[--if-there]\n"
    "ls [PATH] [-l] [-R] [-s] [-w]       tree [PATH]             stat PATH              exists PATH\n"
    "rm -R PATH                          count PATH              ephemerals [PREFIX] [--all]\n"
    "watch PATH [-R] [--from CURSOR]     multi 'OPERATION' ...   txn FILE | --text TEXT\n"
    "acl get|set PATH [ACL]              auth SCHEME CREDENTIAL  whoami                 quota get|set|rm PATH\n"
    "export PATH                         import FILE [--into PATH] [--on-existing fail|keep|set]\n"
    "lock PATH -- COMMAND                elect PATH -- COMMAND   ensemble status|members|transfer|snapshot|digest\n"
    "help                                VERB --help             quit\n";

// Readline's hooks are globals without an argument; there is one shell per process.
Environment* completing = nullptr;

void PrintEvents(Environment& env) {
  while (auto event = env.shell_events->Pop()) env.io.out << EventText(*event, env.settings.json) << std::flush;
}

// Ctrl-C at the prompt drops the line, as in other shells; it does not end the session.
volatile sig_atomic_t line_dropped = 0;
void OnInterrupt(int) { line_dropped = 1; }

// Called by readline while it waits: events appear above the prompt.
int OnIdle() {
  if (line_dropped != 0) {
    line_dropped = 0;
    completing->io.out << "^C\n" << std::flush;
    rl_replace_line("", 0);
    rl_on_new_line();
    rl_redisplay();
  }
  auto event = completing->shell_events->Pop();
  if (!event.has_value()) return 0;
  completing->io.out << "\r\033[K" << EventText(*event, completing->settings.json) << std::flush;
  rl_on_new_line();
  rl_redisplay();
  return 0;
}

char** Complete(const char* text, int start, int) {
  rl_attempted_completion_over = 1;
  const auto found = Completions(*completing, std::string(rl_line_buffer, static_cast<size_t>(start)), text);
  if (found.empty()) return nullptr;
  rl_completion_append_character = found.size() == 1 && found[0].back() == '/' ? '\0' : ' ';
  std::string common = found[0];
  for (const std::string& name : found) {
    size_t same = 0;
    while (same < common.size() && same < name.size() && common[same] == name[same]) ++same;
    common.resize(same);
  }
  // Readline's form: the common part, the choices, null; all of malloc.
  char** out = static_cast<char**>(calloc(found.size() + 2, sizeof(char*)));
  out[0] = strdup(common.c_str());
  if (found.size() == 1) return out;
  for (size_t i = 0; i < found.size(); ++i) out[i + 1] = strdup(found[i].c_str());
  return out;
}

std::string HistoryFile() {
  const char* home = getenv("HOME");
  return home == nullptr ? "" : std::string(home) + "/.synod_history";
}

// Runs one line; false at `quit`. `code` becomes the code of the line's command.
bool RunLine(Environment& env, const std::string& line, int* code) {
  *code = kExitOk;
  auto words = SplitWords(line);
  if (!words.ok()) {
    *code = env.UsageError(std::string(words.status().message()));
    return true;
  }
  if (words->empty()) return true;
  if ((*words)[0] == "quit" || (*words)[0] == "exit") return false;
  if ((*words)[0] == "help") {
    env.io.out << kHelp << std::flush;
    return true;
  }
  *code = RunVerb(env, *std::move(words));
  return true;
}

int RunInteractive(Environment& env) {
  completing = &env;
  rl_readline_name = "synod";
  rl_attempted_completion_function = &Complete;
  rl_completer_word_break_characters = const_cast<char*>(" \t");
  rl_event_hook = &OnIdle;
  struct sigaction drop = {};
  struct sigaction before = {};
  drop.sa_handler = &OnInterrupt;
  sigaction(SIGINT, &drop, &before);
  const std::string history = HistoryFile();
  if (!history.empty()) read_history(history.c_str());
  env.io.out << "Synod shell on " << env.settings.servers << "; `help` lists the commands, Ctrl-D ends it.\n";
  int first_failed = kExitOk;
  for (;;) {
    PrintEvents(env);
    char* line = readline("synod> ");
    if (line == nullptr) break;
    const std::string text = line;
    free(line);
    if (!text.empty()) add_history(text.c_str());
    int code = kExitOk;
    if (!RunLine(env, text, &code)) break;
    if (first_failed == kExitOk) first_failed = code;
  }
  if (!history.empty()) {
    write_history(history.c_str());
    history_truncate_file(history.c_str(), 5000);
  }
  rl_event_hook = nullptr;
  sigaction(SIGINT, &before, nullptr);
  completing = nullptr;
  env.io.out << std::endl;
  return first_failed;
}

}  // namespace

std::vector<std::string> Completions(Environment& env, const std::string& start, const std::string& word) {
  std::vector<std::string> out;
  const auto before = SplitWords(start);
  if (before.ok() && before->empty()) {
    for (const std::string& verb : VerbNames()) {
      if (verb.compare(0, word.size(), word) == 0) out.push_back(verb);
    }
    return out;
  }
  if (before.ok() && before->size() == 1) {
    const auto names = SubVerbNames((*before)[0]);
    for (const std::string& name : names) {
      if (name.compare(0, word.size(), word) == 0) out.push_back(name);
    }
    if (!names.empty()) return out;
  }
  const size_t slash = word.rfind('/');
  if (word.empty() || word[0] != '/' || slash == std::string::npos) return out;
  client::BlockingClient* client = env.Reader();
  if (client == nullptr) return out;
  auto children = client->GetChildren(slash == 0 ? "/" : word.substr(0, slash), false, client::ReadStrength::kSession);
  if (!children.ok()) return out;
  for (const std::string& name : children->names) {
    std::string path = word.substr(0, slash + 1) + name;
    if (path.compare(0, word.size(), word) == 0) out.push_back(std::move(path));
  }
  if (out.size() != 1) return out;
  auto only = client->Exists(out[0], client::ReadStrength::kSession);
  if (only.ok() && only->stat.has_value() && only->stat->num_children > 0) out[0] += "/";
  return out;
}

int RunShell(Environment& env, bool interactive) {
  env.shell = true;
  env.shell_events = std::make_shared<EventQueue>(nullptr);
  if (interactive) return RunInteractive(env);
  int first_failed = kExitOk;
  for (std::string line; std::getline(env.io.in, line);) {
    int code = kExitOk;
    const bool more = RunLine(env, line, &code);
    PrintEvents(env);
    if (first_failed == kExitOk) first_failed = code;
    if (!more) break;
  }
  return first_failed;
}

}  // namespace synod::cli

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <ostream>

#include "coordinator/cli/commands.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/interrupts.h"

namespace synod::cli {
namespace {

struct CreateOptions {
  std::string path;
  std::string data;
  bool has_data = false;
  bool ephemeral = false;
  bool sequential = false;
  bool parents = false;
  bool hex = false;
};

// Runs `command` and waits for it; its exit code, or 128 + the signal that ended it.
int RunCommand(const std::vector<std::string>& command) {
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    execvp(argv[0], argv.data());
    const char* why = strerror(errno);
    (void)!write(2, "synod: ", 7);
    (void)!write(2, argv[0], strlen(argv[0]));
    (void)!write(2, ": ", 2);
    (void)!write(2, why, strlen(why));
    (void)!write(2, "\n", 1);
    _exit(127);
  }
  if (child < 0) return kExitUnavailable;
  int status = 0;
  // Ctrl-C reaches the command too, as it is in our process group; we wait for its end.
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Every ancestor of `path`, top down; existing ones are no error.
std::optional<client::Error> MakeParents(client::BlockingClient& client, const std::string& path, std::string* failed) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const std::string parent = path.substr(0, slash);
    auto made = client.Create(parent, std::nullopt);
    if (made.ok() || made.error().code == client::ErrorCode::kNodeExists) continue;
    *failed = parent;
    return made.error();
  }
  return std::nullopt;
}

int HoldEphemeral(Environment& env, const std::string& path) {
  Interrupts interrupts;
  if (!env.command.empty()) {
    env.io.out.flush();
    const int code = RunCommand(env.command);
    env.CloseSession();
    return code;
  }
  if (!env.settings.json) env.io.out << "Holding " << path << " until Ctrl-C; it goes with this session." << std::endl;
  env.WakeOnSessionEnd(&interrupts);
  while (!env.session_over() && interrupts.Wait()) {
  }
  env.WakeOnSessionEnd(nullptr);
  if (env.session_over()) return env.Fail({client::ErrorCode::kSessionExpired, client::Effect::kNotDone, ""}, path);
  env.CloseSession();
  return kExitOk;
}

int Create(Environment& env, const CreateOptions& o) {
  client::Data data;
  if (o.has_data && !env.ReadData(o.data, o.hex, &data)) return kExitUsage;
  if (!env.command.empty() && !o.ephemeral)
    return env.UsageError("-- COMMAND goes with -e: it runs while the ephemeral node exists");
  client::BlockingClient* client = env.Session();
  if (client == nullptr) return kExitUsage;
  if (o.parents) {
    std::string failed;
    if (auto error = MakeParents(*client, o.path, &failed)) return env.Fail(*error, failed);
  }
  const auto mode = static_cast<client::CreateMode>((o.ephemeral ? 1 : 0) + (o.sequential ? 2 : 0));
  auto created = client->Create(o.path, std::move(data), mode);
  if (!created.ok()) {
    client::Error error = created.error();
    if (error.code != client::ErrorCode::kNoNode || !PathProblem(o.path).empty()) return env.Fail(error, o.path);
    error.message = "`synod create -p` makes missing parents";
    return env.Fail(error, ParentOf(o.path));
  }
  if (env.settings.json) {
    env.io.out
        << JsonObject().Text("path", created->path).Number("zxid", created->zxid).Stat("stat", created->stat).Take()
        << std::endl;
  } else {
    env.io.out << "Created " << created->path << std::endl;
  }
  return o.ephemeral && !env.shell ? HoldEphemeral(env, created->path) : kExitOk;
}

}  // namespace

void AddCreate(CLI::App& app, Environment& env, Run& run) {
  auto o = std::make_shared<CreateOptions>();
  CLI::App* verb = app.add_subcommand("create", "Create a node");
  verb->add_option("PATH", o->path, "Where; with -s a prefix")->required();
  CLI::Option* data = verb->add_option("DATA", o->data, "Its data; - reads standard input; none: null");
  verb->add_flag("-e,--ephemeral", o->ephemeral, "Goes with the session: held until Ctrl-C, or while COMMAND runs");
  verb->add_flag("-s,--sequential", o->sequential, "Append a number that only grows");
  verb->add_flag("-p,--parents", o->parents, "Create missing parents");
  verb->add_flag("--hex", o->hex, "DATA is hex");
  verb->footer(
      "Examples:\n  synod create /app \"some text\"\n  synod create -p /a/b/c\n  synod create -s /queue/job- payload\n"
      "  synod create -e /workers/me -- ./worker --port 9\n  synod create /blob - < file");
  verb->callback([o, data, &env, &run] {
    o->has_data = data->count() > 0;
    run = [o, &env] { return Create(env, *o); };
  });
}

}  // namespace synod::cli

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <ostream>

#include "coordinator/cli/acl_text.h"
#include "coordinator/cli/commands.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/interrupts.h"
#include "coordinator/cli/operation_text.h"

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
  bool container = false;
  std::string ttl;
  std::string acl;
  bool if_absent = false;
  bool or_set = false;
};

// False after a message.
bool FillOptions(Environment& env, const CreateOptions& o, client::CreateOptions* out) {
  const auto wrong = [&](std::string_view why) {
    env.UsageError(why);
    return false;
  };
  const auto mode = ModeOf(o.ephemeral, o.sequential, o.container, !o.ttl.empty());
  if (!mode.has_value()) return wrong("these of -e, -s, --container and --ttl do not go together");
  out->mode = *mode;
  if (!o.ttl.empty()) {
    const auto ttl = ParseTime(o.ttl);
    if (!ttl.has_value()) return wrong("--ttl: not a time: " + o.ttl);
    out->ttl = *ttl;
  }
  if (!o.acl.empty()) {
    auto acl = ParseAcl(o.acl);
    if (!acl.ok()) return wrong("--acl: " + std::string(acl.status().message()));
    out->acl = *std::move(acl);
  }
  if (o.if_absent && o.or_set) return wrong("--if-absent and --or-set do not go together");
  if ((o.if_absent || o.or_set) && o.sequential)
    return wrong("a sequential node is always a new one: no --if-absent and --or-set");
  if (o.if_absent) out->on_existing = client::OnExisting::kKeep;
  if (o.or_set) out->on_existing = client::OnExisting::kSet;
  return true;
}

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
    // Who may not write above may still write below, if it is there.
    if (made.error().code == client::ErrorCode::kNoAuth && client.Exists(parent).ok()) continue;
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
  client::CreateOptions options;
  if (!FillOptions(env, o, &options)) return kExitUsage;
  client::BlockingClient* client = env.Session();
  if (client == nullptr) return kExitUsage;
  if (o.parents) {
    std::string failed;
    if (auto error = MakeParents(*client, o.path, &failed)) return env.Fail(*error, failed);
  }
  auto created = client->Create(o.path, std::move(data), std::move(options));
  if (!created.ok()) {
    client::Error error = created.error();
    if (error.code != client::ErrorCode::kNoNode || !PathProblem(o.path).empty()) return env.Fail(error, o.path);
    error.message = "`synod create -p` makes missing parents";
    return env.Fail(error, ParentOf(o.path));
  }
  if (env.settings.json) {
    JsonObject object;
    object.Text("path", created->path).Bool("created", created->created).Number("zxid", created->zxid);
    env.io.out << object.Stat("stat", created->stat).Take() << std::endl;
  } else {
    env.io.out << (created->created ? "Created " : o.or_set ? "Set " : "Kept ") << created->path << std::endl;
  }
  return o.ephemeral && created->created && !env.shell ? HoldEphemeral(env, created->path) : kExitOk;
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
  verb->add_flag("--container", o->container, "Goes some time after its last child went");
  verb->add_option("--ttl", o->ttl, "Goes when it has no children and was not written for so long (30s, 12h)");
  verb->add_option("--acl", o->acl, "Who may do what, see `synod acl --help`; default world:anyone:cdrwa");
  verb->add_flag("--if-absent", o->if_absent, "If it is there, leave it as it is");
  verb->add_flag("--or-set", o->or_set, "If it is there, set its data");
  verb->footer(
      "Examples:\n  synod create /app \"some text\"\n  synod create -p /a/b/c\n  synod create -s /queue/job- payload\n"
      "  synod create -e /workers/me -- ./worker --port 9\n  synod create /blob - < file\n"
      "  synod create --ttl 1h --or-set /cache/a value\n  synod create --acl world:anyone:r /motd hello");
  verb->callback([o, data, &env, &run] {
    o->has_data = data->count() > 0;
    run = [o, &env] { return Create(env, *o); };
  });
}

}  // namespace synod::cli

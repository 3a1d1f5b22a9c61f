#include <memory>
#include <ostream>

#include "coordinator/cli/commands.h"
#include "coordinator/cli/event_wait.h"
#include "coordinator/cli/format.h"

namespace synod::cli {
namespace {

struct WatchOptions {
  std::string path;
  bool recursive = false;
  int count = 0;
};

int Watch(Environment& env, const WatchOptions& o) {
  client::BlockingClient* client = env.Session();
  if (client == nullptr) return kExitUsage;
  EventWait wait;
  const auto kind =
      o.recursive ? client::PersistentWatchKind::kPersistentRecursive : client::PersistentWatchKind::kPersistent;
  auto added = client->AddWatch(o.path, kind, wait.Callback());
  if (!added.ok()) return env.Fail(added.error(), o.path);
  if (!env.settings.json) {
    env.io.out << "Watching " << o.path << (o.recursive ? " and everything below" : "") << "; Ctrl-C ends."
               << std::endl;
  }
  env.WakeOnSessionEnd(&wait.interrupts());
  for (int seen = 0; o.count == 0 || seen < o.count; ++seen) {
    auto event = wait.Next([&env] { return env.session_over(); });
    if (!event.has_value()) break;
    env.io.out << EventText(*event, env.settings.json) << std::flush;
  }
  env.WakeOnSessionEnd(nullptr);
  if (env.session_over()) return env.Fail({client::ErrorCode::kSessionExpired, client::Effect::kNotDone, ""}, o.path);
  // Only a session that goes on needs to be told.
  if (env.shell) (void)client->RemoveWatch(o.path, kind);
  return kExitOk;
}

}  // namespace

void AddWatch(CLI::App& app, Environment& env, Run& run) {
  auto o = std::make_shared<WatchOptions>();
  CLI::App* verb = app.add_subcommand("watch", "Print every change of a node as it comes");
  verb->add_option("PATH", o->path, "The node; it need not exist")->required();
  verb->add_flag("-R,--recursive", o->recursive, "And of everything below it");
  verb->add_option("--count", o->count, "End after so many events")->check(CLI::PositiveNumber);
  verb->footer("Examples:\n  synod watch /app\n  synod watch -R / --count 10\n  synod --json watch -R /app | jq .path");
  verb->callback([o, &env, &run] { run = [o, &env] { return Watch(env, *o); }; });
}

}  // namespace synod::cli

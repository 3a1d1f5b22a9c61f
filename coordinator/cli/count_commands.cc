// count, ephemerals.
#include <memory>
#include <ostream>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "coordinator/cli/commands.h"
#include "coordinator/cli/format.h"

namespace synod::cli {
namespace {

int Count(Environment& env, const std::string& path) {
  client::BlockingClient* client = env.Reader();
  if (client == nullptr) return kExitUsage;
  auto found = client->CountDescendants(path, env.settings.strength);
  if (!found.ok()) return env.Fail(found.error(), path);
  const auto count = static_cast<int64_t>(found->count);
  if (env.settings.json) {
    env.io.out << JsonObject().Text("path", path).Number("count", count).Number("zxid", found->zxid).Take()
               << std::endl;
  } else {
    env.io.out << count << std::endl;
  }
  return kExitOk;
}

struct EphemeralOptions {
  std::string prefix;
  std::string session;
  bool all = false;
};

int PrintEphemerals(Environment& env, client::BlockingClient& client, client::EphemeralsOptions options) {
  for (;;) {
    auto page = client.GetEphemerals(options, env.settings.strength);
    if (!page.ok()) return env.Fail(page.error(), options.prefix.empty() ? "/" : options.prefix);
    for (const std::string& path : page->paths) {
      env.io.out << (env.settings.json ? JsonObject().Text("path", path).Take() : path) << "\n";
    }
    if (!page->more || (page->next.empty() && page->paths.empty())) break;
    options.after = page->next.empty() ? page->paths.back() : page->next;
  }
  env.io.out.flush();
  return kExitOk;
}

int Ephemerals(Environment& env, const EphemeralOptions& o) {
  client::EphemeralsOptions options;
  options.prefix = o.prefix;
  if (!o.session.empty()) {
    if (o.all) return env.UsageError("--session and --all do not go together");
    uint64_t id = 0;
    const bool read =
        absl::StartsWith(o.session, "0x") ? absl::SimpleHexAtoi(o.session, &id) : absl::SimpleAtoi(o.session, &id);
    if (!read || id == 0) return env.UsageError("--session: not a session id: " + o.session);
    options.session_id = static_cast<int64_t>(id);
  } else if (o.all || !env.shell) {
    // A single command's own session has none.
    options.all_sessions = true;
    if (options.prefix.empty()) options.prefix = "/";
  }
  client::BlockingClient* client = options.all_sessions || options.session_id != 0 ? env.Reader() : env.Session();
  if (client == nullptr) return kExitUsage;
  return PrintEphemerals(env, *client, std::move(options));
}

}  // namespace

void AddCount(CLI::App& app, Environment& env, Run& run) {
  auto path = std::make_shared<std::string>();
  CLI::App* verb = app.add_subcommand("count", "How many nodes there are below a node");
  verb->add_option("PATH", *path, "The node, which is not counted itself")->required();
  verb->footer("Example:\n  synod count /app");
  verb->callback([path, &env, &run] { run = [path, &env] { return Count(env, *path); }; });
}

void AddEphemerals(CLI::App& app, Environment& env, Run& run) {
  auto o = std::make_shared<EphemeralOptions>();
  CLI::App* verb = app.add_subcommand("ephemerals", "List ephemeral nodes");
  verb->add_option("PREFIX", o->prefix,
                   "Of all sessions: a path, itself and what is below it. Of one: the text their paths begin with");
  verb->add_option("--session", o->session, "Of this session, decimal or 0x...");
  verb->add_flag("--all", o->all, "Of all sessions (what a single command does); the shell's default: its own");
  verb->footer("Examples:\n  synod ephemerals\n  synod ephemerals /workers\n  synod ephemerals --session 0x1000000a4");
  verb->callback([o, &env, &run] { run = [o, &env] { return Ephemerals(env, *o); }; });
}

}  // namespace synod::cli

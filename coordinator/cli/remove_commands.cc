// delete, rm.
#include <memory>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "coordinator/cli/commands.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/progress.h"

namespace synod::cli {
namespace {

// Of one step of a removal in steps: short enough for a progress bar to move and for others to be served between.
constexpr uint32_t kNodesPerStep = 1'000;

struct RemoveOptions {
  std::string path;
  int32_t version = -1;
  bool recursive = false;
  bool if_there = false;
  bool force = false;
  bool non_atomic = false;
};

int PrintDeleted(Environment& env, const RemoveOptions& o, uint64_t nodes) {
  if (env.settings.json) {
    env.io.out << JsonObject().Text("path", o.path).Number("deleted", static_cast<int64_t>(nodes)).Take() << std::endl;
    return kExitOk;
  }
  if (nodes == 0) {
    env.io.out << o.path << " was not there" << std::endl;
    return kExitOk;
  }
  env.io.out << "Deleted " << o.path;
  if (o.recursive) env.io.out << ", " << Grouped(nodes) << (nodes == 1 ? " node" : " nodes");
  env.io.out << std::endl;
  return kExitOk;
}

int DeleteOne(Environment& env, client::BlockingClient& client, const RemoveOptions& o) {
  auto done = client.Delete(o.path, client::DeleteOptions{o.version, o.if_there});
  if (!done.ok()) return env.Fail(done.error(), o.path);
  return PrintDeleted(env, o, done->deleted);
}

// Deepest first, so that what is left at any moment is a whole tree again.
int DeleteInSteps(Environment& env, client::BlockingClient& client, const RemoveOptions& o, uint64_t total) {
  Progress progress(env.ProgressStream(), "rm -R " + o.path, total);
  uint64_t deleted = 0;
  for (;;) {
    client::DeleteTreeOptions options;
    options.version = o.version;
    options.max_nodes = kNodesPerStep;
    options.partial = true;
    auto done = client.DeleteTree(o.path, options);
    if (!done.ok()) {
      progress.Wipe();
      // Somebody else took the rest.
      if (done.error().code == client::ErrorCode::kNoNode && deleted > 0) break;
      const int code = env.Fail(done.error(), o.path);
      if (deleted > 0) env.Notice(absl::StrCat(deleted, " nodes below ", o.path, " are deleted; the rest stays"));
      return code;
    }
    deleted += done->deleted;
    progress.Advance(done->deleted);
    if (done->remaining == 0) break;
  }
  progress.Wipe();
  return PrintDeleted(env, o, deleted);
}

int DeleteTree(Environment& env, client::BlockingClient& client, const RemoveOptions& o) {
  auto below = client.CountDescendants(o.path, client::ReadStrength::kLinearizable);
  if (!below.ok()) {
    if (below.error().code == client::ErrorCode::kNoNode && o.if_there) return PrintDeleted(env, o, 0);
    return env.Fail(below.error(), o.path);
  }
  const uint64_t total = below->count + 1;
  const bool ask = env.io.in_is_terminal && !o.force;
  if (ask && !env.Confirm(absl::StrCat("Delete ", o.path, " and all below it, ", Grouped(total),
                                       total == 1 ? " node?" : " nodes?")))
    return env.Refuse("nothing was deleted");
  client::DeleteTreeOptions options;
  options.version = o.version;
  auto done = client.DeleteTree(o.path, options);
  if (done.ok()) return PrintDeleted(env, o, done->deleted);
  const client::ErrorCode code = done.error().code;
  if (code == client::ErrorCode::kNoNode && o.if_there) return PrintDeleted(env, o, 0);
  if (code != client::ErrorCode::kTooLarge) return env.Fail(done.error(), o.path);
  if (!o.non_atomic) {
    const std::string what =
        absl::StrCat(o.path, " has ", Grouped(total), " nodes, more than the servers delete at once");
    if (!ask) return env.Refuse(what + "; --non-atomic deletes it in steps");
    if (!env.Confirm(what + ". Delete it in steps, which others can see half done?"))
      return env.Refuse("nothing was deleted");
  }
  return DeleteInSteps(env, client, o, total);
}

int Remove(Environment& env, const RemoveOptions& o) {
  if (o.recursive && env.Chroot().empty() && (o.path == "/" || o.path == "/zookeeper"))
    return env.Refuse(o.path + " belongs to the ensemble and cannot be deleted; name what is below it");
  if (o.recursive && o.path == "/")
    return env.Refuse("/ is the chroot " + env.Chroot() + " of the server list; delete it with a list without chroot");
  client::BlockingClient* client = env.Session();
  if (client == nullptr) return kExitUsage;
  return o.recursive ? DeleteTree(env, *client, o) : DeleteOne(env, *client, o);
}

std::shared_ptr<RemoveOptions> AddOptions(CLI::App* verb) {
  auto o = std::make_shared<RemoveOptions>();
  verb->add_option("PATH", o->path, "The node")->required();
  verb->add_option("-v,--version", o->version, "Only if this is its present version");
  verb->add_flag("--if-there", o->if_there, "No error if it is not there");
  verb->add_flag("-R,-r,--recursive", o->recursive, "And all below it: at one moment, up to the servers' bound");
  verb->add_flag("--non-atomic", o->non_atomic, "With -R: in steps if there is more than that");
  verb->add_flag("-f,--force", o->force, "With -R: do not ask (on a terminal)");
  return o;
}

}  // namespace

void AddDelete(CLI::App& app, Environment& env, Run& run) {
  CLI::App* verb = app.add_subcommand("delete", "Delete a node");
  auto o = AddOptions(verb);
  verb->footer(
      "Examples:\n  synod delete /app\n  synod delete /app -v 3\n  synod delete --if-there /app\n  synod delete -R "
      "/old");
  verb->callback([o, &env, &run] { run = [o, &env] { return Remove(env, *o); }; });
}

void AddRm(CLI::App& app, Environment& env, Run& run) {
  CLI::App* verb = app.add_subcommand("rm", "As delete, for those used to it: rm -R takes a whole subtree");
  auto o = AddOptions(verb);
  verb->footer(
      "With -R the nodes go at one moment or not at all. Beyond the servers' bound (5,000 nodes) only --non-atomic, "
      "or\n"
      "a yes on the terminal, deletes them in steps.\n"
      "Examples:\n  synod rm -R /old\n  synod rm -R --force --non-atomic /very/large");
  verb->callback([o, &env, &run] { run = [o, &env] { return Remove(env, *o); }; });
}

}  // namespace synod::cli

// ls, tree.
#include <memory>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "coordinator/cli/commands.h"
#include "coordinator/cli/event_wait.h"
#include "coordinator/cli/format.h"

namespace synod::cli {
namespace {

struct ListOptions {
  std::string path = "/";
  bool watch = false;
  bool stat = false;
  bool recursive = false;
  bool longer = false;
  int depth = 0;
};

std::string Join(const std::string& parent, const std::string& name) {
  return parent == "/" ? "/" + name : parent + "/" + name;
}

// One line per child with what its Stat says.
int PrintLong(Environment& env, client::BlockingClient& client, const std::string& path,
              const std::vector<std::string>& names) {
  std::vector<std::vector<std::string>> rows = {{"NAME", "BYTES", "CHILDREN", "VERSION", "KIND", "MODIFIED"}};
  for (const std::string& name : names) {
    auto found = client.Exists(Join(path, name), env.settings.strength);
    if (!found.ok()) return env.Fail(found.error(), Join(path, name));
    if (!found->stat.has_value()) continue;  // gone meanwhile
    const client::Stat& s = *found->stat;
    rows.push_back({name, absl::StrCat(s.data_length), absl::StrCat(s.num_children), absl::StrCat(s.version),
                    s.ephemeral_owner != 0 ? "ephemeral" : "persistent", WallTime(s.mtime_ms)});
  }
  env.io.out << AlignedTable(rows);
  return kExitOk;
}

// Depth first, in byte order.
int ListAll(Environment& env, client::BlockingClient& client, const std::string& path, std::vector<std::string>* out) {
  auto children = client.GetChildren(path, false, env.settings.strength);
  if (!children.ok()) {
    const bool gone = children.error().code == client::ErrorCode::kNoNode && !out->empty();
    return gone ? kExitOk : env.Fail(children.error(), path);
  }
  out->push_back(path);
  for (const std::string& name : children->names) {
    if (const int code = ListAll(env, client, Join(path, name), out); code != kExitOk) return code;
  }
  return kExitOk;
}

int PrintNames(Environment& env, const std::vector<std::string>& names) {
  if (env.settings.json) {
    std::vector<std::string> quoted;
    for (const std::string& name : names) quoted.push_back(JsonString(name));
    env.io.out << JsonArray(quoted) << std::endl;
  } else {
    for (const std::string& name : names) env.io.out << name << "\n";
    env.io.out.flush();
  }
  return kExitOk;
}

// The table of -l, or the object of -s, or the names.
int PrintJson(Environment& env, client::BlockingClient& client, const ListOptions& o, const client::Children& found) {
  std::vector<std::string> rows;
  for (const std::string& name : found.names) {
    if (!o.longer) {
      rows.push_back(JsonString(name));
      continue;
    }
    auto child = client.Exists(Join(o.path, name), env.settings.strength);
    if (!child.ok()) return env.Fail(child.error(), Join(o.path, name));
    if (child->stat.has_value()) rows.push_back(JsonObject().Text("name", name).Stat("stat", *child->stat).Take());
  }
  if (o.stat && found.stat.has_value()) {
    JsonObject object;
    object.Text("path", o.path).Raw("children", JsonArray(rows));
    env.io.out << object.Stat("stat", *found.stat).Take() << std::endl;
  } else {
    env.io.out << JsonArray(rows) << std::endl;
  }
  return kExitOk;
}

int PrintText(Environment& env, client::BlockingClient& client, const ListOptions& o, const client::Children& found) {
  const int code = o.longer ? PrintLong(env, client, o.path, found.names) : PrintNames(env, found.names);
  if (code == kExitOk && o.stat && found.stat.has_value()) env.io.out << StatText(*found.stat);
  return code;
}

int Ls(Environment& env, const ListOptions& o) {
  client::BlockingClient* client = o.watch ? env.Session() : env.Reader();
  if (client == nullptr) return kExitUsage;
  if (o.recursive) {
    std::vector<std::string> paths;
    const int code = ListAll(env, *client, o.path, &paths);
    return code == kExitOk ? PrintNames(env, paths) : code;
  }
  std::optional<EventWait> wait;
  client::WatchCallback callback;
  if (o.watch && !env.shell) callback = wait.emplace().Callback();
  if (o.watch && env.shell) callback = EventQueue::Into(env.shell_events);
  auto children = client->GetChildren(o.path, true, env.settings.strength, std::move(callback));
  if (!children.ok()) return env.Fail(children.error(), o.path);
  const int code = env.settings.json ? PrintJson(env, *client, o, *children) : PrintText(env, *client, o, *children);
  if (code != kExitOk) return code;
  env.io.out.flush();
  if (!wait.has_value()) return kExitOk;
  if (auto event = wait->Next()) env.io.out << EventText(*event, env.settings.json) << std::flush;
  return kExitOk;
}

struct TreeCount {
  int64_t nodes = 0;
  bool cut = false;
};

int PrintTree(Environment& env, client::BlockingClient& client, const std::string& path, const std::string& indent,
              int depth, const ListOptions& o, TreeCount* count) {
  auto children = client.GetChildren(path, false, env.settings.strength);
  if (!children.ok()) {
    const bool gone = children.error().code == client::ErrorCode::kNoNode && count->nodes > 0;
    return gone ? kExitOk : env.Fail(children.error(), path);
  }
  if (count->nodes++ == 0) env.io.out << path << "\n";
  if (o.depth > 0 && depth >= o.depth) {
    count->cut = count->cut || !children->names.empty();
    return kExitOk;
  }
  for (size_t i = 0; i < children->names.size(); ++i) {
    const bool last = i + 1 == children->names.size();
    env.io.out << indent << (last ? "└── " : "├── ") << children->names[i] << "\n";
    const std::string below = indent + (last ? "    " : "│   ");
    const int code = PrintTree(env, client, Join(path, children->names[i]), below, depth + 1, o, count);
    if (code != kExitOk) return code;
  }
  return kExitOk;
}

int Tree(Environment& env, const ListOptions& o) {
  client::BlockingClient* client = env.Reader();
  if (client == nullptr) return kExitUsage;
  if (env.settings.json) {
    std::vector<std::string> paths;
    const int code = ListAll(env, *client, o.path, &paths);
    return code == kExitOk ? PrintNames(env, paths) : code;
  }
  TreeCount count;
  const int code = PrintTree(env, *client, o.path, "", 0, o, &count);
  if (code == kExitOk) {
    env.io.out << count.nodes << (count.nodes == 1 ? " node" : " nodes") << (count.cut ? ", and more below" : "")
               << std::endl;
  }
  return code;
}

}  // namespace

void AddLs(CLI::App& app, Environment& env, Run& run) {
  auto o = std::make_shared<ListOptions>();
  CLI::App* verb = app.add_subcommand("ls", "List a node's children");
  verb->add_option("PATH", o->path, "The node (default /)");
  verb->add_flag("-w,--watch", o->watch, "Then wait for the next change of the list and print it");
  verb->add_flag("-s,--stat", o->stat, "Print the node's Stat too");
  verb->add_flag("-l,--long", o->longer, "A table with size, version and kind of each child");
  verb->add_flag("-R,--recursive", o->recursive, "The full path of it and of everything below");
  verb->footer("Examples:\n  synod ls /\n  synod ls -l /workers\n  synod ls -R /app");
  verb->callback([o, &env, &run] { run = [o, &env] { return Ls(env, *o); }; });
}

void AddTree(CLI::App& app, Environment& env, Run& run) {
  auto o = std::make_shared<ListOptions>();
  CLI::App* verb = app.add_subcommand("tree", "Draw a node and everything below it");
  verb->add_option("PATH", o->path, "The node (default /)");
  verb->add_option("--depth", o->depth, "No deeper than this")->check(CLI::PositiveNumber);
  verb->footer("Examples:\n  synod tree\n  synod tree /app --depth 2");
  verb->callback([o, &env, &run] { run = [o, &env] { return Tree(env, *o); }; });
}

}  // namespace synod::cli

// ls, tree.
#include <memory>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "coordinator/cli/commands.h"
#include "coordinator/cli/event_wait.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/subtree.h"

namespace synod::cli {
namespace {

struct ListOptions {
  std::string path = "/";
  bool watch = false;
  bool stat = false;
  bool recursive = false;
  bool longer = false;
  std::string after;
  std::string prefix;
  uint64_t limit = 0;
  uint32_t page = 0;
  int depth = 0;
};

std::string Kind(const client::ListEntry& entry) {
  if (entry.denied || !entry.stat.has_value()) return "denied";
  return entry.stat->ephemeral_owner != 0 ? "ephemeral" : "persistent";
}

// Prints pages as they come, names and JSON at once, a table (-l) page by page.
class Printer {
 public:
  Printer(Environment& env, const ListOptions& o) : env_(env), o_(o) {}

  // Returns whether there is room for more.
  bool Print(const client::Listing& page) {
    std::vector<std::vector<std::string>> rows;
    for (const client::ListEntry& entry : page.entries) {
      if (o_.limit > 0 && printed_ == o_.limit) {
        more_ = true;
        break;
      }
      ++printed_;
      last_ = entry.name;
      if (env_.settings.json) {
        PrintJson(entry);
      } else if (o_.longer) {
        rows.push_back(Row(entry));
      } else {
        env_.io.out << entry.name << "\n";
      }
    }
    if (!rows.empty()) {
      rows.insert(rows.begin(), {"NAME", "BYTES", "CHILDREN", "VERSION", "KIND", "MODIFIED"});
      env_.io.out << AlignedTable(rows);
    }
    if (o_.limit > 0 && printed_ == o_.limit) {
      more_ = more_ || page.more;
      return false;
    }
    return true;
  }
  // A list that was cut says where to go on.
  void Finish() {
    env_.io.out.flush();
    if (!more_) return;
    if (env_.settings.json) {
      env_.io.out << JsonObject().Bool("more", true).Text("after", last_).Take() << std::endl;
    } else {
      env_.Notice("others follow: --after " + last_);
    }
  }

 private:
  static std::vector<std::string> Row(const client::ListEntry& entry) {
    if (!entry.stat.has_value()) return {entry.name, "-", "-", "-", Kind(entry), ""};
    const client::Stat& s = *entry.stat;
    return {entry.name,  absl::StrCat(s.data_length), absl::StrCat(s.num_children), absl::StrCat(s.version),
            Kind(entry), WallTime(s.mtime_ms)};
  }
  void PrintJson(const client::ListEntry& entry) {
    JsonObject object;
    object.Text("name", entry.name).Text("path", JoinPath(o_.path, entry.name));
    if (o_.longer && entry.stat.has_value()) object.Stat("stat", *entry.stat);
    if (entry.denied) object.Bool("denied", true);
    env_.io.out << object.Take() << "\n";
  }

  Environment& env_;
  const ListOptions& o_;
  uint64_t printed_ = 0;
  std::string last_;
  bool more_ = false;
};

// Every path at and below, one per line.
int ListAll(Environment& env, client::BlockingClient& client, const ListOptions& o) {
  const client::Error walked = Walk(client, o.path, {env.settings.strength}, [&env](WalkedNode& node) {
    env.io.out << (env.settings.json ? JsonObject().Text("path", node.path).Take() : node.path) << "\n";
    return WalkStep::kGoOn;
  });
  env.io.out.flush();
  return walked.ok() ? kExitOk : env.Fail(walked, o.path);
}

int PrintStat(Environment& env, const ListOptions& o, const client::Stat& stat) {
  if (env.settings.json) {
    env.io.out << JsonObject().Text("path", o.path).Stat("stat", stat).Take() << std::endl;
  } else {
    env.io.out << StatText(stat) << std::flush;
  }
  return kExitOk;
}

int ListPages(Environment& env, client::BlockingClient& client, const ListOptions& o) {
  client::ListOptions options;
  options.after = o.after;
  options.prefix = o.prefix;
  options.limit = o.page;
  options.with_stat = o.longer;
  // One name more than wanted tells whether others follow.
  if (o.limit > 0 && (o.page == 0 || o.limit < o.page))
    options.limit = static_cast<uint32_t>(std::min<uint64_t>(o.limit + 1, 10'000));
  Printer printer(env, o);
  client::Stat stat;
  auto listed = client.ListAll(
      o.path, options,
      [&](client::Listing& page) {
        stat = page.stat;
        return printer.Print(page);
      },
      env.settings.strength);
  if (!listed.ok()) return env.Fail(listed.error(), o.path);
  printer.Finish();
  return o.stat ? PrintStat(env, o, stat) : kExitOk;
}

int Ls(Environment& env, const ListOptions& o) {
  client::BlockingClient* client = o.watch ? env.Session() : env.Reader();
  if (client == nullptr) return kExitUsage;
  if (o.recursive) return ListAll(env, *client, o);
  std::optional<EventWait> wait;
  if (o.watch) {
    // The watch stands before the list is read: a change between the two is told.
    client::WatchCallback callback = env.shell ? EventQueue::Into(env.shell_events) : wait.emplace().Callback();
    auto watched = client->GetChildren(o.path, false, env.settings.strength, std::move(callback));
    if (!watched.ok()) return env.Fail(watched.error(), o.path);
  }
  if (const int code = ListPages(env, *client, o); code != kExitOk || !wait.has_value()) return code;
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
    const client::ErrorCode code = children.error().code;
    const bool passed = count->nodes > 0 && (code == client::ErrorCode::kNoNode || code == client::ErrorCode::kNoAuth);
    return passed ? kExitOk : env.Fail(children.error(), path);
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
    const int code = PrintTree(env, client, JoinPath(path, children->names[i]), below, depth + 1, o, count);
    if (code != kExitOk) return code;
  }
  return kExitOk;
}

int Tree(Environment& env, const ListOptions& o) {
  client::BlockingClient* client = env.Reader();
  if (client == nullptr) return kExitUsage;
  if (env.settings.json) return ListAll(env, *client, o);
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
  CLI::Option* recursive =
      verb->add_flag("-R,--recursive", o->recursive, "The full path of it and of everything below");
  verb->add_option("--prefix", o->prefix, "Only names that begin with this");
  verb->add_option("--after", o->after, "Only names behind this one, in byte order");
  verb->add_option("--limit", o->limit, "No more than so many; says so if others follow")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1'000'000'000}));
  verb->add_option("--page", o->page, "So many per request (default 1000); each shows one moment")
      ->check(CLI::Range(1, 10000));
  // Those would be ignored without a word.
  for (const char* other : {"--watch", "--stat", "--long", "--prefix", "--after", "--limit", "--page"})
    recursive->excludes(verb->get_option(other));
  verb->footer(
      "Examples:\n  synod ls /\n  synod ls -l /workers\n  synod ls -R /app\n  synod ls /queue --limit 100 --after "
      "job-0000000099\n  synod --json ls -l /workers | jq .stat.version");
  verb->callback([o, &env, &run] { run = [o, &env] { return Ls(env, *o); }; });
}

void AddTree(CLI::App& app, Environment& env, Run& run) {
  auto o = std::make_shared<ListOptions>();
  CLI::App* verb = app.add_subcommand("tree", "Draw a node and everything below it");
  verb->add_option("PATH", o->path, "The node (default /)");
  verb->add_option("--depth", o->depth, "No deeper than this")->check(CLI::Range(1, 1'000'000));
  verb->footer("Examples:\n  synod tree\n  synod tree /app --depth 2");
  verb->callback([o, &env, &run] { run = [o, &env] { return Tree(env, *o); }; });
}

}  // namespace synod::cli

// get, set, stat, exists.
#include <memory>
#include <ostream>

#include "coordinator/cli/commands.h"
#include "coordinator/cli/event_wait.h"
#include "coordinator/cli/format.h"

namespace synod::cli {
namespace {

struct ReadOptions {
  std::string path;
  bool watch = false;
  bool stat = false;
  bool hex = false;
  bool raw = false;
};

// Where the event of -w goes: in a shell to its prompt, otherwise this command waits for it.
class OneEvent {
 public:
  OneEvent(Environment& env, bool watch) : env_(env) {
    if (watch && !env.shell) wait_.emplace();
    if (watch) callback_ = env.shell ? EventQueue::Into(env.shell_events) : wait_->Callback();
  }
  client::WatchCallback Callback() { return std::move(callback_); }
  int Finish() {
    if (!wait_.has_value()) return kExitOk;
    env_.io.out.flush();
    if (auto event = wait_->Next()) env_.io.out << EventText(*event, env_.settings.json) << std::flush;
    return kExitOk;
  }

 private:
  Environment& env_;
  std::optional<EventWait> wait_;
  client::WatchCallback callback_;
};

client::BlockingClient* ClientFor(Environment& env, bool watch) { return watch ? env.Session() : env.Reader(); }

int Get(Environment& env, const ReadOptions& o) {
  client::BlockingClient* client = ClientFor(env, o.watch);
  if (client == nullptr) return kExitUsage;
  OneEvent event(env, o.watch);
  auto value = client->Get(o.path, env.settings.strength, event.Callback());
  if (!value.ok()) return env.Fail(value.error(), o.path);
  if (env.settings.json) {
    JsonObject object;
    object.Text("path", o.path).Data("data", value->data).Number("zxid", value->zxid);
    if (env.settings.strength == client::ReadStrength::kLocal)
      object.Number("age_ms", static_cast<int64_t>(value->age_ms));
    env.io.out << object.Stat("stat", value->stat).Take() << "\n";
  } else if (!value->data.has_value()) {
    if (!o.raw) env.io.out << "null\n";
  } else {
    env.io.out << (o.hex ? ToHex(*value->data) : *value->data) << (o.raw ? "" : "\n");
  }
  if (o.stat && !env.settings.json) env.io.out << StatText(value->stat);
  env.io.out.flush();
  return event.Finish();
}

int Stat(Environment& env, const ReadOptions& o, bool exists_only) {
  client::BlockingClient* client = ClientFor(env, o.watch);
  if (client == nullptr) return kExitUsage;
  OneEvent event(env, o.watch);
  auto found = client->Exists(o.path, env.settings.strength, event.Callback());
  if (!found.ok()) return env.Fail(found.error(), o.path);
  const bool exists = found->stat.has_value();
  if (!exists && !exists_only) return env.Fail({client::ErrorCode::kNoNode, client::Effect::kNotDone, ""}, o.path);
  if (env.settings.json) {
    JsonObject object;
    object.Text("path", o.path).Bool("exists", exists).Number("zxid", found->zxid);
    if (exists) object.Stat("stat", *found->stat);
    env.io.out << object.Take() << "\n";
  } else if (exists_only) {
    env.io.out << (exists ? "yes" : "no") << "\n";
  } else {
    env.io.out << StatText(*found->stat);
  }
  env.io.out.flush();
  if (o.watch) return event.Finish();
  return exists ? kExitOk : kExitRefused;
}

struct SetOptions {
  std::string path;
  std::string data;
  int32_t version = -1;
  bool hex = false;
};

int Set(Environment& env, const SetOptions& o) {
  client::Data data;
  if (!env.ReadData(o.data, o.hex, &data)) return kExitUsage;
  client::BlockingClient* client = env.Session();
  if (client == nullptr) return kExitUsage;
  auto written = client->Set(o.path, std::move(data), o.version);
  if (!written.ok()) return env.Fail(written.error(), o.path);
  if (env.settings.json) {
    env.io.out << JsonObject().Text("path", o.path).Number("zxid", written->zxid).Stat("stat", written->stat).Take()
               << std::endl;
  } else {
    env.io.out << "Set " << o.path << ", version " << written->stat.version << std::endl;
  }
  return kExitOk;
}

std::shared_ptr<ReadOptions> AddReadOptions(CLI::App* verb) {
  auto o = std::make_shared<ReadOptions>();
  verb->add_option("PATH", o->path, "The node")->required();
  verb->add_flag("-w,--watch", o->watch,
                 "Then wait for its next change and print it (in the shell: print it when it comes)");
  return o;
}

}  // namespace

void AddGet(CLI::App& app, Environment& env, Run& run) {
  CLI::App* verb = app.add_subcommand("get", "Print a node's data");
  auto o = AddReadOptions(verb);
  verb->add_flag("-s,--stat", o->stat, "Print its Stat too");
  verb->add_flag("--hex", o->hex, "Print the data as hex");
  verb->add_flag("--raw", o->raw, "Print exactly the bytes, no line end");
  verb->footer(
      "Examples:\n  synod get /app\n  synod get --raw /blob > file\n  synod --strength linearizable get -s /app\n  "
      "synod get -w /app");
  verb->callback([o, &env, &run] { run = [o, &env] { return Get(env, *o); }; });
}

void AddStat(CLI::App& app, Environment& env, Run& run) {
  CLI::App* verb = app.add_subcommand("stat", "Print a node's Stat");
  auto o = AddReadOptions(verb);
  verb->footer("Example:\n  synod stat /app");
  verb->callback([o, &env, &run] { run = [o, &env] { return Stat(env, *o, false); }; });
}

void AddExists(CLI::App& app, Environment& env, Run& run) {
  CLI::App* verb = app.add_subcommand("exists", "Whether a node exists: yes (exit code 0) or no (1)");
  auto o = AddReadOptions(verb);
  verb->footer(
      "Examples:\n  synod exists /app && echo there\n  synod exists -w /app   # waits until it comes, changes or goes");
  verb->callback([o, &env, &run] { run = [o, &env] { return Stat(env, *o, true); }; });
}

void AddSet(CLI::App& app, Environment& env, Run& run) {
  auto o = std::make_shared<SetOptions>();
  CLI::App* verb = app.add_subcommand("set", "Change a node's data");
  verb->add_option("PATH", o->path, "The node")->required();
  verb->add_option("DATA", o->data, "Its new data; - reads standard input")->required();
  verb->add_option("-v,--version", o->version, "Only if this is its present version (compare and set)");
  verb->add_flag("--hex", o->hex, "DATA is hex");
  verb->footer("Examples:\n  synod set /app \"other text\"\n  synod set /app next -v 3\n  synod set /blob --hex 00ff");
  verb->callback([o, &env, &run] { run = [o, &env] { return Set(env, *o); }; });
}

}  // namespace synod::cli

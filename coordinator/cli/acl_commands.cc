// acl, auth, whoami.
#include <memory>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "coordinator/cli/acl_text.h"
#include "coordinator/cli/commands.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/progress.h"
#include "coordinator/cli/subtree.h"

namespace synod::cli {
namespace {

struct AclOptions {
  std::string path;
  std::string acl;
  int32_t version = -1;
  bool recursive = false;
};

int GetAcl(Environment& env, const AclOptions& o) {
  client::BlockingClient* client = env.Reader();
  if (client == nullptr) return kExitUsage;
  auto found = client->GetAcl(o.path, env.settings.strength);
  if (!found.ok()) return env.Fail(found.error(), o.path);
  if (!env.settings.json) {
    for (const client::AclEntry& entry : found->acl) env.io.out << AclEntryText(entry) << "\n";
    env.io.out.flush();
    return kExitOk;
  }
  std::vector<std::string> entries;
  for (const client::AclEntry& entry : found->acl) entries.push_back(JsonString(AclEntryText(entry)));
  JsonObject object;
  object.Text("path", o.path).Raw("acl", JsonArray(entries)).Number("zxid", found->zxid);
  env.io.out << object.Stat("stat", found->stat).Take() << std::endl;
  return kExitOk;
}

int PrintSet(Environment& env, const AclOptions& o, uint64_t nodes, const client::Written* written) {
  if (env.settings.json) {
    JsonObject object;
    object.Text("path", o.path).Number("nodes", static_cast<int64_t>(nodes));
    if (written != nullptr) object.Number("zxid", written->zxid).Stat("stat", written->stat);
    env.io.out << object.Take() << std::endl;
  } else if (written != nullptr) {
    env.io.out << "Set the ACL of " << o.path << ", version " << written->stat.aversion << std::endl;
  } else {
    env.io.out << "Set the ACL of " << o.path << " and all below it, " << nodes << (nodes == 1 ? " node" : " nodes")
               << std::endl;
  }
  return kExitOk;
}

// One by one: each change stands for itself, and what goes away meanwhile is no error.
int SetAclRecursively(Environment& env, client::BlockingClient& client, const AclOptions& o, const client::Acl& acl) {
  // All are found first: the new ACL may forbid us to look.
  std::vector<std::string> paths;
  const client::Error walked = Walk(client, o.path, {env.settings.strength}, [&](WalkedNode& node) {
    const bool reserved = o.path == "/" && node.path == "/zookeeper";
    if (!reserved) paths.push_back(node.path);
    return reserved ? WalkStep::kSkipChildren : WalkStep::kGoOn;
  });
  if (!walked.ok()) return env.Fail(walked, o.path);
  Progress progress(env.ProgressStream(), "acl set " + o.path, paths.size());
  uint64_t nodes = 0;
  for (const std::string& path : paths) {
    auto written = client.SetAcl(path, acl, path == o.path ? o.version : -1);
    if (!written.ok() && (written.error().code != client::ErrorCode::kNoNode || path == o.path)) {
      progress.Wipe();
      const int code = env.Fail(written.error(), path);
      env.Notice(absl::StrCat("the ACL of ", nodes, " of ", paths.size(), " nodes was set; the rest was not"));
      return code;
    }
    if (written.ok()) ++nodes;
    progress.Advance(1);
  }
  progress.Wipe();
  return PrintSet(env, o, nodes, nullptr);
}

int SetAcl(Environment& env, const AclOptions& o) {
  auto acl = ParseAcl(o.acl);
  if (!acl.ok()) return env.UsageError(std::string(acl.status().message()));
  client::BlockingClient* client = env.Session();
  if (client == nullptr) return kExitUsage;
  if (o.recursive) return SetAclRecursively(env, *client, o, *acl);
  auto written = client->SetAcl(o.path, *std::move(acl), o.version);
  if (!written.ok()) return env.Fail(written.error(), o.path);
  return PrintSet(env, o, 1, &*written);
}

int Authenticate(Environment& env, const std::string& scheme, const std::string& text) {
  if (!env.shell) return env.UsageError("auth is for the shell; with one command: synod --auth SCHEME:CREDENTIAL ...");
  client::BlockingClient* client = env.Session();
  if (client == nullptr) return kExitUsage;
  auto done = client->Authenticate({scheme, text});
  if (!done.ok()) return env.Fail(done.error(), "/");
  // For the sessions after this one.
  const absl::Status kept = env.AddCredential(scheme + ":" + text);
  if (!kept.ok()) return env.UsageError(std::string(kept.message()));
  if (env.settings.json) {
    env.io.out << JsonObject().Text("scheme", scheme).Bool("accepted", true).Take() << std::endl;
  } else {
    env.io.out << "Accepted; `whoami` shows whom you act for" << std::endl;
  }
  return kExitOk;
}

int WhoAmI(Environment& env) {
  client::BlockingClient* client = env.Reader();
  if (client == nullptr) return kExitUsage;
  auto who = client->WhoAmI();
  if (!who.ok()) return env.Fail(who.error(), "/");
  for (const client::Identity& identity : who->identities) {
    if (env.settings.json) {
      env.io.out << JsonObject().Text("scheme", identity.scheme).Text("id", identity.id).Take() << "\n";
    } else {
      env.io.out << identity.scheme << ":" << identity.id << "\n";
    }
  }
  if (who->identities.empty() && !env.settings.json) env.io.out << "nobody in particular: world:anyone\n";
  env.io.out.flush();
  return kExitOk;
}

constexpr char kAclFooter[] =
    "An ACL is entries SCHEME:ID:PERMS, separated by commas. PERMS: c create and d delete children, r read, w write, "
    "a\n"
    "set the ACL. Schemes: world:anyone; auth with an empty id (whoever you are by --auth); digest:USER:HASH;\n"
    "ip:ADDRESS[/BITS]; and digest-password:USER:PASSWORD, hashed here and sent as digest.\n"
    "Examples:\n  synod acl get /app\n  synod acl set /app world:anyone:r,digest-password:me:secret:cdrwa\n"
    "  synod --auth digest:me:secret acl set -R /app auth::cdrwa";

}  // namespace

void AddAcl(CLI::App& app, Environment& env, Run& run) {
  CLI::App* verb = app.add_subcommand("acl", "Who may do what with a node: get, set");
  verb->require_subcommand(1);
  verb->footer(kAclFooter);
  auto o = std::make_shared<AclOptions>();
  CLI::App* get = verb->add_subcommand("get", "Print a node's ACL");
  get->add_option("PATH", o->path, "The node")->required();
  get->footer(kAclFooter);
  get->callback([o, &env, &run] { run = [o, &env] { return GetAcl(env, *o); }; });
  CLI::App* set = verb->add_subcommand("set", "Replace a node's ACL");
  set->add_option("PATH", o->path, "The node")->required();
  set->add_option("ACL", o->acl, "Entries SCHEME:ID:PERMS, separated by commas")->required();
  set->add_option("-v,--version", o->version, "Only if this is the present version of its ACL");
  set->add_flag("-R,--recursive", o->recursive, "And of everything below it, one by one (not atomic)");
  set->footer(kAclFooter);
  set->callback([o, &env, &run] { run = [o, &env] { return SetAcl(env, *o); }; });
}

void AddAuth(CLI::App& app, Environment& env, Run& run) {
  auto words = std::make_shared<std::pair<std::string, std::string>>();
  CLI::App* verb = app.add_subcommand("auth", "In the shell: act for one more identity");
  verb->add_option("SCHEME", words->first, "digest")->required();
  verb->add_option("CREDENTIAL", words->second, "Of digest: USER:PASSWORD")->required();
  verb->footer("Example (in the shell):\n  auth digest me:secret");
  verb->callback(
      [words, &env, &run] { run = [words, &env] { return Authenticate(env, words->first, words->second); }; });
}

void AddWhoAmI(CLI::App& app, Environment& env, Run& run) {
  CLI::App* verb = app.add_subcommand("whoami", "Whom the servers take you for");
  verb->footer("Example:\n  synod --auth digest:me:secret whoami");
  verb->callback([&env, &run] { run = [&env] { return WhoAmI(env); }; });
}

}  // namespace synod::cli

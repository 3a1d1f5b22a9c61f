// quota get, set, rm.
#include <memory>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "coordinator/cli/commands.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/quota_text.h"

namespace synod::cli {
namespace {

struct QuotaOptions {
  std::string path;
  QuotaLimits limits;
  bool count = false, bytes = false, hard_count = false, hard_bytes = false;  // which were given
};

struct Quota {
  std::string path;  // whose it is
  QuotaLimits limits;
  QuotaLimits used;  // count and bytes
};

// The quota that `path` counts to: its own, or that of its nearest ancestor. nullopt: none.
client::Result<std::optional<Quota>> FindQuota(client::BlockingClient& client, const std::string& path,
                                               client::ReadStrength strength) {
  for (std::string at = path;; at = ParentOf(at)) {
    auto limits = client.Get(QuotaLimitsNode(at), strength);
    if (limits.ok()) {
      auto used = client.Get(QuotaStatsNode(at), strength);
      Quota quota{at, ParseQuota(limits->data.value_or("")).value_or(QuotaLimits()), {0, 0, -1, -1}};
      if (used.ok()) quota.used = ParseQuota(used->data.value_or("")).value_or(quota.used);
      return std::optional<Quota>(std::move(quota));
    }
    if (limits.error().code != client::ErrorCode::kNoNode) return limits.error();
    if (at == "/") return std::optional<Quota>();
  }
}

std::string Limit(int64_t value) { return value < 0 ? "-" : absl::StrCat(value); }

int PrintQuota(Environment& env, const QuotaOptions& o, const Quota& quota) {
  if (!env.settings.json) {
    if (quota.path != o.path) env.io.out << o.path << " counts to the quota of " << quota.path << "\n";
    env.io.out << AlignedTable(
                      {{"OF " + quota.path, "USED", "SOFT", "HARD"},
                       {"count", Limit(quota.used.count), Limit(quota.limits.count), Limit(quota.limits.hard_count)},
                       {"bytes", Limit(quota.used.bytes), Limit(quota.limits.bytes), Limit(quota.limits.hard_bytes)}})
               << std::flush;
    return kExitOk;
  }
  const auto row = [](int64_t used, int64_t soft, int64_t hard) {
    JsonObject object;
    object.Number("used", used);
    soft < 0 ? object.Null("soft") : object.Number("soft", soft);
    hard < 0 ? object.Null("hard") : object.Number("hard", hard);
    return object.Take();
  };
  JsonObject object;
  object.Text("path", o.path).Text("quota_path", quota.path);
  object.Raw("count", row(quota.used.count, quota.limits.count, quota.limits.hard_count));
  object.Raw("bytes", row(quota.used.bytes, quota.limits.bytes, quota.limits.hard_bytes));
  env.io.out << object.Take() << std::endl;
  return kExitOk;
}

int Get(Environment& env, const QuotaOptions& o) {
  client::BlockingClient* client = env.Reader();
  if (client == nullptr) return kExitUsage;
  auto found = FindQuota(*client, o.path, env.settings.strength);
  if (!found.ok()) return env.Fail(found.error(), o.path);
  if (!found->has_value()) return env.Refuse("no quota on " + o.path + " or above it");
  return PrintQuota(env, o, **found);
}

int Set(Environment& env, const QuotaOptions& o) {
  if (!o.count && !o.bytes && !o.hard_count && !o.hard_bytes)
    return env.UsageError("quota set needs one of --count, --bytes, --hard-count, --hard-bytes");
  client::BlockingClient* client = env.Session();
  if (client == nullptr) return kExitUsage;
  QuotaLimits limits;
  auto present = client->Get(QuotaLimitsNode(o.path), client::ReadStrength::kLinearizable);
  if (present.ok()) limits = ParseQuota(present->data.value_or("")).value_or(limits);
  if (!present.ok() && present.error().code != client::ErrorCode::kNoNode)
    return env.Fail(present.error(), QuotaLimitsNode(o.path));
  // What is not named stays.
  if (o.count) limits.count = o.limits.count;
  if (o.bytes) limits.bytes = o.limits.bytes;
  if (o.hard_count) limits.hard_count = o.limits.hard_count;
  if (o.hard_bytes) limits.hard_bytes = o.limits.hard_bytes;
  auto done = client->Multi(SetQuotaOperations(o.path, limits));
  if (!done.ok()) return env.Fail(done.error(), o.path);
  if (!done->error.ok()) {
    // The first operation is the check of the node itself.
    const bool missing = !done->results.empty() && done->results[0].error == client::ErrorCode::kNoNode;
    return env.Fail(done->error, missing ? o.path : QuotaNode(o.path));
  }
  auto found = FindQuota(*client, o.path, client::ReadStrength::kSession);
  if (!found.ok()) return env.Fail(found.error(), o.path);
  return found->has_value() ? PrintQuota(env, o, **found) : env.Refuse("the quota was removed meanwhile");
}

int Rm(Environment& env, const QuotaOptions& o) {
  client::BlockingClient* client = env.Session();
  if (client == nullptr) return kExitUsage;
  auto done = client->Multi({client::Operation::Delete(QuotaLimitsNode(o.path)),
                             client::Operation::Delete(QuotaStatsNode(o.path), -1, /*missing_ok=*/true)});
  if (!done.ok()) return env.Fail(done.error(), o.path);
  if (done->error.code == client::ErrorCode::kNoNode) return env.Refuse("no quota on " + o.path);
  if (!done->error.ok()) return env.Fail(done->error, QuotaNode(o.path));
  // The chain of nodes goes as far as nobody else needs it; the servers keep /zookeeper/quota itself.
  for (std::string node = QuotaNode(o.path); node != QuotaNode("/"); node = ParentOf(node)) {
    if (!client->Delete(node).ok()) break;
  }
  if (env.settings.json) {
    env.io.out << JsonObject().Text("path", o.path).Bool("removed", true).Take() << std::endl;
  } else {
    env.io.out << "Removed the quota of " << o.path << std::endl;
  }
  return kExitOk;
}

int Quotas(Environment& env, const QuotaOptions& o, int (*what)(Environment&, const QuotaOptions&)) {
  const std::string chroot = env.Chroot();
  if (!chroot.empty())
    return env.UsageError("quotas are kept outside " + chroot +
                          ": give a server list without chroot, and the full path");
  if (const std::string problem = PathProblem(o.path); !problem.empty()) return env.UsageError(o.path + ": " + problem);
  return what(env, o);
}

constexpr char kFooter[] =
    "Count: the node and all below it. Bytes: of their data. Soft limits are warned of in the servers' logs, hard "
    "ones\n"
    "refuse what would go beyond, if the ensemble enforces quotas (enforceQuota=true). A node counts to the nearest\n"
    "quota above it, and only to that one.\n"
    "Examples:\n  synod quota set /app --count 10000 --hard-bytes 50000000\n  synod quota set /app --count -1   # no "
    "limit any more\n  synod quota get /app/part\n  synod quota rm /app";

}  // namespace

void AddQuota(CLI::App& app, Environment& env, Run& run) {
  CLI::App* verb = app.add_subcommand("quota", "Limits of a subtree: get, set, rm");
  verb->require_subcommand(1);
  verb->footer(kFooter);
  auto o = std::make_shared<QuotaOptions>();
  const auto add = [&](const char* name, const char* text, int (*what)(Environment&, const QuotaOptions&)) {
    CLI::App* sub = verb->add_subcommand(name, text);
    sub->add_option("PATH", o->path, "The root of the subtree")->required();
    sub->footer(kFooter);
    sub->callback([o, what, &env, &run] { run = [o, what, &env] { return Quotas(env, *o, what); }; });
    return sub;
  };
  add("get", "Usage and limits that hold for a node", &Get);
  add("rm", "Remove a node's quota", &Rm);
  CLI::App* set = add("set", "Set limits; those not named stay", &Set);
  const auto limit = [&](const char* name, int64_t* value, bool* given) {
    set->add_option(name, *value, "-1: no limit")
        ->check(CLI::Range(int64_t{-1}, INT64_MAX))
        ->each([given](const std::string&) { *given = true; });
  };
  limit("--count", &o->limits.count, &o->count);
  limit("--bytes", &o->limits.bytes, &o->bytes);
  limit("--hard-count", &o->limits.hard_count, &o->hard_count);
  limit("--hard-bytes", &o->limits.hard_bytes, &o->hard_bytes);
}

}  // namespace synod::cli

// ensemble status|members|transfer|snapshot|digest.
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <ostream>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "coordinator/cli/commands.h"
#include "coordinator/cli/format.h"

namespace synod::cli {
namespace {

using Rows = std::vector<std::vector<std::string>>;

template <typename T>
std::string Why(const absl::StatusOr<T>& answer) {
  const std::string message(answer.status().message());
  return message.empty() ? absl::StatusCodeToString(answer.status().code()) : message;
}

std::string StatusJson(const std::string& address, const absl::StatusOr<v1::StatusReply>& answer) {
  JsonObject o;
  o.Text("server", address).Bool("reachable", answer.ok());
  if (!answer.ok()) return o.Text("error", Why(answer)).Take();
  const v1::StatusReply& s = *answer;
  const auto number = [&o](const char* name, uint64_t value) { o.Number(name, static_cast<int64_t>(value)); };
  number("id", s.server_id());
  o.Text("role", s.role());
  number("term", s.term());
  number("leader_id", s.leader_id());
  o.Bool("ready", s.ready());
  number("commit_index", s.commit_index());
  number("applied_index", s.applied_index());
  number("last_index", s.last_index());
  number("snapshot_index", s.snapshot_index());
  o.Number("zxid", s.zxid());
  number("znodes", s.znodes());
  number("sessions", s.sessions());
  number("ephemerals", s.ephemerals());
  number("watches", s.watches());
  number("connections", s.connections());
  number("memory_bytes", s.memory_bytes());
  number("resident_bytes", s.resident_bytes());
  number("log_bytes", s.log_bytes());
  number("snapshot_bytes", s.snapshot_bytes());
  o.Text("ensemble_id", s.ensemble_id()).Text("storage_id", s.storage_id()).Text("version", s.version());
  number("state_machine_version", s.state_machine_version());
  number("uptime_ms", s.uptime_ms());
  number("damaged_records", s.damaged_records());
  number("cpu_us", s.cpu_us());
  return o.Text("grpc_address", s.grpc_address()).Take();
}

int Status(Environment& env) {
  const auto addresses = env.Addresses();
  if (addresses.empty()) return kExitUsage;
  client::EnsembleClient ensemble(addresses, std::min(env.settings.timeout, absl::Seconds(3)));
  const auto answers = ensemble.StatusOfAll();
  Rows rows = {{"ID", "SERVER", "ROLE", "TERM", "READY", "APPLIED", "ZXID", "ZNODES", "SESSIONS", "WATCHES", "MEMORY",
                "UPTIME"}};
  std::vector<std::string> json;
  std::set<uint32_t> leaders;
  size_t ready = 0;
  uint64_t damaged = 0;
  std::string notes;  // below the table
  for (size_t i = 0; i < answers.size(); ++i) {
    json.push_back(StatusJson(addresses[i], answers[i]));
    if (!answers[i].ok()) {
      rows.push_back({"-", addresses[i], "unreachable"});
      notes += addresses[i] + " is unreachable: " + Why(answers[i]) + "\n";
      continue;
    }
    const v1::StatusReply& s = *answers[i];
    if (s.role() == "leader") leaders.insert(s.server_id());
    ready += s.ready() ? 1 : 0;
    damaged += s.damaged_records();
    rows.push_back({absl::StrCat(s.server_id()), addresses[i], s.role(), absl::StrCat(s.term()),
                    s.ready() ? "yes" : "no", absl::StrCat(s.applied_index()), absl::StrCat(s.zxid()),
                    absl::StrCat(s.znodes()), absl::StrCat(s.sessions()), absl::StrCat(s.watches()),
                    HumanBytes(s.resident_bytes()), absl::FormatDuration(absl::Seconds(s.uptime_ms() / 1000))});
  }
  if (env.settings.json) {
    env.io.out << absl::StrJoin(json, "\n") << std::endl;
    return ready > 0 ? kExitOk : kExitUnavailable;
  }
  env.io.out << AlignedTable(rows) << notes;
  if (damaged > 0) env.io.out << damaged << " damaged log records wait for repair from other servers.\n";
  if (ready > 0) {
    env.io.out << "The ensemble serves";
    if (leaders.size() == 1) env.io.out << "; server " << *leaders.begin() << " leads";
    env.io.out << "; " << ready << " of " << addresses.size() << " servers ready." << std::endl;
    return kExitOk;
  }
  env.io.out.flush();
  env.io.err << "synod: no quorum: none of " << addresses.size() << " servers is ready; start the missing ones"
             << std::endl;
  return kExitUnavailable;
}

// The answer of the server that knows most: the leader's, else the first.
int Members(Environment& env) {
  const auto addresses = env.Addresses();
  if (addresses.empty()) return kExitUsage;
  client::EnsembleClient ensemble(addresses, std::min(env.settings.timeout, absl::Seconds(3)));
  const auto answers = ensemble.MembersOfAll();
  const v1::MembersReply* best = nullptr;
  bool from_leader = false;
  for (const auto& answer : answers) {
    if (!answer.ok()) continue;
    const bool active = std::any_of(answer->members().begin(), answer->members().end(),
                                    [](const v1::MemberInfo& m) { return m.active() || m.match_index() > 0; });
    if (best == nullptr || (active && !from_leader)) best = &*answer;
    from_leader = from_leader || active;
  }
  if (best == nullptr) {
    std::string tried = "no server answered; servers tried:";
    for (size_t i = 0; i < answers.size(); ++i) tried += " " + addresses[i] + " (" + Why(answers[i]) + ")";
    return env.Fail(absl::UnavailableError(tried));
  }
  Rows rows = {{"ID", "ROLE", "PEER ADDRESS", "LEADER", "CONNECTED", "MATCH", "STORAGE"}};
  std::vector<std::string> json;
  for (const v1::MemberInfo& m : best->members()) {
    rows.push_back({absl::StrCat(m.server_id()), m.role(), m.address(), m.leader() ? "yes" : "",
                    m.connected() ? "yes" : "no", from_leader ? absl::StrCat(m.match_index()) : "-", m.storage_id()});
    JsonObject o;
    o.Number("id", m.server_id()).Text("role", m.role()).Text("address", m.address()).Bool("leader", m.leader());
    o.Bool("connected", m.connected())
        .Bool("active", m.active())
        .Number("match_index", static_cast<int64_t>(m.match_index()));
    json.push_back(o.Text("storage_id", m.storage_id()).Take());
  }
  if (env.settings.json) {
    env.io.out << JsonObject().Number("leader_id", best->leader_id()).Raw("members", JsonArray(json)).Take()
               << std::endl;
  } else {
    env.io.out << AlignedTable(rows) << std::flush;
  }
  return kExitOk;
}

int Transfer(Environment& env, uint32_t target) {
  const auto addresses = env.Addresses();
  if (addresses.empty()) return kExitUsage;
  client::EnsembleClient ensemble(addresses, std::min(env.settings.timeout, absl::Seconds(5)));
  const auto statuses = ensemble.StatusOfAll();
  for (size_t i = 0; i < statuses.size(); ++i) {
    if (!statuses[i].ok() || statuses[i]->role() != "leader") continue;
    if (target != 0 && target == statuses[i]->server_id()) {
      env.io.out << (env.settings.json ? JsonObject().Number("leader_id", target).Take()
                                       : absl::StrCat("Server ", target, " leads already."))
                 << std::endl;
      return kExitOk;
    }
    auto done = ensemble.Transfer(i, target);
    if (!done.ok()) {
      return env.Fail(absl::Status(
          done.status().code(), absl::StrCat(done.status().message(), "; `synod ensemble members` lists the voters")));
    }
    if (env.settings.json) {
      env.io.out << JsonObject().Number("leader_id", done->leader_id()).Take() << std::endl;
    } else {
      env.io.out << "Server " << done->leader_id() << " leads now (it was " << statuses[i]->server_id() << ")."
                 << std::endl;
    }
    return kExitOk;
  }
  return env.Fail(absl::UnavailableError("none of the servers in the list leads; see `synod ensemble status`"));
}

int Snapshot(Environment& env) {
  const auto addresses = env.Addresses();
  if (addresses.empty()) return kExitUsage;
  client::EnsembleClient ensemble(addresses, std::max(env.settings.timeout, absl::Seconds(60)));
  Rows rows = {{"SERVER", "INDEX", "RECORDS", "MILLISECONDS"}};
  std::vector<std::string> json;
  size_t done = 0;
  for (size_t i = 0; i < addresses.size(); ++i) {
    auto answer = ensemble.Snapshot(i);
    JsonObject o;
    o.Text("server", addresses[i]);
    if (answer.ok()) {
      ++done;
      rows.push_back({addresses[i], absl::StrCat(answer->index()), absl::StrCat(answer->records_written()),
                      absl::StrFormat("%.1f", static_cast<double>(answer->elapsed_us()) / 1000)});
      o.Number("index", static_cast<int64_t>(answer->index()))
          .Number("records", static_cast<int64_t>(answer->records_written()));
      o.Number("elapsed_us", static_cast<int64_t>(answer->elapsed_us()));
    } else {
      rows.push_back({addresses[i], "failed: " + Why(answer)});
      o.Text("error", Why(answer));
    }
    json.push_back(o.Take());
  }
  env.io.out << (env.settings.json ? absl::StrJoin(json, "\n") + "\n" : AlignedTable(rows)) << std::flush;
  return done == addresses.size() ? kExitOk : kExitUnavailable;
}

int Digest(Environment& env) {
  const auto addresses = env.Addresses();
  if (addresses.empty()) return kExitUsage;
  client::EnsembleClient ensemble(addresses, env.settings.timeout);
  // Servers that still apply are asked again: digests compare at one index only.
  std::vector<absl::StatusOr<v1::DigestReply>> answers;
  std::map<uint64_t, std::set<std::string>> by_index;
  for (int attempt = 0; attempt < 5; ++attempt) {
    answers = ensemble.DigestOfAll();
    by_index.clear();
    for (const auto& a : answers) {
      if (a.ok()) by_index[a->applied_index()].insert(a->digest());
    }
    if (by_index.size() <= 1) break;
  }
  Rows rows = {{"SERVER", "APPLIED", "ZXID", "DIGEST"}};
  std::vector<std::string> json;
  for (size_t i = 0; i < answers.size(); ++i) {
    JsonObject o;
    o.Text("server", addresses[i]);
    if (answers[i].ok()) {
      const v1::DigestReply& d = *answers[i];
      rows.push_back({addresses[i], absl::StrCat(d.applied_index()), absl::StrCat(d.zxid()), d.digest()});
      o.Number("applied_index", static_cast<int64_t>(d.applied_index()))
          .Number("zxid", d.zxid())
          .Text("digest", d.digest());
    } else {
      rows.push_back({addresses[i], "-", "-", "unreachable: " + Why(answers[i])});
      o.Text("error", Why(answers[i]));
    }
    json.push_back(o.Take());
  }
  env.io.out << (env.settings.json ? absl::StrJoin(json, "\n") + "\n" : AlignedTable(rows)) << std::flush;
  if (by_index.empty()) return env.Fail(absl::UnavailableError("no server answered"));
  const bool differ =
      std::any_of(by_index.begin(), by_index.end(), [](const auto& entry) { return entry.second.size() > 1; });
  if (differ)
    return env.Fail(
        absl::FailedPreconditionError("the digests DIFFER at one index: the servers' states are not the same"));
  if (env.settings.json) return kExitOk;
  const auto answered =
      static_cast<size_t>(std::count_if(answers.begin(), answers.end(), [](const auto& a) { return a.ok(); }));
  if (by_index.size() > 1) {
    env.io.out << "The servers are at different indexes; ask again when writes pause.\n";
  } else if (answered == answers.size()) {
    env.io.out << "The digests agree.\n";
  } else {
    env.io.out << "The digests agree, of the " << answered << " of " << answers.size() << " servers that answered.\n";
  }
  env.io.out.flush();
  return kExitOk;
}

}  // namespace

void AddEnsemble(CLI::App& app, Environment& env, Run& run) {
  CLI::App* group = app.add_subcommand("ensemble", "Look at the servers, and move leadership");
  group->require_subcommand(1);
  group->footer("Examples:\n  synod ensemble status\n  synod ensemble transfer 2\n  synod --json ensemble digest");
  const auto add = [&](const char* name, const char* help, int (*command)(Environment&)) {
    group->add_subcommand(name, help)->callback([command, &env, &run] {
      run = [command, &env] { return command(env); };
    });
  };
  add("status", "A line about each server of the list", &Status);
  add("members", "The configuration in force", &Members);
  auto target = std::make_shared<uint32_t>(0);
  CLI::App* transfer = group->add_subcommand("transfer", "Hand leadership to another voter");
  transfer->add_option("ID", *target, "Its server id (default: the most up-to-date voter)");
  transfer->callback([target, &env, &run] { run = [target, &env] { return Transfer(env, *target); }; });
  add("snapshot", "Write a snapshot on every server now", &Snapshot);
  add("digest", "Compare the digests of the servers' states", &Digest);
}

}  // namespace synod::cli

// Runs tests/scenarios/statemachine/*.txt: commands, `----`, then everything that came of them. Blocks are separated by
// blank lines; a block of lines that begin with # is a comment. SYNOD_REWRITE=1 writes what came in place of what was
// expected: the diff is the review.
//
// A command line is an operation and key=value words; every line is one entry of the log, a millisecond after the last:
//   create PATH [data=D] [mode=ephemeral|sequential|ephemeral_sequential|container|ttl|sequential_ttl] [acl=A] [ttl=MS]
//     [existing=keep|set]     delete PATH [version=V] [missing_ok=1]     set PATH [data=D] [version=V]
//   check PATH [version=V]     set-acl PATH [acl=A] [version=V]     delete-tree PATH [version=V] [max=N] [partial=1]
//   multi OPERATION ; OPERATION ...     txn COMPARE ; COMPARE ... ? OPERATION ; ... : OPERATION ; ...
//   COMPARE: exists|version|cversion|aversion|czxid|mzxid|owner|value PATH eq|ne|lt|le|gt|ge [NUMBER|TEXT]
//   sync    refused ERROR    create-session [timeout= grace= connection= password= ids=]
//   attach session= seen= connection= [password=] [clear=1] [ids=]    authenticate ids=    close
//   expire session= seen=    continue-close session=    remove-idle PATH czxid= mzxid=
//   raise-version N    setting NAME VALUE
// with s= (session), g= (generation), n= (sequence), confirm= (confirmed_below), max_data= (max_data_bytes), ids=
// (identities; of the header unless the operation has its own), as=mem|disk (refused growth). Three ephemerals per
// closing command. Looks at the state: stat PATH, get PATH, ls PATH, acl PATH, session ID, closing, idle (containers
// after 10 ms), tables, wait MS, restore (snapshot, load into a new machine, go on there).
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_join.h"
#include "tests/unit/coordinator/statemachine/scenario_words.h"

namespace synod::statemachine {
namespace {

using tree::Error;

constexpr uint64_t kContainerIdleUs = 10'000;

StateMachineOptions Options() { return {.ephemerals_per_command = 3}; }

std::string ShowStat(const tree::Stat& s) {
  std::string owner = s.ephemeral_owner == SessionId(0) ? "" : absl::StrCat(" owner ", s.ephemeral_owner.value());
  return absl::StrCat("czxid ", s.czxid.value(), " mzxid ", s.mzxid.value(), " pzxid ", s.pzxid.value(), " ctime ",
                      s.ctime_ms, " mtime ", s.mtime_ms, " version ", s.version, " cversion ", s.cversion, " children ",
                      s.num_children, " length ", s.data_length,
                      s.aversion == 0 ? "" : absl::StrCat(" aversion ", s.aversion), owner);
}

std::string ShowResult(const OpResult& r) {
  std::string out(tree::ErrorName(r.error));
  if (!r.path.empty()) absl::StrAppend(&out, " ", r.path);
  if (!(r.stat == tree::Stat())) absl::StrAppend(&out, " version ", r.stat.version, " mzxid ", r.stat.mzxid.value());
  if (!r.path.empty() && !r.created) out += " existing";
  if (r.deleted != 0 || r.remaining != 0) absl::StrAppend(&out, " deleted ", r.deleted);
  if (r.remaining != 0) absl::StrAppend(&out, " remaining ", r.remaining);
  return out;
}

class Scenario {
 public:
  std::string Run(const std::string& text) {
    Line line(text);
    if (std::optional<std::string> look = Look(line)) return *look;
    std::optional<Operation> operation = ParseOperation(text, line);
    if (!operation) return "unknown command\n";
    Command command{.session = SessionId(line.Number("s")),
                    .generation = OwnerGeneration(static_cast<uint64_t>(line.Number("g", 1))),
                    .sequence = Sequence(static_cast<uint64_t>(line.Number("n"))),
                    .confirmed_below = Sequence(static_cast<uint64_t>(line.Number("confirm"))),
                    .identities = ParseIdentities(line),
                    .max_data_bytes = static_cast<uint32_t>(line.Number("max_data", 1048575)),
                    .operation = *operation};
    if (command.session != SessionId(0)) command.identities.clear();
    if (line.keys.count("as"))
      h_->machine.SetRefusal(line.Text("as") == "disk" ? Error::kRefusedDisk : Error::kRefusedMemory);
    std::string bytes = h_->machine.AdmitCommand(EncodeCommand(command), line.keys.count("as") != 0);
    h_->seen.calls.clear();
    h_->now_ms += 1;
    absl::Status status = h_->TryApplyBytes({bytes});
    if (!status.ok()) return absl::StrCat("stops: ", status.ToString(), "\n");
    EXPECT_EQ(h_->machine.digest(), h_->machine.ComputeDigest());
    return ShowLast();
  }

 private:
  std::string ShowLast() {
    const Outcome& o = h_->seen.outcomes.back();
    std::string out = absl::StrCat("zxid ", o.zxid.value(), " ", View(tree::ErrorName(o.error)),
                                   o.repeated ? " repeated" : "", o.gap ? " gap" : "");
    if (o.succeeded) out += " succeeded";
    if (o.results.empty() &&
        (!o.result.path.empty() || !(o.result.stat == tree::Stat()) || o.result.deleted + o.result.remaining != 0))
      absl::StrAppend(&out, ": ", ShowResult(o.result));
    if (o.grant.session != SessionId(0)) {
      absl::StrAppend(&out, ": session ", o.grant.session.value(), " generation ", o.grant.generation.value(),
                      " timeout ", o.grant.timeout_ms, " grace ", o.grant.disconnect_grace_ms, " applied ",
                      o.grant.last_applied.value());
    }
    out += "\n";
    for (const OpResult& r : o.results) absl::StrAppend(&out, "  ", ShowResult(r), "\n");
    for (const std::string& call : h_->seen.calls) {
      if (!call.starts_with("command")) absl::StrAppend(&out, "  ", call, "\n");
    }
    static const char* kTypes[] = {"", "created", "deleted", "changed"};
    for (const tree::Event& e : h_->seen.events_of.back())
      absl::StrAppend(&out, "  ", kTypes[static_cast<int>(e.type)], " ", e.path, "\n");
    return out;
  }

  std::string Look(Error error, const std::string& shown) const {
    return (error == Error::kOk ? shown : std::string(tree::ErrorName(error))) + "\n";
  }

  std::optional<std::string> Look(const Line& line) {
    const tree::DataTree& tree = h_->machine.tree();
    const access::Caller all = access::Caller::Unrestricted();
    std::string kind = line.Word(0), path = line.Word(1);
    tree::Stat stat;
    if (kind == "stat") {
      Error error = tree.Exists(all, path, &stat);
      return Look(error, ShowStat(stat));
    }
    if (kind == "get") {
      std::optional<std::string_view> data;
      Error error = tree.GetData(all, path, &data, &stat);
      return Look(error, data ? absl::StrCat("\"", View(*data), "\"") : "null");
    }
    if (kind == "ls") {
      std::vector<std::string> names;
      Error error = tree.GetChildren(all, path, &names, nullptr);
      return Look(error, absl::StrCat("[", absl::StrJoin(names, " "), "]"));
    }
    if (kind == "acl") {
      AclId acl;
      bool admin = false;
      Error error = tree.GetAcl(all, path, &acl, &admin, nullptr);
      return Look(error, error == Error::kOk ? ShowAcl(h_->machine.acls().Get(acl)) : "");
    }
    if (kind == "session") return ShowSession(SessionId(std::stoll(path)));
    if (kind == "closing") {
      return absl::StrCat("[",
                          absl::StrJoin(h_->machine.sessions().closing(), " ",
                                        [](std::string* out, SessionId id) { absl::StrAppend(out, id.value()); }),
                          "]\n");
    }
    if (kind == "idle") return ShowIdle();
    if (kind == "tables") {
      return absl::StrCat(h_->machine.acls().size(), " ACLs, ", h_->machine.identities().size(), " identity sets\n");
    }
    if (kind == "wait") {
      h_->now_ms += std::stoull(path);
      return "";
    }
    if (kind == "restore") return Restore();
    return std::nullopt;
  }

  std::string ShowIdle() {
    std::string out;
    for (const tree::IdleNode& node : h_->machine.tree().FindIdle(h_->now_ms * 1000, kContainerIdleUs, 100))
      absl::StrAppend(&out, "idle ", node.path, " czxid ", node.czxid.value(), " mzxid ", node.mzxid.value(), "\n");
    return out.empty() ? "nothing idle\n" : out;
  }

  std::string ShowSession(SessionId id) {
    const sessions::Session* s = h_->machine.sessions().Find(id);
    if (s == nullptr) return "none\n";
    const access::IdentitySet& who = h_->machine.identities().Get(s->identities());
    std::string ids;
    for (const access::Identity& one : who) absl::StrAppend(&ids, " ", one.scheme, ":", one.id);
    return absl::StrCat("generation ", s->generation().value(), " connection ", s->connection(), " applied ",
                        s->last_applied().value(), " replies ", s->replies().first().value(), "..",
                        s->replies().end().value() - 1, ids, s->closing() ? " closing" : "", "\n");
  }

  std::string Restore() {
    Store store;
    auto next = std::make_unique<Harness>(Options());
    interfaces::SnapshotMeta meta = h_->Snapshot(&store_);
    absl::Status status = Load(store_, meta, &next->machine);
    if (!status.ok()) return status.ToString() + "\n";
    EXPECT_EQ(next->machine.digest(), h_->machine.digest());
    next->now_ms = h_->now_ms;
    h_ = std::move(next);
    return "restored\n";
  }

  std::unique_ptr<Harness> h_ = std::make_unique<Harness>(Options());
  Store store_;
};

// What the file should say.
std::string RunFile(const std::string& content) {
  Scenario scenario;
  std::string out;
  for (absl::string_view block : absl::StrSplit(content, "\n\n", absl::SkipWhitespace())) {
    std::string input(block.substr(0, block.find("----")));
    while (!input.empty() && (input.back() == '\n' || input.back() == ' ')) input.pop_back();
    while (!input.empty() && input.front() == '\n') input.erase(0, 1);
    if (!out.empty()) out += "\n";
    out += input + "\n";
    if (input.starts_with("#")) continue;
    out += "----\n";
    for (absl::string_view line : absl::StrSplit(input, '\n')) out += scenario.Run(std::string(line));
  }
  return out;
}

std::string ReadAll(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream content;
  content << in.rdbuf();
  return content.str();
}

TEST(Scenarios, StateMachine) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(SYNOD_SOURCE_DIR "/tests/scenarios/statemachine")) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  ASSERT_FALSE(files.empty());
  for (const auto& file : files) {
    SCOPED_TRACE(file.filename().string());
    std::string expected = ReadAll(file);
    std::string actual = RunFile(expected);
    if (std::getenv("SYNOD_REWRITE") != nullptr) {
      std::ofstream(file, std::ios::binary) << actual;
    } else {
      EXPECT_EQ(expected, actual) << "SYNOD_REWRITE=1 rewrites the file; review the diff";
    }
  }
}

}  // namespace
}  // namespace synod::statemachine

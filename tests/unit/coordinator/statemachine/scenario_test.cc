// Runs tests/scenarios/statemachine/*.txt: commands, `----`, then everything that came of them. Blocks are separated by
// blank lines; a block of lines that begin with # is a comment. SYNOD_REWRITE=1 writes what came in place of what was
// expected: the diff is the review.
//
// A command line is an operation and key=value words; every line is one entry of the log:
//   create PATH [data=D] [mode=ephemeral|sequential|ephemeral_sequential]     delete PATH [version=V]
//   set PATH [data=D] [version=V]       check PATH [version=V]       multi OPERATION ; OPERATION ...
//   sync    refused ERROR    create-session [timeout= grace= connection=]    attach session= seen= connection=
//   [password=wrong] [clear=1] close    expire session= seen=    raise-version N    setting NAME VALUE
// with s= (session), g= (generation), n= (sequence), confirm= (confirmed_below), max= (max_data_bytes), as=mem|disk
// (refused growth). Looks at the state: stat PATH, get PATH, ls PATH, session ID, restore (snapshot, load into a new
// machine, go on there).
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "tests/unit/coordinator/statemachine/harness.h"

namespace synod::statemachine {
namespace {

using tree::Error;

absl::string_view View(std::string_view s) { return {s.data(), s.size()}; }

// One command line, split.
struct Line {
  std::vector<std::string> words;
  std::map<std::string, std::string> keys;

  explicit Line(const std::string& text) {
    for (absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
      size_t equals = word.find('=');
      if (equals == absl::string_view::npos || word[0] == '/') {
        words.emplace_back(word);
      } else {
        keys[std::string(word.substr(0, equals))] = std::string(word.substr(equals + 1));
      }
    }
  }
  std::string Text(const std::string& key, const std::string& otherwise = "") const {
    auto it = keys.find(key);
    return it == keys.end() ? otherwise : it->second;
  }
  int64_t Number(const std::string& key, int64_t otherwise = 0) const {
    int64_t value = otherwise;
    if (keys.count(key) != 0) {
      EXPECT_TRUE(absl::SimpleAtoi(keys.at(key), &value)) << key;
    }
    return value;
  }
  std::string Word(size_t i) const { return i < words.size() ? words[i] : ""; }
};

Error ErrorNamed(const std::string& name) {
  for (int e = 0; e <= static_cast<int>(Error::kReplyLost); ++e) {
    if (tree::ErrorName(static_cast<Error>(e)) == name) return static_cast<Error>(e);
  }
  ADD_FAILURE() << "no error " << name;
  return Error::kOk;
}

std::optional<TreeOp> ParseTreeOp(const Line& line) {
  NodeData data;
  if (line.keys.count("data")) data = line.Text("data");
  int32_t version = static_cast<int32_t>(line.Number("version", -1));
  std::string kind = line.Word(0), path = line.Word(1), mode = line.Text("mode");
  if (kind == "delete") return DeleteOp{path, version};
  if (kind == "set") return SetDataOp{path, data, version};
  if (kind == "check") return CheckOp{path, version};
  if (kind != "create") return std::nullopt;
  static const std::map<std::string, CreateMode> kModes = {{"", CreateMode::kPersistent},
                                                           {"ephemeral", CreateMode::kEphemeral},
                                                           {"sequential", CreateMode::kPersistentSequential},
                                                           {"ephemeral_sequential", CreateMode::kEphemeralSequential},
                                                           {"container", CreateMode::kContainer}};
  return CreateOp{path, data, kModes.at(mode), AclId(static_cast<uint32_t>(line.Number("acl")))};
}

std::optional<Operation> ParseOperation(const std::string& text, const Line& line) {
  std::string kind = line.Word(0);
  if (kind == "multi") {
    MultiOp multi;
    for (absl::string_view part : absl::StrSplit(absl::string_view(text).substr(5), ';')) {
      if (std::optional<TreeOp> op = ParseTreeOp(Line(std::string(part)))) multi.ops.push_back(*op);
    }
    return multi;
  }
  SessionId session(line.Number("session"));
  OwnerGeneration seen(static_cast<uint64_t>(line.Number("seen")));
  uint32_t timeout = static_cast<uint32_t>(line.Number("timeout", 4000)),
           grace = static_cast<uint32_t>(line.Number("grace"));
  uint64_t connection = static_cast<uint64_t>(line.Number("connection", 1));
  if (kind == "sync") return SyncOp{"/"};
  if (kind == "refused") return RefusedOp{ErrorNamed(line.Word(1))};
  if (kind == "create-session") return CreateSessionOp{timeout, grace, kPassword, connection, true};
  if (kind == "attach") {
    std::string password = line.Text("password") == "wrong" ? std::string(16, 'w') : kPassword;
    return AttachSessionOp{session, seen, connection, password, timeout, grace, line.Number("clear") != 0};
  }
  if (kind == "close") return CloseSessionOp{};
  if (kind == "expire") return ExpireSessionOp{session, seen};
  if (kind == "raise-version") return RaiseVersionOp{static_cast<uint32_t>(std::stoul(line.Word(1)))};
  if (kind == "setting") return SetSettingOp{line.Word(1), line.Word(2)};
  std::optional<TreeOp> op = ParseTreeOp(line);
  if (!op) return std::nullopt;
  return std::visit([](auto&& one) -> Operation { return one; }, *op);
}

std::string ShowStat(const tree::Stat& s) {
  std::string owner = s.ephemeral_owner == SessionId(0) ? "" : absl::StrCat(" owner ", s.ephemeral_owner.value());
  return absl::StrCat("czxid ", s.czxid.value(), " mzxid ", s.mzxid.value(), " pzxid ", s.pzxid.value(), " ctime ",
                      s.ctime_ms, " mtime ", s.mtime_ms, " version ", s.version, " cversion ", s.cversion, " children ",
                      s.num_children, " length ", s.data_length, owner);
}

std::string ShowResult(const OpResult& r) {
  std::string out(tree::ErrorName(r.error));
  if (!r.path.empty()) absl::StrAppend(&out, " ", r.path);
  if (!(r.stat == tree::Stat())) absl::StrAppend(&out, " version ", r.stat.version, " mzxid ", r.stat.mzxid.value());
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
                    .max_data_bytes = static_cast<uint32_t>(line.Number("max", 1048575)),
                    .operation = *operation};
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
    if (o.results.empty() && (!o.result.path.empty() || !(o.result.stat == tree::Stat())))
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

  std::optional<std::string> Look(const Line& line) {
    const tree::DataTree& tree = h_->machine.tree();
    std::string kind = line.Word(0), path = line.Word(1);
    tree::Stat stat;
    if (kind == "stat") {
      Error error = tree.Exists(path, &stat);
      return error == Error::kOk ? ShowStat(stat) + "\n" : std::string(tree::ErrorName(error)) + "\n";
    }
    if (kind == "get") {
      std::optional<std::string_view> data;
      Error error = tree.GetData(path, &data, &stat);
      return error != Error::kOk ? std::string(tree::ErrorName(error)) + "\n"
             : data              ? absl::StrCat("\"", View(*data), "\"\n")
                                 : "null\n";
    }
    if (kind == "ls") {
      std::vector<std::string> names;
      Error error = tree.GetChildren(path, &names, nullptr);
      return error == Error::kOk ? absl::StrCat("[", absl::StrJoin(names, " "), "]\n")
                                 : std::string(tree::ErrorName(error)) + "\n";
    }
    if (kind == "session") return ShowSession(SessionId(std::stoll(path)));
    if (kind == "restore") return Restore();
    return std::nullopt;
  }

  std::string ShowSession(SessionId id) {
    const sessions::Session* s = h_->machine.sessions().Find(id);
    if (s == nullptr) return "none\n";
    return absl::StrCat("generation ", s->generation().value(), " connection ", s->connection(), " applied ",
                        s->last_applied().value(), " replies ", s->replies().first().value(), "..",
                        s->replies().end().value() - 1, "\n");
  }

  std::string Restore() {
    Store store;
    auto next = std::make_unique<Harness>();
    interfaces::SnapshotMeta meta = h_->Snapshot(&store_);
    absl::Status status = Load(store_, meta, &next->machine);
    if (!status.ok()) return status.ToString() + "\n";
    EXPECT_EQ(next->machine.digest(), h_->machine.digest());
    next->now_ms = h_->now_ms;
    h_ = std::move(next);
    return "restored\n";
  }

  std::unique_ptr<Harness> h_ = std::make_unique<Harness>();
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

#include <fstream>
#include <istream>
#include <memory>
#include <optional>
#include <ostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/cli/commands.h"
#include "coordinator/cli/export_record.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/interrupts.h"
#include "coordinator/cli/node_writer.h"
#include "coordinator/cli/progress.h"
#include "coordinator/cli/zookeeper_import.h"

namespace synod::cli {
namespace {

struct ImportOptions {
  std::string file = "-";
  std::string into;
  client::OnExisting on_existing = client::OnExisting::kFail;
  uint64_t from_line = 0;
  std::string zookeeper;  // hosts; then the rest but `into` and `on_existing` is not used
  std::vector<std::string> zookeeper_auth;
};

class Importer {
 public:
  Importer(Environment& env, const ImportOptions& o, client::BlockingClient& client, std::istream& in, uint64_t total)
      : env_(env), o_(o), in_(in), progress_(env.ProgressStream(), "import", total), writer_(&client, o.on_existing) {}
  int Run();

 private:
  // Each returns an exit code; kExitOk goes on.
  int TakeLine(const std::string& text);
  int TakeNode(ExportNode node);
  int Flush();
  int Finish();
  // What is wrong with the present line.
  int Malformed(absl::string_view why);
  // Says where to go on. `sure`: nothing of the waiting lines was done.
  void SayHowToResume(bool sure);
  // Where a node of the export goes; nullopt: it lies outside the root.
  std::optional<std::string> Target(const std::string& path) const;

  Environment& env_;
  const ImportOptions& o_;
  std::istream& in_;
  Progress progress_;
  Interrupts interrupts_;

  uint64_t line_ = 0;
  std::optional<ExportHead> head_;
  std::optional<ExportEnd> end_;
  uint64_t node_lines_ = 0;  // in the file so far
  NodeWriter writer_;
  uint64_t first_line_ = 0;  // of those that wait in it
};

std::optional<std::string> Importer::Target(const std::string& path) const {
  const std::string& root = head_->root;
  const std::string into = o_.into.empty() ? root : o_.into;
  std::string below;  // "" or "/..."
  if (root == "/") {
    below = path == "/" ? "" : path;
  } else if (path != root) {
    if (path.compare(0, root.size() + 1, root + "/") != 0) return std::nullopt;
    below = path.substr(root.size());
  }
  if (into != "/") return into + below;
  return below.empty() ? "/" : below;
}

int Importer::Malformed(absl::string_view why) {
  progress_.Wipe();
  const int code = env_.Refuse(absl::StrCat("line ", line_, ": ", why));
  SayHowToResume(true);
  return code;
}

void Importer::SayHowToResume(bool sure) {
  if (writer_.done() == 0 && sure) {
    env_.Notice("nothing was imported");
    return;
  }
  const uint64_t next = writer_.empty() ? line_ : first_line_;
  std::string text = absl::StrCat("everything before line ", next, " is imported; --from-line ", next, " goes on");
  if (!sure)
    absl::StrAppend(&text, " (lines ", next, " to ", line_,
                    " may be imported too, all or none: add --on-existing keep)");
  env_.Notice(text);
}

int Importer::TakeLine(const std::string& text) {
  auto line = ParseExport(text);
  if (!line.ok()) return Malformed(line.status().message());
  if (end_.has_value()) return Malformed("there is something behind the end");
  if (auto* head = std::get_if<ExportHead>(&*line)) {
    if (head_.has_value()) return Malformed("a second head");
    head_ = std::move(*head);
    return kExitOk;
  }
  if (!head_.has_value()) return Malformed("no head: this is not what `synod export` prints");
  if (const auto* end = std::get_if<ExportEnd>(&*line)) {
    end_ = *end;
    return kExitOk;
  }
  ++node_lines_;
  if (line_ < o_.from_line) return kExitOk;
  return TakeNode(std::get<ExportNode>(std::move(*line)));
}

int Importer::TakeNode(ExportNode node) {
  auto target = Target(node.path);
  if (!target.has_value()) return Malformed(node.path + " does not lie below " + head_->root);
  NewNode added{*std::move(target), std::move(node.data), std::move(node.acl), node.mode, node.ttl};
  if (writer_.Full(added)) {
    if (const int code = Flush(); code != kExitOk) return code;
  }
  if (writer_.empty()) first_line_ = line_;
  writer_.Add(std::move(added));
  return kExitOk;
}

int Importer::Flush() {
  if (writer_.empty()) return kExitOk;
  if (interrupts_.interrupted()) {
    progress_.Wipe();
    SayHowToResume(true);
    return 128 + interrupts_.signal();
  }
  if (std::optional<NodeWriter::Failure> failure = writer_.Flush()) {
    progress_.Wipe();
    const int code = env_.Fail(failure->error, failure->path);
    SayHowToResume(failure->error.effect == client::Effect::kNotDone);
    return code;
  }
  progress_.Set(writer_.done());
  return kExitOk;
}

int Importer::Finish() {
  progress_.Wipe();
  if (o_.from_line > line_)
    return env_.Refuse(
        absl::StrCat("there is no line ", o_.from_line, ": the export has ", line_, "; nothing was imported"));
  const std::string into = o_.into.empty() ? head_->root : o_.into;
  if (env_.settings.json) {
    JsonObject object;
    object.Text("path", into).Number("created", static_cast<int64_t>(writer_.created()));
    object.Number("kept", static_cast<int64_t>(writer_.kept())).Number("set", static_cast<int64_t>(writer_.set()));
    env_.io.out << object.Bool("complete", end_.has_value()).Take() << std::endl;
  } else {
    env_.io.out << "Imported into " << into << ": " << Grouped(writer_.created()) << " created, "
                << Grouped(writer_.kept()) << " kept, " << Grouped(writer_.set()) << " set" << std::endl;
  }
  if (!end_.has_value())
    return env_.Refuse("the export has no end line: it was cut, and what was missing is missing here");
  if (end_->nodes != node_lines_) {
    return env_.Refuse(absl::StrCat("the export says that it has ", end_->nodes, " nodes, and ", node_lines_,
                                    " were found: lines are missing"));
  }
  if (!end_->consistent) env_.Notice("the export was made while its subtree changed");
  return kExitOk;
}

int Importer::Run() {
  for (std::string text; std::getline(in_, text);) {
    ++line_;
    if (text.empty()) continue;
    if (const int code = TakeLine(text); code != kExitOk) return code;
  }
  ++line_;  // one behind the last, for "everything before"
  if (const int code = Flush(); code != kExitOk) return code;
  if (!head_.has_value()) return env_.Refuse("nothing to import: the input has no head");
  return Finish();
}

// For the progress bar: how many lines a file has.
uint64_t CountLines(std::istream& in) {
  uint64_t lines = 0;
  std::vector<char> buffer(1 << 16);
  while (in.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || in.gcount() > 0)
    lines += static_cast<uint64_t>(std::count(buffer.data(), buffer.data() + in.gcount(), '\n'));
  in.clear();
  in.seekg(0);
  return lines;
}

int Import(Environment& env, const ImportOptions& o) {
  if (const std::string problem = o.into.empty() ? "" : PathProblem(o.into); !problem.empty())
    return env.UsageError("--into " + o.into + ": " + problem);
  if (!o.zookeeper.empty()) return ImportFromZooKeeper(env, {o.zookeeper, o.into, o.on_existing, o.zookeeper_auth});
  std::ifstream file;
  if (o.file != "-") {
    file.open(o.file, std::ios::binary);
    if (!file) return env.UsageError("cannot read " + o.file);
  }
  const bool counts = o.file != "-" && env.ProgressStream() != nullptr;
  const uint64_t lines = counts ? CountLines(file) : 0;
  client::BlockingClient* client = env.Session();
  if (client == nullptr) return kExitUsage;
  return Importer(env, o, *client, o.file == "-" ? env.io.in : file, lines > 2 ? lines - 2 : 0).Run();
}

}  // namespace

void AddImport(CLI::App& app, Environment& env, Run& run) {
  auto o = std::make_shared<ImportOptions>();
  CLI::App* verb =
      app.add_subcommand("import", "Create what `synod export` printed, or what a ZooKeeper ensemble holds");
  auto* file = verb->add_option("FILE", o->file, "The export; - (the default) reads standard input");
  verb->add_option("--into", o->into, "In the place of the root it was exported from");
  verb->add_option("--on-existing", o->on_existing,
                   "What to do with nodes that are there: fail (the default), keep them, or set their data and ACL")
      ->transform(OneOf<client::OnExisting>({{"fail", client::OnExisting::kFail},
                                             {"keep", client::OnExisting::kKeep},
                                             {"set", client::OnExisting::kSet}}));
  auto* line = verb->add_option("--from-line", o->from_line, "Go on at this line of an import that was interrupted");
  auto* zookeeper = verb->add_option("--from-zookeeper", o->zookeeper,
                                     "Copy the live tree of these ZooKeeper servers (host:port,..., with a /chroot "
                                     "behind: what is below it), then compare")
                        ->excludes(file)
                        ->excludes(line);
  verb->add_option("--zookeeper-auth", o->zookeeper_auth, "SCHEME:CREDENTIAL to read ZooKeeper with; may be repeated")
      ->needs(zookeeper);
  verb->footer(
      "In multis of up to 500 nodes: each is done as a whole or not at all, in the order of the lines, so that an "
      "import\n"
      "that was interrupted goes on exactly where it ended. Data (null and empty too) and ACLs come back as they "
      "were;\n"
      "versions, times and zxids are new. To write ACLs that shut you out, act for somebody who may (--auth).\n"
      "Examples:\n  synod import app.jsonl\n  synod import --into /copy --on-existing keep < app.jsonl\n"
      "  synod import --from-zookeeper zk1:2181,zk2:2181,zk3:2181 --zookeeper-auth digest:super:secret");
  verb->callback([o, &env, &run] { run = [o, &env] { return Import(env, *o); }; });
}

}  // namespace synod::cli

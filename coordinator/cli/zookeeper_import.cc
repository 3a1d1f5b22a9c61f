#include "coordinator/cli/zookeeper_import.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/cli/export_record.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/interrupts.h"
#include "coordinator/cli/node_writer.h"
#include "coordinator/cli/progress.h"
#include "coordinator/cli/zookeeper_peer.h"

namespace synod::cli {
namespace {

constexpr size_t kReadBatch = 300;  // nodes asked for at once; two reads each of the servers' 1,000 to compare
constexpr size_t kDifferencesShown = 10;
// A node's create counter decides the numbers of its next sequential children. It is brought up by creating and
// deleting, at most so many times a node; where more is missing it is said.
constexpr int64_t kCounterStepsMax = 1'000'000;
constexpr int64_t kCounterBatch = 250;  // creates, and as many deletes, in one multi

// How many children were ever created: the wire's cversion counts deletes too (specs: ZooKeeper protocol, 6.3).
int64_t CreatesOf(const client::Stat& stat) {
  return (static_cast<int64_t>(static_cast<uint32_t>(stat.cversion)) + stat.num_children) / 2;
}

std::string ChildOf(const std::string& parent, const std::string& name) {
  return parent == "/" ? "/" + name : parent + "/" + name;
}

std::string ChrootOf(const std::string& hosts) {
  const size_t slash = hosts.find('/');
  return slash == std::string::npos ? "/" : hosts.substr(slash);
}

client::Acl WithoutRepeats(const client::Acl& acl) {
  client::Acl out;
  for (const client::AclEntry& entry : acl) {
    if (std::find(out.begin(), out.end(), entry) == out.end()) out.push_back(entry);
  }
  return out;
}

class ZooKeeperImporter {
 public:
  ZooKeeperImporter(Environment& env, const ZooKeeperImportOptions& o, client::BlockingClient& client,
                    ZooKeeperPeer& source)
      : env_(env),
        o_(o),
        into_(!o.into.empty() ? o.into : ChrootOf(o.hosts)),
        client_(client),
        source_(source),
        writer_(&client, o.on_existing) {}
  int Run();

 private:
  // All nodes of the source that are to be copied, parents before children, a batch at a time. `visit` and this return
  // an exit code; kExitOk goes on.
  int Walk(const std::function<int(std::vector<PeerNode>&)>& visit);
  int Copy(std::vector<PeerNode>& nodes);
  int Flush();
  int Compare(std::vector<PeerNode>& nodes);
  int CompareRange(const std::vector<PeerNode>& nodes, size_t begin, size_t end);
  void CompareNode(const PeerNode& from, const client::ReadResult& data, const client::ReadResult& acl);
  void Differs(const std::string& path, absl::string_view how);
  // Nodes below the target that ZooKeeper does not have.
  int CountBeside();
  int RaiseCounters();
  int RaiseCounter(const std::string& path, int64_t by);
  int Interrupted();
  int Report();
  std::string Target(const std::string& path) const {
    if (into_ == "/") return path;
    return path == "/" ? into_ : into_ + path;
  }

  Environment& env_;
  const ZooKeeperImportOptions& o_;
  const std::string into_;
  client::BlockingClient& client_;
  ZooKeeperPeer& source_;
  Interrupts interrupts_;
  std::unique_ptr<Progress> progress_;
  NodeWriter writer_;

  uint64_t seen_ = 0, ephemerals_ = 0, vanished_ = 0;  // of the present walk
  uint64_t verified_ = 0, missing_ = 0, different_ = 0, beside_ = 0;
  std::vector<std::string> differences_;
  struct Behind {
    std::string path;
    int64_t by;
  };
  std::vector<Behind> behind_;
  uint64_t counters_raised_ = 0;
};

int ZooKeeperImporter::Interrupted() {
  progress_->Wipe();
  env_.Notice(
      absl::StrCat(Grouped(writer_.done()),
                   " nodes were copied; the same command with --on-existing keep goes on (set: brings up to date "
                   "what is there)"));
  return 128 + interrupts_.signal();
}

int ZooKeeperImporter::Walk(const std::function<int(std::vector<PeerNode>&)>& visit) {
  seen_ = ephemerals_ = vanished_ = 0;
  std::vector<std::string> stack = {"/"};
  while (!stack.empty()) {
    if (interrupts_.interrupted()) return Interrupted();
    const size_t count = std::min(stack.size(), kReadBatch);
    std::vector<std::string> paths(std::make_move_iterator(stack.end() - static_cast<ptrdiff_t>(count)),
                                   std::make_move_iterator(stack.end()));
    stack.resize(stack.size() - count);
    std::reverse(paths.begin(), paths.end());
    auto nodes = source_.Read(paths);
    if (!nodes.ok()) {
      progress_->Wipe();
      return env_.Fail(nodes.status());
    }
    if (seen_ == 0 && nodes->front().missing) {
      progress_->Wipe();
      return env_.Refuse(o_.hosts + ": there is no such node in ZooKeeper");
    }
    std::vector<PeerNode> wanted;
    for (PeerNode& node : *nodes) {
      ++(node.missing ? vanished_ : node.stat.ephemeral_owner != 0 ? ephemerals_ : seen_);
      if (!node.missing && node.stat.ephemeral_owner == 0) wanted.push_back(std::move(node));
    }
    for (auto node = wanted.rbegin(); node != wanted.rend(); ++node) {
      for (auto name = node->children.rbegin(); name != node->children.rend(); ++name) {
        std::string path = ChildOf(node->path, *name);
        // The ensemble's own: its configuration, and the usage of its quotas.
        if (path != "/zookeeper") stack.push_back(std::move(path));
      }
    }
    if (const int code = visit(wanted); code != kExitOk) return code;
    progress_->Set(seen_);
  }
  return kExitOk;
}

int ZooKeeperImporter::Copy(std::vector<PeerNode>& nodes) {
  for (PeerNode& node : nodes) {
    if (IsMasked(node.acl)) {
      progress_->Wipe();
      return env_.Refuse(absl::StrCat(node.path, ": ZooKeeper does not show its ACL in full; give --zookeeper-auth of ",
                                      "somebody with ADMIN on it, or of the super user"));
    }
    NewNode added;
    added.path = Target(node.path);
    added.data = std::move(node.data);
    added.acl = node.acl.empty() ? client::OpenAcl() : WithoutRepeats(node.acl);
    if (writer_.Full(added)) {
      if (const int code = Flush(); code != kExitOk) return code;
    }
    writer_.Add(std::move(added));
  }
  return Flush();
}

int ZooKeeperImporter::Flush() {
  if (std::optional<NodeWriter::Failure> failure = writer_.Flush()) {
    progress_->Wipe();
    if (failure->error.code == client::ErrorCode::kInvalidAcl)
      failure->error.message = "its ACL names a scheme that this ensemble does not offer (sasl, x509)";
    const int code = env_.Fail(failure->error, failure->path);
    env_.Notice(absl::StrCat(Grouped(writer_.done()), " nodes were copied before"));
    return code;
  }
  return kExitOk;
}

int ZooKeeperImporter::Compare(std::vector<PeerNode>& nodes) { return CompareRange(nodes, 0, nodes.size()); }

int ZooKeeperImporter::CompareRange(const std::vector<PeerNode>& nodes, size_t begin, size_t end) {
  if (begin == end) return kExitOk;
  std::vector<client::ReadOperation> reads;
  for (size_t i = begin; i < end; ++i) {
    reads.push_back(client::ReadOperation::Get(Target(nodes[i].path)));
    reads.push_back(client::ReadOperation::GetAcl(Target(nodes[i].path)));
  }
  auto results = client_.MultiRead(std::move(reads), client::ReadStrength::kLinearizable);
  if (!results.ok()) {
    if (results.error().code == client::ErrorCode::kTooLarge && end - begin > 1) {
      const size_t middle = begin + (end - begin) / 2;
      if (const int code = CompareRange(nodes, begin, middle); code != kExitOk) return code;
      return CompareRange(nodes, middle, end);
    }
    progress_->Wipe();
    return env_.Fail(results.error(), Target(nodes[begin].path));
  }
  for (size_t i = begin; i < end; ++i)
    CompareNode(nodes[i], results->results[2 * (i - begin)], results->results[2 * (i - begin) + 1]);
  return kExitOk;
}

void ZooKeeperImporter::Differs(const std::string& path, absl::string_view how) {
  ++different_;
  if (differences_.size() < kDifferencesShown) differences_.push_back(absl::StrCat(path, ": ", how));
}

void ZooKeeperImporter::CompareNode(const PeerNode& from, const client::ReadResult& data,
                                    const client::ReadResult& acl) {
  ++verified_;
  const std::string target = Target(from.path);
  if (data.error == client::ErrorCode::kNoNode) {
    ++missing_;
    return Differs(target, "missing here");
  }
  if (data.error != client::ErrorCode::kOk || acl.error != client::ErrorCode::kOk)
    return Differs(target, "not readable here; act for somebody who may (--auth)");
  if (data.stat.has_value() && from.path != "/") {
    const int64_t by = CreatesOf(from.stat) - CreatesOf(*data.stat);
    if (by > 0) behind_.push_back({target, by});
  }
  // The root's own ACL stays as it is here, unless it was asked for.
  const bool compared = from.path != "/" || o_.on_existing == client::OnExisting::kSet;
  if (!compared) return;
  if (data.data != from.data) return Differs(target, "its data differ");
  const client::Acl wanted = from.acl.empty() ? client::OpenAcl() : WithoutRepeats(from.acl);
  if (acl.acl != wanted) Differs(target, "its ACL differs");
}

int ZooKeeperImporter::CountBeside() {
  auto here = client_.CountDescendants(Target("/"), client::ReadStrength::kLinearizable);
  if (!here.ok()) {
    progress_->Wipe();
    return env_.Fail(here.error(), Target("/"));
  }
  uint64_t own = 0;  // the ensemble's
  if (into_ == "/") {
    auto count = client_.CountDescendants("/zookeeper", client::ReadStrength::kLinearizable);
    if (count.ok()) own = count->count + 1;
  }
  const uint64_t found = verified_ - missing_;  // the target itself among them
  beside_ = here->count + 1 - std::min(here->count + 1, own + found);
  return kExitOk;
}

int ZooKeeperImporter::RaiseCounters() {
  for (const Behind& node : behind_) {
    if (node.by > kCounterStepsMax) {
      env_.Notice(absl::StrCat(node.path, ": its next sequential children would be numbered ", Grouped(node.by),
                               " lower than in ZooKeeper; that many steps were not made"));
      continue;
    }
    if (const int code = RaiseCounter(node.path, node.by); code != kExitOk) return code;
    ++counters_raised_;
  }
  return kExitOk;
}

int ZooKeeperImporter::RaiseCounter(const std::string& path, int64_t by) {
  const std::string child = ChildOf(path, "synod-import-counter");
  while (by > 0) {
    if (interrupts_.interrupted()) return Interrupted();
    const int64_t steps = std::min(by, kCounterBatch);
    std::vector<client::Operation> operations;
    for (int64_t i = 0; i < steps; ++i) {
      operations.push_back(client::Operation::Create(child, std::nullopt));
      operations.push_back(client::Operation::Delete(child));
    }
    auto outcome = client_.Multi(std::move(operations));
    if (!outcome.ok() || !outcome->error.ok()) {
      progress_->Wipe();
      return env_.Fail(outcome.ok() ? outcome->error : outcome.error(), path);
    }
    by -= steps;
  }
  return kExitOk;
}

int ZooKeeperImporter::Report() {
  progress_->Wipe();
  if (env_.settings.json) {
    JsonObject object;
    object.Text("path", Target("/")).Number("created", static_cast<int64_t>(writer_.created()));
    object.Number("kept", static_cast<int64_t>(writer_.kept())).Number("set", static_cast<int64_t>(writer_.set()));
    object.Number("ephemerals", static_cast<int64_t>(ephemerals_));
    object.Number("verified", static_cast<int64_t>(verified_)).Number("different", static_cast<int64_t>(different_));
    object.Number("beside", static_cast<int64_t>(beside_));
    env_.io.out << object.Number("counters_raised", static_cast<int64_t>(counters_raised_)).Take() << std::endl;
  } else {
    env_.io.out << "Copied " << o_.hosts << " into " << Target("/") << ": " << Grouped(writer_.created())
                << " created, " << Grouped(writer_.kept()) << " kept, " << Grouped(writer_.set()) << " set; "
                << Grouped(ephemerals_) << " ephemeral nodes left out\nVerified " << Grouped(verified_)
                << " nodes against ZooKeeper: "
                << (different_ == 0 ? std::string("all equal") : Grouped(different_) + " differ");
    if (beside_ > 0) env_.io.out << "; " << Grouped(beside_) << " nodes here that ZooKeeper does not have";
    env_.io.out << std::endl;
  }
  for (const std::string& line : differences_) env_.Notice(line);
  if (different_ == 0) return kExitOk;
  return env_.Refuse(
      "the trees differ; if ZooKeeper was written meanwhile, --on-existing set brings this one up to date");
}

int ZooKeeperImporter::Run() {
  progress_ = std::make_unique<Progress>(env_.ProgressStream(), "copy", 0);
  if (const int code = Walk([this](auto& nodes) { return Copy(nodes); }); code != kExitOk) return code;
  const uint64_t total = seen_;
  progress_->Wipe();
  progress_ = std::make_unique<Progress>(env_.ProgressStream(), "verify", total);
  if (const int code = Walk([this](auto& nodes) { return Compare(nodes); }); code != kExitOk) return code;
  if (const int code = CountBeside(); code != kExitOk) return code;
  if (const int code = RaiseCounters(); code != kExitOk) return code;
  return Report();
}

}  // namespace

int ImportFromZooKeeper(Environment& env, const ZooKeeperImportOptions& o) {
  auto source = ZooKeeperPeer::Connect(o.hosts, o.auth, env.settings.timeout);
  if (!source.ok()) return env.Fail(source.status());
  client::BlockingClient* client = env.Session();
  if (client == nullptr) return kExitUsage;
  return ZooKeeperImporter(env, o, *client, **source).Run();
}

}  // namespace synod::cli

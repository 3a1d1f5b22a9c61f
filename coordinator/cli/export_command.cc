#include <condition_variable>
#include <memory>
#include <mutex>
#include <ostream>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/cli/commands.h"
#include "coordinator/cli/export_record.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/progress.h"
#include "coordinator/cli/subtree.h"
#include "coordinator/cli/zookeeper_peer.h"

namespace synod::cli {
namespace {

// Nodes whose ACLs are read at once.
constexpr size_t kBatch = 500;
// All reads: a page must not be older than what the witness saw before it.
constexpr auto kStrength = client::ReadStrength::kLinearizable;

// Tells whether the subtree changed between two moments, by following it (W3). What happens to ephemerals is no change:
// they are left out.
class Witness {
 public:
  // Looks from now on. False: nobody answers, or after a message.
  bool Start(Environment& env, const std::string& path) {
    auto options = env.FollowOptions();
    if (!options.has_value()) return false;
    options->path = path;
    options->recursive = true;
    options->with_data = true;  // for the stat: whose node it is
    options->progress = absl::Milliseconds(100);
    client::FollowCallbacks callbacks;
    callbacks.on_events = [this](std::vector<client::FollowEvent> events, client::Cursor cursor) {
      Take(events, cursor);
    };
    callbacks.on_lost = [this](client::Cursor) { End(); };
    callbacks.on_failed = [this](const client::Error&) { End(); };
    auto follow = client::Follow::Start(*std::move(options), std::move(callbacks));
    if (!follow.ok()) return false;
    follow_ = *std::move(follow);
    std::unique_lock lock(mutex_);
    return moved_.wait_for(lock, absl::ToChronoNanoseconds(env.settings.timeout), [this] {
      return cursor_.has_value() || ended_;
    }) && !ended_;
  }
  void KnowEphemeral(const std::string& path) {
    std::lock_guard lock(mutex_);
    ephemerals_.insert(path);
  }
  // Whether nothing had changed up to `zxid`. False also if that cannot be known.
  bool Unchanged(int64_t zxid, absl::Duration timeout) {
    std::unique_lock lock(mutex_);
    const bool seen = moved_.wait_for(lock, absl::ToChronoNanoseconds(timeout),
                                      [&] { return ended_ || (cursor_.has_value() && cursor_->zxid >= zxid); });
    if (!seen || ended_ || changed_.size() >= kMost) return false;
    for (const auto& [path, at] : changed_) {
      if (at <= zxid && ephemerals_.count(path) == 0) return false;
    }
    return true;
  }
  void Stop() { follow_.reset(); }

 private:
  void Take(const std::vector<client::FollowEvent>& events, client::Cursor cursor) {
    std::lock_guard lock(mutex_);
    for (const client::FollowEvent& event : events) {
      if (event.stat.has_value() && event.stat->ephemeral_owner != 0) ephemerals_.insert(event.path);
      if (changed_.size() < kMost) changed_.emplace_back(event.path, event.zxid);
    }
    cursor_ = cursor;
    moved_.notify_all();
  }
  void End() {
    std::lock_guard lock(mutex_);
    ended_ = true;
    moved_.notify_all();
  }

  static constexpr size_t kMost = 100'000;  // beyond: taken for a change
  std::mutex mutex_;                        // guards what follows
  std::condition_variable moved_;
  std::optional<client::Cursor> cursor_;
  std::vector<std::pair<std::string, int64_t>> changed_;
  std::set<std::string> ephemerals_;
  bool ended_ = false;
  std::unique_ptr<client::Follow> follow_;  // last: its thread uses the others
};

struct ExportOptions {
  std::string path;
  std::string zookeeper;  // hosts; "": lines on the standard output
  std::vector<std::string> zookeeper_auth;
  client::OnExisting on_existing = client::OnExisting::kFail;
};

class Exporter {
 public:
  // `peer`: where the nodes go; null: to the standard output.
  Exporter(Environment& env, client::BlockingClient& client, const ExportOptions& o, ZooKeeperPeer* peer)
      : env_(env), client_(client), o_(o), root_(o.path), peer_(peer) {}
  int Run();

 private:
  // Prints what waits, with ACLs.
  client::Error Flush();
  client::Error Deliver(const std::vector<ExportNode>& nodes);
  WalkStep Take(WalkedNode& node);
  int Finish();

  Environment& env_;
  client::BlockingClient& client_;
  const ExportOptions& o_;
  const std::string root_;
  ZooKeeperPeer* const peer_;
  absl::Status peer_failed_;
  ZooKeeperPeer::Written written_;
  Witness witness_;
  std::vector<WalkedNode> batch_;
  client::Error failed_;  // with the path
  std::string failed_path_;
  ExportEnd end_;
  bool reread_ = false;  // a node was another one when its ACL was read
  std::unique_ptr<Progress> progress_;
};

client::Error Exporter::Flush() {
  if (batch_.empty()) return {};
  std::vector<client::ReadOperation> reads;
  for (const WalkedNode& node : batch_) reads.push_back(client::ReadOperation::GetAcl(node.path));
  auto found = client_.MultiRead(std::move(reads), kStrength);
  if (!found.ok()) return found.error();
  std::vector<ExportNode> nodes;
  for (size_t i = 0; i < batch_.size() && i < found->results.size(); ++i) {
    const client::ReadResult& result = found->results[i];
    if (result.error == client::ErrorCode::kNoNode) {  // gone meanwhile
      reread_ = true;
      continue;
    }
    failed_path_ = batch_[i].path;
    if (result.error != client::ErrorCode::kOk) return {result.error, client::Effect::kNotDone, ""};
    reread_ = reread_ || !result.stat.has_value() || result.stat->aversion != batch_[i].stat.aversion ||
              result.stat->czxid != batch_[i].stat.czxid;
    ExportNode node;
    node.path = std::move(batch_[i].path);
    node.data = std::move(batch_[i].data);
    node.acl = result.acl;
    node.mode = result.mode;
    node.ttl = result.ttl;
    if (IsMasked(node.acl)) ++end_.masked;
    nodes.push_back(std::move(node));
  }
  batch_.clear();
  if (client::Error error = Deliver(nodes); !error.ok()) return error;
  end_.nodes += nodes.size();
  progress_->Set(end_.nodes);
  return {};
}

client::Error Exporter::Deliver(const std::vector<ExportNode>& nodes) {
  if (peer_ == nullptr) {
    for (const ExportNode& node : nodes) env_.io.out << ExportText(node) << "\n";
    return {};
  }
  for (const ExportNode& node : nodes) {
    if (!IsMasked(node.acl)) continue;
    peer_failed_ = absl::PermissionDeniedError(
        absl::StrCat(node.path, ": its ACL is not shown in full; act for somebody with ADMIN on it (--auth)"));
  }
  if (peer_failed_.ok()) {
    auto written = peer_->Write(nodes, o_.on_existing);
    if (written.ok()) {
      written_.created += written->created;
      written_.kept += written->kept;
      written_.set += written->set;
      return {};
    }
    peer_failed_ = written.status();
  }
  return {client::ErrorCode::kInternal, client::Effect::kNotDone, ""};  // said by peer_failed_
}

WalkStep Exporter::Take(WalkedNode& node) {
  failed_path_ = node.path;
  // The ensemble's own: it is there already wherever this is imported, and the usage of quotas is not data.
  if (root_ == "/" && node.path == "/zookeeper") return WalkStep::kSkipChildren;
  if (node.denied) {
    failed_ = {client::ErrorCode::kNoAuth, client::Effect::kNotDone, ""};
    return WalkStep::kStop;
  }
  if (node.stat.ephemeral_owner != 0) {
    ++end_.ephemerals;
    witness_.KnowEphemeral(node.path);
    return WalkStep::kSkipChildren;  // it has none
  }
  batch_.push_back(std::move(node));
  node.path = batch_.back().path;  // the walk goes on below it
  if (batch_.size() < kBatch) return WalkStep::kGoOn;
  failed_ = Flush();
  return failed_.ok() ? WalkStep::kGoOn : WalkStep::kStop;
}

int Exporter::Finish() {
  auto now = client_.Sync(root_);
  if (!now.ok()) return env_.Fail(now.error(), root_);
  end_.consistent = !reread_ && witness_.Unchanged(*now, env_.settings.timeout);
  witness_.Stop();
  progress_->Wipe();
  if (peer_ == nullptr) {
    env_.io.out << ExportText(end_) << std::endl;
  } else {
    env_.io.out << "Copied " << root_ << " into " << o_.zookeeper << ": " << Grouped(written_.created) << " created, "
                << Grouped(written_.kept) << " kept, " << Grouped(written_.set) << " set" << std::endl;
  }
  if (end_.ephemerals > 0) env_.Notice(absl::StrCat(end_.ephemerals, " ephemeral nodes were left out"));
  if (!end_.consistent)
    env_.Notice(
        "the subtree changed while it was read: this is not how it was at one moment; what did not change is exact");
  if (end_.masked == 0) return kExitOk;
  return env_.Refuse(absl::StrCat("the ACLs of ", end_.masked,
                                  " nodes were not shown in full and cannot be imported; export as somebody with ADMIN "
                                  "on them (--auth)"));
}

int Exporter::Run() {
  auto below = client_.CountDescendants(root_, kStrength);
  if (!below.ok()) return env_.Fail(below.error(), root_);
  if (!witness_.Start(env_, root_)) {
    return env_.Fail({client::ErrorCode::kUnavailable, client::Effect::kNotDone, "no server follows the subtree"},
                     root_);
  }
  progress_ = std::make_unique<Progress>(env_.ProgressStream(), "export " + root_, below->count + 1);
  if (peer_ == nullptr) env_.io.out << ExportText(ExportHead{root_}) << "\n";
  failed_path_ = root_;
  client::Error error = Walk(client_, root_, {kStrength, true}, [this](WalkedNode& node) { return Take(node); });
  if (error.ok()) error = failed_;
  if (error.ok()) error = Flush();
  if (error.ok()) return Finish();
  progress_->Wipe();
  const int code = peer_failed_.ok() ? env_.Fail(error, failed_path_) : env_.Fail(peer_failed_);
  env_.Notice(peer_ == nullptr ? "the export is not complete: it has no end line"
                               : "the copy is not complete; the same command with --on-existing keep goes on");
  return code;
}

}  // namespace

void AddExport(CLI::App& app, Environment& env, Run& run) {
  auto o = std::make_shared<ExportOptions>();
  CLI::App* verb = app.add_subcommand("export", "Print a node and all below it as JSON lines, for import");
  verb->add_option("PATH", o->path, "The root; / leaves /zookeeper out")->required();
  auto* zookeeper = verb->add_option("--to-zookeeper", o->zookeeper,
                                     "Create the nodes in the live ensemble of these ZooKeeper servers (host:port,...) "
                                     "instead");
  verb->add_option("--zookeeper-auth", o->zookeeper_auth, "SCHEME:CREDENTIAL to write ZooKeeper with; may be repeated")
      ->needs(zookeeper);
  verb->add_option("--on-existing", o->on_existing,
                   "What to do with nodes that are there: fail (the default), keep them, or set their data and ACL")
      ->needs(zookeeper)
      ->transform(OneOf<client::OnExisting>({{"fail", client::OnExisting::kFail},
                                             {"keep", client::OnExisting::kKeep},
                                             {"set", client::OnExisting::kSet}}));
  verb->footer(
      "A head, a line per node (path, data, acl, mode), parents first, and an end, which says whether the whole is "
      "how\n"
      "it was at one moment. Ephemeral nodes are left out and counted. It takes READ on everything, and ADMIN to see\n"
      "hashes in ACLs.\n"
      "Examples:\n  synod export /app > app.jsonl\n  synod export / | gzip > tree.jsonl.gz\n"
      "  synod export / --to-zookeeper zk1:2181,zk2:2181,zk3:2181");
  verb->callback([o, &env, &run] {
    run = [o, &env] {
      std::unique_ptr<ZooKeeperPeer> peer;
      if (!o->zookeeper.empty()) {
        auto connected = ZooKeeperPeer::Connect(o->zookeeper, o->zookeeper_auth, env.settings.timeout);
        if (!connected.ok()) return env.Fail(connected.status());
        peer = *std::move(connected);
      }
      client::BlockingClient* client = env.Reader();
      return client == nullptr ? kExitUsage : Exporter(env, *client, *o, peer.get()).Run();
    };
  });
}

}  // namespace synod::cli
